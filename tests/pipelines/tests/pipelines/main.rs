//! Workflows, run as GitHub runs them.
#![allow(clippy::panic, clippy::unwrap_used, reason = "these are tests")]

mod build_once;
mod registry;
mod semantics;
