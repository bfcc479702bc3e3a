//! How the keys of a gate become conditions, and how each gets its facts: one file each.

mod confirm;
mod freeze;
mod not_evaluated;
mod reports;

use sluice_config::{File, Gate, Places};
use sluice_core::{Place, Problem};
use sluice_gate::{confirm::Confirm, not_evaluated::NotEvaluated};

use crate::{Evaluate, Policy, condition::Condition};

/// The conditions of a gate. A gate without any is misconfigured.
pub(crate) fn of(gate: &Gate, inputs: &Evaluate, config: &File<Policy>) -> Result<Vec<Condition>, Problem> {
    // Each key by name, without `..`: a key that is added to the gate and not here does not compile.
    let Gate {
        confirm,
        source,
        approvals,
        checks,
        image,
        findings,
        reports,
        freeze,
        soak,
        cluster,
        quota,
        record: _,
    } = gate;
    let mut conditions: Vec<Condition> = Vec::new();
    if let Some(phrase) = confirm {
        let policy = Confirm { phrase: phrase.value.clone() };
        let gatherer = confirm::Gatherer { policy, typed: inputs.confirm.clone() };
        conditions.push(Condition::new(config.place_of(phrase), gatherer));
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
    let not_evaluated = [
        ("source", source.as_ref().map(|key| config.place_of(key))),
        ("approvals", approvals.as_ref().map(|key| config.place_of(key))),
        ("checks", checks.as_ref().map(|key| config.place_of(key))),
        ("image", image.as_ref().map(|key| config.place_of(key))),
        ("findings", findings.as_ref().map(|key| config.place_of(key))),
        ("soak", soak.as_ref().map(|key| config.place_of(key))),
        ("cluster", cluster.as_ref().map(|key| config.place_of(key))),
        ("quota", quota.as_ref().map(|key| config.place_of(key))),
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
    confirm.chain(reports).chain(freeze).collect()
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
        let gate = crate::policy::gate(&config, "production")?;
        let conditions = of(gate, &inputs, &config)?;
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
        for key in [
            "source: {signed: true}",
            "approvals: {count: 1, users: [octocat]}",
            "checks: {required: true}",
            "image: {exists: true}",
            "findings: {critical: 0}",
            "soak: {environment: dev, for: 2h}",
            "cluster: {healthy: true}",
            "quota: {deployments: 5, per: 24h}",
        ] {
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
