//! What containers are in: why one can't run, or does not stay up.

use std::time::Duration;

use super::{AT_ONCE, Around, ContainerStatus, Culprit, Pod, Terminated, Trouble};

/// What is wrong for good may still be about to change.
const MOMENT: Duration = Duration::from_secs(5);
/// What the kubelet takes to try again when it could not make a container: 10 to 15 s. A Secret may come a moment late.
/// <https://github.com/kubernetes/kubernetes/blob/master/pkg/kubelet/pod_workers.go>
const NEXT_TRY: Duration = Duration::from_secs(16);
/// What a registry may be out of reach for: the kubelet tries to pull again after 10, 20 and 40 s.
/// <https://kubernetes.io/docs/concepts/containers/images/#imagepullbackoff>
const REGISTRY: Duration = Duration::from_secs(90);
/// How often a container may be started again without having become ready.
const RESTARTS: i32 = 3;
/// Who has run for as long is not in a loop, the kubelet forgets its back-off then, in seconds:
/// <https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#container-restarts>
const LONG: i64 = 10 * 60;

/// What is wrong with a container of a pod.
pub(super) fn trouble(pod: &Pod, container: &ContainerStatus, around: &Around<'_>) -> Option<Trouble> {
    let state = &container.state;
    let ended = state.terminated.as_ref().or(container.last_state.terminated.as_ref());
    let last_words = || ended.map(|ended| told(container, ended));
    let trouble = |reason: &str, message: &str, patience| Trouble {
        culprit: Some(culprit(pod, container)),
        ..without_log(pod, reason, message, patience)
    };
    if let Some(waiting) = &state.waiting {
        let (reason, message) = (waiting.reason.as_str(), waiting.message.as_str());
        // <https://github.com/kubernetes/kubernetes/blob/master/pkg/kubelet/images/types.go>,
        // <https://github.com/kubernetes/kubernetes/blob/master/pkg/kubelet/container/sync_result.go>
        return match reason {
            "CrashLoopBackOff" => {
                Some(trouble(reason, &last_words().unwrap_or_else(|| message.to_owned()), Some(AT_ONCE)))
            }
            "ErrImagePull" | "ImagePullBackOff" | "RegistryUnavailable" => {
                Some(without_log(pod, reason, message, Some(of_pull(pod, reason, message, around))))
            }
            "InvalidImageName" | "ErrImageNeverPull" | "ImageInspectError" | "SignatureValidationFailed" => {
                Some(without_log(pod, reason, message, Some(AT_ONCE)))
            }
            "CreateContainerConfigError" => Some(without_log(pod, reason, message, Some(NEXT_TRY))),
            "CreateContainerError"
            | "RunContainerError"
            | "PreCreateHookError"
            | "PreStartHookError"
            | "PostStartHookError" => Some(trouble(reason, message, Some(NEXT_TRY))),
            _ => None,
        };
    }
    // Containers that end and start again faster than the back-off shows are as broken.
    if container.restart_count >= RESTARTS && !container.ready && !ended.is_some_and(ran_long) {
        let message = last_words().unwrap_or_else(|| format!("container {} restarts", container.name));
        let message = format!("{message}, {} times", container.restart_count);
        return Some(trouble("Restarting", &message, Some(AT_ONCE)));
    }
    let failed = state.terminated.as_ref().filter(|ended| ended.exit_code != 0);
    failed.map(|ended| trouble("Crashed", &told(container, ended), None))
}

/// A container that runs and is not ready, in the words of its probe where those are known.
pub(super) fn unready(pod: &Pod, around: &Around<'_>) -> Option<Trouble> {
    let statuses = pod.status.init_container_statuses.iter().chain(&pod.status.container_statuses);
    let container = statuses.into_iter().find(|one| one.state.running.is_some() && !one.ready)?;
    let probe = around.events_of(&pod.metadata.uid).rev().find(|event| event.reason == "Unhealthy");
    let message = probe.map_or_else(
        || format!("container {} runs, and is not ready", container.name),
        |event| event.message.clone(),
    );
    let reason = if probe.is_some() { "Unhealthy" } else { "NotReady" };
    Some(Trouble { culprit: Some(culprit(pod, container)), ..without_log(pod, reason, &message, None) })
}

fn without_log(pod: &Pod, reason: &str, message: &str, patience: Option<Duration>) -> Trouble {
    Trouble::new(format!("pod/{}", pod.metadata.name), reason, message, patience)
}

fn culprit(pod: &Pod, container: &ContainerStatus) -> Culprit {
    // One that runs again may not have said anything yet.
    let has_restarted = container.restart_count > 0;
    Culprit { pod: pod.metadata.name.clone(), container: container.name.clone(), has_restarted }
}

fn told(container: &ContainerStatus, ended: &Terminated) -> String {
    let reason = if ended.reason.is_empty() { "Error" } else { &ended.reason };
    format!("container {} ended with exit code {} ({reason})", container.name, ended.exit_code)
}

fn ran_long(ended: &Terminated) -> bool {
    let (Some(started), Some(finished)) = (ended.started_at, ended.finished_at) else { return false };
    finished.as_second() - started.as_second() >= LONG
}

/// How long an image may not be had. A registry that is busy or out of reach for a moment must not undo what is good;
/// one that does not have the image, or does not give it, has answered.
fn of_pull(pod: &Pod, reason: &str, message: &str, around: &Around<'_>) -> Duration {
    // Older kubelets tell the cause of a back-off in events only.
    let failed = around
        .events_of(&pod.metadata.uid)
        .rev()
        .find(|event| event.reason == "Failed" && event.message.starts_with("Failed to pull image"));
    let is_told =
        |word: &str| message.contains(word) || failed.is_some_and(|event| event.message.contains(word));
    if reason == "RegistryUnavailable" || PASSING.into_iter().any(is_told) {
        REGISTRY
    } else if reason == "ImagePullBackOff" && (message.contains(": ") || failed.is_some()) {
        AT_ONCE
    } else {
        MOMENT
    }
}

/// Words of containerd, CRI-O, the kubelet and registries for what passes.
const PASSING: [&str; 20] = [
    "timeout",
    "timed out",
    "deadline exceeded",
    "context canceled",
    "connection refused",
    "connection reset",
    "broken pipe",
    "EOF",
    "no route to host",
    "network is unreachable",
    "no such host",
    "server misbehaving",
    "Temporary failure",
    "pull QPS exceeded",
    "oomanyrequests",
    "oo many requests",
    "Too Many Requests",
    "Internal Server Error",
    "Service Unavailable",
    "Bad Gateway",
];
