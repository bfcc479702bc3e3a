//! notify, as a workflow and as a developer run it.

use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::Value;
use sluice_end_to_end::{Repository, Run, Server};

const CONFIG: &str = "\
version: 1
environments: {production: {}}
channels:
  team: {slack: {webhook: {env: SLACK}}}
  audit: {webhook: {url: {env: AUDIT}, key: {env: KEY}}}
notify:
  - {on: [success, failure, start], environments: [production], channels: [team, audit]}
";

fn shop() -> Repository {
    let repository = Repository::new();
    repository.write(".github/sluice.yml", CONFIG);
    repository
}

fn notify<'a>(repository: &'a Repository, slack: &Server, audit: &Server) -> Run<'a> {
    repository
        .run("notify")
        .input("environment", "production")
        .variable("SLACK", &slack.url("/services/T0/B0/sEcReT"))
        .variable("AUDIT", &audit.url("/audit"))
        .variable("KEY", "k3y-of-the-audit")
}

fn receiver() -> Server {
    Server::answering(|_| (200, "ok".to_owned()))
}

#[test]
fn it_tells_what_the_steps_before_it_reported() {
    let (repository, slack, audit) = (shop(), receiver(), receiver());
    repository.write("dev/kustomization.yaml", "images:\n- name: app\n  newTag: v1\n");
    repository
        .run("bump-image-tag")
        .input("image", "app:v2")
        .input("overlay", "dev")
        .in_actions()
        .ends()
        .exits(0);
    let outcome = notify(&repository, &slack, &audit).in_actions().ends();
    outcome.exits(0).has_output("event", "success").never_says("sEcReT").never_says("k3y-of-the-audit");
    let delivered: Value = serde_json::from_str(&outcome.outputs["delivered"]).unwrap();
    assert_eq!(delivered["team"], "delivered");
    assert_eq!(delivered["audit"], "delivered");

    let message: Value = serde_json::from_str(&slack.received()[0].body).unwrap();
    assert!(message["text"].is_string() && message["blocks"].is_array(), "{message:#}");
    assert!(message.to_string().contains("bump-image-tag"), "{message:#}");
    let signed = &audit.received()[0];
    let header =
        |name: &str| signed.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    assert!(header("x-signature-256").unwrap().starts_with("sha256="), "{signed:#?}");
    assert!(header("idempotency-key").is_some() && header("x-timestamp").is_some());
}

#[test]
fn a_refusal_is_loud() {
    let (repository, audit) = (shop(), receiver());
    let slack = Server::answering(|_| (404, "no_service".to_owned()));
    let outcome = notify(&repository, &slack, &audit).input("event", "start").in_actions().ends();
    outcome.exits(1).says("no_service").never_says("sEcReT");
    let delivered: Value = serde_json::from_str(&outcome.outputs["delivered"]).unwrap();
    assert_eq!((&delivered["team"], &delivered["audit"]), (&"refused".into(), &"delivered".into()));
}

#[test]
fn too_many_requests_is_waited_out() {
    let (repository, audit) = (shop(), receiver());
    let asked = AtomicU32::new(0);
    let slack = Server::answering(move |_| match asked.fetch_add(1, Ordering::SeqCst) {
        0 => (429, "rate_limited".to_owned()),
        _ => (200, "ok".to_owned()),
    });
    notify(&repository, &slack, &audit).input("event", "start").in_actions().ends().exits(0);
    assert_eq!((slack.received().len(), audit.received().len()), (2, 1));
}

#[test]
fn a_dry_run_sends_nothing() {
    let (repository, slack, audit) = (shop(), receiver(), receiver());
    notify(&repository, &slack, &audit)
        .input("event", "failure")
        .input("dry-run", "true")
        .in_actions()
        .ends()
        .exits(0);
    assert_eq!((slack.received().len(), audit.received().len()), (0, 0));
}

#[test]
fn nothing_to_tell_and_a_report_that_is_missing_are_told() {
    let (repository, slack, audit) = (shop(), receiver(), receiver());
    notify(&repository, &slack, &audit).in_actions().ends().exits(3);
    let outcome = notify(&repository, &slack, &audit).input("expect", "gate-approval").in_actions().ends();
    outcome.has_output("event", "failure").says("gate-approval");
}

#[test]
fn a_route_that_can_not_be_followed_is_refused() {
    let repository = shop();
    repository.write(
        ".github/sluice.yml",
        "version: 1\nchannels: {team: {slack: {webhook: {env: KEY}}}}\nnotify: [{on: [failure], channels: [team], incident: true}]\n",
    );
    repository
        .run("notify")
        .argument("--event=failure")
        .variable("KEY", "x")
        .ends()
        .exits(2)
        .says("incident")
        .says(".github/sluice.yml:3:");
    repository.write(".github/sluice.yml", CONFIG.replace("channels: [team, audit]", "channels: [taem]"));
    repository.run("notify").argument("--event=start").ends().exits(2).says("did you mean \"team\"?");
}

#[test]
fn a_secret_that_is_not_there_is_told_by_its_name() {
    let (repository, audit) = (shop(), receiver());
    repository
        .run("notify")
        .input("event", "start")
        .input("environment", "production")
        .variable("AUDIT", &audit.url("/audit"))
        .variable("KEY", "k3y-of-the-audit")
        .in_actions()
        .ends()
        .exits(2)
        .says("SLACK");
}
