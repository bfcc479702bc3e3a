//! The reusable workflow `approve.yml`: a push asks, comments are counted, and the gate opens without a runner that waits.

use serde_json::json;
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
