//! Logs.

use std::time::Duration;

use futures_util::StreamExt as _;
use serde_json::{Value, json};
use sluice_kubernetes::{Error, Log};
use sluice_kubernetes_fake::{Behaviour, Kubernetes};

use crate::support::{block_on, cluster};

fn pod(name: &str, image: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name},
        "spec": {"containers": [{"name": "main", "image": image}]},
    })
}

fn job(image: &str) -> Value {
    json!({
        "apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "migrate"},
        "spec": {"template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "main", "image": image}]}}},
    })
}

const LAST: Log = Log { tail: 2, previous: false };

#[test]
fn the_last_lines_are_read_also_of_the_run_before() {
    let kubernetes = Kubernetes::start();
    kubernetes.image("bad:1").behaves(Behaviour::CrashLoop).says(&[
        "begins",
        "connects",
        "fails: no such host",
    ]);
    kubernetes.create("shop", &pod("web", "bad:1"));
    kubernetes.until("it crashed again", |cluster| {
        let restarts =
            cluster.get("pods", "shop", "web").pointer("/status/containerStatuses/0/restartCount").cloned();
        restarts.and_then(|count| count.as_i64()).unwrap_or(0) >= 1
    });
    block_on(async {
        let cluster = cluster(&kubernetes).await;
        let before = cluster.log("web", Some("main"), Log { previous: true, ..LAST }).await.unwrap();
        assert_eq!(before, "connects\nfails: no such host\n");
        let unknown = cluster.log("web", Some("sidecar"), LAST).await.unwrap_err();
        assert!(
            matches!(&unknown, Error::Rejected { why, .. } if why.contains("is not valid")),
            "{unknown:?}"
        );
    });
}

#[test]
fn a_container_that_waits_has_no_log_and_neither_has_a_pod_without_kubelet() {
    let kubernetes = Kubernetes::start();
    kubernetes.image("bad:1").behaves(Behaviour::ImagePullBackOff);
    kubernetes.create("shop", &pod("web", "bad:1"));
    block_on(async {
        let cluster = cluster(&kubernetes).await;
        let waits = cluster.log("web", None, LAST).await.unwrap_err();
        assert!(
            matches!(&waits, Error::Rejected { why, .. } if why.contains("waiting to start")),
            "{waits:?}"
        );
        kubernetes.without_kubelet();
        assert!(cluster.log("web", None, LAST).await.is_err());
        assert!(matches!(cluster.log("none", None, LAST).await, Err(Error::NotFound { .. })));
    });
}

#[test]
fn a_log_is_followed_to_its_end_over_breaks() {
    let lines: Vec<String> = (1..=40).map(|number| format!("step {number}")).collect();
    let kubernetes = Kubernetes::start();
    let said: Vec<&str> = lines.iter().map(String::as_str).collect();
    kubernetes.image("migrate:1").says(&said);
    kubernetes.create("shop", &job("migrate:1"));
    kubernetes.until("it runs", |cluster| {
        let pods = cluster.all("pods", "shop");
        pods.first().is_some_and(|pod| pod["status"]["phase"] == "Running")
    });
    let name = kubernetes.all("pods", "shop")[0]["metadata"]["name"].as_str().unwrap().to_owned();
    let followed = block_on(async {
        let cluster = cluster(&kubernetes).await;
        let mut followed = Vec::new();
        let mut log = cluster.follow(&name, Some("main"));
        while let Some(line) = log.next().await {
            followed.push(String::from_utf8(line.unwrap().to_vec()).unwrap());
            if followed.len() == 10 {
                kubernetes.break_watches();
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
        followed
    });
    assert_eq!(followed, lines);
}

/// A line that no one ends would fill the memory.
#[test]
fn a_line_that_does_not_end_comes_in_pieces() {
    let kubernetes = Kubernetes::start();
    let long = "x".repeat(200 << 10);
    kubernetes.image("chatty:1").behaves(Behaviour::RunForever).says(&[&long, "after"]);
    kubernetes.create("shop", &pod("web", "chatty:1"));
    kubernetes.until("it runs", |cluster| cluster.get("pods", "shop", "web")["status"]["phase"] == "Running");
    block_on(async {
        let mut lines = cluster(&kubernetes).await.follow("web", None);
        let mut said = Vec::new();
        while !said.ends_with(b"after") {
            let piece = lines.next().await.unwrap().unwrap();
            assert!(piece.len() <= 64 << 10, "{} bytes at once", piece.len());
            said.extend(piece);
        }
        assert_eq!(said.len(), long.len() + "after".len());
    });
}
