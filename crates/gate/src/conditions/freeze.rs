//! `freeze`: nothing is deployed in a freeze window.
//!
//! A window is closed exactly at `from` and open exactly at `until`, in the civil time of its zone
//! (`window` turns that into instants). Where windows overlap or follow each other, the opening is
//! after all of them.
//!
//! Where the policy says how, a freeze can be broken: whoever starts the run gives a reason, and `approvals`
//! asks more people than usual. The reason stands in the record.

mod moment;
mod window;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use self::window::{Part, Window, WindowText, WrongWindow};
use crate::{Outcome, Policy, Question, State};

/// The windows in which nothing is deployed.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Freeze {
    /// The windows.
    pub windows: Vec<Window>,
    /// How many must approve what breaks a freeze; none when nothing may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub break_glass: Option<u32>,
}

/// What was given. Else nothing but the time is looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Facts {
    /// Why a freeze is to be broken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub break_glass: Option<String>,
}

impl Policy for Freeze {
    type Facts = Facts;

    fn judge(&self, facts: &Facts, question: &Question) -> Outcome {
        let outcome = match Status::at(question.now, &self.windows) {
            Ok(status) => Outcome::from(status),
            Err(error) => {
                return Outcome::new(
                    State::Undecided,
                    format!("could not reckon the freeze windows: {error}"),
                );
            }
        };
        match &facts.break_glass {
            Some(reason) if outcome.state == State::Rejected => self.broken(reason.trim(), outcome),
            _ => outcome,
        }
    }
}

impl Freeze {
    /// The answer when a freeze that is on is to be broken.
    fn broken(&self, reason: &str, closed: Outcome) -> Outcome {
        match self.break_glass {
            None => Outcome {
                evidence: [vec!["nothing may break it".to_owned()], closed.evidence].concat(),
                ..closed
            },
            Some(_) if reason.is_empty() => {
                Outcome::new(State::Rejected, "it is not said why the freeze is to be broken")
                    .help("give the reason")
            }
            Some(approvals) => Outcome::new(State::Approved, format!("the freeze is broken: {reason}"))
                .evidence([closed.reason])
                .evidence(closed.evidence)
                .evidence(closed.help)
                .evidence([format!("then {approvals} must approve")]),
        }
    }
}

