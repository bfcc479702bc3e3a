//! Deployments and their ReplicaSets:
//! <https://github.com/kubernetes/kubernetes/blob/v1.36.0/pkg/controller/deployment/rolling.go>.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{condition, hash, number, observes, owner, pods, put, share, word};
use crate::world::{Here as _, How, Key, World, is_owned_by, now};

const REVISION: &str = "deployment.kubernetes.io/revision";
const HASH: &str = "pod-template-hash";

/// Lets each take a step.
pub(super) fn step(world: &mut World) {
    for (key, deployment) in of_apps(world, "deployments") {
        if observes(world, &key, &deployment) {
            advance(world, &key, &deployment);
        }
    }
    for (key, set) in of_apps(world, "replicasets") {
        fill(world, &key, &set);
    }
}

fn of_apps(world: &World, plural: &str) -> Vec<(Key, Value)> {
    let mut all = world.every(plural);
    all.retain(|(key, _)| key.group == "apps");
    all
}

/// The ReplicaSets of a Deployment, oldest first.
fn sets_of(world: &World, deployment: &Value) -> Vec<(Key, Value)> {
    let uid = word(deployment, "/metadata/uid");
    let mut sets = of_apps(world, "replicasets");
    sets.retain(|(_, set)| is_owned_by(set, uid));
    sets.sort_by_key(|(_, set)| revision(set));
    sets
}

fn revision(object: &Value) -> i64 {
    object["metadata"]["annotations"][REVISION].as_str().and_then(|text| text.parse().ok()).unwrap_or(0)
}

fn advance(world: &mut World, key: &Key, deployment: &Value) {
    let wanted = number(deployment, "/spec/replicas");
    let name = hash(&deployment["spec"]["template"]);
    let sets = sets_of(world, deployment);
    let is_paused = deployment["spec"]["paused"] == true;
    let is_new = |set: &Value| set["metadata"]["labels"][HASH] == name.as_str();
    let Some((new_key, new)) = sets.iter().find(|(_, set)| is_new(set)).cloned() else {
        if !is_paused {
            make_set(world, key, deployment, &name, sets.last().map_or(0, |(_, set)| revision(set)) + 1);
        }
        tell(world, key, deployment, None, &sets, wanted);
        return;
    };
    // To go back to an old template makes its set the newest.
    let newest = sets.last().map_or(0, |(_, set)| revision(set));
    if revision(&new) < newest {
        let mut renewed = new.clone();
        renewed["metadata"]["annotations"][REVISION] = (newest + 1).to_string().into();
        put(world, &new_key, &renewed);
        note_revision(world, key, newest + 1);
        return;
    }
    if !is_paused || sets.len() == 1 {
        move_on(world, deployment, wanted, &new_key, &new, &sets);
    }
    let fresh = sets_of(world, deployment);
    tell(world, key, deployment, Some(&new_key), &fresh, wanted);
    forget_old(world, deployment, &new_key, &fresh);
}

/// Scales the new set up and the old ones down, as far as the strategy lets it now.
fn move_on(
    world: &mut World,
    deployment: &Value,
    wanted: i64,
    new_key: &Key,
    new: &Value,
    sets: &[(Key, Value)],
) {
    let old: Vec<&(Key, Value)> = sets.iter().filter(|(key, _)| key != new_key).collect();
    let asked = |set: &Value| number(set, "/spec/replicas");
    let total: i64 = sets.iter().map(|(_, set)| asked(set)).sum();
    let recreates = deployment["spec"]["strategy"]["type"] == "Recreate";
    if recreates {
        let pods_left = old.iter().any(|(_, set)| !pods::of(world, word(set, "/metadata/uid")).is_empty());
        for (key, set) in &old {
            scale(world, key, set, 0);
        }
        if !pods_left {
            scale(world, new_key, new, wanted);
        }
        return;
    }
    let rolling = &deployment["spec"]["strategy"]["rollingUpdate"];
    let mut unavailable = share(&rolling["maxUnavailable"], wanted, false);
    let surge = share(&rolling["maxSurge"], wanted, true);
    if surge == 0 && unavailable == 0 {
        unavailable = 1;
    }
    let mine = asked(new);
    if mine > wanted {
        scale(world, new_key, new, wanted);
        return;
    }
    if mine < wanted {
        let room = if old.iter().all(|(_, set)| asked(set) == 0) { wanted } else { wanted + surge };
        let more = (room - total).clamp(0, wanted - mine);
        if more > 0 {
            scale(world, new_key, new, mine + more);
            return;
        }
    }
    let available: i64 = sets.iter().map(|(_, set)| number(set, "/status/availableReplicas")).sum();
    let at_least = wanted - unavailable;
    let not_yet = mine - number(new, "/status/availableReplicas");
    let mut may_go = total - at_least - not_yet;
    for (key, set) in &old {
        // First those that serve nobody.
        let broken = asked(set) - number(set, "/status/availableReplicas");
        let goes = broken.min(may_go).max(0);
        if goes > 0 {
            scale(world, key, set, asked(set) - goes);
            may_go -= goes;
        }
    }
    let mut spare = available - at_least;
    for (key, _) in &old {
        let Some(set) = world.get(key).cloned() else { continue };
        let goes = asked(&set).min(spare).min(may_go).max(0);
        if goes > 0 {
            scale(world, key, &set, asked(&set) - goes);
            spare -= goes;
            may_go -= goes;
        }
    }
}

