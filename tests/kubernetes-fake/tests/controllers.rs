//! The controllers of the stand-in do what those of Kubernetes do, in the order in which they do it.

use std::time::Duration;

use serde_json::{Value, json};
use sluice_kubernetes_fake::{Behaviour, Kubernetes};

fn workload(kind: &str, name: &str, image: &str, replicas: u32) -> Value {
    let mut object = json!({
        "apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name},
        "spec": {
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {"containers": [{"name": name, "image": image}]},
            },
        },
    });
    if kind != "DaemonSet" {
        object["spec"]["replicas"] = replicas.into();
    }
    object
}

fn job(name: &str, image: &str, backoff: u32) -> Value {
    json!({
        "apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name},
        "spec": {
            "backoffLimit": backoff,
            "template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "main", "image": image}]}},
        },
    })
}

fn set_image(kubernetes: &Kubernetes, plural: &str, name: &str, image: &str) {
    kubernetes.edit("test", plural, "shop", name, |object| {
        object["spec"]["template"]["spec"]["containers"][0]["image"] = image.into();
    });
}

fn condition(object: &Value, kind: &str) -> Value {
    let all = object["status"]["conditions"].as_array().cloned().unwrap_or_default();
    all.into_iter().find(|one| one["type"] == kind).unwrap_or_default()
}

fn waits_for(kubernetes: &Kubernetes, image: &str) -> Vec<String> {
    let pods = kubernetes
        .all("pods", "shop")
        .into_iter()
        .filter(|pod| pod["spec"]["containers"][0]["image"] == image);
    let reason = |pod: Value| {
        pod.pointer("/status/containerStatuses/0/state/waiting/reason")?.as_str().map(str::to_owned)
    };
    pods.filter_map(reason).collect()
}

#[test]
fn a_rollout_replaces_pods_a_few_at_a_time() {
    let kubernetes = Kubernetes::start();
    kubernetes.create("shop", &workload("Deployment", "web", "shop:1", 4));
    kubernetes.until("it is available", |cluster| {
        cluster.get("deployments", "shop", "web")["status"]["availableReplicas"] == 4
    });
    set_image(&kubernetes, "deployments", "web", "shop:2");
    let before = kubernetes.get("deployments", "shop", "web");
    assert_eq!(condition(&before, "Progressing")["reason"], "NewReplicaSetAvailable");
    let seen = kubernetes.states("deployments", "shop", "web").len();
    kubernetes.until("all are new", |cluster| {
        let status = cluster.get("deployments", "shop", "web")["status"].clone();
        // Without the generation it would be so at once: the status is that of before.
        status["observedGeneration"] == 2
            && ["updatedReplicas", "replicas", "availableReplicas"].iter().all(|field| status[*field] == 4)
    });
    let states = kubernetes.states("deployments", "shop", "web");
    let counts = |field: &str| {
        states[seen..].iter().filter_map(|state| state["status"][field].as_i64()).collect::<Vec<_>>()
    };
    assert_eq!(
        (counts("availableReplicas").into_iter().min(), counts("replicas").into_iter().max()),
        (Some(3), Some(5))
    );
    kubernetes.until("no old pod is left", |cluster| {
        cluster.all("pods", "shop").len() == 4
            && cluster.get("deployments", "shop", "web")["status"]["terminatingReplicas"] == 0
    });
    assert_eq!(kubernetes.all("replicasets", "shop").len(), 2);
    set_image(&kubernetes, "deployments", "web", "shop:1");
    kubernetes.until("the old set is the new one", |cluster| {
        let annotations = cluster.get("deployments", "shop", "web")["metadata"]["annotations"].clone();
        annotations["deployment.kubernetes.io/revision"] == "3"
            && cluster.all("replicasets", "shop").len() == 2
    });
}

#[test]
fn pods_fail_as_they_are_told() {
    let kubernetes = Kubernetes::start();
    for (image, behaviour, reason) in [
        ("bad:1", Behaviour::ImagePullBackOff, "ImagePullBackOff"),
        ("bad:2", Behaviour::CrashLoop, "CrashLoopBackOff"),
        ("bad:3", Behaviour::ConfigError, "CreateContainerConfigError"),
    ] {
        kubernetes.image(image).behaves(behaviour);
        kubernetes.create("shop", &workload("Deployment", &image.replace(':', "-"), image, 1));
        kubernetes.until(reason, |cluster| waits_for(cluster, image).contains(&reason.to_owned()));
    }
    kubernetes.workload("shop", "huge").behaves(Behaviour::Unschedulable);
    kubernetes.create("shop", &workload("Deployment", "huge", "shop:1", 1));
    kubernetes.until("it is unschedulable", |cluster| {
        cluster
            .all("pods", "shop")
            .iter()
            .any(|pod| condition(pod, "PodScheduled")["reason"] == "Unschedulable")
    });
    kubernetes.workload("shop", "much").behaves(Behaviour::Quota);
    kubernetes.create("shop", &workload("Deployment", "much", "shop:1", 1));
    kubernetes.until("the quota is told", |cluster| {
        condition(&cluster.get("deployments", "shop", "much"), "ReplicaFailure")["reason"] == "FailedCreate"
    });
}

