//! What keeps a workload from being done, told as early as the cluster knows it.

use std::time::Duration;

use super::{
    AT_ONCE, Around, Deployment, Event, Pod, Workload, containers,
    pods::{Pods, ready_condition},
};

/// Something that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// What has it: `pod/web-5d4f-x2x9z`, `deployment/web`.
    pub object: String,
    /// In one word, as the cluster says it: `ImagePullBackOff`.
    pub reason: String,
    /// The cluster's own words.
    pub message: String,
    /// The container whose log tells more.
    pub culprit: Option<Culprit>,
    /// How long it may last before it counts as a failure; `None` for as long as there is time.
    pub patience: Option<Duration>,
}

/// A container that is in trouble.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Culprit {
    /// The pod's name.
    pub pod: String,
    /// The container's name.
    pub container: String,
    /// Whether the log that tells is the one of the run before.
    pub has_restarted: bool,
}

/// What a status may take to follow.
const MOMENT: Duration = Duration::from_secs(5);
/// What an autoscaler of nodes takes to say that it does something.
const AUTOSCALER: Duration = Duration::from_secs(30);
/// What old pods take to end, and so to make room in a quota.
const QUOTA: Duration = Duration::from_secs(15);
/// What others take to make a Secret or a ConfigMap that a volume needs, and the kubelet to see it.
const VOLUME: Duration = Duration::from_secs(30);

impl Trouble {
    /// Of an object, without a container that could tell more.
    pub(super) fn new(object: String, reason: &str, message: &str, patience: Option<Duration>) -> Self {
        Self { object, reason: reason.to_owned(), message: message.to_owned(), culprit: None, patience }
    }

    fn of_pod(pod: &Pod, reason: &str, message: &str, patience: Option<Duration>) -> Self {
        Self::new(format!("pod/{}", pod.metadata.name), reason, message, patience)
    }

    /// Whether a container ran and ended: a Job tries again by itself.
    pub fn is_crash(&self) -> bool {
        matches!(self.reason.as_str(), "CrashLoopBackOff" | "Restarting" | "Crashed")
    }
}

/// The troubles of a workload that is not done, the most urgent first.
pub(super) fn of(
    workload: Workload<'_>,
    pods: &Pods<'_>,
    around: &Around<'_>,
    is_observed: bool,
) -> Vec<Trouble> {
    let mut troubles: Vec<Trouble> = Vec::new();
    troubles.extend(of_removal(workload));
    if is_observed {
        troubles.extend(pods.new.iter().filter_map(|pod| of_pod(pod, around)));
        troubles.extend(of_creation(&workload.name(), workload.uid(), pods.new.iter().copied(), around));
    }
    match workload {
        Workload::Deployment(deployment) => {
            troubles.extend(of_deployment(deployment, is_observed, around));
        }
        Workload::StatefulSet(set) => troubles.extend(of_strategy(workload, &set.spec.update_strategy.kind)),
        Workload::DaemonSet(set) => troubles.extend(of_strategy(workload, &set.spec.update_strategy.kind)),
    }
    troubles.sort_by_key(|trouble| trouble.patience.unwrap_or(Duration::MAX));
    troubles
}

/// It is still there, and on its way out.
fn of_removal(workload: Workload<'_>) -> Option<Trouble> {
    workload.metadata().deletion_timestamp?;
    Some(Trouble::new(workload.name(), "Deleted", "someone is removing it", Some(AT_ONCE)))
}

fn of_strategy(workload: Workload<'_>, strategy: &str) -> Option<Trouble> {
    let message = "its update strategy replaces no pod before someone deletes it";
    (strategy == "OnDelete").then(|| Trouble::new(workload.name(), "OnDelete", message, Some(AT_ONCE)))
}

fn of_deployment(deployment: &Deployment, is_observed: bool, around: &Around<'_>) -> Vec<Trouble> {
    let trouble = |reason: &str, message: &str, patience| {
        Trouble::new(Workload::Deployment(deployment).name(), reason, message, patience)
    };
    let mut troubles = Vec::new();
    if deployment.spec.paused {
        troubles.push(trouble("Paused", "nothing moves before someone resumes it", Some(AT_ONCE)));
    }
    // What stands in the conditions of a status that is behind is about the version before.
    let conditions = deployment.status.conditions.iter().filter(|_| is_observed);
    for condition in conditions {
        let (reason, message) = (&condition.reason, &condition.message);
        match (condition.kind.as_str(), condition.status.as_str()) {
            // On the way back to an older ReplicaSet it stays until something moves.
            ("Progressing", "False") if reason == "ProgressDeadlineExceeded" => {
                troubles.push(trouble(reason, message, Some(MOMENT)));
            }
            ("ReplicaFailure", "True") => {
                troubles.push(trouble(reason, message, until_there_is_room(around)));
            }
            _ => {}
        }
    }
    troubles
}

/// How long a quota may be full. Pods that are on their way out still count in it: they take what they take.
fn until_there_is_room(around: &Around<'_>) -> Option<Duration> {
    (!around.is_making_room()).then_some(QUOTA)
}

