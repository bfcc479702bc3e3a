//! Judgements weighed over time.

use std::{collections::HashMap, time::Duration};

use jiff::Timestamp;

use super::{Judgement, Steady, Trouble};

/// What judgements so far amount to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It is done, and has stayed so for as long as it must.
    Done,
    /// Look again when something changes, or after this time.
    Wait(Duration),
    /// It will not be done: for these reasons, never empty.
    Failed(Vec<Trouble>),
}

/// How long a workload has been as it is. One for each workload.
#[derive(Clone, Debug)]
pub struct Patience {
    stable_for: Duration,
    done: Option<(Timestamp, Vec<Steady>)>,
    troubles: HashMap<(String, String), Timestamp>,
    /// How often it was done and then was not.
    relapses: u32,
}

impl Patience {
    /// What is done must stay so for this long.
    pub fn new(stable_for: Duration) -> Self {
        Self { stable_for, done: None, troubles: HashMap::new(), relapses: 0 }
    }

    /// How often it was done and then was not: its pods become ready and unready again.
    pub fn relapses(&self) -> u32 {
        self.relapses
    }

    /// Takes one more judgement into account.
    pub fn weigh(&mut self, judgement: &Judgement, now: Timestamp) -> Decision {
        if judgement.is_done() {
            self.troubles.clear();
            return self.stay(&judgement.steady, now);
        }
        if self.done.take().is_some() {
            self.relapses += 1;
        }
        self.outlast(&judgement.troubles, now)
    }

    fn stay(&mut self, steady: &[Steady], now: Timestamp) -> Decision {
        let since = match &self.done {
            Some((since, before)) if before == steady => *since,
            before => {
                // A pod that was away between two looks was away.
                self.relapses += u32::from(before.is_some());
                self.done = Some((now, steady.to_vec()));
                now
            }
        };
        match self.stable_for.checked_sub(elapsed(since, now)).filter(|left| !left.is_zero()) {
            None => Decision::Done,
            Some(left) => Decision::Wait(left),
        }
    }

    /// Takes one more look at what is wrong into account: whether any of it has lasted for longer than it may.
    pub fn outlast(&mut self, troubles: &[Trouble], now: Timestamp) -> Decision {
        let key = |trouble: &Trouble| (trouble.object.clone(), cause(trouble).to_owned());
        self.troubles.retain(|known, _| troubles.iter().any(|trouble| key(trouble) == *known));
        let mut next = LOOK_AGAIN;
        let mut over = Vec::new();
        for trouble in troubles {
            let since = *self.troubles.entry(key(trouble)).or_insert(now);
            let Some(patience) = trouble.patience else { continue };
            match patience.checked_sub(elapsed(since, now)).filter(|left| !left.is_zero()) {
                None => over.push(trouble.clone()),
                Some(left) => next = next.min(left),
            }
        }
        if over.is_empty() { Decision::Wait(next) } else { Decision::Failed(over) }
    }
}

/// What a trouble comes of: a pull that fails and the wait for the next are one.
fn cause(trouble: &Trouble) -> &str {
    match trouble.reason.as_str() {
        "ErrImagePull" | "RegistryUnavailable" | "ImagePullBackOff" => "ImagePullBackOff",
        reason => reason,
    }
}

/// A watch tells what changes; this is for what only time changes.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

fn elapsed(since: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(now.duration_since(since)).unwrap_or_default()
}
