//! How the keys of a gate become conditions, and how each gets its facts: one file each.

mod approvals;
mod checks;
mod cluster;
mod confirm;
mod findings;
mod freeze;
mod image;
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
    let Gate {
        confirm,
        source,
        approvals,
        checks,
        image,
        findings,
        reports,
        freeze,
        break_glass,
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
    if let Some(rule) = source {
        let policy = source_policy(rule, policy::source_branch(config, &inputs.environment));
        let place = config.place_of(rule);
        policy.check().map_err(|problem| problem.at(place.clone()))?;
        conditions.push(Condition::new(place, source::Gatherer(policy)));
    }
    if let Some(rule) = approvals {
        let mut policy = approvals_policy(rule);
        if let (Some(break_glass), Some(_)) = (break_glass, &inputs.break_glass) {
            policy.count = policy.count.max(break_glass.approvals.value);
        }
        let gatherer = approvals::Gatherer { policy, has_issue: rule.issue };
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
        let break_glass = break_glass.as_ref().map(|break_glass| break_glass.approvals.value);
        let reason = inputs.break_glass.as_deref();
        let gatherer = freeze::Gatherer::new(freeze, break_glass, reason, |text| config.place_of(text))?;
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
    if let Some(rule) = image {
        conditions.push(Condition::new(config.place_of(rule), image::Gatherer(image::policy(rule))));
    }
    if let Some(rule) = findings {
        let policy = findings::policy(rule, |text| config.place_of(text))?;
        conditions.push(Condition::new(config.place_of(rule), findings::Gatherer(policy)));
    }
    if let Some(rule) = cluster {
        let place = config.place_of(rule);
        let of = policy::cluster(config, &inputs.environment);
        let gatherer = cluster::Gatherer::new(rule, of, &inputs.environment, |text| config.place_of(text));
        let gatherer = gatherer
            .map_err(|problem| Problem { place: problem.place.clone().or(Some(place.clone())), ..problem })?;
        conditions.push(Condition::new(place, gatherer));
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
    let break_glass = gate.break_glass.iter().filter_map(|rule| {
        let problem = check_break_glass(rule, gate).err()?;
        Some(problem.at(places.of(&rule.approvals)))
    });
    let freeze = freeze.chain(break_glass);
    let image = gate.image.iter().filter_map(|rule| {
        let problem = image::policy(rule).check().err()?;
        Some(problem.at(places.of(rule)))
    });
    let findings = gate.findings.iter().filter_map(|rule| {
        let policy = findings::policy(rule, |text| places.of(text));
        policy.and_then(|policy| policy.check().map_err(|problem| problem.at(places.of(rule)))).err()
    });
    let cluster = gate.cluster.iter().filter_map(|rule| {
        let policy = cluster::policy(rule, String::new(), |text| places.of(text));
        policy.and_then(|policy| policy.check().map_err(|problem| problem.at(places.of(rule)))).err()
    });
    let reports = reports.chain(image).chain(findings).chain(cluster);
    confirm.chain(approvals).chain(checks).chain(reports).chain(freeze).chain(quota).collect()
}

/// Who breaks a freeze asks more people than usual, and people that there are.
fn check_break_glass(rule: &sluice_config::BreakGlass, gate: &Gate) -> Result<(), Problem> {
    let wrong = |what: &str| Err(Problem::misconfigured(what));
    if gate.freeze.is_empty() {
        return wrong("there is no freeze to break");
    }
    let Some(approvals) = &gate.approvals else {
        return wrong("nobody is asked for the approvals that break a freeze")
            .map_err(|problem: Problem| problem.help("say in `approvals` who may approve"));
    };
    if rule.approvals.value <= approvals.count {
        return Err(Problem::misconfigured("a freeze is broken with no more approvals than usual")
            .why(format!(
                "it takes {}, and `approvals` asks for {} at any time",
                rule.approvals.value, approvals.count
            ))
            .help(format!("ask for {} or more", approvals.count.saturating_add(1))));
    }
    let mut raised = approvals_policy(approvals);
    raised.count = rule.approvals.value;
    raised.check()
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
    fn a_condition_that_lacks_what_it_is_about_closes_the_gate() {
        for key in ["image: {exists: true}", "findings: {critical: 0}"] {
            let answers = answers(&format!("{{confirm: YES, {key}}}")).unwrap();
            let [confirm, other] = answers.as_slice() else { panic!("{answers:?}") };
            assert_eq!(confirm.outcome.state, State::Approved, "{key}");
            assert_eq!(other.outcome.reason, "it is not said which image is meant", "{key}");
            assert_eq!(other.place.line, Some(4), "{key}");
            assert_eq!(decide(answers.iter().map(|answer| answer.outcome.state)), State::Misconfigured);
        }
        let problem = answers("{confirm: YES, cluster: {healthy: true}}").unwrap_err();
        assert_eq!(problem.what, "it is not said which cluster \"production\" runs in");
        assert_eq!(problem.place.unwrap().line, Some(4));
    }

    #[test]
    fn what_a_registry_or_a_cluster_can_t_be_asked_is_told_at_its_place() {
        let told = |rule: &str| {
            let text = format!("version: 1\nenvironments:\n  x:\n    gate:\n      {rule}\n");
            let problem = File::<Policy>::parse(text.as_bytes(), "f").unwrap_err().0.remove(0);
            format!("{}: {problem}", problem.place.as_ref().unwrap())
        };
        let rules = [
            "image: {exists: false}",
            "image: {platforms: [amd64]}",
            "findings: {max-age: 7d}",
            "findings: {critical: 0, ignore: [{id: CVE-1, reason: '', owner: me, until: 2026-12-31}]}",
            "findings: {critical: 0, ignore: [{id: CVE-1, reason: x, owner: me, until: tomorrow}]}",
            "findings: {critical: 0, ignore: [{id: CVE-1, reason: x, owner: me}]}",
            "cluster: {healthy: false}",
            "cluster: {min-version: v1.34}",
            "cluster: {min-version: '1.34', max-version: '1.33'}",
        ];
        insta::assert_snapshot!(rules.map(told).join("\n"), @r#"
        f:5:14: the image condition asks for nothing
        f:5:14: "amd64" is no platform
        f:5:17: the findings have no limit
        f:5:17: what is ignored has no reason
        f:5:81: "tomorrow" is no day
        f:5:40: missing key "until"
        f:5:16: the cluster condition asks for nothing
        f:5:30: "v1.34" is no version of Kubernetes
        f:5:16: no version is 1.34 or newer, and 1.33 or older
        "#);
    }

    #[test]
    fn who_breaks_a_freeze_asks_more_people() {
        let text = "version: 1
environments:
  production:
    gate:
      approvals: {count: 2, users: [octocat, hubot, monalisa]}
      freeze: [{from: Fri 15:00, until: Mon 07:00, zone: UTC}]
      break-glass: {approvals: 3}
";
        let config = File::<Policy>::parse(text.as_bytes(), "sluice.yml").unwrap();
        let gate = policy::gate(&config, "production").unwrap();
        let count = |break_glass: Option<&str>| {
            let inputs = Evaluate { break_glass: break_glass.map(str::to_owned), ..Evaluate::default() };
            let conditions = of(gate, &inputs, None, &config).unwrap();
            conditions[0].policy().unwrap()["count"].as_u64()
        };
        assert_eq!(count(None), Some(2));
        assert_eq!(count(Some("checkout is down")), Some(3));
        assert_eq!(count(Some("")), Some(3));
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
