//! What goes wrong on the way, and what comes of it.

use std::time::{Duration, Instant};

use serde_json::json;
use sluice_core::Problem;
use sluice_kubernetes::{
    Access, Error, JsonPatch, Object, Ownership, Preconditions, Selector,
    api::core::v1::{ConfigMap, Service},
};
use sluice_kubernetes_fake::{Fault, Kubernetes, KubernetesReply as _, Reply, Request};

use crate::support::{Around, block_on, cluster, config_map, service};

/// Lets this go wrong with the first request that is meant.
fn once(kubernetes: &Kubernetes, fault: Fault, is_meant: impl Fn(&Request) -> bool + Send + 'static) {
    let mut fault = Some(fault);
    kubernetes.faults(move |request| if is_meant(request) { fault.take() } else { None });
}

/// What may pass, and has no effect or none that is known.
fn passing() -> Vec<Fault> {
    vec![
        Fault::Answer(Reply::too_many_requests(0)),
        Fault::Answer(Reply::internal_error()),
        Fault::Answer(Reply::bad_gateway()),
        Fault::Answer(Reply::refusal(503, "ServiceUnavailable", "the server is shutting down")),
        Fault::Reset,
        Fault::LoseReply,
        Fault::CutReply,
        Fault::AnswerAfter(Reply::internal_error()),
        Fault::Delay(Duration::from_millis(50)),
    ]
}

#[test]
fn a_read_is_tried_again() {
    for fault in passing() {
        let kubernetes = Kubernetes::start();
        kubernetes.create("shop", &config_map("settings", "one"));
        once(&kubernetes, fault.clone(), |_| true);
        block_on(async {
            let cluster = cluster(&kubernetes).await;
            let map = cluster.get::<ConfigMap>("settings").await;
            assert!(map.is_ok(), "{fault:?}: {map:?}");
            assert_eq!(cluster.list::<ConfigMap>(&Selector::all()).await.unwrap().items.len(), 2);
        });
    }
}

#[test]
fn a_write_takes_effect_once_whatever_becomes_of_its_answer() {
    for fault in passing() {
        let kubernetes = Kubernetes::start();
        kubernetes.create("shop", &service("web", "blue"));
        let told = format!("{fault:?}");
        block_on(async {
            let cluster = cluster(&kubernetes).await;

            once(&kubernetes, fault.clone(), |request| request.method == "POST");
            let map: ConfigMap = serde_json::from_value(config_map("settings", "one")).unwrap();
            let made = cluster.create(&map).await.expect(&told);
            let uid = made.metadata.uid.clone();

            once(&kubernetes, fault.clone(), |request| request.method == "PATCH");
            let patch = JsonPatch::new()
                .test("/spec/selector/colour", "blue")
                .replace("/spec/selector/colour", "green");
            let switched: Service = cluster.patch("web", &patch).await.expect(&told);
            assert_eq!(switched.spec.unwrap().selector.unwrap()["colour"], "green");

            once(&kubernetes, fault.clone(), |request| request.method == "PUT");
            let mut changed = made;
            changed.data = Some([("key".to_owned(), "two".to_owned())].into());
            let changed = cluster.replace(&changed).await.expect(&told);
            assert_eq!((changed.data.unwrap()["key"].as_str(), changed.metadata.uid.clone()), ("two", uid));

            once(&kubernetes, fault.clone(), |request| request.method == "PATCH");
            let applied = Object::new(config_map("applied", "one")).unwrap();
            cluster.apply(&applied, Ownership::Respect).await.expect(&told);

            once(&kubernetes, fault.clone(), |request| request.method == "DELETE");
            let this = Preconditions::uid(changed.metadata.uid.unwrap());
            cluster.delete::<ConfigMap>("settings", &this).await.expect(&told);
        });
        assert!(kubernetes.get("configmaps", "shop", "settings").is_null());
        let states = kubernetes.states("services", "shop", "web");
        assert_eq!(states.len(), 2, "{told}: one change of the Service");
    }
}

#[test]
fn a_change_whose_answer_is_lost_does_not_undo_what_another_did_meanwhile() {
    let kubernetes = Kubernetes::start();
    kubernetes.create("shop", &service("web", "blue"));
    let mut lost = false;
    kubernetes.faults(move |request| {
        (request.method == "PATCH" && !std::mem::replace(&mut lost, true)).then_some(Fault::LoseReply)
    });
    block_on(async {
        let cluster = cluster(&kubernetes).await;
        let patch =
            JsonPatch::new().test("/spec/selector/colour", "blue").replace("/spec/selector/colour", "green");
        let work = cluster.patch::<Service>("web", &patch);
        let meanwhile = async {
            while kubernetes.get("services", "shop", "web")["spec"]["selector"]["colour"] == "blue" {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            kubernetes.edit("kubectl-edit", "services", "shop", "web", |service| {
                service["spec"]["selector"]["colour"] = "red".into();
            });
        };
        let (answer, ()) = tokio::join!(work, meanwhile);
        // It was read before the other one's change, or after it: never is that change undone.
        assert!(matches!(answer, Ok(_) | Err(Error::TestFailed { .. })), "{answer:?}");
    });
    assert_eq!(kubernetes.get("services", "shop", "web")["spec"]["selector"]["colour"], "red");
}

#[test]
fn the_server_is_left_alone_for_as_long_as_it_asks() {
    let kubernetes = Kubernetes::start();
    once(&kubernetes, Fault::Answer(Reply::too_many_requests(1)), |_| true);
    block_on(async {
        let cluster = cluster(&kubernetes).await;
        let began = Instant::now();
        cluster.version().await.unwrap();
        assert!(began.elapsed() >= Duration::from_secs(1));
    });
}

#[test]
fn what_does_not_pass_is_told() {
    let kubernetes = Kubernetes::start();
    let access = Access::Kubeconfig { path: Some(kubernetes.kubeconfig()), context: None };
    block_on(async {
        let hasty = Around { patience: Duration::from_millis(300), ..Around::default() };
        let cluster = hasty.connect(&access).await.unwrap();
        kubernetes.faults(|_| Some(Fault::Answer(Reply::internal_error())));
        let error = cluster.get::<ConfigMap>("settings").await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "configmaps \"settings\" in namespace \"shop\": the API server answered 500 Internal Server Error: \
             Internal error occurred: etcdserver: request timed out"
        );
        kubernetes.faults(|_| None);
        kubernetes.doorman(|_| false);
        let error = cluster.version().await.unwrap_err();
        assert!(matches!(error, Error::Unauthorized { .. }), "{error:?}");
        drop(kubernetes);
        let error = cluster.version().await.unwrap_err();
        let Error::Unreachable { why, .. } = &error else { panic!("{error:?}") };
        assert!(why.contains("connection refused"), "{why}");
        let problem = Problem::from(error);
        assert_eq!(problem.what, "could not reach the cluster");
        assert!(problem.help.unwrap().contains("private"));
    });
}

