//! `.github/sluice.yml` as types with places.
//!
//! [`Sluice`] is the whole file, as its JSON Schema describes it. An action never reads the whole: it
//! names the [`Sections`] that it reads in a struct of its own and gets them as a [`File`]. What it
//! reads is read strictly (an unknown key is an error with its place and the nearest valid key); other
//! sections are passed over, so that an action pinned to an older version survives a newer file.
//!
//! The modules hold one section each and no logic: what a value means is its action's to say.

mod backup;
mod bake;
mod channels;
mod components;
mod environments;
mod file;
mod gate;
mod github_channels;
mod gitops;
mod notify;

use schemars::JsonSchema;
use serde::Deserialize;
pub use sluice_yaml::{Placed, Unread};

pub use self::{
    backup::{Backup, S3Encryption},
    bake::{Amount, Bake, BakeMetric, BakeQuery, Baseline, CloudWatch, CloudWatchMetric, Prometheus},
    channels::{
        Channel, Channels, Datadog, Discord, Email, Encryption, EventBridge, FromEnvironment, Grafana,
        PagerDuty, Slack, Sns, Teams, TeamsBody, Webhook,
    },
    components::{Component, Components},
    environments::{Cluster, Environment, Environments, Strategy},
    file::{File, Places, Sections, VERSION},
    gate::{
        Approvals, BreakGlass, Checks, ClusterHealth, Findings, Freeze, Gate, Ignore, ImageCondition,
        Percent, Quota, RecordKeeping, Reports, Soak, Source,
    },
    github_channels::{DeploymentChannel, FindingsChannel, IssueChannel, StatusChannel},
    gitops::Gitops,
    notify::{Event, QuietHours, Route, Routes},
};

/// The configuration of Sluice: what can change, where it is deployed, what must hold before, and who
/// is told.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Sluice configuration")]
pub struct Sluice {
    /// The version of this file's format: `1`.
    #[schemars(extend("const" = VERSION))]
    pub version: u32,
    /// Where the overlays live. Default: this repository.
    pub gitops: Option<Gitops>,
    /// What can change and be deployed.
    #[serde(default)]
    pub components: Components,
    /// Where it is deployed, and what must hold before.
    #[serde(default)]
    pub environments: Environments<Gate, Bake, Backup>,
    /// Where messages can go.
    #[serde(default)]
    pub channels: Channels,
    /// Which message goes where.
    #[serde(default)]
    pub notify: Routes,
}

/// The names of all sections, for telling a typo from a section of a newer version.
const SECTIONS: [&str; 5] = ["gitops", "components", "environments", "channels", "notify"];
