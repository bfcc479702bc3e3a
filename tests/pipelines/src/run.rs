//! A run, as it went.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

/// A run of a workflow.
#[derive(Clone, Debug)]
pub struct Run {
    /// Its number.
    pub id: u64,
    /// The file of the workflow: `.github/workflows/deliver.yml`.
    pub workflow: String,
    /// How it ended: `success`, `failure`, `cancelled`, `skipped`, or `startup_failure` where GitHub would not start it.
    pub conclusion: String,
    /// Why it was not started.
    pub error: Option<String>,
    /// Its jobs, in the order in which they began.
    pub jobs: Vec<Job>,
    /// All else that came of it: `images` that were built, `roles` that were taken, `concurrency` groups.
    pub told: Value,
}

/// A job of a run.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Job {
    /// Its id, behind those of the jobs that call it: `deploy / smoke`; with the values of its matrix: `smoke (dev)`.
    #[serde(rename = "job")]
    pub path: String,
    /// Its name, as people see it.
    pub name: String,
    /// How it ended; nothing while it runs.
    pub conclusion: Option<String>,
    /// Why it could not begin.
    pub error: Option<String>,
    /// Its steps.
    pub steps: Vec<Step>,
    /// Its outputs.
    #[serde(default)]
    pub outputs: BTreeMap<String, String>,
    /// What its token may do.
    #[serde(default)]
    pub permissions: BTreeMap<String, String>,
    /// Its environment: name and address.
    pub environment: Option<Value>,
}

/// A step of a job.
#[derive(Clone, Debug, Deserialize)]
pub struct Step {
    /// Its name.
    pub name: String,
    /// How it ended: `success`, `failure`, `skipped`, `cancelled`.
    pub conclusion: String,
    /// How it ended before `continue-on-error`, where that is something else.
    pub outcome: Option<String>,
    /// Which of our actions it is.
    pub action: Option<String>,
    /// How long our process ran, in milliseconds.
    #[serde(default)]
    pub ms: f64,
    /// The exit code.
    pub exit: Option<i32>,
    /// Why it failed.
    pub error: Option<String>,
    /// What it printed, without what is masked.
    #[serde(default)]
    pub printed: String,
    /// What it added to the job's summary.
    #[serde(default)]
    pub summary: String,
}

impl Run {
    pub(crate) fn begun(id: u64, said: &Value) -> Self {
        let workflow = said["workflow"].as_str().unwrap().to_owned();
        Self { id, workflow, conclusion: String::new(), error: None, jobs: Vec::new(), told: Value::Null }
    }

    pub(crate) fn tell(&mut self, said: &Value) -> &Job {
        let job: Job = serde_json::from_value(said.clone()).unwrap();
        let index = self.jobs.iter().position(|known| known.path == job.path).unwrap_or_else(|| {
            self.jobs.push(job.clone());
            self.jobs.len() - 1
        });
        self.jobs[index] = job;
        &self.jobs[index]
    }

    pub(crate) fn end(&mut self, said: &Value) {
        said["conclusion"].as_str().unwrap().clone_into(&mut self.conclusion);
        self.error = said["error"].as_str().map(str::to_owned);
        self.told = said.clone();
    }

    /// The outputs of the jobs that succeeded, by their paths.
    pub(crate) fn kept(&self) -> BTreeMap<&str, &BTreeMap<String, String>> {
        let succeeded = self.jobs.iter().filter(|job| job.conclusion.as_deref() == Some("success"));
        succeeded.map(|job| (job.path.as_str(), &job.outputs)).collect()
    }

    /// Asserts how it ended.
    #[track_caller]
    pub fn ends(&self, conclusion: &str) -> &Self {
        assert_eq!(self.conclusion, conclusion, "{:?}\n{}", self.error, self.trace());
        self
    }

    /// A job by its path.
    #[track_caller]
    pub fn job(&self, path: &str) -> &Job {
        let found = self.jobs.iter().find(|job| job.path == path);
        found.unwrap_or_else(|| panic!("there is no job {path}:\n{}", self.trace()))
    }

    /// Asserts how jobs ended, by their paths.
    #[track_caller]
    pub fn has_jobs(&self, jobs: &[(&str, &str)]) -> &Self {
        for (path, conclusion) in jobs {
            let job = self.job(path);
            assert_eq!(job.conclusion.as_deref(), Some(*conclusion), "{path}:\n{}", self.trace());
        }
        self
    }

    /// How long our own processes ran, in milliseconds.
    pub fn overhead(&self) -> f64 {
        self.overhead_of("")
    }

    /// How long our own processes ran in the jobs whose paths begin so, in milliseconds.
    pub fn overhead_of(&self, path: &str) -> f64 {
        let jobs = self.jobs.iter().filter(|job| job.path.starts_with(path));
        jobs.flat_map(|job| &job.steps).map(|step| step.ms).fold(0.0, |sum, ms| sum + ms)
    }
}

impl Job {
    /// A step by its name.
    #[track_caller]
    pub fn step(&self, name: &str) -> &Step {
        let found = self.steps.iter().find(|step| step.name == name);
        found.unwrap_or_else(|| {
            let names: Vec<&str> = self.steps.iter().map(|step| step.name.as_str()).collect();
            panic!("{} has no step {name}, but {names:?}", self.path)
        })
    }
}
