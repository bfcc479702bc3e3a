//! Runs of workflows.

use jiff::Timestamp;
use serde::Deserialize;

use crate::{Api, Error, Repository, Sha, call::Call, pages::Page};

/// A run of a workflow.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct WorkflowRun {
    /// Its number, unique on the server.
    pub id: u64,
    /// The commit that it ran for.
    pub head_sha: Sha,
    /// The event that started it.
    pub event: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// Its page.
    pub html_url: String,
}

#[derive(Deserialize)]
struct Reply {
    total_count: u64,
    workflow_runs: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(flatten)]
    run: WorkflowRun,
    head_branch: Option<String>,
    conclusion: Option<String>,
    repository: Identity,
    /// Null when the fork is gone.
    head_repository: Option<Identity>,
}

#[derive(Deserialize)]
struct Identity {
    id: u64,
}

impl From<Reply> for Page<Entry> {
    fn from(reply: Reply) -> Self {
        Self { entries: reply.workflow_runs, total: Some(reply.total_count) }
    }
}

impl Api {
    /// Finds the newest run of a workflow that succeeded on a branch of this very repository; `None` when there is none.
    ///
    /// The workflow is given by its number or the name of its file, `deploy.yml`; the event, where only runs of one
    /// count. A fork may have a branch of the same name: its runs do not count.
    ///
    /// <https://docs.github.com/en/rest/actions/workflow-runs#list-workflow-runs-for-a-workflow>
    pub async fn last_successful_run(
        &self,
        repository: &Repository,
        workflow: &str,
        branch: &str,
        event: Option<&str>,
    ) -> Result<Option<WorkflowRun>, Error> {
        let call = last_successful(repository, workflow, branch);
        let call = match event {
            Some(event) => call.query("event", event),
            None => call,
        };
        self.find_in_pages::<Reply, Entry, _>(call, |entry| entry.of_branch(branch)).await
    }

    /// Finds the newest run of a workflow that succeeded on a branch of this very repository and that `counts`; `None`
    /// when there is none. As [`last_successful_run`](Self::last_successful_run) in all else.
    pub async fn last_successful_run_that(
        &self,
        repository: &Repository,
        workflow: &str,
        branch: &str,
        counts: impl Fn(&WorkflowRun) -> bool,
    ) -> Result<Option<WorkflowRun>, Error> {
        let call = last_successful(repository, workflow, branch);
        self.find_in_pages::<Reply, Entry, _>(call, |entry| entry.of_branch(branch).filter(&counts)).await
    }
}

fn last_successful(repository: &Repository, workflow: &str, branch: &str) -> Call {
    let doing = format!("find the last successful run of {workflow} on {branch} in {repository}");
    Call::get(doing, "actions: read")
        .path(["repos", repository.owner(), repository.name(), "actions", "workflows", workflow, "runs"])
        .query("branch", branch)
        .query("status", "success")
        .query("exclude_pull_requests", "true")
}

impl Entry {
    fn of_branch(self, branch: &str) -> Option<WorkflowRun> {
        let is_ours = self.head_repository.is_some_and(|head| head.id == self.repository.id);
        let succeeded = self.conclusion.as_deref() == Some("success");
        (is_ours && succeeded && self.head_branch.as_deref() == Some(branch)).then_some(self.run)
    }
}

/// A run that has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndedRun {
    /// Its number, unique on the server.
    pub id: u64,
    /// How it ended: `success`, `failure`, `cancelled`, ...
    pub conclusion: String,
    /// Its page.
    pub html_url: String,
}

/// A job of a run.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct RunJob {
    /// Its name: of a cell of a matrix with the cell's values in parentheses.
    pub name: String,
    /// How it ended; `None` while it runs.
    pub conclusion: Option<String>,
    /// When it started.
    pub started_at: Option<Timestamp>,
    /// When it ended; `None` while it runs.
    pub completed_at: Option<Timestamp>,
    /// Its page, with the log.
    pub html_url: Option<String>,
    /// Its steps.
    #[serde(default)]
    pub steps: Vec<RunStep>,
}

/// A step of a job.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct RunStep {
    /// Its name.
    pub name: String,
    /// How it ended; `None` while it runs.
    pub conclusion: Option<String>,
}

#[derive(Deserialize)]
struct JobsReply {
    total_count: u64,
    jobs: Vec<RunJob>,
}

