//! What a pipeline tells of itself: its jobs, the Deployments that it makes, comments on its issues.

use serde_json::Value;

use crate::Repository;

/// All of it, for one repository.
#[derive(Default)]
pub(crate) struct Told {
    /// The number of a run, and one of its jobs.
    pub(crate) jobs: Vec<(u64, Job)>,
    /// The number of a Deployment, and what it was made and told with.
    pub(crate) deployments: Vec<(u64, Value)>,
    /// Commit statuses as they were set: commit and body.
    pub(crate) statuses: Vec<(String, Value)>,
}

/// A job of a run.
#[derive(Clone, Debug)]
pub struct Job {
    /// Its name.
    pub name: String,
    /// How it ended; `None` while it runs.
    pub conclusion: Option<String>,
    /// How long it took, in seconds.
    pub seconds: u64,
    /// Its steps: name and conclusion.
    pub steps: Vec<(String, String)>,
}

impl Repository {
    /// Adds a job to a run, or tells how far the one of this name is.
    pub fn job(&self, run: u64, job: Job) {
        self.with(|stored, _| {
            let jobs = &mut stored.told.jobs;
            match jobs.iter_mut().find(|(of, known)| *of == run && known.name == job.name) {
                Some((_, known)) => *known = job,
                None => jobs.push((run, job)),
            }
        });
    }

    /// The Deployments that were made: number, and what each was made with.
    pub fn made_deployments(&self) -> Vec<(u64, Value)> {
        self.with(|stored, _| stored.told.deployments.clone())
    }

    /// The states that a Deployment was told, oldest first.
    pub fn deployment_states(&self, id: u64) -> Vec<String> {
        self.with(|stored, _| {
            let found = stored.said.deployments.iter().find(|(number, _)| *number == id);
            found
                .map(|(_, one)| one.states.iter().map(|(state, _)| state.clone()).collect())
                .unwrap_or_default()
        })
    }

    /// The statuses that were set: commit and body, oldest first.
    pub fn set_statuses(&self) -> Vec<(String, Value)> {
        self.with(|stored, _| stored.told.statuses.clone())
    }

    /// The titles of the issues, and the comments on each.
    pub fn tickets(&self) -> Vec<(String, Vec<String>)> {
        self.with(|stored, _| {
            let comments =
                |issue: &crate::said::Issue| issue.comments.iter().map(|one| one.body.clone()).collect();
            stored.said.issues.iter().map(|issue| (issue.title.clone(), comments(issue))).collect()
        })
    }

    /// Opens an issue in somebody's name.
    pub fn open_issue_by(&self, by: &str, title: &str, body: &str, labels: &[&str]) -> u64 {
        self.with_ids(|stored, at, id| {
            let number = stored.next_number();
            stored.said.issues.push(crate::said::Issue {
                id,
                number,
                title: title.to_owned(),
                body: body.to_owned(),
                by: by.to_owned(),
                labels: labels.iter().map(|label| (*label).to_owned()).collect(),
                is_open: true,
                reason: None,
                at,
                edited: None,
                comments: Vec::new(),
            });
            number
        })
    }
}
