//! `cargo xtask test`: sets up what the tests need, then runs all of them.

mod engine;
mod setup;

use std::{
    process::{Command, ExitCode},
    time::Instant,
};

use self::setup::{Exchanges, Tools};
use crate::{
    ship,
    workspace::{self, cargo},
};

/// Every check that a change must pass, in the order in which a mistake shows soonest.
pub(crate) fn run() -> anyhow::Result<ExitCode> {
    let started = Instant::now();
    heading("set-up");
    let tools = Tools::set_up()?;
    for missing in &tools.missing {
        println!("not there: {missing}");
    }
    let exchanges = Exchanges::below(&workspace::target());
    exchanges.forget()?;
    for (name, mut command) in checks(&tools, &exchanges) {
        heading(name);
        let step = Instant::now();
        workspace::check(&mut command)?;
        println!("{name}: {:.0} s", step.elapsed().as_secs_f64());
    }
    println!("\nAll checks passed in {:.0} s.", started.elapsed().as_secs_f64());
    for missing in &tools.missing {
        println!("NOT checked, because it is not there: {missing}");
    }
    Ok(ExitCode::SUCCESS)
}

fn checks(tools: &Tools, exchanges: &Exchanges) -> Vec<(&'static str, Command)> {
    let (images, write_images) = ship::images_of_tests();
    let mut tests = cargo(["test", "--quiet", "--locked", "--workspace"]);
    tests.env("SLUICE_IMAGES", images);
    let mut checks = vec![
        ("formatting", cargo(["fmt", "--all", "--check"])),
        (
            "lints",
            cargo([
                "clippy",
                "--quiet",
                "--locked",
                "--workspace",
                "--all-targets",
                "--",
                "--deny",
                "warnings",
            ]),
        ),
        ("build", cargo(["build", "--quiet", "--locked", "--workspace", "--all-targets"])),
        ("generated files", generated()),
        ("images", write_images),
        ("tests", tools.with_engine(recording(with_binaries(tests), exchanges))),
        ("documentation", documentation()),
    ];
    checks.extend(tools.judges(exchanges));
    checks.extend(tools.linters());
    checks
}

/// What the step before built: `cargo run` would build half of it again, with the features that no test asks for.
fn generated() -> Command {
    let mut command = Command::new(workspace::target().join("debug/sluice-generate"));
    command.arg("--check").current_dir(workspace::root());
    command
}

/// End-to-end tests run the binaries of this folder.
fn with_binaries(mut command: Command) -> Command {
    command.env("SLUICE_BIN_DIR", workspace::target().join("debug"));
    command
}

/// The stand-ins for GitHub and Kubernetes record in these folders what is said to them and by them.
fn recording(mut command: Command, exchanges: &Exchanges) -> Command {
    command.env("SLUICE_GITHUB_EXCHANGES", &exchanges.github);
    command.env("SLUICE_KUBERNETES_EXCHANGES", &exchanges.kubernetes);
    command
}

fn documentation() -> Command {
    let mut command =
        cargo(["doc", "--quiet", "--locked", "--workspace", "--no-deps", "--document-private-items"]);
    command.env("RUSTDOCFLAGS", "--deny warnings");
    command
}

fn heading(name: &str) {
    println!("\n── {name} {}", "─".repeat(60_usize.saturating_sub(name.len())));
}
