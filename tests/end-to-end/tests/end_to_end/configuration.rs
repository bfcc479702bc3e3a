//! The configuration, as every action reads it.

use sluice_end_to_end::Repository;

const ACTIONS: [&str; 7] =
    ["detect-changes", "bump-image-tag", "gate-approval", "smoke-test", "notify", "rollout", "backup"];

/// A typo in a section that each action reads.
const TYPOS: [(&str, &str, &str); 7] = [
    ("detect-changes", "components: {api: {pathz: [src]}}", "did you mean \"paths\"?"),
    ("bump-image-tag", "environments: {dev: {overlay: [x]}}", "did you mean \"overlays\"?"),
    ("gate-approval", "environments: {dev: {gate: {confrim: x}}}", "did you mean \"confirm\"?"),
    ("smoke-test", "environments: {dev: {smok: [x]}}", "did you mean \"smoke\"?"),
    ("notify", "channels: {a: {slakc: {}}}", "did you mean \"slack\"?"),
    ("rollout", "components: {api: {workload: [deployment/api]}}", "did you mean \"workloads\"?"),
    ("backup", "environments: {dev: {backup: {secret: true}}}", "did you mean \"secrets\"?"),
];

#[test]
fn a_typo_is_told_with_its_place_and_the_nearest_key() {
    for (action, section, help) in TYPOS {
        let repository = Repository::new();
        repository.write(".github/sluice.yml", format!("version: 1\n{section}\n"));
        let outcome = repository.run(action).input("check-config", "true").in_actions().ends();
        outcome.exits(2).says(help).says("--> .github/sluice.yml:2:");
        let annotated = outcome
            .commands()
            .iter()
            .any(|line| line.starts_with("::error file=.github/sluice.yml,line=2,col="));
        assert!(annotated, "{action}: {outcome:#?}");
        assert_eq!(outcome.reported("/verdict"), "misconfigured");
    }
}

#[test]
fn a_file_that_is_named_must_be_there() {
    for action in ACTIONS {
        let repository = Repository::new();
        repository
            .run(action)
            .argument("--check-config")
            .argument("--config=nowhere.yml")
            .ends()
            .exits(2)
            .says("could not read the configuration nowhere.yml");
    }
}

#[test]
fn sections_of_a_newer_version_are_passed_over() {
    for action in ACTIONS {
        let repository = Repository::new();
        repository.write(".github/sluice.yml", "version: 1\nbudgets: {production: 5}\n");
        repository.run(action).argument("--check-config").ends().exits(0).says("nothing is wrong");
    }
}

#[test]
fn an_empty_file_says_what_to_write() {
    for action in ACTIONS {
        let repository = Repository::new();
        repository.write(".github/sluice.yml", "");
        repository.run(action).argument("--check-config").ends().exits(2).says("write `version: 1`");
    }
}

#[test]
fn a_check_without_a_file_checked_nothing() {
    for action in ACTIONS {
        let repository = Repository::new();
        let outcome = repository.run(action).argument("--check-config").ends();
        outcome.exits(2).says("there is no .github/sluice.yml to check");
    }
}

#[test]
fn a_file_with_another_name_is_not_passed_over() {
    let repository = Repository::new();
    repository.write(".github/sluice.yaml", "version: 1\n");
    let outcome = repository.run("detect-changes").argument("--base=HEAD").ends();
    outcome.exits(2).says("git mv .github/sluice.yaml .github/sluice.yml");
}

/// A link that leads nowhere is not "no file", a pipe would be waited for, and a device does not end.
#[test]
fn what_is_no_file_is_told_and_not_waited_for() {
    for (target, why) in
        [("nowhere", "No such file"), ("/dev/zero", "it is not a file"), (".", "Is a directory")]
    {
        let repository = Repository::new();
        std::fs::create_dir(repository.path().join(".github")).unwrap();
        std::os::unix::fs::symlink(target, repository.path().join(".github/sluice.yml")).unwrap();
        let outcome = repository.run("detect-changes").argument("--check-config").ends();
        outcome.exits(2).says("could not read the configuration .github/sluice.yml").says(why);
    }
}

#[test]
fn an_input_that_is_mistyped_is_told_with_the_nearest_and_nothing_is_done() {
    for (action, input, nearest) in
        [("detect-changes", "bass", "`base`"), ("bump-image-tag", "dry_run", "`dry-run`")]
    {
        let repository = Repository::new();
        let outcome =
            repository.run(action).input(input, "true").input("environment", "dev").in_actions().ends();
        outcome.exits(2).says(&format!("with: {input}")).says(&format!("did you mean {nearest}?"));
    }
}

#[test]
fn an_input_that_is_like_no_other_is_told_and_passed_over() {
    let repository = Repository::new();
    repository.write(".github/sluice.yml", "version: 1\n");
    let outcome =
        repository.run("notify").input("check-config", "true").input("xyzzyxyzzy", "1").in_actions().ends();
    outcome.exits(0).says("with: xyzzyxyzzy").says("it was not read");
}

#[test]
fn an_answer_that_can_not_be_printed_is_none() {
    let repository = Repository::new();
    repository.write(".github/sluice.yml", "version: 1\n");
    for argument in ["--check-config", "--help"] {
        let outcome = repository.run("notify").argument(argument).ends_on_a_full_disk();
        outcome.exits(3).says("could not print the answer");
    }
}

#[test]
fn help_and_version_answer_on_standard_output() {
    for action in ACTIONS {
        let repository = Repository::new();
        let help = repository.run(action).argument("--help").ends();
        help.exits(0);
        assert!(help.stdout.contains("--check-config"), "{help:#?}");
        let version = repository.run(action).argument("--version").ends();
        assert_eq!(version.stdout, format!("{action} {}\n", env!("CARGO_PKG_VERSION")));
    }
}

#[test]
fn json_is_one_object_with_outputs_and_report() {
    for action in ACTIONS {
        let repository = Repository::new();
        repository.write(".github/sluice.yml", "version: 1\n");
        let outcome = repository.run(action).argument("--check-config").argument("--format=json").ends();
        let object: serde_json::Value = serde_json::from_str(outcome.exits(0).stdout.trim()).unwrap();
        assert_eq!(object["report"]["action"], action);
        assert_eq!(object["report"]["verdict"], "passed");
        assert!(object["outputs"].is_object());
    }
}