/// Whether a freeze is on, and when that changes.
enum Status<'a> {
    Open {
        /// The next closing, and the window that closes.
        closes: Option<(Timestamp, &'a Window)>,
    },
    Closed {
        by: Vec<&'a Window>,
        /// The next opening, and the window that ends last; `None` when the windows leave no gap.
        opens: Option<(Timestamp, &'a Window)>,
    },
}

impl<'a> Status<'a> {
    fn at(now: Timestamp, windows: &'a [Window]) -> Result<Self, jiff::Error> {
        let mut by = Vec::new();
        for window in windows {
            if window.end_of_freeze(now)?.is_some() {
                by.push(window);
            }
        }
        if by.is_empty() {
            return Ok(Self::Open { closes: next_closing(now, windows)? });
        }
        Ok(Self::Closed { by, opens: next_opening(now, windows)? })
    }
}

fn next_closing(now: Timestamp, windows: &[Window]) -> Result<Option<(Timestamp, &Window)>, jiff::Error> {
    let mut next = None;
    for window in windows {
        for span in window.spans(now)? {
            if span.from > now && next.is_none_or(|(time, _)| span.from < time) {
                next = Some((span.from, window));
            }
        }
    }
    Ok(next)
}

/// The first time after `now` at which no window is closed.
fn next_opening(now: Timestamp, windows: &[Window]) -> Result<Option<(Timestamp, &Window)>, jiff::Error> {
    /// Weekly windows repeat: after some years of steps from window to window there is no gap.
    const STEPS: usize = 1_000;
    let mut time = now;
    let mut opening = None;
    for _ in 0..STEPS {
        let mut closed = None;
        for window in windows {
            if let Some(end) = window.end_of_freeze(time)? {
                closed = Some((end, window));
            }
        }
        let Some((end, _)) = closed else { return Ok(opening) };
        (time, opening) = (end, closed);
    }
    Ok(None)
}

impl From<Status<'_>> for Outcome {
    fn from(status: Status<'_>) -> Self {
        match status {
            Status::Open { closes: None } => Self::new(State::Approved, "no freeze is on"),
            Status::Open { closes: Some((time, window)) } => {
                Self::new(State::Approved, format!("open until {}", window.name(time)))
            }
            Status::Closed { by, opens } => {
                let mut closed = by.iter().map(|window| format!("closed from {window}"));
                let outcome = Self::new(State::Rejected, closed.next().unwrap_or_default());
                outcome.evidence(closed.map(|also| format!("also {also}"))).help(match opens {
                    Some((time, window)) => format!("opens {}", window.name(time)),
                    None => "never opens: the windows follow each other without a gap".to_owned(),
                })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::question::tests::question;

    fn freeze(windows: &[(&str, &str, &str)]) -> Freeze {
        let window = |(from, until, zone): &(&str, &str, &str)| WindowText {
            from: (*from).into(),
            until: (*until).into(),
            zone: (*zone).into(),
            reason: None,
        };
        Freeze {
            windows: windows.iter().map(|texts| window(texts).try_into().unwrap()).collect(),
            break_glass: None,
        }
    }

    fn ask(now: &str, windows: &[(&str, &str, &str)]) -> String {
        let outcome = freeze(windows).judge(&Facts::default(), &question(now));
        let answer = format!("{:?}: {}", outcome.state, outcome.reason);
        [answer].into_iter().chain(outcome.evidence).chain(outcome.help).collect::<Vec<_>>().join("; ")
    }

    const WEEKEND: (&str, &str, &str) = ("Fri 15:00", "Mon 07:00", "Europe/Berlin");

    #[test]
    fn a_weekend_is_closed_from_and_open_until_exactly() {
        insta::assert_snapshot!(ask("2026-11-20T14:59:59.999+01:00", &[WEEKEND]), @"Approved: open until Fri 2026-11-20 15:00 CET (Europe/Berlin)");
        insta::assert_snapshot!(ask("2026-11-20T15:00:00+01:00", &[WEEKEND]), @"Rejected: closed from Fri 15:00 until Mon 07:00 (Europe/Berlin); opens Mon 2026-11-23 07:00 CET (Europe/Berlin)");
        insta::assert_snapshot!(ask("2026-11-22T00:00:00+01:00", &[WEEKEND]), @"Rejected: closed from Fri 15:00 until Mon 07:00 (Europe/Berlin); opens Mon 2026-11-23 07:00 CET (Europe/Berlin)");
        insta::assert_snapshot!(ask("2026-11-23T06:59:59.999+01:00", &[WEEKEND]), @"Rejected: closed from Fri 15:00 until Mon 07:00 (Europe/Berlin); opens Mon 2026-11-23 07:00 CET (Europe/Berlin)");
        insta::assert_snapshot!(ask("2026-11-23T07:00:00+01:00", &[WEEKEND]), @"Approved: open until Fri 2026-11-27 15:00 CET (Europe/Berlin)");
    }

    /// On 29 March 2026 Berlin's clocks go from 02:00 to 03:00; on 25 October 2026 from 03:00 to 02:00.
    #[test]
    fn the_clock_on_the_wall_counts_on_both_sides_of_a_dst_change() {
        insta::assert_snapshot!(ask("2026-03-27T13:59:59Z", &[WEEKEND]), @"Approved: open until Fri 2026-03-27 15:00 CET (Europe/Berlin)");
        insta::assert_snapshot!(ask("2026-03-27T14:00:00Z", &[WEEKEND]), @"Rejected: closed from Fri 15:00 until Mon 07:00 (Europe/Berlin); opens Mon 2026-03-30 07:00 CEST (Europe/Berlin)");
        insta::assert_snapshot!(ask("2026-03-30T04:59:59Z", &[WEEKEND]), @"Rejected: closed from Fri 15:00 until Mon 07:00 (Europe/Berlin); opens Mon 2026-03-30 07:00 CEST (Europe/Berlin)");
        insta::assert_snapshot!(ask("2026-03-30T05:00:00Z", &[WEEKEND]), @"Approved: open until Fri 2026-04-03 15:00 CEST (Europe/Berlin)");
        insta::assert_snapshot!(ask("2026-10-23T12:59:59Z", &[WEEKEND]), @"Approved: open until Fri 2026-10-23 15:00 CEST (Europe/Berlin)");
        insta::assert_snapshot!(ask("2026-10-23T13:00:00Z", &[WEEKEND]), @"Rejected: closed from Fri 15:00 until Mon 07:00 (Europe/Berlin); opens Mon 2026-10-26 07:00 CET (Europe/Berlin)");
        insta::assert_snapshot!(ask("2026-10-26T05:59:59Z", &[WEEKEND]), @"Rejected: closed from Fri 15:00 until Mon 07:00 (Europe/Berlin); opens Mon 2026-10-26 07:00 CET (Europe/Berlin)");
        insta::assert_snapshot!(ask("2026-10-26T06:00:00Z", &[WEEKEND]), @"Approved: open until Fri 2026-10-30 15:00 CET (Europe/Berlin)");
    }

    /// 02:30 is skipped: the wall shows 03:00 right after 01:59:59.
    #[test]
    fn a_time_that_is_skipped_is_the_moment_of_the_skip() {
        let begins = ("Sun 02:30", "Sun 12:00", "Europe/Berlin");
        insta::assert_snapshot!(ask("2026-03-29T00:59:59Z", &[begins]), @"Approved: open until Sun 2026-03-29 03:00 CEST (Europe/Berlin)");
        insta::assert_snapshot!(ask("2026-03-29T01:00:00Z", &[begins]), @"Rejected: closed from Sun 02:30 until Sun 12:00 (Europe/Berlin); opens Sun 2026-03-29 12:00 CEST (Europe/Berlin)");
        let ends = ("Sat 12:00", "Sun 02:30", "Europe/Berlin");
        insta::assert_snapshot!(ask("2026-03-29T00:59:59Z", &[ends]), @"Rejected: closed from Sat 12:00 until Sun 02:30 (Europe/Berlin); opens Sun 2026-03-29 03:00 CEST (Europe/Berlin)");
        insta::assert_snapshot!(ask("2026-03-29T01:00:00Z", &[ends]), @"Approved: open until Sat 2026-04-04 12:00 CEST (Europe/Berlin)");
        let inside = ("Sun 02:10", "Sun 02:50", "Europe/Berlin");
        insta::assert_snapshot!(ask("2026-03-29T01:00:00Z", &[inside]), @"Approved: open until Sun 2026-04-05 02:10 CEST (Europe/Berlin)");
    }

    /// 02:30 comes twice, an hour apart: a freeze begins with the first and ends with the second.
    #[test]
    fn a_time_that_comes_twice_keeps_the_gate_closed_longer() {
        let begins = ("Sun 02:30", "Sun 12:00", "Europe/Berlin");
        insta::assert_snapshot!(ask("2026-10-25T00:29:59Z", &[begins]), @"Approved: open until Sun 2026-10-25 02:30 CEST (Europe/Berlin)");
        insta::assert_snapshot!(ask("2026-10-25T00:30:00Z", &[begins]), @"Rejected: closed from Sun 02:30 until Sun 12:00 (Europe/Berlin); opens Sun 2026-10-25 12:00 CET (Europe/Berlin)");
        insta::assert_snapshot!(ask("2026-10-25T01:10:00Z", &[begins]), @"Rejected: closed from Sun 02:30 until Sun 12:00 (Europe/Berlin); opens Sun 2026-10-25 12:00 CET (Europe/Berlin)");
        let ends = ("Sat 12:00", "Sun 02:30", "Europe/Berlin");
        insta::assert_snapshot!(ask("2026-10-25T00:30:00Z", &[ends]), @"Rejected: closed from Sat 12:00 until Sun 02:30 (Europe/Berlin); opens Sun 2026-10-25 02:30 CET (Europe/Berlin)");
        insta::assert_snapshot!(ask("2026-10-25T01:29:59Z", &[ends]), @"Rejected: closed from Sat 12:00 until Sun 02:30 (Europe/Berlin); opens Sun 2026-10-25 02:30 CET (Europe/Berlin)");
        insta::assert_snapshot!(ask("2026-10-25T01:30:00Z", &[ends]), @"Approved: open until Sat 2026-10-31 12:00 CET (Europe/Berlin)");
    }

    /// Samoa had no 30 December 2011: it crossed the date line.
    #[test]
    fn a_day_that_is_skipped_is_the_moment_of_the_skip() {
        let friday = ("Fri 08:00", "Sat 08:00", "Pacific/Apia");
        insta::assert_snapshot!(ask("2011-12-30T09:59:59Z", &[friday]), @"Approved: open until Sat 2011-12-31 00:00 +14 (Pacific/Apia)");
        insta::assert_snapshot!(ask("2011-12-30T10:00:00Z", &[friday]), @"Rejected: closed from Fri 08:00 until Sat 08:00 (Pacific/Apia); opens Sat 2011-12-31 08:00 +14 (Pacific/Apia)");
    }

    #[test]
    fn a_window_that_spans_the_end_of_the_week_and_nearly_all_of_it() {
        let all_but_an_hour = ("Wed 10:00", "Wed 09:00", "UTC");
        insta::assert_snapshot!(ask("2026-11-18T09:59:59Z", &[all_but_an_hour]), @"Approved: open until Wed 2026-11-18 10:00 UTC (UTC)");
        insta::assert_snapshot!(ask("2026-11-18T10:00:00Z", &[all_but_an_hour]), @"Rejected: closed from Wed 10:00 until Wed 09:00 (UTC); opens Wed 2026-11-25 09:00 UTC (UTC)");
        insta::assert_snapshot!(ask("2026-11-25T08:59:59Z", &[all_but_an_hour]), @"Rejected: closed from Wed 10:00 until Wed 09:00 (UTC); opens Wed 2026-11-25 09:00 UTC (UTC)");
        let same_day = ("Wed 09:00", "Wed 10:00", "UTC");
        insta::assert_snapshot!(ask("2026-11-18T10:00:00Z", &[same_day]), @"Approved: open until Wed 2026-11-25 09:00 UTC (UTC)");
    }

    #[test]
    fn dated_windows_are_closed_once() {
        let holidays = ("2026-12-20", "2027-01-03", "America/New_York");
        insta::assert_snapshot!(ask("2026-12-20T04:59:59Z", &[holidays]), @"Approved: open until Sun 2026-12-20 00:00 EST (America/New_York)");
        insta::assert_snapshot!(ask("2026-12-20T05:00:00Z", &[holidays]), @"Rejected: closed from 2026-12-20 00:00 until 2027-01-03 00:00 (America/New_York); opens Sun 2027-01-03 00:00 EST (America/New_York)");
        insta::assert_snapshot!(ask("2027-01-03T04:59:59Z", &[holidays]), @"Rejected: closed from 2026-12-20 00:00 until 2027-01-03 00:00 (America/New_York); opens Sun 2027-01-03 00:00 EST (America/New_York)");
        insta::assert_snapshot!(ask("2027-01-03T05:00:00Z", &[holidays]), @"Approved: no freeze is on");
        let evening = ("2026-12-20 18:00", "2026-12-20 20:30", "Asia/Kolkata");
        insta::assert_snapshot!(ask("2026-12-20T12:30:00Z", &[evening]), @"Rejected: closed from 2026-12-20 18:00 until 2026-12-20 20:30 (Asia/Kolkata); opens Sun 2026-12-20 20:30 IST (Asia/Kolkata)");
        insta::assert_snapshot!(ask("2026-12-20T15:00:00Z", &[evening]), @"Approved: no freeze is on");
    }

    #[test]
    fn the_opening_is_after_all_windows_that_overlap_or_meet() {
        let holidays = ("2026-12-19", "2027-01-01 12:00", "America/New_York");
        let monday = ("Mon 07:00", "Mon 09:30", "Asia/Kolkata");
        insta::assert_snapshot!(ask("2026-12-18T20:00:00Z", &[WEEKEND, holidays, monday]), @"Rejected: closed from Fri 15:00 until Mon 07:00 (Europe/Berlin); opens Mon 2027-01-04 07:00 CET (Europe/Berlin)");
        insta::assert_snapshot!(ask("2026-12-18T20:00:00Z", &[monday, holidays, WEEKEND]), @"Rejected: closed from Fri 15:00 until Mon 07:00 (Europe/Berlin); opens Mon 2027-01-04 07:00 CET (Europe/Berlin)");
        insta::assert_snapshot!(ask("2026-12-20T20:00:00Z", &[WEEKEND, holidays]), @"Rejected: closed from Fri 15:00 until Mon 07:00 (Europe/Berlin); also closed from 2026-12-19 00:00 until 2027-01-01 12:00 (America/New_York); opens Mon 2027-01-04 07:00 CET (Europe/Berlin)");
        insta::assert_snapshot!(ask("2026-11-21T12:00:00Z", &[WEEKEND, ("Mon 07:00", "Mon 08:00", "Europe/Berlin")]), @"Rejected: closed from Fri 15:00 until Mon 07:00 (Europe/Berlin); opens Mon 2026-11-23 08:00 CET (Europe/Berlin)");
    }

    #[test]
    fn the_closing_is_the_next_of_all_windows() {
        let (early, late) = (("Fri 12:00", "Fri 13:00", "UTC"), ("Fri 18:00", "Mon 07:00", "UTC"));
        for windows in [[early, late], [late, early]] {
            let told = ask("2026-11-18T12:00:00Z", &windows);
            assert_eq!(told, "Approved: open until Fri 2026-11-20 12:00 UTC (UTC)");
        }
        // Of two that close at once, the one that is written first is named.
        let there = ("Fri 13:00", "Fri 14:00", "Europe/Berlin");
        insta::assert_snapshot!(ask("2026-11-18T12:00:00Z", &[early, there]), @"Approved: open until Fri 2026-11-20 12:00 UTC (UTC)");
        insta::assert_snapshot!(ask("2026-11-18T12:00:00Z", &[there, early]), @"Approved: open until Fri 2026-11-20 13:00 CET (Europe/Berlin)");
    }

    #[test]
    fn windows_without_a_gap_never_open() {
        let week = [("Mon 00:00", "Thu 00:00", "UTC"), ("Thu 00:00", "Mon 00:00", "UTC")];
        insta::assert_snapshot!(ask("2026-11-21T12:00:00Z", &week), @"Rejected: closed from Thu 00:00 until Mon 00:00 (UTC); never opens: the windows follow each other without a gap");
    }

    /// What a gate answers in a freeze, and out of one, to who gives a reason to break it.
    fn broken(approvals: Option<u32>, reason: Option<&str>, now: &str) -> String {
        let policy = Freeze { break_glass: approvals, ..freeze(&[WEEKEND]) };
        let outcome = policy.judge(&Facts { break_glass: reason.map(str::to_owned) }, &question(now));
        let answer = format!("{:?}: {}", outcome.state, outcome.reason);
        [answer].into_iter().chain(outcome.evidence).chain(outcome.help).collect::<Vec<_>>().join("; ")
    }

    #[test]
    fn a_freeze_is_broken_with_a_reason_where_the_policy_says_how() {
        let (on, off) = ("2026-11-21T12:00:00Z", "2026-11-18T12:00:00Z");
        insta::assert_snapshot!(broken(Some(3), Some("checkout is down, INC-42"), on), @"Approved: the freeze is broken: checkout is down, INC-42; closed from Fri 15:00 until Mon 07:00 (Europe/Berlin); opens Mon 2026-11-23 07:00 CET (Europe/Berlin); then 3 must approve");
        insta::assert_snapshot!(broken(None, Some("checkout is down"), on), @"Rejected: closed from Fri 15:00 until Mon 07:00 (Europe/Berlin); nothing may break it; opens Mon 2026-11-23 07:00 CET (Europe/Berlin)");
        insta::assert_snapshot!(broken(Some(3), Some(" \n"), on), @"Rejected: it is not said why the freeze is to be broken; give the reason");
        insta::assert_snapshot!(broken(Some(3), None, on), @"Rejected: closed from Fri 15:00 until Mon 07:00 (Europe/Berlin); opens Mon 2026-11-23 07:00 CET (Europe/Berlin)");
        insta::assert_snapshot!(broken(Some(3), Some("checkout is down"), off), @"Approved: open until Fri 2026-11-20 15:00 CET (Europe/Berlin)");
        insta::assert_snapshot!(broken(None, Some("checkout is down"), off), @"Approved: open until Fri 2026-11-20 15:00 CET (Europe/Berlin)");
    }

    proptest! {
        /// Read off the wall: a weekly window is closed whenever the wall shows a time inside of it.
        #[test]
        fn a_weekly_window_agrees_with_the_clock_on_the_wall(
            seconds in 1_700_000_000_i64..2_000_000_000,
            from in 0_i64..7 * 24 * 60,
            length in 1_i64..7 * 24 * 60,
            zone in prop::sample::select(vec!["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Sao_Paulo", "Asia/Kathmandu", "UTC"]),
        ) {
            let text = |minute: i64| {
                let minute = minute % (7 * 24 * 60);
                let day = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"][usize::try_from(minute / (24 * 60)).unwrap()];
                format!("{day} {:02}:{:02}", minute / 60 % 24, minute % 60)
            };
            let now = Timestamp::from_second(seconds).unwrap();
            let Freeze { windows, .. } = freeze(&[(&text(from), &text(from + length), zone)]);
            let in_zone = |at: Timestamp| at.to_zoned(window::zone(zone).unwrap());
            let wall = in_zone(now);
            let minute = i64::from(wall.weekday().to_monday_zero_offset()) * 24 * 60
                + i64::from(wall.hour()) * 60
                + i64::from(wall.minute());
            let is_inside = (minute - from).rem_euclid(7 * 24 * 60) < length;
            let is_closed = matches!(Status::at(now, &windows).unwrap(), Status::Closed { .. });
            prop_assert!(is_closed || !is_inside, "open inside of the window");
            // Only where an hour comes twice, a freeze lasts longer than the wall shows.
            let offsets_differ = wall.offset() != in_zone(now - jiff::SignedDuration::from_hours(2)).offset()
                || wall.offset() != in_zone(now + jiff::SignedDuration::from_hours(2)).offset();
            prop_assert!(is_inside || !is_closed || offsets_differ, "closed outside of the window");
        }

        /// The opening that is told is one, and no moment before it is.
        #[test]
        fn the_opening_is_the_first(
            seconds in 1_760_000_000_i64..1_800_000_000,
            percent in 0_i64..100,
        ) {
            let windows = freeze(&[
                WEEKEND,
                ("Mon 06:00", "Mon 10:00", "America/New_York"),
                ("2026-03-25", "2026-04-02 10:00", "Europe/Berlin"),
            ]).windows;
            let now = Timestamp::from_second(seconds).unwrap();
            if let Status::Closed { opens, .. } = Status::at(now, &windows).unwrap() {
                let (opening, _) = opens.unwrap();
                let is_closed = |time| matches!(Status::at(time, &windows).unwrap(), Status::Closed { .. });
                prop_assert!(!is_closed(opening));
                let left = opening.as_second() - now.as_second();
                let between = Timestamp::from_second(now.as_second() + left * percent / 100).unwrap();
                prop_assert!(is_closed(between));
            }
        }
    }
}
