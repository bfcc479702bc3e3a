//! What a condition is, and what it answers.

use std::path::Path;

use jiff::Timestamp;
use sluice_core::{Place, Problem};

use crate::State;

/// One thing that must hold before a change goes to an environment.
pub(crate) trait Condition {
    /// Its key in the gate.
    fn name(&self) -> &'static str;

    /// Where it stands in the configuration.
    fn place(&self) -> &Place;

    /// Whether it holds, with the reason. What can't be found out is [`State::Undecided`], never a no.
    fn evaluate(&self, world: &World<'_>) -> Outcome;
}

/// What conditions may look at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct World<'a> {
    /// The time of the evaluation: one for all conditions.
    pub(crate) now: Timestamp,
    /// The repository's root.
    pub(crate) root: &'a Path,
}

/// What a condition found out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) state: State,
    /// Why, in one line.
    pub(crate) reason: String,
    /// What was seen, a line each.
    pub(crate) evidence: Vec<String>,
    /// What to do, in one line.
    pub(crate) help: Option<String>,
}

impl Outcome {
    pub(crate) fn new(state: State, reason: impl Into<String>) -> Self {
        Self { state, reason: reason.into(), evidence: Vec::new(), help: None }
    }

    pub(crate) fn evidence(mut self, lines: impl IntoIterator<Item = String>) -> Self {
        self.evidence.extend(lines);
        self
    }

    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// What kept a condition from its answer.
impl From<Problem> for Outcome {
    fn from(problem: Problem) -> Self {
        let state = State::of(&problem);
        let reason = match problem.why {
            Some(why) => format!("{}: {why}", problem.what),
            None => problem.what,
        };
        Self { state, reason, evidence: Vec::new(), help: problem.help }
    }
}

/// The outcome of a condition, with the condition's name and place.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) name: &'static str,
    pub(crate) place: Place,
    pub(crate) outcome: Outcome,
}

impl Answer {
    pub(crate) fn of(condition: &dyn Condition, world: &World<'_>) -> Self {
        Self { name: condition.name(), place: condition.place().clone(), outcome: condition.evaluate(world) }
    }
}
