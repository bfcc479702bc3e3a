//! Deployments, and how they went.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sluice_http::Method;

use crate::{Api, Error, Repository, Sha, call::Call};

/// A Deployment.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Deployment {
    /// Its number.
    pub id: u64,
    /// The environment that it goes to.
    pub environment: String,
    /// The commit that it is of.
    pub sha: Sha,
    /// What whoever made it wrote about it: an object, or a text that may hold one.
    #[serde(default)]
    pub payload: Value,
    /// When it was made.
    pub created_at: Timestamp,
}

/// How a Deployment went, at a time.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct DeploymentStatus {
    /// `success`, `failure`, `inactive`, ...
    pub state: String,
    /// When it was told.
    pub created_at: Timestamp,
    /// The page of whoever told it; empty when it named none. Of a job this is its log.
    #[serde(default)]
    pub log_url: String,
}

/// A Deployment to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewDeployment<'a> {
    /// The commit that it is of.
    pub sha: &'a Sha,
    /// The environment that it goes to.
    pub environment: &'a str,
    /// What there is to know about it.
    pub payload: Value,
    /// What it is, in one line.
    pub description: &'a str,
}

/// How a Deployment goes, to be told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NewDeploymentStatus<'a> {
    /// The word.
    pub state: DeploymentState,
    /// The page of the run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_url: Option<&'a str>,
    /// Where the environment answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub environment_url: Option<&'a str>,
    /// What it means, in at most 140 characters.
    pub description: &'a str,
}

/// What a status of a Deployment says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DeploymentState {
    /// It could not be found out.
    Error,
    /// It failed.
    Failure,
    /// It is under way.
    InProgress,
    /// It waits.
    Pending,
    /// It is done.
    Success,
}

const WRITE: &str = "deployments: write";
const READ: &str = "deployments: read";

impl Api {
    /// Gets the Deployments to an environment.
    ///
    /// <https://docs.github.com/en/rest/deployments/deployments#list-deployments>
    pub async fn deployments(
        &self,
        repository: &Repository,
        environment: &str,
    ) -> Result<Vec<Deployment>, Error> {
        let call = Call::get(format!("read the deployments of {repository} to {environment}"), READ)
            .path(["repos", repository.owner(), repository.name(), "deployments"])
            .query("environment", environment);
        self.all_pages::<Vec<Deployment>, Deployment>(call).await
    }

    /// Gets how a Deployment went.
    ///
    /// <https://docs.github.com/en/rest/deployments/statuses#list-deployment-statuses>
    pub async fn deployment_statuses(
        &self,
        repository: &Repository,
        deployment: u64,
    ) -> Result<Vec<DeploymentStatus>, Error> {
        let call = Call::get(format!("read how the deployment {deployment} of {repository} went"), READ);
        let deployment = deployment.to_string();
        let call = call.path([
            "repos",
            repository.owner(),
            repository.name(),
            "deployments",
            &deployment,
            "statuses",
        ]);
        self.all_pages::<Vec<DeploymentStatus>, DeploymentStatus>(call).await
    }

    /// Makes a Deployment of a commit, whatever its checks say and without merging anything into it.
    ///
    /// <https://docs.github.com/en/rest/deployments/deployments#create-a-deployment>
    pub async fn create_deployment(
        &self,
        repository: &Repository,
        deployment: &NewDeployment<'_>,
    ) -> Result<Deployment, Error> {
        let NewDeployment { sha, environment, payload, description } = deployment;
        let doing = format!("make a deployment of {repository} to {environment}");
        let call = Call::new(Method::POST, doing, WRITE)
            .path(["repos", repository.owner(), repository.name(), "deployments"])
            .body(&json!({
                "ref": sha, "environment": environment, "payload": payload, "description": description,
                "auto_merge": false, "required_contexts": [],
            }));
        self.json(call).await
    }

    /// Tells how a Deployment goes.
    ///
    /// <https://docs.github.com/en/rest/deployments/statuses#create-a-deployment-status>
    pub async fn create_deployment_status(
        &self,
        repository: &Repository,
        deployment: u64,
        status: &NewDeploymentStatus<'_>,
    ) -> Result<(), Error> {
        let doing = format!("tell how the deployment {deployment} of {repository} goes");
        let deployment = deployment.to_string();
        let path = ["repos", repository.owner(), repository.name(), "deployments", &deployment, "statuses"];
        let call = Call::new(Method::POST, doing, WRITE).path(path).body(status);
        self.json(call).await.map(|_: serde::de::IgnoredAny| ())
    }
}
