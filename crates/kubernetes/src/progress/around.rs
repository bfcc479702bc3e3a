//! What lies around workloads.

use std::collections::{BTreeMap, BTreeSet};

use super::{EndpointSlice, Event, Metadata, Owner, Pod, ReplicaSet, Service, pods::has_ended};

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
            known.insert(set.metadata.uid.as_str());
            if let Some(owner) = owner(&set.metadata) {
                around.replica_sets.entry(&owner.uid).or_default().push(set);
            }
        }
        for pod in pods {
            around.names.insert(&pod.metadata.name, pod);
            let Some(owner) = owner(&pod.metadata) else { continue };
            around.pods.entry(&owner.uid).or_default().push(pod);
            if owner.kind == "ReplicaSet" && !known.contains(owner.uid.as_str()) {
                around.orphans.push(pod);
            }
        }
        for slice in slices {
            if let Some(service) = slice.metadata.labels.get(SERVICE_NAME) {
                around.slices.entry(service).or_default().push(slice);
            }
        }
        for event in events {
            around.events.entry(&event.involved_object.uid).or_default().push(event);
        }
        around
    }

    /// The pods that a Service leads to, by name, each with whether it gets traffic.
    pub fn targets(&self, service: &str) -> BTreeMap<&'a str, bool> {
        let mut targets = BTreeMap::new();
        let slices = self.slices.get(service).into_iter().flatten();
        for endpoint in slices.flat_map(|slice| &slice.endpoints) {
            if endpoint.target_ref.kind == "Pod" {
                let is_ready = endpoint.conditions.ready.unwrap_or(true);
                *targets.entry(endpoint.target_ref.name.as_str()).or_insert(false) |= is_ready;
            }
        }
        targets
    }

    /// Whether pods are on their way out: they leave room on nodes and in quotas.
    pub(super) fn is_making_room(&self) -> bool {
        self.names.values().any(|pod| pod.metadata.deletion_timestamp.is_some() && !has_ended(pod))
    }

    pub(super) fn replica_sets_of(&self, uid: &str) -> impl Iterator<Item = &'a ReplicaSet> + '_ {
        self.replica_sets.get(uid).into_iter().flatten().copied()
    }

    pub(super) fn pods_of(&self, uid: &str) -> impl Iterator<Item = &'a Pod> + '_ {
        self.pods.get(uid).into_iter().flatten().copied()
    }

    pub(super) fn events_of(&self, uid: &str) -> impl DoubleEndedIterator<Item = &'a Event> + '_ {
        self.events.get(uid).into_iter().flatten().copied()
    }
}

/// The controller that owns an object.
fn owner(metadata: &Metadata) -> Option<&Owner> {
    metadata.owner_references.iter().find(|owner| owner.controller)
}
