//! Many workloads at once: one watch a kind, however many there are.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use serde_json::Value;
use sluice_kubernetes_fake::Request;

use crate::rollout::shop::Shop;

const DEPLOYMENTS: usize = 200;
const STATEFUL_SETS: usize = 5;

/// Most of them have no pods: what is watched is the same.
fn many() -> Shop {
    let shop = Shop::new();
    for number in 0..DEPLOYMENTS {
        shop.workload("Deployment", &format!("web-{number}"), "shop/web:1", i64::from(number < 5));
    }
    for number in 0..STATEFUL_SETS {
        shop.workload("StatefulSet", &format!("db-{number}"), "shop/web:1", 1);
    }
    let is_running = |pod: &Value| pod["status"]["phase"] == "Running";
    let is_observed = |deployment: &Value| deployment["status"]["observedGeneration"] == 1;
    shop.kubernetes.until_within(Duration::from_mins(2), "all run", |cluster| {
        cluster.all("pods", "shop").iter().filter(|pod| is_running(pod)).count() == 5 + STATEFUL_SETS
            && cluster.all("deployments", "shop").iter().all(is_observed)
    });
    shop
}

/// How many watches of each kind were begun.
fn watches(requests: &[Request]) -> BTreeMap<String, usize> {
    let mut watches = BTreeMap::new();
    for request in requests.iter().filter(|request| request.is_watch()) {
        let kind = request.path.rsplit('/').next().unwrap_or_default();
        *watches.entry(kind.to_owned()).or_default() += 1;
    }
    watches
}

#[test]
fn two_hundred_workloads_are_watched_by_one_watch_a_kind() {
    let shop = many();
    let before = shop.kubernetes.requests().len();
    let outcome = shop.rollout(&["status"]).ends();
    outcome.exits(0).says("205 of 205 workloads are done");
    // It looks once.
    assert_eq!(watches(&shop.kubernetes.requests()[before..]), BTreeMap::new());

    let before = shop.kubernetes.requests().len();
    let began = Instant::now();
    shop.rollout(&["deploy", "--selector=app", "--image=shop/web:2", "--timeout=5m"]).ends().exits(0);
    assert_eq!(shop.running("web-"), ["shop/web:2"; 5]);
    let watches = watches(&shop.kubernetes.requests()[before..]);
    let kinds = ["deployments", "endpointslices", "pods", "replicasets", "services", "statefulsets"];
    assert_eq!(watches.keys().map(String::as_str).collect::<Vec<_>>(), kinds);
    // Each is begun anew every fifteen seconds.
    let most = 2 + usize::try_from(began.elapsed().as_secs() / 15).unwrap();
    assert!(watches.values().all(|count| *count <= most), "{watches:?}, {most} at most");
    shop.is_clean();
}
