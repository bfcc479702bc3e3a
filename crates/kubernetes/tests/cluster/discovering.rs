//! Kinds, custom ones too, and what may be done with them.

use serde_json::{Value, json};
use sluice_kubernetes::{Error, Object, Ownership, Permission, Selector};
use sluice_kubernetes_fake::Kubernetes;

use crate::support::{block_on, cluster};

fn definition() -> Value {
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "widgets.shop.example.com"},
        "spec": {
            "group": "shop.example.com", "scope": "Namespaced",
            "names": {"kind": "Widget", "listKind": "WidgetList", "plural": "widgets", "singular": "widget"},
            "versions": [{
                "name": "v1", "served": true, "storage": true,
                "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}},
            }],
        },
    })
}

fn widget(size: u32) -> Object {
    Object::new(json!({
        "apiVersion": "shop.example.com/v1", "kind": "Widget", "metadata": {"name": "one"}, "spec": {"size": size},
    }))
    .unwrap()
}

#[test]
fn both_ways_of_discovery_tell_the_same() {
    let kubernetes = Kubernetes::start();
    kubernetes.create("", &definition());
    block_on(async {
        let cluster = cluster(&kubernetes).await;
        let at_once = cluster.kinds().await.unwrap();
        let requests = kubernetes.requests().len();
        assert_eq!((requests, at_once.failed.as_slice()), (2, [].as_slice()));
        kubernetes.without_aggregated_discovery();
        assert_eq!(cluster.kinds().await.unwrap(), at_once);
        let find = |plural: &str| at_once.kinds.iter().find(|kind| kind.plural == plural).unwrap();
        let widgets = find("widgets");
        assert_eq!((widgets.api_version().as_str(), widgets.is_namespaced), ("shop.example.com/v1", true));
        assert!(widgets.can("list") && !find("selfsubjectaccessreviews").can("list"));
        assert!(!find("namespaces").is_namespaced);
        // The version that the server prefers, and no subresource.
        assert_eq!(find("horizontalpodautoscalers").version, "v2");
        assert!(at_once.kinds.iter().all(|kind| !kind.plural.contains('/')));
    });
}

#[test]
fn a_group_that_does_not_answer_is_told() {
    let kubernetes = Kubernetes::start();
    kubernetes.unavailable("batch/v1");
    block_on(async {
        let cluster = cluster(&kubernetes).await.with_patience(std::time::Duration::from_millis(200));
        let at_once = cluster.kinds().await.unwrap();
        assert_eq!(at_once.failed, [("batch/v1".to_owned(), "its server does not answer".to_owned())]);
        kubernetes.without_aggregated_discovery();
        let one_by_one = cluster.kinds().await.unwrap();
        assert_eq!(one_by_one.failed[0].0, "batch/v1");
        assert_eq!(one_by_one.kinds, at_once.kinds);
    });
}

#[test]
fn objects_of_custom_kinds_are_applied_and_listed() {
    let kubernetes = Kubernetes::start();
    block_on(async {
        let cluster = cluster(&kubernetes).await;
        let unknown = cluster.apply(&widget(1), Ownership::Respect).await.unwrap_err();
        assert_eq!(unknown.to_string(), "the cluster serves no Widget of shop.example.com/v1");
        kubernetes.create("", &definition());
        let made = cluster.apply(&widget(1), Ownership::Respect).await.unwrap();
        assert_eq!(made.namespace(), Some("shop"));
        let grown = cluster.apply(&widget(2), Ownership::Respect).await.unwrap();
        assert_eq!(grown.at("/metadata/generation"), Some(&json!(2)));
        let kind = cluster.kind_of(&widget(1)).await.unwrap();
        let all = cluster.list_objects(&kind, &Selector::all()).await.unwrap();
        assert_eq!((all.items.len(), all.items[0].kind()), (1, "Widget"));
        let maps = cluster.kind("v1", "ConfigMap").await.unwrap();
        let maps = cluster.list_objects(&maps, &Selector::all()).await.unwrap();
        assert_eq!((maps.items[0].api_version(), maps.items[0].kind()), ("v1", "ConfigMap"));
        assert!(matches!(cluster.get_object(&kind, "two").await, Err(Error::NotFound { .. })));
    });
}

#[test]
fn what_is_not_allowed_is_found_out_before() {
    let kubernetes = Kubernetes::start();
    kubernetes.forbid("patch", "deployments.apps");
    kubernetes.forbid("get", "pods/log");
    block_on(async {
        let cluster = cluster(&kubernetes).await;
        let needs = [
            Permission::new("get", "deployments.apps"),
            Permission::new("patch", "deployments.apps"),
            Permission::new("get", "pods/log"),
        ];
        let missing = cluster.missing(&needs).await.unwrap();
        let missing: Vec<String> = missing.iter().map(ToString::to_string).collect();
        assert_eq!(missing, ["patch deployments.apps", "get pods/log"]);
    });
}
