//! Creates, patches, applies, deletes.

use serde_json::json;
use sluice_kubernetes::{
    Contested, Error, JsonPatch, Object, Ownership, Preconditions,
    api::core::v1::{ConfigMap, Service},
};
use sluice_kubernetes_fake::{Fault, Kubernetes, Reply};

use crate::support::{block_on, cluster, config_map, service};

fn switch(from: &str, to: &str) -> JsonPatch {
    JsonPatch::new().test("/spec/selector/colour", from).replace("/spec/selector/colour", to)
}

#[test]
fn a_patch_is_held_to_what_stands_there() {
    let kubernetes = Kubernetes::start();
    kubernetes.create("shop", &service("web", "blue"));
    block_on(async {
        let cluster = cluster(&kubernetes).await;
        let switched: Service = cluster.patch("web", &switch("blue", "green")).await.unwrap();
        assert_eq!(switched.spec.unwrap().selector.unwrap()["colour"], "green");
        let again = cluster.patch::<Service>("web", &switch("blue", "green")).await.unwrap_err();
        assert_eq!(
            again.to_string(),
            r#"services "web" in namespace "shop" has "green" at /spec/selector/colour, not "blue""#
        );
        assert!(matches!(again, Error::TestFailed { .. }));
    });
}

#[test]
fn what_the_server_warns_of_is_kept_once() {
    let kubernetes = Kubernetes::start();
    kubernetes.create("shop", &config_map("settings", "one"));
    kubernetes.faults(|_| {
        let warning = r#"299 - "would violate PodSecurity \"restricted:latest\"""#;
        let headers = [("content-type", "application/json"), ("warning", warning)];
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        let body = config_map("settings", "one").to_string().into_bytes();
        Some(Fault::Answer(Reply { status: 200, headers, body }))
    });
    block_on(async {
        let cluster = cluster(&kubernetes).await;
        for _ in 0..2 {
            cluster.rehearsing().get::<ConfigMap>("settings").await.unwrap();
        }
        assert_eq!(cluster.warnings(), [r#"would violate PodSecurity "restricted:latest""#]);
    });
}

#[test]
fn what_another_applied_is_not_taken_unless_that_is_said() {
    let kubernetes = Kubernetes::start();
    kubernetes.create_as("argocd-controller", "shop", &config_map("settings", "one"));
    block_on(async {
        let cluster = cluster(&kubernetes).await;
        let ours = Object::new(config_map("settings", "two")).unwrap();
        let refused = cluster.apply(&ours, Ownership::Respect).await.unwrap_err();
        let Error::Conflict { fields, .. } = &refused else { panic!("{refused:?}") };
        let contested = Contested { field: ".data.key".into(), manager: "argocd-controller".into() };
        assert_eq!(*fields, [contested]);
        let taken = cluster.apply(&ours, Ownership::Take).await.unwrap();
        assert_eq!(taken.at("/data/key"), Some(&json!("two")));
    });
}

/// The API server reads what is applied as YAML 1.1, which takes more letters for ends of lines than JSON does.
#[test]
fn what_is_applied_is_what_is_there() {
    let kubernetes = Kubernetes::start();
    let text = "a \u{2028} b \u{2029} c \u{85} d \u{7f}\u{80}\u{9f} \u{feff}\u{fffe}\u{ffff} \u{a0}\u{fffd} 😀 \t\"\\ \n";
    block_on(async {
        let cluster = cluster(&kubernetes).await;
        let ours = Object::new(config_map("settings", text)).unwrap();
        let applied = cluster.apply(&ours, Ownership::Respect).await.unwrap();
        assert_eq!(applied.at("/data/key"), Some(&json!(text)));
    });
}

#[test]
fn an_object_is_made_once_and_deleted_by_its_uid() {
    let kubernetes = Kubernetes::start();
    block_on(async {
        let cluster = cluster(&kubernetes).await;
        let map: ConfigMap = serde_json::from_value(config_map("settings", "one")).unwrap();
        let made = cluster.create(&map).await.unwrap();
        assert!(matches!(cluster.create(&map).await, Err(Error::AlreadyExists { .. })));
        let other = cluster.delete::<ConfigMap>("settings", &Preconditions::uid("another")).await;
        assert!(matches!(other, Err(Error::Conflict { .. })));
        let this = Preconditions::uid(made.metadata.uid.unwrap());
        cluster.delete::<ConfigMap>("settings", &this).await.unwrap();
        assert!(kubernetes.get("configmaps", "shop", "settings").is_null());
    });
}
