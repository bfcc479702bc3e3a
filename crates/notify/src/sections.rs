//! What notify reads of the configuration, and what must hold in it.

use indexmap::IndexMap;
use serde::Deserialize;
use sluice_config::{Channels, Components, Places, Route, Routes, Unread};
use sluice_core::{Problem, Problems, nearest};

use crate::{
    channels::{self, Channel},
    mention::Mention,
    quiet::Quiet,
};

/// The sections that notify reads.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Sections {
    /// Where messages can go.
    #[serde(default)]
    pub channels: Channels,
    /// Which message goes where.
    #[serde(default)]
    pub notify: Routes,
    /// What is deployed: which component an image is built from.
    #[serde(default)]
    pub components: Components,
    /// The names of the environments; what they hold is other actions' to read.
    #[serde(default)]
    pub environments: IndexMap<String, Unread>,
}

impl sluice_config::Sections for Sections {
    const NAMES: &'static [&'static str] = &["channels", "notify", "components", "environments"];

    /// A route that could not be followed is refused on every run: else the first to learn of it would be
    /// those who wait for the message about a failure.
    fn check(&self, places: &Places<'_>) -> Problems {
        let mut problems: Vec<Problem> = Vec::new();
        for problem in self.notify.iter().flat_map(|route| self.check_route(route, places)) {
            // Several routes may name the same channel.
            if !problems.contains(&problem) {
                problems.push(problem);
            }
        }
        Problems(problems)
    }
}

impl Sections {
    /// The channel that is called so.
    pub(crate) fn channel(&self, name: &str) -> Result<&dyn Channel, Problem> {
        match self.channels.get(name) {
            Some(channel) => channels::channel(channel),
            None => Err(unknown(
                "channel",
                name,
                self.channels.keys(),
                "declare it under `channels` in .github/sluice.yml",
            )),
        }
    }

    /// Refuses an environment that the configuration, where it names any, does not name: no route for it
    /// could ever fit, and nobody would be told.
    pub(crate) fn check_environment(&self, name: &str) -> Result<(), Problem> {
        if self.environments.is_empty() || self.environments.contains_key(name) {
            return Ok(());
        }
        Err(unknown(
            "environment",
            name,
            self.environments.keys(),
            "declare it under `environments` in .github/sluice.yml",
        ))
    }

    /// Whether a channel opens something that a recovery closes.
    pub(crate) fn holds_incidents(&self, name: &str) -> bool {
        use sluice_config::Channel::{Issue, PagerDuty};
        matches!(self.channels.get(name), Some(Issue(_) | PagerDuty(_)))
    }

    /// The component that is built into each image.
    pub(crate) fn component_of_images(&self) -> IndexMap<String, String> {
        let components = self.components.iter();
        let built = components.filter_map(|(name, component)| {
            Some((component.image.as_ref()?.value.name().to_owned(), name.value.clone()))
        });
        built.collect()
    }

    fn check_route(&self, route: &Route, places: &Places<'_>) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut check = |result: Result<(), Problem>, place| {
            problems.extend(result.err().map(|problem| problem.at(place)));
        };
        for name in &route.environments {
            check(self.check_environment(name), places.of(name));
        }
        for name in &route.channels {
            check(self.channel(name).map(drop), places.of(name));
        }
        if let Some(incident) = route.incident.as_ref().filter(|incident| incident.value) {
            let held = route.channels.iter().any(|name| self.holds_incidents(name.as_str()));
            check(if held { Ok(()) } else { Err(no_place_for_an_incident()) }, places.of(incident));
        }
        for name in &route.mention {
            let wrong =
                |why| Problem::misconfigured(format!("\"{}\" can't be mentioned", name.value)).why(why);
            check(name.value.parse::<Mention>().map(drop).map_err(wrong), places.of(name));
        }
        if let Some(hours) = &route.quiet_hours {
            problems.extend(Quiet::read(hours, |text| places.of(text)).err());
        }
        problems.extend(says_nothing(route, places));
        problems
    }
}

fn no_place_for_an_incident() -> Problem {
    Problem::misconfigured("no channel of the route can hold an incident")
        .why("an incident is opened by a failure and closed by a recovery: channels of kind `issue` and `pagerduty` do that")
        .help("name such a channel, or leave `incident` out")
}

/// A route without events or channels never tells anybody anything.
fn says_nothing(route: &Route, places: &Places<'_>) -> Option<Problem> {
    let (missing, place) = match (route.on.first(), route.channels.first()) {
        (Some(_), Some(_)) => return None,
        (None, Some(channel)) => ("event", Some(places.of(channel))),
        (Some(event), None) => ("channel", Some(places.of(event))),
        (None, None) => ("event and no channel", None),
    };
    let problem = Problem::misconfigured(format!("a route of `notify` names no {missing}"))
        .why("it would never tell anybody anything")
        .help("write for example `{on: [failure], channels: [deployments]}`, or leave the route out");
    Some(Problem { place, ..problem })
}

