//! What keeps a workload from being done, told as early as the cluster knows it.

use std::time::Duration;

use k8s_openapi::api::{
    apps::v1::Deployment,
    core::v1::{ContainerStatus, Event, Pod},
};

use super::{
    AT_ONCE, Around, Workload,
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

/// A pull may fail once, and a Secret may come a moment late.
const MOMENT: Duration = Duration::from_secs(5);
/// What an autoscaler of nodes takes to say that it does something.
const AUTOSCALER: Duration = Duration::from_secs(30);
/// What old pods take to end, and so to make room in a quota.
const QUOTA: Duration = Duration::from_secs(15);
/// How often a container may be started again without having become ready.
const RESTARTS: i32 = 3;

/// The troubles of a workload that is not done, the most urgent first.
pub(super) fn of(
    workload: Workload<'_>,
    pods: &Pods<'_>,
    around: &Around<'_>,
    is_observed: bool,
) -> Vec<Trouble> {
    let mut troubles: Vec<Trouble> = Vec::new();
    if is_observed {
        troubles.extend(pods.new.iter().filter_map(|pod| of_pod(pod, around)));
        troubles.extend(of_creation(workload, pods, around));
    }
    match workload {
        Workload::Deployment(deployment) => troubles.extend(of_deployment(deployment, is_observed)),
        Workload::StatefulSet(set) => {
            let strategy = set.spec.as_ref().and_then(|spec| spec.update_strategy.as_ref());
            troubles.extend(of_strategy(workload, strategy.and_then(|strategy| strategy.type_.as_deref())));
        }
        Workload::DaemonSet(set) => {
            let strategy = set.spec.as_ref().and_then(|spec| spec.update_strategy.as_ref());
            troubles.extend(of_strategy(workload, strategy.and_then(|strategy| strategy.type_.as_deref())));
        }
    }
    troubles.sort_by_key(|trouble| trouble.patience.unwrap_or(Duration::MAX));
    troubles
}

fn of_strategy(workload: Workload<'_>, strategy: Option<&str>) -> Option<Trouble> {
    (strategy == Some("OnDelete")).then(|| Trouble {
        object: workload.name(),
        reason: "OnDelete".to_owned(),
        message: "its update strategy replaces no pod before someone deletes it".to_owned(),
        culprit: None,
        patience: Some(AT_ONCE),
    })
}

fn of_deployment(deployment: &Deployment, is_observed: bool) -> Vec<Trouble> {
    let trouble = |reason: &str, message: &str, patience| Trouble {
        object: Workload::Deployment(deployment).name(),
        reason: reason.to_owned(),
        message: message.to_owned(),
        culprit: None,
        patience: Some(patience),
    };
    let mut troubles = Vec::new();
    if deployment.spec.as_ref().and_then(|spec| spec.paused) == Some(true) {
        troubles.push(trouble("Paused", "nothing moves before someone resumes it", AT_ONCE));
    }
    // What stands in the conditions of a status that is behind is about the version before.
    let conditions = deployment.status.as_ref().filter(|_| is_observed);
    for condition in conditions.iter().flat_map(|status| status.conditions.iter().flatten()) {
        let reason = condition.reason.as_deref().unwrap_or_default();
        let message = condition.message.as_deref().unwrap_or_default();
        match (condition.type_.as_str(), condition.status.as_str()) {
            // On the way back to an older ReplicaSet it stays until something moves.
            ("Progressing", "False") if reason == "ProgressDeadlineExceeded" => {
                troubles.push(trouble(reason, message, MOMENT));
            }
            ("ReplicaFailure", "True") => troubles.push(trouble(reason, message, QUOTA)),
            _ => {}
        }
    }
    troubles
}

/// Pods that could not be created: a quota, an admission. Only events tell it of StatefulSets and DaemonSets.
fn of_creation(workload: Workload<'_>, pods: &Pods<'_>, around: &Around<'_>) -> Option<Trouble> {
    let mut events = around.events_of(Some(workload.uid())).rev();
    let event = events.find(|event| event.reason.as_deref() == Some("FailedCreate"))?;
    // A pod that was created after all is no trouble.
    let time = time(event);
    let later =
        pods.new.iter().any(|pod| pod.metadata.creation_timestamp.as_ref().map(|created| created.0) > time);
    (!later).then(|| Trouble {
        object: workload.name(),
        reason: "FailedCreate".to_owned(),
        message: event.message.clone().unwrap_or_default(),
        culprit: None,
        patience: Some(QUOTA),
    })
}

/// When an event was seen last.
pub fn time(event: &Event) -> Option<jiff::Timestamp> {
    let series =
        event.series.as_ref().and_then(|series| series.last_observed_time.as_ref()).map(|time| time.0);
    let last = event.last_timestamp.as_ref().map(|time| time.0);
    let first = event.event_time.as_ref().map(|time| time.0);
    series.max(last).max(first).or_else(|| event.metadata.creation_timestamp.as_ref().map(|time| time.0))
}

pub(super) fn of_pod(pod: &Pod, around: &Around<'_>) -> Option<Trouble> {
    let status = pod.status.as_ref()?;
    let containers = status.init_container_statuses.iter().chain(&status.container_statuses).flatten();
    let of_containers = containers.filter_map(|container| of_container(pod, container));
    of_containers
        .min_by_key(|trouble| trouble.patience.unwrap_or(Duration::MAX))
        .or_else(|| of_scheduling(pod, around))
        .or_else(|| of_gates(pod))
}

/// Its containers are ready, and a readiness gate is not: a load balancer does not send to it yet, say. That takes what
/// it takes.
/// <https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-readiness-gate>
fn of_gates(pod: &Pod) -> Option<Trouble> {
    let condition = ready_condition(pod).filter(|condition| condition.status != "True")?;
    let reason = condition.reason.as_deref().filter(|reason| *reason == "ReadinessGatesNotReady")?;
    Some(Trouble {
        object: format!("pod/{}", pod.metadata.name.as_deref().unwrap_or_default()),
        reason: reason.to_owned(),
        message: condition.message.clone().unwrap_or_default(),
        culprit: None,
        patience: None,
    })
}

fn of_container(pod: &Pod, container: &ContainerStatus) -> Option<Trouble> {
    let name = pod.metadata.name.clone().unwrap_or_default();
    let trouble = |reason: &str, message: String, has_log: bool, patience| Trouble {
        object: format!("pod/{name}"),
        reason: reason.to_owned(),
        message,
        culprit: has_log.then(|| Culprit {
            pod: name.clone(),
            container: container.name.clone(),
            has_restarted: container.restart_count > 0,
        }),
        patience: Some(patience),
    };
    let state = container.state.as_ref();
    let waiting = state.and_then(|state| state.waiting.as_ref());
    let ended = state
        .and_then(|state| state.terminated.as_ref())
        .or_else(|| container.last_state.as_ref().and_then(|state| state.terminated.as_ref()));
    let last_words = || {
        let ended = ended?;
        let reason = ended.reason.as_deref().unwrap_or("Error");
        Some(format!("container {} ended with exit code {} ({reason})", container.name, ended.exit_code))
    };
    if let Some(waiting) = waiting {
        let reason = waiting.reason.as_deref().unwrap_or_default();
        let message = waiting.message.clone().unwrap_or_default();
        // <https://github.com/kubernetes/kubernetes/blob/master/pkg/kubelet/images/types.go>,
        // <https://github.com/kubernetes/kubernetes/blob/master/pkg/kubelet/container/sync_result.go>
        return match reason {
            "CrashLoopBackOff" => Some(trouble(reason, last_words().unwrap_or(message), true, AT_ONCE)),
            "ImagePullBackOff"
            | "InvalidImageName"
            | "ErrImageNeverPull"
            | "ImageInspectError"
            | "SignatureValidationFailed" => Some(trouble(reason, message, false, AT_ONCE)),
            "ErrImagePull" | "RegistryUnavailable" | "CreateContainerConfigError" => {
                Some(trouble(reason, message, false, MOMENT))
            }
            "CreateContainerError"
            | "RunContainerError"
            | "PreCreateHookError"
            | "PreStartHookError"
            | "PostStartHookError" => Some(trouble(reason, message, true, MOMENT)),
            _ => None,
        };
    }
    // Containers that end and start again faster than the back-off shows are as broken.
    if container.restart_count >= RESTARTS && !container.ready {
        let message = last_words().unwrap_or_else(|| format!("container {} restarts", container.name));
        return Some(trouble(
            "Restarting",
            format!("{message}, {} times", container.restart_count),
            true,
            AT_ONCE,
        ));
    }
    let failed = state.and_then(|state| state.terminated.as_ref()).filter(|ended| ended.exit_code != 0);
    failed.map(|_| Trouble {
        patience: None,
        ..trouble("Crashed", last_words().unwrap_or_default(), true, AT_ONCE)
    })
}

/// No node takes it. Where an autoscaler makes one, that takes minutes, and is no failure.
fn of_scheduling(pod: &Pod, around: &Around<'_>) -> Option<Trouble> {
    let conditions = pod.status.as_ref()?.conditions.as_ref()?;
    let condition = conditions.iter().find(|condition| {
        condition.type_ == "PodScheduled"
            && condition.status == "False"
            && condition.reason.as_deref() == Some("Unschedulable")
    })?;
    let node_comes = around.events_of(pod.metadata.uid.as_deref()).any(|event| {
        // The cluster autoscaler's word and Karpenter's.
        matches!(event.reason.as_deref(), Some("TriggeredScaleUp" | "Nominated"))
    });
    Some(Trouble {
        object: format!("pod/{}", pod.metadata.name.as_deref().unwrap_or_default()),
        reason: "Unschedulable".to_owned(),
        message: condition.message.clone().unwrap_or_default(),
        culprit: None,
        patience: (!node_comes).then_some(AUTOSCALER),
    })
}
