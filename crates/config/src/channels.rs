//! `channels`: where messages can go.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;
use sluice_yaml::Placed;

use crate::github_channels::{DeploymentChannel, FindingsChannel, IssueChannel, StatusChannel};

/// The channels by name.
pub type Channels = IndexMap<String, Channel>;

/// Where messages can go.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Channel {
    /// A Slack channel.
    Slack(Slack),
    /// A PagerDuty service.
    PagerDuty(PagerDuty),
    /// Any address that takes JSON.
    Webhook(Webhook),
    /// An issue as the ticket of an incident.
    Issue(IssueChannel),
    /// A status of the commit.
    Status(StatusChannel),
    /// GitHub Deployments.
    Deployment(DeploymentChannel),
    /// The security findings of a gate as issues.
    Findings(FindingsChannel),
}

/// A Slack channel.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Slack {
    /// The address of an incoming webhook: <https://api.slack.com/messaging/webhooks>.
    pub webhook: FromEnvironment,
}

/// A PagerDuty service.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct PagerDuty {
    /// The integration key of the service.
    pub routing_key: FromEnvironment,
}

/// Any address that takes JSON.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    /// The address.
    pub url: FromEnvironment,
    /// The key that messages are signed with (HMAC with SHA-256). Default: not signed.
    pub key: Option<FromEnvironment>,
}

/// A secret value, named by the environment variable that holds it: this file never holds secrets.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FromEnvironment {
    /// The variable's name.
    pub env: Placed<String>,
}
