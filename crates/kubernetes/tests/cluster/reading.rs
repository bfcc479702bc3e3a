//! Gets, lists, watches.

use futures_util::StreamExt as _;
use sluice_kubernetes::{Error, Seen, Selector, api::core::v1::ConfigMap};
use sluice_kubernetes_fake::{Fault, Kubernetes, KubernetesReply as _, Reply};

use crate::support::{block_on, cluster, config_map};

#[test]
fn an_object_is_read_and_one_that_is_not_there_is_told() {
    let kubernetes = Kubernetes::start();
    kubernetes.create("shop", &config_map("settings", "one"));
    block_on(async {
        let cluster = cluster(&kubernetes).await;
        assert_eq!((cluster.name(), cluster.namespace()), ("test", "shop"));
        assert_eq!(cluster.version().await.unwrap(), "v1.36.1");
        let found: ConfigMap = cluster.get("settings").await.unwrap();
        assert_eq!(found.data.unwrap()["key"], "one");
        let missing = cluster.get::<ConfigMap>("setings").await.unwrap_err();
        assert_eq!(missing, Error::NotFound { what: r#"configmaps "setings" in namespace "shop""#.into() });
    });
}

#[test]
fn a_list_is_read_to_its_last_page() {
    let kubernetes = Kubernetes::start();
    for number in 0..1201 {
        kubernetes.create("shop", &config_map(&format!("settings-{number:04}"), "one"));
    }
    block_on(async {
        let cluster = cluster(&kubernetes).await;
        let all = cluster.list::<ConfigMap>(&Selector::all()).await.unwrap();
        // The roots of the cluster are in every namespace.
        assert_eq!(all.items.len(), 1202);
        let one = cluster.list::<ConfigMap>(&Selector::named("settings-0042")).await.unwrap();
        assert_eq!(one.items.len(), 1);
    });
    assert!(kubernetes.requests().len() >= 4);
}

#[test]
fn a_list_that_the_server_forgets_between_two_pages_is_read_anew() {
    let kubernetes = Kubernetes::start();
    for number in 0..600 {
        kubernetes.create("shop", &config_map(&format!("settings-{number:04}"), "one"));
    }
    let mut is_forgotten = false;
    kubernetes.faults(move |request| {
        let is_second =
            request.parameter("continue").is_some() && !std::mem::replace(&mut is_forgotten, true);
        let message = "The provided continue parameter is too old to display a consistent list result.";
        is_second.then(|| Fault::Answer(Reply::refusal(410, "Expired", message)))
    });
    block_on(async {
        let cluster = cluster(&kubernetes).await;
        assert_eq!(cluster.list::<ConfigMap>(&Selector::all()).await.unwrap().items.len(), 601);
    });
}

#[test]
fn a_watch_tells_what_changes() {
    let kubernetes = Kubernetes::start();
    kubernetes.create("shop", &config_map("a", "one"));
    block_on(async {
        let cluster = cluster(&kubernetes).await;
        let mut seen = cluster.watch::<ConfigMap>(&Selector::named("a"));
        let Seen::All(all) = seen.next().await.unwrap().unwrap() else { panic!("all come first") };
        assert_eq!(all.len(), 1);
        kubernetes.edit("kubectl-edit", "configmaps", "shop", "a", |map| map["data"]["key"] = "two".into());
        let Seen::Applied(map) = seen.next().await.unwrap().unwrap() else { panic!("it changed") };
        assert_eq!(map.data.unwrap()["key"], "two");
        kubernetes.delete("configmaps", "shop", "a");
        assert!(matches!(seen.next().await.unwrap().unwrap(), Seen::Deleted(_)));
    });
}
