//! Waiting until what was made is true, or certain not to become so.

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;
use serde_json::Value;
use sluice_core::{Context, Period};
use sluice_kubernetes::{
    Cluster, Error, Preconditions,
    api::core::v1::Pod,
    progress::{Decision, Judgement, Patience, Service, Trouble, Workload, judge_service, time_of},
};
use tokio::time::{Instant, sleep_until, timeout_at};

use super::Limits;
use crate::{
    failure::{Failure, Trip, events, explained},
    journal::{Direction, Journal, Step},
    reference::{Reference, WorkloadKind},
    view::View,
    voice::{FRAME, State, Voice},
};

/// How long the way back may take at least: to come back late is better than to give up on it.
const WAY_BACK: Duration = Duration::from_mins(5);
/// How long is waited on the way back for what did not run before either.
const NOT_RUNNING: Duration = Duration::from_secs(30);
/// How often events are read while something is not done.
const EVENTS: Duration = Duration::from_secs(3);
/// How often all is judged at most, however much changes.
const BREATH: Duration = Duration::from_millis(100);
/// When all is judged again at the latest, however little changes.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// What a run waits with: what it sees of the namespace, and what it says of it.
pub(super) struct Waiting<'a> {
    cx: &'a Context,
    cluster: Cluster,
    limits: Limits,
    kinds: Vec<WorkloadKind>,
    view: Option<View>,
    pub(super) voice: Voice<'a>,
    /// How far each workload was seen last.
    pub(super) seen: BTreeMap<String, Judgement>,
}

/// What is waited for.
pub(super) struct Target {
    object: String,
    what: What,
    patience: Patience,
    /// Whether it need not run: it did not before.
    may_fail: bool,
    /// The uid of the very object that was written.
    uid: String,
    /// Whether it has been there: what is not there after that was removed by someone.
    was_there: bool,
    is_done: bool,
}

enum What {
    /// A workload, at this generation or a later one.
    Workload(Reference, i64),
    /// A Service whose selector is this one's.
    Service(Box<Service>),
}

/// One wait: from when, until when at the latest, and on which way.
struct Wait {
    began: Timestamp,
    began_at: Instant,
    ends: Instant,
    way: Direction,
    limit: Duration,
}

impl<'a> Waiting<'a> {
    pub(super) fn new(cx: &'a Context, cluster: &Cluster, limits: Limits, journal: &Journal) -> Self {
        Self {
            cx,
            cluster: cluster.clone(),
            limits,
            kinds: journal.steps.iter().filter_map(Step::workload).collect(),
            view: None,
            voice: Voice::new(cx),
            seen: BTreeMap::new(),
        }
    }

    /// One way of a journal begins: it is told of all that is waited for on it.
    pub(super) fn begin(&mut self, journal: &Journal) {
        let is_told = |step: &&Step| step.workload().is_some() || step.moves_traffic();
        self.voice.begin(journal.steps.iter().filter(is_told).map(Step::object));
    }

    /// Notes which workloads do not run before anything is changed: the way back leads there again.
    pub(super) async fn note_what_does_not_run(&mut self, journal: &mut Journal) -> Result<(), Error> {
        if journal.direction == Direction::Back || self.kinds.is_empty() {
            return Ok(());
        }
        let mut view = View::watch(&self.cluster, &self.kinds);
        while !view.is_whole() {
            view.next().await?;
        }
        {
            let around = view.around();
            for step in &mut journal.steps {
                let Some(kind) = step.workload() else { continue };
                let reference = Reference { kind, name: step.name.clone() };
                let judgement = view.judge(&reference, 0, &around);
                step.was_failing = judgement.is_some_and(|judgement| !judgement.is_done());
            }
        }
        self.view = Some(view);
        Ok(())
    }

    /// What is waited for of an object, as the last write has left it; `None` for what takes effect at once.
    pub(super) fn target(&self, step: &Step, object: &Value, way: Direction) -> Option<Target> {
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
        let may_fail = way == Direction::Back && step.was_failing;
        Some(Target {
            object: step.object(),
            what,
            patience,
            may_fail,
            uid: object["metadata"]["uid"].as_str().unwrap_or_default().to_owned(),
            was_there: !step.is_new,
            is_done: false,
        })
    }

