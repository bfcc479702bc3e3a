//! Pods: how they are made, how they live, how they end. Scheduler and kubelet in one.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{TICK, condition, owner, warn, word};
use crate::{
    script::{Behaviour, Container},
    world::{Here as _, How, Key, World, now},
};

/// How a pod lives.
#[derive(Clone, Debug)]
pub(crate) struct Life {
    behaviour: Behaviour,
    says: Vec<String>,
    linger: Duration,
    is_of_job: bool,
    steps: u32,
    going_since: Option<Instant>,
    said: usize,
    restarts: u32,
}

/// How long pods take to end, unless it is said.
const LINGER: Duration = Duration::from_millis(100);

/// Makes a pod of a template; the words of the refusal when it may not be.
pub(super) fn make(
    world: &mut World,
    maker: &Value,
    workload: &str,
    name: Option<&str>,
    labels: &[(&str, &str)],
    node: Option<&str>,
) -> Result<(), String> {
    let namespace = word(maker, "/metadata/namespace").to_owned();
    let template = &maker["spec"]["template"];
    let name =
        name.map_or_else(|| format!("{}-{}", word(maker, "/metadata/name"), world.suffix()), str::to_owned);
    let rule = world.script.rule(&template["spec"], &namespace, workload).cloned();
    let behaviour = rule.as_ref().map_or(Behaviour::Well, |rule| rule.behaviour);
    if behaviour == Behaviour::Quota {
        let message = format!(
            "pods {name:?} is forbidden: exceeded quota: compute, requested: pods=1, used: pods=10, limited: pods=10"
        );
        warn(world, maker, "FailedCreate", &format!("Error creating: {message}"), "replicaset-controller");
        return Err(message);
    }
    let mut metadata = json!({
        "name": name, "labels": template["metadata"]["labels"], "ownerReferences": owner(maker),
    });
    if template["metadata"]["annotations"].is_object() {
        metadata["annotations"] = template["metadata"]["annotations"].clone();
    }
    for (label, value) in labels {
        metadata["labels"][*label] = (*value).into();
    }
    let mut pod = json!({"metadata": metadata, "spec": template["spec"]});
    if let Some(node) = node {
        pod["spec"]["nodeName"] = node.into();
    }
    let kind = world.kind_named("v1", "Pod").unwrap().clone();
    let made = world.create(&kind, &namespace, &pod, How::controller(None));
    let made = made.map_err(|reply| String::from_utf8_lossy(&reply.body).into_owned())?;
    let life = Life {
        behaviour,
        says: rule.as_ref().map(|rule| rule.says.clone()).unwrap_or_default(),
        linger: rule.and_then(|rule| rule.linger).unwrap_or(LINGER),
        is_of_job: maker["kind"] == "Job",
        steps: 0,
        going_since: None,
        said: 0,
        restarts: 0,
    };
    world.script.lives.insert(word(&made, "/metadata/uid").to_owned(), life);
    Ok(())
}

/// Begins the end of a pod.
pub(super) fn end(world: &mut World, key: &Key) {
    let kind = world.kind_named("v1", "Pod").unwrap().clone();
    world.delete(&kind, key, false);
}

/// The pods of an owner, oldest first.
pub(super) fn of(world: &World, uid: &str) -> Vec<(Key, Value)> {
    let mut pods = world.every("pods");
    pods.retain(|(key, pod)| key.group.is_empty() && crate::world::is_owned_by(pod, uid));
    pods.sort_by_key(|(_, pod)| word(pod, "/metadata/uid").to_owned());
    pods
}

pub(crate) fn is_going(pod: &Value) -> bool {
    pod["metadata"].get("deletionTimestamp").is_some()
}

pub(crate) fn is_ready(pod: &Value) -> bool {
    let conditions = pod["status"]["conditions"].as_array();
    conditions.is_some_and(|all| all.iter().any(|one| one["type"] == "Ready" && one["status"] == "True"))
}

/// Whether it has been ready for long enough.
pub(super) fn is_available(pod: &Value, min_ready_seconds: i64) -> bool {
    let conditions = pod["status"]["conditions"].as_array().into_iter().flatten();
    let ready = conditions.into_iter().find(|one| one["type"] == "Ready" && one["status"] == "True");
    ready.is_some_and(|ready| {
        let since: Option<Timestamp> =
            ready["lastTransitionTime"].as_str().and_then(|time| time.parse().ok());
        min_ready_seconds == 0
            || since.is_some_and(|since| {
                Timestamp::now_here().as_second() - since.as_second() >= min_ready_seconds
            })
    })
}

