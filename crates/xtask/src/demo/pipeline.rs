//! One run of a workflow: its steps as processes, with the environment that the runner gives.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};
use sluice_runner::Files;

use super::{monorepo::Monorepo, service::Service};
use crate::workspace;

/// One step: an action and its inputs.
pub(crate) struct Step {
    action: &'static str,
    inputs: Vec<(&'static str, String)>,
    exit: i32,
}

impl Step {
    pub(crate) fn of(action: &'static str) -> Self {
        Self { action, inputs: Vec::new(), exit: 0 }
    }

    pub(crate) fn with(mut self, input: &'static str, value: &str) -> Self {
        self.inputs.push((input, value.to_owned()));
        self
    }

    pub(crate) fn must_exit(mut self, code: i32) -> Self {
        self.exit = code;
        self
    }
}

/// What a step did.
pub(crate) struct Done {
    pub(crate) action: &'static str,
    pub(crate) exit: Option<i32>,
    pub(crate) must_exit: i32,
    pub(crate) took: Duration,
    pub(crate) report: Value,
}

impl Done {
    fn is_as_it_must_be(&self) -> bool {
        self.exit == Some(self.must_exit)
    }
}

/// One run of a workflow.
pub(crate) struct Pipeline<'a> {
    pub(crate) title: &'static str,
    pub(crate) shop: &'a Monorepo,
    pub(crate) service: &'a Service,
    pub(crate) steps: Vec<Done>,
    pub(crate) summary: String,
    binaries: &'a Path,
}

impl<'a> Pipeline<'a> {
    pub(crate) fn new(
        title: &'static str,
        binaries: &'a Path,
        shop: &'a Monorepo,
        service: &'a Service,
    ) -> Self {
        Self { title, shop, service, steps: Vec::new(), summary: String::new(), binaries }
    }

    /// Runs one step as the runner does, and prints what it decided.
    pub(crate) fn step(&mut self, step: &Step) -> anyhow::Result<()> {
        let runner = Runner::prepare(self, step)?;
        let started = Instant::now();
        let output = Command::new(self.binaries.join(step.action))
            .env_clear()
            .envs(runner.variables)
            .current_dir(self.shop.path())
            .output()
            .with_context(|| format!("could not start {}", step.action))?;
        let took = started.elapsed();
        self.summary.push_str(&std::fs::read_to_string(&runner.summary).unwrap_or_default());
        let report = last_report(&runner.temporary)?;
        let done =
            Done { action: step.action, exit: output.status.code(), must_exit: step.exit, took, report };
        print(&done);
        if !done.is_as_it_must_be() {
            print!("{}", String::from_utf8_lossy(&output.stderr));
            print!("{}", String::from_utf8_lossy(&output.stdout));
        }
        self.steps.push(done);
        Ok(())
    }

    /// An error that names the first step that did not end as it must.
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        for done in &self.steps {
            ensure!(
                done.is_as_it_must_be(),
                "{}: {} ended with exit code {:?}, and must end with {}",
                self.title,
                done.action,
                done.exit,
                done.must_exit
            );
        }
        Ok(())
    }
}

/// What the runner lays out for a step: files to write to, variables to read.
struct Runner {
    variables: BTreeMap<String, String>,
    summary: PathBuf,
    temporary: PathBuf,
}

impl Runner {
    fn prepare(pipeline: &Pipeline<'_>, step: &Step) -> anyhow::Result<Self> {
        let run = pipeline.shop.revision("HEAD")?;
        let before = pipeline.shop.revision("HEAD~1")?;
        // Inside .git, so that what the runner lays out is no part of the tree.
        let temporary = pipeline.shop.path().join(".git/runner").join(&run);
        std::fs::create_dir_all(&temporary)?;
        let file = |name: &str| temporary.join(format!("{}-{name}", pipeline.steps.len()));
        let path = |path: &Path| path.to_string_lossy().into_owned();
        let summary = file("summary.md");
        let files = Files {
            event: path(&file("event.json")),
            output: path(&file("output")),
            summary: path(&summary),
            temporary: path(&temporary),
        };
        let payload = json!({"before": before, "after": run, "ref": "refs/heads/main", "repository": {"default_branch": "main"}});
        std::fs::write(&files.event, payload.to_string())?;
        let mut variables = sluice_runner::variables("push", &files, &action_yml(step.action)?);
        for (name, value) in &step.inputs {
            let declared = variables.get_mut(&sluice_runner::input(name));
            value.clone_into(declared.with_context(|| format!("{} has no input {name}", step.action))?);
        }
        let more = [
            ("GITHUB_REF", "refs/heads/main"),
            ("GITHUB_REF_NAME", "main"),
            ("GITHUB_SHA", &run),
            ("GITHUB_WORKSPACE", &path(pipeline.shop.path())),
            ("SLACK_WEBHOOK_URL", &pipeline.service.url("/slack/services/T000/B000/XXXX")),
            ("AUDIT_WEBHOOK_URL", &pipeline.service.url("/audit")),
            ("AUDIT_WEBHOOK_KEY", "a-key-of-the-demo"),
        ];
        variables.extend(more.map(|(name, value)| (name.to_owned(), value.to_owned())));
        Ok(Self { variables, summary, temporary })
    }
}

fn action_yml(action: &str) -> anyhow::Result<String> {
    let file = workspace::root().join("actions").join(action).join("action.yml");
    std::fs::read_to_string(&file).with_context(|| file.display().to_string())
}

/// The report of the step that ran last.
fn last_report(temporary: &Path) -> anyhow::Result<Value> {
    let folder = temporary.join("sluice");
    let mut files: Vec<PathBuf> = folder
        .read_dir()
        .with_context(|| "the step left no report")?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    files.retain(|file| file.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    let last = files.last().context("the step left no report")?;
    Ok(serde_json::from_slice(&std::fs::read(last)?)?)
}

fn print(done: &Done) {
    let word = |name: &str| done.report[name].as_str().unwrap_or_default().to_owned();
    println!(
        "  {} {:<15} {:>6.0} ms  {}",
        sign(&word("verdict")),
        done.action,
        done.took.as_secs_f64() * 1000.0,
        word("title")
    );
    let findings = done.report["findings"].as_array().map_or(&[][..], Vec::as_slice);
    for finding in findings {
        let text = |name: &str| finding[name].as_str().unwrap_or_default().to_owned();
        println!("      {} {}: {}", sign(&text("verdict")), text("subject"), text("reason"));
    }
}

/// The sign of a verdict.
pub(crate) fn sign(verdict: &str) -> &'static str {
    match verdict {
        "passed" => "✓",
        "skipped" => "–",
        "pending" => "…",
        "undecided" => "?",
        _ => "✗",
    }
}
