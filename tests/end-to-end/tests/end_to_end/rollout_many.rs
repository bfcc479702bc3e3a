//! Many workloads at once: one watch a kind, however many there are.

use std::{collections::BTreeMap, time::Duration};

use serde_json::Value;
use sluice_kubernetes_fake::Request;

use crate::rollout::shop::Shop;

const DEPLOYMENTS: usize = 200;
const STATEFUL_SETS: usize = 5;

/// None of them wants a pod: what is watched is the same.
fn many() -> Shop {
    let shop = Shop::new();
    for number in 0..DEPLOYMENTS {
        shop.workload("Deployment", &format!("web-{number}"), "shop/web:1", 0);
    }
    for number in 0..STATEFUL_SETS {
        shop.workload("StatefulSet", &format!("db-{number}"), "shop/web:1", 0);
    }
    let is_observed = |workload: &Value| workload["status"]["observedGeneration"] == 1;
    shop.kubernetes.until_within(Duration::from_mins(2), "all are seen by their controllers", |cluster| {
        ["deployments", "statefulsets"].iter().all(|kind| cluster.all(kind, "shop").iter().all(is_observed))
    });
    shop.kubernetes.pause();
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
    shop.rollout(&["status"]).ends().exits(0).says("205 of 205 workloads are done");
    // It looks once.
    assert_eq!(watches(&shop.kubernetes.requests()[before..]), BTreeMap::new());

    // One of them is waited for in vain, and all are watched for as long.
    shop.kubernetes.edit("kubectl-scale", "deployments", "shop", "web-0", |web| {
        web["spec"]["replicas"] = 1.into();
    });
    let before = shop.kubernetes.requests().len();
    let deploy = ["deploy", "--selector=app", "--image=shop/web:1"];
    let outcome = shop.rollout(&deploy).argument("--timeout=5s").ends();
    outcome.exits(1).says("deployment/web-0").says("not done after 5s");
    let watches = watches(&shop.kubernetes.requests()[before..]);
    let kinds = ["deployments", "endpointslices", "pods", "replicasets", "services", "statefulsets"];
    assert_eq!(watches, kinds.iter().map(|kind| ((*kind).to_owned(), 1)).collect());
}
