//! Whatever goes wrong with GitHub, nothing is approved; and what is right there is seen.

use std::time::Duration;

use serde_json::json;
use sluice_gate::State;
use sluice_github_fake::{Fault, GitHubReply as _, Reply, Request};

use crate::sandbox::{World, told};

const GATES: [&str; 5] = [
    "source: {merged-from: staging, signed: true}",
    "approvals: {count: 2, users: [hubot, monalisa, octocat], issue: true}",
    "checks: {required: true, names: [build], apps: {build: github-actions}}",
    "soak: {environment: dev, for: 2h}",
    "quota: {deployments: 2, per: 24h}",
];

#[test]
fn what_is_right_on_github_is_approved() {
    let world = World::new();
    let evaluation = world.evaluate(&GATES.join(", "));
    insta::assert_snapshot!(told(&evaluation), @r"
    source: Approved: is on main
    approvals: Approved: 2 of 2 approved
    checks: Approved: 3 of 3 checks are green
    soak: Approved: ran in dev for 3h (2h needed)
    quota: Approved: 1 deployment in 1d (2 allowed)
    unchanged: Approved: what was judged is still what is there
    ");
    assert_eq!(evaluation.state, State::Approved);
    assert_eq!(evaluation.approvers(), ["hubot", "monalisa"]);
}

type Breaks = fn(&Request) -> Option<Fault>;

/// A list of GitHub is empty, whatever it is of.
fn emptied(request: &Request) -> Option<Fault> {
    let body = match request.path.rsplit('/').next().unwrap_or_default() {
        "check-runs" => json!({"total_count": 0, "check_runs": []}),
        "status" => json!({"total_count": 0, "statuses": []}),
        "pulls" | "reviews" | "deployments" | "statuses" | "main" => json!([]),
        _ => return None,
    };
    Some(Fault::Answer(Reply::json(200, &body)))
}

const FAULTS: [(&str, Breaks); 12] = [
    ("timeout", |_| Some(Fault::Delay(Duration::from_secs(5)))),
    ("500", |_| Some(Fault::Answer(Reply::error(500, "Server Error")))),
    ("502 of a load balancer", |_| Some(Fault::Answer(Reply::server_error(502)))),
    ("401", |_| Some(Fault::Answer(Reply::error(401, "Bad credentials")))),
    ("403", |_| Some(Fault::Answer(Reply::error(403, "Resource not accessible by integration")))),
    ("404", |_| Some(Fault::Answer(Reply::error(404, "Not Found")))),
    ("422", |_| Some(Fault::Answer(Reply::error(422, "Validation Failed")))),
    ("truncated JSON", |_| Some(Fault::HalfReply)),
    ("a lost reply", |_| Some(Fault::LoseReply)),
    ("wrong types", |_| {
        Some(Fault::Answer(Reply::json(200, &json!({"id": "one", "data": {"repository": 5}}))))
    }),
    ("rate limit", |_| Some(Fault::Answer(Reply::rate_limit(4_000_000_000)))),
    ("secondary limit", |_| Some(Fault::Answer(Reply::secondary_limit(60)))),
];

#[test]
fn no_fault_approves() {
    let world = World::impatient();
    for gate in GATES {
        assert_eq!(world.state(gate), State::Approved, "{gate}");
        for (name, fault) in FAULTS {
            world.github.faults(fault);
            let evaluation = world.evaluate(gate);
            assert_eq!(evaluation.state, State::Undecided, "{gate}, {name}: {}", told(&evaluation));
        }
        world.github.faults(|_| None);
    }
}

/// The fault meets one request only, each in its turn: no answer is taken for more than it is.
#[test]
fn no_fault_of_one_request_approves() {
    let world = World::impatient();
    for gate in GATES {
        let before = world.github.requests().len();
        assert_eq!(world.state(gate), State::Approved);
        let paths: Vec<String> =
            world.github.requests()[before..].iter().map(|request| request.path.clone()).collect();
        for path in paths {
            for (name, fault) in FAULTS.into_iter().skip(1) {
                // Who looks up an issue that is not there yet learns nothing that could open the gate.
                // And a login without an account is one fewer who may approve.
                if path.ends_with("/issues") || path.contains("/users/") && name == "404" {
                    continue;
                }
                let broken = path.clone();
                world
                    .github
                    .faults(move |request| (request.path == broken).then(|| fault(request)).flatten());
                let evaluation = world.evaluate(gate);
                assert_ne!(
                    evaluation.state,
                    State::Approved,
                    "{gate}, {path}, {name}: {}",
                    told(&evaluation)
                );
                assert_ne!(
                    evaluation.state,
                    State::Rejected,
                    "{gate}, {path}, {name}: {}",
                    told(&evaluation)
                );
            }
        }
        world.github.faults(|_| None);
    }
}

#[test]
fn an_empty_page_is_no_good_news() {
    let world = World::impatient();
    world.github.faults(emptied);
    for gate in &GATES[..4] {
        assert_ne!(world.state(gate), State::Approved, "{gate}");
    }
    // Nothing was deployed, as far as GitHub says: that is what an empty list means here.
    assert_eq!(world.state(GATES[4]), State::Approved);
}

#[test]
fn a_list_that_is_shorter_than_it_says_is_no_list() {
    let world = World::impatient();
    world.github.faults(|request| {
        let is_checks = request.path.ends_with("/check-runs");
        is_checks.then(|| Fault::Answer(Reply::json(200, &json!({"total_count": 101, "check_runs": []}))))
    });
    assert_eq!(world.state(GATES[2]), State::Undecided);
}
