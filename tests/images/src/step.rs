//! A step that runs an image, by the very command of the runner.
//!
//! <https://github.com/actions/runner/blob/main/src/Runner.Worker/Container/DockerCommandManager.cs>

use std::{
    collections::BTreeMap,
    fs,
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
};

use sluice_runner::Files;

use crate::{Job, succeeds};

/// A step that is about to run.
#[must_use]
pub struct Step<'a> {
    job: &'a Job,
    action: String,
    variables: BTreeMap<String, String>,
    options: Vec<String>,
}

/// A step that runs.
#[must_use]
pub struct Running<'a> {
    job: &'a Job,
    name: String,
    process: Child,
}

/// What a step left.
#[derive(Debug)]
pub struct Outcome {
    code: Option<i32>,
    said: String,
    output: String,
    summary: String,
}

/// The folders that the runner mounts.
const MOUNTS: [&str; 4] = ["runner_temp", "home", "workflow", "file_commands"];

impl<'a> Step<'a> {
    pub(crate) fn new(job: &'a Job, action: &str) -> Self {
        let files = Files {
            event: "/github/workflow/event.json".to_owned(),
            output: "/github/file_commands/output".to_owned(),
            summary: "/github/file_commands/summary".to_owned(),
            temporary: "/github/runner_temp".to_owned(),
        };
        let action_yml = job.registry.written(&format!("actions/{action}/action.yml"));
        let mut variables = sluice_runner::variables("workflow_dispatch", &files, &action_yml);
        for (name, value) in
            [("CI", "true"), ("GITHUB_WORKSPACE", "/github/workspace"), ("HOME", "/github/home")]
        {
            variables.insert(name.to_owned(), value.to_owned());
        }
        Self { job, action: action.to_owned(), variables, options: Vec::new() }
    }

    /// An input. Its name keeps its hyphens.
    pub fn input(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(sluice_runner::input(name), value.to_owned());
        self
    }

    /// Takes a variable of the environment away.
    pub fn without(mut self, name: &str) -> Self {
        self.variables.remove(name);
        self
    }

    /// An option of `docker run` that the runner does not give.
    pub fn option(mut self, option: &str) -> Self {
        self.options.push(option.to_owned());
        self
    }

    /// A variable of the environment that the step's `env:` sets.
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Runs it to its end.
    pub fn ends(self) -> Outcome {
        self.starts().ends()
    }

    /// Starts it.
    pub fn starts(self) -> Running<'a> {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("sluice-{}-{count}", std::process::id());
        let mut docker = Command::new("docker");
        docker.args(["run", "--workdir", "/github/workspace", "--rm", "--network", "host", "--name", &name]);
        for (name, value) in &self.variables {
            docker.args(["-e", name]).env(name, value);
        }
        for folder in MOUNTS {
            docker.arg("-v").arg(format!("{}:/github/{folder}", self.job.path(folder).display()));
        }
        docker.arg("-v").arg(format!("{}:/github/workspace", self.job.workspace.path().display()));
        // What the client itself needs is not meant for the container.
        docker.args(&self.options).arg(self.job.registry.image(&self.action));
        let process = docker.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        Running { job: self.job, name, process }
    }
}

impl Running<'_> {
    /// Does what the runner does to a step whose job is cancelled, with half the patience: SIGTERM to the process, which
    /// is the container's first and so has no default for it, and SIGKILL after 5 s.
    pub fn is_stopped(self) -> Outcome {
        succeeds(Command::new("docker").args(["stop", "--time", "5", &self.name]));
        self.ends()
    }

    /// Waits for its end.
    pub fn ends(self) -> Outcome {
        let told = self.process.wait_with_output().unwrap();
        let read = |file: &str| fs::read_to_string(self.job.path(file)).unwrap();
        Outcome {
            code: told.status.code(),
            said: [told.stdout, told.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat(),
            output: read("file_commands/output"),
            summary: read("file_commands/summary"),
        }
    }
}

impl Outcome {
    /// Asserts the exit code.
    #[track_caller]
    pub fn exits(&self, code: i32) -> &Self {
        assert_eq!(self.code, Some(code), "{self:#?}");
        self
    }

    /// Asserts that the runner gets this output.
    #[track_caller]
    pub fn has_output(&self, name: &str) -> &Self {
        assert!(self.output.lines().any(|line| line.starts_with(&format!("{name}<<"))), "{self:#?}");
        self
    }

    /// Asserts that this stands in the job's summary.
    #[track_caller]
    pub fn sums_up(&self, text: &str) -> &Self {
        assert!(self.summary.contains(text), "{self:#?}");
        self
    }

    /// Asserts that this stands in the log.
    #[track_caller]
    pub fn says(&self, text: &str) -> &Self {
        assert!(self.said.contains(text), "{self:#?}");
        self
    }
}
