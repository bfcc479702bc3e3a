//! Deployments, and how they went.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use crate::{Api, Error, Repository, call::Call};

/// A Deployment.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Deployment {
    /// Its number.
    pub id: u64,
    /// The environment that it goes to.
    pub environment: String,
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
}

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
}
