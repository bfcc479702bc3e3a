//! What tests a commit: check runs, statuses, and which of them the rules of a branch require.

use jiff::Timestamp;
use serde::Deserialize;

use crate::{Api, Error, Repository, Sha, call::Call, pages::Page};

/// A check that the rules of a branch require.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequiredCheck {
    /// Its name.
    pub context: String,
    /// The number of the app that it must come from.
    pub app_id: Option<u64>,
}

/// A check run.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct CheckRun {
    /// Its number.
    pub id: u64,
    /// Its name.
    pub name: String,
    /// The commit that it is for.
    pub head_sha: Sha,
    /// `queued`, `in_progress`, `completed`, ...
    pub status: String,
    /// `success`, `failure`, `skipped`, ...
    pub conclusion: Option<String>,
    /// When it started.
    pub started_at: Option<Timestamp>,
    /// Its app; `None` when it is gone.
    pub app: Option<App>,
    /// Its suite.
    pub check_suite: Option<Suite>,
}

/// An app of GitHub.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct App {
    /// Its number.
    pub id: u64,
    /// Its short name: `github-actions`.
    pub slug: Option<String>,
}

/// The suite that a check run belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Suite {
    /// Its number.
    pub id: u64,
}

/// A commit status: the newest of its context.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct CommitStatus {
    /// Its name.
    pub context: String,
    /// `success`, `pending`, `failure`, `error`.
    pub state: String,
}

#[derive(Deserialize)]
struct RunsReply {
    total_count: u64,
    check_runs: Vec<CheckRun>,
}

impl From<RunsReply> for Page<CheckRun> {
    fn from(reply: RunsReply) -> Self {
        Self { entries: reply.check_runs, total: Some(reply.total_count) }
    }
}

#[derive(Deserialize)]
struct StatusReply {
    total_count: u64,
    statuses: Vec<CommitStatus>,
}

impl From<StatusReply> for Page<CommitStatus> {
    fn from(reply: StatusReply) -> Self {
        Self { entries: reply.statuses, total: Some(reply.total_count) }
    }
}

#[derive(Deserialize)]
struct BranchReply {
    protected: bool,
    #[serde(default)]
    protection: Option<Protection>,
}

#[derive(Deserialize)]
struct Protection {
    #[serde(default)]
    required_status_checks: Option<ProtectionChecks>,
}

#[derive(Deserialize)]
struct ProtectionChecks {
    #[serde(default)]
    contexts: Vec<String>,
    #[serde(default)]
    checks: Vec<ProtectionCheck>,
}

#[derive(Deserialize)]
struct ProtectionCheck {
    context: String,
    /// -1 and null stand for any app.
    app_id: Option<i64>,
}

#[derive(Deserialize)]
struct Rule {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    parameters: serde_json::Value,
}

#[derive(Deserialize)]
struct RuleParameters {
    required_status_checks: Vec<RuleCheck>,
}

#[derive(Deserialize)]
struct RuleCheck {
    context: String,
    integration_id: Option<i64>,
}

const READ: &str = "checks: read";

impl Api {
    /// Gets the checks that branch protection and rulesets require for a branch.
    ///
    /// <https://docs.github.com/en/rest/branches/branches#get-a-branch>,
    /// <https://docs.github.com/en/rest/repos/rules#get-rules-for-a-branch>
    pub async fn required_checks(
        &self,
        repository: &Repository,
        branch: &str,
    ) -> Result<Vec<RequiredCheck>, Error> {
        let call = Call::get(format!("read the branch {branch} of {repository}"), "contents: read").path([
            "repos",
            repository.owner(),
            repository.name(),
            "branches",
            branch,
        ]);
        let protection: BranchReply = self.json(call).await?;
        let mut required: Vec<RequiredCheck> = Vec::new();
        let classic = protection.protection.filter(|_| protection.protected);
        if let Some(checks) = classic.and_then(|protection| protection.required_status_checks) {
            let named = checks.checks.iter().map(|check| check.context.clone()).collect::<Vec<_>>();
            required.extend(
                checks.checks.into_iter().map(|check| RequiredCheck::new(check.context, check.app_id)),
            );
            let others = checks.contexts.into_iter().filter(|context| !named.contains(context));
            required.extend(others.map(|context| RequiredCheck::new(context, None)));
        }
        let doing = format!("read the rules for {branch} in {repository}");
        let call = Call::get(doing.clone(), "metadata: read").path([
            "repos",
            repository.owner(),
            repository.name(),
            "rules",
            "branches",
            branch,
        ]);
        let rules = self.all_pages::<Vec<Rule>, Rule>(call).await?;
        for rule in rules.into_iter().filter(|rule| rule.kind == "required_status_checks") {
            let parameters: RuleParameters =
                serde_json::from_value(rule.parameters).map_err(|error| Error {
                    doing: doing.clone(),
                    permission: "metadata: read",
                    kind: crate::Kind::Malformed { why: error.to_string() },
                })?;
            let checks = parameters.required_status_checks.into_iter();
            required.extend(checks.map(|check| RequiredCheck::new(check.context, check.integration_id)));
        }
        Ok(required)
    }

    /// Gets all check runs of a commit, those too that newer ones replaced.
    ///
    /// <https://docs.github.com/en/rest/checks/runs#list-check-runs-for-a-git-reference>
    pub async fn check_runs(&self, repository: &Repository, sha: &Sha) -> Result<Vec<CheckRun>, Error> {
        let call = Call::get(format!("read the checks of {sha} in {repository}"), READ)
            .path(["repos", repository.owner(), repository.name(), "commits", sha.as_str(), "check-runs"])
            // The newest only would be those of each suite, and say nothing of a twin in another.
            .query("filter", "all");
        self.all_pages::<RunsReply, CheckRun>(call).await
    }

    /// Gets the newest status of each context of a commit.
    ///
    /// <https://docs.github.com/en/rest/commits/statuses#get-the-combined-status-for-a-specific-reference>
    pub async fn statuses(&self, repository: &Repository, sha: &Sha) -> Result<Vec<CommitStatus>, Error> {
        let call = Call::get(format!("read the statuses of {sha} in {repository}"), "statuses: read").path([
            "repos",
            repository.owner(),
            repository.name(),
            "commits",
            sha.as_str(),
            "status",
        ]);
        self.all_pages::<StatusReply, CommitStatus>(call).await
    }
}

impl RequiredCheck {
    fn new(context: String, app: Option<i64>) -> Self {
        Self { context, app_id: app.and_then(|app| u64::try_from(app).ok()) }
    }
}
