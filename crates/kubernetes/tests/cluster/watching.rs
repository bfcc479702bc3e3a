//! Watches that end, break, and are forgotten.

use std::time::Duration;

use futures_util::StreamExt as _;
use sluice_kubernetes::{Access, Error, Seen, Selector, api::core::v1::ConfigMap};
use sluice_kubernetes_fake::{Fault, Kubernetes, KubernetesReply as _, Reply};

use crate::support::{Around, block_on, cluster, config_map};

fn value(map: &ConfigMap) -> &str {
    map.data.as_ref().map_or("", |data| &data["key"])
}

fn change(kubernetes: &Kubernetes, to: &str) {
    kubernetes.edit("kubectl-edit", "configmaps", "shop", "a", |map| map["data"]["key"] = to.into());
}

fn watches(kubernetes: &Kubernetes) -> usize {
    kubernetes.requests().iter().filter(|request| request.is_watch()).count()
}

fn lists(kubernetes: &Kubernetes) -> usize {
    kubernetes.requests().iter().filter(|request| request.is_read() && !request.is_watch()).count()
}

/// Lets something happen to a watch that stands, then a change: it is seen all the same.
fn survives(kubernetes: &Kubernetes, happens: impl Fn(&Kubernetes), lists_anew: bool) {
    kubernetes.create("shop", &config_map("a", "one"));
    block_on(async {
        let cluster = cluster(kubernetes).await;
        let mut seen = cluster.watch::<ConfigMap>(&Selector::named("a"));
        assert!(matches!(seen.next().await, Some(Ok(Seen::All(_)))));
        change(kubernetes, "two");
        let Some(Ok(Seen::Applied(map))) = seen.next().await else { panic!("the watch stands") };
        assert_eq!(value(&map), "two");
        // A watch that lasted is no failure.
        tokio::time::sleep(Duration::from_millis(1100)).await;
        happens(kubernetes);
        change(kubernetes, "three");
        let next = seen.next().await.unwrap().unwrap();
        let map = match &next {
            Seen::Applied(map) if !lists_anew => map,
            Seen::All(all) if lists_anew => &all[0],
            other => panic!("{other:?}"),
        };
        assert_eq!(value(map), "three");
    });
    assert_eq!(
        (watches(kubernetes) >= 2 || lists_anew, lists(kubernetes)),
        (true, if lists_anew { 2 } else { 1 })
    );
}

#[test]
fn it_goes_on_when_the_server_ends_it() {
    survives(&Kubernetes::start(), Kubernetes::end_watches, false);
}

#[test]
fn it_goes_on_when_its_connection_breaks() {
    survives(&Kubernetes::start(), Kubernetes::break_watches, false);
}

