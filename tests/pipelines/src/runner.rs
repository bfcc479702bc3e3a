//! What GitHub and its runners know: secrets, variables, what is installed.

use std::{
    collections::BTreeMap,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use serde_json::{Value, json};
use sluice_github_fake::{GitHub, Job as ToldJob, Repository, Run as ToldRun};

use crate::{Event, Run, harness};

/// Runs workflows.
pub struct Runner<'a> {
    github: &'a GitHub,
    secrets: BTreeMap<String, String>,
    variables: BTreeMap<String, String>,
    machine: BTreeMap<String, String>,
    aws: Option<String>,
    tools: tempfile::TempDir,
    ours: PathBuf,
    cancelled_when: Option<Condition>,
}

type Condition = Arc<dyn Fn() -> bool + Send + Sync>;

impl<'a> Runner<'a> {
    /// One that works for this GitHub, which from here on answers only to tokens that say what they may do.
    pub fn new(github: &'a GitHub) -> Self {
        github.require_grants();
        github.act_as("github-actions[bot]");
        Self {
            github,
            secrets: BTreeMap::new(),
            variables: BTreeMap::new(),
            machine: BTreeMap::new(),
            aws: None,
            tools: tempfile::tempdir().unwrap(),
            ours: harness::root(),
            cancelled_when: None,
        }
    }

    /// A secret of the repository.
    #[must_use]
    pub fn secret(mut self, name: &str, value: &str) -> Self {
        self.secrets.insert(name.to_owned(), value.to_owned());
        self
    }

    /// A variable of the repository, for the context `vars`.
    #[must_use]
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.to_owned(), value.to_owned());
        self
    }

    /// An environment variable of the machine, for steps that run in its shell.
    #[must_use]
    pub fn machine(mut self, name: &str, value: &str) -> Self {
        self.machine.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Where AWS is, for jobs that take a role.
    #[must_use]
    pub fn aws(mut self, endpoint: &str) -> Self {
        self.aws = Some(endpoint.to_owned());
        self
    }

    /// A program on the machine's `PATH`, as a script.
    #[must_use]
    pub fn tool(self, name: &str, script: &str) -> Self {
        let file = self.tools.path().join(name);
        std::fs::write(&file, script).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
        self
    }

    /// The folder that holds this project's reusable workflows and actions, instead of the project itself.
    #[must_use]
    pub fn ours(mut self, folder: &Path) -> Self {
        folder.clone_into(&mut self.ours);
        self
    }

    /// Cancels a run as soon as something is so.
    #[must_use]
    pub fn cancelled_when(mut self, is_so: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        self.cancelled_when = Some(Arc::new(is_so));
        self
    }

    /// Lets an event happen in a repository: the runs that it started, in the order of their files' names.
    #[track_caller]
    pub fn on(&self, repository: &Repository, event: &Event) -> Vec<Run> {
        self.try_on(repository, event).unwrap_or_else(|refusal| panic!("{refusal}"))
    }

    /// As [`Self::on`], where one run is started.
    #[track_caller]
    pub fn runs(&self, repository: &Repository, event: &Event) -> Run {
        let mut runs = self.on(repository, event);
        let names: Vec<&str> = runs.iter().map(|run| run.workflow.as_str()).collect();
        assert_eq!(names.len(), 1, "{names:?} were started");
        runs.remove(0)
    }

    /// Runs the failed jobs of a run again, and those that come after them: what succeeded is kept.
    #[track_caller]
    pub fn runs_again(&self, repository: &Repository, event: &Event, failed: &Run) -> Run {
        let mut runs =
            self.attempt(repository, event, Some(failed)).unwrap_or_else(|refusal| panic!("{refusal}"));
        runs.remove(0)
    }

    /// As [`Self::on`]; what the harness does not support is an error.
    pub fn try_on(&self, repository: &Repository, event: &Event) -> Result<Vec<Run>, String> {
        self.attempt(repository, event, None)
    }

    fn attempt(
        &self,
        repository: &Repository,
        event: &Event,
        again: Option<&Run>,
    ) -> Result<Vec<Run>, String> {
        let folder = tempfile::tempdir().unwrap();
        let mut runs: Vec<Run> = Vec::new();
        let mut request = self.request(repository, event, folder.path());
        if let Some(run) = again {
            request["again"] = json!({"workflow": run.workflow, "kept": run.kept()});
        }
        let _canceller =
            self.cancelled_when.clone().map(|is_so| Canceller::start(is_so, cancel(folder.path())));
        harness::run(folder.path(), &request, |said| {
            if let Some(begun) = said.get("begin") {
                let id = again.map_or_else(|| begin(repository, event, begun), |run| run.id);
                runs.push(Run::begun(id, begun));
                return json!({"id": id, "number": id});
            }
            let run = runs.last_mut().unwrap();
            if let Some(job) = said.get("job") {
                let id = run.id;
                repository.job(id, told(run.tell(job)));
            } else {
                run.end(&said["end"]);
                repository.end_run(run.id, &run.conclusion);
            }
            json!({})
        })?;
        runs.iter().for_each(Run::show);
        Ok(runs)
    }

    fn request(&self, repository: &Repository, event: &Event, folder: &Path) -> Value {
        json!({
            "repository": repository.name(),
            "repositoryFolder": repository.folder(),
            "event": event,
            "urls": {
                "server": self.github.server_url(),
                "api": self.github.api_url(),
                "graphql": self.github.graphql_url(),
            },
            "ours": {"name": harness::OURS, "folder": self.ours},
            "secrets": self.secrets,
            "vars": self.variables,
            "machine": self.machine,
            "aws": self.aws,
            "binaries": harness::binaries(),
            "tools": self.tools.path(),
            "cancel": cancel(folder),
            "folder": folder,
        })
    }
}

/// The file that cancels a run.
fn cancel(folder: &Path) -> PathBuf {
    folder.join("cancel")
}

/// Looks again and again whether it is time to cancel, until the run has ended.
struct Canceller {
    has_ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Canceller {
    fn start(is_so: Condition, file: PathBuf) -> Self {
        let has_ended = Arc::new(AtomicBool::new(false));
        let ended = Arc::clone(&has_ended);
        let look = move || {
            while !ended.load(Ordering::Relaxed) {
                if is_so() {
                    return std::fs::write(&file, "").unwrap();
                }
                std::thread::sleep(Duration::from_millis(10));
            }
        };
        Self { has_ended, thread: Some(std::thread::spawn(look)) }
    }
}

impl Drop for Canceller {
    fn drop(&mut self) {
        self.has_ended.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Tells GitHub of a run that begins.
fn begin(repository: &Repository, event: &Event, begun: &Value) -> u64 {
    let workflow = begun["workflow"].as_str().unwrap();
    let id = repository.run(ToldRun {
        workflow: workflow.rsplit('/').next().unwrap().to_owned(),
        branch: event.reference.trim_start_matches("refs/heads/").to_owned(),
        event: event.name.to_owned(),
        head_sha: event.sha.clone(),
        conclusion: String::new(),
        fork: None,
    });
    repository.started(id, &event.actor, &event.actor);
    id
}

/// A job, as GitHub's API tells of it.
fn told(job: &crate::Job) -> ToldJob {
    ToldJob {
        name: job.path.clone(),
        conclusion: job.conclusion.clone(),
        seconds: 1,
        steps: job.steps.iter().map(|step| (step.name.clone(), step.conclusion.clone())).collect(),
    }
}
