//! The example `first-pipeline`: one job with all five actions.

use serde_json::json;
use sluice_end_to_end::Server;
use sluice_github_fake::{File, GitHub, Run as ToldRun};
use sluice_pipelines::{Event, Run, Runner, example};

use crate::around;

const OVERLAY: &str =
    "resources: [../../base]\nimages:\n  - name: registry.example.com/shop/backend\n    newTag: v1\n";

/// A change of the backend is pushed, with a freeze so many days away; gives the run, and the messages.
fn pushed(days: i64) -> (Run, Vec<String>) {
    let github = GitHub::start();
    let shop = github.repository("acme/shop");
    let service = Server::answering(|_| (200, json!({"status": "UP"}).to_string()));
    let url = service.url("");
    let freeze = around(days);
    let replacements = [
        ("https://dev.shop.example.com", url.as_str()),
        ("from: \"Fri 18:00\", until: \"Mon 07:00\"", freeze.as_str()),
    ];
    let mut files = example("first-pipeline", &replacements);
    files.push(File::new("k8s/overlays/dev/kustomization.yaml", OVERLAY));
    shop.commit("main", "Begin", &files);
    shop.run(ToldRun {
        workflow: "deliver.yml".to_owned(),
        ..ToldRun::success("main", &shop.head("main").unwrap())
    });
    shop.commit("main", "Sell", &[File::new("services/backend/main.py", "VERSION = 2\n")]);
    let slack = Server::answering(|_| (200, "ok".to_owned()));
    let runner = Runner::new(&github).secret("SLACK_WEBHOOK_URL", &slack.url("/services/T0/B0/sEcReT"));
    let run = runner.runs(&shop, &Event::push(&shop, "main"));
    (run, slack.received().into_iter().map(|message| message.body).collect())
}

#[test]
fn a_change_passes_all_five() {
    let (run, messages) = pushed(3);
    run.ends("success");
    let steps = &run.job("deliver").steps;
    assert!(steps.iter().all(|step| step.conclusion == "success"), "{}", run.trace());
    assert!(messages[0].contains("Succeeded in dev"), "{messages:?}");
}

#[test]
fn a_freeze_holds_it_and_people_are_told() {
    let (run, messages) = pushed(0);
    run.ends("failure");
    let job = run.job("deliver");
    assert_eq!(job.step("May it go there?").conclusion, "failure");
    assert_eq!(job.step("Is it well?").conclusion, "skipped");
    assert!(messages[0].contains("Failed in dev"), "{messages:?}");
}
