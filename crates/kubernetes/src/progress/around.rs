//! What lies around workloads.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::{
    api::{
        apps::v1::ReplicaSet,
        core::v1::{Event, Pod, Service},
        discovery::v1::EndpointSlice,
    },
    apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference},
};

/// The label that names the Service of a slice:
/// <https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/#ownership>
const SERVICE_NAME: &str = "kubernetes.io/service-name";

/// All that lies around the workloads of a namespace, as it was seen last, by what it belongs to: many workloads are
/// judged by one look at it.
#[derive(Clone, Debug, Default)]
pub struct Around<'a> {
    /// By the uid of their Deployment.
    pub(super) replica_sets: BTreeMap<&'a str, Vec<&'a ReplicaSet>>,
    /// By the uid of what owns them: a ReplicaSet, a StatefulSet, a DaemonSet.
    pub(super) pods: BTreeMap<&'a str, Vec<&'a Pod>>,
    /// Those of ReplicaSets that are gone.
    pub(super) orphans: Vec<&'a Pod>,
    /// All pods, by name.
    pub(super) names: BTreeMap<&'a str, &'a Pod>,
    pub(super) services: Vec<&'a Service>,
    /// Where Services lead to, by their name.
    pub(super) slices: BTreeMap<&'a str, Vec<&'a EndpointSlice>>,
    /// By the uid of what they are about.
    pub(super) events: BTreeMap<&'a str, Vec<&'a Event>>,
}

impl<'a> Around<'a> {
    /// Puts what was seen in order. Of events only those since the change may be among it: older ones tell of the
    /// version before.
    pub fn new(
        replica_sets: impl IntoIterator<Item = &'a ReplicaSet>,
        pods: impl IntoIterator<Item = &'a Pod>,
        services: impl IntoIterator<Item = &'a Service>,
        slices: impl IntoIterator<Item = &'a EndpointSlice>,
        events: impl IntoIterator<Item = &'a Event>,
    ) -> Self {
        let mut around = Self { services: services.into_iter().collect(), ..Self::default() };
        let mut known = BTreeSet::new();
        for set in replica_sets {
            known.extend(set.metadata.uid.as_deref());
            if let Some(owner) = owner(&set.metadata) {
                around.replica_sets.entry(&owner.uid).or_default().push(set);
            }
        }
        for pod in pods {
            around.names.extend(pod.metadata.name.as_deref().map(|name| (name, pod)));
            let Some(owner) = owner(&pod.metadata) else { continue };
            around.pods.entry(&owner.uid).or_default().push(pod);
            if owner.kind == "ReplicaSet" && !known.contains(owner.uid.as_str()) {
                around.orphans.push(pod);
            }
        }
        for slice in slices {
            let service = slice.metadata.labels.as_ref().and_then(|labels| labels.get(SERVICE_NAME));
            if let Some(service) = service {
                around.slices.entry(service).or_default().push(slice);
            }
        }
        for event in events {
            if let Some(uid) = &event.involved_object.uid {
                around.events.entry(uid).or_default().push(event);
            }
        }
        around
    }

    /// The pods that a Service leads to, by name, each with whether it gets traffic.
    pub fn targets(&self, service: &str) -> BTreeMap<&'a str, bool> {
        let mut targets = BTreeMap::new();
        let slices = self.slices.get(service).into_iter().flatten();
        for endpoint in slices.flat_map(|slice| slice.endpoints.iter().flatten()) {
            let pod = endpoint.target_ref.as_ref().filter(|target| target.kind.as_deref() == Some("Pod"));
            let Some(name) = pod.and_then(|pod| pod.name.as_deref()) else { continue };
            // Unknown means ready:
            // <https://kubernetes.io/docs/reference/kubernetes-api/service-resources/endpoint-slice-v1/>
            let is_ready =
                endpoint.conditions.as_ref().and_then(|conditions| conditions.ready).unwrap_or(true);
            *targets.entry(name).or_insert(false) |= is_ready;
        }
        targets
    }

    pub(super) fn replica_sets_of(&self, uid: &str) -> impl Iterator<Item = &'a ReplicaSet> + '_ {
        self.replica_sets.get(uid).into_iter().flatten().copied()
    }

    pub(super) fn pods_of(&self, uid: &str) -> impl Iterator<Item = &'a Pod> + '_ {
        self.pods.get(uid).into_iter().flatten().copied()
    }

    pub(super) fn events_of(&self, uid: Option<&str>) -> impl DoubleEndedIterator<Item = &'a Event> + '_ {
        uid.and_then(|uid| self.events.get(uid)).into_iter().flatten().copied()
    }
}

/// The controller that owns an object.
fn owner(metadata: &ObjectMeta) -> Option<&OwnerReference> {
    metadata.owner_references.iter().flatten().find(|owner| owner.controller == Some(true))
}
