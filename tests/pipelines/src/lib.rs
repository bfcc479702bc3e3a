//! Workflows, run as GitHub runs them.
//!
//! A test prepares repositories in the stand-in for GitHub, lets an [`Event`] happen, and looks at the [`Run`]s that it
//! started: [`Runner::on`]. The workflows come from the commit of the event, those that they call from this project, and
//! so do the actions: their `action.yml` is obeyed, and the binary that `SLUICE_BIN_DIR` holds runs in the image's place.
//!
//! What a workflow says is read and evaluated by GitHub's own parser and evaluator; `harness/pipeline.mjs` is where to
//! read on. What it does not support is an error. What no test can run here is linted only: attestations, Scorecard, and
//! the protection of environments (its reviewers and timers are GitHub's own).
#![allow(clippy::panic, clippy::unwrap_used, clippy::missing_panics_doc, reason = "this is a crate of tests")]

mod event;
mod example;
mod harness;
mod run;
mod runner;
mod trace;

pub use self::{
    event::Event,
    example::{Replacements, check, example, reusable},
    run::{Job, Run, Step},
    runner::Runner,
};
