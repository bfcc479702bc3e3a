//! The controllers, each a small step at a time: what each sees is what the others have left behind, so that statuses lag
//! as they do in a cluster.

mod deployments;
mod endpoints;
mod garbage;
mod jobs;
mod pods;
mod sets;

use std::time::Duration;

use serde_json::{Value, json};

use crate::{
    Shared,
    world::{How, Key, World, now},
};

pub(crate) use self::pods::Life;

/// How often each controller takes a step.
pub(crate) const TICK: Duration = Duration::from_millis(20);

/// Lets the controllers take their steps, for as long as it is waited for.
pub(crate) async fn run(shared: &Shared) {
    loop {
        tokio::time::sleep(TICK).await;
        let mut world = shared.world();
        if world.script.is_running {
            deployments::step(&mut world);
            sets::step(&mut world);
            jobs::step(&mut world);
            pods::step(&mut world);
            endpoints::step(&mut world);
            garbage::step(&mut world);
        }
    }
}

/// A number of an object; nothing counts as none.
fn number(object: &Value, pointer: &str) -> i64 {
    object.pointer(pointer).and_then(Value::as_i64).unwrap_or(0)
}

fn word<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// Replaces an object, as its controller does.
fn put(world: &mut World, key: &Key, object: &Value) {
    let kind = world.kind_for(key);
    let mut object = object.clone();
    object["metadata"].as_object_mut().unwrap().shift_remove("resourceVersion");
    world.update(&kind, key, &object, How::controller(None)).unwrap_or_else(|reply| panic!("{reply:?}"));
}

/// The entry of `ownerReferences` that tells of a controller.
fn owner(object: &Value) -> Value {
    json!([{
        "apiVersion": object["apiVersion"], "kind": object["kind"], "name": object["metadata"]["name"],
        "uid": object["metadata"]["uid"], "controller": true, "blockOwnerDeletion": true,
    }])
}

/// A condition; it keeps its time as long as its status stays.
fn condition(before: &Value, kind: &str, is_so: bool, reason: &str, message: &str) -> Value {
    let status = if is_so { "True" } else { "False" };
    let old = before["conditions"].as_array().into_iter().flatten().find(|old| old["type"] == kind);
    let since = old.filter(|old| old["status"] == status).map(|old| old["lastTransitionTime"].clone());
    let mut condition =
        json!({"type": kind, "status": status, "lastTransitionTime": since.unwrap_or_else(|| now().into())});
    if !reason.is_empty() {
        condition["reason"] = reason.into();
    }
    if !message.is_empty() {
        condition["message"] = message.into();
    }
    condition
}

/// Whether the status of a workload may tell of its newest spec by now.
fn observes(world: &mut World, key: &Key, object: &Value) -> bool {
    let generation = number(object, "/metadata/generation");
    if number(object, "/status/observedGeneration") >= generation {
        return true;
    }
    let place = (key.namespace.clone(), key.name.clone());
    let Some(lag) = world.script.observe_after.get(&place).copied() else { return true };
    let began = world.script.changed_at.entry((place, generation)).or_insert_with(std::time::Instant::now);
    began.elapsed() >= lag
}

/// Tells of something that went wrong, once.
fn warn(world: &mut World, about: &Value, reason: &str, message: &str, component: &str) {
    let (namespace, name) = (word(about, "/metadata/namespace").to_owned(), word(about, "/metadata/name"));
    let kind = world.kind_named("v1", "Event").unwrap().clone();
    let event_name = format!("{name}.{}", reason.to_lowercase());
    if world.get(&Key::of(&kind, &namespace, &event_name)).is_some() {
        return;
    }
    let time = now();
    let event = json!({
        "metadata": {"name": event_name},
        "involvedObject": {
            "apiVersion": about["apiVersion"], "kind": about["kind"], "namespace": namespace, "name": name,
            "uid": about["metadata"]["uid"],
        },
        "reason": reason, "message": message, "type": "Warning", "count": 1,
        "firstTimestamp": time, "lastTimestamp": time, "source": {"component": component},
        "reportingComponent": component, "reportingInstance": "",
    });
    let how = How { manager: component, subresource: None, is_dry_run: false };
    world.create(&kind, &namespace, &event, how).unwrap_or_else(|reply| panic!("{reply:?}"));
}

/// The letters that tell one template from another.
fn hash(template: &Value) -> String {
    let text = template.to_string();
    let sum = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{:010x}", sum & 0xff_ffff_ffff)
}

/// What a number or a percentage of so many is.
fn share(value: &Value, of: i64, rounds_up: bool) -> i64 {
    match value {
        Value::String(text) => {
            let percent: i64 = text.trim_end_matches('%').parse().unwrap_or(0);
            (percent * of + if rounds_up { 99 } else { 0 }) / 100
        }
        other => other.as_i64().unwrap_or(0),
    }
}
