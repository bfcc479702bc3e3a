//! Reads the Deployments that soak and quota look at.

use futures_util::future::try_join_all;
use jiff::SignedDuration;
use serde_json::Value;
use sluice_core::{DeploymentPayload, Problem};
use sluice_gate::{Deployment, DeploymentStatus};
use sluice_github::{Api, Repository};

/// No Deployment takes longer from its making to its success.
const LONGEST: SignedDuration = SignedDuration::from_hours(24);

/// The Deployments of ours to an environment.
///
/// With a digest, those that can have been in place with its newest one have their statuses, the others
/// have none.
pub(crate) async fn to(
    api: &Api,
    repository: &Repository,
    environment: &str,
    digest: Option<&str>,
) -> Result<Vec<Deployment>, Problem> {
    let all = api.deployments(repository, environment).await?;
    let ours = all.into_iter().filter(|deployment| deployment.environment == environment);
    let ours: Vec<_> =
        ours.filter_map(|deployment| Some((payload(&deployment.payload)?, deployment))).collect();
    let same = ours.iter().filter(|(payload, _)| Some(payload.digest.as_str()) == digest);
    let newest = same.map(|(_, deployment)| deployment.created_at).max();
    let since = newest.map(|newest| newest.checked_sub(LONGEST).unwrap_or(newest));
    try_join_all(ours.into_iter().map(async |(payload, deployment)| {
        let statuses = if since.is_some_and(|since| deployment.created_at >= since) {
            api.deployment_statuses(repository, deployment.id).await?
        } else {
            Vec::new()
        };
        let statuses = statuses.into_iter();
        Ok(Deployment {
            id: deployment.id,
            environment: deployment.environment,
            at: deployment.created_at,
            payload,
            statuses: statuses
                .map(|status| DeploymentStatus { state: status.state, at: status.created_at })
                .collect(),
        })
    }))
    .await
}

/// The payload, where it is one of ours: GitHub gives it back as an object, or as the text that was sent.
fn payload(value: &Value) -> Option<DeploymentPayload> {
    match value {
        Value::String(text) => serde_json::from_str(text).ok(),
        other => serde_json::from_value(other.clone()).ok(),
    }
}