/// A server that has nothing to tell ends a watch when its time is over, again and again: that is no failure.
#[test]
fn it_goes_on_for_as_long_as_nothing_happens() {
    let kubernetes = Kubernetes::start();
    let access = Access::Kubeconfig { path: Some(kubernetes.kubeconfig()), context: None };
    kubernetes.create("shop", &config_map("a", "one"));
    block_on(async {
        let hasty = Around { patience: Duration::from_secs(4), ..Around::default() };
        let cluster = hasty.connect(&access).await.unwrap();
        let mut seen = cluster.watch::<ConfigMap>(&Selector::all());
        assert!(matches!(seen.next().await, Some(Ok(Seen::All(_)))));
        let happens = async {
            for _ in 0..5 {
                tokio::time::sleep(Duration::from_millis(1200)).await;
                kubernetes.end_watches();
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
            change(&kubernetes, "two");
        };
        let ((), next) = tokio::join!(happens, seen.next());
        assert!(matches!(next, Some(Ok(Seen::Applied(_)))), "{next:?}");
    });
    assert_eq!((watches(&kubernetes), lists(&kubernetes)), (6, 1));
}

/// There a stream of a connection ends, while the connection stays.
#[test]
fn it_goes_on_over_http2() {
    survives(&Kubernetes::start_with_tls(), Kubernetes::break_watches, false);
    survives(&Kubernetes::start_with_tls(), Kubernetes::end_watches, false);
}

#[test]
fn it_begins_anew_when_its_version_is_forgotten() {
    survives(
        &Kubernetes::start(),
        |kubernetes| {
            kubernetes.end_watches();
            change(kubernetes, "between");
            kubernetes.forget();
        },
        true,
    );
}

#[test]
fn it_is_begun_again_when_the_server_is_busy() {
    for fault in [
        Fault::Answer(Reply::too_many_requests(0)),
        Fault::Answer(Reply::internal_error()),
        Fault::Answer(Reply::bad_gateway()),
        Fault::Reset,
    ] {
        let kubernetes = Kubernetes::start();
        kubernetes.create("shop", &config_map("a", "one"));
        let mut faults = vec![fault.clone(), fault];
        kubernetes.faults(move |request| if request.is_watch() { faults.pop() } else { None });
        block_on(async {
            let cluster = cluster(&kubernetes).await;
            let mut seen = cluster.watch::<ConfigMap>(&Selector::all());
            assert!(matches!(seen.next().await, Some(Ok(Seen::All(_)))));
            change(&kubernetes, "two");
            assert!(matches!(seen.next().await, Some(Ok(Seen::Applied(_)))));
        });
    }
}

#[test]
fn it_is_begun_again_when_its_connection_died_without_a_word() {
    let kubernetes = Kubernetes::start();
    kubernetes.create("shop", &config_map("a", "one"));
    let mut is_first = true;
    kubernetes.faults(move |request| {
        (request.is_watch() && std::mem::take(&mut is_first)).then_some(Fault::Silence)
    });
    let access = Access::Kubeconfig { path: Some(kubernetes.kubeconfig()), context: None };
    block_on(async {
        let patience = Duration::from_secs(4);
        let cluster = Around { patience, ..Around::default() }.connect(&access).await.unwrap();
        let mut seen = cluster.watch::<ConfigMap>(&Selector::all());
        assert!(matches!(seen.next().await, Some(Ok(Seen::All(_)))));
        change(&kubernetes, "two");
        let next = tokio::time::timeout(patience * 2, seen.next()).await;
        assert!(matches!(next, Ok(Some(Ok(Seen::Applied(_))))), "{next:?}");
    });
    let asked = kubernetes.requests().into_iter().find(sluice_kubernetes_fake::Request::is_watch).unwrap();
    assert_eq!(asked.parameter("timeoutSeconds").as_deref(), Some("2"));
}

#[test]
fn what_does_not_pass_ends_it() {
    let kubernetes = Kubernetes::start();
    let access = Access::Kubeconfig { path: Some(kubernetes.kubeconfig()), context: None };
    kubernetes.forbid("watch", "configmaps");
    block_on(async {
        let hasty = Around { patience: Duration::from_millis(300), ..Around::default() };
        let cluster = hasty.connect(&access).await.unwrap();
        let mut seen = cluster.watch::<ConfigMap>(&Selector::all());
        assert!(matches!(seen.next().await, Some(Ok(Seen::All(_)))));
        let denied = seen.next().await.unwrap().unwrap_err();
        assert!(matches!(&denied, Error::Denied { verb, .. } if verb == "watch"), "{denied:?}");
        assert!(seen.next().await.is_none());

        kubernetes.forbid_nothing();
        kubernetes.faults(|request| request.is_watch().then_some(Fault::Reset));
        let mut seen = cluster.watch::<ConfigMap>(&Selector::all());
        assert!(matches!(seen.next().await, Some(Ok(Seen::All(_)))));
        let error = seen.next().await.unwrap().unwrap_err();
        assert!(matches!(error, Error::Unreachable { .. }), "{error:?}");
    });
}

#[test]
fn what_comes_to_be_selected_is_new_and_what_is_selected_no_more_is_gone() {
    let kubernetes = Kubernetes::start();
    kubernetes.create("shop", &config_map("a", "one"));
    block_on(async {
        let cluster = cluster(&kubernetes).await;
        let mut seen = cluster.watch::<ConfigMap>(&Selector::labels("colour in (blue,green)"));
        let Some(Ok(Seen::All(all))) = seen.next().await else { panic!("all come first") };
        assert!(all.is_empty());
        let label = |colour: &'static str| {
            kubernetes.edit("kubectl-label", "configmaps", "shop", "a", move |map| {
                map["metadata"]["labels"]["colour"] = colour.into();
            });
        };
        label("green");
        assert!(matches!(seen.next().await, Some(Ok(Seen::Applied(_)))));
        label("red");
        assert!(matches!(seen.next().await, Some(Ok(Seen::Deleted(_)))));
    });
}
