//! A journal is worked off: forward, and back when that fails.
//!
//! A new deployment, a switch, an undo and a run that takes up another all come through here: what is made already is
//! seen and not made again, so a run may begin anywhere. `alone` keeps others away, `make` makes a step, `take_back`
//! takes it back, `wait` waits until it is true.

mod alone;
mod make;
mod take_back;
mod wait;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use serde_json::Value;
use sluice_core::{Context, Problem};
use sluice_kubernetes::{Cluster, Error, progress::Judgement};

use crate::{
    edit::{self, Standing},
    failure::{Failure, Trip},
    inputs::{OnFailure, Patience},
    jobs,
    journal::{Direction, Jobs, Journal, Step},
    mark,
};

pub(crate) use self::alone::at_work;
use self::{
    take_back::TakenBack,
    wait::{Target, Waiting},
};

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

/// Where a run begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Begins {
    /// With a journal of its own.
    New,
    /// With a journal that another process has left.
    LeftByAnother,
}

/// How long things may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) timeout: Duration,
    pub(crate) stable_for: Duration,
}

const TIMEOUT: Duration = Duration::from_mins(10);
const STABLE_FOR: Duration = Duration::from_secs(10);

impl Limits {
    pub(crate) fn new(patience: &Patience) -> Self {
        Self {
            timeout: patience.timeout.map_or(TIMEOUT, |period| period.0),
            stable_for: patience.stable_for.map_or(STABLE_FOR, |period| period.0),
        }
    }
}

/// One run of a journal.
pub(crate) struct Run<'a> {
    cx: &'a Context,
    cluster: Cluster,
    pub(crate) journal: Journal,
    limits: Limits,
    force: bool,
    waiting: Waiting<'a>,
    /// What has been made so far, or may have been; `None` where another process has made it.
    made: Option<BTreeSet<String>>,
    /// What was put back.
    put_back: BTreeSet<String>,
    /// What was left alone on the way back, and why.
    left_alone: BTreeMap<String, &'static str>,
}

impl<'a> Run<'a> {
    pub(crate) fn new(
        cx: &'a Context,
        cluster: &Cluster,
        journal: Journal,
        limits: Limits,
        force: bool,
    ) -> Self {
        let waiting = Waiting::new(cx, cluster, limits, &journal);
        Self {
            cx,
            cluster: cluster.clone(),
            journal,
            limits,
            force,
            waiting,
            made: None,
            put_back: BTreeSet::new(),
            left_alone: BTreeMap::new(),
        }
    }

    /// How far each workload was seen last.
    pub(crate) fn seen(&self) -> &BTreeMap<String, Judgement> {
        &self.waiting.seen
    }

    /// What was put back.
    pub(crate) const fn put_back(&self) -> &BTreeSet<String> {
        &self.put_back
    }

