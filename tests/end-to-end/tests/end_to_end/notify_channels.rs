//! notify: each kind of channel, over the wire.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the way to fail")]

use serde_json::{Value, json};
use sluice_end_to_end::{Outcome, Repository, Run, Server};
use sluice_moto::{Moto, REGION};

/// A repository with these channels, all of which are told of everything.
fn shop(channels: &[(&str, &str)]) -> Repository {
    let repository = Repository::new();
    let names: Vec<&str> = channels.iter().map(|(name, _)| *name).collect();
    let lines: Vec<String> = channels.iter().map(|(name, channel)| format!("  {name}: {channel}")).collect();
    let lines = lines.join("\n");
    repository.write(
        ".github/sluice.yml",
        format!(
            "version: 1\nchannels:\n{lines}\nnotify:\n  - {{on: [start, success, failure, rollback, recovery, pending], channels: [{}]}}\n",
            names.join(", ")
        ),
    );
    repository
}

fn notify<'a>(repository: &'a Repository, event: &str) -> Run<'a> {
    repository
        .run("notify")
        .input("event", event)
        .input("environment", "production")
        .variable("TOKEN", "xoxb-sEcReT")
}

fn delivered(outcome: &Outcome) -> Value {
    serde_json::from_str(&outcome.outputs["delivered"]).unwrap()
}

fn body(server: &Server, index: usize) -> Value {
    serde_json::from_str(&server.received()[index].body).unwrap()
}

