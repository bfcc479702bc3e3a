//! The sections of the configuration that a rollout reads.

use serde::Deserialize;
use sluice_config::{Components, Environments, Places};
use sluice_core::{Problem, Problems, nearest};

use crate::reference::Reference;

/// The sections that a rollout reads.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Sections {
    /// What runs which component, and in which order.
    #[serde(default)]
    pub components: Components,
    /// Which cluster is which environment's.
    #[serde(default)]
    pub environments: Environments,
}

impl sluice_config::Sections for Sections {
    const NAMES: &'static [&'static str] = &["components", "environments"];

    fn check(&self, places: &Places<'_>) -> Problems {
        let names = || self.components.keys().map(|name| name.value.as_str());
        let unknown = self.components.values().flat_map(|component| &component.needs).filter_map(|need| {
            if names().any(|name| name == need.value) {
                return None;
            }
            let problem = Problem::misconfigured(format!("no component is called \"{}\"", need.value));
            let problem = problem.at(places.of(need));
            Some(match nearest(&need.value, names()) {
                Some(meant) => problem.help(format!("did you mean \"{meant}\"?")),
                None => problem.help("declare it below `components`"),
            })
        });
        let workloads = self.components.values().flat_map(|component| &component.workloads);
        let malformed = workloads.filter_map(|workload| {
            let problem = workload.value.parse::<Reference>().err()?;
            Some(problem.at(places.of(workload)))
        });
        Problems(unknown.chain(malformed).collect())
    }
}
