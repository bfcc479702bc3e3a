//! How checks go together: variables, captures, needs, versions, samples, and what is left behind.
#![allow(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

use std::{
    net::{SocketAddr, SocketAddrV4, TcpListener, TcpStream},
    os::fd::{AsRawFd as _, OwnedFd},
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use nix::sys::socket::{
    AddressFamily, Backlog, SockFlag, SockType, SockaddrIn, bind, getsockname, listen, socket,
};
use sluice_end_to_end::{Received, Repository, Server};

fn header<'a>(request: &'a Received, name: &str) -> Option<&'a str> {
    request.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

/// A shop that lets in whoever has its token, and then knows one order.
fn shop() -> Server {
    Server::answering(|request| match request.target.as_str() {
        "POST /login" if request.body == r#"{"user":"smoke","password":"hush\"pass"}"# => {
            (200, r#"{"token": "hush token", "order": 17}"#.to_owned())
        }
        "GET /orders/17" if header(request, "authorization") == Some("Bearer hush token") => {
            (200, format!(r#"{{"id": "17", "you": "{}"}}"#, "hush token"))
        }
        "GET /acme/17" => (200, "of acme".to_owned()),
        _ => (404, format!("nothing for {:?}", header(request, "authorization"))),
    })
}

const SHOP: &str = "\
variables: {tenant: none, password: {env: PASSWORD}}
checks:
  - name: order
    http: {url: '/orders/{{ order }}', auth: {bearer: '{{ token }}'}}
    expect: {json: {$.id: '{{ order }}'}}
  - name: login
    http: {method: POST, url: /login, json: {user: smoke, password: '{{ password }}'}}
    capture: {token: {json: $.token}, order: {json: $.order}}
  - name: tenant
    http: '{{ base_url }}/{{ tenant }}/{{ order }}'
";

#[test]
fn what_one_check_captures_others_use() {
    let (repository, server) = (Repository::new(), shop());
    repository.write("smoke.yml", SHOP);
    repository
        .run("smoke-test")
        .input("file", "smoke.yml")
        .input("base-url", &server.url(""))
        .input("variables", "tenant=acme\nother=x")
        .variable("PASSWORD", "hush\"pass")
        .in_actions()
        .ends()
        .exits(0)
        .says("3 of 3")
        .never_says("hush");
    let targets: Vec<_> = server.received().into_iter().map(|request| request.target).collect();
    assert_eq!(targets[0], "POST /login");
    assert_eq!(targets.len(), 3, "{targets:?}");
}

#[test]
fn a_secret_is_shown_nowhere_whatever_goes_wrong() {
    let (repository, server) = (Repository::new(), shop());
    let wrong = SHOP.replace("$.id: '{{ order }}'", "$.you: '{{ token }}!'").replace(
        "'{{ base_url }}/{{ tenant }}/{{ order }}'",
        "{url: /x, headers: {authorization: '{{ password }}'}}",
    );
    repository.write("smoke.yml", wrong);
    let outcome = repository
        .run("smoke-test")
        .input("file", "smoke.yml")
        .input("base-url", &server.url(""))
        .input("retry-timeout", "0s")
        .input("junit", "out/junit.xml")
        .variable("PASSWORD", "hush\"pass")
        .in_actions()
        .ends();
    outcome
        .exits(1)
        .says("$.you equals \"***!\"")
        .says("authorization: Bearer '\"$TOKEN\" http://")
        .says("/orders/17")
        .never_says("hush");
    let junit = repository.read("out/junit.xml");
    assert!(!junit.contains("hush") && junit.contains("***"), "{junit}");
}

#[test]
fn what_needs_a_check_that_failed_is_not_tried() {
    let (repository, server) = (Repository::new(), shop());
    repository.write("smoke.yml", SHOP);
    repository
        .run("smoke-test")
        .argument("smoke.yml")
        .argument(&format!("--base-url={}", server.url("")))
        .argument("--junit=junit.xml")
        .variable("PASSWORD", "wrong")
        .ends()
        .exits(1)
        .says("1 of 3 checks failed, 2 not tried")
        .says("it needs \"login\", which did not pass");
    assert_eq!(server.received().len(), 1);
    assert!(repository.read("junit.xml").contains("failures=\"1\" errors=\"0\" skipped=\"2\""));
}

#[test]
fn a_circle_is_told_with_its_checks() {
    let repository = Repository::new();
    repository.write(
        "smoke.yml",
        "checks:\n- {name: a, http: http://a/, needs: b}\n- {name: b, http: http://b/, needs: [a]}\n",
    );
    repository
        .run("smoke-test")
        .argument("smoke.yml")
        .ends()
        .exits(2)
        .says("a → b → a")
        .says("smoke.yml:2:3");
}

#[test]
fn several_files_are_one_run() {
    let (repository, server) = (Repository::new(), shop());
    repository
        .write("a.yml", "startup: {http: /acme/17}\nchecks: [{http: /nothing, expect: {status: 404}}]\n");
    repository.write("b.yml", "checks: [{name: b, http: '/{{ path }}/17'}]\n");
    let run = |b: &str| {
        repository
            .run("smoke-test")
            .input("file", &format!("a.yml\n{b}"))
            .input("base-url", &server.url(""))
            .input("variables", "path=acme")
            .in_actions()
            .ends()
    };
    run("b.yml").exits(0).says("3 of 3");
    assert_eq!(server.received()[0].target, "GET /acme/17");
    repository.write("c.yml", "checks: [{name: b, http: '/{{ paht }}/17'}]\n");
    run("b.yml\nc.yml").exits(2).says("unknown variable \"paht\", did you mean \"path\"?").says("c.yml:1:26");
}

/// A service of which old pods answer still: every second answer until so many came.
fn rollout(old_answers: u32) -> Server {
    let asked = AtomicU32::new(0);
    Server::answering(move |_| {
        let asked = asked.fetch_add(1, Ordering::SeqCst);
        let version = if asked.is_multiple_of(2) && asked < 2 * old_answers { "v1" } else { "v2" };
        (200, format!(r#"{{"version": "{version}"}}"#))
    })
}

#[test]
fn the_version_must_answer_many_times_in_a_row() {
    let (repository, server) = (Repository::new(), rollout(3));
    repository.write("smoke.yml", "checks: [{http: /, expect-version: {json: $.version, consecutive: 4}}]\n");
    let run = |version: &str| {
        repository
            .run("smoke-test")
            .argument("smoke.yml")
            .argument(&format!("--base-url={}", server.url("")))
            .argument(&format!("--version={version}"))
            .argument("--retry-timeout=20s")
            .ends()
    };
    // v1 v2 v1 v2 v1 v2 v2 v2 v2
    run("v2").exits(0).says("versions v1 × 3, v2 × 6").says("9 tries");
    assert_eq!(server.received().len(), 9);
}

#[test]
fn a_version_that_never_comes_is_a_no_with_what_answered() {
    let (repository, server) = (Repository::new(), rollout(0));
    repository.write("smoke.yml", "checks: [{http: /, expect-version: {json: $.version}}]\n");
    let run = |arguments: &[&str]| {
        let base = format!("--base-url={}", server.url(""));
        let run = repository.run("smoke-test").argument("smoke.yml").argument(&base);
        arguments.iter().fold(run, |run, argument| run.argument(argument)).ends()
    };
    run(&["--version=v3", "--retry-timeout=1s"])
        .exits(1)
        .says("version \"v2\" answered")
        .says("answered  v2 × ")
        .says("expected  version \"v3\"");
    run(&[]).exits(2).says("no version is given that must answer");
}

#[test]
fn many_answers_are_judged_together() {
    let asked = AtomicU32::new(0);
    let server = Server::answering(move |_| {
        let asked = asked.fetch_add(1, Ordering::SeqCst);
        std::thread::sleep(Duration::from_millis(5));
        (if asked % 10 == 9 { 500 } else { 200 }, String::new())
    });
    let repository = Repository::new();
    let run = |samples: &str| {
        repository.write("smoke.yml", format!("checks: [{{http: /, samples: {samples}}}]\n"));
        let base = format!("--base-url={}", server.url(""));
        repository.run("smoke-test").argument("smoke.yml").argument(&base).ends()
    };
    run("{count: 40, error-rate: 0.25, p50: 30s}").exits(0).says("40 samples, p50");
    run("{count: 40, error-rate: 0.25, p50: 1ms, p99: 1ms}").exits(1).says("p99 at most 1ms");
    run("40").exits(1).says("of 40 answers were wrong").says("the first: status 500");
}

#[test]
fn after_the_first_failure_nothing_more_begins_when_asked_so() {
    let (repository, server) = (Repository::new(), shop());
    let checks: Vec<_> = (0..50).map(|n| format!("- http: /{n}")).collect();
    repository.write("smoke.yml", format!("checks:\n{}\n", checks.join("\n")));
    repository
        .run("smoke-test")
        .argument("smoke.yml")
        .argument(&format!("--base-url={}", server.url("")))
        .argument("--fail-fast")
        .argument("--concurrency=1")
        .ends()
        .exits(1)
        .says("1 of 50 checks failed, 49 not tried");
    assert_eq!(server.received().len(), 1);
}

/// A port from which nothing comes back: its queue of connections is full. Gives what keeps it so, and its address.
fn silent() -> (OwnedFd, Vec<TcpStream>, SocketAddr) {
    let any: SockaddrIn = "127.0.0.1:0".parse::<SocketAddrV4>().unwrap().into();
    let listener = socket(AddressFamily::Inet, SockType::Stream, SockFlag::empty(), None).unwrap();
    bind(listener.as_raw_fd(), &any).unwrap();
    listen(&listener, Backlog::new(0).unwrap()).unwrap();
    let address: SockaddrIn = getsockname(listener.as_raw_fd()).unwrap();
    let address = SocketAddr::from(SocketAddrV4::from(address));
    let briefly = Duration::from_millis(300);
    let clients = std::iter::from_fn(|| TcpStream::connect_timeout(&address, briefly).ok()).collect();
    (listener, clients, address)
}

#[test]
fn silence_proves_isolation_only_where_something_else_was_reached() {
    let (repository, server) = (Repository::new(), shop());
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let run = |checks: String| {
        repository.write("smoke.yml", checks);
        repository
            .run("smoke-test")
            .argument("smoke.yml")
            .argument(&format!("--base-url={}", server.url("")))
            .argument("--retry-timeout=0s")
            .ends()
    };
    let open = server.url("").replace("http://", "");
    run(format!("checks: [{{tcp: '{closed}', expect: unreachable}}]"))
        .exits(0)
        .says("unreachable, as expected");
    run(format!("checks: [{{tcp: '{open}', expect: unreachable}}]")).exits(1).says("must not be");
    let (_listener, _clients, silent) = silent();
    let silent = format!("{{tcp: '{silent}', expect: unreachable}}");
    run(format!("checks: [{silent}, {{tcp: '{open}'}}]")).exits(0);
    run(format!("checks: [{silent}]")).exits(3).says("nothing else was reached either");
    run("checks: [{tcp: 'no-such-host.invalid:1', expect: unreachable}]".to_owned()).exits(3);
}

#[test]
fn what_a_file_says_that_can_not_be_meant_is_told() {
    let repository = Repository::new();
    for (check, what) in [
        ("{name: a}", "the check asks nothing"),
        ("{http: http://a/, tcp: 'a:1'}", "the check has 2 kinds"),
        ("{tcp: a}", "lacks a port"),
        ("{tcp: 'a:1', expect: {status: 200}}", "\"status\" does not go with this kind of check"),
        ("{tcp: 'a:1', samples: 5}", "\"samples\" goes with checks of http only"),
        ("{http: http://a/, expect: unreachable, samples: 5}", "none is expected"),
        ("{http: http://a/, expect: nothing}", "`unreachable`, found \"nothing\""),
        ("{http: {url: http://a/, client-certificate: {certificate: no.pem, key: no.key}}}", "cannot use"),
        ("{http: {url: http://a/, proxy: 'socks5://x'}}", "cannot use the proxy"),
        ("{command: id}", "unknown key \"command\""),
    ] {
        repository.write("smoke.yml", format!("checks: [{check}]\n"));
        repository.run("smoke-test").argument("smoke.yml").ends().exits(2).says(what).says("smoke.yml:1:");
    }
}
