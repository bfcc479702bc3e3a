//! A journal is worked off: forward, and back when that fails.
//!
//! A new deployment, a switch, an undo and a run that takes up another all come through here: what is made already is
//! seen and not made again, so a run may begin anywhere.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use sluice_core::{Context, Problem};
use sluice_kubernetes::{
    Cluster, Error, Hold, JsonPatch, Kind, Object, Ownership, Preconditions, Selector,
    api::core::v1::{Event, Pod, Service},
    progress::{Decision, Judgement, Patience, judge_service, time_of},
};
use tokio::time::{Instant, sleep_until};

use crate::{
    edit::{self, Standing},
    failure::{Failure, Trip},
    images::annotation,
    inputs::OnFailure,
    jobs,
    journal::{Direction, Jobs, Journal, MANAGER, MARK, Step},
    reference::{Reference, WorkloadKind},
    view::View,
    voice::Voice,
};

/// For how long a run holds its lease without renewing it: what another waits for after one that was killed.
pub(crate) const LEASE: Duration = Duration::from_secs(15);
/// How long the way back may take at least.
const WAY_BACK: Duration = Duration::from_mins(5);
/// How often events are read while something is not done.
const EVENTS: Duration = Duration::from_secs(3);
/// How often all is judged at most, however much changes.
const BREATH: Duration = Duration::from_millis(100);

/// How a run ended.
#[derive(Debug)]
pub(crate) enum Ending {
    /// All is as it was meant.
    Done,
    /// All is as it was before, for these reasons.
    RolledBack(Vec<Failure>),
    /// It failed for these reasons, and stays as it is.
    Kept(Vec<Failure>),
    /// It failed for the first reasons, and could not be rolled back for the second.
    Broken(Vec<Failure>, Vec<Failure>),
}

/// How long things may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) timeout: Duration,
    pub(crate) stable_for: Duration,
}

/// One run of a journal.
pub(crate) struct Run<'a> {
    cx: &'a Context,
    cluster: Cluster,
    pub(crate) journal: Journal,
    limits: Limits,
    force: bool,
    view: Option<View>,
    voice: Voice<'a>,
    /// How far each workload was seen last.
    pub(crate) seen: Vec<(String, Judgement)>,
}

/// What is waited for.
struct Target {
    object: String,
    what: What,
    patience: Patience,
    is_done: bool,
}

enum What {
    /// A workload, at this generation or a later one.
    Workload(Reference, i64),
    /// A Service whose selector is this one's.
    Service(Box<Service>),
}

impl<'a> Run<'a> {
    pub(crate) fn new(
        cx: &'a Context,
        cluster: &Cluster,
        journal: Journal,
        limits: Limits,
        force: bool,
    ) -> Self {
        let voice = Voice::new(cx);
        Self { cx, cluster: cluster.clone(), journal, limits, force, view: None, voice, seen: Vec::new() }
    }

    /// Takes the lease of the journal's object: two runs at once are one too many. The holder is this very process: to
    /// take up another's journal is not to be it.
    pub(crate) async fn hold(cluster: &Cluster, journal: &Journal, holder: &str) -> Result<Hold, Problem> {
        cluster.hold(&journal.name(), holder, LEASE).await.map_err(|error| match error {
            Error::Held { by, since, .. } => {
                let since = since.map_or_else(String::new, |since| format!(" since {since}"));
                Problem::failed("another rollout is at it")
                    .why(format!("{by} holds the lease {}{since}", journal.name()))
                    .help(
                        "wait until it is done; after one that was killed the lease runs out within seconds",
                    )
            }
            error => error.into(),
        })
    }

    /// Waits for what is there already. Nothing is changed, so nothing is rolled back.
    pub(crate) async fn only_wait(&mut self) -> Result<Ending, Problem> {
        // A Job beside nothing to deploy has nothing to do.
        self.journal.jobs = Jobs::default();
        let cx = self.cx;
        let waited = tokio::select! {
            interrupted = cx.cancellation().cancelled() => return Err(interrupted.into()),
            waited = self.forward() => waited,
        };
        let ending = match waited {
            Ok(()) => Ok(Ending::Done),
            Err(Trip::Failed(failures)) => Ok(Ending::Kept(failures)),
            Err(Trip::Lost(error)) => Err(error.into()),
        };
        self.voice.end();
        ending
    }

