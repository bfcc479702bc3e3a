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
fn a_file_that_holds_no_whole_report_is_a_no() {
    for content in ["", "{", "{}", r#"{"version": "2.1.0", "runs": []}"#, "[]"] {
        let repository = shop();
        repository.write("reports/scan.sarif", content);
        let outcome = gate(&repository, "production", "DEPLOY TO PRODUCTION");
        outcome.exits(1).has_output("state", "rejected").says("reports/scan.sarif");
    }
}

#[test]
fn a_report_that_is_not_there_or_can_t_be_read_is_neither_yes_nor_no() {
    let repository = shop();
    let report = repository.path().join("reports/scan.sarif");
    std::fs::remove_file(&report).unwrap();
    let ask = || gate(&repository, "production", "DEPLOY TO PRODUCTION");
    ask().exits(3).has_output("state", "undecided").says("no file matches");
    std::os::unix::fs::symlink("nowhere", &report).unwrap();
    ask().exits(3).has_output("state", "undecided").says("could not be read");
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

/// A program that the tests' set-up installs.
fn program(name: &str) -> std::process::Command {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    #[expect(clippy::disallowed_methods, reason = "a part of tests")]
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), Into::into);
    let program = target.join("tools/python/bin").join(name);
    assert!(
        program.exists(),
        "{} is missing: run `cargo xtask test` once, which sets it up",
        program.display()
    );
    std::process::Command::new(program)
}

/// A gate on one rule of reports.
fn reports(rule: &str) -> Repository {
    let repository = Repository::new();
    let config =
        format!("version: 1\nenvironments:\n  production:\n    gate:\n      reports:\n        - {rule}\n");
    repository.write(".github/sluice.yml", config);
    repository
}

#[test]
fn reports_that_checkov_writes_now_are_read() {
    let repository = reports("{path: \"reports/*\", critical: 0, high: 0, unknown: 0}");
    repository.write(
        "main.tf",
        "resource \"aws_security_group\" \"open\" {\n  ingress {\n    from_port   = 22\n    to_port     = 22\n    protocol    = \"tcp\"\n    cidr_blocks = [\"0.0.0.0/0\"]\n  }\n}\n",
    );
    for (format, says) in [("sarif", " high ("), ("json", " unknown (")] {
        let output = program("checkov")
            .args([
                "--file",
                "main.tf",
                "--output",
                format,
                "--quiet",
                "--skip-download",
                "--output-file-path",
                "reports",
            ])
            .current_dir(repository.path())
            .output()
            .unwrap();
        let outcome = gate(&repository, "production", "");
        outcome.exits(1).has_output("state", "rejected").says(says).says("CKV_AWS_24").says("Checkov");
        assert!(!output.status.success(), "checkov finds something");
        std::fs::remove_dir_all(repository.path().join("reports")).unwrap();
    }
}

#[test]
fn reports_that_zizmor_writes_now_are_read() {
    for (steps, exit, state) in [
        ("      - run: echo \"${{ github.event.issue.title }}\"\n", 1, "rejected"),
        ("      - run: echo hello\n", 0, "approved"),
    ] {
        let repository = reports("{path: reports/zizmor.sarif, critical: 0, high: 0, unknown: 0}");
        repository.write(
            ".github/workflows/ci.yml",
            format!("name: ci\non: issues\npermissions: {{}}\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n{steps}"),
        );
        let output = program("zizmor")
            .args(["--offline", "--quiet", "--no-exit-codes", "--format", "sarif", "."])
            .current_dir(repository.path())
            .output()
            .unwrap();
        repository.write("reports/zizmor.sarif", output.stdout);
        gate(&repository, "production", "").exits(exit).has_output("state", state).says("zizmor");
    }
}

#[test]
fn a_report_about_another_image_is_a_no() {
    let digest = |digit: &str| format!("sha256:{}", digit.repeat(64));
    let report = |digest: &str| {
        json!({
            "SchemaVersion": 2, "ArtifactName": format!("shop/backend@{digest}"), "ArtifactType": "container_image",
            "Metadata": {"RepoDigests": [format!("shop/backend@{digest}")]},
            "Results": [{"Target": "shop/backend (alpine 3.20.5)", "Class": "os-pkgs", "Type": "alpine"}],
        })
        .to_string()
    };
    for (scanned, exit, state) in [("1", 0, "approved"), ("2", 1, "rejected")] {
        let repository = reports("{path: trivy.json, critical: 0}");
        repository.write("trivy.json", report(&digest(scanned)));
        let outcome = repository
            .run("gate-approval")
            .input("environment", "production")
            .input("image", &format!("shop/backend:v1@{}", digest("1")))
            .in_actions()
            .ends();
        outcome.exits(exit).has_output("state", state);
    }
}

