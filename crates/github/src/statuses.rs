//! Commit statuses: one word about a commit, by the name of who says it.

use serde::Serialize;
use sluice_http::Method;

use crate::{Api, Error, Repository, Sha, call::Call};

/// A commit status to be set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NewStatus<'a> {
    /// The word.
    pub state: StatusState,
    /// Who says it: a newer status of the same name takes the place of an older one.
    pub context: &'a str,
    /// What it means, in at most 140 characters.
    pub description: &'a str,
    /// Where to look further.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_url: Option<&'a str>,
}

/// What a commit status says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum StatusState {
    /// It could not be found out.
    Error,
    /// No.
    Failure,
    /// Not yet.
    Pending,
    /// Yes.
    Success,
}

impl Api {
    /// Sets a status of a commit.
    ///
    /// <https://docs.github.com/en/rest/commits/statuses#create-a-commit-status>
    pub async fn set_status(
        &self,
        repository: &Repository,
        commit: &Sha,
        status: &NewStatus<'_>,
    ) -> Result<(), Error> {
        let doing = format!("set the status {:?} of {commit} in {repository}", status.context);
        let call = Call::new(Method::POST, doing, "statuses: write")
            .path(["repos", repository.owner(), repository.name(), "statuses", &commit.to_string()])
            .body(status);
        self.json(call).await.map(|_: serde::de::IgnoredAny| ())
    }
}
