//! `cluster`: the cluster, its nodes and its add-ons are well.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sluice_core::Problem;

use crate::{Outcome, Policy, Question, State};

/// What the cluster must be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cluster {
    /// Its name.
    pub name: String,
    /// It and its parts are active, and nothing is held against them.
    pub healthy: bool,
    /// The oldest version of Kubernetes that will do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_version: Option<Version>,
    /// The newest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_version: Option<Version>,
    /// The add-ons that must be there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub add_ons: Vec<String>,
    /// Its nodes may be of no node group.
    #[serde(default)]
    pub self_managed: bool,
}

/// A version of Kubernetes: `1.34`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(u32, u32);

/// What was seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// The cluster; `None`: there is none of that name.
    pub cluster: Option<Part>,
    /// Its version of Kubernetes, as EKS writes it.
    pub version: String,
    /// Whether EKS runs its nodes.
    pub is_auto: bool,
    /// Its node groups.
    pub node_groups: Vec<Part>,
    /// The add-ons that EKS installed.
    pub add_ons: Vec<Part>,
}

/// The cluster or a part of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Its name.
    pub name: String,
    /// EKS's word for its state.
    pub status: String,
    /// What EKS holds against its health.
    pub issues: Vec<String>,
}

impl Cluster {
    /// What is wrong with the rule, whatever the world is like.
    pub fn check(&self) -> Result<(), Problem> {
        if !self.healthy
            && self.min_version.is_none()
            && self.max_version.is_none()
            && self.add_ons.is_empty()
        {
            return Err(Problem::misconfigured("the cluster condition asks for nothing")
                .help("say what must hold, as `healthy: true`"));
        }
        match (self.min_version, self.max_version) {
            (Some(min), Some(max)) if min > max => {
                Err(Problem::misconfigured(format!("no version is {min} or newer, and {max} or older"))
                    .help("turn min-version and max-version round"))
            }
            _ => Ok(()),
        }
    }
}

impl Policy for Cluster {
    type Facts = Facts;

    fn judge(&self, facts: &Facts, _: &Question) -> Outcome {
        let Some(cluster) = &facts.cluster else {
            return Outcome::new(State::Rejected, format!("there is no cluster {}", self.name))
                .help("check the name, the account and the region of the environment's `cluster`");
        };
        let mut wrong: Vec<(State, String)> = Vec::new();
        if self.healthy {
            wrong.extend(ailing("the cluster", cluster));
            wrong.extend(facts.node_groups.iter().flat_map(|group| ailing("the node group", group)));
            wrong.extend(facts.add_ons.iter().flat_map(|add_on| ailing("the add-on", add_on)));
            if facts.node_groups.is_empty() && !facts.is_auto && !self.self_managed {
                wrong.push((
                    State::Undecided,
                    "no node group is there, so nothing is known of its nodes (`self-managed: true` where that is meant)"
                        .to_owned(),
                ));
            }
        }
        wrong.extend(self.missing(facts));
        wrong.extend(self.version(&facts.version));
        wrong.sort_by_key(|(state, _)| std::cmp::Reverse(*state));

        let mut wrong = wrong.into_iter();
        let outcome = match wrong.next() {
            None => Outcome::new(State::Approved, format!("{} is as it must be", self.name)),
            Some((state, reason)) => Outcome::new(state, reason)
                .evidence(wrong.map(|(_, reason)| reason))
                .help("mend the cluster, or wait until its change is over, and ask again"),
        };
        let seen = format!(
            "{}, Kubernetes {}, node groups: {}, add-ons: {}",
            cluster.status,
            facts.version,
            names(&facts.node_groups),
            names(&facts.add_ons)
        );
        outcome.evidence([seen])
    }
}

impl Cluster {
    fn missing(&self, facts: &Facts) -> impl Iterator<Item = (State, String)> {
        self.add_ons
            .iter()
            .filter(|name| !facts.add_ons.iter().any(|add_on| add_on.name == **name))
            .map(|name| (State::Rejected, format!("the add-on {name} is not installed by EKS")))
    }

