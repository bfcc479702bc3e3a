//! `cargo xtask bench`: the release binaries as they are shipped: size, start, memory, and speed beside git.

mod backup;
mod bump_image_tag;
mod detect_changes;
mod loopback;
mod measure;
mod notify;
mod repository;
mod rollout;
mod smoke_test;
mod start;
mod table;

use std::{
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

pub(crate) use self::measure::Measure;
use self::{measure::Taken, table::Table};
use crate::{
    ship::AMD64,
    workspace::{ACTIONS, target},
};

/// What to measure
#[derive(clap::Args)]
pub(crate) struct Bench {
    /// The action whose speed is measured. Default: how large each action is, and how it starts
    action: Option<Measured>,
}

/// An action with a benchmark of its own.
#[derive(Clone, Copy, clap::ValueEnum)]
enum Measured {
    /// Its export of a namespace on loopback, and how much of the server's time it spends side by side.
    Backup,
    /// Its search for an image in many files, beside that of grep.
    BumpImageTag,
    /// Its comparison of trees, beside that of git.
    DetectChanges,
    /// Its message to Slack on loopback.
    Notify,
    /// Its looks at a cluster on loopback, and 200 workloads at once.
    Rollout,
    /// Its checks on loopback, beside Hurl.
    SmokeTest,
}

impl Measured {
    const fn name(self) -> &'static str {
        match self {
            Self::Backup => "backup",
            Self::BumpImageTag => "bump-image-tag",
            Self::DetectChanges => "detect-changes",
            Self::Notify => "notify",
            Self::Rollout => "rollout",
            Self::SmokeTest => "smoke-test",
        }
    }
}

impl Bench {
    /// Fails where something does not hold that must.
    pub(crate) fn run(&self) -> anyhow::Result<ExitCode> {
        let binaries = build(self.action)?;
        let table = match self.action {
            None => start::measure(&binaries)?,
            Some(Measured::Backup) => backup::measure(&binaries)?,
            Some(Measured::BumpImageTag) => bump_image_tag::measure(&binaries)?,
            Some(Measured::DetectChanges) => detect_changes::measure(&binaries)?,
            Some(Measured::Notify) => notify::measure(&binaries)?,
            Some(Measured::Rollout) => rollout::measure(&binaries)?,
            Some(Measured::SmokeTest) => smoke_test::measure(&binaries)?,
        };
        print!("{table}");
        Ok(if table.holds() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

/// Builds the binaries that are measured as they are shipped.
fn build(action: Option<Measured>) -> anyhow::Result<PathBuf> {
    let actions = action.map_or_else(|| ACTIONS.to_vec(), |action| vec![action.name()]);
    lay_out(&AMD64.build(&actions)?, &actions)
}

/// Copies the binaries, as a download or a layer of an image lays them out. The linker writes a file here and there,
/// in single pages of the cache: a run from such a file takes up to a third more time.
fn lay_out(built: &Path, actions: &[&str]) -> anyhow::Result<PathBuf> {
    let folder = target().join("bench").join("binaries");
    std::fs::create_dir_all(&folder)?;
    for action in actions {
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

    /// At most so many times the time that another run takes.
    fn times(ours: &Taken, other: &Taken, most: f64, name: &str) -> Self {
        Self { words: format!("≤ {most:.0} times {name}"), holds: ours.median <= most * other.median }
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
