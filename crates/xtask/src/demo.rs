//! `cargo xtask demo`: a change travels from a push to production; the next one is held at the gate.
//!
//! A temporary monorepo with real commits, a small real service as "the deployment", a receiver for
//! the messages, and the five binaries, run as a workflow would run them.

mod monorepo;
mod page;
mod pipeline;
mod service;

use std::{process::ExitCode, time::Instant};

use anyhow::ensure;

use self::{
    monorepo::Monorepo,
    pipeline::{Pipeline, Step},
    service::Service,
};
use crate::workspace;

pub(crate) fn run() -> anyhow::Result<ExitCode> {
    let binaries = workspace::build()?;
    let started = Instant::now();
    let output = workspace::target().join("demo");
    if output.exists() {
        std::fs::remove_dir_all(&output)?;
    }
    std::fs::create_dir_all(&output)?;
    let shop = Monorepo::create()?;
    let service = Service::start()?;

    let mut first = Pipeline::new("A backend change goes to production", &binaries, &shop, &service);
    let version = shop.commit(
        "Give the backend a second version",
        &[
            ("services/backend/main.py", "VERSION = 2\n"),
            ("reports/scan.sarif", include_str!("../shop/scan-clean.sarif")),
        ],
    )?;
    first.deliver(&version, 0)?;
    shop.commit("Deploy the backend", &[])?;

    let mut second =
        Pipeline::new("A change of the library is rejected at the gate", &binaries, &shop, &service);
    let version = shop.commit(
        "Add money faster",
        &[
            ("libs/shared/money.py", "def add(a, b): return eval(f'{a} + {b}')\n"),
            ("reports/scan.sarif", include_str!("../shop/scan-critical.sarif")),
        ],
    )?;
    second.deliver(&version, 1)?;

    let took = started.elapsed();
    page::write(&output, &[&first, &second], &service.messages())?;
    println!("\nThe page to look at:  target/demo/index.html");
    println!("Job summaries:        target/demo/run-1.md, target/demo/run-2.md");
    println!("Messages received:    target/demo/messages/ ({} of them)", service.messages().len());
    println!("Time, once built:     {:.2} s", took.as_secs_f64());

    for pipeline in [&first, &second] {
        pipeline.check()?;
    }
    let messages = service.messages();
    ensure!(messages.len() == 4, "each run tells two channels, but {} messages came", messages.len());
    println!("\nBoth runs went as they must.");
    Ok(ExitCode::SUCCESS)
}

impl Pipeline<'_> {
    /// One delivery, as a workflow would do it. `gate` is the exit code that the gate must give; what
    /// comes after a gate that says no is not run, but the message.
    fn deliver(&mut self, version: &str, gate: i32) -> anyhow::Result<()> {
        let image = format!("{}:{version}", monorepo::IMAGE);
        let overlays = |environments: &str| {
            Step::of("bump-image-tag").with("image", &image).with("environment", environments)
        };
        println!("\n{}", self.title);
        self.step(&Step::of("detect-changes"))?;
        self.step(&overlays("dev,staging"))?;
        self.step(
            &Step::of("gate-approval")
                .with("environment", "production")
                .with("confirm", "DEPLOY TO PRODUCTION")
                .with("image", &image)
                .must_exit(gate),
        )?;
        if gate == 0 {
            self.step(&overlays("production"))?;
            self.service.deploy(version);
            self.shop.expect_version(version)?;
            self.step(
                &Step::of("smoke-test")
                    .with("environment", "production")
                    .with("base-url", &self.service.url("")),
            )?;
        } else {
            ensure!(
                !self.shop.overlay("production")?.contains(version),
                "the gate said no, but production's overlay has the new tag"
            );
        }
        self.step(&Step::of("notify").with("environment", "production"))
    }
}