    fn version(&self, text: &str) -> Option<(State, String)> {
        let (min, max) = (self.min_version, self.max_version);
        if min.is_none() && max.is_none() {
            return None;
        }
        let Some(version) = Version::parse(text) else {
            return Some((State::Undecided, format!("\"{text}\" is no version of Kubernetes")));
        };
        if min.is_some_and(|min| version < min) || max.is_some_and(|max| version > max) {
            let range: Vec<String> =
                [min.map(|min| format!("{min} or newer")), max.map(|max| format!("{max} or older"))]
                    .into_iter()
                    .flatten()
                    .collect();
            return Some((
                State::Rejected,
                format!("it runs Kubernetes {version}, and must run {}", range.join(" and ")),
            ));
        }
        None
    }
}

/// What is wrong with a part. A state that is not known is no yes, and not known to be a no.
fn ailing(kind: &str, part: &Part) -> Vec<(State, String)> {
    let name = &part.name;
    let state = match part.status.as_str() {
        "ACTIVE" => None,
        "CREATING" | "UPDATING" | "DELETING" | "PENDING" | "FAILED" | "DEGRADED" | "CREATE_FAILED"
        | "UPDATE_FAILED" | "DELETE_FAILED" => Some(State::Rejected),
        _ => Some(State::Undecided),
    };
    let status = state.map(|state| (state, format!("{kind} {name} is {}", part.status)));
    let issues = part.issues.iter().map(|issue| (State::Rejected, format!("{kind} {name}: {issue}")));
    status.into_iter().chain(issues).collect()
}

