//! The reusable workflow `approve.yml`: a push asks, comments are counted, and the gate opens without a runner that waits.

use serde_json::json;
use sluice_end_to_end::Server;
use sluice_github_fake::{File, GitHub, Repository};
use sluice_pipelines::{Event, Run, Runner};

const CALLER: &str = "
name: Deliver
on:
  push: {branches: [main]}
  issue_comment: {types: [created]}
permissions: {}
jobs:
  approve:
    if: github.event_name == 'push' || contains(github.event.issue.labels.*.name, 'gate-approval')
    permissions: {contents: read, pull-requests: read, checks: read, statuses: read, actions: read, deployments: write, issues: write, packages: read, id-token: write}
    uses: sluice-actions/sluice/.github/workflows/approve.yml@v1
    with: {environment: production}
  deploy:
    needs: approve
    if: needs.approve.outputs.state == 'approved'
    runs-on: ubuntu-24.04
    steps: [{name: say, run: 'echo ${{ needs.approve.outputs.commit }}'}]
";

const CONFIG: &str = "
version: 1
environments:
  production:
    source-branch: main
    gate:
      approvals: {count: 1, users: [octocat, hubot, monalisa], issue: true}
";

fn comments(github: &GitHub, shop: &Repository, by: &str, text: &str) -> Run {
    let issue = shop.issues()[0].0;
    shop.comment(issue, by, text);
    let event = Event::comment(shop, issue, by, text).labelled(&["gate-approval"]);
    Runner::new(github).runs(shop, &event)
}

#[test]
fn a_comment_of_somebody_else_opens_the_gate() {
    let github = GitHub::start();
    let shop = github.repository("acme/shop");
    let files = [(".github/workflows/deliver.yml", CALLER), (".github/sluice.yml", CONFIG)];
    shop.commit("main", "Begin", &files.map(|(path, content)| File::new(path, content)));
    let commit = shop.head("main").unwrap();

    let run = Runner::new(&github).runs(&shop, &Event::push(&shop, "main"));
    run.ends("success").has_jobs(&[("approve / gate", "success"), ("deploy", "skipped")]);
    assert_eq!(run.job("approve / gate").outputs["state"], "pending");
    assert_eq!(shop.issues().len(), 1, "people are asked in an issue");

    let approve = format!("/approve {}", &commit[..7]);
    let run = comments(&github, &shop, "octocat", &approve);
    run.ends("success").has_jobs(&[("deploy", "skipped")]);

    let run = comments(&github, &shop, "monalisa", &approve);
    run.ends("success").has_jobs(&[("deploy", "success")]);
    assert_eq!(run.job("deploy").step("say").printed.trim(), commit);
    assert!(!shop.issues()[0].2, "what was asked is answered");
    assert_eq!(run.job("approve / gate").permissions["issues"], json!("write").as_str().unwrap());
}

/// The gate waits for its turn behind one that runs, and something newer comes to wait there.
const SUPERSEDED: &str = "
name: Deliver
on: {push: {branches: [main]}}
permissions: {}
jobs:
  older:
    concurrency: {group: sluice-gate-production}
    runs-on: ubuntu-24.04
    steps: [{run: sleep 4}]
  approve:
    permissions: {contents: read, pull-requests: read, checks: read, statuses: read, actions: read, deployments: write, issues: write, packages: read, id-token: write}
    uses: sluice-actions/sluice/.github/workflows/approve.yml@v1
    with: {environment: production}
    secrets: {SLACK_WEBHOOK_URL: '${{ secrets.SLACK_WEBHOOK_URL }}', PAGERDUTY_ROUTING_KEY: '${{ secrets.PAGERDUTY_ROUTING_KEY }}'}
  later: {runs-on: ubuntu-24.04, steps: [{run: sleep 1}]}
  newer:
    needs: later
    concurrency: {group: sluice-gate-production}
    runs-on: ubuntu-24.04
    steps: [{run: 'true'}]
";

#[test]
fn a_gate_that_something_newer_took_the_place_of_is_told_as_cancelled() {
    let github = GitHub::start();
    let shop = github.repository("acme/shop");
    let slack = Server::answering(|_| (200, "ok".to_owned()));
    let config = format!(
        "{CONFIG}channels:\n  team: {{slack: {{webhook: {{env: SLACK_WEBHOOK_URL}}}}}}\n  oncall: {{slack: {{webhook: {{env: PAGERDUTY_ROUTING_KEY}}}}}}\nnotify:\n  - {{on: [success, failure, pending], channels: [oncall]}}\n  - {{on: [cancelled], channels: [team]}}\n"
    );
    let files = [(".github/workflows/deliver.yml", SUPERSEDED), (".github/sluice.yml", &config)];
    shop.commit("main", "Begin", &files.map(|(path, content)| File::new(path, content)));
    let runner = Runner::new(&github)
        .secret("SLACK_WEBHOOK_URL", &slack.url("/services/T0/B0/team"))
        .secret("PAGERDUTY_ROUTING_KEY", &slack.url("/services/T0/B0/oncall"));
    let run = runner.runs(&shop, &Event::push(&shop, "main"));
    run.ends("cancelled").has_jobs(&[("approve / gate", "cancelled"), ("approve / notify", "success")]);
    let told = slack.received();
    let places: Vec<&str> = told.iter().map(|message| message.target.as_str()).collect();
    assert_eq!(places, ["POST /services/T0/B0/team"]);
    assert!(told[0].body.contains("Cancelled in production"), "{}", told[0].body);
    assert!(told[0].body.contains("a newer run in its place"), "{}", told[0].body);
}
