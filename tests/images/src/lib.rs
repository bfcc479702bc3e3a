//! The images, run by a Docker engine as the runner runs them.
//!
//! A test makes a [`Job`] with a workspace that is not root's, [`Job::step`] runs an action in it, and the test looks at
//! what it left. The images are those below `SLUICE_IMAGES`, pushed to a [`Registry`] of the tests' own and pulled from
//! there by digest, as a runner pulls them.
//!
//! `cargo xtask test` starts the engine and sets `DOCKER_HOST`. Where no engine answers, nothing is tested here and it
//! says so; on CI that is a failure.
#![allow(clippy::missing_panics_doc, reason = "this is a crate of tests")]
#![expect(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "this is a crate of tests")]

mod job;
mod registry;
mod step;

pub use self::{
    job::{Job, Owned},
    registry::Registry,
    step::{Outcome, Running, Step},
};

use std::{path::PathBuf, process::Command};

/// The folder that an environment variable of the tests names.
#[expect(clippy::disallowed_methods, reason = "the tests are told where things are")]
pub(crate) fn folder(variable: &str) -> PathBuf {
    let folder = std::env::var_os(variable)
        .unwrap_or_else(|| panic!("{variable} is not set: run the tests with `cargo xtask test`"));
    PathBuf::from(folder)
}

/// The folder of image layouts, one an action.
pub fn layouts() -> PathBuf {
    folder("SLUICE_IMAGES")
}

/// The actions that there are images of.
pub fn actions() -> Vec<String> {
    let folder = layouts().read_dir().unwrap();
    let mut names: Vec<String> =
        folder.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    assert!(!names.is_empty(), "there are no images");
    names
}

/// Whether a Docker engine answers. On CI it must.
#[expect(clippy::disallowed_methods, clippy::print_stderr, reason = "a test says what it does not test")]
pub fn engine_answers() -> bool {
    let answers = Command::new("docker").arg("version").output().is_ok_and(|told| told.status.success());
    if !answers {
        let on_ci = std::env::var("CI").is_ok_and(|value| value == "true");
        assert!(!on_ci, "no Docker engine answers: `cargo xtask test` starts one, as root");
        eprintln!("not tested: no Docker engine answers");
    }
    answers
}

/// Runs a command to its end, and tells what it printed.
pub(crate) fn succeeds(command: &mut Command) -> String {
    let told = command.output().unwrap();
    let error = String::from_utf8_lossy(&told.stderr);
    assert!(told.status.success(), "{command:?}: {error}");
    String::from_utf8(told.stdout).unwrap()
}
