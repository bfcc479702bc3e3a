//! Which channels a story is told to, whom it mentions there, and what is held back.

use indexmap::IndexMap;
use jiff::Timestamp;
use sluice_config::{Event, File, Route};
use sluice_core::{Problem, Verdict};

use crate::{inputs::name_of, mention::Mention, quiet::Quiet, sections::Sections};

/// A channel that routes lead to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) mentions: Vec<Mention>,
    /// Why it is not told now; nothing when it is.
    pub(crate) held: Option<String>,
}

/// What there is to tell, as far as routes look at it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct What<'a> {
    pub(crate) event: Event,
    pub(crate) verdict: Verdict,
    pub(crate) environment: Option<&'a str>,
}

/// The channels of every route that fits, each once, in the order of the file. One that any route does not hold back
/// is told.
///
/// A route for certain environments can't be held against an unknown one: to pass over it could leave
/// untold what it is there for.
pub(crate) fn channels<'a>(
    config: &'a File<Sections>,
    what: What<'_>,
    now: Timestamp,
) -> Result<IndexMap<&'a str, Told>, Problem> {
    let mut told: IndexMap<&str, Told> = IndexMap::new();
    for route in &config.sections.notify {
        let channels = channels_of(route, what.event, &config.sections);
        if channels.is_empty() || !fits(route, what, config)? {
            continue;
        }
        let quiet = route.quiet_hours.as_ref();
        let held = quiet.map(|hours| {
            let read = Quiet::read(hours, |text| config.place_of(text))?;
            Ok::<_, Problem>(read.holds(hours, what.event, what.verdict, now))
        });
        let held = held.transpose()?.flatten();
        let mentions = || route.mention.iter().filter_map(|name| name.value.parse::<Mention>().ok());
        for name in channels {
            let is_new = !told.contains_key(name);
            let one = told.entry(name).or_default();
            one.held = if is_new { held.clone() } else { one.held.take().and(held.clone()) };
            for mention in mentions() {
                if held.is_none() && !one.mentions.contains(&mention) {
                    one.mentions.push(mention);
                }
            }
        }
    }
    Ok(told)
}

/// The channels that a route leads an event to: all of them, where it is for the event; of a route with incidents
/// those that close them, where the event does. A recovery is a success, too.
fn channels_of<'a>(route: &'a Route, event: Event, sections: &Sections) -> Vec<&'a str> {
    let is_on = |event: Event| route.on.iter().any(|each| each.value == event);
    let all = route.channels.iter().map(|name| name.as_str());
    if is_on(event) || event == Event::Recovery && is_on(Event::Success) {
        return all.collect();
    }
    let is_incident = route.incident.as_ref().is_some_and(|incident| incident.value);
    if is_incident && matches!(event, Event::Success | Event::Recovery) {
        return all.filter(|name| sections.holds_incidents(name)).collect();
    }
    Vec::new()
}

fn fits(route: &Route, what: What<'_>, config: &File<Sections>) -> Result<bool, Problem> {
    match (route.environments.first(), what.environment) {
        (None, _) => Ok(true),
        (Some(_), Some(name)) => Ok(route.environments.iter().any(|each| each.value == name)),
        (Some(first), None) => Err(Problem::misconfigured(format!(
            "whether a route for {} fits can't be told: the environment is not known",
            name_of(what.event)
        ))
        .why("neither the input `environment` nor a report names one, and the route is for certain ones")
        .help("give the input `environment`")
        .at(config.place_of(first))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sections::tests::file;

    fn names<'a>(
        file: &'a File<Sections>,
        event: Event,
        environment: Option<&str>,
    ) -> Result<Vec<&'a str>, Problem> {
        let what = What { event, verdict: Verdict::Failed, environment };
        channels(file, what, Timestamp::UNIX_EPOCH).map(|told| told.into_keys().collect())
    }

    #[test]
    fn a_route_with_incidents_leads_what_closes_them_to_those_who_hold_them() {
        let file = file("  - {on: [failure], channels: [audit, tickets], incident: true}\n").unwrap();
        let told = |event| names(&file, event, None).unwrap();
        assert_eq!(told(Event::Failure), ["audit", "tickets"]);
        assert_eq!(told(Event::Success), ["tickets"]);
        assert_eq!(told(Event::Recovery), ["tickets"]);
        assert!(told(Event::Start).is_empty());
    }

    #[test]
    fn a_recovery_is_a_success_and_mentions_are_those_of_the_routes() {
        let file = file(
            "  - {on: [success], channels: [audit], mention: [here, octocat]}
  - {on: [recovery], channels: [audit], mention: [octocat, hubot]}\n",
        )
        .unwrap();
        let what = What { event: Event::Recovery, verdict: Verdict::Passed, environment: None };
        let told = channels(&file, what, Timestamp::UNIX_EPOCH).unwrap();
        let mentions: Vec<_> = told["audit"].mentions.iter().map(Mention::as_str).collect();
        assert_eq!(mentions, ["here", "octocat", "hubot"]);
    }

    #[test]
    fn a_channel_is_held_back_only_where_every_route_to_it_is_quiet() {
        let quiet = "quiet-hours: {from: '0:00', until: '6:00', zone: UTC}";
        let told = |routes: &str| {
            let file = file(routes).unwrap();
            let what = What { event: Event::Success, verdict: Verdict::Passed, environment: None };
            channels(&file, what, Timestamp::UNIX_EPOCH).unwrap()["audit"].held.clone()
        };
        let one = format!("  - {{on: [success], channels: [audit], {quiet}}}\n");
        assert_eq!(told(&one).unwrap(), "held back: quiet hours are 0:00 to 6:00 UTC");
        let other = "  - {on: [success], channels: [audit]}\n";
        assert_eq!(told(&format!("{one}{other}")), None);
        assert_eq!(told(&format!("{other}{one}")), None);
    }

    #[test]
    fn a_story_goes_to_every_route_that_fits_and_to_a_channel_once() {
        let file = file(
            "  - {on: [failure, success], channels: [audit]}
  - {on: [failure], environments: [production], channels: [deployments, audit]}\n",
        )
        .unwrap();
        let told = |event, environment| names(&file, event, environment).unwrap();
        assert_eq!(told(Event::Failure, Some("production")), ["audit", "deployments"]);
        assert_eq!(told(Event::Failure, Some("dev")), ["audit"]);
        assert_eq!(told(Event::Success, None), ["audit"]);
        assert!(told(Event::Pending, Some("production")).is_empty());
    }

    #[test]
    fn a_route_is_not_passed_over_because_the_environment_is_unknown() {
        let file =
            file("  - {on: [failure], environments: [production], channels: [deployments]}\n").unwrap();
        let problem = names(&file, Event::Failure, None).unwrap_err();
        assert_eq!(problem.place.unwrap().to_string(), "sluice.yml:12:36");
        assert!(names(&file, Event::Success, None).unwrap().is_empty());
    }
}