fn scale(world: &mut World, key: &Key, set: &Value, replicas: i64) {
    if number(set, "/spec/replicas") != replicas {
        let mut scaled = set.clone();
        scaled["spec"]["replicas"] = replicas.into();
        put(world, key, &scaled);
    }
}

fn make_set(world: &mut World, key: &Key, deployment: &Value, hash: &str, revision: i64) {
    let mut template = deployment["spec"]["template"].clone();
    template["metadata"]["labels"][HASH] = hash.into();
    let mut selector = deployment["spec"]["selector"].clone();
    selector["matchLabels"][HASH] = hash.into();
    let set = json!({
        "metadata": {
            "name": format!("{}-{hash}", key.name),
            "labels": template["metadata"]["labels"],
            "annotations": {REVISION: revision.to_string()},
            "ownerReferences": owner(deployment),
        },
        "spec": {"replicas": 0, "selector": selector, "template": template},
    });
    let kind = world.kind_named("apps/v1", "ReplicaSet").unwrap().clone();
    world
        .create(&kind, &key.namespace, &set, How::controller(None))
        .unwrap_or_else(|reply| panic!("{reply:?}"));
    note_revision(world, key, revision);
}

fn note_revision(world: &mut World, key: &Key, revision: i64) {
    let mut deployment = world.get(key).unwrap().clone();
    if !deployment["metadata"]["annotations"].is_object() {
        deployment["metadata"]["annotations"] = json!({});
    }
    deployment["metadata"]["annotations"][REVISION] = revision.to_string().into();
    put(world, key, &deployment);
}

fn forget_old(world: &mut World, deployment: &Value, new: &Key, sets: &[(Key, Value)]) {
    let kept = usize::try_from(number(deployment, "/spec/revisionHistoryLimit")).unwrap_or(0);
    let empty: Vec<&Key> = sets
        .iter()
        .filter(|(key, set)| {
            key != new && number(set, "/spec/replicas") == 0 && number(set, "/status/replicas") == 0
        })
        .map(|(key, _)| key)
        .collect();
    for key in &empty[..empty.len().saturating_sub(kept)] {
        world.remove(key);
    }
}

fn tell(
    world: &mut World,
    key: &Key,
    deployment: &Value,
    new: Option<&Key>,
    sets: &[(Key, Value)],
    wanted: i64,
) {
    let before = deployment["status"].clone();
    let sum = |field: &str| sets.iter().map(|(_, set)| number(set, &format!("/status/{field}"))).sum::<i64>();
    let new_set = sets.iter().find(|(key, _)| Some(key) == new).map(|(_, set)| set);
    let (total, available) = (sum("replicas"), sum("availableReplicas"));
    let updated = new_set.map_or(0, |set| number(set, "/status/replicas"));
    let mut status = json!({"observedGeneration": deployment["metadata"]["generation"]});
    for (field, count) in [
        ("replicas", total),
        ("updatedReplicas", updated),
        ("readyReplicas", sum("readyReplicas")),
        ("availableReplicas", available),
        ("unavailableReplicas", (total - available).max(wanted - available).max(0)),
    ] {
        if count > 0 {
            status[field] = count.into();
        }
    }
    if world.script.tells_terminating {
        status["terminatingReplicas"] = sum("terminatingReplicas").into();
    }
    let unavailable =
        share(&deployment["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"], wanted, false);
    let enough = available >= wanted - unavailable;
    let mut conditions = vec![if enough {
        condition(
            &before,
            "Available",
            true,
            "MinimumReplicasAvailable",
            "Deployment has minimum availability.",
        )
    } else {
        condition(
            &before,
            "Available",
            false,
            "MinimumReplicasUnavailable",
            "Deployment does not have minimum availability.",
        )
    }];
    conditions.push(progress(&before, &status, deployment, new.map(|key| key.name.as_str()), wanted));
    if let Some(failure) = new_set.and_then(|set| set["status"]["conditions"].as_array()?.first().cloned()) {
        conditions.push(condition(
            &before,
            "ReplicaFailure",
            true,
            "FailedCreate",
            word(&failure, "/message"),
        ));
    }
    for condition in &mut conditions {
        let kind = condition["type"].clone();
        let old = before["conditions"].as_array().into_iter().flatten().find(|old| old["type"] == kind);
        let same = |field: &str| old.is_some_and(|old| old[field] == condition[field]);
        let moves = kind == "Progressing"
            && counts(&before) != counts(&status)
            && condition["reason"] == "ReplicaSetUpdated";
        let since = old.filter(|_| same("status") && same("reason") && same("message") && !moves);
        condition["lastUpdateTime"] = since.map_or_else(|| now().into(), |old| old["lastUpdateTime"].clone());
    }
    status["conditions"] = conditions.into();
    world.set_status(key, status);
}

