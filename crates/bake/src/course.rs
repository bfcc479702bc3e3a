//! What was measured so far, and what it amounts to.

use jiff::Timestamp;
use sluice_core::{Place, Verdict};

use crate::limits::{Limits, Phase, Status};
use crate::plan::{Bake, Metric, Test};
use crate::query::Trouble;
use crate::unit::Unit;

/// The course of a bake: it lives outside of the work, so that it is there however the work ends.
#[derive(Clone, Debug)]
pub struct Course {
    pub(crate) schedule: String,
    pub(crate) tracks: Vec<Track>,
}

/// The course of one metric.
#[derive(Clone, Debug)]
pub struct Track {
    /// Its name in the configuration.
    pub name: String,
    /// Its measurements in their order.
    pub measurements: Vec<Measurement>,
    pub(crate) place: Place,
    pub(crate) unit: Unit,
    pub(crate) limits: Limits,
    /// Why measuring on is of no use.
    pub(crate) broken: Option<Trouble>,
}

/// One measurement.
#[derive(Clone, Debug, PartialEq)]
pub struct Measurement {
    /// When it was taken.
    pub at: Timestamp,
    /// What it showed.
    pub phase: Phase,
    /// The number: a share of one, seconds, or what the query counts.
    pub value: Option<f64>,
    /// Why, in one line.
    pub reason: String,
    /// What was asked.
    pub asked: Vec<Asked>,
    pub(crate) min: Option<f64>,
    pub(crate) max: Option<f64>,
    pub(crate) help: Option<String>,
}

/// One question of a measurement, and its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The key that it is written under: `errors`, `baseline total`.
    pub name: String,
    /// The query with everything filled in.
    pub query: String,
    /// What came back.
    pub answer: String,
}

impl Course {
    /// Nothing was measured yet.
    pub fn new(bake: &Bake) -> Self {
        let tracks = bake.metrics.iter().map(|metric| Track::new(metric, bake.limits)).collect();
        Self { schedule: bake.schedule(), tracks }
    }

    /// The metrics in the order of the configuration.
    pub fn tracks(&self) -> &[Track] {
        &self.tracks
    }

    /// Whether measuring on could change the answer.
    pub(crate) fn is_running(&self) -> bool {
        let statuses: Vec<Status> = self.tracks.iter().map(Track::status).collect();
        statuses.iter().all(|status| *status <= Status::Running) && statuses.contains(&Status::Running)
    }

    /// What is known by now. A certain no is a no, whatever else could not be found out.
    pub fn verdict(&self) -> Verdict {
        let verdicts = || self.tracks.iter().map(Track::verdict);
        for verdict in [Verdict::Failed, Verdict::Misconfigured, Verdict::Undecided] {
            if verdicts().any(|one| one == verdict) {
                return verdict;
            }
        }
        if self.tracks.is_empty() { Verdict::Undecided } else { Verdict::Passed }
    }
}

impl Track {
    fn new(metric: &Metric, limits: Limits) -> Self {
        let unit = match &metric.rule {
            Test::Number(rule) => rule.unit,
            Test::NoneInAlarm => Unit::Number,
        };
        Self {
            name: metric.name.clone(),
            measurements: Vec::new(),
            place: metric.place.clone(),
            unit,
            limits,
            broken: None,
        }
    }

    /// Where the metric stands.
    pub fn status(&self) -> Status {
        match self.limits.assess(self.measurements.iter().map(|measurement| measurement.phase)) {
            Status::Running if self.broken.is_some() => Status::Error,
            status => status,
        }
    }

    /// What its status is worth as an answer.
    pub fn verdict(&self) -> Verdict {
        match self.status() {
            Status::Successful => Verdict::Passed,
            Status::Failed => Verdict::Failed,
            Status::Error if self.broken.is_some() => Verdict::Misconfigured,
            Status::Running | Status::Inconclusive | Status::Error => Verdict::Undecided,
        }
    }

    /// Why it stands there, in one line.
    pub fn reason(&self) -> String {
        let Some(last) = self.measurements.last() else { return "not measured".to_owned() };
        let count = |phase| self.measurements.iter().filter(|one| one.phase == phase).count();
        let measured = self.measurements.len() - count(Phase::Error);
        let wanted = self.limits.count;
        match self.status() {
            Status::Successful => {
                let others = [(count(Phase::Failed), "failed"), (count(Phase::Inconclusive), "inconclusive")]
                    .into_iter()
                    .filter(|(count, _)| *count > 0)
                    .map(|(count, word)| format!(", {count} of {wanted} {word}"));
                format!("{}{}", last.reason, others.collect::<String>())
            }
            Status::Failed => match count(Phase::Failed) {
                1 => last.reason.clone(),
                failed => format!("{}; {failed} of {measured} measurements failed", last.reason),
            },
            Status::Inconclusive => match count(Phase::Inconclusive) {
                1 => last.reason.clone(),
                times => format!("{}; {times} of {measured} measurements were inconclusive", last.reason),
            },
            Status::Error if self.broken.is_some() => last.reason.clone(),
            Status::Error if self.limits.consecutive_error == 0 => last.reason.clone(),
            Status::Error => format!("{} times in a row: {}", self.limits.consecutive_error + 1, last.reason),
            Status::Running => format!("measured {measured} of {wanted} times, last: {}", last.reason),
        }
    }

    pub(crate) fn help(&self) -> Option<&str> {
        self.measurements.last()?.help.as_deref()
    }
}