    /// Works the journal off. An error means that the cluster gave no answer: the journal is still there.
    pub(crate) async fn work(&mut self, hold: &Hold) -> Result<Ending, Problem> {
        let ending = tokio::select! {
            biased;
            lost = hold.until_lost() => Err(Problem::undecided("the lease of this run was lost: another may be at it").why(lost)),
            ending = self.both_ways() => ending,
        };
        self.voice.end();
        ending
    }

    async fn both_ways(&mut self) -> Result<Ending, Problem> {
        if self.journal.direction == Direction::Back {
            return match self.back().await {
                Ok(()) => self.end(Ending::Done).await,
                Err(trip) => Ok(Ending::Broken(Vec::new(), reasons(trip))),
            };
        }
        let failures = match self.forward().await {
            Ok(()) => return self.end(Ending::Done).await,
            Err(trip) => reasons(trip),
        };
        if self.journal.on_failure == OnFailure::Keep {
            return self.end(Ending::Kept(failures)).await;
        }
        for failure in &failures {
            self.voice.say(&format!("{}: {}", failure.subject, failure.reason));
        }
        self.voice.say("rolling back");
        self.journal.direction = Direction::Back;
        let way_back = match self.journal.save(&self.cluster).await {
            Ok(()) => self.back().await,
            Err(problem) => {
                let why = problem.why.unwrap_or_default();
                Err(Trip::one(Failure::new("rollback", format!("{}: {why}", problem.what))))
            }
        };
        match way_back {
            Ok(()) => self.end(Ending::RolledBack(failures)).await,
            Err(trip) => Ok(Ending::Broken(failures, reasons(trip))),
        }
    }

    async fn forward(&mut self) -> Result<(), Trip> {
        let jobs = [self.journal.jobs.before.clone(), self.journal.jobs.migrations.clone()];
        if jobs.iter().any(Option::is_some) && !self.has_begun().await? {
            for job in jobs.into_iter().flatten() {
                jobs::run(&self.cluster, &job, self.limits.timeout, &self.voice).await?;
            }
        }
        for stage in self.stages() {
            let mut targets = Vec::new();
            for step in self.journal.steps.clone().iter().filter(|step| step.stage == stage) {
                let object = self.make(step).await?;
                targets.extend(self.target(step, &object));
            }
            self.wait(targets, false).await?;
        }
        self.is_still_so().await
    }

    /// What is done may be what someone else has made of it meanwhile.
    async fn is_still_so(&self) -> Result<(), Trip> {
        for step in self.journal.steps.iter().filter(|step| step.changes_something()) {
            let subject = step.object();
            let kind = step.kind(&self.cluster).await.map_err(|error| Trip::of(&subject, error))?;
            let found = self
                .cluster
                .get_object(&kind, &step.name)
                .await
                .map_err(|error| Trip::of(&subject, error))?;
            let found = Value::from(found);
            match edit::standing(&step.edits, &found) {
                Standing::After => {}
                Standing::Before if step.is_new => {}
                Standing::Before => return Err(Trip::one(foreign(&subject, "", &found))),
                Standing::Elsewhere { path, .. } => return Err(Trip::one(foreign(&subject, &path, &found))),
            }
        }
        Ok(())
    }

    async fn back(&mut self) -> Result<(), Trip> {
        let mut stages = self.stages();
        stages.reverse();
        for stage in stages {
            let mut targets = Vec::new();
            let steps = self.journal.steps.clone();
            for step in steps.iter().rev().filter(|step| step.stage == stage && step.changes_something()) {
                if let Some(object) = self.take_back(step).await? {
                    targets.extend(self.target(step, &object));
                }
            }
            self.wait(targets, true).await?;
        }
        match self.journal.jobs.on_rollback.clone() {
            Some(job) => jobs::run(&self.cluster, &job, self.limits.timeout, &self.voice).await,
            None => Ok(()),
        }
    }

    /// Whether an object was changed already: that comes after the Jobs.
    async fn has_begun(&self) -> Result<bool, Trip> {
        for step in self.journal.steps.iter().filter(|step| step.changes_something()) {
            let tripped = |error| Trip::of(&step.object(), error);
            let kind = step.kind(&self.cluster).await.map_err(tripped)?;
            match self.cluster.get_object(&kind, &step.name).await {
                Ok(found) => {
                    if mark(&found.into()) == Some(&self.journal.mark()) {
                        return Ok(true);
                    }
                }
                Err(Error::NotFound { .. }) => {}
                Err(error) => return Err(tripped(error)),
            }
        }
        Ok(false)
    }

