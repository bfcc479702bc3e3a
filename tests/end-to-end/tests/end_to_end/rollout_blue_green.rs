//! Two colours behind one Service: the live one always serves.

use std::time::Duration;

use serde_json::{Value, json};
use sluice_kubernetes_fake::Behaviour;

use crate::rollout::shop::Shop;

const DEPLOY: [&str; 3] = ["deploy", "--service=web", "--image=shop/web:2"];

#[test]
fn from_one_colour_to_the_other_and_back() {
    let shop = Shop::with_colours();
    let outcome = shop.rollout(&DEPLOY).in_actions().ends();
    outcome.exits(0);
    assert_eq!((outcome.outputs["live"].as_str(), outcome.outputs["idle"].as_str()), ("blue", "green"));
    assert_eq!(outcome.outputs["idle-host"], "web-green.shop.svc");
    assert_eq!(shop.running("web-green"), ["shop/web:2"; 3]);
    assert_eq!(shop.live(), "blue");
    shop.is_clean();

    let outcome = shop.rollout(&["switch", "--service=web", "--colour=green"]).in_actions().ends();
    outcome.exits(0);
    assert_eq!((outcome.outputs["live"].as_str(), outcome.outputs["version"].as_str()), ("green", "2"));
    assert!(shop.targets("web").iter().all(|pod| pod.starts_with("web-green")));
    let service = shop.kubernetes.get("services", "shop", "web");
    assert_eq!(service["metadata"]["annotations"]["sluice-actions.github.io/version"], "2");
    assert_eq!(service["metadata"]["labels"]["sluice-actions.github.io/colour"], "green");
    // A step that runs twice means the same colour.
    shop.rollout(&["switch", "--service=web", "--colour=green"]).ends().exits(0).says("already");

    shop.rollout(&["status", "--service=web"]).ends().exits(0).says("green gets the traffic").says("blue");

    // The old colour is gone, and comes back in one call.
    shop.rollout(&["decommission", "--service=web"]).ends().exits(0);
    assert_eq!(shop.running("web-blue"), [""; 0]);
    shop.rollout(&["switch", "--service=web", "--back"]).ends().exits(0);
    assert_eq!(shop.live(), "blue");
    assert_eq!(shop.running("web-blue"), ["shop/web:1"; 3]);
    shop.is_clean();
}

#[test]
fn a_colour_that_does_not_run_never_gets_traffic() {
    let shop = Shop::with_colours();
    shop.kubernetes.image("shop/web:2").behaves(Behaviour::CrashLoop);
    shop.rollout(&DEPLOY).in_actions().ends().exits(1);
    let green = shop.kubernetes.get("deployments", "shop", "web-green");
    assert_eq!(
        (&green["spec"]["replicas"], shop.image("deployments", "web-green").as_str()),
        (&json!(0), "shop/web:1")
    );

    shop.rollout(&DEPLOY).argument("--on-failure=keep").ends().exits(1);
    shop.rollout(&["switch", "--service=web"]).ends().exits(1);
    assert_eq!(shop.live(), "blue");
    assert_eq!(shop.targets("web").len(), 3);
}

#[test]
fn the_live_colour_is_never_scaled_down() {
    let shop = Shop::with_colours();
    shop.rollout(&DEPLOY).ends().exits(0);
    shop.rollout(&["switch", "--service=web"]).ends().exits(0);
    // The traffic goes back to blue while the time of the old colour runs.
    let running = shop
        .rollout(&["decommission", "--service=web", "--after=15s"])
        .starts()
        .until_it_says("blue stays for");
    shop.rollout(&["switch", "--service=web", "--back"]).ends().exits(0);
    running.ends().exits(1).says("blue gets the traffic again");
    assert_eq!(shop.running("web-blue").len(), 3);
    assert_eq!(shop.targets("web").len(), 3);
}

/// An autoscaler of the idle colour.
fn autoscaler(shop: &Shop, least: i64, most: i64) {
    shop.kubernetes.create(
        "shop",
        &json!({
            "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "green"},
            "spec": {
                "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web-green"},
                "minReplicas": least, "maxReplicas": most,
            },
        }),
    );
}

#[test]
fn the_idle_colour_gets_the_size_that_its_autoscaler_allows() {
    for (least, most, size) in [(1, 2, 2), (5, 9, 5), (1, 9, 3)] {
        let shop = Shop::with_colours();
        autoscaler(&shop, least, most);
        shop.rollout(&DEPLOY).ends().exits(0);
        assert_eq!(shop.running("web-green").len(), size, "from {least} to {most}");
    }
}

#[test]
fn what_an_autoscaler_made_of_the_live_colour_meanwhile_is_caught_up_with_before_the_switch() {
    let shop = Shop::with_colours();
    shop.kubernetes.image("shop/web:2").behaves(Behaviour::Slow(Duration::from_secs(2)));
    let running = shop.rollout(&DEPLOY).starts();
    shop.kubernetes.until("it is deployed", |_| shop.image("deployments", "web-green") == "shop/web:2");
    shop.kubernetes.edit("horizontal-pod-autoscaler", "deployments", "shop", "web-blue", |blue| {
        blue["spec"]["replicas"] = 5.into();
    });
    running.ends().exits(0);
    assert_eq!((shop.running("web-green").len(), shop.live().as_str()), (3, "blue"));
    shop.rollout(&["switch", "--service=web", "--colour=green"]).ends().exits(0);
    assert_eq!(shop.targets("web").len(), 5);
    assert!(shop.targets("web").iter().all(|pod| pod.starts_with("web-green")));
}

#[test]
fn a_service_that_another_switched_meanwhile_is_left_alone() {
    let shop = Shop::with_colours();
    shop.rollout(&DEPLOY).ends().exits(0);
    shop.rollout(&["switch", "--service=web", "--record=record.json"]).ends().exits(0);
    shop.kubernetes.edit("kubectl-edit", "services", "shop", "web", |service: &mut Value| {
        service["spec"]["selector"]["colour"] = "blue".into();
    });
    shop.rollout(&["undo", "--record=record.json"]).ends().exits(1);
    assert_eq!(shop.live(), "blue");
}
