//! The texts of a window: `Fri 15:00`, `2026-12-20`, `2026-12-20 18:00`; and the instants that they mean
//! in a zone.

use std::{fmt, str::FromStr};

use jiff::{
    Timestamp,
    civil::{Date, DateTime, Time, Weekday},
    tz::{AmbiguousOffset, TimeZone},
};

/// When a window begins or ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moment {
    /// Every week.
    Weekly(Weekday, Time),
    /// Once. A date without a time is its first moment.
    Dated(DateTime),
}

const WEEKDAYS: [(&str, Weekday); 7] = [
    ("Mon", Weekday::Monday),
    ("Tue", Weekday::Tuesday),
    ("Wed", Weekday::Wednesday),
    ("Thu", Weekday::Thursday),
    ("Fri", Weekday::Friday),
    ("Sat", Weekday::Saturday),
    ("Sun", Weekday::Sunday),
];

/// The text is no moment.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NoMoment;

impl FromStr for Moment {
    type Err = NoMoment;

    fn from_str(text: &str) -> Result<Self, NoMoment> {
        let (day, time) = match text.split_once(' ') {
            Some((day, time)) => (day, Some(read::<Time>(time, "%H:%M")?)),
            None => (text, None),
        };
        match (WEEKDAYS.iter().find(|(name, _)| *name == day), time) {
            (Some((_, weekday)), Some(time)) => Ok(Self::Weekly(*weekday, time)),
            (Some(_), None) => Err(NoMoment),
            (None, time) => {
                let date: Date = read(day, "%Y-%m-%d")?;
                Ok(Self::Dated(date.to_datetime(time.unwrap_or_default())))
            }
        }
    }
}

/// Reads a date or a time that is written in exactly one way: jiff takes more of ISO 8601 than people
/// write here.
fn read<T: FromStr + Written>(text: &str, form: &str) -> Result<T, NoMoment> {
    let value: T = text.parse().map_err(|_| NoMoment)?;
    if value.written(form) == text { Ok(value) } else { Err(NoMoment) }
}

trait Written {
    fn written(&self, form: &str) -> String;
}

impl Written for Date {
    fn written(&self, form: &str) -> String {
        self.strftime(form).to_string()
    }
}

impl Written for Time {
    fn written(&self, form: &str) -> String {
        self.strftime(form).to_string()
    }
}

/// The first instant at which the wall shows this time or a later one.
pub(super) fn first_instant(zone: &TimeZone, wall: DateTime) -> Result<Timestamp, jiff::Error> {
    let ambiguous = zone.to_ambiguous_timestamp(wall);
    match ambiguous.offset() {
        AmbiguousOffset::Gap { .. } => skip(zone, wall),
        _ => ambiguous.earlier(),
    }
}

/// The last instant before which the wall shows an earlier time.
pub(super) fn last_instant(zone: &TimeZone, wall: DateTime) -> Result<Timestamp, jiff::Error> {
    let ambiguous = zone.to_ambiguous_timestamp(wall);
    match ambiguous.offset() {
        AmbiguousOffset::Gap { .. } => skip(zone, wall),
        _ => ambiguous.later(),
    }
}

/// The instant at which the wall jumps over this time.
fn skip(zone: &TimeZone, wall: DateTime) -> Result<Timestamp, jiff::Error> {
    // Reckoned with the offset from after the jump, a skipped time lies before it.
    let before = zone.to_ambiguous_timestamp(wall).earlier()?;
    match zone.following(before).next() {
        Some(jump) => Ok(jump.timestamp()),
        None => Ok(before),
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Weekly(weekday, time) => {
                let name = WEEKDAYS.iter().find(|(_, day)| day == weekday).map_or("", |(name, _)| name);
                write!(f, "{name} {}", time.strftime("%H:%M"))
            }
            Self::Dated(time) => write!(f, "{}", time.strftime("%Y-%m-%d %H:%M")),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_moment_is_written_in_one_way() {
        for text in
            ["Fri 15:00", "Mon 07:00", "Sun 00:00", "Sat 23:59", "2026-12-20 18:00", "2028-02-29 00:00"]
        {
            assert_eq!(text.parse::<Moment>().unwrap().to_string(), text);
        }
        assert_eq!("2026-12-20".parse::<Moment>().unwrap().to_string(), "2026-12-20 00:00");
    }

    #[test]
    fn what_is_no_moment_is_refused() {
        for text in [
            "",
            " ",
            "Fri",
            "15:00",
            "Friday 15:00",
            "fri 15:00",
            "FRI 15:00",
            "Fr 15:00",
            "Fri 24:00",
            "Fri 15:60",
            "Fri 15",
            "Fri 3pm",
            "Fri 7:00",
            "Fri 15:00:00",
            "Fri  15:00",
            " Fri 15:00",
            "Fri 15:00 ",
            "Fri 15:00 CET",
            "2026-12-20T18:00",
            "2026-12-20 18:00:00",
            "2026-12-20 18:00+01:00",
            "2026-02-29",
            "2026-13-01",
            "20261220",
            "2026-12-2",
            "26-12-20",
            "20.12.2026",
            "12/20/2026",
            "-002026-12-20",
            "+002026-12-20",
            "2026-W51",
            "2026-12-20[UTC]",
        ] {
            assert_eq!(text.parse::<Moment>(), Err(NoMoment), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics_and_what_parses_prints_as_written(text in "\\PC{0,20}|[MTWFS][a-z]{2} [0-9:]{0,6}|[0-9 :-]{0,18}") {
            if let Ok(moment) = text.parse::<Moment>() {
                let printed = moment.to_string();
                let is_as_written = printed == text || printed == format!("{text} 00:00");
                prop_assert!(is_as_written, "{text} is printed as {printed}");
            }
        }
    }
}
