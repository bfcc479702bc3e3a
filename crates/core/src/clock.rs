//! The time of a run.

use std::time::Instant;

use jiff::Timestamp;

/// The time, from the moment at which it was told: it goes on as time passes, and never jumps.
///
/// The clock of a machine is set now and then, also while a run waits. What is signed, and what ends at a time, would jump
/// with it.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    told: Timestamp,
    at: Instant,
}

impl Clock {
    /// A clock that is told the time now.
    pub fn starting(now: Timestamp) -> Self {
        Self { told: now, at: Instant::now() }
    }

    /// The time.
    pub fn now(self) -> Timestamp {
        self.told.saturating_add(self.at.elapsed()).unwrap_or(self.told)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_clock_goes_on_from_what_it_was_told() {
        let at = Instant::now().checked_sub(Duration::from_secs(90)).unwrap();
        let now = Clock { told: Timestamp::UNIX_EPOCH, at }.now();
        assert!(now.as_second() >= 90, "{now}");
        // There is no time after the last one.
        assert_eq!(Clock { told: Timestamp::MAX, at }.now(), Timestamp::MAX);
    }
}
