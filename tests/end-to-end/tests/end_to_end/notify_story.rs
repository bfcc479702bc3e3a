//! notify and GitHub: what it reads of the pipeline there, and what it keeps there.

use serde_json::{Value, json};
use sluice_end_to_end::{Outcome, Repository, Run, Server};
use sluice_github_fake::{
    Fault, File, GitHub, GitHubReply as _, Job, Repository as Remote, Run as WorkflowRun,
};

const CONFIG: &str = "\
version: 1
components:
  backend: {paths: ['src/**'], image: registry.example.com/shop/backend}
environments: {dev: {}, production: {}}
channels:
  team: {slack: {webhook: {env: SLACK}}}
  tickets: {issue: {labels: [incident], assignees: [octocat]}}
  commit: {status: {}}
  records: {deployment: {}}
  security: {findings: {}}
notify:
  - {on: [failure], environments: [production], channels: [tickets, commit], incident: true, mention: [octocat]}
  - {on: [success, failure, recovery], channels: [commit, team]}
";

fn report(action: &str, verdict: &str, title: &str) -> Value {
    json!({
        "schema": 1, "action": action, "verdict": verdict, "title": title,
        "started_at": "2026-01-02T03:04:05Z", "duration": 1.0,
    })
}

/// A shop on GitHub with a commit, and a run of its workflow.
struct Shop {
    github: GitHub,
    remote: Remote,
    repository: Repository,
    slack: Server,
    commit: String,
}

impl Shop {
    fn new() -> Self {
        let github = GitHub::start();
        let remote = github.repository("acme/shop");
        let commit = remote.commit("main", "Begin", &[]);
        let repository = Repository::new();
        repository.write(".github/sluice.yml", CONFIG);
        let slack = Server::answering(|_| (200, "ok".to_owned()));
        Self { github, remote, repository, slack, commit }
    }

    /// A run of the workflow for this commit: its number.
    fn ran(&self, conclusion: &str) -> u64 {
        let conclusion = conclusion.to_owned();
        self.remote.run(WorkflowRun { conclusion, ..WorkflowRun::success("main", &self.commit) })
    }

    fn notify(&self, run: u64) -> Run<'_> {
        let mut notify = self
            .repository
            .run("notify")
            .input("environment", "production")
            .input("token", "ghs_0123456789")
            .variable("SLACK", &self.slack.url("/services/T0/B0/sEcReT"))
            .variable("GITHUB_RUN_ID", &run.to_string())
            .variable("GITHUB_REF_NAME", "main")
            .variable("GITHUB_SHA", &self.commit)
            .variable("GITHUB_WORKFLOW_REF", "acme/shop/.github/workflows/deploy.yml@refs/heads/main");
        for (name, value) in self.github.variables() {
            notify = notify.variable(name, &value);
        }
        notify
    }

    fn reports(&self, reports: &[Value]) {
        for (index, report) in reports.iter().enumerate() {
            self.repository.write(format!("reports/job-{index}/{index}.json"), report.to_string());
        }
    }
}

