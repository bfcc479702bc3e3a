//! Whether a Job has ended, and how.

use k8s_openapi::api::batch::v1::Job;

use super::{Around, Pod, Trouble, trouble};

/// How far a Job is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JobState {
    /// It has not ended.
    Running,
    /// It has succeeded.
    Done,
    /// It has failed for good: the cluster's reason.
    Failed(String),
    /// It waits for someone to resume it.
    Suspended,
}

/// Judges a Job by its conditions: <https://kubernetes.io/docs/concepts/workloads/controllers/job/#terminal-job-conditions>
pub fn judge_job(job: &Job) -> JobState {
    let conditions = || job.status.iter().flat_map(|status| status.conditions.iter().flatten());
    let holds =
        |kind: &str| conditions().find(|condition| condition.type_ == kind && condition.status == "True");
    // `FailureTarget` and `SuccessCriteriaMet` come first, while pods still end: the end is what counts.
    if let Some(failed) = holds("Failed") {
        let reason = failed.reason.as_deref().unwrap_or("Failed");
        let message = failed.message.as_deref().filter(|message| !message.is_empty());
        JobState::Failed(message.map_or_else(|| reason.to_owned(), |message| format!("{reason}: {message}")))
    } else if holds("Complete").is_some() {
        JobState::Done
    } else if job.spec.as_ref().and_then(|spec| spec.suspend) == Some(true) {
        JobState::Suspended
    } else {
        JobState::Running
    }
}

/// What keeps a Job's pods from running, though not what they end with: that is for the Job to try again.
pub fn judge_start(job: &Job, pods: &[Pod], around: &Around<'_>) -> Vec<Trouble> {
    let name = job.metadata.name.as_deref().unwrap_or_default();
    let uid = job.metadata.uid.as_deref().unwrap_or_default();
    let of_pods = pods.iter().filter_map(|pod| trouble::of_pod(pod, around));
    of_pods
        .filter(|trouble| !trouble.is_crash())
        .chain(trouble::of_creation(&format!("job/{name}"), uid, pods.iter(), around))
        .collect()
}
