//! `environments.<name>.gate`: what must hold before a change goes to an environment.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;
use sluice_core::Period;
use sluice_yaml::Placed;

/// The conditions of a gate; each key that is there is one, and all must hold.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Gate {
    /// A phrase that must be typed, exactly.
    pub confirm: Option<Placed<String>>,
    /// Where the commit must come from.
    pub source: Option<Placed<Source>>,
    /// Who must have said yes.
    pub approvals: Option<Placed<Approvals>>,
    /// The checks that must be green.
    pub checks: Option<Placed<Checks>>,
    /// What the image must be.
    pub image: Option<Placed<ImageCondition>>,
    /// How many vulnerabilities the registry's scan may have found.
    pub findings: Option<Placed<Findings>>,
    /// How many findings the reports of scanners and linters may hold.
    #[serde(default)]
    pub reports: Vec<Placed<Reports>>,
    /// When nothing is deployed.
    #[serde(default)]
    pub freeze: Vec<Placed<Freeze>>,
    /// Where, and how long, the same image must have run before.
    pub soak: Option<Placed<Soak>>,
    /// The state of the cluster.
    pub cluster: Option<Placed<ClusterHealth>>,
    /// How often may be deployed.
    pub quota: Option<Placed<Quota>>,
}

/// Where the commit must come from.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Source {
    /// The only branch that may be merged from.
    pub merged_from: Option<String>,
    /// Whether every commit must be signed and verified.
    #[serde(default)]
    pub signed: bool,
}

/// Who must have said yes.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Approvals {
    /// How many of them.
    pub count: u32,
    /// Their GitHub logins.
    #[serde(default)]
    pub users: Vec<String>,
    /// GitHub teams, `org/team`.
    #[serde(default)]
    pub teams: Vec<String>,
    /// Logins, or mail addresses of commits, that would be excluded for their part in the change, and are not.
    #[serde(default)]
    pub allow: Vec<String>,
    /// Whether an issue is opened that asks for approval, where people answer `/approve` and `/deny`.
    #[serde(default)]
    pub issue: bool,
}

/// The checks that must be green.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Checks {
    /// Those that branch protection and rulesets require.
    #[serde(default)]
    pub required: bool,
    /// Others, by name.
    #[serde(default)]
    pub names: Vec<String>,
    /// The app that a check must come from, by the check's name: `{build: github-actions}`.
    #[serde(default)]
    pub apps: IndexMap<String, String>,
    /// Whether a check that was skipped is as good as a green one.
    #[serde(default)]
    pub skipped: bool,
    /// Whether a neutral one is.
    #[serde(default)]
    pub neutral: bool,
}

/// What the image must be.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ImageCondition {
    /// It exists in its registry.
    #[serde(default)]
    pub exists: bool,
    /// The platforms that its index must hold: `linux/amd64`.
    #[serde(default)]
    pub platforms: Vec<String>,
}

/// How many vulnerabilities the registry's scan may have found. A severity that is not named is not
/// limited.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Findings {
    /// At most so many critical ones.
    pub critical: Option<u32>,
    /// At most so many high ones.
    pub high: Option<u32>,
    /// At most so many medium ones.
    pub medium: Option<u32>,
    /// At most so many low ones.
    pub low: Option<u32>,
    /// The oldest scan that counts.
    pub max_age: Option<Period>,
}

/// How many findings reports may hold. A severity that is not named is not limited.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reports {
    /// A glob of report files, from the repository's root. At least one must be there.
    pub path: Placed<String>,
    /// At most so many critical ones.
    pub critical: Option<u32>,
    /// At most so many high ones.
    pub high: Option<u32>,
    /// At most so many medium ones.
    pub medium: Option<u32>,
    /// At most so many low ones.
    pub low: Option<u32>,
    /// At most so many whose severity the report does not tell.
    pub unknown: Option<u32>,
}

/// A time in which nothing is deployed: weekly (`Fri 15:00` to `Mon 07:00`) or dated (`2026-12-20` to
/// `2027-01-03`, each with a time if wanted).
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Freeze {
    /// When it begins.
    pub from: Placed<String>,
    /// When it ends.
    pub until: Placed<String>,
    /// The IANA time zone of both: `Europe/Berlin`.
    pub zone: Placed<String>,
    /// Why, for people.
    pub reason: Option<String>,
}

/// Where, and how long, the same image must have run before.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Soak {
    /// The environment.
    pub environment: String,
    /// How long.
    #[serde(rename = "for")]
    pub time: Period,
}

/// The state of the cluster.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClusterHealth {
    /// The cluster, its node groups and add-ons are active and report no issue.
    pub healthy: bool,
}

/// How often may be deployed.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Quota {
    /// At most so many deployments.
    pub deployments: u32,
    /// In this time.
    pub per: Period,
}
