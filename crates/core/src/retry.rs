//! When to try again: pure arithmetic over what a caller knows.
//!
//! A [`Policy`] is asked after each try that failed. It is given the number of tries, a random number, what the
//! server asked for, and the time left; it answers [`Decision::Wait`] or [`Decision::GiveUp`]. It never sleeps, reads
//! no clock and draws no number, so each answer can be tested and told again.
//!
//! Delays grow exponentially and are drawn with *full jitter*: anywhere between nothing and the grown delay. Of the
//! variants that AWS measured it caused the least work for the server, and unlike decorrelated jitter it needs no
//! memory of the delay before:
//! <https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/>.

use std::num::NonZeroU32;
use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::strtime::BrokenDownTime;
use jiff::tz::TimeZone;

/// How long to wait between tries, and when to stop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// The longest delay after the first try.
    pub first: Duration,
    /// How much longer each next delay may be.
    pub factor: u32,
    /// No delay of our own is longer. What a server asks for may be.
    pub cap: Duration,
    /// How a delay is drawn.
    pub jitter: Jitter,
    /// The most tries, the first included. `None`: as many as fit before the deadline.
    pub attempts: Option<NonZeroU32>,
}

/// How a delay is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Jitter {
    /// Anywhere between nothing and the whole delay: many callers that failed together come back apart.
    Full,
    /// The whole delay, for a lone caller that polls.
    None,
}

/// What to do after a try that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Try again after this long.
    Wait(Duration),
    /// Let the last outcome stand.
    GiveUp(GiveUp),
}

/// Why no further try is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum GiveUp {
    /// All tries that the policy allows were made.
    #[error("gave up after {0} tries")]
    Attempts(u32),
    /// The next try would begin at or after the deadline.
    #[error("gave up: the next try was due in {wait:?}, but only {remaining:?} are left until the deadline")]
    Deadline {
        /// The wait that was due.
        wait: Duration,
        /// The time that was left.
        remaining: Duration,
    },
}

impl Default for Policy {
    /// Half a second, doubling up to 30 s, full jitter, at most 5 tries.
    fn default() -> Self {
        Self {
            first: Duration::from_millis(500),
            factor: 2,
            cap: Duration::from_secs(30),
            jitter: Jitter::Full,
            attempts: NonZeroU32::new(5),
        }
    }
}

impl Policy {
    /// Decides what follows the try number `tries` (1 for the first).
    ///
    /// `random` lies in `[0, 1)`. `asked` is the wait that the server asked for: the delay is added to it, so that
    /// nobody comes back early and those who were told the same second do not come back as one. `remaining` is the
    /// time until the deadline: a wait that would reach it is not begun.
    pub fn decide(&self, tries: u32, random: f64, asked: Option<Duration>, remaining: Duration) -> Decision {
        if self.attempts.is_some_and(|most| tries >= most.get()) {
            return Decision::GiveUp(GiveUp::Attempts(tries));
        }
        let delay = self.delay(tries, random);
        let wait = match asked {
            // The part of our own is cut where only it would miss the deadline.
            Some(asked) => asked.saturating_add(delay.min(remaining.saturating_sub(asked) / 2)),
            None => delay,
        };
        if wait < remaining {
            Decision::Wait(wait)
        } else {
            Decision::GiveUp(GiveUp::Deadline { wait, remaining })
        }
    }

    fn delay(&self, tries: u32, random: f64) -> Duration {
        let growth = self.factor.saturating_pow(tries.saturating_sub(1));
        let longest = self.first.saturating_mul(growth).min(self.cap);
        match self.jitter {
            Jitter::None => longest,
            // A number outside [0, 1) costs the whole delay at most.
            Jitter::Full => Duration::try_from_secs_f64(longest.as_secs_f64() * random)
                .map_or(longest, |drawn| drawn.min(longest)),
        }
    }
}

/// Reads a `Retry-After` header: seconds, or a date (RFC 9110, section 10.2.3).
///
/// `now` is best the `Date` header of the same response, for then the two clocks need not agree; without it a date
/// says nothing. A date that has passed means no wait. `None` when the value is neither.
///
/// <https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3>
pub fn retry_after(value: &str, now: Option<Timestamp>) -> Option<Duration> {
    let value = value.trim_matches([' ', '\t']);
    if value.is_empty() {
        return None;
    }
    if value.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(Duration::from_secs(value.parse().unwrap_or(u64::MAX)));
    }
    Some(until(http_date(value)?, now?))
}

/// Reads the moment at which a rate limit is reset, in seconds since 1970, as the time until then.
///
/// GitHub's `X-RateLimit-Reset`:
/// <https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api#checking-the-status-of-your-rate-limit>.
pub fn rate_limit_reset(value: &str, now: Timestamp) -> Option<Duration> {
    let reset = Timestamp::from_second(value.parse().ok()?).ok()?;
    Some(until(reset, now))
}

