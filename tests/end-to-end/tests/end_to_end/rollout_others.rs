//! What others do while a rollout is at work: theirs is left alone, and all the rest is as it was before.

use std::time::Duration;

use serde_json::{Value, json};
use sluice_kubernetes_fake::Behaviour;

use crate::rollout::shop::Shop;

/// Two workloads of one stage, the first of them taken back last.
const DEPLOY: [&str; 5] = [
    "deploy",
    "--workload=deployment/api",
    "--workload=deployment/web",
    "--image=shop/api:2",
    "--image=shop/web:2",
];

fn shop() -> Shop {
    let shop = Shop::with_web(1);
    shop.workload("Deployment", "api", "shop/api:1", 1);
    shop.until_available("api", 1);
    shop
}

fn hotfix(shop: &Shop) {
    shop.kubernetes.edit("kubectl-set", "deployments", "shop", "web", |web| {
        web["spec"]["template"]["spec"]["containers"][0]["image"] = "shop/web:hotfix".into();
    });
}

/// A Job that takes a moment, before anything is changed.
fn slow_job(shop: &Shop) {
    shop.kubernetes.image("shop/wait:1").behaves(Behaviour::Slow(Duration::from_secs(3)));
    let job = json!({
        "apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "wait"},
        "spec": {"backoffLimit": 0, "template": {"spec": {
            "restartPolicy": "Never", "containers": [{"name": "main", "image": "shop/wait:1"}],
        }}},
    });
    shop.repository.write("wait.yml", job.to_string());
}

fn until_the_job_runs(shop: &Shop) {
    shop.kubernetes.until("the job runs", |kubernetes| !kubernetes.all("jobs.batch", "shop").is_empty());
}

#[test]
fn what_can_not_be_taken_back_keeps_nothing_else_from_it() {
    let shop = shop();
    shop.kubernetes.image("shop/api:2").behaves(Behaviour::NeverReady);
    let running = shop.rollout(&DEPLOY).argument("--timeout=8s").in_actions().starts();
    shop.kubernetes.until("both are changed", |_| {
        shop.image("deployments", "web") == "shop/web:2" && shop.image("deployments", "api") == "shop/api:2"
    });
    hotfix(&shop);
    let outcome = running.ends();
    outcome.exits(4).says("deployment/web").says("someone else changed").says("kubectl-set");
    let ends_as: Vec<(Value, Value)> = serde_json::from_str::<Vec<Value>>(&outcome.outputs["workloads"])
        .unwrap()
        .iter()
        .map(|workload| (workload["object"].clone(), workload["after"].clone()))
        .collect();
    let expected =
        [(json!("deployment/api"), json!(["web=shop/api:1"])), (json!("deployment/web"), Value::Null)];
    assert_eq!(ends_as, expected, "what runs there is someone else's");
    assert_eq!(shop.image("deployments", "web"), "shop/web:hotfix");
    assert_eq!(shop.running("api-"), ["shop/api:1"]);
    shop.rollout(&["resume", "--back", "--force"]).ends().exits(0);
    assert_eq!(shop.running("web-"), ["shop/web:1"]);
    shop.is_clean();
}

/// There is no way back to it, but one out of it.
#[test]
fn what_was_removed_does_not_stand_in_the_way_for_ever() {
    let shop = shop();
    shop.kubernetes.image("shop/api:2").behaves(Behaviour::NeverReady);
    let running = shop.rollout(&DEPLOY).argument("--timeout=8s").starts();
    shop.kubernetes.until("it is changed", |_| shop.image("deployments", "web") == "shop/web:2");
    shop.kubernetes.delete("deployments", "shop", "web");
    running.ends().exits(4).says("someone removed it meanwhile").says("resume --back --force");
    assert_eq!(shop.running("api-"), ["shop/api:1"]);
    shop.rollout(&["resume", "--back"]).ends().exits(4).says("resume --back --force");
    let outcome = shop.rollout(&["resume", "--back", "--force"]).ends();
    outcome.exits(0).says("deployment/web: someone removed it");
    shop.is_clean();
}

/// The way out that the README names: then the marks that were left are nobody's.
#[test]
fn a_journal_that_someone_deletes_is_over() {
    let shop = shop();
    shop.kubernetes.image("shop/web:2").behaves(Behaviour::NeverReady);
    let running = shop.rollout(&DEPLOY).starts();
    shop.kubernetes.until("it is changed", |_| shop.image("deployments", "web") == "shop/web:2");
    running.kill();
    running.ends();
    for plural in ["configmaps", "leases.coordination.k8s.io"] {
        for object in shop.kubernetes.all(plural, "shop") {
            shop.kubernetes.delete(plural, "shop", object["metadata"]["name"].as_str().unwrap());
        }
    }
    let words = DEPLOY.map(|word| word.replace(":2", ":3"));
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    shop.rollout(&words).ends().exits(0);
    assert_eq!(shop.running("web-"), ["shop/web:3"]);
    shop.is_clean();
}

/// The run has not come to it: there is nothing of its own to take back, and nothing is broken.
#[test]
fn what_another_changed_first_is_theirs() {
    let shop = shop();
    slow_job(&shop);
    let running = shop.rollout(&DEPLOY).argument("--before=wait.yml").starts();
    until_the_job_runs(&shop);
    hotfix(&shop);
    let outcome = running.ends();
    outcome
        .exits(1)
        .says("it was left alone")
        .says("all that this run had changed is as it was before")
        .says("deployment/web: someone else changed it before this run did");
    assert_eq!(shop.image("deployments", "web"), "shop/web:hotfix");
    assert_eq!(shop.running("api-"), ["shop/api:1"]);
    assert!(!shop.has_journal());
}

/// Where the traffic can't be sent back, what it leads to must stay as it is.
#[test]
fn pods_that_get_the_traffic_are_never_taken_back() {
    let shop = Shop::with_colours();
    for words in [&["deploy", "--service=web", "--image=shop/web:2"][..], &["switch", "--service=web"]] {
        shop.rollout(words).ends().exits(0);
    }
    shop.rollout(&["decommission", "--service=web"]).ends().exits(0);
    let running = shop.rollout(&["switch", "--service=web", "--back", "--stable-for=3s"]).starts();
    shop.kubernetes.until("blue is scaled up and gets the traffic", |_| shop.live() == "blue");
    shop.kubernetes.edit("kubectl-annotate", "services", "shop", "web", |service| {
        service["metadata"]["annotations"]["sluice-actions.github.io/version"] = "mine".into();
    });
    running.ends().exits(4).says("service/web").says("kubectl-annotate");
    assert_eq!((shop.live().as_str(), shop.running("web-blue").len()), ("blue", 3));
}
