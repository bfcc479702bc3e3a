//! Text of strangers changes nothing but itself.

use serde_json::json;
use sluice_end_to_end::{Repository, Server};

/// A file's name that would end a line and begin a workflow command.
const FILE: &str = "src/a\n::error::forged\n::set-output name=forged::yes";

#[test]
fn a_file_s_name_forges_no_command_and_no_output() {
    let repository = Repository::new();
    repository.write(".github/sluice.yml", "version: 1\ncomponents: {app: {paths: [\"src/**\"]}}\n");
    let before = repository.commit("before");
    repository
        .write(FILE, "x")
        .write("src/\u{1b}[31mred\u{1b}[0m ##[add-mask]x `|<img>|`", "x")
        .write(b"src/\xff", "x");
    let after = repository.commit("after");

    let outcome = repository
        .run("detect-changes")
        .input("filters", "lib: 'src/**'")
        .input("list-files", "json")
        .on("push", &json!({"before": before, "after": after}))
        .ends();

    outcome.exits(0).has_output("app", "true").has_output("lib_count", "3");
    assert_eq!(outcome.commands(), [""; 0], "{outcome:#?}");
    let files: Vec<String> = serde_json::from_str(&outcome.outputs["lib_files"]).unwrap();
    assert!(files.iter().any(|file| file == FILE), "{files:?}");
    assert!(!outcome.outputs.contains_key("forged"));
    assert!(!outcome.stdout.contains('\u{1b}') && !outcome.summary.contains('\u{1b}'), "{outcome:#?}");
    assert!(!outcome.summary.contains("<img>"), "{}", outcome.summary);
}

#[test]
fn a_branch_s_name_is_a_name() {
    let repository = Repository::new();
    repository.write(".github/sluice.yml", "version: 1\ncomponents: {app: {paths: [\"src/**\"]}}\n");
    repository.commit("before");
    repository.git(&["branch", "$(id)"]);
    repository.write("src/x", "x").commit("after");
    repository
        .run("detect-changes")
        .input("base", "$(id)")
        .in_actions()
        .variable("GITHUB_REF_NAME", "$(id)\n::error::x")
        .ends()
        .exits(0)
        .has_output("app", "true")
        .never_says("uid=");
}

/// The names of outputs come from the configuration, their values from files: neither ends a value.
#[test]
fn a_value_that_looks_like_a_delimiter_stays_a_value() {
    let repository = Repository::new();
    repository.write("x", "1");
    let before = repository.commit("before");
    let name = "src/x\nsluice_00000000000000000000000000000000\nany=false\nEOF\n";
    repository.write(name, "x");
    let after = repository.commit("after");
    let outcome = repository
        .run("detect-changes")
        .input("filters", "lib: 'src/**'")
        .input("list-files", "json")
        .on("push", &json!({"before": before, "after": after}))
        .ends();
    outcome.exits(0).has_output("any", "true");
    let files: Vec<String> = serde_json::from_str(&outcome.outputs["lib_files"]).unwrap();
    assert_eq!(files, [name]);
}

#[test]
fn what_a_server_answers_is_shown_and_not_obeyed() {
    let repository = Repository::new();
    let server =
        Server::answering(|_| (404, "\u{1b}[2J\n::error::forged\n##[set-env name=X]y @octocat".to_owned()));
    let outcome = repository.run("smoke-test").input("url", &server.url("/")).in_actions().ends();
    outcome.exits(1);
    assert!(outcome.commands().iter().all(|line| line.starts_with("::error ")), "{outcome:#?}");
    for face in [&outcome.stdout, &outcome.stderr, &outcome.summary] {
        assert!(!face.contains('\u{1b}'), "{face}");
    }
}

#[test]
fn a_report_of_a_scanner_forges_nothing() {
    let repository = Repository::new();
    repository.write(
        ".github/sluice.yml",
        "version: 1\nenvironments: {production: {gate: {reports: [{path: \"*.sarif\", critical: 0, high: 0}]}}}\n",
    );
    let text = "x\n::set-output name=state::approved\n| a | <!-- @octocat";
    let sarif = json!({"version": "2.1.0", "runs": [{
        "tool": {"driver": {"name": text}},
        "results": [{"ruleId": text, "level": "error", "message": {"text": text}}],
    }]});
    repository.write("scan.sarif", sarif.to_string());
    let outcome = repository.run("gate-approval").input("environment", "production").in_actions().ends();
    outcome.exits(1).has_output("state", "rejected");
    assert!(outcome.commands().iter().all(|line| line.starts_with("::error ")), "{outcome:#?}");
    assert!(!outcome.summary.contains("<!--"), "{}", outcome.summary);
}

#[test]
fn an_image_that_is_no_image_is_refused() {
    let repository = Repository::new();
    repository.write("dev/kustomization.yaml", "images:\n  - name: app\n    newTag: v1\n");
    for image in ["app:$(id)", "app:v1\nnewTag: v2", "app:v1 # x", "app: v1", "app:{{x}}"] {
        repository
            .run("bump-image-tag")
            .argument(&format!("--image={image}"))
            .argument("--overlay=dev")
            .ends()
            .exits(2);
        assert_eq!(repository.read("dev/kustomization.yaml"), "images:\n  - name: app\n    newTag: v1\n");
    }
}

/// A message in which a stranger's text could mention everyone.
#[test]
fn a_message_mentions_no_one() {
    let repository = Repository::new();
    let server = Server::answering(|_| (200, "ok".to_owned()));
    repository.write(
        ".github/sluice.yml",
        "version: 1\nchannels: {team: {slack: {webhook: {env: HOOK}}}}\nnotify: [{on: [success, failure], channels: [team]}]\n",
    );
    let outcome = repository
        .run("notify")
        .input("event", "failure")
        .input("environment", "<!channel> <@U123> *x* <https://evil.example|click>")
        .in_actions()
        .variable("HOOK", &server.url("/services/T0/B0/sEcReT"))
        .variable("GITHUB_ACTOR", "<!here>")
        .ends();
    outcome.never_says("sEcReT");
    for request in server.received() {
        for dead in ["<!channel>", "<@U123>", "<!here>", "<https://evil"] {
            assert!(!request.body.contains(dead), "{}", request.body);
        }
    }
}
