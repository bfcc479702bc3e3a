//! Gets, lists, watches.

use futures_util::{StreamExt as _, TryStreamExt as _};
use sluice_kubernetes::{Cluster, Error, Kind, Seen, Selector, api::core::v1::ConfigMap};
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

/// What comes page by page: the number of objects of each page, and their names.
async fn paged(cluster: &Cluster) -> Result<(Vec<usize>, Vec<String>), Error> {
    let kind = Kind::of::<ConfigMap>();
    let pages: Vec<_> = cluster.objects_by_page(&kind).try_collect().await?;
    let names = pages.iter().flatten().map(|object| object.name().to_owned()).collect();
    Ok((pages.iter().map(Vec::len).collect(), names))
}

#[test]
fn pages_are_as_small_as_their_objects_are_large() {
    let kubernetes = Kubernetes::start();
    let large = "x".repeat(1 << 20);
    for number in 0..20 {
        kubernetes.create("shop", &config_map(&format!("a-{number:02}"), &large));
    }
    for number in 0..600 {
        kubernetes.create("shop", &config_map(&format!("b-{number:03}"), "small"));
    }
    let (pages, names) = block_on(async { paged(&cluster(&kubernetes).await).await.unwrap() });
    // 500 and 125 of them were too many for one answer. Half of 16 MiB holds seven, and as many are asked for again; then
    // they become smaller, and pages larger.
    assert_eq!(pages[..3], [7, 7, 7], "{pages:?}");
    assert!(pages.iter().max() > Some(&400), "{pages:?}");
    assert_eq!(names.len(), 621);
    assert!(names.is_sorted(), "{names:?}");
}

#[test]
fn a_page_of_one_object_is_as_large_as_it_is() {
    let kubernetes = Kubernetes::start();
    kubernetes.create("shop", &config_map("a", &"x".repeat(17 << 20)));
    let (pages, _) = block_on(async { paged(&cluster(&kubernetes).await).await.unwrap() });
    assert_eq!(pages.iter().sum::<usize>(), 2);
}

#[test]
fn the_rest_of_a_list_that_was_forgotten_comes_as_it_is_now() {
    let kubernetes = Kubernetes::start();
    for number in 0..1200 {
        kubernetes.create("shop", &config_map(&format!("settings-{number:04}"), "one"));
    }
    block_on(async {
        let cluster = cluster(&kubernetes).await;
        let kind = Kind::of::<ConfigMap>();
        let mut pages = std::pin::pin!(cluster.objects_by_page(&kind));
        let first = pages.next().await.unwrap().unwrap();
        kubernetes.delete("configmaps", "shop", "settings-0001");
        kubernetes.delete("configmaps", "shop", "settings-1199");
        kubernetes.forget();
        let rest: Vec<_> = pages.try_collect().await.unwrap();
        let rest: Vec<_> = rest.into_iter().flatten().collect();
        assert_eq!((first.len(), rest.len()), (500, 700));
        assert!(rest.iter().all(|object| object.name() > first[499].name()));
    });
    // It did not begin anew.
    let requests = kubernetes.requests();
    let lists = requests.iter().filter(|request| request.path.ends_with("/configmaps"));
    assert_eq!(lists.filter(|request| request.parameter("continue").is_none()).count(), 1);
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
