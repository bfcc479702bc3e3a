//! smoke-test, as a workflow and as a developer run it.

use std::{
    net::TcpListener,
    sync::atomic::{AtomicU32, Ordering},
};

use sluice_end_to_end::{Repository, Server};

const CHECKS: &str = "\
checks:
  - http: /healthz
  - name: version
    http: /version
    expect:
      status: 200
      body: {contains: version}
      json:
        $.version: v2
";

fn service() -> Server {
    Server::answering(|request| match request.target.as_str() {
        "GET /healthz" => (200, "ok".to_owned()),
        "GET /version" => (200, r#"{"version": "v2"}"#.to_owned()),
        _ => (404, "no such page".to_owned()),
    })
}

#[test]
fn checks_pass_against_a_service_that_is_well() {
    let (repository, server) = (Repository::new(), service());
    repository.write("smoke.yml", CHECKS);
    repository
        .run("smoke-test")
        .input("file", "smoke.yml")
        .input("base-url", &server.url(""))
        .in_actions()
        .ends()
        .exits(0)
        .has_output("passed", "2")
        .has_output("failed", "0")
        .has_output("total", "2");
}

#[test]
fn the_files_of_an_environment_are_its_checks() {
    let (repository, server) = (Repository::new(), service());
    repository.write("checks/dev.yml", "checks: [{http: /healthz}]\n");
    repository.write(
        ".github/sluice.yml",
        format!(
            "version: 1\nenvironments: {{dev: {{url: \"{}\", smoke: [checks/dev.yml]}}}}\n",
            server.url("")
        ),
    );
    repository.run("smoke-test").argument("--environment=dev").ends().exits(0).says("1 of 1");
}

#[test]
fn the_old_version_is_waited_out() {
    let asked = AtomicU32::new(0);
    let server = Server::answering(move |_| {
        let version = if asked.fetch_add(1, Ordering::SeqCst) < 2 { "v1" } else { "v2" };
        (200, format!(r#"{{"version": "{version}"}}"#))
    });
    let repository = Repository::new();
    repository.write("smoke.yml", "checks: [{http: /, expect: {json: {$.version: v2}}}]\n");
    repository
        .run("smoke-test")
        .argument("smoke.yml")
        .argument(&format!("--base-url={}", server.url("")))
        .ends()
        .exits(0);
    assert_eq!(server.received().len(), 3);
}

#[test]
fn an_answer_that_is_wrong_is_a_no_with_expected_and_actual() {
    let (repository, server) = (Repository::new(), service());
    repository.write("smoke.yml", "checks:\n  - http: /nothing\n");
    repository
        .run("smoke-test")
        .argument("smoke.yml")
        .argument(&format!("--base-url={}", server.url("")))
        .ends()
        .exits(1)
        .says("404")
        .says("no such page")
        .says("smoke.yml:2:");
}

#[test]
fn a_host_that_refuses_is_a_no_and_silence_is_not() {
    let repository = Repository::new();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let once = |url: &str| {
        repository.run("smoke-test").argument(&format!("--url={url}")).argument("--retry-timeout=0s").ends()
    };
    once(&format!("http://127.0.0.1:{port}/")).exits(1).says("refused");
    once("http://no-such-host.invalid/").exits(3).says("host not found");
}

#[test]
fn nothing_to_check_is_never_a_pass() {
    let repository = Repository::new();
    repository.run("smoke-test").ends().exits(2);
    for content in ["", "checks: []\n", "checks:\n"] {
        repository.write("smoke.yml", content);
        repository.run("smoke-test").argument("smoke.yml").ends().exits(2).says("smoke.yml");
    }
    repository.run("smoke-test").argument("nowhere.yml").ends().exits(2).says("nowhere.yml");
}

#[test]
fn a_typo_in_a_checks_file_has_its_place() {
    let repository = Repository::new();
    repository.write("smoke.yml", "checks:\n  - http: /x\n    expcet: {status: 200}\n");
    repository
        .run("smoke-test")
        .argument("smoke.yml")
        .argument("--base-url=http://127.0.0.1:1")
        .ends()
        .exits(2)
        .says("did you mean \"expect\"?")
        .says("smoke.yml:3:5");
}
