//! Manifests applied: what the API server would make of them is what they change.

use serde_json::Value;
use sluice_core::Problem;
use sluice_kubernetes::{Cluster, Error, Object, Ownership};

use crate::{
    draught::{Draught, edits},
    journal::{MANAGER, Step},
    manifests::Manifest,
};

/// Drafts what a manifest changes.
pub(crate) async fn draft(
    manifest: &Manifest,
    ownership: Ownership,
    draught: &mut Draught,
    cluster: &Cluster,
) -> Result<(), Problem> {
    let object = &manifest.object;
    let refused = |problem: Problem| problem.at(manifest.place.clone());
    check(object, cluster).map_err(refused)?;
    let kind = cluster.kind_of(object).await.map_err(|error| refused(error.into()))?;
    let found = match cluster.get_object(&kind, object.name()).await {
        Ok(found) => Some(Value::from(found)),
        Err(Error::NotFound { .. }) => None,
        Err(error) => return Err(refused(error.into())),
    };
    let after = apply(&cluster.rehearsing(), object, ownership).await;
    let after = Value::from(after.map_err(|error| refused(contested(error)))?);
    let mut step = match &found {
        Some(found) => Step::of(found, 0, edits(found, &after)),
        None => Step { is_new: true, ..Step::of(&after, 0, Vec::new()) },
    };
    // What workloads need is there before them; traffic moves when they are done.
    step.stage = match step.workload() {
        Some(_) => 1,
        None if step.moves_traffic() => 2,
        None => 0,
    };
    if step.changes_something() {
        step.apply = Some(object.clone());
    }
    draught.need(&["get", "patch"], &kind);
    if step.is_new {
        draught.need(&["create", "delete"], &kind);
    }
    draught.put(step, found, after);
    Ok(())
}

/// Refuses what a rollout must not hold.
fn check(object: &Object, cluster: &Cluster) -> Result<(), Problem> {
    let name = || format!("{}/{}", object.kind().to_lowercase(), object.name());
    if object.kind() == "Secret" {
        return Err(Problem::misconfigured(format!("{} is among the manifests", name()))
            .why("the record of a rollout would hold what it holds")
            .help("bring Secrets into the cluster in another way, by External Secrets say, and leave them out here"));
    }
    if object.namespace().is_some_and(|namespace| namespace != cluster.namespace()) {
        return Err(Problem::misconfigured(format!("{} is of another namespace", name()))
            .why(format!("a rollout changes one namespace: {}", cluster.namespace()))
            .help("give `namespace`, and the manifests of each namespace in a run of its own"));
    }
    Ok(())
}

/// Applies. What only we ourselves own (from having put something back) is ours to take.
pub(crate) async fn apply(cluster: &Cluster, object: &Object, ownership: Ownership) -> Result<Object, Error> {
    match cluster.apply(object, ownership).await {
        Err(Error::Conflict { fields, .. })
            if !fields.is_empty() && fields.iter().all(|field| field.manager == MANAGER) =>
        {
            cluster.apply(object, Ownership::Take).await
        }
        Err(Error::Conflict { what, why, mut fields }) => {
            fields.retain(|field| field.manager != MANAGER);
            Err(Error::Conflict { what, why, fields })
        }
        other => other,
    }
}

fn contested(error: Error) -> Problem {
    match &error {
        Error::Conflict { fields, .. } if !fields.is_empty() => {
            let problem = Problem::failed("fields of a manifest belong to others").why(&error);
            let replicas = fields.iter().any(|field| field.field == ".spec.replicas");
            problem.help(if replicas {
                "leave `replicas` out of the manifest where an autoscaler sets it; `force` takes fields over"
            } else {
                "leave these fields out of the manifest, or take them over with `force`"
            })
        }
        Error::Rejected { .. } => {
            Problem::misconfigured("the cluster refuses a manifest").why(&error).help("correct the manifest")
        }
        _ => error.into(),
    }
}
