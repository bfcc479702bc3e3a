//! `soak`: the same image has run in another environment for long enough, with success.
//!
//! What counts is the digest, the environment by its name, and the time since the Deployment was told to be
//! a success, until it was replaced. Time is GitHub's: the runner's own clock may be wrong.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sluice_core::{Period, Problem};

use crate::{Deployment, Outcome, Policy, Question, State};

/// Where, and how long.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Soak {
    /// The environment.
    pub environment: String,
    /// How long.
    #[serde(rename = "for")]
    pub time: Period,
}

/// What was seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// Deployments of ours to any environment.
    pub deployments: Vec<Deployment>,
    /// The time on GitHub's clock.
    pub clock: Timestamp,
}

impl Soak {
    /// What is wrong with the rule, whatever the world is like.
    pub fn check(&self, goes_to: &str) -> Result<(), Problem> {
        if self.time.0.is_zero() {
            return Err(
                Problem::misconfigured("the soak asks for no time").help("say how long, as `for: 2h`")
            );
        }
        if self.environment == goes_to {
            return Err(Problem::misconfigured("the soak is in the environment that the gate is for")
                .why("nothing could ever go there for the first time")
                .help("name the environment before it"));
        }
        Ok(())
    }
}

impl Policy for Soak {
    type Facts = Facts;

    fn judge(&self, facts: &Facts, question: &Question) -> Outcome {
        let Some(digest) = question.digest.as_deref() else {
            return Outcome::new(State::Undecided, "the image's digest is not known");
        };
        let environment = &self.environment;
        // The earlier of two clocks: neither may be ahead.
        let now = facts.clock.min(question.now);
        let there: Vec<&Deployment> =
            facts.deployments.iter().filter(|deployment| deployment.environment == *environment).collect();
        let Some(newest) = there
            .iter()
            .filter(|deployment| deployment.payload.digest == digest)
            .max_by_key(|deployment| (deployment.at, deployment.id))
        else {
            return Outcome::new(State::Pending, format!("was never deployed to {environment}"))
                .help(format!("deploy this very image to {environment} first"));
        };
        let named = format!("deployment {} to {environment}", newest.id);
        if newest.failed() {
            return Outcome::new(State::Rejected, format!("failed in {environment}"))
                .evidence([named])
                .help("see why, and deploy what is mended");
        }
        let Some(stay) = newest.stay() else {
            return Outcome::new(State::Pending, format!("is not yet a success in {environment}"))
                .evidence([named]);
        };
        let replaced = there
            .iter()
            .filter(|other| other.payload.component == newest.payload.component)
            .filter(|other| other.payload.digest != digest)
            .filter_map(|other| Some(other.stay()?.from))
            .filter(|from| *from >= stay.from)
            .min();
        let until = [Some(now), stay.until, replaced].into_iter().flatten().min().unwrap_or(now);
        let needed = SignedDuration::try_from(self.time.0).unwrap_or(SignedDuration::MAX);
        let stayed = until.duration_since(stay.from);
        let evidence = [named, format!("a success since {}", stay.from)];
        if stayed >= needed {
            let reason = format!("ran in {environment} for {} ({} needed)", told(stayed), self.time);
            return Outcome::new(State::Approved, reason).evidence(evidence);
        }
        if until < now {
            let reason =
                format!("was replaced in {environment} after {} ({} needed)", told(stayed), self.time);
            return Outcome::new(State::Rejected, reason)
                .evidence(evidence)
                .help(format!("deploy it to {environment} again, or what replaced it to here"));
        }
        let outcome = Outcome::new(
            State::Pending,
            format!("has run in {environment} for {} ({} needed)", told(stayed), self.time),
        );
        let outcome = outcome.evidence(evidence);
        match stay.from.checked_add(needed) {
            Ok(time) => outcome.help(format!("run the gate again at {time}")),
            Err(_) => outcome,
        }
    }
}

/// A time as people say it, in whole minutes. One that lies ahead is none.
fn told(time: SignedDuration) -> String {
    Period(std::time::Duration::from_mins(u64::try_from(time.as_mins()).unwrap_or(0))).to_string()
}
