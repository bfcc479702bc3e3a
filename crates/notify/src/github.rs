//! GitHub, as this run of a workflow reaches it.

use std::time::Duration;

use sluice_core::{Context, Problem, Secret, retry::Policy};
use sluice_github::{Api, Endpoints, Repository};
use sluice_http::Client;

/// How long one call may take with all its tries: a message is not held for longer.
const PATIENCE: Duration = Duration::from_secs(20);

/// The API, and which run of which repository this is.
#[derive(Clone, Debug)]
pub(crate) struct Github {
    pub(crate) api: Api,
    pub(crate) repository: Repository,
    pub(crate) run: Option<Current>,
}

/// The run that this process is a step of.
#[derive(Clone, Debug)]
pub(crate) struct Current {
    pub(crate) id: u64,
    pub(crate) attempt: u64,
    /// The name of the workflow's file: `deploy.yml`.
    pub(crate) workflow: String,
    pub(crate) branch: String,
}

impl Github {
    /// Nothing without a token, or where no repository is named.
    pub(crate) fn of(client: &Client, token: Option<&Secret>, cx: &Context) -> Result<Option<Self>, Problem> {
        let variable = |name: &str| cx.variable(name).map(str::to_owned);
        let (Some(token), Some(repository)) = (token, variable("GITHUB_REPOSITORY")) else { return Ok(None) };
        let endpoints = Endpoints::from_lookup(variable)?;
        let api = Api::new(client.clone(), endpoints, Some(token.clone())).retry(Policy::default(), PATIENCE);
        Ok(Some(Self { api, repository: repository.parse()?, run: Current::of(cx) }))
    }
}

impl Current {
    fn of(cx: &Context) -> Option<Self> {
        let number = |name: &str| cx.variable(name)?.parse().ok();
        Some(Self {
            id: number("GITHUB_RUN_ID")?,
            attempt: number("GITHUB_RUN_ATTEMPT").unwrap_or(1),
            workflow: file_of(cx.variable("GITHUB_WORKFLOW_REF")?)?.to_owned(),
            branch: cx.variable("GITHUB_HEAD_REF").or(cx.variable("GITHUB_REF_NAME"))?.to_owned(),
        })
    }
}

/// The file in `acme/shop/.github/workflows/deploy.yml@refs/heads/main`.
///
/// <https://docs.github.com/actions/reference/workflows-and-actions/variables>
fn file_of(workflow: &str) -> Option<&str> {
    let (path, _) = workflow.split_once('@')?;
    path.rsplit('/').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_of_a_workflow_is_found_in_its_reference() {
        assert_eq!(file_of("acme/shop/.github/workflows/deploy.yml@refs/heads/a/b"), Some("deploy.yml"));
        assert_eq!(file_of("deploy"), None);
    }
}