#[test]
fn tests_coverage_and_load_are_limited_as_findings_are() {
    let cobertura = |hits: u64| {
        format!(
            "<coverage line-rate='1'><class filename='a'><lines><line number='1' hits='1'/><line number='2' hits='{hits}'/></lines></class></coverage>"
        )
    };
    let junit = |child: &str| format!("<testsuite><testcase name='a'>{child}</testcase></testsuite>");
    let k6 = |ok: bool| {
        json!({"root_group": {}, "metrics": {"http_req_duration": {"thresholds": {"p(95)<500": {"ok": ok}}}}})
            .to_string()
    };
    for (rule, good, bad) in [
        ("{path: report, failures: 0}", junit(""), junit("<failure/>")),
        ("{path: report, coverage: 50.01}", cobertura(1), cobertura(0)),
        ("{path: report, thresholds: 0}", k6(true), k6(false)),
        (
            "{path: report, coverage: 50}",
            cobertura(0),
            "SF:a\nDA:1,1\nDA:2,0\nDA:3,0\nend_of_record\n".to_owned(),
        ),
    ] {
        for (content, exit) in [(good, 0), (bad, 1), ("hello".to_owned(), 1), (CLEAN.to_owned(), 3)] {
            let repository = reports(rule);
            repository.write("report", content.clone());
            gate(&repository, "production", "").exits(exit);
        }
    }
}

#[test]
fn decisions_are_recorded_and_repeated_and_no_record_is_changed_unseen() {
    let repository = shop();
    let evaluate = |phrase: &str| {
        repository
            .run("gate-approval")
            .input("environment", "production")
            .input("confirm", phrase)
            .input("record", "audit/records.jsonl")
            .input("token", "given by the runner")
            .in_actions()
            .ends()
    };
    let first = evaluate("DEPLOY TO PRODUCTION");
    first.exits(0).has_output("record", "audit/records.jsonl");
    let second = evaluate("no");
    second.exits(1);

    let run = |command: &str, files: &[&str]| {
        repository
            .run("gate-approval")
            .input("command", command)
            .input("records", &files.join("\n"))
            .input("token", "given by the runner")
            .in_actions()
            .ends()
    };
    let whole = std::fs::read_to_string(repository.path().join("audit/records.jsonl")).unwrap();
    let lines: Vec<&str> = whole.lines().collect();
    repository.write("1.json", format!("{}\n", lines[0])).write("2.json", lines[1]);

    run("verify", &["audit/records.jsonl"])
        .exits(0)
        .has_output("record-hash", &second.outputs["record-hash"]);
    run("verify", &["2.json", "1.json"]).exits(0);
    run("replay", &["audit/records.jsonl"]).exits(0).says("2 of 2 decisions");
    run("replay", &["1.json"]).exits(0).has_output("state", "approved");
    run("replay", &["2.json"]).exits(1).has_output("state", "rejected");

    repository.write("2.json", lines[1].replace("rejected", "approved"));
    run("verify", &["1.json", "2.json"]).exits(1).says("the chain is broken at 2.json");
    run("replay", &["2.json"]).exits(1);
    repository.write("audit/records.jsonl", lines[1].replace("rejected", "approved"));
    evaluate("DEPLOY TO PRODUCTION").exits(3).has_output("state", "undecided").says("record");
    run("verify", &["nothing.json"]).exits(3);
}

#[test]
fn a_record_lands_where_it_can_be_uploaded_from() {
    let repository = shop();
    let outcome = gate(&repository, "production", "DEPLOY TO PRODUCTION");
    let record = std::path::PathBuf::from(&outcome.exits(0).outputs["record"]);
    assert!(repository.path().join(record).ends_with("sluice/records.jsonl"));
    // The actions after it still read the reports beside it.
    gate(&repository, "production", "DEPLOY TO PRODUCTION").exits(0);
}
