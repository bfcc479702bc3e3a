//! `channels`: where messages can go.

use std::fmt;

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{
    Deserialize, Deserializer,
    de::{self, MapAccess, Visitor, value::MapAccessDeserializer},
};
use sluice_yaml::Placed;

use crate::{
    Event,
    github_channels::{DeploymentChannel, FindingsChannel, IssueChannel, StatusChannel},
};

/// The channels by name.
pub type Channels = IndexMap<String, Channel>;

/// Where messages can go.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Channel {
    /// A Slack channel.
    Slack(Slack),
    /// A channel of Microsoft Teams.
    Teams(Teams),
    /// A PagerDuty service.
    PagerDuty(PagerDuty),
    /// The events of a Datadog organization.
    Datadog(Datadog),
    /// The annotations of a Grafana organization or dashboard.
    Grafana(Grafana),
    /// A Discord channel.
    Discord(Discord),
    /// Any address that takes JSON.
    Webhook(Webhook),
    /// People with a mailbox.
    Email(Email),
    /// A topic of Amazon SNS.
    Sns(Sns),
    /// An event bus of Amazon EventBridge.
    EventBridge(EventBridge),
    /// An issue as the ticket of an incident.
    Issue(IssueChannel),
    /// A status of the commit.
    Status(StatusChannel),
    /// GitHub Deployments.
    Deployment(DeploymentChannel),
    /// The security findings of a gate as issues.
    Findings(FindingsChannel),
}

/// A Slack channel: through an incoming webhook, or as a bot, whose message is updated as the pipeline goes on.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Slack {
    /// The address of an incoming webhook: <https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks>.
    pub webhook: Option<FromEnvironment>,
    /// The token of a bot with the scope `chat:write`, instead of a webhook.
    pub token: Option<FromEnvironment>,
    /// The id of the channel that the bot posts to: `C0123456789`.
    pub channel: Option<Placed<String>>,
    /// The address of Slack's API. Default: `https://slack.com/api`.
    pub url: Option<Placed<String>>,
}

/// A channel of Microsoft Teams, through a flow of its app Workflows that starts when a webhook request is received.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Teams {
    /// The address of the flow.
    pub webhook: FromEnvironment,
    /// What the flow takes. Default: `message`.
    pub body: Option<TeamsBody>,
}

/// What a flow of Teams takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum TeamsBody {
    /// A message that has the card attached: "Post to a channel when a webhook request is received".
    #[default]
    Message,
    /// The card itself: "Send webhook alerts to a channel".
    Card,
}

/// A PagerDuty service.
///
/// A failure triggers one incident a repository, workflow and environment, a recovery or success resolves it; all but
/// failures are told as changes.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct PagerDuty {
    /// The integration key of the service (Events API v2).
    pub routing_key: FromEnvironment,
    /// The events that acknowledge an open incident besides: with `start`, who deploys again is taken to be on it.
    /// Default: none.
    #[serde(default)]
    pub acknowledge: Vec<Placed<Event>>,
    /// The address of the API. Default: `https://events.pagerduty.com`; in the EU `https://events.eu.pagerduty.com`.
    pub url: Option<Placed<String>>,
}

/// The events of a Datadog organization.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Datadog {
    /// The API key.
    pub api_key: FromEnvironment,
    /// The address of the API, by the organization's site. Default: `https://api.datadoghq.com`.
    pub url: Option<Placed<String>>,
    /// Tags besides those that tell repository, environment and event.
    #[serde(default)]
    pub tags: Vec<String>,
}

/// The annotations of a Grafana organization or dashboard.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Grafana {
    /// The address of Grafana: `https://grafana.example.com`.
    pub url: Placed<String>,
    /// The token of a service account that may write annotations.
    pub token: FromEnvironment,
    /// The UID of the dashboard that is annotated. Default: all that show the tags.
    pub dashboard: Option<String>,
    /// Tags besides those that tell repository, environment and event.
    #[serde(default)]
    pub tags: Vec<String>,
}

/// A Discord channel.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Discord {
    /// The address of a webhook.
    pub webhook: FromEnvironment,
}

/// Any address that takes JSON.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    /// The address.
    pub url: FromEnvironment,
    /// The key that messages are signed with (HMAC with SHA-256). Default: not signed.
    pub key: Option<FromEnvironment>,
    /// The body as a template of `MiniJinja` over the default body, in which `{{ title }}` is a JSON string, quotes
    /// included. Default: the story as data.
    pub template: Option<Placed<String>>,
}

/// People with a mailbox, through an SMTP server.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Email {
    /// The server: `smtp.example.com`, or with its port `smtp.example.com:2525`.
    pub server: Placed<String>,
    /// How the connection is encrypted. Default: `tls`.
    pub encryption: Option<Encryption>,
    /// The user's name. Default: no login.
    pub username: Option<FromEnvironment>,
    /// The user's password.
    pub password: Option<FromEnvironment>,
    /// Who it is from: `Deployments <deployments@example.com>`.
    pub from: Placed<String>,
    /// Whom it goes to.
    pub to: Vec<Placed<String>>,
}

/// How the connection to an SMTP server is encrypted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Encryption {
    /// From the start, on port 465.
    #[default]
    Tls,
    /// Before anything is said, on port 587.
    StartTls,
    /// Not at all, on port 25: only to a server on the same machine.
    None,
}

/// A topic of Amazon SNS. Credentials are those of the environment.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sns {
    /// The topic's ARN, which names its region too.
    pub topic: Placed<String>,
}

/// An event bus of Amazon EventBridge. Credentials are those of the environment.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EventBridge {
    /// The bus, by name or ARN. Default: `default`.
    pub bus: Option<Placed<String>>,
    /// The region. Default: that of the bus's ARN, else of the environment.
    pub region: Option<Placed<String>>,
}

/// A secret value, named by the environment variable that holds it: this file never holds secrets.
#[derive(Clone, Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct FromEnvironment {
    /// The variable's name.
    pub env: Placed<String>,
}

impl<'de> Deserialize<'de> for FromEnvironment {
    /// A text in its place is a secret that was written down: it is refused without being repeated.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Named {
            env: Placed<String>,
        }

        struct ByName;

        impl<'de> Visitor<'de> for ByName {
            type Value = Named;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("the name of a variable, as in `{env: NAME}`")
            }

            fn visit_str<E: de::Error>(self, _: &str) -> Result<Named, E> {
                Err(E::custom(
                    "a secret does not belong in this file: put it into a variable, and name that as in `{env: NAME}`",
                ))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Named, A::Error> {
                Named::deserialize(MapAccessDeserializer::new(map))
            }
        }

        deserializer.deserialize_any(ByName).map(|Named { env }| Self { env })
    }
}