fn names(parts: &[Part]) -> String {
    let names: Vec<&str> = parts.iter().map(|part| part.name.as_str()).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

impl Version {
    /// Reads `1.34`.
    pub fn parse(text: &str) -> Option<Self> {
        let (major, minor) = text.split_once('.')?;
        let number = |part: &str| {
            let is_plain = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
            is_plain.then(|| part.parse().ok()).flatten()
        };
        Some(Self(number(major)?, number(minor)?))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}

impl Serialize for Version {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Version {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom(format!("\"{text}\" is no version")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::question::tests::question;

    fn part(name: &str) -> Part {
        Part { name: name.into(), status: "ACTIVE".into(), issues: vec![] }
    }

    fn facts() -> Facts {
        Facts {
            cluster: Some(part("shop")),
            version: "1.34".into(),
            is_auto: false,
            node_groups: vec![part("blue")],
            add_ons: vec![part("coredns"), part("vpc-cni")],
        }
    }

    fn policy() -> Cluster {
        Cluster {
            name: "shop".into(),
            healthy: true,
            min_version: Version::parse("1.33"),
            max_version: Version::parse("1.35"),
            add_ons: vec!["coredns".into()],
            self_managed: false,
        }
    }

    fn told(change: impl FnOnce(&mut Facts)) -> String {
        let mut facts = facts();
        change(&mut facts);
        let outcome = policy().judge(&facts, &question("2026-11-21T12:00:00Z"));
        format!("{:?}: {}", outcome.state, outcome.reason)
    }

    #[test]
    fn everything_must_be_well() {
        let outcome = policy().judge(&facts(), &question("2026-11-21T12:00:00Z"));
        assert_eq!(outcome.state, State::Approved);
        assert_eq!(
            outcome.evidence,
            ["ACTIVE, Kubernetes 1.34, node groups: blue, add-ons: coredns, vpc-cni"]
        );
        let cases = [
            told(|facts| facts.cluster = None),
            told(|facts| facts.cluster.as_mut().unwrap().status = "UPDATING".into()),
            told(|facts| facts.cluster.as_mut().unwrap().status = "active".into()),
            told(|facts| facts.cluster.as_mut().unwrap().issues.push("Ec2SubnetNotFound: gone".into())),
            told(|facts| facts.node_groups[0].status = "DEGRADED".into()),
            told(|facts| facts.node_groups[0].issues.push("AsgInstanceLaunchFailures: none left".into())),
            told(|facts| facts.node_groups.clear()),
            told(|facts| facts.add_ons[1].status = "UPDATE_FAILED".into()),
            told(|facts| facts.add_ons[1].status = "BRAND_NEW".into()),
            told(|facts| facts.add_ons.clear()),
            told(|facts| drop(facts.add_ons.remove(0))),
            told(|facts| facts.version = "1.32".into()),
            told(|facts| facts.version = "1.33".into()),
            told(|facts| facts.version = "1.35".into()),
            told(|facts| facts.version = "1.36".into()),
            told(|facts| facts.version = "1.4".into()),
            told(|facts| facts.version = "v1.34".into()),
            told(|facts| facts.version = String::new()),
        ];
        insta::assert_snapshot!(cases.join("\n"), @r#"
        Rejected: there is no cluster shop
        Rejected: the cluster shop is UPDATING
        Undecided: the cluster shop is active
        Rejected: the cluster shop: Ec2SubnetNotFound: gone
        Rejected: the node group blue is DEGRADED
        Rejected: the node group blue: AsgInstanceLaunchFailures: none left
        Undecided: no node group is there, so nothing is known of its nodes (`self-managed: true` where that is meant)
        Rejected: the add-on vpc-cni is UPDATE_FAILED
        Undecided: the add-on vpc-cni is BRAND_NEW
        Rejected: the add-on coredns is not installed by EKS
        Rejected: the add-on coredns is not installed by EKS
        Rejected: it runs Kubernetes 1.32, and must run 1.33 or newer and 1.35 or older
        Approved: shop is as it must be
        Approved: shop is as it must be
        Rejected: it runs Kubernetes 1.36, and must run 1.33 or newer and 1.35 or older
        Rejected: it runs Kubernetes 1.4, and must run 1.33 or newer and 1.35 or older
        Undecided: "v1.34" is no version of Kubernetes
        Undecided: "" is no version of Kubernetes
        "#);
    }

    #[test]
    fn nodes_may_be_eks_s_own_or_one_s_own() {
        let none = Facts { node_groups: vec![], ..facts() };
        let auto = Facts { is_auto: true, ..none.clone() };
        let now = question("2026-11-21T12:00:00Z");
        assert_eq!(policy().judge(&auto, &now).state, State::Approved);
        assert_eq!(Cluster { self_managed: true, ..policy() }.judge(&none, &now).state, State::Approved);
    }

    #[test]
    fn a_certain_no_weighs_more_than_an_unknown() {
        let mut facts = facts();
        facts.node_groups.clear();
        facts.add_ons[0].status = "DEGRADED".into();
        let outcome = policy().judge(&facts, &question("2026-11-21T12:00:00Z"));
        assert_eq!(
            (outcome.state, outcome.reason.as_str()),
            (State::Rejected, "the add-on coredns is DEGRADED")
        );
    }

    #[test]
    fn a_rule_asks_for_something_that_can_be() {
        let nothing =
            Cluster { healthy: false, min_version: None, max_version: None, add_ons: vec![], ..policy() };
        assert!(nothing.check().is_err());
        for one in [
            Cluster { healthy: true, ..nothing.clone() },
            Cluster { min_version: Version::parse("1.33"), ..nothing.clone() },
            Cluster { max_version: Version::parse("1.33"), ..nothing.clone() },
            Cluster { add_ons: vec!["coredns".into()], ..nothing.clone() },
            Cluster { min_version: Version::parse("1.33"), max_version: Version::parse("1.33"), ..nothing },
        ] {
            assert!(one.check().is_ok(), "{one:?}");
        }
        assert!(Cluster { max_version: Version::parse("1.32"), ..policy() }.check().is_err());
        assert!(policy().check().is_ok());
    }

    #[test]
    fn one_end_of_the_versions_is_enough_and_none_asks_for_none() {
        let state = |min: &str, max: &str, version: &str| {
            let rule =
                Cluster { min_version: Version::parse(min), max_version: Version::parse(max), ..policy() };
            rule.judge(&Facts { version: version.into(), ..facts() }, &question("2026-11-21T12:00:00Z")).state
        };
        assert_eq!(
            [state("1.33", "", "1.32"), state("1.33", "", "1.33")],
            [State::Rejected, State::Approved]
        );
        assert_eq!(
            [state("", "1.33", "1.34"), state("", "1.33", "1.33")],
            [State::Rejected, State::Approved]
        );
        assert_eq!(
            [state("", "", "unheard of"), state("1.33", "", "unheard of")],
            [State::Approved, State::Undecided]
        );
    }

    #[test]
    fn versions_are_numbers() {
        assert!(Version::parse("1.9") < Version::parse("1.34"));
        for text in ["", "1", "1.", "1.x", "1.34.2", "+1.34", " 1.34"] {
            assert_eq!(Version::parse(text), None, "{text}");
        }
    }
}
