//! The policy: the gates of the environments, as `.github/sluice.yml` holds them.

use serde::Deserialize;
use sluice_config::{Environments, File, Gate, Places, Sections};
use sluice_core::{Place, Problem, Problems, nearest};

use crate::conditions;

/// The part of the configuration that the gate reads.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Policy {
    /// The environments, with their gates.
    #[serde(default)]
    pub environments: Environments<Gate>,
}

impl Sections for Policy {
    const NAMES: &'static [&'static str] = &["environments"];

    fn check(&self, places: &Places<'_>) -> Problems {
        let gates = self.environments.values().filter_map(|environment| environment.gate.as_ref());
        Problems(gates.flat_map(|gate| conditions::check(gate, places)).collect())
    }
}

/// The branch that may be deployed to an environment.
pub(crate) fn source_branch<'a>(config: &'a File<Policy>, environment: &str) -> Option<&'a str> {
    config.sections.environments.get(environment)?.source_branch.as_ref().map(|branch| branch.value.as_str())
}

/// The cluster of an environment.
pub(crate) fn cluster<'a>(config: &'a File<Policy>, environment: &str) -> Option<&'a sluice_config::Cluster> {
    config.sections.environments.get(environment)?.cluster.as_ref()
}

/// The gate of an environment.
pub(crate) fn gate<'a>(config: &'a File<Policy>, name: &str) -> Result<&'a Gate, Problem> {
    let environments = &config.sections.environments;
    let problem = |what: String| Problem::misconfigured(what).at(Place::file(&config.name));
    let Some(environment) = environments.get(name) else {
        let known: Vec<&str> = environments.keys().map(String::as_str).collect();
        let problem = problem(format!("no environment is called \"{name}\""));
        return Err(match (nearest(name, known.iter().copied()), known.is_empty()) {
            (_, true) => problem.why("the configuration names no environment").help(
                "name it under `environments`, with its `gate`; does the job check the repository out?",
            ),
            (Some(meant), _) => problem
                .why(format!("there are {}", known.join(", ")))
                .help(format!("did you mean \"{meant}\"?")),
            (None, _) => problem.why(format!("there are {}", known.join(", "))),
        });
    };
    environment.gate.as_ref().ok_or_else(|| {
        problem(format!("the environment \"{name}\" has no gate"))
            .why("a gate without a condition would let everything through")
            .help(format!("write its conditions under `environments.{name}.gate`"))
    })
}

#[cfg(test)]
mod tests {
    use sluice_core::Configuration as _;

    use super::*;

    fn read(text: &str) -> Result<File<Policy>, Problems> {
        File::parse(text.as_bytes(), "sluice.yml")
    }

    fn refused(text: &str, name: &str) -> Problem {
        gate(&read(text).unwrap(), name).unwrap_err()
    }

    const ENVIRONMENTS: &str = "version: 1\nenvironments: {dev: {}, production: {gate: {confirm: YES}}}\n";

    #[test]
    fn a_typo_in_the_environment_names_the_nearest() {
        let problem = refused(ENVIRONMENTS, "prodution");
        assert_eq!(problem.help.as_deref(), Some("did you mean \"production\"?"));
        assert_eq!(problem.why.as_deref(), Some("there are dev, production"));
        assert_eq!(refused(ENVIRONMENTS, "qa").help, None);
    }

    #[test]
    fn what_has_no_gate_is_never_let_through() {
        assert_eq!(refused(ENVIRONMENTS, "dev").what, "the environment \"dev\" has no gate");
        assert_eq!(
            refused("version: 1\nenvironments: {dev: {gate: }}\n", "dev").what,
            "the environment \"dev\" has no gate"
        );
        assert_eq!(refused("version: 1\n", "dev").why.unwrap(), "the configuration names no environment");
        assert!(gate(&File::absent(), "dev").is_err());
    }

    #[test]
    fn every_gate_is_checked_with_places() {
        let problems = read(
            "version: 1
environments:
  dev:
    gate:
      freeze:
        - {from: Fri, until: Mon 07:00, zone: Europe/Berln}
  production:
    gate:
      confirm: ''
      reports:
        - path: 'reports/*.sarif'
",
        )
        .unwrap_err();
        let lines: Vec<String> = problems
            .0
            .iter()
            .map(|problem| {
                format!(
                    "{}: {problem} ({})",
                    problem.place.as_ref().unwrap(),
                    problem.help.as_deref().unwrap_or_default()
                )
            })
            .collect();
        insta::assert_snapshot!(lines.join("\n"), @r##"
sluice.yml:6:47: "Europe/Berln" is no time zone (did you mean "Europe/Berlin"?)
sluice.yml:9:16: the phrase to confirm with is empty (write what must be typed, as `DEPLOY TO PRODUCTION`)
sluice.yml:11:11: the reports have no limit (say how many findings there may be, as `critical: 0`; for tests `failures: 0`)
"##);
    }

    #[test]
    fn a_freeze_is_broken_by_more_people_than_usual() {
        let check = |break_glass: &str, approvals: &str, freeze: &str| {
            let text = format!(
                "version: 1\nenvironments:\n  dev:\n    gate:\n      confirm: YES\n      break-glass: {break_glass}\n{approvals}{freeze}"
            );
            match read(&text) {
                Ok(_) => "fine".to_owned(),
                Err(problems) => {
                    let problem = &problems.0[0];
                    format!("{}: {problem}", problem.place.as_ref().unwrap())
                }
            }
        };
        let freeze = "      freeze: [{from: Fri 15:00, until: Mon 07:00, zone: UTC}]\n";
        let approvals = "      approvals: {count: 2, users: [octocat, hubot, monalisa]}\n";
        assert_eq!(check("{approvals: 3}", approvals, freeze), "fine");
        insta::assert_snapshot!(check("{approvals: 2}", approvals, freeze), @"sluice.yml:6:32: a freeze is broken with no more approvals than usual");
        insta::assert_snapshot!(check("{approvals: 4}", approvals, freeze), @"sluice.yml:6:32: the approvals can never be had");
        insta::assert_snapshot!(check("{approvals: 3}", "", freeze), @"sluice.yml:6:32: nobody is asked for the approvals that break a freeze");
        insta::assert_snapshot!(check("{approvals: 3}", approvals, ""), @"sluice.yml:6:32: there is no freeze to break");
        insta::assert_snapshot!(check("{}", approvals, freeze), @r##"sluice.yml:6:20: missing key "approvals""##);
    }

    #[test]
    fn a_condition_of_a_newer_version_is_refused() {
        let problems = read("version: 1\nenvironments: {dev: {gate: {frezze: []}}}\n").unwrap_err();
        assert_eq!(problems.0[0].help.as_deref(), Some("did you mean \"freeze\"?"));
    }
}
