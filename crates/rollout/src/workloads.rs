//! Workloads, looked for in the cluster.

use serde_json::Value;
use sluice_core::{Problem, nearest};
use sluice_kubernetes::{Cluster, Error, Object, Selector};

use crate::reference::{Reference, WorkloadKind};

/// The workload of this name.
pub(crate) async fn get(cluster: &Cluster, reference: &Reference) -> Result<Value, Problem> {
    let kind = reference.kind.api();
    match cluster.get_object(&kind, &reference.name).await {
        Ok(object) => Ok(object.into()),
        Err(Error::NotFound { .. }) => {
            // What there is explains: where it can't be had, the answer is the same.
            let all = cluster.list_objects(&kind, &Selector::all()).await.map(|listed| listed.items);
            let all = all.unwrap_or_default();
            Err(unknown(&reference.to_string(), &reference.name, all.iter().map(Object::name), cluster))
        }
        Err(error) => Err(error.into()),
    }
}

/// The workloads with these labels, as kubectl's `--selector` has them. Never none: a selector that finds nothing is a
/// mistake.
pub(crate) async fn with_labels(cluster: &Cluster, labels: &str) -> Result<Vec<(Reference, Value)>, Problem> {
    let mut found = Vec::new();
    for kind in [WorkloadKind::Deployment, WorkloadKind::StatefulSet, WorkloadKind::DaemonSet] {
        for object in cluster.list_objects(&kind.api(), &Selector::labels(labels)).await?.items {
            found.push((Reference { kind, name: object.name().to_owned() }, object.into()));
        }
    }
    if found.is_empty() {
        return Err(none_with(labels, cluster));
    }
    Ok(found)
}

/// No workload has these labels.
pub(crate) fn none_with(labels: &str, cluster: &Cluster) -> Problem {
    Problem::misconfigured(format!("no workload of {} has the labels {labels}", cluster.namespace()))
        .help("check `selector`, the namespace and the cluster")
}

/// The namespace runs nothing: more often a mistake than meant.
pub(crate) fn none(cluster: &Cluster) -> Problem {
    Problem::misconfigured(format!("no workload runs in the namespace {}", cluster.namespace()))
        .help("check the namespace and the cluster: a namespace that is not there looks empty")
}

/// There is no object of this name: perhaps another was meant.
pub(crate) fn unknown<'a>(
    object: &str,
    name: &str,
    known: impl Iterator<Item = &'a str>,
    cluster: &Cluster,
) -> Problem {
    let problem = Problem::misconfigured(format!("there is no {object} in {}", cluster.namespace()));
    match nearest(name, known) {
        Some(meant) => problem.help(format!("did you mean \"{meant}\"?")),
        None => problem.help("check the name, the namespace and the cluster"),
    }
}
