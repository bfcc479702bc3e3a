//! How long a check may go on failing, and when it is tried again.

use std::time::Duration;

use sluice_core::retry::{Decision, GiveUp, Jitter, Policy};

/// The patience of a check when nobody says otherwise: what a new version takes to start, and a pod to be replaced.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Often enough to see a service come up, seldom enough to let it.
const POLICY: Policy = Policy {
    first: Duration::from_millis(500),
    factor: 2,
    cap: Duration::from_secs(5),
    jitter: Jitter::Full,
    attempts: None,
};

/// How long to wait for the next try; `None` when there is none.
///
/// `elapsed` is the time since the first try began, `asked` what the server asked for in `Retry-After`, `random` lies in
/// `[0, 1)`. Where a wait would pass the end of the patience, one last try is made at that end: what comes up in the
/// last seconds has come up in time.
pub(crate) fn wait(
    patience: Duration,
    elapsed: Duration,
    tries: u32,
    asked: Option<Duration>,
    random: f64,
) -> Option<Duration> {
    let remaining = patience.checked_sub(elapsed).filter(|remaining| !remaining.is_zero())?;
    match POLICY.decide(tries, random, asked, remaining) {
        Decision::Wait(wait) => Some(wait),
        Decision::GiveUp(GiveUp::Deadline { .. }) => Some(remaining),
        Decision::GiveUp(GiveUp::Attempts(_)) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn waits_grow_and_the_last_one_ends_with_the_patience() {
        let mut elapsed = Duration::ZERO;
        let mut waits = Vec::new();
        let mut tries = 1;
        while let Some(wait) = wait(seconds(20), elapsed, tries, None, 0.999_999) {
            waits.push(wait.as_secs_f64().round());
            elapsed += wait;
            tries += 1;
        }
        assert_eq!(waits, [0.0, 1.0, 2.0, 4.0, 5.0, 5.0, 3.0]);
        assert_eq!(elapsed, seconds(20));
    }

    #[test]
    fn no_patience_is_one_try() {
        assert_eq!(wait(Duration::ZERO, Duration::ZERO, 1, None, 0.5), None);
        assert_eq!(wait(seconds(5), seconds(6), 1, None, 0.5), None);
    }

    #[test]
    fn what_the_server_asks_for_is_waited_for_up_to_the_end() {
        assert_eq!(wait(seconds(30), seconds(1), 1, Some(seconds(10)), 0.0), Some(seconds(10)));
        assert_eq!(wait(seconds(30), seconds(1), 1, Some(seconds(600)), 0.0), Some(seconds(29)));
    }
}