    /// What was left alone on the way back, and why: nothing that this run made is there.
    pub(crate) const fn left_alone(&self) -> &BTreeMap<String, &'static str> {
        &self.left_alone
    }

    /// Waits for what is there already. Nothing is changed, so nothing is rolled back.
    pub(crate) async fn only_wait(&mut self) -> Result<Ending, Problem> {
        // A Job beside nothing to deploy has nothing to do.
        self.journal.jobs = Jobs::default();
        let cx = self.cx;
        let waited = tokio::select! {
            interrupted = cx.cancellation().cancelled() => Err(interrupted.into()),
            waited = self.forward() => match waited {
                Ok(()) => Ok(Ending::Done),
                Err(Trip::Failed(failures)) => Ok(Ending::Kept(failures)),
                Err(Trip::Lost(error)) => Err(error.into()),
            },
        };
        self.waiting.voice.end();
        waited
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
            self.waiting.voice.say(&format!("{}: {}", failure.subject, failure.reason));
        }
        self.waiting.voice.say("rolling back");
        self.journal.direction = Direction::Back;
        let way_back = match self.journal.save(&self.cluster).await {
            Ok(true) => self.back().await,
            Ok(false) => {
                let name = self.journal.name();
                return Err(alone::not_alone(format!("configmap/{name} is gone, or is another run's")));
            }
            Err(problem) => Err(Trip::one(Failure::of_problem("rollback", problem))),
        };
        match way_back {
            Ok(()) => self.end(Ending::RolledBack(failures)).await,
            Err(trip) => Ok(Ending::Broken(failures, reasons(trip))),
        }
    }

    async fn forward(&mut self) -> Result<(), Trip> {
        self.waiting.begin(&self.journal);
        let jobs = [self.journal.jobs.before.clone(), self.journal.jobs.migrations.clone()];
        if jobs.iter().any(Option::is_some) && !self.has_begun().await? {
            for job in jobs.into_iter().flatten() {
                jobs::run(self.cx, &self.cluster, &job, self.limits.timeout, &mut self.waiting.voice).await?;
            }
        }
        for stage in self.stages() {
            let mut targets = Vec::new();
            for step in self.journal.steps.clone().iter().filter(|step| step.stage == stage) {
                let made = self.make(step).await;
                if let (Ok(_) | Err(Trip::Lost(_)), Some(all)) = (&made, &mut self.made) {
                    all.insert(step.object());
                }
                let object = made?;
                self.note(step, &object).await?;
                targets.extend(self.waiting.target(step, &object, Direction::Forward));
            }
            self.waiting.wait(targets, Direction::Forward).await?;
        }
        self.is_still_so().await
    }

    /// Writes down what admission has made of a change, before anything else is held to it.
    async fn note(&mut self, step: &Step, made: &Value) -> Result<(), Trip> {
        let subject = step.object();
        let edits =
            edit::admitted(&step.edits, made).map_err(|path| Trip::one(unchanged(&subject, &path)))?;
        let mut noted =
            self.journal.steps.iter_mut().filter(|one| one.edits != edits && one.object() == subject);
        let Some(step) = noted.next() else { return Ok(()) };
        step.edits = edits;
        match self.journal.save(&self.cluster).await {
            Ok(true) => Ok(()),
            Ok(false) => {
                Err(Trip::one(Failure::new(subject, "the journal of this run is gone, or is another run's")))
            }
            Err(problem) => Err(Trip::one(Failure::of_problem(subject, problem))),
        }
    }

    /// What is done may be what someone else has made of it meanwhile.
    async fn is_still_so(&self) -> Result<(), Trip> {
        for step in self.journal.steps.iter().filter(|step| step.changes_something()) {
            let subject = step.object();
            let tripped = |error| Trip::of(&subject, error);
            let kind = step.kind(&self.cluster).await.map_err(tripped)?;
            let found = self.cluster.get_object(&kind, &step.name).await.map_err(tripped)?;
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
        let restore = match self.journal.jobs.on_rollback.clone() {
            Some(job) if self.has_something_to_restore().await? => Some(job),
            _ => None,
        };
        self.waiting.begin(&self.journal);
        let mut stages = self.stages();
        stages.reverse();
        let mut failures = Vec::new();
        for stage in stages {
            let targets = self.take_back_all(stage, &mut failures).await?;
            match self.waiting.wait(targets, Direction::Back).await {
                Err(Trip::Failed(more)) => failures.extend(more),
                waited => waited?,
            }
            // Where the traffic stays, what it leads to must.
            if self.is_traffic(&failures) {
                break;
            }
        }
        match restore {
            _ if !failures.is_empty() => Err(Trip::Failed(failures)),
            Some(job) => {
                jobs::run(self.cx, &self.cluster, &job, self.limits.timeout, &mut self.waiting.voice).await
            }
            None => Ok(()),
        }
    }

    /// Takes back the steps of a stage, each by itself: one that can't be keeps no other from it.
    async fn take_back_all(
        &mut self,
        stage: usize,
        failures: &mut Vec<Failure>,
    ) -> Result<Vec<Target>, Trip> {
        let mut targets = Vec::new();
        let steps = self.journal.steps.clone();
        for step in steps.iter().rev().filter(|step| step.stage == stage && step.changes_something()) {
            match self.take_back(step).await {
                Ok(TakenBack::AsBefore(object)) => {
                    self.put_back.insert(step.object());
                    targets.extend(self.waiting.target(step, &object, Direction::Back));
                }
                Ok(TakenBack::Gone) => {}
                Ok(TakenBack::LeftAlone(why)) => {
                    self.left_alone.insert(step.object(), why);
                }
                Err(Trip::Failed(more)) => failures.extend(more),
                Err(lost) => return Err(lost),
            }
        }
        Ok(targets)
    }

    /// Whether one of these failures is that of a Service that is sent elsewhere.
    fn is_traffic(&self, failures: &[Failure]) -> bool {
        let moved = self.journal.steps.iter().filter(|step| step.moves_traffic()).map(Step::object);
        moved.into_iter().any(|object| failures.iter().any(|failure| failure.subject == object))
    }

    /// Whether what `before` has made can be restored: it has ended well, or is gone since and was followed by more.
    async fn has_something_to_restore(&self) -> Result<bool, Trip> {
        let Some(before) = &self.journal.jobs.before else { return Ok(true) };
        if let Some(state) = jobs::state(&self.cluster, before).await? {
            return Ok(state == jobs::State::Done);
        }
        let migrated = match &self.journal.jobs.migrations {
            Some(job) => jobs::state(&self.cluster, job).await?.is_some(),
            None => false,
        };
        Ok(migrated || self.has_begun().await?)
    }

    /// Whether an object was changed already: that comes after the Jobs.
    async fn has_begun(&self) -> Result<bool, Trip> {
        for step in self.journal.steps.iter().filter(|step| step.changes_something()) {
            let tripped = |error| Trip::of(&step.object(), error);
            let kind = step.kind(&self.cluster).await.map_err(tripped)?;
            match self.cluster.get_object(&kind, &step.name).await {
                Ok(found) if self.is_marked(&found.clone().into()) => return Ok(true),
                Ok(_) | Err(Error::NotFound { .. }) => {}
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

    /// Fails where another run is at an object.
    async fn is_free(&self, step: &Step, found: &Value) -> Result<(), Trip> {
        let subject = step.object();
        let other = mark::of_another(found, &self.journal, &self.cluster).await;
        match other.map_err(|error| Trip::of(&subject, error))? {
            Some(other) => Err(Trip::one(Failure {
                help: Some("wait until it is done, then run again".to_owned()),
                ..Failure::new(subject, format!("another rollout is at it: configmap/{other}"))
            })),
            None => Ok(()),
        }
    }

    /// Removes the traces of the run: the marks, then the journal.
    async fn end(&mut self, ending: Ending) -> Result<Ending, Problem> {
        for step in self.journal.steps.iter().filter(|step| step.changes_something()) {
            let kind = step.kind(&self.cluster).await?;
            let patch = mark::removed(&self.journal.mark());
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

/// What someone else changed is theirs.
fn foreign(subject: &str, path: &str, found: &Value) -> Failure {
    let who = edit::owner_of(found, path).map_or_else(String::new, |who| format!(" (last change by {who})"));
    let at = if path.is_empty() { "it".to_owned() } else { path.to_owned() };
    Failure {
        help: Some("look at what was changed; `force` overwrites it".to_owned()),
        ..Failure::new(subject, format!("someone else changed {at} since{who}: it was left alone"))
    }
}

/// Where a change is taken back in the very write that makes it.
fn unchanged(subject: &str, path: &str) -> Failure {
    Failure {
        help: Some("see which mutating webhook or policy of the cluster holds it".to_owned()),
        ..Failure::new(subject, format!("the cluster took the change, and left {path} as it was"))
    }
}

/// Where entries of a list have moved, not even force tells what is meant.
fn moved(subject: &str) -> Failure {
    Failure {
        help: Some("put it right by hand, then run again".to_owned()),
        ..Failure::new(subject, "its containers are others by now: it was left alone")
    }
}
