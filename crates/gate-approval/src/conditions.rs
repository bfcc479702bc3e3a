//! How the keys of a gate become conditions, and how each gets its facts: one file each.

mod approvals;
mod checks;
mod confirm;
mod freeze;
mod not_evaluated;
mod quota;
mod reports;
mod soak;
mod source;
pub(crate) mod unchanged;

use sluice_config::{File, Gate, Places};
use sluice_core::{Place, Problem, nearest};
use sluice_gate::{
    approvals::Approvals,
    checks::{Checks, Named},
    confirm::Confirm,
    not_evaluated::NotEvaluated,
    quota::Quota,
    soak::Soak,
    source::Source,
};

use crate::{Evaluate, Policy, condition::Condition, policy};

/// The conditions of a gate. A gate without any is misconfigured.
///
/// `branch` is the one that is deployed from.
pub(crate) fn of(
    gate: &Gate,
    inputs: &Evaluate,
    branch: Option<&str>,
    config: &File<Policy>,
) -> Result<Vec<Condition>, Problem> {
    // Each key by name, without `..`: a key that is added to the gate and not here does not compile.
    let Gate { confirm, source, approvals, checks, image, findings, reports, freeze, soak, cluster, quota } =
        gate;
    let mut conditions: Vec<Condition> = Vec::new();
    if let Some(phrase) = confirm {
        let policy = Confirm { phrase: phrase.value.clone() };
        let gatherer = confirm::Gatherer { policy, typed: inputs.confirm.clone() };
        conditions.push(Condition::new(config.place_of(phrase), gatherer));
    }
    if let Some(rule) = source {
        let policy = source_policy(rule, policy::source_branch(config, &inputs.environment));
        let place = config.place_of(rule);
        policy.check().map_err(|problem| problem.at(place.clone()))?;
        conditions.push(Condition::new(place, source::Gatherer(policy)));
    }
    if let Some(rule) = approvals {
        let gatherer = approvals::Gatherer { policy: approvals_policy(rule), has_issue: rule.issue };
        conditions.push(Condition::new(config.place_of(rule), gatherer));
    }
    if let Some(rule) = checks {
        let branch = branch.map(str::to_owned);
        let gatherer = checks::Gatherer { policy: checks_policy(rule), branch };
        conditions.push(Condition::new(config.place_of(rule), gatherer));
    }
    for rule in reports {
        let place = config.place_of(rule);
        let gatherer = reports::Gatherer::new(rule, place.clone(), |text| config.place_of(text))?;
        conditions.push(Condition::new(place, gatherer));
    }
    if let Some(first) = freeze.first() {
        let gatherer = freeze::Gatherer::new(freeze, |text| config.place_of(text))?;
        conditions.push(Condition::new(config.place_of(first), gatherer));
    }
    if let Some(rule) = soak {
        let policy = soak_policy(rule);
        let place = config.place_of(rule);
        policy.check(&inputs.environment).map_err(|problem| problem.at(place.clone()))?;
        conditions.push(Condition::new(place, soak::Gatherer(policy)));
    }
    if let Some(rule) = quota {
        conditions.push(Condition::new(config.place_of(rule), quota::Gatherer(quota_policy(rule))));
    }
    let not_evaluated = [
        ("image", image.as_ref().map(|key| config.place_of(key))),
        ("findings", findings.as_ref().map(|key| config.place_of(key))),
        ("cluster", cluster.as_ref().map(|key| config.place_of(key))),
    ];
    for (name, place) in not_evaluated {
        if let Some(place) = place {
            let gatherer = not_evaluated::Gatherer(NotEvaluated { key: name.to_owned() });
            conditions.push(Condition::new(place, gatherer));
        }
    }
    if conditions.is_empty() {
        return Err(Problem::misconfigured(format!(
            "the gate of the environment \"{}\" has no condition",
            inputs.environment
        ))
        .why("a gate without a condition would let everything through")
        .help(format!("write its conditions under `environments.{}.gate`", inputs.environment))
        .at(Place::file(&config.name)));
    }
    Ok(conditions)
}

/// What is wrong with the texts of a gate: times, zones, globs, phrases, thresholds.
pub(crate) fn check(gate: &Gate, places: &Places<'_>) -> Vec<Problem> {
    let confirm = gate.confirm.iter().filter_map(|phrase| {
        let problem = Confirm { phrase: phrase.value.clone() }.check().err()?;
        Some(problem.at(places.of(phrase)))
    });
    let reports = gate
        .reports
        .iter()
        .filter_map(|rule| reports::Gatherer::new(rule, places.of(rule), |text| places.of(text)).err());
    let freeze = gate.freeze.iter().filter_map(|window| freeze::window(window, |text| places.of(text)).err());
    let approvals = gate.approvals.iter().filter_map(|rule| {
        let problem = approvals_policy(rule).check().err()?;
        Some(problem.at(places.of(rule)))
    });
    let checks = gate.checks.iter().filter_map(|rule| {
        let problem = checks_policy(rule).check().err().or_else(|| unknown_app(rule))?;
        Some(problem.at(places.of(rule)))
    });
    let quota = gate.quota.iter().filter_map(|rule| {
        let problem = quota_policy(rule).check().err()?;
        Some(problem.at(places.of(rule)))
    });
    confirm.chain(approvals).chain(checks).chain(reports).chain(freeze).chain(quota).collect()
}

