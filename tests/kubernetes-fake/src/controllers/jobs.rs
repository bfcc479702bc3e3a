//! Jobs: <https://kubernetes.io/docs/concepts/workloads/controllers/job/>.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{condition, number, pods, word};
use crate::world::{Here as _, Key, World};

/// Lets each take a step.
pub(super) fn step(world: &mut World) {
    for (key, job) in world.every("jobs") {
        let is_over = job["status"]["conditions"].as_array().is_some_and(|all| {
            all.iter()
                .any(|one| matches!(word(one, "/type"), "Complete" | "Failed") && one["status"] == "True")
        });
        if !is_over && job["spec"]["suspend"] != true {
            advance(world, &key, &job);
        }
    }
}

fn advance(world: &mut World, key: &Key, job: &Value) {
    let all = pods::of(world, word(job, "/metadata/uid"));
    let in_phase = |phase: &str| all.iter().filter(|(_, pod)| word(pod, "/status/phase") == phase).count();
    let (succeeded, failed) = (in_phase("Succeeded"), in_phase("Failed"));
    let active: Vec<&(Key, Value)> = all
        .iter()
        .filter(|(_, pod)| {
            !pods::is_going(pod) && !matches!(word(pod, "/status/phase"), "Succeeded" | "Failed")
        })
        .collect();
    let wanted = usize::try_from(number(job, "/spec/completions")).unwrap_or(1);
    let at_once = usize::try_from(number(job, "/spec/parallelism")).unwrap_or(1);
    let before = job["status"].clone();
    let began = before.get("startTime").cloned().unwrap_or_else(pods::time);
    let mut status = json!({"startTime": began, "uncountedTerminatedPods": {}, "ready": active.iter().filter(|(_, pod)| pods::is_ready(pod)).count(), "terminating": 0});
    for (field, count) in [("active", active.len()), ("succeeded", succeeded), ("failed", failed)] {
        if count > 0 {
            status[field] = count.into();
        }
    }
    let deadline = job["spec"]["activeDeadlineSeconds"].as_i64();
    let started: Option<Timestamp> = began.as_str().and_then(|time| time.parse().ok());
    let is_late = deadline.zip(started).is_some_and(|(deadline, started)| {
        Timestamp::now_here().as_second() - started.as_second() >= deadline
    });
    let failure = if i64::try_from(failed).unwrap_or(i64::MAX) > number(job, "/spec/backoffLimit") {
        Some(("BackoffLimitExceeded", "Job has reached the specified backoff limit"))
    } else if is_late {
        Some(("DeadlineExceeded", "Job was active longer than specified deadline"))
    } else {
        None
    };
    if let Some((reason, message)) = failure {
        for (pod, _) in &active {
            pods::end(world, pod);
        }
        status.as_object_mut().unwrap().shift_remove("active");
        status["conditions"] = ended(&before, &["FailureTarget", "Failed"], reason, message);
    } else if succeeded >= wanted {
        status["completionTime"] = pods::time();
        let message = "Reached expected number of succeeded pods";
        status["conditions"] =
            ended(&before, &["SuccessCriteriaMet", "Complete"], "CompletionsReached", message);
    } else {
        for _ in active.len()..at_once.min(wanted - succeeded) {
            let _ = pods::make(world, job, &key.name, None, &[], None);
        }
    }
    world.set_status(key, status);
}

fn ended(before: &Value, kinds: &[&str], reason: &str, message: &str) -> Value {
    let conditions = kinds.iter().map(|kind| {
        let mut told = condition(before, kind, true, reason, message);
        told["lastProbeTime"] = told["lastTransitionTime"].clone();
        told
    });
    conditions.collect()
}
