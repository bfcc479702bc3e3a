//! `cargo xtask bench`: the release binaries as they are shipped: size, start, memory, and speed beside git.

mod detect_changes;
mod measure;
mod repository;
mod smoke_test;
mod start;
mod table;

use std::{
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

pub(crate) use self::measure::Measure;
use self::{measure::Taken, table::Table};
use crate::workspace::{ACTIONS, MUSL, cargo, check, target};

/// What to measure
#[derive(clap::Args)]
pub(crate) struct Bench {
    /// The action whose speed is measured. Default: how large each action is, and how it starts
    action: Option<Measured>,
}

/// An action with a benchmark of its own.
#[derive(Clone, Copy, clap::ValueEnum)]
enum Measured {
    /// Its comparison of trees, beside that of git.
    DetectChanges,
    /// Its checks on loopback, beside Hurl.
    SmokeTest,
}

impl Bench {
    /// Fails where something does not hold that must.
    pub(crate) fn run(&self) -> anyhow::Result<ExitCode> {
        let binaries = build()?;
        let table = match self.action {
            None => start::measure(&binaries)?,
            Some(Measured::DetectChanges) => detect_changes::measure(&binaries)?,
            Some(Measured::SmokeTest) => smoke_test::measure(&binaries)?,
        };
        print!("{table}");
        Ok(if table.holds() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

/// Builds the binaries as they are shipped: for musl, linking nothing of this system.
fn build() -> anyhow::Result<PathBuf> {
    let installed = Command::new("rustup").args(["target", "list", "--installed"]).output()?;
    if !String::from_utf8_lossy(&installed.stdout).lines().any(|line| line == MUSL) {
        check(Command::new("rustup").args(["target", "add", MUSL]))?;
    }
    let mut build =
        cargo(["build", "--quiet", "--locked", "--release", "--workspace", "--bins", "--target", MUSL]);
    // The cryptography in C needs no C library of its own: this machine's compiler serves.
    check(build.env("CC_x86_64_unknown_linux_musl", "cc"))?;
    lay_out(&target().join(MUSL).join("release"))
}

/// Copies the binaries, as a download or a layer of an image lays them out. The linker writes a file here and there,
/// in single pages of the cache: a run from such a file takes up to a third more time.
fn lay_out(built: &Path) -> anyhow::Result<PathBuf> {
    let folder = target().join("bench").join("binaries");
    std::fs::create_dir_all(&folder)?;
    for action in ACTIONS {
        let copy = folder.join(action);
        // A file that is written over keeps its pages.
        if copy.exists() {
            std::fs::remove_file(&copy)?;
        }
        std::fs::copy(built.join(action), copy)?;
    }
    Ok(folder)
}

/// A git command that no configuration but the repository's own changes.
fn git(folder: &Path) -> Command {
    let mut git = Command::new("git");
    git.current_dir(folder).env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
    git
}

/// What must hold of a measured run.
struct Must {
    words: String,
    holds: bool,
}

impl Must {
    /// At most this part of the time that another run takes.
    fn of_git(ours: &Taken, git: &Taken, most: f64) -> Self {
        Self { words: format!("≤ {most:.2} of git"), holds: ours.median <= most * git.median }
    }

    /// Less than these milliseconds.
    fn milliseconds(ours: &Taken, limit: u32) -> Self {
        Self { words: format!("< {limit} ms"), holds: ours.median < f64::from(limit) }
    }

    /// Less than these megabytes.
    fn megabytes(ours: &Taken, limit: u32) -> Self {
        Self { words: format!("< {limit} MB"), holds: ours.megabytes < f64::from(limit) }
    }
}