    /// Waits until all targets are done and have stayed so.
    pub(super) async fn wait(&mut self, mut targets: Vec<Target>, way: Direction) -> Result<(), Trip> {
        if targets.is_empty() {
            return Ok(());
        }
        let limit = match way {
            Direction::Forward => self.limits.timeout,
            Direction::Back => self.limits.timeout.max(WAY_BACK),
        };
        let wait =
            Wait { began: self.cx.now(), began_at: Instant::now(), ends: Instant::now() + limit, way, limit };
        let mut view = self.view.take().unwrap_or_else(|| View::watch(&self.cluster, &self.kinds));
        let waited = self.wait_in(&mut view, &mut targets, &wait).await;
        self.view = Some(view);
        waited
    }

    async fn wait_in(&mut self, view: &mut View, targets: &mut [Target], wait: &Wait) -> Result<(), Trip> {
        let mut next_events = Instant::now() + EVENTS;
        loop {
            // What changes together is judged together, and nothing by what was so before the last write.
            let breath = Instant::now() + BREATH;
            while let Ok(seen) = timeout_at(breath, view.next()).await {
                seen.map_err(Trip::Lost)?;
            }
            let mut again = wait.ends;
            if view.is_whole() {
                let (look_again, mut failed) = self.judge(view, targets, wait.way);
                self.voice.show();
                for target in targets.iter_mut().filter(|target| target.may_fail) {
                    let has_failed = failed.iter().any(|(object, _)| *object == target.object);
                    target.is_done |= has_failed || wait.began_at.elapsed() >= NOT_RUNNING;
                }
                failed.retain(|(object, _)| targets.iter().any(|one| one.object == *object && !one.is_done));
                if wait.way == Direction::Back {
                    self.make_way(view, targets).await?;
                }
                if !failed.is_empty() {
                    return Err(Trip::Failed(explained(failed, &self.cluster, &view.events).await));
                }
                if targets.iter().all(|target| target.is_done) {
                    return Ok(());
                }
                again = again.min(Instant::now() + look_again);
            }
            if Instant::now() >= wait.ends {
                return Err(Trip::Failed(self.late(view, targets, wait.limit).await));
            }
            tokio::select! {
                seen = view.next() => seen.map_err(Trip::Lost)?,
                () = sleep_until(again.min(next_events).min(Instant::now() + FRAME)) => {}
            }
            if Instant::now() >= next_events {
                self.read_events(view, wait.began).await;
                next_events = Instant::now() + EVENTS;
            }
        }
    }

    /// Reads what has happened since the wait began: what is older is about the version before.
    async fn read_events(&self, view: &mut View, since: Timestamp) {
        if let Some(mut events) = events(&self.cluster).await {
            events.retain(|event| time_of(event).is_none_or(|time| time >= since));
            view.events = events;
        }
    }

