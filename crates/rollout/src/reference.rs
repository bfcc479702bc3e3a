//! Names of workloads as people write them: `deployment/web`.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use sluice_core::{Problem, nearest};
use sluice_kubernetes::{
    Kind,
    api::apps::v1::{DaemonSet, Deployment, StatefulSet},
};

/// The kinds of workloads that a rollout waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum WorkloadKind {
    /// Pods that can be replaced one by another.
    Deployment,
    /// Pods with names and disks of their own.
    StatefulSet,
    /// One pod on each node.
    DaemonSet,
}

/// A workload's kind and name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Reference {
    /// The kind.
    pub(crate) kind: WorkloadKind,
    /// The name, inside its namespace.
    pub(crate) name: String,
}

/// The words for the kinds, as kubectl takes them.
const WORDS: [(&str, WorkloadKind); 9] = [
    ("deployment", WorkloadKind::Deployment),
    ("deployments", WorkloadKind::Deployment),
    ("deploy", WorkloadKind::Deployment),
    ("statefulset", WorkloadKind::StatefulSet),
    ("statefulsets", WorkloadKind::StatefulSet),
    ("sts", WorkloadKind::StatefulSet),
    ("daemonset", WorkloadKind::DaemonSet),
    ("daemonsets", WorkloadKind::DaemonSet),
    ("ds", WorkloadKind::DaemonSet),
];

impl WorkloadKind {
    /// The kind as manifests write it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Deployment => "Deployment",
            Self::StatefulSet => "StatefulSet",
            Self::DaemonSet => "DaemonSet",
        }
    }

    /// Where the API has it.
    pub(crate) fn api(self) -> Kind {
        match self {
            Self::Deployment => Kind::of::<Deployment>(),
            Self::StatefulSet => Kind::of::<StatefulSet>(),
            Self::DaemonSet => Kind::of::<DaemonSet>(),
        }
    }

    /// The kind that manifests write so.
    pub(crate) fn of(kind: &str) -> Option<Self> {
        [Self::Deployment, Self::StatefulSet, Self::DaemonSet].into_iter().find(|known| known.name() == kind)
    }
}

impl FromStr for Reference {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        let wrong = |why: String| {
            Problem::misconfigured(format!("\"{text}\" names no workload"))
                .why(why)
                .help("write its kind and its name: `deployment/web`, `statefulset/db` or `daemonset/agent`")
        };
        let Some((kind, name)) = text.split_once('/') else {
            return Err(wrong("the kind is missing".to_owned()));
        };
        let word = kind.to_ascii_lowercase();
        let Some((_, kind)) = WORDS.iter().find(|(known, _)| *known == word) else {
            let problem = wrong(format!("there is no kind of workload \"{kind}\""));
            return Err(match nearest(&word, WORDS.map(|(known, _)| known)) {
                Some(meant) => problem.help(format!("did you mean `{meant}/{name}`?")),
                None => problem,
            });
        };
        check_name(name).map_err(wrong)?;
        Ok(Self { kind: *kind, name: name.to_owned() })
    }
}

/// A DNS subdomain, as names of workloads are:
/// <https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#dns-subdomain-names>
pub(crate) fn check_name(name: &str) -> Result<(), String> {
    let is_inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let is_label = |label: &str| {
        let bytes = label.as_bytes();
        let ends_are_fine = [bytes.first(), bytes.last()].into_iter().flatten().all(|byte| is_inner(*byte));
        !bytes.is_empty() && ends_are_fine && bytes.iter().all(|byte| is_inner(*byte) || *byte == b'-')
    };
    if name.is_empty() {
        Err("the name is missing".to_owned())
    } else if name.len() > 253 || !name.split('.').all(is_label) {
        Err("a name holds lower-case letters, digits, `-` and `.`, at most 253".to_owned())
    } else {
        Ok(())
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind.name().to_lowercase(), self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_taken_as_kubectl_takes_them() {
        for text in ["deployment/web", "deploy/web", "Deployment/web", "deployments/web"] {
            assert_eq!(text.parse::<Reference>().unwrap().to_string(), "deployment/web");
        }
        assert_eq!("sts/db".parse::<Reference>().unwrap().to_string(), "statefulset/db");
        assert_eq!("ds/agent.v1".parse::<Reference>().unwrap().to_string(), "daemonset/agent.v1");
    }

    #[test]
    fn what_names_no_workload_is_refused() {
        let why = |text: &str| text.parse::<Reference>().unwrap_err();
        assert_eq!(why("web").why.unwrap(), "the kind is missing");
        assert_eq!(why("deplyment/web").help.unwrap(), "did you mean `deployment/web`?");
        assert_eq!(why("deployment/").why.unwrap(), "the name is missing");
        for name in ["../x", "a/b", "Web", "-a", "a..b", "a b", "a?x=1"] {
            assert!(format!("deployment/{name}").parse::<Reference>().is_err(), "{name}");
        }
    }
}