/// What moves while a rollout goes on.
fn counts(status: &Value) -> [i64; 4] {
    ["replicas", "updatedReplicas", "readyReplicas", "availableReplicas"]
        .map(|field| number(status, &format!("/{field}")))
}

fn progress(before: &Value, status: &Value, deployment: &Value, set: Option<&str>, wanted: i64) -> Value {
    let is_complete = set.is_some()
        && number(status, "/updatedReplicas") == wanted
        && number(status, "/replicas") == wanted
        && number(status, "/availableReplicas") == wanted;
    let old = before["conditions"].as_array().into_iter().flatten().find(|old| old["type"] == "Progressing");
    let set = set.unwrap_or_default();
    if is_complete {
        let message = format!("ReplicaSet {set:?} has successfully progressed.");
        return condition(before, "Progressing", true, "NewReplicaSetAvailable", &message);
    }
    let going_on = format!("ReplicaSet {set:?} is progressing.");
    let has_moved = counts(before) != counts(status)
        || old.is_none_or(|old| {
            old["reason"] == "NewReplicaSetAvailable" || old["message"] != going_on.as_str()
        });
    let deadline = number(deployment, "/spec/progressDeadlineSeconds");
    let since: Option<Timestamp> = old.and_then(|old| old["lastUpdateTime"].as_str()?.parse().ok());
    let is_late = since.is_some_and(|since| Timestamp::now_here().as_second() - since.as_second() > deadline);
    let was_late = old.is_some_and(|old| {
        old["reason"] == "ProgressDeadlineExceeded" && word(old, "/message").contains(set)
    });
    if was_late && counts(before) == counts(status) || !has_moved && is_late {
        let message = format!("ReplicaSet {set:?} has timed out progressing.");
        return condition(before, "Progressing", false, "ProgressDeadlineExceeded", &message);
    }
    condition(before, "Progressing", true, "ReplicaSetUpdated", &going_on)
}

/// Lets a ReplicaSet have as many pods as it is to have.
fn fill(world: &mut World, key: &Key, set: &Value) {
    let all = pods::of(world, word(set, "/metadata/uid"));
    let (going, staying): (Vec<_>, Vec<_>) = all.into_iter().partition(|(_, pod)| pods::is_going(pod));
    let wanted = usize::try_from(number(set, "/spec/replicas")).unwrap_or(0);
    let owner = set["metadata"]["ownerReferences"][0]["name"].as_str();
    let workload = owner.unwrap_or(&key.name).to_owned();
    let mut refusal = None;
    for _ in staying.len()..wanted {
        if let Err(why) = pods::make(world, set, &workload, None, &[], None) {
            refusal = Some(why);
            break;
        }
    }
    let mut leaving: Vec<_> = staying.iter().collect();
    // Those that are not ready go first, then the youngest.
    leaving.sort_by_key(|(_, pod)| {
        (pods::is_ready(pod), std::cmp::Reverse(word(pod, "/metadata/uid").to_owned()))
    });
    for (key, _) in leaving.iter().take(staying.len().saturating_sub(wanted)) {
        pods::end(world, key);
    }
    let min_ready = number(set, "/spec/minReadySeconds");
    let count = |holds: &dyn Fn(&Value) -> bool| staying.iter().filter(|(_, pod)| holds(pod)).count();
    let mut status = json!({"replicas": staying.len(), "observedGeneration": set["metadata"]["generation"]});
    for (field, count) in [
        ("fullyLabeledReplicas", staying.len()),
        ("readyReplicas", count(&pods::is_ready)),
        ("availableReplicas", count(&|pod| pods::is_available(pod, min_ready))),
    ] {
        if count > 0 {
            status[field] = count.into();
        }
    }
    if world.script.tells_terminating {
        status["terminatingReplicas"] = going.len().into();
    }
    if let Some(why) = refusal {
        status["conditions"] =
            json!([condition(&set["status"], "ReplicaFailure", true, "FailedCreate", &why)]);
    }
    world.set_status(key, status);
}
