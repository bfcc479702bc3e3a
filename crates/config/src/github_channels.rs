//! Channels that are a part of GitHub: what is told stands where the code is.

use schemars::JsonSchema;
use serde::Deserialize;
use sluice_yaml::Placed;

/// An issue as the ticket of an incident: opened by a failure, commented on by the next, closed by a recovery.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IssueChannel {
    /// The labels; the first one is how the issue is found again, and nobody without triage access can set it.
    /// Default: `incident`.
    #[serde(default)]
    pub labels: Vec<Placed<String>>,
    /// Who is to see to it, by login.
    #[serde(default)]
    pub assignees: Vec<Placed<String>>,
}

/// A status of the commit.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StatusChannel {
    /// The name of the status. Default: `sluice/` and the environment.
    pub context: Option<Placed<String>>,
}

/// GitHub Deployments, one a component.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeploymentChannel {}

/// The security findings of a gate as issues: one a condition, closed when it holds again.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FindingsChannel {
    /// The labels; the first one is how the issue is found again, and nobody without triage access can set it.
    /// Default: `security`.
    #[serde(default)]
    pub labels: Vec<Placed<String>>,
    /// Who is to see to it, by login.
    #[serde(default)]
    pub assignees: Vec<Placed<String>>,
}
