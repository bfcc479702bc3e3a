//! One run of a workflow: its steps as processes, with the environment that the runner gives.

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};

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
    variables: Vec<(String, String)>,
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
        let (summary, output, event) = (file("summary.md"), file("output"), file("event.json"));
        let payload = json!({"before": before, "after": run, "ref": "refs/heads/main", "repository": {"default_branch": "main"}});
        std::fs::write(&event, payload.to_string())?;

        let mut variables: Vec<(String, String)> = [
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_ACTOR", "octocat"),
            ("GITHUB_EVENT_NAME", "push"),
            ("GITHUB_REF", "refs/heads/main"),
            ("GITHUB_REF_NAME", "main"),
            ("GITHUB_REPOSITORY", "acme/shop"),
            ("GITHUB_RUN_ATTEMPT", "1"),
            ("GITHUB_RUN_ID", "42"),
            ("GITHUB_SERVER_URL", "https://github.com"),
            ("GITHUB_SHA", &run),
            ("GITHUB_WORKFLOW", "deliver"),
            ("GITHUB_EVENT_PATH", &event.to_string_lossy()),
            ("GITHUB_OUTPUT", &output.to_string_lossy()),
            ("GITHUB_STEP_SUMMARY", &summary.to_string_lossy()),
            ("GITHUB_WORKSPACE", &pipeline.shop.path().to_string_lossy()),
            ("RUNNER_TEMP", &temporary.to_string_lossy()),
            ("SLACK_WEBHOOK_URL", &pipeline.service.url("/slack/services/T000/B000/XXXX")),
            ("AUDIT_WEBHOOK_URL", &pipeline.service.url("/audit")),
            ("AUDIT_WEBHOOK_KEY", "a-key-of-the-demo"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        // The runner hands every declared input over; one that was not given is empty.
        for input in declared_inputs(step.action)? {
            let value = step.inputs.iter().find(|(name, _)| *name == input).map_or("", |(_, value)| value);
            variables.push((format!("INPUT_{}", input.to_uppercase()), value.to_owned()));
        }
        for (name, _) in &step.inputs {
            ensure!(
                variables.iter().any(|(variable, _)| *variable == format!("INPUT_{}", name.to_uppercase())),
                "{} has no input {name}",
                step.action
            );
        }
        Ok(Self { variables, summary, temporary })
    }
}

/// The names of the inputs that `action.yml` declares.
fn declared_inputs(action: &str) -> anyhow::Result<Vec<String>> {
    let file = workspace::root().join("actions").join(action).join("action.yml");
    let text = std::fs::read_to_string(&file).with_context(|| file.display().to_string())?;
    let inputs = text.lines().skip_while(|line| *line != "inputs:").skip(1);
    Ok(inputs
        .take_while(|line| line.starts_with(' '))
        .filter_map(|line| line.strip_prefix("  ")?.strip_suffix(':').filter(|name| !name.starts_with(' ')))
        .map(str::to_owned)
        .collect())
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
