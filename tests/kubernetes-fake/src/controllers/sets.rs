//! StatefulSets and DaemonSets.

use serde_json::{Value, json};

use super::{hash, number, observes, pods, word};
use crate::world::{Key, World};

const HASH: &str = "controller-revision-hash";

/// Lets each take a step.
pub(super) fn step(world: &mut World) {
    for (key, set) in world.every("statefulsets") {
        if observes(world, &key, &set) {
            stateful(world, &key, &set);
        }
    }
    for (key, set) in world.every("daemonsets") {
        if observes(world, &key, &set) {
            daemons(world, &key, &set);
        }
    }
}

fn revision_of(pod: &Value) -> &str {
    word(pod, "/metadata/labels/controller-revision-hash")
}

/// One pod after the other, in their order; updates go the other way:
/// <https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#deployment-and-scaling-guarantees>.
fn stateful(world: &mut World, key: &Key, set: &Value) {
    let update = format!("{}-{}", key.name, hash(&set["spec"]["template"]));
    let current = set["status"]["currentRevision"].as_str().unwrap_or(&update).to_owned();
    let wanted = number(set, "/spec/replicas");
    let partition = number(set, "/spec/updateStrategy/rollingUpdate/partition");
    let all = pods::of(world, word(set, "/metadata/uid"));
    let pod_of = |ordinal: i64| all.iter().find(|(pod, _)| pod.name == format!("{}-{ordinal}", key.name));
    let is_parallel = set["spec"]["podManagementPolicy"] == "Parallel";
    let is_settled =
        |ordinal: i64| pod_of(ordinal).is_some_and(|(_, pod)| pods::is_ready(pod) && !pods::is_going(pod));

    for ordinal in 0..wanted {
        if pod_of(ordinal).is_none() {
            // Where the current template is gone, an old pod can't be made again: as after a rollback.
            let revision = if ordinal < partition { &current } else { &update };
            let name = format!("{}-{ordinal}", key.name);
            let labels = [(HASH, revision.as_str()), ("statefulset.kubernetes.io/pod-name", name.as_str())];
            let _ = pods::make(world, set, &key.name, Some(&name), &labels, None);
        }
        if !is_parallel && !is_settled(ordinal) {
            break;
        }
    }
    let surplus = all.iter().filter(|(pod, _)| ordinal(pod) >= wanted).max_by_key(|(pod, _)| ordinal(pod));
    if let Some((pod, _)) = surplus {
        pods::end(world, pod);
    } else if set["spec"]["updateStrategy"]["type"] != "OnDelete" && (0..wanted).all(is_settled) {
        let outdated = (partition..wanted)
            .rev()
            .find(|ordinal| pod_of(*ordinal).is_some_and(|(_, pod)| revision_of(pod) != update));
        if let Some((pod, _)) = outdated.and_then(pod_of) {
            pods::end(world, pod);
        }
    } else if set["spec"]["updateStrategy"]["type"] != "OnDelete" {
        // A pod that is broken and outdated is replaced at once; one that is broken and new is waited for.
        let broken = (partition..wanted).rev().find(|ordinal| !is_settled(*ordinal));
        if let Some((pod, _)) =
            broken.and_then(pod_of).filter(|(_, pod)| revision_of(pod) != update && !pods::is_going(pod))
        {
            pods::end(world, pod);
        }
    }
    let staying: Vec<&Value> = all.iter().map(|(_, pod)| pod).filter(|pod| !pods::is_going(pod)).collect();
    let count = |holds: &dyn Fn(&Value) -> bool| {
        i64::try_from(staying.iter().filter(|pod| holds(pod)).count()).unwrap_or(0)
    };
    let updated = count(&|pod| revision_of(pod) == update);
    let is_complete = updated == wanted
        && count(&pods::is_ready) == wanted
        && i64::try_from(staying.len()).ok() == Some(wanted);
    let current = if is_complete { &update } else { &current };
    let mut status = json!({
        "observedGeneration": set["metadata"]["generation"], "replicas": all.len(),
        "availableReplicas": count(&|pod| pods::is_available(pod, number(set, "/spec/minReadySeconds"))),
        "currentRevision": current, "updateRevision": update, "collisionCount": 0,
    });
    for (field, count) in [
        ("readyReplicas", count(&pods::is_ready)),
        ("currentReplicas", count(&|pod| revision_of(pod) == current)),
        ("updatedReplicas", updated),
    ] {
        if count > 0 {
            status[field] = count.into();
        }
    }
    world.set_status(key, status);
}

fn ordinal(pod: &Key) -> i64 {
    pod.name.rsplit('-').next().and_then(|ordinal| ordinal.parse().ok()).unwrap_or(0)
}

/// One pod a node; an update replaces one after the other.
fn daemons(world: &mut World, key: &Key, set: &Value) {
    let update = hash(&set["spec"]["template"]);
    let nodes = world.script.nodes.clone();
    let all = pods::of(world, word(set, "/metadata/uid"));
    for node in &nodes {
        if !all.iter().any(|(_, pod)| word(pod, "/spec/nodeName") == node) {
            let _ = pods::make(world, set, &key.name, None, &[(HASH, &update)], Some(node));
        }
    }
    let staying: Vec<&(Key, Value)> = all.iter().filter(|(_, pod)| !pods::is_going(pod)).collect();
    let is_whole = staying.len() == nodes.len() && staying.iter().all(|(_, pod)| pods::is_ready(pod));
    let mut outdated = staying.iter().filter(|(_, pod)| revision_of(pod) != update);
    if set["spec"]["updateStrategy"]["type"] != "OnDelete" {
        // A broken one may go at any time; a good one only when all are.
        let broken = outdated.clone().find(|(_, pod)| !pods::is_ready(pod));
        if let Some((pod, _)) = broken.or_else(|| outdated.next().filter(|_| is_whole)) {
            pods::end(world, pod);
        }
    }
    let count = |holds: &dyn Fn(&Value) -> bool| staying.iter().filter(|(_, pod)| holds(pod)).count();
    let available = count(&|pod| pods::is_available(pod, number(set, "/spec/minReadySeconds")));
    let mut status = json!({
        "observedGeneration": set["metadata"]["generation"], "desiredNumberScheduled": nodes.len(),
        "currentNumberScheduled": staying.len(), "numberMisscheduled": 0, "numberReady": count(&pods::is_ready),
    });
    for (field, count) in [
        ("updatedNumberScheduled", count(&|pod| revision_of(pod) == update)),
        ("numberAvailable", available),
        ("numberUnavailable", nodes.len() - available.min(nodes.len())),
    ] {
        if count > 0 {
            status[field] = count.into();
        }
    }
    world.set_status(key, status);
}
