//! The chores of the project: `cargo xtask demo | test | generate | bench | image | release`.
//!
//! It depends on no action: it builds them, and runs them as processes.
#![expect(clippy::print_stdout, reason = "a chore talks to the terminal that it was started from")]

mod bench;
mod demo;
mod ship;
mod test;
mod tool;
mod workspace;

use std::process::ExitCode;

use clap::Parser;

/// The chores of the project
#[derive(Parser)]
#[command(name = "cargo xtask")]
enum Chore {
    /// Shows a change that travels from a push to production, and one that the gate rejects
    Demo,
    /// Sets up what the tests need, and runs all of them
    Test,
    /// Writes what is generated from the types: action.yml, tables, schemas
    Generate {
        /// Write nothing, and fail where a file differs
        #[arg(long)]
        check: bool,
    },
    /// Measures the release binaries: size, start, memory, and speed beside git
    Bench(bench::Bench),
    /// Builds static binaries and images of them for every platform, and tells the sizes
    Image(ship::Image),
    /// Pushes the images, writes their digests into action.yml, and packs the bare binaries
    Release(ship::Release),
    /// Runs a command and prints what it took, as JSON
    #[command(hide = true)]
    Measure(bench::Measure),
}

fn main() -> anyhow::Result<ExitCode> {
    match Chore::parse() {
        Chore::Demo => demo::run(),
        Chore::Test => test::run(),
        Chore::Generate { check } => workspace::cargo(["run", "--quiet", "--bin", "sluice-generate", "--"])
            .args(check.then_some("--check"))
            .status()
            .map(|status| if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
            .map_err(Into::into),
        Chore::Bench(bench) => bench.run(),
        Chore::Image(image) => image.run(),
        Chore::Release(release) => release.run(),
        Chore::Measure(measure) => measure.run(),
    }
}