/// Reads the one date format that HTTP lets a sender write, IMF-fixdate: `Sun, 06 Nov 1994 08:49:37 GMT`.
///
/// <https://www.rfc-editor.org/rfc/rfc9110#section-5.6.7>
pub fn http_date(value: &str) -> Option<Timestamp> {
    let date = BrokenDownTime::parse("%a, %d %b %Y %H:%M:%S GMT", value).ok()?.to_datetime().ok()?;
    Some(date.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

fn until(moment: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(moment.duration_since(now)).unwrap_or(Duration::ZERO)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FAR: Duration = Duration::from_hours(1);

    fn policy() -> Policy {
        Policy {
            first: Duration::from_secs(1),
            factor: 2,
            cap: Duration::from_secs(10),
            jitter: Jitter::None,
            attempts: None,
        }
    }

    fn wait(seconds: u64) -> Decision {
        Decision::Wait(Duration::from_secs(seconds))
    }

    #[test]
    fn delays_double_up_to_the_cap() {
        let delays: Vec<_> = (1..=6).map(|tries| policy().decide(tries, 0.5, None, FAR)).collect();
        assert_eq!(delays, [wait(1), wait(2), wait(4), wait(8), wait(10), wait(10)]);
    }

    #[test]
    fn full_jitter_draws_from_the_whole_delay() {
        let policy = Policy { jitter: Jitter::Full, ..policy() };
        assert_eq!(policy.decide(3, 0.0, None, FAR), wait(0));
        assert_eq!(policy.decide(3, 0.5, None, FAR), wait(2));
    }

    #[test]
    fn the_last_try_is_not_followed_by_another() {
        let policy = Policy { attempts: NonZeroU32::new(3), ..policy() };
        assert_eq!(policy.decide(2, 0.0, None, FAR), wait(2));
        assert_eq!(policy.decide(3, 0.0, None, FAR), Decision::GiveUp(GiveUp::Attempts(3)));
    }

    #[test]
    fn what_the_server_asks_is_waited_for_even_past_the_cap() {
        assert_eq!(policy().decide(1, 0.0, Some(Duration::from_mins(1)), FAR), wait(61));
    }

    #[test]
    fn a_wait_that_reaches_the_deadline_is_not_begun() {
        let second = Duration::from_secs(1);
        let reason = GiveUp::Deadline { wait: second, remaining: second };
        assert_eq!(policy().decide(1, 0.0, None, second), Decision::GiveUp(reason));
        assert_eq!(
            reason.to_string(),
            "gave up: the next try was due in 1s, but only 1s are left until the deadline"
        );
    }

    #[test]
    fn the_delay_of_our_own_does_not_cost_the_try_that_the_server_allows() {
        let decision = policy().decide(4, 0.0, Some(Duration::from_secs(10)), Duration::from_secs(12));
        assert_eq!(decision, wait(11));
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = http_date("Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(now, Some(Timestamp::constant(784_111_777, 0)));
        let cases = [
            ("120", Some(120)),
            (" 0 ", Some(0)),
            ("Sun, 06 Nov 1994 08:50:37 GMT", Some(60)),
            ("Sun, 06 Nov 1994 08:40:00 GMT", Some(0)),
            ("99999999999999999999999", Some(u64::MAX)),
            ("", None),
            ("-1", None),
            ("1.5", None),
            ("soon", None),
            ("Mon, 06 Nov 1994 08:50:37 GMT", None),
            ("Sun, 06 Nov 1994 08:50:37 CET", None),
            ("Sun, 06 Nov 1994 08:50:37 GMT+1", None),
        ];
        for (value, seconds) in cases {
            assert_eq!(retry_after(value, now), seconds.map(Duration::from_secs), "{value:?}");
        }
        assert_eq!(retry_after("Sun, 06 Nov 1994 08:50:37 GMT", None), None);
        assert_eq!(retry_after("7", None), Some(Duration::from_secs(7)));
    }

    #[test]
    fn a_rate_limit_reset_is_a_moment() {
        let now = Timestamp::constant(1_000, 0);
        assert_eq!(rate_limit_reset("1060", now), Some(Duration::from_mins(1)));
        assert_eq!(rate_limit_reset("900", now), Some(Duration::ZERO));
        assert_eq!(rate_limit_reset("99999999999999", now), None);
        assert_eq!(rate_limit_reset("later", now), None);
    }

    fn any_policy() -> impl Strategy<Value = Policy> {
        let jitter = prop_oneof![Just(Jitter::Full), Just(Jitter::None)];
        (any::<Duration>(), any::<u32>(), any::<Duration>(), jitter, any::<u32>()).prop_map(
            |(first, factor, cap, jitter, attempts)| Policy {
                first,
                factor,
                cap,
                jitter,
                attempts: NonZeroU32::new(attempts),
            },
        )
    }

    proptest! {
        #[test]
        fn never_waits_to_the_deadline_nor_less_than_asked(
            policy in any_policy(),
            tries in any::<u32>(),
            random in any::<f64>(),
            asked in any::<Option<Duration>>(),
            remaining in any::<Duration>(),
        ) {
            if let Decision::Wait(wait) = policy.decide(tries, random, asked, remaining) {
                prop_assert!(wait < remaining);
                prop_assert!(wait >= asked.unwrap_or_default());
                prop_assert!(wait <= asked.unwrap_or_default().saturating_add(policy.cap));
                prop_assert!(policy.attempts.is_none_or(|most| tries < most.get()));
            }
        }

        #[test]
        fn any_wait_asked_for_that_ends_before_the_deadline_is_granted(
            random in 0.0..1.0,
            asked in any::<Duration>(),
            spare in 1..u64::MAX,
        ) {
            let policy = Policy { attempts: None, ..Policy::default() };
            let remaining = asked.saturating_add(Duration::from_nanos(spare));
            prop_assume!(remaining > asked);
            prop_assert!(matches!(policy.decide(1, random, Some(asked), remaining), Decision::Wait(_)));
        }

        #[test]
        fn a_date_is_read_as_it_was_written(second in 0_i64..4_102_444_800) {
            let moment = Timestamp::from_second(second).unwrap();
            let written = moment.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
            prop_assert_eq!(http_date(&written), Some(moment));
        }

        #[test]
        fn no_header_value_panics(value in any::<String>(), now in any::<i32>()) {
            let now = Timestamp::from_second(i64::from(now)).unwrap();
            let _ = (retry_after(&value, Some(now)), rate_limit_reset(&value, now));
        }
    }
}