    fn stages(&self) -> Vec<usize> {
        let mut stages: Vec<usize> = self.journal.steps.iter().map(|step| step.stage).collect();
        stages.sort_unstable();
        stages.dedup();
        stages
    }

    /// Makes the change of one step, in one write; what is made already stays.
    async fn make(&mut self, step: &Step) -> Result<Value, Trip> {
        let subject = step.object();
        let tripped = |error| Trip::of(&subject, error);
        let kind = step.kind(&self.cluster).await.map_err(tripped)?;
        let found = match self.cluster.get_object(&kind, &step.name).await {
            Ok(found) => Some(Value::from(found)),
            Err(Error::NotFound { .. }) if step.is_new => None,
            Err(error) => return Err(tripped(error)),
        };
        if let Some(found) = &found {
            match edit::standing(&step.edits, found) {
                Standing::Elsewhere { path, .. } if !self.force => {
                    return Err(Trip::one(foreign(&subject, &path, found)));
                }
                _ if !step.changes_something() => return Ok(found.clone()),
                Standing::After if !step.is_new || mark(found) == Some(&self.journal.mark()) => {
                    return Ok(found.clone());
                }
                _ => {}
            }
            self.is_led_by_ready_pods(step, found, false).await?;
        }
        let made = if let Some(apply) = &step.apply {
            let mut apply = apply.clone();
            let version = found.as_ref().and_then(|found| found["metadata"]["resourceVersion"].as_str());
            set_mark(&mut apply, &self.journal.mark(), version);
            let ownership = if self.force { Ownership::Take } else { Ownership::Respect };
            self.apply(&apply, ownership).await
        } else {
            let found = found.unwrap_or_default();
            let patch = marked(&found, &self.journal.mark(), edit::forward(&step.edits));
            self.cluster.patch_object(&kind, &step.name, &patch).await
        };
        Ok(made.map_err(tripped)?.into())
    }

    /// Applies; what only we ourselves own (from having put something back) is ours to take.
    async fn apply(&self, object: &Object, ownership: Ownership) -> Result<Object, Error> {
        match self.cluster.apply(object, ownership).await {
            Err(Error::Conflict { fields, .. })
                if !fields.is_empty() && fields.iter().all(|field| field.manager == MANAGER) =>
            {
                self.cluster.apply(object, Ownership::Take).await
            }
            other => other,
        }
    }

    /// Takes the change of one step back; `None` when there is nothing to wait for.
    async fn take_back(&mut self, step: &Step) -> Result<Option<Value>, Trip> {
        let subject = step.object();
        let tripped = |error| Trip::of(&subject, error);
        let kind = step.kind(&self.cluster).await.map_err(tripped)?;
        let found = match self.cluster.get_object(&kind, &step.name).await {
            Ok(found) => Value::from(found),
            Err(Error::NotFound { .. }) if step.is_new => return Ok(None),
            Err(error) => return Err(tripped(error)),
        };
        if step.is_new {
            return self.remove(step, &kind, &found).await.map(|()| None);
        }
        let edits = match edit::standing(&step.edits, &found) {
            Standing::Before => return Ok(Some(found)),
            Standing::After => None,
            Standing::Elsewhere { .. } if self.force => Some(edit::forced_back(&step.edits, &found)),
            Standing::Elsewhere { path, .. } => return Err(Trip::one(foreign(&subject, &path, &found))),
        };
        if let Some(other) = mark(&found).filter(|mark| **mark != self.journal.mark())
            && is_alive(&self.cluster, other).await.map_err(tripped)?
        {
            return Err(Trip::one(Failure::new(
                &subject,
                format!("another rollout is at it: configmap/{other}"),
            )));
        }
        self.is_led_by_ready_pods(step, &found, true).await?;
        let patch = edits.map_or_else(|| edit::back(&step.edits), |edits| edit::forward(&edits));
        let restored = self.cluster.patch_object(&kind, &step.name, &patch).await.map_err(tripped)?;
        Ok(Some(restored.into()))
    }