#[test]
fn one_message_of_a_bot_follows_the_pipeline() {
    let slack =
        Server::answering(|_| (200, r#"{"ok":true,"channel":"C42","ts":"1700000000.000100"}"#.to_owned()));
    let bot = format!("{{slack: {{token: {{env: TOKEN}}, channel: C42, url: \"{}\"}}}}", slack.url("/api"));
    let repository = shop(&[("team", &bot)]);
    let started = notify(&repository, "start").input("stages", "build,deploy").in_actions().ends();
    started.exits(0).has_output("message-id", r#"{"team":"C42/1700000000.000100"}"#).never_says("sEcReT");
    let ended = notify(&repository, "failure")
        .input("stages", "build,deploy")
        .input("needs", r#"{"build": {"result": "success"}, "deploy": {"result": "failure"}}"#)
        .input("message-id", &started.outputs["message-id"])
        .in_actions()
        .ends();
    ended.exits(0).has_output("message-id", r#"{"team":"C42/1700000000.000100"}"#);
    let targets: Vec<String> = slack.received().into_iter().map(|request| request.target).collect();
    assert_eq!(
        targets,
        ["POST /api/chat.postMessage", "POST /api/chat.update", "POST /api/chat.postMessage"]
    );
    assert!(body(&slack, 0).to_string().contains("▶️\u{a0}build → ⚪\u{a0}deploy"), "{:#}", body(&slack, 0));
    assert!(body(&slack, 1).to_string().contains("✅\u{a0}build → ❌\u{a0}deploy"), "{:#}", body(&slack, 1));
    assert_eq!(
        (&body(&slack, 1)["ts"], &body(&slack, 2)["thread_ts"]),
        (&json!("1700000000.000100"), &json!("1700000000.000100"))
    );
}

#[test]
fn a_refusal_in_an_answer_of_200_is_loud_unless_a_warning_is_enough() {
    let slack = Server::answering(|_| (200, r#"{"ok":false,"error":"not_in_channel"}"#.to_owned()));
    let bot = format!("{{slack: {{token: {{env: TOKEN}}, channel: C42, url: \"{}\"}}}}", slack.url(""));
    let repository = shop(&[("team", &bot)]);
    notify(&repository, "start")
        .in_actions()
        .ends()
        .exits(1)
        .says("not_in_channel")
        .says("/invite @bot")
        .never_says("sEcReT");
    let warned = notify(&repository, "start").input("on-error", "warn").in_actions().ends();
    warned.exits(0).says("not_in_channel");
    assert_eq!(delivered(&warned)["team"], "refused");
}

#[test]
fn an_incident_has_one_key_over_all_runs() {
    let pager = Server::answering(|_| (202, r#"{"status":"success"}"#.to_owned()));
    let channel = format!("{{pagerduty: {{routing-key: {{env: TOKEN}}, url: \"{}\"}}}}", pager.url(""));
    let repository = shop(&[("oncall", &channel)]);
    for run in ["42", "43"] {
        notify(&repository, "failure")
            .variable("GITHUB_RUN_ID", run)
            .in_actions()
            .ends()
            .exits(0)
            .never_says("sEcReT");
    }
    notify(&repository, "success")
        .input("needs", r#"{"deploy": {"result": "success"}}"#)
        .in_actions()
        .ends()
        .exits(0);
    let targets: Vec<String> = pager.received().into_iter().map(|request| request.target).collect();
    assert_eq!(
        targets,
        ["POST /v2/enqueue", "POST /v2/enqueue", "POST /v2/enqueue", "POST /v2/change/enqueue"]
    );
    let actions: Vec<Value> = (0..3).map(|index| body(&pager, index)["event_action"].clone()).collect();
    assert_eq!(actions, ["trigger", "trigger", "resolve"]);
    assert_eq!(body(&pager, 0)["dedup_key"], body(&pager, 1)["dedup_key"]);
    assert_eq!(body(&pager, 0)["dedup_key"], body(&pager, 2)["dedup_key"]);
    assert_eq!(body(&pager, 0)["routing_key"], "xoxb-sEcReT");
}

#[test]
fn a_channel_that_hangs_or_lacks_its_secret_holds_no_other() {
    let (hanging, discord) = (Server::hanging(), Server::answering(|_| (200, r#"{"id":"1"}"#.to_owned())));
    let repository = shop(&[
        ("slow", "{teams: {webhook: {env: SLOW}}}"),
        ("none", "{teams: {webhook: {env: NONE}}}"),
        ("chat", "{discord: {webhook: {env: CHAT}}}"),
    ]);
    let outcome = notify(&repository, "start")
        .variable("SLOW", &hanging.url("/sEcReT"))
        .variable("CHAT", &discord.url("/sEcReT"))
        .in_actions()
        .ends();
    outcome.exits(3).says("NONE").never_says("sEcReT");
    assert_eq!(
        delivered(&outcome),
        json!({"slow": "unreachable", "none": "misconfigured", "chat": "delivered"})
    );
    assert_eq!((hanging.received().len(), discord.received().len()), (1, 1));
    assert_eq!(discord.received()[0].target, "POST /sEcReT?wait=true");
}

#[test]
fn a_template_writes_the_body_and_strangers_can_not() {
    let server = Server::answering(|_| (204, String::new()));
    let repository = shop(&[(
        "bus",
        "{webhook: {url: {env: BUS}, template: '{\"summary\": {{ title }}, \"who\": {{ actor }}}'}}",
    )]);
    let evil = r#"x", "admin": true, "y": "{{ run_url }}"#;
    notify(&repository, "start")
        .variable("BUS", &server.url("/"))
        .variable("GITHUB_ACTOR", evil)
        .in_actions()
        .ends()
        .exits(0);
    assert_eq!(body(&server, 0), json!({"summary": "Started in production", "who": evil}));
}

#[test]
fn a_secret_goes_nowhere_without_tls() {
    let repository =
        shop(&[("marks", "{grafana: {url: \"http://grafana.example.com\", token: {env: TOKEN}}}")]);
    notify(&repository, "start").in_actions().ends().exits(2).says("https://host").never_says("sEcReT");
}

fn aws(moto: &Moto, service: &str, headers: &str, body: &str) -> String {
    use std::io::{Read as _, Write as _};
    let address = moto.endpoint();
    let mut stream = std::net::TcpStream::connect(address.trim_start_matches("http://")).unwrap();
    let head = format!(
        "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {}\r\nAuthorization: AWS4-HMAC-SHA256 \
         Credential=AK/20260101/{REGION}/{service}/aws4_request, SignedHeaders=host, Signature=x\r\n{headers}\r\n\r\n",
        body.len()
    );
    stream.write_all((head + body).as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn topics_and_event_buses_of_aws_are_told() {
    let moto = Moto::start();
    let form = "Content-Type: application/x-www-form-urlencoded";
    let made = aws(&moto, "sns", form, "Action=CreateTopic&Version=2010-03-31&Name=deployments");
    let topic = made.split("<TopicArn>").nth(1).unwrap().split('<').next().unwrap().to_owned();
    let repository = shop(&[
        ("topic", &format!("{{sns: {{topic: \"{topic}\"}}}}")),
        ("missing", &format!("{{sns: {{topic: \"{}\"}}}}", topic.replace("deployments", "none"))),
        ("bus", &format!("{{eventbridge: {{region: {REGION}}}}}")),
    ]);
    let run = |repository| {
        notify(repository, "failure")
            .variable("AWS_ENDPOINT_URL", &moto.endpoint())
            .variable("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    };
    let outcome = run(&repository).variable("AWS_SECRET_ACCESS_KEY", "aWs-sEcReT").in_actions().ends();
    outcome.exits(1).says("NotFound").never_says("aWs-sEcReT");
    assert_eq!(delivered(&outcome), json!({"topic": "delivered", "missing": "refused", "bus": "delivered"}));
    run(&repository).in_actions().ends().exits(2).says("AWS_SECRET_ACCESS_KEY is not set");
}
