//! One run at a time, and runs that end before they are done.

use std::time::{Duration, Instant};

use serde_json::Value;
use sluice_kubernetes_fake::{Behaviour, Fault, KubernetesReply as _, Reply};

use crate::rollout::shop::Shop;

const DEPLOY: [&str; 3] = ["deploy", "--workload=deployment/web", "--image=shop/web:2"];

/// How long a lease lasts that is not renewed.
const LEASE: Duration = Duration::from_secs(15);

/// A shop in which a deployment waits for pods that take this long.
fn slow(time: Duration) -> Shop {
    let shop = Shop::with_web(2);
    shop.kubernetes.image("shop/web:2").behaves(Behaviour::Slow(time));
    shop
}

fn until_changed(shop: &Shop) {
    shop.kubernetes.until("it is changed", |_| shop.image("deployments", "web") == "shop/web:2");
}

/// Lets a field of the lease be another.
fn lease(shop: &Shop, field: &str, value: impl Into<Value>) {
    let name = "sluice-rollout-deployment-web";
    shop.kubernetes.edit("tester", "leases.coordination.k8s.io", "shop", name, |lease| {
        lease["spec"][field] = value.into();
    });
}

fn lease_has_run_out(shop: &Shop) {
    lease(shop, "renewTime", "2026-01-02T03:04:05.000000Z");
}

#[test]
fn one_rollout_at_a_time() {
    let shop = slow(Duration::from_secs(3));
    let first = shop.rollout(&DEPLOY).starts();
    until_changed(&shop);
    let outcome = shop.rollout(&["deploy", "--workload=deployment/web", "--image=shop/web:3"]).ends();
    outcome.exits(1).says("another rollout is at it").says("holds the lease");
    assert_eq!(shop.image("deployments", "web"), "shop/web:2");
    first.ends().exits(0);
}

#[test]
fn an_interrupted_run_is_finished_or_rolled_back() {
    for (kill, back, image) in [
        (false, false, "shop/web:2"),
        (false, true, "shop/web:1"),
        (true, false, "shop/web:2"),
        (true, true, "shop/web:1"),
    ] {
        let shop = slow(Duration::from_secs(2));
        let running = shop.rollout(&DEPLOY).starts();
        until_changed(&shop);
        let told = Instant::now();
        if kill {
            running.kill()
        } else {
            running.terminate()
        };
        let outcome = running.ends();
        if kill {
            lease_has_run_out(&shop);
        } else {
            outcome.exits(3).says("rollout resume");
            assert!(told.elapsed() < Duration::from_secs(5));
        }
        // No other run comes in between.
        shop.rollout(&["deploy", "--workload=deployment/web", "--image=shop/web:3"])
            .ends()
            .exits(1)
            .says("rollout resume");
        let words = if back { &["resume", "--back"][..] } else { &["resume"][..] };
        let change = if back { "shop/web:2 → shop/web:1" } else { "shop/web:1 → shop/web:2" };
        shop.rollout(words).ends().exits(0).says(change);
        assert_eq!(shop.running("web-"), [image; 2]);
        shop.is_clean();
        let outcome = shop.rollout(&["resume"]).ends();
        outcome.exits(0).says("nothing was interrupted");
    }
}

#[test]
fn who_takes_a_run_up_waits_for_its_lease() {
    let shop = slow(Duration::from_secs(2));
    let running = shop.rollout(&DEPLOY).starts();
    until_changed(&shop);
    running.kill();
    running.ends();
    // From its last renewal on, which is five seconds ago at most.
    lease(&shop, "leaseDurationSeconds", 8);
    shop.rollout(&["resume"]).ends().exits(0).says("waiting for the lease: sluice-rollout");
    assert_eq!(shop.running("web-"), ["shop/web:2"; 2]);
    shop.is_clean();
}

/// A machine stood still, another took the run up: the first must not write again.
#[test]
fn who_has_lost_its_lease_writes_no_more() {
    let shop = slow(Duration::from_secs(30));
    let frozen = shop.rollout(&DEPLOY).starts();
    until_changed(&shop);
    frozen.freeze();
    lease_has_run_out(&shop);
    shop.rollout(&["resume", "--back"]).ends().exits(0);
    let writes = shop.writes();
    frozen.thaw();
    frozen.ends().exits(3).says("the lease of this run was lost");
    assert_eq!(shop.running("web-"), ["shop/web:1"; 2]);
    // It tried to renew its lease, and no more.
    assert!(shop.writes() <= writes + 2, "{} writes more", shop.writes() - writes);
    shop.is_clean();
}

