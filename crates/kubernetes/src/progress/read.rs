//! What is read of objects: of all that the API says, only what a judgement looks at is ever kept.
//!
//! A namespace may hold hundreds of pods of 10 KB each, most of it what nobody here asks for: managed fields,
//! environments, volumes. serde passes over what these types do not name. Of a pod template even less is kept: two are
//! only ever compared.

use std::{
    collections::BTreeMap,
    hash::{DefaultHasher, Hash as _, Hasher as _},
};

use jiff::Timestamp;
use k8s_openapi::{NamespaceResourceScope, Resource, api, apimachinery::pkg::apis::meta::v1::LabelSelector};
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, Error},
};
use serde_json::Value;

use crate::Readable;

/// The label by which a Deployment tells its ReplicaSets apart:
/// <https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#pod-template-hash-label>
const TEMPLATE_HASH: &str = "pod-template-hash";

/// A part of an object, as it is read.
pub trait Part: Readable {
    /// Its metadata.
    fn metadata(&self) -> &Metadata;
}

/// Types of which only some fields are read. What is missing or null is the default, as for the API server.
macro_rules! read {
    ($($(#[$doc:meta])* $name:ident { $($(#[$note:meta])* $field:ident: $type:ty),* $(,)? })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq, Deserialize)]
        #[serde(default, rename_all = "camelCase")]
        pub struct $name {
            $($(#[$note])* #[serde(deserialize_with = "or_default")] pub $field: $type,)*
        }
    )*};
}

/// Types of objects that are read in part.
macro_rules! objects {
    ($($name:ident of $whole:ty,)*) => {$(
        impl Resource for $name {
            const API_VERSION: &'static str = <$whole as Resource>::API_VERSION;
            const GROUP: &'static str = <$whole as Resource>::GROUP;
            const KIND: &'static str = <$whole as Resource>::KIND;
            const VERSION: &'static str = <$whole as Resource>::VERSION;
            const URL_PATH_SEGMENT: &'static str = <$whole as Resource>::URL_PATH_SEGMENT;
            type Scope = NamespaceResourceScope;
        }

        impl Part for $name {
            fn metadata(&self) -> &Metadata {
                &self.metadata
            }
        }
    )*};
}

objects! {
    Deployment of api::apps::v1::Deployment,
    StatefulSet of api::apps::v1::StatefulSet,
    DaemonSet of api::apps::v1::DaemonSet,
    ReplicaSet of api::apps::v1::ReplicaSet,
    Pod of api::core::v1::Pod,
    Service of api::core::v1::Service,
    EndpointSlice of api::discovery::v1::EndpointSlice,
    Event of api::core::v1::Event,
}

read! {
    /// What every object has.
    Metadata {
        /// Its name.
        name: String,
        /// Its uid.
        uid: String,
        /// Which version of its specification it has; `None` where no server gave it one.
        generation: Option<i64>,
        /// Its labels.
        labels: BTreeMap<String, String>,
        /// What it belongs to.
        owner_references: Vec<Owner>,
        /// Since when it is there.
        creation_timestamp: Option<Timestamp>,
        /// When it is to be gone, for one that is on its way out.
        deletion_timestamp: Option<Timestamp>,
        /// Who must let it go before it can be gone.
        finalizers: Vec<String>,
    }

    /// What an object belongs to.
    Owner {
        /// `ReplicaSet`.
        kind: String,
        /// The owner's uid.
        uid: String,
        /// Whether the owner made it and looks after it.
        controller: bool,
    }

    /// What is so of an object, by its own account.
    Condition {
        /// What: `Ready`.
        #[serde(rename = "type")]
        kind: String,
        /// `True`, `False` or `Unknown`.
        status: String,
        /// Why, in one word.
        reason: String,
        /// Why, in a sentence.
        message: String,
        /// Since when.
        last_transition_time: Option<Timestamp>,
    }

    /// Pods that can be replaced one by another.
    Deployment {
        /// Its metadata.
        metadata: Metadata,
        /// What it shall be.
        spec: DeploymentSpec,
        /// What it is.
        status: DeploymentStatus,
    }

    /// What a Deployment shall be.
    DeploymentSpec {
        /// How many pods; `None` means 1.
        replicas: Option<i32>,
        /// Which pods are its own.
        selector: LabelSelector,
        /// What they are made from.
        template: Template,
        /// Whether it stands still.
        paused: bool,
    }

    /// What a Deployment is.
    DeploymentStatus {
        /// The newest specification that its controller has seen.
        observed_generation: Option<i64>,
        /// How many pods there are, but for those on their way out.
        replicas: i32,
        /// Those of the newest template.
        updated_replicas: i32,
        /// Those that have been ready for long enough.
        available_replicas: i32,
        /// Those on their way out: told since Kubernetes 1.35.
        terminating_replicas: i32,
        /// What its controller says.
        conditions: Vec<Condition>,
    }

    /// The pods of one template of a Deployment.
    ReplicaSet {
        /// Its metadata.
        metadata: Metadata,
        /// What it shall be.
        spec: ReplicaSetSpec,
    }

    /// What a ReplicaSet shall be.
    ReplicaSetSpec {
        /// What its pods are made from.
        template: Template,
    }

    /// Pods with names and disks of their own.
    StatefulSet {
        /// Its metadata.
        metadata: Metadata,
        /// What it shall be.
        spec: StatefulSetSpec,
        /// What it is.
        status: StatefulSetStatus,
    }

    /// What a StatefulSet shall be.
    StatefulSetSpec {
        /// How many pods; `None` means 1.
        replicas: Option<i32>,
        /// What they are made from.
        template: Template,
        /// How they are replaced.
        update_strategy: UpdateStrategy,
        /// How they are numbered.
        ordinals: Ordinals,
    }

    /// What a StatefulSet is.
    StatefulSetStatus {
        /// The newest specification that its controller has seen.
        observed_generation: Option<i64>,
        /// How many pods there are.
        replicas: i32,
        /// Those of the newest template.
        updated_replicas: i32,
        /// Those that have been ready for long enough.
        available_replicas: i32,
        /// The revision that pods behind the partition have.
        current_revision: Option<String>,
        /// The revision of the newest template.
        update_revision: Option<String>,
    }

    /// One pod on each node.
    DaemonSet {
        /// Its metadata.
        metadata: Metadata,
        /// What it shall be.
        spec: DaemonSetSpec,
        /// What it is.
        status: DaemonSetStatus,
    }

    /// What a DaemonSet shall be.
    DaemonSetSpec {
        /// What its pods are made from.
        template: Template,
        /// How they are replaced.
        update_strategy: UpdateStrategy,
    }

    /// What a DaemonSet is.
    DaemonSetStatus {
        /// The newest specification that its controller has seen.
        observed_generation: Option<i64>,
        /// How many nodes shall have a pod.
        desired_number_scheduled: i32,
        /// How many of them have one.
        current_number_scheduled: i32,
        /// How many have one of the newest template.
        updated_number_scheduled: i32,
        /// How many have one that has been ready for long enough.
        number_available: i32,
        /// How many nodes have one and shall not: it stays where a taint came later.
        number_misscheduled: i32,
    }

    /// How pods are replaced.
    UpdateStrategy {
        /// `RollingUpdate` or `OnDelete`; empty means the first.
        #[serde(rename = "type")]
        kind: String,
        /// How they are replaced one after another.
        rolling_update: RollingUpdate,
    }

    /// How pods are replaced one after another.
    RollingUpdate {
        /// Pods of a lower ordinal keep the version before:
        /// <https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#partitions>
        partition: i32,
    }

    /// How the pods of a StatefulSet are numbered.
    Ordinals {
        /// The first number.
        start: i32,
    }

    /// A pod.
    Pod {
        /// Its metadata.
        metadata: Metadata,
        /// What it shall be.
        spec: PodSpec,
        /// What it is.
        status: PodStatus,
    }

    /// What a pod shall be.
    PodSpec {
        /// Its containers, but for those that only begin it.
        containers: Vec<Container>,
    }

    /// A container, as it is asked for.
    Container {
        /// Its name.
        name: String,
        /// Its image.
        image: String,
    }

    /// What a pod is.
    PodStatus {
        /// <https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-phase>
        phase: String,
        /// Why, in one word: `Evicted`.
        reason: String,
        /// Why, in a sentence.
        message: String,
        /// Its address; empty as long as it has none.
        #[serde(rename = "podIP")]
        pod_ip: String,
        /// The node where others are removed to make room for it.
        nominated_node_name: String,
        /// What is so of it.
        conditions: Vec<Condition>,
        /// Its containers that run first, or beside the others.
        init_container_statuses: Vec<ContainerStatus>,
        /// Its containers.
        container_statuses: Vec<ContainerStatus>,
    }

    /// A container, as it is.
    ContainerStatus {
        /// Its name.
        name: String,
        /// Whether it is ready.
        ready: bool,
        /// How often it was started again.
        restart_count: i32,
        /// What it does.
        state: ContainerState,
        /// What it did before it was started again.
        last_state: ContainerState,
    }

    /// What a container does: one of these.
    ContainerState {
        /// It waits.
        waiting: Option<Waiting>,
        /// It runs.
        running: Option<Running>,
        /// It has ended.
        terminated: Option<Terminated>,
    }

    /// Why a container waits.
    Waiting {
        /// In one word: `CrashLoopBackOff`.
        reason: String,
        /// In a sentence.
        message: String,
    }

    /// A container that runs.
    Running {}

    /// How a container has ended.
    Terminated {
        /// With which code.
        exit_code: i32,
        /// In one word: `OOMKilled`.
        reason: String,
        /// Since when it ran.
        started_at: Option<Timestamp>,
        /// Until when.
        finished_at: Option<Timestamp>,
    }

    /// A name for pods.
    Service {
        /// Its metadata.
        metadata: Metadata,
        /// What it shall be.
        spec: ServiceSpec,
    }

    /// What a Service shall be.
    ServiceSpec {
        /// The labels of the pods that it leads to; without any it is led by hand.
        selector: BTreeMap<String, String>,
    }

    /// Where a Service leads to.
    EndpointSlice {
        /// Its metadata.
        metadata: Metadata,
        /// The targets.
        endpoints: Vec<Endpoint>,
    }

    /// One target of a Service.
    Endpoint {
        /// Whether it gets traffic.
        conditions: EndpointConditions,
        /// What it is.
        target_ref: TargetReference,
    }

    /// Whether a target gets traffic.
    EndpointConditions {
        /// Unknown means ready:
        /// <https://kubernetes.io/docs/reference/kubernetes-api/service-resources/endpoint-slice-v1/>
        ready: Option<bool>,
    }

    /// The object behind a target.
    TargetReference {
        /// `Pod`.
        kind: String,
        /// Its name.
        name: String,
    }

    /// Something that happened.
    Event {
        /// Its metadata.
        metadata: Metadata,
        /// What it is about.
        involved_object: InvolvedObject,
        /// `Normal` or `Warning`.
        #[serde(rename = "type")]
        kind: String,
        /// In one word: `FailedScheduling`.
        reason: String,
        /// In a sentence.
        message: String,
        /// That it goes on.
        series: Series,
        /// When it happened last, of those that are counted.
        last_timestamp: Option<Timestamp>,
        /// When it happened first.
        event_time: Option<Timestamp>,
    }

    /// What an event is about.
    InvolvedObject {
        /// Its name.
        name: String,
        /// Its uid.
        uid: String,
    }

    /// An event that goes on.
    Series {
        /// When it happened last.
        last_observed_time: Option<Timestamp>,
    }
}

/// What pods are made from. Two are equal when they are but for what the server adds to one of them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Template {
    /// The labels of the pods.
    pub labels: BTreeMap<String, String>,
    /// Their containers.
    pub containers: Vec<Container>,
    /// All that it says, in short.
    whole: u64,
}

impl<'de> Deserialize<'de> for Template {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut template = Value::deserialize(deserializer)?;
        if let Some(metadata) = template.get_mut("metadata").and_then(Value::as_object_mut) {
            // The server may or may not write it.
            metadata.remove("creationTimestamp");
            if let Some(labels) = metadata.get_mut("labels").and_then(Value::as_object_mut) {
                labels.remove(TEMPLATE_HASH);
            }
        }
        let mut hasher = DefaultHasher::new();
        template.hash(&mut hasher);
        let labels: Option<_> = part(&mut template, "/metadata/labels")?;
        let containers: Option<_> = part(&mut template, "/spec/containers")?;
        let whole = hasher.finish();
        Ok(Self { labels: labels.unwrap_or_default(), containers: containers.unwrap_or_default(), whole })
    }
}

fn part<T: DeserializeOwned, E: Error>(whole: &mut Value, pointer: &str) -> Result<T, E> {
    let part = whole.pointer_mut(pointer).map(Value::take).unwrap_or_default();
    serde_json::from_value(part).map_err(E::custom)
}

/// A list that was never made is written as null.
fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn template(value: Value) -> Template {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn templates_are_equal_but_for_what_the_server_adds() {
        let asked = json!({
            "metadata": {"labels": {"app": "web"}},
            "spec": {"containers": [{"name": "web", "image": "web:1", "newInAnyVersion": true}]},
        });
        let mut made = asked.clone();
        made["metadata"]["creationTimestamp"] = Value::Null;
        made["metadata"]["labels"]["pod-template-hash"] = "5d4f".into();
        assert_eq!(template(asked.clone()), template(made.clone()));
        assert_eq!(template(asked.clone()).containers[0].image, "web:1");
        // A field that is unknown here makes another template, too.
        made["spec"]["containers"][0]["newInAnyVersion"] = false.into();
        assert_ne!(template(asked), template(made));
    }

    #[test]
    fn what_is_missing_or_null_is_nothing_and_what_is_unknown_is_passed_over() {
        let pod: Pod = serde_json::from_value(json!({
            "metadata": {"name": "web-1", "labels": null, "managedFields": [{"manager": "kubelet"}]},
            "status": {"containerStatuses": null, "podIP": "10.0.0.1", "hostIPs": [{"ip": "10.0.0.2"}]},
        }))
        .unwrap();
        assert_eq!((pod.metadata.name.as_str(), pod.status.pod_ip.as_str()), ("web-1", "10.0.0.1"));
        assert_eq!((pod.metadata.labels.len(), pod.status.container_statuses.len()), (0, 0));
        let slice: EndpointSlice =
            serde_json::from_value(json!({"metadata": {}, "endpoints": null})).unwrap();
        assert_eq!(slice.endpoints, []);
    }
}
