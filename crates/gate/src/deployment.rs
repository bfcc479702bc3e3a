//! Deployments, as GitHub keeps them.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sluice_core::DeploymentPayload;

/// A Deployment of ours to an environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deployment {
    /// Its number.
    pub id: u64,
    /// The environment.
    pub environment: String,
    /// When it was made.
    pub at: Timestamp,
    /// What was deployed.
    pub payload: DeploymentPayload,
    /// How it went, oldest first.
    pub statuses: Vec<DeploymentStatus>,
}

/// How a Deployment went, at a time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeploymentStatus {
    /// `success`, `failure`, `error`, `inactive`, `in_progress`, `queued`, `pending`.
    pub state: String,
    /// When it was told.
    pub at: Timestamp,
}

/// The span of time in which a Deployment was in place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stay {
    pub(crate) from: Timestamp,
    /// `None` while it is in place.
    pub(crate) until: Option<Timestamp>,
}

impl Deployment {
    /// The state that was told last.
    pub(crate) fn last(&self) -> Option<&DeploymentStatus> {
        self.statuses.iter().max_by_key(|status| status.at)
    }

    /// Whether it went wrong, in the end.
    pub(crate) fn failed(&self) -> bool {
        self.last().is_some_and(|status| matches!(status.state.as_str(), "failure" | "error"))
    }

    /// When it first was a success, and how long it stayed one.
    pub(crate) fn stay(&self) -> Option<Stay> {
        let mut statuses: Vec<&DeploymentStatus> = self.statuses.iter().collect();
        statuses.sort_by_key(|status| status.at);
        // The last run of successes: what failed in between begins anew.
        let end = statuses.iter().rposition(|status| status.state == "success")?;
        let begin =
            statuses[..end].iter().rposition(|status| status.state != "success").map_or(0, |last| last + 1);
        Some(Stay { from: statuses.get(begin)?.at, until: statuses.get(end + 1).map(|status| status.at) })
    }
}