fn source_policy(rule: &sluice_config::Source, branch: Option<&str>) -> Source {
    let sluice_config::Source { merged_from, signed } = rule;
    Source { branch: branch.map(str::to_owned), merged_from: merged_from.clone(), signed: *signed }
}

fn approvals_policy(rule: &sluice_config::Approvals) -> Approvals {
    let sluice_config::Approvals { count, users, teams, allow, issue: _ } = rule;
    Approvals { count: *count, users: users.clone(), teams: teams.clone(), allow: allow.clone() }
}

fn checks_policy(rule: &sluice_config::Checks) -> Checks {
    let sluice_config::Checks { required, names, apps, skipped, neutral } = rule;
    let named = |name: &String| Named { name: name.clone(), app: apps.get(name).cloned() };
    Checks {
        required: *required,
        names: names.iter().map(named).collect(),
        skipped: *skipped,
        neutral: *neutral,
    }
}

/// An app that is named for a check that is not.
fn unknown_app(rule: &sluice_config::Checks) -> Option<Problem> {
    let name = rule.apps.keys().find(|name| !rule.names.contains(name))?;
    let problem = Problem::misconfigured(format!("`apps` names the check \"{name}\", and `names` does not"));
    Some(match nearest(name, rule.names.iter().map(String::as_str)) {
        Some(meant) => problem.help(format!("did you mean \"{meant}\"?")),
        None => problem.help("name it under `names`, too: the rules of a branch pin their checks themselves"),
    })
}

fn soak_policy(rule: &sluice_config::Soak) -> Soak {
    let sluice_config::Soak { environment, time } = rule;
    Soak { environment: environment.clone(), time: *time }
}

fn quota_policy(rule: &sluice_config::Quota) -> Quota {
    let sluice_config::Quota { deployments, per } = rule;
    Quota { deployments: *deployments, per: *per }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use sluice_core::Configuration as _;

    use super::*;
    use crate::{State, condition::Answer};
    use sluice_gate::decide;

    fn answers(gate: &str) -> Result<Vec<Answer>, Problem> {
        let text = format!("version: 1\nenvironments:\n  production:\n    gate: {gate}\n");
        let config = File::<Policy>::parse(text.as_bytes(), "sluice.yml").unwrap();
        let inputs =
            Evaluate { environment: "production".into(), confirm: Some("YES".into()), ..Evaluate::default() };
        let gate = policy::gate(&config, "production")?;
        let conditions = of(gate, &inputs, None, &config)?;
        Ok(crate::condition::tests::answers(&conditions, Path::new("/nowhere")))
    }

    #[test]
    fn a_gate_without_a_condition_is_misconfigured() {
        for gate in ["{}", "{reports: [], freeze: []}"] {
            let problem = answers(gate).unwrap_err();
            assert_eq!(problem.what, "the gate of the environment \"production\" has no condition");
            assert_eq!(State::of(&problem), State::Misconfigured);
        }
    }

    #[test]
    fn a_key_that_is_not_evaluated_closes_the_gate_and_the_others_are_still_asked() {
        for key in ["image: {exists: true}", "findings: {critical: 0}", "cluster: {healthy: true}"] {
            let answers = answers(&format!("{{confirm: YES, {key}}}")).unwrap();
            let [confirm, other] = answers.as_slice() else { panic!("{answers:?}") };
            assert_eq!(confirm.outcome.state, State::Approved, "{key}");
            assert_eq!(other.outcome.state, State::Misconfigured, "{key}");
            assert!(key.starts_with(other.condition.name()), "{key}");
            assert_eq!(other.place.line, Some(4), "{key}");
            assert_eq!(other.outcome.reason, "not evaluated by this version of gate-approval");
            assert_eq!(decide(answers.iter().map(|answer| answer.outcome.state)), State::Misconfigured);
        }
    }

    #[test]
    fn every_condition_is_asked_and_told_with_its_place() {
        let answers = answers(
            "\n      confirm: NO\n      reports:\n        - {path: 'a/*.sarif', critical: 0}\n        - {path: 'b/*.sarif', high: 1}\n      freeze:\n        - {from: Fri 15:00, until: Mon 07:00, zone: Europe/Berlin}",
        )
        .unwrap();
        let told: Vec<_> = answers
            .iter()
            .map(|answer| (answer.condition.name(), answer.outcome.state, answer.place.to_string()))
            .collect();
        assert_eq!(
            told,
            [
                ("confirm", State::Rejected, "sluice.yml:5:16".into()),
                ("reports", State::Undecided, "sluice.yml:7:11".into()),
                ("reports", State::Undecided, "sluice.yml:8:11".into()),
                ("freeze", State::Approved, "sluice.yml:10:11".into()),
            ]
        );
    }
}
