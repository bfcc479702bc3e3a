//! What a GitHub Deployment of ours says about itself.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The payload of a Deployment: what was deployed, so that soak time, quotas, promotions and records
/// speak of the same thing.
///
/// <https://docs.github.com/rest/deployments/deployments#create-a-deployment>
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DeploymentPayload {
    /// The component of the configuration.
    pub component: String,
    /// The image's name, without tag and digest.
    pub image: String,
    /// The image's digest, `sha256:...`.
    pub digest: String,
    /// The version as people call it: the tag.
    pub version: String,
}
