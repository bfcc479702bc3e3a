//! What one judgement rests on: a policy, and what was seen.

use jiff::Timestamp;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use sluice_core::Problem;

use crate::{Outcome, Question, State};

/// What the configuration asks of one condition, and how that is judged.
pub trait Policy: Serialize + DeserializeOwned {
    /// What is looked at.
    type Facts: Serialize + DeserializeOwned;

    /// Whether the condition holds, with the reason.
    ///
    /// The same policy, facts and question always give the same outcome. What the facts do not tell is
    /// [`State::Undecided`], never a no.
    fn judge(&self, facts: &Self::Facts, question: &Question) -> Outcome;
}

/// A policy, and what was seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(bound = "")]
pub struct Case<P: Policy> {
    /// What is asked for.
    pub policy: P,
    /// What was seen.
    pub seen: Seen<P::Facts>,
}

/// What was seen, or why nothing was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Seen<F> {
    /// It was seen.
    Facts(Gathered<F>),
    /// It could not be seen.
    Obstacle(Obstacle),
}

/// Facts, and where they are from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gathered<F> {
    /// What was seen.
    pub facts: F,
    /// Where it was seen.
    pub sources: Vec<Source>,
}

/// Where something was seen, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// The address, or the path of a file from the repository's root.
    pub url: String,
    /// When it was read.
    pub at: Timestamp,
}

/// What kept facts from being had.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Obstacle {
    /// Whether it is the configuration's fault: else the answer is open.
    pub is_misconfigured: bool,
    /// Why, in one line.
    pub reason: String,
    /// What to do, in one line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
}

impl<P: Policy> Case<P> {
    /// The judgement.
    pub fn judge(&self, question: &Question) -> Outcome {
        match &self.seen {
            Seen::Facts(gathered) => self.policy.judge(&gathered.facts, question),
            Seen::Obstacle(obstacle) => obstacle.outcome(),
        }
    }
}

impl<F> Gathered<F> {
    /// Facts that were given, not looked up.
    pub fn given(facts: F) -> Self {
        Self { facts, sources: Vec::new() }
    }

    /// Facts that were read at these places.
    pub fn read(facts: F, sources: Vec<Source>) -> Self {
        Self { facts, sources }
    }
}

impl<F> From<Result<Gathered<F>, Problem>> for Seen<F> {
    fn from(result: Result<Gathered<F>, Problem>) -> Self {
        match result {
            Ok(gathered) => Self::Facts(gathered),
            Err(problem) => Self::Obstacle(problem.into()),
        }
    }
}

impl From<Problem> for Obstacle {
    fn from(problem: Problem) -> Self {
        Self {
            is_misconfigured: State::of(&problem) == State::Misconfigured,
            reason: match problem.why {
                Some(why) => format!("{}: {why}", problem.what),
                None => problem.what,
            },
            help: problem.help,
        }
    }
}

impl Obstacle {
    fn outcome(&self) -> Outcome {
        let state = if self.is_misconfigured { State::Misconfigured } else { State::Undecided };
        Outcome { state, reason: self.reason.clone(), evidence: Vec::new(), help: self.help.clone() }
    }
}

#[cfg(test)]
mod tests {
    use sluice_core::Verdict;

    use super::*;

    #[test]
    fn an_obstacle_is_neither_yes_nor_no() {
        let outcome = |verdict| {
            let mut problem = Problem::undecided("could not read").why("timeout").help("run again");
            problem.verdict = verdict;
            Obstacle::from(problem).outcome()
        };
        for verdict in [
            Verdict::Passed,
            Verdict::Skipped,
            Verdict::Pending,
            Verdict::Failed,
            Verdict::Undecided,
            Verdict::Broken,
        ] {
            assert_eq!(outcome(verdict).state, State::Undecided, "{verdict}");
        }
        let outcome = outcome(Verdict::Misconfigured);
        assert_eq!(outcome, Outcome::new(State::Misconfigured, "could not read: timeout").help("run again"));
    }
}
