//! Jobs beside a deployment: started, followed, waited for.

use std::{collections::BTreeSet, time::Duration};

use futures_util::StreamExt as _;
use serde_json::Value;
use sluice_core::{Context, Problem, escape};
use sluice_kubernetes::{
    Cluster, Error, Kind, Object, Preconditions, Selector,
    api::batch::v1::Job,
    progress::{Around, Decision, Patience, Pod, Trouble, judge_job, judge_start},
};
use tokio::{
    sync::mpsc,
    time::{Instant, sleep},
};

pub(crate) use sluice_kubernetes::progress::JobState as State;

use crate::{
    failure::{Failure, Trip, events, last_words},
    journal::Jobs,
    voice::Voice,
};

/// How often a Job is looked at.
const EVERY: Duration = Duration::from_secs(1);
/// How often events are read while no pod of it runs.
const EVENTS: Duration = Duration::from_secs(3);
/// What a log may still say when its Job has ended.
const LAST_LINES: Duration = Duration::from_secs(2);

/// For how long a Job is kept at least when it has ended, in seconds. By it this run sees how it ended, and one that takes the
/// run up that it has run: <https://kubernetes.io/docs/concepts/workloads/controllers/ttlafterfinished/>
const KEPT: i64 = 24 * 60 * 60;

/// A Job as it will be created: of a name that no other run gives, and kept for long enough.
pub(crate) fn named(mut job: Object, id: &str, namespace: &str) -> Result<Object, Problem> {
    if job.kind() != "Job" || job.api_version() != "batch/v1" {
        return Err(Problem::misconfigured(format!(
            "{}/{} is no Job",
            job.kind().to_lowercase(),
            job.name()
        ))
        .help("give the manifest of one Job of batch/v1"));
    }
    if let Some(other) = job.namespace().filter(|other| *other != namespace) {
        return Err(Problem::misconfigured(format!("job/{} is of the namespace {other}", job.name()))
            .why(format!("a rollout changes one namespace: {namespace}"))
            .help("leave the namespace out of the manifest"));
    }
    if job.at("/spec/suspend") == Some(&Value::Bool(true)) {
        return Err(Problem::misconfigured(format!("job/{} is suspended", job.name()))
            .why("its manifest says `suspend: true`: no pod of it would run")
            .help("remove `suspend` from the manifest"));
    }
    // The name is a label of its pods: at most 63 characters.
    let stem: String = job.name().trim_end_matches('-').chars().take(63 - 1 - id.len()).collect();
    let name = format!("{}-{id}", stem.trim_end_matches(['-', '.']));
    if let Some(metadata) = job.fields_mut().get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.insert("name".to_owned(), name.into());
    }
    let ttl = job.fields_mut().get_mut("spec").and_then(|spec| spec.get_mut("ttlSecondsAfterFinished"));
    if let Some(ttl) = ttl.filter(|ttl| ttl.as_i64().is_some_and(|seconds| seconds < KEPT)) {
        *ttl = KEPT.into();
    }
    Ok(job)
}

/// Fails where two Jobs have one name: the second would be taken for the first, which has run.
pub(crate) fn check_names(jobs: &Jobs) -> Result<(), Problem> {
    let mut seen = BTreeSet::new();
    match jobs.all().find(|(_, job)| !seen.insert(job.name().to_owned())) {
        None => Ok(()),
        Some((_, job)) => Err(Problem::misconfigured("two of the Jobs have the same name")
            .why(format!("with the id of this run both would be {}", job.name()))
            .help("give each a `metadata.name` of its own")),
    }
}

/// How far a Job is; `None` when it is not there.
pub(crate) async fn state(cluster: &Cluster, job: &Object) -> Result<Option<State>, Trip> {
    match cluster.get::<Job>(job.name()).await {
        Ok(job) => Ok(Some(judge_job(&job))),
        Err(Error::NotFound { .. }) => Ok(None),
        Err(error) => Err(Trip::of(&format!("job/{}", job.name()), error)),
    }
}

/// Runs a Job to its end; one that an interrupted run has started is followed.
pub(crate) async fn run(
    cx: &Context,
    cluster: &Cluster,
    job: &Object,
    timeout: Duration,
    voice: &mut Voice<'_>,
) -> Result<(), Trip> {
    let name = job.name();
    let subject = format!("job/{name}");
    let lost = |error: Error| Trip::of(&subject, error);
    // As it was written: the API server refuses fields that it does not know.
    match cluster.create_object(&Kind::of::<Job>(), job).await {
        // Of this run: no other gives that name.
        Ok(_) | Err(Error::AlreadyExists { .. }) => {}
        Err(error) => return Err(lost(error)),
    }
    voice.say(&format!("{subject} runs"));
    let ends = Instant::now() + timeout;
    let (sender, mut lines) = mpsc::channel::<String>(100);
    let mut followed = BTreeSet::new();
    let mut patience = Patience::new(Duration::ZERO);
    let mut seen = Vec::new();
    let mut next_events = Instant::now();
    let failure = loop {
        let pods =
            cluster.list::<Pod>(&Selector::labels(format!("batch.kubernetes.io/job-name={name}"))).await;
        let pods = pods.map_err(lost)?.items;
        for pod in pods.iter().filter(|pod| has_started(pod)) {
            follow(cluster, pod, &mut followed, &sender);
        }
        let found = cluster.get::<Job>(name).await.map_err(lost)?;
        let state = judge_job(&found);
        match &state {
            State::Done => {
                say_rest(&mut lines, voice).await;
                voice.say(&format!("{subject} succeeded"));
                return Ok(());
            }
            State::Failed(why) => {
                say_rest(&mut lines, voice).await;
                return Err(Trip::one(of_the_pods(&subject, why.clone(), &pods, cluster).await));
            }
            State::Suspended | State::Running => {}
        }
        if !pods.iter().any(has_started) && Instant::now() >= next_events {
            seen = events(cluster).await.unwrap_or(seen);
            next_events = Instant::now() + EVENTS;
        }
        let troubles = judge_start(&found, &pods, &Around::new([], &pods, [], [], &seen));
        if let Decision::Failed(troubles) = patience.outlast(&troubles, cx.now())
            && let Some(trouble) = troubles.first()
        {
            break Failure::of(trouble, &subject, &seen);
        }
        if Instant::now() >= ends {
            break late(&subject, &state, troubles.first(), &pods, cluster).await;
        }
        let next = sleep(EVERY);
        tokio::pin!(next);
        loop {
            tokio::select! {
                () = &mut next => break,
                Some(line) = lines.recv() => voice.say(&line),
            }
        }
    };
    // What is given up must not go on later.
    let _ = cluster.delete::<Job>(name, &Preconditions::default()).await;
    Err(Trip::one(failure))
}

