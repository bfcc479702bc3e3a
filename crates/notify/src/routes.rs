//! Which channels a story is told to.

use std::collections::HashSet;

use sluice_config::{Event, File, Placed, Route};
use sluice_core::Problem;

use crate::{inputs::name_of, sections::Sections};

/// The channels of every route that fits, each once, in the order of the file.
///
/// A route for certain environments can't be held against an unknown one: to pass over it could leave
/// untold what it is there for.
pub(crate) fn channels<'a>(
    config: &'a File<Sections>,
    event: Event,
    environment: Option<&str>,
) -> Result<Vec<&'a str>, Problem> {
    let mut fitting = Vec::new();
    for route in config.sections.notify.iter().filter(|route| is_on(route, event)) {
        match (route.environments.first(), environment) {
            (None, _) => fitting.push(route),
            (Some(_), Some(name)) => {
                fitting.extend(route.environments.iter().any(|each| each.value == name).then_some(route));
            }
            (Some(first), None) => {
                return Err(Problem::misconfigured(format!(
                    "whether a route for {} fits can't be told: the environment is not known",
                    name_of(event)
                ))
                .why("neither the input `environment` nor a report names one, and the route is for certain ones")
                .help("give the input `environment`")
                .at(config.place_of(first)));
            }
        }
    }
    Ok(each_once(fitting.into_iter().flat_map(|route| &route.channels)))
}

fn is_on(route: &Route, event: Event) -> bool {
    route.on.iter().any(|each| each.value == event)
}

fn each_once<'a>(names: impl Iterator<Item = &'a Placed<String>>) -> Vec<&'a str> {
    let mut seen = HashSet::new();
    names.map(|name| name.as_str()).filter(|name| seen.insert(*name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sections::tests::file;

    #[test]
    fn a_story_goes_to_every_route_that_fits_and_to_a_channel_once() {
        let file = file(
            "  - {on: [failure, success], channels: [audit]}
  - {on: [failure], environments: [production], channels: [deployments, audit]}\n",
        )
        .unwrap();
        let told = |event, environment| channels(&file, event, environment).unwrap();
        assert_eq!(told(Event::Failure, Some("production")), ["audit", "deployments"]);
        assert_eq!(told(Event::Failure, Some("dev")), ["audit"]);
        assert_eq!(told(Event::Success, None), ["audit"]);
        assert!(told(Event::Pending, Some("production")).is_empty());
    }

    #[test]
    fn a_route_is_not_passed_over_because_the_environment_is_unknown() {
        let file =
            file("  - {on: [failure], environments: [production], channels: [deployments]}\n").unwrap();
        let problem = channels(&file, Event::Failure, None).unwrap_err();
        assert_eq!(problem.place.unwrap().to_string(), "sluice.yml:8:36");
        assert!(channels(&file, Event::Success, None).unwrap().is_empty());
    }
}