impl From<JobsReply> for Page<RunJob> {
    fn from(reply: JobsReply) -> Self {
        Self { entries: reply.jobs, total: Some(reply.total_count) }
    }
}

impl Api {
    /// Gets the jobs of an attempt of a run.
    ///
    /// <https://docs.github.com/en/rest/actions/workflow-jobs#list-jobs-for-a-workflow-run-attempt>
    pub async fn run_jobs(
        &self,
        repository: &Repository,
        run: u64,
        attempt: u64,
    ) -> Result<Vec<RunJob>, Error> {
        let doing = format!("read the jobs of the run {run} of {repository}");
        let (run, attempt) = (run.to_string(), attempt.to_string());
        let path = [
            "repos",
            repository.owner(),
            repository.name(),
            "actions",
            "runs",
            &run,
            "attempts",
            &attempt,
            "jobs",
        ];
        self.all_pages::<JobsReply, RunJob>(Call::get(doing, "actions: read").path(path)).await
    }

    /// Finds the newest run of a workflow on a branch of this very repository that ended before the run `before` was
    /// made; `None` when there is none. The workflow is given by its number or the name of its file, `deploy.yml`.
    ///
    /// <https://docs.github.com/en/rest/actions/workflow-runs#list-workflow-runs-for-a-workflow>
    pub async fn ended_run_before(
        &self,
        repository: &Repository,
        workflow: &str,
        branch: &str,
        before: u64,
    ) -> Result<Option<EndedRun>, Error> {
        let doing = format!("find the run of {workflow} before this one in {repository}");
        let call = Call::get(doing, "actions: read")
            .path(["repos", repository.owner(), repository.name(), "actions", "workflows", workflow, "runs"])
            .query("branch", branch)
            .query("status", "completed")
            .query("exclude_pull_requests", "true");
        let ended = |entry: Entry| {
            let is_ours = entry.head_repository.is_some_and(|head| head.id == entry.repository.id);
            let is_of_branch = entry.head_branch.as_deref() == Some(branch);
            let conclusion = entry.conclusion?;
            let WorkflowRun { id, html_url, .. } = entry.run;
            // Numbers of runs only grow.
            (is_ours && is_of_branch && id < before).then_some(EndedRun { id, conclusion, html_url })
        };
        self.find_in_pages::<Reply, Entry, _>(call, ended).await
    }
}

/// A run of a workflow, as it is now.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct CurrentRun {
    /// Its workflow.
    pub workflow_id: u64,
    /// The commit that it runs for.
    pub head_sha: Sha,
    /// The suite of its checks.
    pub check_suite_id: Option<u64>,
    /// Who started it.
    pub actor: Option<crate::Account>,
    /// Who started it again.
    pub triggering_actor: Option<crate::Account>,
}

/// What someone said when a run asked for its environments.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct RunReview {
    /// `approved`, `rejected` or `pending`.
    pub state: String,
    /// Who said it; `None` when the account is gone.
    pub user: Option<crate::Account>,
    /// The environments that it is for.
    pub environments: Vec<RunEnvironment>,
}

/// An environment of a run.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct RunEnvironment {
    /// Its name.
    pub name: String,
}

impl Api {
    /// Gets a run of a workflow.
    ///
    /// <https://docs.github.com/en/rest/actions/workflow-runs#get-a-workflow-run>
    pub async fn run(&self, repository: &Repository, id: u64) -> Result<CurrentRun, Error> {
        let call = Call::get(format!("read the run {id} of {repository}"), "actions: read");
        let id = id.to_string();
        self.json(call.path(["repos", repository.owner(), repository.name(), "actions", "runs", &id])).await
    }

    /// Gets what was said when a run asked for its environments.
    ///
    /// <https://docs.github.com/en/rest/actions/workflow-runs#get-the-review-history-for-a-workflow-run>
    pub async fn run_reviews(&self, repository: &Repository, id: u64) -> Result<Vec<RunReview>, Error> {
        let doing = format!("read the reviews of the run {id} of {repository}");
        let id = id.to_string();
        let call = Call::get(doing, "actions: read").path([
            "repos",
            repository.owner(),
            repository.name(),
            "actions",
            "runs",
            &id,
            "approvals",
        ]);
        self.json(call).await
    }
}