#[test]
fn a_rollout_that_does_not_go_on_is_late() {
    let kubernetes = Kubernetes::start();
    kubernetes.image("bad:1").behaves(Behaviour::NeverReady);
    let mut web = workload("Deployment", "web", "bad:1", 1);
    web["spec"]["progressDeadlineSeconds"] = 1.into();
    kubernetes.create("shop", &web);
    kubernetes.until("it is late", |cluster| {
        condition(&cluster.get("deployments", "shop", "web"), "Progressing")["reason"]
            == "ProgressDeadlineExceeded"
    });
}

#[test]
fn a_status_may_lag_and_a_pod_may_linger() {
    let kubernetes = Kubernetes::start();
    kubernetes.observe_after("shop", "web", Duration::from_millis(300));
    kubernetes.workload("shop", "web").lingers(Duration::from_mins(1));
    kubernetes.create("shop", &workload("Deployment", "web", "shop:1", 1));
    kubernetes.until("it is available", |cluster| {
        cluster.get("deployments", "shop", "web")["status"]["availableReplicas"] == 1
    });
    set_image(&kubernetes, "deployments", "web", "shop:2");
    let now = kubernetes.get("deployments", "shop", "web");
    assert_eq!(
        (&now["metadata"]["generation"], &now["status"]["observedGeneration"]),
        (&json!(2), &json!(1))
    );
    kubernetes.until("the old pod is going", |cluster| {
        let status = cluster.get("deployments", "shop", "web")["status"].clone();
        status["terminatingReplicas"] == 1
            && status["availableReplicas"] == 1
            && status["observedGeneration"] == 2
    });
}

#[test]
fn sets_are_updated_one_after_the_other() {
    let kubernetes = Kubernetes::start();
    kubernetes.create("shop", &workload("StatefulSet", "db", "db:1", 3));
    kubernetes.create("shop", &workload("DaemonSet", "agent", "agent:1", 0));
    let is_done = |cluster: &Kubernetes, image: &str| {
        let (db, agent) =
            (cluster.get("statefulsets", "shop", "db"), cluster.get("daemonsets", "shop", "agent"));
        let of_image = cluster
            .all("pods", "shop")
            .iter()
            .filter(|pod| pod["spec"]["containers"][0]["image"] == image)
            .count();
        db["status"]["updatedReplicas"] == 3
            && db["status"]["availableReplicas"] == 3
            && db["status"]["currentRevision"] == db["status"]["updateRevision"]
            && agent["status"]["updatedNumberScheduled"] == 2
            && agent["status"]["numberAvailable"] == 2
            && (of_image == 3 || of_image == 2)
    };
    kubernetes.until("both are there", |cluster| is_done(cluster, "db:1"));
    set_image(&kubernetes, "statefulsets", "db", "db:2");
    set_image(&kubernetes, "daemonsets", "agent", "agent:2");
    kubernetes.until("both are new", |cluster| is_done(cluster, "db:2") && is_done(cluster, "agent:2"));
    let names: Vec<Value> =
        kubernetes.all("pods", "shop").iter().map(|pod| pod["metadata"]["name"].clone()).collect();
    assert!(names.contains(&json!("db-0")) && names.contains(&json!("db-2")), "{names:?}");
}

#[test]
fn a_job_succeeds_or_fails_and_its_pods_go_with_it() {
    let kubernetes = Kubernetes::start();
    kubernetes.image("migrate:2").behaves(Behaviour::Fail);
    kubernetes.create("shop", &job("good", "migrate:1", 0));
    kubernetes.create("shop", &job("bad", "migrate:2", 1));
    kubernetes.until("one is complete", |cluster| {
        condition(&cluster.get("jobs", "shop", "good"), "Complete")["status"] == "True"
    });
    kubernetes.until("one has failed", |cluster| {
        let bad = cluster.get("jobs", "shop", "bad");
        condition(&bad, "Failed")["reason"] == "BackoffLimitExceeded" && bad["status"]["failed"] == 2
    });
    kubernetes.delete("jobs", "shop", "bad");
    kubernetes.until("only one pod is left", |cluster| cluster.all("pods", "shop").len() == 1);
}

#[test]
fn a_service_has_the_pods_that_are_ready() {
    let kubernetes = Kubernetes::start();
    kubernetes.create("shop", &workload("Deployment", "web", "shop:1", 2));
    kubernetes.create(
        "shop",
        &json!({
            "apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"},
            "spec": {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": 8080}]},
        }),
    );
    kubernetes.until("two endpoints are ready", |cluster| {
        let slices = cluster.all("endpointslices", "shop");
        let endpoints =
            slices.first().and_then(|slice| slice["endpoints"].as_array().cloned()).unwrap_or_default();
        endpoints.iter().filter(|endpoint| endpoint["conditions"]["ready"] == true).count() == 2
    });
}
