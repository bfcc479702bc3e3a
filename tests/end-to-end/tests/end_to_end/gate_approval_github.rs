//! gate-approval, as it asks GitHub.

use std::time::{Duration, Instant};

use serde_json::json;
use sluice_end_to_end::{Repository, Run};
use sluice_github_fake::{File, GitHub, GitHubReply as _};

const APPROVALS: &str = "\
version: 1
environments:
  production:
    source-branch: main
    gate:
      approvals: {count: 2, users: [hubot, monalisa], issue: true}
";

/// A change of dev on main, that hubot approved.
struct Change {
    github: GitHub,
    shop: sluice_github_fake::Repository,
    commit: String,
    run: u64,
}

impl Change {
    fn new() -> Self {
        let github = GitHub::start();
        github.require_token("a-token-of-the-job");
        let shop = github.repository("acme/shop");
        let begin = shop.commit_by("dev", "main", "Begin", &[File::new("README.md", "hello")]);
        shop.branch("change", &begin);
        let head = shop.commit_by("dev", "change", "Change", &[File::new("README.md", "changed")]);
        let pull = shop.open_pull("dev", "change", "main", None);
        shop.review(pull, "hubot", "APPROVED", &head);
        let commit = shop.merge(pull);
        let run = shop.run(sluice_github_fake::Run::success("main", &commit));
        shop.started(run, "dev", "dev");
        Self { github, shop, commit, run }
    }

    /// The gate as a step of the run that the change started.
    fn gate<'a>(&self, repository: &'a Repository) -> Run<'a> {
        let variables = self.github.variables().into_iter();
        let run =
            variables.fold(repository.run("gate-approval"), |run, (name, value)| run.variable(name, &value));
        run.variable("GITHUB_SHA", &self.commit)
            .variable("GITHUB_REF", "refs/heads/main")
            .variable("GITHUB_RUN_ID", &self.run.to_string())
            .input("environment", "production")
            .input("token", "a-token-of-the-job")
    }
}

fn checkout(policy: &str) -> Repository {
    let repository = Repository::new();
    repository.write(".github/sluice.yml", policy);
    repository
}

#[test]
fn people_are_asked_and_the_next_run_hears_them() {
    let (change, repository) = (Change::new(), checkout(APPROVALS));
    let push = json!({});
    let outcome = change.gate(&repository).on("push", &push).ends();
    outcome.exits(1).has_output("state", "pending").has_output("approvers", "[\"hubot\"]").says("monalisa");
    outcome.has_output("commit", &change.commit);
    let [(issue, _, true)] = change.shop.issues()[..] else { panic!("one open issue") };
    outcome.has_output("issue", &issue.to_string());
    let outcome = change.gate(&repository).input("on-pending", "continue").on("push", &push).ends();
    outcome.exits(0).has_output("state", "pending");

    change.shop.comment(issue, "monalisa", &format!("/approve {}", &change.commit[..7]));
    let outcome = change.gate(&repository).on("push", &push).ends();
    outcome.exits(0).has_output("state", "approved").has_output("approvers", "[\"hubot\",\"monalisa\"]");
    assert!(matches!(change.shop.issues()[..], [(_, _, false)]));
}

#[test]
fn a_gate_that_waits_closes_what_it_opened_when_it_is_told_to_end() {
    let (change, repository) = (Change::new(), checkout(APPROVALS));
    let running = change.gate(&repository).input("wait", "30m").on("push", &json!({})).starts();
    let begin = Instant::now();
    while change.shop.issues().is_empty() {
        assert!(begin.elapsed() < Duration::from_mins(1), "no issue was opened");
        std::thread::sleep(Duration::from_millis(20));
    }
    running.terminate();
    let told = Instant::now();
    running.ends().exits(3).says("SIGTERM");
    assert!(told.elapsed() < Duration::from_secs(5));
    assert!(matches!(change.shop.issues()[..], [(_, _, false)]));
}

#[test]
fn the_policy_is_the_default_branch_s_when_a_stranger_can_cause_the_event() {
    let change = Change::new();
    let lax = checkout("version: 1\nenvironments: {production: {gate: {confirm: YES}}}\n");
    let strict = "version: 1\nenvironments: {production: {gate: {confirm: DEPLOY TO PRODUCTION}}}\n";
    let ask = |phrase: &str| {
        let pull_request = json!({"pull_request": {"number": 1}});
        change.gate(&lax).input("confirm", phrase).on("pull_request", &pull_request).ends()
    };
    // There is none yet: nothing is decided.
    ask("YES").exits(3).has_output("state", "undecided");
    change.shop.commit("main", "Gate", &[File::new(".github/sluice.yml", strict)]);
    ask("YES").exits(1).has_output("state", "rejected").says("DEPLOY TO PRODUCTION");
    ask("DEPLOY TO PRODUCTION").exits(0).has_output("state", "approved");
    change
        .github
        .faults(|_| Some(sluice_github_fake::Fault::Answer(sluice_github_fake::Reply::error(403, "no"))));
    ask("YES").exits(3).has_output("state", "undecided");
}

#[test]
fn a_comment_that_starts_a_run_is_heard_although_its_author_started_the_run() {
    let (change, repository) = (Change::new(), checkout(APPROVALS));
    change.shop.commit("main", "Gate", &[File::new(".github/sluice.yml", APPROVALS)]);
    let head = change.shop.head("main").unwrap();
    let other = Change { commit: head, ..change };
    // The new head came by no pull request, so that only the issue counts.
    other.gate(&repository).on("push", &json!({})).ends().exits(1).has_output("state", "pending");
    let [(issue, _, true)] = other.shop.issues()[..] else { panic!("one open issue") };
    for by in ["hubot", "monalisa"] {
        other.shop.comment(issue, by, &format!("/approve {}", &other.commit[..7]));
    }
    other.shop.started(other.run, "monalisa", "monalisa");
    let commented = json!({"issue": {"number": issue}});
    other.gate(&repository).on("issue_comment", &commented).ends().exits(0).has_output("state", "approved");
}
