//! gate-approval, as a workflow and as a developer run it.

use serde_json::{Value, json};
use sluice_end_to_end::{Outcome, Repository};

const CONFIG: &str = "\
version: 1
environments:
  production:
    gate:
      confirm: DEPLOY TO PRODUCTION
      reports:
        - {path: \"reports/*.sarif\", critical: 0}
      freeze:
        - {from: 2020-12-20, until: 2021-01-04, zone: Europe/Berlin}
  frozen:
    gate:
      freeze:
        - {from: 2020-12-20, until: 2999-01-04, zone: Europe/Berlin}
  open: {}
  nothing: {gate: {}}
  later: {gate: {approvals: {count: 1, users: [octocat]}}}
";

const CLEAN: &str =
    r#"{"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "scanner"}}, "results": []}]}"#;

fn shop() -> Repository {
    let repository = Repository::new();
    repository.write(".github/sluice.yml", CONFIG).write("reports/scan.sarif", CLEAN);
    repository
}

fn gate(repository: &Repository, environment: &str, phrase: &str) -> Outcome {
    repository
        .run("gate-approval")
        .input("environment", environment)
        .input("confirm", phrase)
        .in_actions()
        .ends()
}

#[test]
fn it_opens_when_all_conditions_hold() {
    let outcome = gate(&shop(), "production", "DEPLOY TO PRODUCTION");
    outcome.exits(0).has_output("state", "approved");
    let conditions: Value = serde_json::from_str(&outcome.outputs["conditions"]).unwrap();
    let names: Vec<&Value> =
        conditions.as_array().unwrap().iter().map(|condition| &condition["name"]).collect();
    assert_eq!(names, ["confirm", "reports", "freeze"]);
}

#[test]
fn a_plan_is_named_by_its_digest() {
    let repository = shop();
    repository.write("deploy.tfplan", "plan");
    let gate = |plan: &str| {
        let run = repository.run("gate-approval").input("environment", "production").input("plan", plan);
        run.input("confirm", "DEPLOY TO PRODUCTION").in_actions().ends()
    };
    let outcome = gate("deploy.tfplan");
    outcome.exits(0).says("deploy.tfplan");
    outcome.has_output("digest", "sha256:64879f7d6b960a01909762d911a32d4582c20010c5641ee90278b644a9e3b525");
    gate("nowhere.tfplan").exits(2).says("nowhere.tfplan");
}

#[test]
fn a_phrase_that_is_not_exact_is_a_no() {
    for phrase in [
        "",
        "deploy to production",
        "DEPLOY TO PRODUCTION ",
        " DEPLOY TO PRODUCTION",
        "DEPLOY  TO PRODUCTION",
    ] {
        gate(&shop(), "production", phrase).exits(1).has_output("state", "rejected");
    }
}

#[test]
fn a_freeze_names_its_end() {
    gate(&shop(), "frozen", "").exits(1).has_output("state", "rejected").says("2999-01-04");
}

#[test]
fn a_report_that_is_missing_or_broken_is_no_clean_one() {
    for content in
        [None, Some(""), Some("{"), Some("{}"), Some(r#"{"version": "2.1.0", "runs": []}"#), Some("[]")]
    {
        let repository = shop();
        match content {
            Some(content) => drop(repository.write("reports/scan.sarif", content)),
            None => std::fs::remove_file(repository.path().join("reports/scan.sarif")).unwrap(),
        }
        let outcome = gate(&repository, "production", "DEPLOY TO PRODUCTION");
        outcome.exits(3).has_output("state", "undecided");
    }
}

#[test]
fn all_conditions_are_told_even_when_one_says_no() {
    let repository = shop();
    let sarif = json!({"version": "2.1.0", "runs": [{
        "tool": {"driver": {"name": "scanner", "rules": [{"id": "x", "properties": {"security-severity": "9.8"}}]}},
        "results": [{"ruleId": "x", "message": {"text": "bad"}}],
    }]});
    repository.write("reports/scan.sarif", sarif.to_string());
    let outcome = gate(&repository, "production", "no");
    outcome.exits(1).says("DEPLOY TO PRODUCTION").says("1 critical");
    assert_eq!(outcome.reported("/findings").as_array().unwrap().len(), 3);
}

#[test]
fn a_gate_without_a_condition_or_with_an_unknown_one_is_misconfigured() {
    for (environment, says) in
        [("open", "gate"), ("nothing", "condition"), ("later", "approvals"), ("prodution", "did you mean")]
    {
        gate(&shop(), environment, "DEPLOY TO PRODUCTION").exits(2).says(says);
    }
}