fn has_started(pod: &Pod) -> bool {
    matches!(pod.status.phase.as_str(), "Running" | "Succeeded" | "Failed")
}

/// Follows the logs of a pod's containers. A log that can't be had decides nothing.
fn follow(cluster: &Cluster, pod: &Pod, followed: &mut BTreeSet<String>, sender: &mpsc::Sender<String>) {
    let name = &pod.metadata.name;
    if !followed.insert(name.clone()) {
        return;
    }
    for container in &pod.spec.containers {
        let (cluster, name, container, sender) =
            (cluster.clone(), name.clone(), container.name.clone(), sender.clone());
        tokio::spawn(async move {
            let mut lines = cluster.follow(&name, Some(&container));
            while let Some(Ok(line)) = lines.next().await {
                if sender.send(format!("{name} | {}", escape::bytes(&line))).await.is_err() {
                    break;
                }
            }
        });
    }
}

async fn say_rest(lines: &mut mpsc::Receiver<String>, voice: &mut Voice<'_>) {
    let until = Instant::now() + LAST_LINES;
    // The logs of containers that ended come to their end by themselves; a moment without a line is that end.
    while let Ok(Some(line)) =
        tokio::time::timeout_at(until.min(Instant::now() + LAST_LINES / 4), lines.recv()).await
    {
        voice.say(&line);
    }
}

/// A Job that did not end in time, with what keeps it from that where that is known.
async fn late(
    subject: &str,
    state: &State,
    trouble: Option<&Trouble>,
    pods: &[Pod],
    cluster: &Cluster,
) -> Failure {
    let mut failure = of_the_pods(subject, "it did not end in time".to_owned(), pods, cluster).await;
    failure.help = Some("give it more time with `timeout`".to_owned());
    if *state == State::Suspended {
        failure.reason.push_str(": it is suspended, and no one resumed it");
        failure.help = Some("see who admits Jobs to this namespace, and whether there is a queue".to_owned());
    } else if let Some(Trouble { object, reason, message, .. }) = trouble {
        failure.reason = format!("{}: {object}: {reason}: {message}", failure.reason);
        failure.help = Some("see what keeps its pod from running".to_owned());
    }
    failure
}

async fn of_the_pods(subject: &str, why: String, pods: &[Pod], cluster: &Cluster) -> Failure {
    let mut failure = Failure::new(subject, why);
    let newest = pods.iter().max_by_key(|pod| pod.metadata.creation_timestamp);
    let Some(pod) = newest else { return failure };
    if let Some(container) = pod.spec.containers.first() {
        failure.evidence = last_words(cluster, &pod.metadata.name, &container.name, false).await;
    }
    failure
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn job(name: &str, spec: &Value) -> Object {
        let job = json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name}, "spec": spec});
        named(Object::new(job).unwrap(), "0badcafe", "shop").unwrap()
    }

    #[test]
    fn a_job_is_kept_until_it_was_seen_to_end() {
        let kept = |ttl: &Value| {
            job("migrate", &json!({"ttlSecondsAfterFinished": ttl})).at("/spec").cloned().unwrap()
        };
        assert_eq!(kept(&json!(0)), json!({"ttlSecondsAfterFinished": 86_400}));
        assert_eq!(kept(&json!(100_000)), json!({"ttlSecondsAfterFinished": 100_000}));
        assert_eq!(job("migrate", &json!({})).at("/spec"), Some(&json!({})));
    }

    #[test]
    fn jobs_of_one_name_are_refused() {
        let jobs = |before: &str, migrations: &str| Jobs {
            before: Some(job(before, &json!({}))),
            migrations: Some(job(migrations, &json!({}))),
            on_rollback: None,
        };
        check_names(&jobs("snapshot", "migrate")).unwrap();
        let long = "a".repeat(60);
        for (before, migrations) in [("migrate", "migrate"), (long.as_str(), &long[1..])] {
            let problem = check_names(&jobs(before, migrations)).unwrap_err();
            assert!(problem.why.unwrap().ends_with("-0badcafe"));
        }
    }
}
