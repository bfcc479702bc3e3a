//! `quota`: not more is deployed in a time than agreed.
//!
//! Every Deployment of ours to the environment counts, however it ended: it was a change.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sluice_core::{Period, Problem};

use crate::{Deployment, Outcome, Policy, Question, State};

/// How often may be deployed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quota {
    /// At most so many.
    pub deployments: u32,
    /// In this time.
    pub per: Period,
}

/// What was seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// Deployments of ours to the environment.
    pub deployments: Vec<Deployment>,
    /// The time on GitHub's clock.
    pub clock: Timestamp,
}

impl Quota {
    /// What is wrong with the rule, whatever the world is like.
    pub fn check(&self) -> Result<(), Problem> {
        if self.deployments == 0 || self.per.0.is_zero() {
            return Err(Problem::misconfigured("the quota lets nothing through, or everything")
                .help("say how many in which time, as `deployments: 5` and `per: 24h`"));
        }
        Ok(())
    }
}

impl Policy for Quota {
    type Facts = Facts;

    fn judge(&self, facts: &Facts, question: &Question) -> Outcome {
        if let Err(problem) = self.check() {
            return Outcome::new(State::Misconfigured, problem.what);
        }
        let window = SignedDuration::try_from(self.per.0).unwrap_or(SignedDuration::MAX);
        // Of two clocks the one that lets more of the past count: neither may be ahead.
        let now = facts.clock.min(question.now);
        let begin = now.checked_sub(window).unwrap_or(Timestamp::MIN);
        let mut times: Vec<Timestamp> = facts
            .deployments
            .iter()
            .filter(|deployment| deployment.environment == question.environment && deployment.at > begin)
            .map(|deployment| deployment.at)
            .collect();
        times.sort();
        let limit = self.deployments as usize;
        let deployments = if times.len() == 1 { "deployment" } else { "deployments" };
        let reason = format!("{} {deployments} in {} ({limit} allowed)", times.len(), self.per);
        if times.len() < limit {
            return Outcome::new(State::Approved, reason);
        }
        // So many of the oldest must leave the window that one more fits in.
        let opens = times.get(times.len() - limit).and_then(|time| time.checked_add(window).ok());
        let outcome = Outcome::new(State::Rejected, reason);
        match opens {
            Some(time) => outcome.help(format!("opens at {time}")),
            None => outcome,
        }
    }
}
