//! A small cluster for tests: one workload, its pods, its Services.

#![expect(clippy::needless_pass_by_value, reason = "a test writes the JSON where it is used")]

use serde_json::{Value, json};

use super::{
    Around, DaemonSet, Deployment, EndpointSlice, Event, Judgement, Pod, ReplicaSet, Service, StatefulSet,
    Workload, judge,
};

/// What lies around a workload, owned.
#[derive(Clone, Debug, Default)]
pub(super) struct Surroundings {
    pub(super) replica_sets: Vec<ReplicaSet>,
    pub(super) pods: Vec<Pod>,
    pub(super) services: Vec<Service>,
    pub(super) slices: Vec<EndpointSlice>,
    pub(super) events: Vec<Event>,
}

impl Surroundings {
    pub(super) fn judge(&self, workload: Workload<'_>) -> Judgement {
        judge(
            workload,
            &Around::new(&self.replica_sets, &self.pods, &self.services, &self.slices, &self.events),
        )
    }
}

/// An object out of its JSON.
pub(super) fn object<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

fn template(image: &str) -> Value {
    json!({
        "metadata": {"labels": {"app": "web"}},
        "spec": {"containers": [{"name": "web", "image": image}]},
    })
}

/// The Deployment `web`, with this status.
pub(super) fn deployment(replicas: i32, image: &str, status: Value) -> Deployment {
    object(json!({
        "metadata": {"name": "web", "uid": "deployment", "generation": 2},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": "web"}},
            "template": template(image),
        },
        "status": status,
    }))
}

/// The status of a Deployment that is done.
pub(super) fn done(replicas: i32) -> Value {
    json!({
        "observedGeneration": 2,
        "replicas": replicas,
        "updatedReplicas": replicas,
        "readyReplicas": replicas,
        "availableReplicas": replicas,
        "conditions": [{
            "type": "Progressing",
            "status": "True",
            "reason": "NewReplicaSetAvailable",
        }],
    })
}

/// The StatefulSet `db`, with this status.
pub(super) fn stateful_set(replicas: i32, strategy: Value, status: Value) -> StatefulSet {
    object(json!({
        "metadata": {"name": "db", "uid": "set", "generation": 2},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": "web"}},
            "template": template("db:2"),
            "updateStrategy": strategy,
        },
        "status": status,
    }))
}

/// The DaemonSet `agent`, with this status.
pub(super) fn daemon_set(status: Value) -> DaemonSet {
    object(json!({
        "metadata": {"name": "agent", "uid": "set", "generation": 2},
        "spec": {"selector": {"matchLabels": {"app": "web"}}, "template": template("agent:2")},
        "status": status,
    }))
}

/// A ReplicaSet of the Deployment; its uid is the image.
pub(super) fn replica_set(image: &str) -> ReplicaSet {
    let mut template = template(image);
    template["metadata"]["labels"]["pod-template-hash"] = image.into();
    object(json!({
        "metadata": {
            "name": format!("web-{image}"),
            "uid": image,
            "ownerReferences": [{
                "apiVersion": "apps/v1",
                "kind": "Deployment",
                "name": "web",
                "uid": "deployment",
                "controller": true,
            }],
        },
        "spec": {"selector": {"matchLabels": {"app": "web"}}, "template": template},
    }))
}

/// A pod that a controller owns.
pub(super) fn pod(name: &str, owner_kind: &str, owner: &str, is_ready: bool) -> Pod {
    object(json!({
        "metadata": {
            "name": name,
            "uid": name,
            "labels": {"app": "web"},
            "ownerReferences": [{
                "apiVersion": "apps/v1",
                "kind": owner_kind,
                "name": owner,
                "uid": owner,
                "controller": true,
            }],
        },
        "spec": {"containers": [{"name": "web", "image": "web"}]},
        "status": {
            "phase": "Running",
            "podIP": "10.0.0.1",
            "conditions": [{"type": "Ready", "status": if is_ready { "True" } else { "False" }}],
        },
    }))
}

/// A pod of the Deployment's ReplicaSet for this image.
pub(super) fn web(name: &str, image: &str) -> Pod {
    pod(name, "ReplicaSet", image, true)
}

/// A pod of a StatefulSet or DaemonSet at this revision.
pub(super) fn of_set(name: &str, revision: &str) -> Pod {
    let mut pod = pod(name, "StatefulSet", "set", true);
    pod.metadata.labels.insert("controller-revision-hash".into(), revision.into());
    pod
}

/// The pod with a container in this state.
pub(super) fn with_container(mut pod: Pod, status: Value) -> Pod {
    let mut whole = json!({"name": "web", "image": "web", "imageID": "", "ready": false, "restartCount": 0});
    whole.as_object_mut().unwrap().extend(status.as_object().unwrap().clone());
    pod.status.container_statuses = vec![object(whole)];
    pod.status.conditions = object(json!([{"type": "Ready", "status": "False"}]));
    pod
}

/// The pod, on its way out.
pub(super) fn terminating(mut pod: Pod) -> Pod {
    pod.metadata.deletion_timestamp = object(json!("2026-01-01T00:00:00Z"));
    pod
}

/// The Service `web` and its slice, which leads to these pods.
pub(super) fn leads_to(around: &mut Surroundings, pods: &[(&str, bool)]) {
    around.services = vec![object(json!({
        "metadata": {"name": "web"},
        "spec": {"selector": {"app": "web"}},
    }))];
    let endpoints: Vec<Value> = pods
        .iter()
        .map(|(name, is_ready)| {
            json!({
                "addresses": ["10.0.0.1"],
                "conditions": {"ready": is_ready},
                "targetRef": {"kind": "Pod", "name": name},
            })
        })
        .collect();
    around.slices = vec![object(json!({
        "metadata": {"name": "web-1", "labels": {"kubernetes.io/service-name": "web"}},
        "addressType": "IPv4",
        "endpoints": endpoints,
    }))];
}