#[test]
fn an_incident_is_one_ticket_from_its_failure_to_its_end() {
    let shop = Shop::new();
    let (first, second, third) = (shop.ran("failure"), shop.ran("failure"), shop.ran("success"));
    let failing = |run: u64| shop.notify(run).input("needs", r#"{"smoke": {"result": "failure"}}"#);
    failing(first).in_actions().ends().exits(0).has_output("event", "failure");
    // Asked again, it says nothing twice.
    failing(first).in_actions().ends().exits(0);
    let [(title, comments)] = shop.remote.tickets().try_into().unwrap();
    assert_eq!(title, "Failed in production: job smoke: failed, and no report says why");
    assert!(comments.is_empty(), "{comments:?}");
    failing(second).in_actions().ends().exits(0);
    assert_eq!(shop.remote.tickets()[0].1.len(), 1);
    assert_eq!(shop.remote.tickets().len(), 1);

    // Of several environments the run before was surely about this one.
    shop.remote.job(
        second,
        Job {
            name: "smoke (production)".into(),
            conclusion: Some("failure".into()),
            seconds: 1,
            steps: Vec::new(),
        },
    );
    let over = shop.notify(third).input("needs", r#"{"smoke": {"result": "success"}}"#);
    over.in_actions().ends().exits(0).has_output("event", "recovery");
    let [(_, text, is_open)] = shop.remote.issues().try_into().unwrap();
    assert!(!is_open);
    assert!(text.starts_with("<!-- sluice:ticket ") && text.contains("cc @octocat"), "{text}");
    let states: Vec<Value> =
        shop.remote.set_statuses().into_iter().map(|(_, status)| status["state"].clone()).collect();
    assert_eq!(states, ["failure", "failure", "failure", "success"]);
}

#[test]
fn two_runs_at_once_leave_one_ticket() {
    let shop = Shop::new();
    let runs = [shop.ran("failure"), shop.ran("failure")];
    // The first one to open it is held until the other one has looked for it.
    let mut lists = 0;
    shop.github.faults(move |request| {
        lists += usize::from(request.method == "GET" && request.path.ends_with("/issues"));
        (request.method == "POST" && request.path.ends_with("/issues") && lists < 2)
            .then(|| Fault::Delay(std::time::Duration::from_millis(700)))
    });
    let running: Vec<_> = runs
        .into_iter()
        .map(|run| {
            let channel = shop.notify(run).input("channel", "tickets");
            channel.input("needs", r#"{"smoke": {"result": "failure"}}"#).in_actions().starts()
        })
        .collect();
    for run in running {
        run.ends().exits(0);
    }
    let open = shop.remote.issues().into_iter().filter(|(_, _, is_open)| *is_open).count();
    assert_eq!(open, 1, "{:#?}", shop.remote.issues());
}

#[test]
fn a_ticket_of_a_stranger_is_none_of_ours() {
    let shop = Shop::new();
    let run = shop.ran("failure");
    let failing = |run: u64| shop.notify(run).input("needs", r#"{"smoke": {"result": "failure"}}"#);
    failing(run).in_actions().ends().exits(0);
    let [(number, text, _)] = shop.remote.issues().try_into().unwrap();
    shop.remote.git(&["gc", "--quiet"]);
    let next = shop.ran("failure");
    // The same text, but no label: a stranger can't set one.
    let theirs = shop.remote.open_issue_by("mallory", "Failed", &text, &[]);
    failing(next).in_actions().ends().exits(0);
    let over = shop.ran("success");
    shop.notify(over).input("needs", r#"{"smoke": {"result": "success"}}"#).in_actions().ends().exits(0);
    let open = |wanted: u64| shop.remote.issues().iter().any(|(one, _, is_open)| *one == wanted && *is_open);
    assert!(open(theirs) && !open(number));
}

#[test]
fn hostile_texts_are_dead_in_tickets() {
    let shop = Shop::new();
    let run = shop.ran("failure");
    let hostile =
        "@mallory <!-- sluice:ticket 00 --> #1 [x](https://evil.example) </code> ![](//evil.example) | \n# y";
    let mut smoke = report("smoke-test", "failed", hostile);
    smoke["findings"] = json!([{"subject": hostile, "verdict": "failed", "reason": hostile}]);
    shop.reports(&[smoke]);
    shop.notify(run).input("reports", "reports").in_actions().ends().exits(0);
    let [(_, text, _)] = shop.remote.issues().try_into().unwrap();
    assert_eq!(text.matches("<!--").count(), 2, "{text}");
    assert_eq!(text.matches('@').count(), 1, "only the configured mention: {text}");
    for dead in ["](https://evil", "![", "# y", " #1"] {
        assert!(!text.contains(dead), "{dead}: {text}");
    }
}

#[test]
fn jobs_steps_and_logs_are_told_from_the_api() {
    let shop = Shop::new();
    let run = shop.ran("failure");
    shop.remote.job(
        run,
        Job {
            name: "smoke (eu)".into(),
            conclusion: Some("failure".into()),
            seconds: 94,
            steps: vec![("Check the shop".into(), "failure".into())],
        },
    );
    shop.notify(run).input("needs", r#"{"smoke": {"result": "failure"}}"#).in_actions().ends().exits(0);
    let [(_, text, _)] = shop.remote.issues().try_into().unwrap();
    assert!(text.contains("1m 34s") && text.contains("Check the shop") && text.contains("/job/1"), "{text}");
}

#[test]
fn a_message_is_sent_though_nothing_is_known_of_the_run() {
    let shop = Shop::new();
    let run = shop.ran("failure");
    shop.github.faults(|request| {
        let is_asked = request.path.contains("/actions/") || request.path.ends_with("/deployments");
        let reply = sluice_github_fake::Reply::error(403, "Resource not accessible by integration");
        is_asked.then_some(Fault::Answer(reply))
    });
    let outcome = shop.notify(run).input("needs", r#"{"smoke": {"result": "success"}}"#).in_actions().ends();
    outcome.exits(0).has_output("event", "success").says("permissions: actions: read");
    assert_eq!(shop.slack.received().len(), 1);
}

/// A shop whose reports tell of a new version of its backend, and a run.
fn with_a_new_version() -> (Shop, u64) {
    let shop = Shop::new();
    let run = shop.ran("success");
    let mut bump = report("bump-image-tag", "passed", "1 image set");
    bump["changes"] = json!([{
        "name": "registry.example.com/shop/backend", "place": "production", "before": "v1.4.1", "after": "v1.4.2",
    }]);
    let digest = format!("sha256:{}", "1".repeat(64));
    bump["subjects"] =
        json!([{"kind": "image", "name": "registry.example.com/shop/backend", "digest": digest}]);
    shop.reports(&[bump]);
    (shop, run)
}

fn record(shop: &Shop, run: u64, event: &str) -> Outcome {
    let notify = shop.notify(run).input("channel", "records").input("reports", "reports");
    notify.input("event", event).in_actions().ends()
}

#[test]
fn a_deployment_is_made_once_and_updated() {
    let (shop, run) = with_a_new_version();
    record(&shop, run, "start").exits(0);
    record(&shop, run, "success").exits(0);
    let [(id, made)] = shop.remote.made_deployments().try_into().unwrap();
    assert_eq!(shop.remote.deployment_states(id), ["in_progress", "success"]);
    assert_eq!(made["payload"]["component"], "backend");
    assert_eq!(made["payload"]["digest"], format!("sha256:{}", "1".repeat(64)));
    assert_eq!(
        (made["environment"].as_str(), made["sha"].as_str()),
        (Some("production"), Some(&*shop.commit))
    );
    // Another run of the same commit deploys anew.
    record(&shop, shop.ran("success"), "start").exits(0);
    assert_eq!(shop.remote.made_deployments().len(), 2);
}

#[test]
fn a_deployment_is_made_once_whichever_reply_is_lost() {
    let mut lost = 0;
    loop {
        let (shop, run) = with_a_new_version();
        let first = shop.github.requests().len() + lost;
        shop.github.faults(move |request| (request.number == first).then_some(Fault::LoseReply));
        record(&shop, run, "start");
        let asked = shop.github.requests().len();
        record(&shop, run, "success").exits(0);
        let [(id, _)] = shop.remote.made_deployments().try_into().unwrap_or_else(|made| {
            panic!("the reply to request {lost} was lost, and these were made: {made:?}")
        });
        assert_eq!(shop.remote.deployment_states(id).last().map(String::as_str), Some("success"));
        if asked <= first {
            break;
        }
        lost += 1;
    }
    assert!(lost > 3, "too few requests to lose the reply of the one that makes it: {lost}");
}

#[test]
fn the_environment_recovers_by_its_own_deployments() {
    let shop = Shop::new();
    let mut bump = report("bump-image-tag", "passed", "1 image set");
    bump["changes"] = json!([{"name": "shop/backend", "place": "production", "before": "v1", "after": "v2"}]);
    shop.reports(&[bump]);
    let tell = |run: u64, environment: &str, event: &str| {
        let notify = shop.notify(run).input("channel", "records").input("reports", "reports");
        notify.input("environment", environment).input("event", event).in_actions().ends()
    };
    let (dev, production, again) = (shop.ran("failure"), shop.ran("success"), shop.ran("success"));
    tell(dev, "dev", "failure").exits(0);
    tell(production, "production", "success").exits(0);
    let told = |environment: &str| {
        let notify = shop.notify(again).input("channel", "team").input("reports", "reports");
        notify.input("environment", environment).in_actions().ends().outputs["event"].clone()
    };
    assert_eq!((told("dev"), told("production")), ("recovery".to_owned(), "success".to_owned()));
}

#[test]
fn findings_are_told_once_until_they_are_gone() {
    let shop = Shop::new();
    let run = shop.ran("failure");
    let tell = |verdict: &str, reason: &str| {
        let mut gate = report("gate-approval", verdict, "rejected");
        gate["findings"] = json!([{
            "subject": "reports", "verdict": verdict, "reason": reason,
            "evidence": ["critical  CVE-2026-0001  go.mod:1  bad"],
        }]);
        shop.reports(&[gate]);
        let notify = shop.notify(run).input("channel", "security").input("reports", "reports");
        notify.in_actions().ends().exits(0);
    };
    tell("failed", "trivy.sarif: 1 critical (0 allowed)");
    tell("failed", "trivy.sarif: 1 critical (0 allowed)");
    assert_eq!(shop.remote.tickets().iter().map(|(_, comments)| comments.len()).collect::<Vec<_>>(), [0]);
    tell("failed", "trivy.sarif: 2 critical (0 allowed)");
    assert_eq!(shop.remote.tickets().iter().map(|(_, comments)| comments.len()).collect::<Vec<_>>(), [1]);
    tell("passed", "trivy.sarif: 0 critical (0 allowed)");
    assert!(!shop.remote.issues()[0].2);
}

#[test]
fn the_commits_between_two_versions_are_told() {
    let shop = Shop::new();
    let run = shop.ran("failure");
    shop.remote.git(&["tag", "v1", &shop.commit]);
    shop.remote.commit("main", "Sell more (#7)", &[File::new("x", "1")]);
    shop.remote.git(&["tag", "v2", "main"]);
    let mut bump = report("bump-image-tag", "failed", "x");
    bump["changes"] = json!([{"name": "shop/backend", "place": "production", "before": "v1", "after": "v2"}]);
    shop.reports(&[bump]);
    shop.notify(run).input("reports", "reports").in_actions().ends().exits(0);
    let [(_, text, _)] = shop.remote.issues().try_into().unwrap();
    assert!(text.contains("Sell more") && text.contains("· #7"), "{text}");
}

#[test]
fn needs_as_large_as_a_variable_can_be_is_read() {
    let shop = Shop::new();
    let run = shop.ran("success");
    let long = "x".repeat(100);
    let mut needs = serde_json::Map::new();
    while serde_json::to_string(&needs).unwrap().len() < 130_000 {
        let name = format!("job-{}", needs.len());
        needs.insert(name, json!({"result": "success", "outputs": {"tag": "", "text": long}}));
    }
    needs.insert("smoke".into(), json!({"result": "failure", "outputs": {}}));
    let needs = Value::Object(needs).to_string();
    let outcome = shop.notify(run).input("needs", &needs).in_actions().ends();
    outcome.exits(0).has_output("event", "failure").says("job-0.tag").says("masked value");
}
