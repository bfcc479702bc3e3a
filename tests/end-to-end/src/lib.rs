//! The built binaries, run as the runner and as people run them.
//!
//! A test reads as a sentence: make a [`Repository`], [`Run`] an action in it, look at the
//! [`Outcome`]. The binaries are found in the folder that `SLUICE_BIN_DIR` names, which
//! `cargo xtask test` sets; without it a test fails, so that no old binary is ever tested.
#![allow(clippy::panic, clippy::unwrap_used, clippy::missing_panics_doc, reason = "this is a crate of tests")]

mod outcome;
mod repository;
mod run;
mod server;
mod service;

pub use self::{
    outcome::Outcome,
    repository::Repository,
    run::{Run, Running, binary},
    server::{Received, Server},
    service::{Authority, Service},
};