    async fn remove(&self, step: &Step, kind: &Kind, found: &Value) -> Result<(), Trip> {
        // One of this name that someone else made meanwhile is theirs.
        if mark(found).is_some_and(|mark| *mark != self.journal.mark()) && !self.force {
            return Err(Trip::one(foreign(&step.object(), &annotation(MARK), found)));
        }
        let uid = found["metadata"]["uid"].as_str().unwrap_or_default();
        match self.cluster.delete_object(kind, &step.name, &Preconditions::uid(uid)).await {
            Ok(()) | Err(Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(Trip::of(&step.object(), error)),
        }
    }

    /// Before a Service is sent elsewhere, a pod must be ready there: whichever way it goes, someone answers.
    async fn is_led_by_ready_pods(&self, step: &Step, found: &Value, back: bool) -> Result<(), Trip> {
        if !step.moves_traffic() {
            return Ok(());
        }
        let mut after = found.clone();
        for edit in step.edits.iter().filter(|edit| edit.path.starts_with("/spec/selector/")) {
            let value = if back { &edit.before } else { &edit.after };
            if let (Some(place), Some(value)) = (after.pointer_mut(&edit.path), value) {
                place.clone_from(value);
            }
        }
        let selector = crate::colours::labels(&after, "/spec/selector");
        let labels: Vec<String> = selector.iter().map(|(key, value)| format!("{key}={value}")).collect();
        let pods = self.cluster.list::<Pod>(&Selector::labels(labels.join(","))).await;
        let pods = pods.map_err(|error| Trip::of(&step.object(), error))?.items;
        let ready = |pod: &Pod| {
            let mut conditions = pod.status.iter().flat_map(|status| status.conditions.iter().flatten());
            pod.metadata.deletion_timestamp.is_none()
                && conditions.any(|condition| condition.type_ == "Ready" && condition.status == "True")
        };
        if pods.iter().any(ready) {
            return Ok(());
        }
        let why = format!("no pod with {} is ready: the traffic stays where it is", labels.join(","));
        let help = "`rollout switch --back` scales the other colour up first";
        Err(Trip::one(Failure { help: Some(help.to_owned()), ..Failure::new(step.object(), why) }))
    }

    fn target(&self, step: &Step, object: &Value) -> Option<Target> {
        let what = match step.workload() {
            Some(kind) => {
                let generation = object["metadata"]["generation"].as_i64().unwrap_or(0);
                What::Workload(Reference { kind, name: step.name.clone() }, generation)
            }
            None if step.moves_traffic() => {
                // One without a selector is led by hand.
                let has_selector = object.pointer("/spec/selector").is_some();
                What::Service(Box::new(serde_json::from_value(object.clone()).ok().filter(|_| has_selector)?))
            }
            None => return None,
        };
        let patience = Patience::new(self.limits.stable_for);
        Some(Target { object: step.object(), what, patience, is_done: false })
    }

    /// Waits until all targets are done and have stayed so.
    async fn wait(&mut self, mut targets: Vec<Target>, is_back: bool) -> Result<(), Trip> {
        if targets.is_empty() {
            return Ok(());
        }
        let began = self.cx.now();
        let ends = Instant::now() + self.time_to_wait(is_back);
        let kinds: Vec<WorkloadKind> = self.journal.steps.iter().filter_map(Step::workload).collect();
        let mut view = self.view.take().unwrap_or_else(|| View::watch(&self.cluster, &kinds));
        let waited = self.wait_in(&mut view, &mut targets, began, ends, is_back).await;
        self.view = Some(view);
        waited
    }

    /// To come back late is better than to give up on it.
    fn time_to_wait(&self, is_back: bool) -> Duration {
        if is_back { self.limits.timeout.max(WAY_BACK) } else { self.limits.timeout }
    }

    async fn wait_in(
        &mut self,
        view: &mut View,
        targets: &mut [Target],
        began: Timestamp,
        ends: Instant,
        is_back: bool,
    ) -> Result<(), Trip> {
        let mut next_events = Instant::now() + EVENTS;
        loop {
            let mut again = ends;
            if view.is_whole() {
                let (look_again, failures) = self.judge(view, targets, is_back).await?;
                if !failures.is_empty() {
                    return Err(Trip::Failed(failures));
                }
                if targets.iter().all(|target| target.is_done) {
                    return Ok(());
                }
                again = again.min(Instant::now() + look_again);
            }
            if Instant::now() >= ends {
                return Err(Trip::Failed(self.late(view, targets, is_back).await));
            }
            tokio::select! {
                seen = view.next() => seen.map_err(Trip::Lost)?,
                () = sleep_until(again.min(next_events)) => {}
            }
            // What changes together is judged together.
            let breath = Instant::now() + BREATH;
            while let Ok(seen) = tokio::time::timeout_at(breath, view.next()).await {
                seen.map_err(Trip::Lost)?;
            }
            if Instant::now() >= next_events {
                // They explain: a run that can't have them goes on.
                if let Ok(events) = self.cluster.list::<Event>(&Selector::all()).await {
                    let recent = |event: &Event| time_of(event).is_none_or(|time| time >= began);
                    view.events = events.items.into_iter().filter(recent).collect();
                    view.events.sort_by_key(time_of);
                }
                next_events = Instant::now() + EVENTS;
            }
        }
    }

    /// Judges all targets: when to look again at the latest, and what has failed for good.
    async fn judge(
        &mut self,
        view: &View,
        targets: &mut [Target],
        is_back: bool,
    ) -> Result<(Duration, Vec<Failure>), Trip> {
        let now = self.cx.now();
        let wide = targets.iter().map(|target| target.object.len()).max().unwrap_or(0);
        let mut again = Duration::from_secs(5);
        let mut failed = Vec::new();
        {
            let around = view.around();
            for target in targets.iter_mut() {
                let judgement = match &target.what {
                    What::Workload(reference, generation) => view
                        .judge(reference, *generation, &around)
                        .unwrap_or_else(|| unseen("its controller has not seen the change yet")),
                    What::Service(service) => {
                        Judgement { waiting: judge_service(service, &around), ..unseen("") }
                    }
                };
                let decision = target.patience.weigh(&judgement, now);
                target.is_done = decision == Decision::Done;
                self.voice.tell(&target.object, wide, &line(target, &judgement, &decision, is_back));
                if matches!(target.what, What::Workload(..)) {
                    self.seen.retain(|(object, _)| *object != target.object);
                    self.seen.push((target.object.clone(), judgement));
                }
                match decision {
                    Decision::Done => {}
                    Decision::Wait(next) => again = again.min(next),
                    Decision::Failed(troubles) => {
                        failed.extend(
                            troubles.into_iter().next().map(|trouble| (target.object.clone(), trouble)),
                        );
                    }
                }
            }
        }
        if is_back {
            self.make_way(view, targets).await?;
            // On the way back only the pods of the version before count, and those ran.
            failed.retain(|(_, trouble)| trouble.patience == Some(Duration::ZERO));
        }
        let mut failures = Vec::new();
        for (object, trouble) in &failed {
            failures.push(Failure::of(trouble, object, &self.cluster, &view.events).await);
        }
        Ok((again, failures))
    }

    /// Removes the pods that keep a StatefulSet from going back.
    async fn make_way(&self, view: &View, targets: &[Target]) -> Result<(), Trip> {
        for target in targets {
            let What::Workload(reference, generation) = &target.what else { continue };
            let is_seen =
                view.workload(reference).is_some_and(|workload| workload.generation() >= *generation);
            if reference.kind != WorkloadKind::StatefulSet || !is_seen {
                continue;
            }
            for (pod, uid) in view.in_the_way(&reference.name) {
                match self.cluster.delete::<Pod>(&pod, &Preconditions::uid(uid)).await {
                    Ok(()) | Err(Error::NotFound { .. } | Error::Conflict { .. }) => {}
                    Err(error) => return Err(Trip::of(&format!("pod/{pod}"), error)),
                }
            }
        }
        Ok(())
    }

    /// What was not done in time, and what was seen of it.
    async fn late(&self, view: &View, targets: &[Target], is_back: bool) -> Vec<Failure> {
        let mut failures = Vec::new();
        let around = view.around();
        let after = sluice_core::Period(self.time_to_wait(is_back));
        for target in targets.iter().filter(|target| !target.is_done) {
            let (waiting, trouble) = match &target.what {
                What::Workload(reference, generation) => match view.judge(reference, *generation, &around) {
                    Some(judgement) => (judgement.waiting, judgement.troubles.into_iter().next()),
                    None => (Some("its controller has not seen the change".to_owned()), None),
                },
                What::Service(service) => (judge_service(service, &around), None),
            };
            let relapses = target.patience.relapses();
            let waiting =
                waiting.unwrap_or_else(|| "it was done, and had not stayed so for long enough".to_owned());
            let waiting = match relapses {
                0 => waiting,
                count => format!("{waiting}; its pods became ready and unready again, {count} times"),
            };
            let mut failure = match trouble {
                Some(trouble) => Failure::of(&trouble, &target.object, &self.cluster, &view.events).await,
                None => Failure::new(&target.object, String::new()),
            };
            let cause =
                if failure.reason.is_empty() { String::new() } else { format!("; {}", failure.reason) };
            failure.reason = format!("not done after {after}: {waiting}{cause}");
            failure.help = Some(
                "give it more time with `timeout`, or see what keeps its pods from being ready".to_owned(),
            );
            failures.push(failure);
        }
        failures
    }

    /// Removes the traces of the run: the marks, then the journal.
    async fn end(&mut self, ending: Ending) -> Result<Ending, Problem> {
        for step in self.journal.steps.iter().filter(|step| step.changes_something()) {
            let kind = step.kind(&self.cluster).await?;
            let patch = JsonPatch::new().test(annotation(MARK), self.journal.mark()).remove(annotation(MARK));
            match self.cluster.patch_object(&kind, &step.name, &patch).await {
                // It has none, or is gone.
                Ok(_) | Err(Error::NotFound { .. } | Error::TestFailed { .. } | Error::Rejected { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        self.journal.end(&self.cluster).await?;
        Ok(ending)
    }
}

/// Reasons, also where the cluster gave no answer.
fn reasons(trip: Trip) -> Vec<Failure> {
    match trip {
        Trip::Failed(failures) => failures,
        Trip::Lost(error) => vec![Failure::new("cluster", error.to_string())],
    }
}

fn unseen(waiting: &str) -> Judgement {
    Judgement {
        wanted: 0,
        ready: 0,
        waiting: Some(waiting.to_owned()),
        troubles: Vec::new(),
        steady: Vec::new(),
    }
}

fn line(target: &Target, judgement: &Judgement, decision: &Decision, is_back: bool) -> String {
    let way = if is_back { "back: " } else { "" };
    let ready = match &target.what {
        What::Workload(..) => format!("{}/{} ready, ", judgement.ready, judgement.wanted),
        What::Service(_) => String::new(),
    };
    let rest = match (decision, &judgement.waiting) {
        (Decision::Done, _) => {
            return format!(
                "{way}{}done",
                ready.trim_end_matches(", ").to_owned() + if ready.is_empty() { "" } else { ", " }
            );
        }
        (_, None) => "must stay so for a moment".to_owned(),
        (_, Some(waiting)) => match judgement.troubles.first() {
            Some(trouble) => format!("{waiting} ({}: {})", trouble.object, trouble.reason),
            None => waiting.clone(),
        },
    };
    format!("{way}{ready}{rest}")
}

/// The mark of the run that is at an object.
pub(crate) fn mark(object: &Value) -> Option<&String> {
    match object.pointer(&annotation(MARK))? {
        Value::String(mark) => Some(mark),
        _ => None,
    }
}

/// Whether the run that left a mark is not over. One whose journal is gone is: `kubectl rollout undo` brings annotations
/// back that were removed.
pub(crate) async fn is_alive(cluster: &Cluster, mark: &str) -> Result<bool, Error> {
    Journal::exists(cluster, mark.split('/').next().unwrap_or_default()).await
}

/// A patch that also leaves the run's mark, and fails where another's stands that did not when it was looked for.
fn marked(object: &Value, mark_of_run: &str, edits: JsonPatch) -> JsonPatch {
    let path = annotation(MARK);
    let has_annotations = object.pointer("/metadata/annotations").is_some_and(Value::is_object);
    let held = if has_annotations {
        JsonPatch::new().test(path.as_str(), mark(object).map_or(Value::Null, |mark| mark.as_str().into()))
    } else {
        JsonPatch::new().test("/metadata/annotations", Value::Null).add("/metadata/annotations", json!({}))
    };
    held.add(path, mark_of_run).then(edits)
}

fn set_mark(object: &mut Object, mark: &str, version: Option<&str>) {
    let fields = object.fields_mut();
    let Some(metadata) = fields.get_mut("metadata").and_then(Value::as_object_mut) else { return };
    if let Some(version) = version {
        metadata.insert("resourceVersion".to_owned(), version.into());
    }
    let annotations = metadata.entry("annotations").or_insert_with(|| json!({}));
    if let Some(annotations) = annotations.as_object_mut() {
        annotations.insert(MARK.to_owned(), mark.into());
    }
}

/// What someone else changed is theirs.
fn foreign(subject: &str, path: &str, found: &Value) -> Failure {
    let who =
        edit::last_other(found, MANAGER).map_or_else(String::new, |who| format!(" (last change by {who})"));
    let at = if path.is_empty() { "it".to_owned() } else { path.to_owned() };
    Failure {
        help: Some("look at what was changed; `force` overwrites it".to_owned()),
        ..Failure::new(subject, format!("someone else changed {at} since{who}: it was left alone"))
    }
}