fn unknown<'a>(
    kind: &str,
    name: &str,
    known: impl Iterator<Item = &'a String> + Clone,
    otherwise: &str,
) -> Problem {
    let problem = Problem::misconfigured(format!("no {kind} is called \"{name}\""));
    let names: Vec<&str> = known.map(String::as_str).collect();
    let problem = if names.is_empty() {
        problem.why(format!("the configuration declares no {kind}"))
    } else {
        problem.why(format!("the configuration declares {}", names.join(", ")))
    };
    match nearest(name, names) {
        Some(meant) => problem.help(format!("did you mean \"{meant}\"?")),
        None => problem.help(otherwise),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use sluice_config::File;
    use sluice_core::Configuration as _;

    use super::*;

    const CHANNELS: &str = "version: 1
channels:
  deployments: {slack: {webhook: {env: SLACK_WEBHOOK_URL}}}
  audit: {webhook: {url: {env: AUDIT_URL}, key: {env: AUDIT_KEY}}}
  plain: {pagerduty: {routing-key: {env: PAGERDUTY_ROUTING_KEY}, url: \"http://pager.example\"}}
  tickets: {issue: {labels: [incident, deploy], assignees: [octocat]}}
  commit: {status: {}}
  records: {deployment: {}}
  security: {findings: {}}
environments: {dev: {gate: {whatever: 1}}, production: {}}
notify:
";

    /// A configuration with a channel of each kind and these routes, or what is wrong with it.
    pub(crate) fn file(routes: &str) -> Result<File<Sections>, String> {
        File::parse(format!("{CHANNELS}{routes}").as_bytes(), "sluice.yml").map_err(|problems| {
            let lines = problems.0.iter().map(|problem| {
                let place = problem.place.as_ref().map(ToString::to_string).unwrap_or_default();
                format!("{place}: {} ({})", problem.what, problem.help.as_deref().unwrap_or_default())
            });
            lines.collect::<Vec<_>>().join("\n")
        })
    }

    #[test]
    fn a_secret_that_is_written_down_is_refused_and_not_repeated() {
        let refused = |webhook: &str| {
            let text = format!("version: 1\nchannels:\n  team: {{slack: {{webhook: {webhook}}}}}\n");
            let problems = File::<Sections>::parse(text.as_bytes(), "sluice.yml").unwrap_err();
            format!("{}: {}", problems.0[0].place.as_ref().unwrap(), problems.0[0].what)
        };
        insta::assert_snapshot!(refused("https://hooks.example.com/sEcReT"), @"sluice.yml:3:27: a secret does not belong in this file: put it into a variable, and name that as in `{env: NAME}`");
        insta::assert_snapshot!(refused("{enf: SLACK}"), @r#"sluice.yml:3:28: unknown key "enf""#);
        insta::assert_snapshot!(refused("[SLACK]"), @"sluice.yml:3:27: expected the name of a variable, as in `{env: NAME}`, found a list");
    }

    #[test]
    fn a_route_that_could_not_be_followed_is_refused_with_its_place() {
        let wrong = [
            "  - {on: [failure], channels: [deploymnts]}\n",
            "  - {on: [failure], channels: [plain]}\n  - {on: [success], channels: [plain]}\n",
            "  - {on: [failure], environments: [prodution], channels: [audit]}\n",
            "  - {on: [failure], channels: [audit], incident: true}\n",
            "  - {on: [failed], channels: [audit]}\n",
            "  - {on: [], channels: [audit]}\n",
            "  - {on: [failure], channels: [audit], mention: [here, '<!channel>']}\n",
            "  - {on: [failure], channels: [audit], quiet-hours: {from: '22:00', until: '7', zone: UTC}}\n",
            "  - {on: [failure], channels: [audit], quiet-hours: {from: '22:00', until: '7:00', zone: Europe/Berln}}\n",
            "  - {on: [failure], channels: []}\n",
        ];
        let problems: Vec<String> = wrong.iter().map(|routes| file(routes).unwrap_err()).collect();
        insta::assert_snapshot!(problems.join("\n"), @r#"
sluice.yml:12:32: no channel is called "deploymnts" (did you mean "deployments"?)
sluice.yml:12:32: an address of a channel can't be used (write it as `https://host`)
sluice.yml:13:32: an address of a channel can't be used (write it as `https://host`)
sluice.yml:12:36: no environment is called "prodution" (did you mean "production"?)
sluice.yml:12:50: no channel of the route can hold an incident (name such a channel, or leave `incident` out)
sluice.yml:12:11: unknown value "failed", the known values are start, success, failure, rollback, recovery, pending, cancelled ()
sluice.yml:12:25: a route of `notify` names no event (write for example `{on: [failure], channels: [deployments]}`, or leave the route out)
sluice.yml:12:56: "<!channel>" can't be mentioned ()
sluice.yml:12:76: "7" is no time of day (write it as `22:00`)
sluice.yml:12:90: "Europe/Berln" is no time zone (did you mean "Europe/Berlin"?)
sluice.yml:12:11: a route of `notify` names no channel (write for example `{on: [failure], channels: [deployments]}`, or leave the route out)
"#);
        assert!(file("  - {on: [failure], channels: [audit], incident: false}\n").is_ok());
    }
}