/// An API server that is away for longer than the lease lasts: the run stands still, and goes on when nobody took it up.
#[test]
fn a_run_outlasts_an_api_server_that_is_away_for_a_while() {
    let shop = slow(Duration::from_secs(5));
    let running = shop.rollout(&DEPLOY).starts();
    until_changed(&shop);
    shop.kubernetes.faults(|_| Some(Fault::Reset));
    std::thread::sleep(LEASE + Duration::from_secs(4));
    shop.kubernetes.faults(|_| None);
    running.ends().exits(0);
    assert_eq!(shop.running("web-"), ["shop/web:2"; 2]);
    shop.is_clean();
}

/// While nothing happens it is the renewal of the lease that meets it.
#[test]
fn a_run_whose_token_ends_says_so_and_can_be_resumed() {
    let shop = slow(Duration::from_mins(1));
    let running = shop.rollout(&DEPLOY).starts();
    until_changed(&shop);
    shop.kubernetes.faults(|request| (request.method == "PUT").then(|| Fault::Answer(Reply::unauthorized())));
    running.ends().exits(3).says("the cluster does not take the credentials").says("rollout resume");
}

#[test]
fn a_run_that_ended_while_another_waited_for_it_is_not_made_again() {
    let shop = slow(Duration::from_millis(800));
    let running = shop.rollout(&DEPLOY).starts();
    until_changed(&shop);
    let resumed = shop.rollout(&["resume", "--back"]).ends();
    resumed.exits(1).says("it went on, and has ended");
    running.ends().exits(0);
    assert_eq!(shop.running("web-"), ["shop/web:2"; 2]);
    shop.is_clean();
}

#[test]
fn what_someone_changed_meanwhile_is_overwritten_when_that_is_said() {
    let shop = slow(Duration::from_secs(2));
    let running = shop.rollout(&DEPLOY).starts();
    until_changed(&shop);
    running.terminate();
    running.ends().exits(3);
    shop.kubernetes.edit("kubectl-edit", "deployments", "shop", "web", |web| {
        web["spec"]["template"]["spec"]["containers"][0]["image"] = "shop/web:hotfix".into();
    });
    shop.rollout(&["resume", "--force"]).ends().exits(0);
    assert_eq!(shop.running("web-"), ["shop/web:2"; 2]);
    shop.is_clean();
}

#[test]
fn told_to_end_before_anything_was_changed_it_says_so() {
    let shop = Shop::with_web(1);
    shop.kubernetes.faults(|request| {
        let begins = request.method == "POST" && request.path.ends_with("/leases");
        begins.then_some(Fault::Delay(Duration::from_secs(1)))
    });
    let running = shop.rollout(&DEPLOY).starts();
    shop.kubernetes.until("it takes its lease", |kubernetes| {
        kubernetes.requests().iter().any(|request| request.path.ends_with("/leases"))
    });
    running.terminate();
    let outcome = running.ends();
    outcome.exits(3);
    assert!(!outcome.stderr.contains("rollout resume"), "{}", outcome.stderr);
    assert_eq!(shop.image("deployments", "web"), "shop/web:1");
    assert!(!shop.has_journal());
}

/// The answer was lost, and what stands there is not what was sent: it is known all the same.
#[test]
fn what_a_webhook_changed_is_known_by_its_run() {
    let shop = Shop::with_web(1);
    shop.kubernetes.webhook("configmaps", |map| {
        map["metadata"]["labels"]["app.kubernetes.io/managed-by"] = "webhook".into();
    });
    shop.kubernetes.webhook("jobs", |job| {
        let containers = job["spec"]["template"]["spec"]["containers"].as_array_mut();
        containers.unwrap().push(serde_json::json!({"name": "sidecar", "image": "mesh:1"}));
    });
    shop.repository.write(
        "migrate.yml",
        "apiVersion: batch/v1\nkind: Job\nmetadata: {name: migrate}\nspec:\n  template:\n    spec: {restartPolicy: Never, containers: [{name: main, image: \"shop/migrate:1\"}]}\n",
    );
    let mut lost = Vec::new();
    shop.kubernetes.faults(move |request| {
        let is_first = request.method == "POST"
            && (request.path.ends_with("/configmaps") || request.path.ends_with("/jobs"))
            && !lost.contains(&request.path);
        is_first.then(|| {
            lost.push(request.path.clone());
            Fault::LoseReply
        })
    });
    shop.rollout(&DEPLOY).argument("--migrations=migrate.yml").ends().exits(0);
    assert_eq!(shop.running("web-"), ["shop/web:2"]);
    shop.is_clean();
}