    /// Judges all targets: when to look again at the latest, and what has failed for good.
    fn judge(
        &mut self,
        view: &View,
        targets: &mut [Target],
        way: Direction,
    ) -> (Duration, Vec<(String, Trouble)>) {
        let now = self.cx.now();
        let mut again = LOOK_AGAIN;
        let mut failed = Vec::new();
        let around = view.around();
        for target in targets {
            let judgement = match (target.taken_away(view), &target.what) {
                (Some(how), _) => {
                    // It did not run before, and it was there.
                    target.may_fail = false;
                    gone(&target.object, how)
                }
                (None, What::Workload(reference, generation)) => view
                    .judge(reference, *generation, &around)
                    .unwrap_or_else(|| unseen("its controller has not seen the change yet")),
                (None, What::Service(service)) => {
                    Judgement { waiting: judge_service(service, &around), ..unseen("") }
                }
            };
            let decision = target.patience.weigh(&judgement, now);
            target.is_done = decision == Decision::Done;
            self.voice.tell(
                &target.object,
                state(&judgement, &decision),
                &line(target, &judgement, &decision, way),
            );
            match decision {
                Decision::Done => {}
                Decision::Wait(next) => again = again.min(next),
                Decision::Failed(troubles) => {
                    // On the way back only the pods of the version before count, and those ran.
                    let counts = |trouble: &Trouble| {
                        way == Direction::Forward || trouble.patience == Some(Duration::ZERO)
                    };
                    let first = troubles.into_iter().next().filter(counts);
                    failed.extend(first.map(|trouble| (target.object.clone(), trouble)));
                }
            }
            if matches!(target.what, What::Workload(..)) {
                self.seen.insert(target.object.clone(), judgement);
            }
        }
        (again, failed)
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
    async fn late(&self, view: &View, targets: &[Target], limit: Duration) -> Vec<Failure> {
        let mut late = Vec::new();
        let mut troubled = Vec::new();
        {
            let around = view.around();
            for target in targets.iter().filter(|target| !target.is_done) {
                let (waiting, trouble) = match &target.what {
                    What::Workload(reference, generation) => {
                        match view.judge(reference, *generation, &around) {
                            Some(judgement) => (
                                judgement.waiting,
                                judgement.troubles.into_iter().next().or(judgement.laggard),
                            ),
                            None => (Some("its controller has not seen the change".to_owned()), None),
                        }
                    }
                    What::Service(service) => (judge_service(service, &around), None),
                };
                let reason = format!("not done after {}: {}", Period(limit), told(waiting, target));
                late.push(Failure::new(&target.object, reason));
                troubled.extend(trouble.map(|trouble| (target.object.clone(), trouble)));
            }
        }
        for cause in explained(troubled, &self.cluster, &view.events).await {
            for failure in late.iter_mut().filter(|failure| failure.subject == cause.subject) {
                failure.reason = format!("{}; {}", failure.reason, cause.reason);
                failure.evidence.clone_from(&cause.evidence);
            }
        }
        for failure in &mut late {
            let help = "give it more time with `timeout`, or see what keeps its pods from being ready";
            failure.help = Some(help.to_owned());
        }
        late
    }
}

impl Target {
    /// What someone else has done with the object since it was written, where it is not there any more.
    fn taken_away(&mut self, view: &View) -> Option<&'static str> {
        let found = match &self.what {
            What::Workload(reference, _) => view.workload(reference).map(Workload::metadata),
            What::Service(service) => {
                view.services.get(&service.metadata.name).map(|service| &service.metadata)
            }
        };
        match found {
            None if self.was_there => Some("someone removed it meanwhile"),
            None => None,
            Some(found) => {
                self.was_there = true;
                (found.uid != self.uid)
                    .then_some("someone removed it meanwhile, and made another one of its name")
            }
        }
    }
}

/// What a target waits for, when the time is over.
fn told(waiting: Option<String>, target: &Target) -> String {
    let waiting = waiting.unwrap_or_else(|| "it was done, and had not stayed so for long enough".to_owned());
    match target.patience.relapses() {
        0 => waiting,
        count => format!("{waiting}; its pods became ready and unready again, {count} times"),
    }
}

fn unseen(waiting: &str) -> Judgement {
    Judgement {
        wanted: 0,
        ready: 0,
        waiting: Some(waiting.to_owned()),
        troubles: Vec::new(),
        laggard: None,
        steady: Vec::new(),
    }
}

/// Nobody waits for what someone else took away.
fn gone(object: &str, how: &str) -> Judgement {
    let trouble = Trouble {
        object: object.to_owned(),
        reason: "Deleted".to_owned(),
        message: how.to_owned(),
        culprit: None,
        patience: Some(Duration::ZERO),
    };
    Judgement { troubles: vec![trouble], ..unseen("it is not there any more") }
}

fn state(judgement: &Judgement, decision: &Decision) -> State {
    match decision {
        Decision::Done => State::Done,
        // What may take as long as it takes is no trouble yet.
        _ if judgement.troubles.iter().any(|trouble| trouble.patience.is_some()) => State::InTrouble,
        _ => State::Underway,
    }
}

/// `2/3 ready, 1 old pod still terminating`.
fn line(target: &Target, judgement: &Judgement, decision: &Decision, way: Direction) -> String {
    let mut parts = Vec::new();
    if matches!(target.what, What::Workload(..)) {
        parts.push(format!("{}/{} ready", judgement.ready, judgement.wanted));
    }
    parts.push(match (decision, &judgement.waiting, judgement.troubles.first()) {
        (Decision::Done, ..) => "done".to_owned(),
        (_, None, _) => "must stay so for a moment".to_owned(),
        (_, Some(waiting), Some(trouble)) => format!("{waiting} ({}: {})", trouble.object, trouble.reason),
        (_, Some(waiting), None) => waiting.clone(),
    });
    let way = if way == Direction::Back { "back: " } else { "" };
    format!("{way}{}", parts.join(", "))
}