/// Pods that could not be created: a quota, an admission. Only events tell it of all but Deployments.
pub(super) fn of_creation<'a>(
    object: &str,
    uid: &str,
    pods: impl Iterator<Item = &'a Pod>,
    around: &Around<'_>,
) -> Option<Trouble> {
    let event = around.events_of(uid).rev().find(|event| event.reason == "FailedCreate")?;
    // A pod that was created after all is no trouble.
    let newest = pods.map(|pod| pod.metadata.creation_timestamp).max().flatten();
    (newest <= time(event))
        .then(|| Trouble::new(object.to_owned(), &event.reason, &event.message, until_there_is_room(around)))
}

/// When an event was seen last.
pub fn time(event: &Event) -> Option<jiff::Timestamp> {
    let last = event.series.last_observed_time.max(event.last_timestamp).max(event.event_time);
    last.or(event.metadata.creation_timestamp)
}

pub(super) fn of_pod(pod: &Pod, around: &Around<'_>) -> Option<Trouble> {
    let statuses = pod.status.init_container_statuses.iter().chain(&pod.status.container_statuses);
    let of_containers = statuses.filter_map(|container| containers::trouble(pod, container, around));
    of_containers
        .min_by_key(|trouble| trouble.patience.unwrap_or(Duration::MAX))
        .or_else(|| of_scheduling(pod, around))
        .or_else(|| of_preparation(pod, around))
        .or_else(|| of_gates(pod))
}

/// Its containers are ready, and a readiness gate is not: a load balancer does not send to it yet, say. That takes what
/// it takes.
/// <https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-readiness-gate>
fn of_gates(pod: &Pod) -> Option<Trouble> {
    let condition = ready_condition(pod).filter(|condition| condition.status != "True")?;
    (condition.reason == "ReadinessGatesNotReady")
        .then(|| Trouble::of_pod(pod, &condition.reason, &condition.message, None))
}

/// No node takes it. Where an autoscaler makes one, or others are on their way out, that takes minutes, and is no failure.
fn of_scheduling(pod: &Pod, around: &Around<'_>) -> Option<Trouble> {
    let waits =
        |condition: &&super::Condition| condition.kind == "PodScheduled" && condition.status == "False";
    let condition = pod.status.conditions.iter().find(waits)?;
    let patience = match condition.reason.as_str() {
        "Unschedulable" => {
            let node_comes = around.events_of(&pod.metadata.uid).any(|event| {
                // The cluster autoscaler's word and Karpenter's.
                matches!(event.reason.as_str(), "TriggeredScaleUp" | "Nominated")
            });
            let room_comes = !pod.status.nominated_node_name.is_empty() || around.is_making_room();
            (!node_comes && !room_comes).then_some(AUTOSCALER)
        }
        // Someone holds it back on purpose:
        // <https://kubernetes.io/docs/concepts/scheduling-eviction/pod-scheduling-readiness/>
        "SchedulingGated" => None,
        _ => return None,
    };
    Some(Trouble::of_pod(pod, &condition.reason, &condition.message, patience))
}

/// A node has taken it, and can't prepare it: a volume, its network. Only events tell it. Volumes that are still at
/// another node take minutes; what is not there has to be made by someone.
fn of_preparation(pod: &Pod, around: &Around<'_>) -> Option<Trouble> {
    let statuses = &pod.status.container_statuses;
    if statuses.iter().any(|container| container.state.running.is_some() || container.restart_count > 0) {
        return None;
    }
    let event = around.events_of(&pod.metadata.uid).rev().find(|event| {
        matches!(event.reason.as_str(), "FailedMount" | "FailedAttachVolume" | "FailedCreatePodSandBox")
    })?;
    let is_missing = event.reason == "FailedMount" && event.message.ends_with("not found");
    Some(Trouble::of_pod(pod, &event.reason, &event.message, is_missing.then_some(VOLUME)))
}

/// What to look at when time is over and nothing is known to be wrong: who is not ready, or does not end.
pub(super) fn laggard(pods: &Pods<'_>, around: &Around<'_>) -> Option<Trouble> {
    let unready = || pods.new.iter().find_map(|pod| containers::unready(pod, around));
    let rejected = || {
        pods.rejected.last().map(|pod| Trouble::of_pod(pod, &pod.status.reason, &pod.status.message, None))
    };
    let lingers = || {
        pods.terminating.iter().min_by_key(|pod| pod.metadata.deletion_timestamp).map(|pod| lingering(pod))
    };
    unready().or_else(rejected).or_else(lingers)
}

fn lingering(pod: &Pod) -> Trouble {
    let until = pod.metadata.deletion_timestamp.map(|time| format!("it should have ended by {time}"));
    let held = Some(&pod.metadata.finalizers).filter(|held| !held.is_empty());
    let held = held.map(|held| format!("its finalizers hold it: {}", held.join(", ")));
    let why = held.unwrap_or_else(|| "its node may not answer".to_owned());
    let message = until.map_or(why.clone(), |until| format!("{until}; {why}"));
    Trouble::of_pod(pod, "Terminating", &message, None)
}