/// Lets every pod live on.
pub(super) fn step(world: &mut World) {
    for (key, pod) in world.every("pods") {
        let uid = word(&pod, "/metadata/uid").to_owned();
        let mut life = world.script.lives.get(&uid).cloned().unwrap_or_else(|| alone(world, &key, &pod));
        if is_going(&pod) {
            let since = *life.going_since.get_or_insert_with(Instant::now);
            if since.elapsed() >= life.linger {
                world.script.lives.remove(&uid);
                world.remove(&key);
                continue;
            }
        }
        life.steps += 1;
        live(world, &key, pod, &mut life);
        world.script.lives.insert(uid, life);
    }
}

/// The life of a pod that no controller made.
fn alone(world: &World, key: &Key, pod: &Value) -> Life {
    let rule = world.script.rule(&pod["spec"], &key.namespace, &key.name);
    Life {
        behaviour: rule.map_or(Behaviour::Well, |rule| rule.behaviour),
        says: rule.map(|rule| rule.says.clone()).unwrap_or_default(),
        linger: rule.and_then(|rule| rule.linger).unwrap_or(LINGER),
        is_of_job: false,
        steps: 0,
        going_since: None,
        said: 0,
        restarts: 0,
    }
}

/// What a container is doing.
enum State {
    Waiting(&'static str, String),
    Running,
    Terminated(i64),
}

fn steps_of(time: Duration) -> u32 {
    u32::try_from(time.as_millis() / TICK.as_millis()).unwrap_or(u32::MAX)
}

/// What the containers do at this step, whether they are ready, and whether they run for the first time.
fn state(life: &mut Life, image: &str) -> (State, bool) {
    let steps = life.steps.saturating_sub(3);
    if life.steps < 3 {
        return (State::Waiting("ContainerCreating", String::new()), false);
    }
    match life.behaviour {
        Behaviour::ImagePullBackOff if steps % 20 < 10 => {
            let message = format!("failed to pull and unpack image {image:?}: not found");
            (State::Waiting("ErrImagePull", message), false)
        }
        Behaviour::ImagePullBackOff => {
            let cause = format!("ErrImagePull: failed to pull and unpack image {image:?}: not found");
            (State::Waiting("ImagePullBackOff", format!("Back-off pulling image {image:?}: {cause}")), false)
        }
        Behaviour::ConfigError => (
            State::Waiting("CreateContainerConfigError", "configmap \"settings\" not found".to_owned()),
            false,
        ),
        Behaviour::Fail if life.is_of_job => {
            if steps < 3 {
                (State::Running, false)
            } else {
                (State::Terminated(1), false)
            }
        }
        Behaviour::CrashLoop | Behaviour::Fail => {
            life.restarts = steps / 20;
            match steps % 20 {
                0..=2 => (State::Running, false),
                3..=4 => (State::Terminated(1), false),
                _ => {
                    let message = "back-off 10s restarting failed container".to_owned();
                    (State::Waiting("CrashLoopBackOff", message), false)
                }
            }
        }
        Behaviour::NeverReady => (State::Running, false),
        Behaviour::Flap => (State::Running, (steps / 6) % 2 == 1),
        Behaviour::RunForever => (State::Running, true),
        Behaviour::Slow(time) if life.is_of_job => {
            if steps < steps_of(time) {
                (State::Running, true)
            } else {
                (State::Terminated(0), false)
            }
        }
        Behaviour::Slow(time) => (State::Running, steps >= steps_of(time)),
        _ if life.is_of_job => {
            // It says all it has to say.
            let end = 3 + u32::try_from(life.says.len()).unwrap_or(0);
            if steps < end { (State::Running, true) } else { (State::Terminated(0), false) }
        }
        _ => (State::Running, steps >= 1),
    }
}

fn live(world: &mut World, key: &Key, mut pod: Value, life: &mut Life) {
    let before = pod["status"].clone();
    if life.behaviour == Behaviour::Stuck || matches!(word(&before, "/phase"), "Succeeded" | "Failed") {
        return;
    }
    let mut status = json!({"phase": "Pending", "qosClass": "BestEffort"});
    if life.behaviour == Behaviour::Unschedulable {
        let message = "0/2 nodes are available: 2 Insufficient cpu. preemption: 0/2 nodes are available: 2 No preemption victims found for incoming pod.";
        status["conditions"] = json!([condition(&before, "PodScheduled", false, "Unschedulable", message)]);
        world.set_status(key, status);
        warn(world, &pod, "FailedScheduling", message, "default-scheduler");
        return;
    }
    if pod["spec"].get("nodeName").is_none() {
        let nodes = &world.script.nodes;
        let node = nodes[usize::try_from(life_number(&pod)).unwrap_or(0) % nodes.len()].clone();
        pod["spec"]["nodeName"] = node.into();
        super::put(world, key, &pod);
        return;
    }
    let containers: Vec<Value> = pod["spec"]["containers"].as_array().cloned().unwrap_or_default();
    let image = containers.first().map(|one| word(one, "/image").to_owned()).unwrap_or_default();
    let restarts = life.restarts;
    let (state, is_ready) = state(life, &image);
    let is_ready = is_ready && life.going_since.is_none();
    let restarted = life.restarts > restarts;
    let created = pod["metadata"]["creationTimestamp"].clone();
    let ended = |code: i64| {
        json!({"terminated": {
            "exitCode": code, "reason": if code == 0 { "Completed" } else { "Error" },
            "startedAt": created, "finishedAt": created,
            "containerID": "containerd://0000000000000000000000000000000000000000000000000000000000000000",
        }})
    };
    let told = match &state {
        State::Waiting(reason, message) if message.is_empty() => json!({"waiting": {"reason": reason}}),
        State::Waiting(reason, message) => json!({"waiting": {"reason": reason, "message": message}}),
        State::Running => json!({"running": {"startedAt": created}}),
        State::Terminated(code) => ended(*code),
    };
    let is_running = matches!(state, State::Running);
    let has_crashed = life.restarts > 0 || matches!(&state, State::Waiting("CrashLoopBackOff", _));
    let statuses: Vec<Value> = containers
        .iter()
        .map(|container| {
            json!({
                "name": container["name"], "image": container["image"], "imageID": "",
                "ready": is_ready, "started": is_running, "restartCount": life.restarts,
                "state": told, "lastState": if has_crashed { ended(1) } else { json!({}) },
            })
        })
        .collect();
    let phase = match &state {
        State::Terminated(0) if life.is_of_job => "Succeeded",
        State::Terminated(_) if life.is_of_job => "Failed",
        State::Waiting(
            "ContainerCreating" | "ErrImagePull" | "ImagePullBackOff" | "CreateContainerConfigError",
            _,
        ) => "Pending",
        _ => "Running",
    };
    let (reason, message) = match phase {
        "Succeeded" => ("PodCompleted", String::new()),
        "Failed" => ("PodFailed", String::new()),
        _ if is_ready => ("", String::new()),
        _ => {
            let names: Vec<&str> = containers.iter().filter_map(|one| one["name"].as_str()).collect();
            ("ContainersNotReady", format!("containers with unready status: [{}]", names.join(" ")))
        }
    };
    let ip = format!("10.244.{}.{}", life_number(&pod) / 250 % 250, life_number(&pod) % 250 + 1);
    status["phase"] = phase.into();
    status["conditions"] = json!([
        condition(&before, "Initialized", true, if phase == "Succeeded" { "PodCompleted" } else { "" }, ""),
        condition(&before, "Ready", is_ready, reason, &message),
        condition(&before, "ContainersReady", is_ready, reason, &message),
        condition(&before, "PodScheduled", true, "", ""),
    ]);
    status["hostIP"] = "10.0.0.1".into();
    status["podIP"] = ip.as_str().into();
    status["podIPs"] = json!([{"ip": ip}]);
    status["startTime"] = created.clone();
    status["containerStatuses"] = statuses.into();
    speak(world, key, &containers, life, is_running, restarted);
    if let State::Waiting(reason, message) = &state
        && !message.is_empty()
    {
        let reason =
            if *reason == "CrashLoopBackOff" || *reason == "ImagePullBackOff" { "BackOff" } else { "Failed" };
        warn(world, &pod, reason, message, "kubelet");
    }
    world.set_status(key, status);
}

fn life_number(pod: &Value) -> u64 {
    let uid = word(pod, "/metadata/uid");
    u64::from_str_radix(uid.rsplit('-').next().unwrap_or_default(), 16).unwrap_or(0)
}

/// Lets the containers say their next line.
fn speak(
    world: &mut World,
    key: &Key,
    containers: &[Value],
    life: &mut Life,
    is_running: bool,
    restarted: bool,
) {
    for container in containers {
        let place: Container = (key.namespace.clone(), key.name.clone(), word(container, "/name").to_owned());
        if restarted {
            let before = world.script.logs.remove(&place).unwrap_or_default();
            world.script.previous_logs.insert(place.clone(), before);
            life.said = 0;
        }
        let log = world.script.logs.entry(place).or_default();
        // What ends soon says all at once.
        let ends_soon = matches!(life.behaviour, Behaviour::CrashLoop | Behaviour::Fail);
        let until = if ends_soon { life.says.len() } else { (life.said + 1).min(life.says.len()) };
        if is_running {
            for line in &life.says[life.said.min(until)..until] {
                log.push((Timestamp::now_here(), line.clone()));
            }
        }
    }
    if is_running {
        let ends_soon = matches!(life.behaviour, Behaviour::CrashLoop | Behaviour::Fail);
        life.said = if ends_soon { life.says.len() } else { (life.said + 1).min(life.says.len()) };
        world.stir();
    }
}

/// The time now, for statuses of those who own pods.
pub(super) fn time() -> Value {
    now().into()
}