#[test]
fn refusals_are_told_apart() {
    let kubernetes = Kubernetes::start();
    kubernetes.create("shop", &service("web", "blue"));
    kubernetes.forbid("patch", "services");
    block_on(async {
        let cluster = cluster(&kubernetes).await;
        let patch = JsonPatch::new().replace("/spec/clusterIP", "10.0.0.9");
        let denied = cluster.patch::<Service>("web", &patch).await.unwrap_err();
        let problem = Problem::from(denied);
        assert_eq!(
            problem.why.unwrap(),
            r#"services "web" is forbidden: User "sluice" cannot patch resource "services" in API group "" in the namespace "shop""#
        );
        assert_eq!(problem.help.unwrap(), "allow `patch` on `services` to it, in a Role of the namespace");
        kubernetes.forbid_nothing();
        let rejected = cluster.patch::<Service>("web", &patch).await.unwrap_err();
        assert!(
            matches!(&rejected, Error::Rejected { why, .. } if why.contains("may not change once set")),
            "{rejected:?}"
        );
        for (code, reason, words) in [
            (403, "Forbidden", r#"admission webhook "policy.example.com" denied the request: no latest tag"#),
            // A policy may use RBAC's words.
            (
                403,
                "Forbidden",
                r#"admission webhook "validate.kyverno.svc-fail" denied the request: containers cannot run as root"#,
            ),
            (
                422,
                "Invalid",
                r#"services "web" is forbidden: ValidatingAdmissionPolicy 'tags' with binding 'tags' denied request: it cannot be"#,
            ),
            (403, "Forbidden", r#"pods "web" is forbidden: exceeded quota: compute"#),
            (
                403,
                "Forbidden",
                r#"pods "web" is forbidden: violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false"#,
            ),
            (
                403,
                "Forbidden",
                r#"configmaps "a" is forbidden: unable to create new content in namespace shop because it is being terminated"#,
            ),
        ] {
            kubernetes.faults(move |_| Some(Fault::Answer(Reply::refusal(code, reason, words))));
            let rejected = cluster.patch::<Service>("web", &patch).await.unwrap_err();
            assert!(matches!(&rejected, Error::Rejected { why, .. } if why == words), "{rejected:?}");
        }
        let typo = "failed to create typed patch object (shop/web; /v1, Kind=Service): .spec.prots: field not declared in schema";
        kubernetes
            .faults(|request| (!request.is_read()).then(|| Fault::Answer(Reply::refusal(500, "", typo))));
        let before = kubernetes.requests().len();
        let object = Object::new(service("web", "blue")).unwrap();
        let rejected = cluster.apply(&object, Ownership::Respect).await.unwrap_err();
        assert!(matches!(&rejected, Error::Rejected { why, .. } if why == typo), "{rejected:?}");
        let applies = kubernetes.requests()[before..].iter().filter(|request| !request.is_read()).count();
        assert_eq!(applies, 1, "what is refused is not tried again");
    });
}

#[test]
fn a_rehearsal_changes_nothing() {
    let kubernetes = Kubernetes::start();
    kubernetes.create("shop", &service("web", "blue"));
    block_on(async {
        let cluster = cluster(&kubernetes).await.rehearsing();
        let patch = JsonPatch::new().replace("/spec/selector/colour", "green");
        let would: Service = cluster.patch("web", &patch).await.unwrap();
        assert_eq!(would.spec.unwrap().selector.unwrap()["colour"], "green");
        let map = Object::new(config_map("settings", "one")).unwrap();
        assert_eq!(cluster.apply(&map, Ownership::Take).await.unwrap().at("/data/key"), Some(&json!("one")));
        let map: ConfigMap = serde_json::from_value(config_map("settings", "one")).unwrap();
        assert!(cluster.create(&map).await.is_ok());
        cluster.delete::<Service>("web", &Preconditions::default()).await.unwrap();
    });
    assert_eq!(kubernetes.get("services", "shop", "web")["spec"]["selector"]["colour"], "blue");
    assert!(kubernetes.get("configmaps", "shop", "settings").is_null());
}
