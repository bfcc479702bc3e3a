//! `environments.<name>.gate`: what must hold before a change goes to an environment.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, de::Error as _};
use sluice_core::Period;
use sluice_yaml::Placed;

/// The conditions of a gate; each key that is there is one, and all must hold.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
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
    /// What the reports of scanners, linters and tests may tell.
    #[serde(default)]
    pub reports: Vec<Placed<Reports>>,
    /// When nothing is deployed.
    #[serde(default)]
    pub freeze: Vec<Placed<Freeze>>,
    /// How a freeze is broken when it must be.
    pub break_glass: Option<Placed<BreakGlass>>,
    /// Where, and how long, the same image must have run before.
    pub soak: Option<Placed<Soak>>,
    /// The state of the cluster.
    pub cluster: Option<Placed<ClusterHealth>>,
    /// How often may be deployed.
    pub quota: Option<Placed<Quota>>,
    /// Where the record of each decision goes; no condition.
    pub record: Option<RecordKeeping>,
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
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ImageCondition {
    /// It exists in its registry.
    #[serde(default)]
    pub exists: bool,
    /// The platforms that it must be for: `linux/amd64`.
    #[serde(default)]
    pub platforms: Vec<String>,
    /// The oldest image that may go: since it was pushed where the registry tells, else since it was built.
    pub max_age: Option<Period>,
    /// Whether its tag must be one that can't be moved.
    #[serde(default)]
    pub immutable: bool,
}

/// How many vulnerabilities the scan of ECR may have found, for each platform. A severity that is not named
/// is not limited.
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
    /// At most so many whose severity is not determined yet.
    pub unknown: Option<u32>,
    /// The oldest scan that counts.
    pub max_age: Option<Period>,
    /// How long after the push, and after the scan, its findings may still come in. Default: `1m`.
    pub settle: Option<Period>,
    /// Those that are accepted, for a while.
    #[serde(default)]
    pub ignore: Vec<Ignore>,
}

/// A vulnerability that is accepted, for a while.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ignore {
    /// Its name: `CVE-2026-1234`.
    pub id: String,
    /// Why it is accepted.
    pub reason: String,
    /// Who answers for that.
    pub owner: String,
    /// The last day on which it is, in UTC: `2026-12-31`.
    pub until: Placed<String>,
}

/// What reports may tell: the findings of SARIF, Trivy, Grype, Checkov, conftest and `TruffleHog`, the tests of
/// JUnit, the coverage of Cobertura and LCOV, the thresholds of k6. What a file is, is read from the file.
///
/// A severity that is not named is not limited; but findings of unknown severity, which may be any, leave
/// the answer open unless `unknown` is named.
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
    /// At most so many tests that failed or could not be run.
    pub failures: Option<u32>,
    /// At least this part of the lines is covered, in percent; in each of the reports.
    pub coverage: Option<Percent>,
    /// At most so many thresholds of load tests that were crossed.
    pub thresholds: Option<u32>,
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

/// How a freeze is broken when it must be: with a reason, and with more approvals than usual.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BreakGlass {
    /// How many must approve then; more than the `count` of `approvals`.
    pub approvals: Placed<u32>,
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

/// The state of the environment's EKS cluster.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ClusterHealth {
    /// The cluster, its node groups and add-ons are active and report no issue.
    #[serde(default)]
    pub healthy: bool,
    /// The oldest version of Kubernetes that it may run: `"1.33"`.
    pub min_version: Option<Placed<String>>,
    /// The newest version of Kubernetes that it may run.
    pub max_version: Option<Placed<String>>,
    /// The add-ons that EKS must have installed: `coredns`.
    #[serde(default)]
    pub add_ons: Vec<String>,
    /// Whether its nodes may be of no node group: Fargate's, Karpenter's, or one's own.
    #[serde(default)]
    pub self_managed: bool,
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

/// Where the record of each decision goes.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordKeeping {
    /// A file, `branch:NAME` of this repository, or `s3://BUCKET/PREFIX`.
    pub to: Placed<String>,
    /// How long nobody can remove a record: by Object Lock, in a bucket that has it.
    pub retention: Option<Period>,
}

/// A part of a whole, from 0 to 100 percent, with two decimals at most: `80`, `79.5`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, JsonSchema)]
pub struct Percent(#[schemars(with = "f64", range(min = 0, max = 100))] u32);

impl Percent {
    /// Hundredths of a percent.
    pub const fn hundredths(self) -> u32 {
        self.0
    }
}

impl<'de> Deserialize<'de> for Percent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let percent = f64::deserialize(deserializer)?;
        if !(0.0..=100.0).contains(&percent) {
            return Err(D::Error::custom(format_args!(
                "expected a percentage from 0 to 100, found {percent}"
            )));
        }
        let hundredths = percent * 100.0;
        if (hundredths - hundredths.round()).abs() > 1e-6 {
            return Err(D::Error::custom(format_args!("expected at most two decimals, found {percent}")));
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it lies between 0 and 10,000"
        )]
        Ok(Self(hundredths.round() as u32))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentage_is_exact() {
        let read = |text: &str| serde_json::from_str::<Percent>(text).map(Percent::hundredths).ok();
        assert_eq!(read("0"), Some(0));
        assert_eq!(read("80"), Some(8000));
        assert_eq!(read("79.5"), Some(7950));
        assert_eq!(read("99.99"), Some(9999));
        assert_eq!(read("100"), Some(10_000));
        for text in ["-1", "100.01", "101", "79.999", "1e9", "\"80\"", "null"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
