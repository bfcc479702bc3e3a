//! What is seen of a namespace: one watch a kind, however many workloads are looked at.

use std::{
    collections::{BTreeMap, HashSet},
    mem::{Discriminant, discriminant},
};

use futures_util::{
    StreamExt as _,
    stream::{BoxStream, SelectAll},
};
use sluice_kubernetes::{
    Cluster, Error, Seen, Selector,
    progress::{
        Around, DaemonSet, Deployment, EndpointSlice, Event, Judgement, Part, Pod, ReplicaSet, Service,
        StatefulSet, Workload, is_ready, judge,
    },
};

use crate::reference::{Reference, WorkloadKind};

/// The label by which a StatefulSet tells its revisions apart.
const REVISION: &str = "controller-revision-hash";

type Store<K> = BTreeMap<String, K>;

/// The objects of a namespace, as they were seen last.
#[derive(Default)]
pub(crate) struct View {
    deployments: Store<Deployment>,
    stateful_sets: Store<StatefulSet>,
    daemon_sets: Store<DaemonSet>,
    replica_sets: Store<ReplicaSet>,
    pub(crate) pods: Store<Pod>,
    pub(crate) services: Store<Service>,
    slices: Store<EndpointSlice>,
    /// The oldest first.
    pub(crate) events: Vec<Event>,
    updates: SelectAll<BoxStream<'static, Result<Update, Error>>>,
    watched: usize,
    /// The kinds that were seen: the first that is told of a kind is all of it.
    seen: HashSet<Discriminant<Update>>,
}

enum Update {
    Deployments(Seen<Deployment>),
    StatefulSets(Seen<StatefulSet>),
    DaemonSets(Seen<DaemonSet>),
    ReplicaSets(Seen<ReplicaSet>),
    Pods(Seen<Pod>),
    Services(Seen<Service>),
    Slices(Seen<EndpointSlice>),
}

impl View {
    /// Begins to watch what these kinds of workloads need.
    pub(crate) fn watch(cluster: &Cluster, kinds: &[WorkloadKind]) -> Self {
        let mut view = Self::default();
        view.add::<Pod>(cluster, Update::Pods);
        view.add::<Service>(cluster, Update::Services);
        view.add::<EndpointSlice>(cluster, Update::Slices);
        if kinds.contains(&WorkloadKind::Deployment) {
            view.add::<Deployment>(cluster, Update::Deployments);
            view.add::<ReplicaSet>(cluster, Update::ReplicaSets);
        }
        if kinds.contains(&WorkloadKind::StatefulSet) {
            view.add::<StatefulSet>(cluster, Update::StatefulSets);
        }
        if kinds.contains(&WorkloadKind::DaemonSet) {
            view.add::<DaemonSet>(cluster, Update::DaemonSets);
        }
        view
    }

    fn add<K: Part>(&mut self, cluster: &Cluster, update: fn(Seen<K>) -> Update) {
        self.watched += 1;
        self.updates.push(cluster.watch::<K>(&Selector::all()).map(move |seen| seen.map(update)).boxed());
    }

    /// Looks once, at the workloads with these labels and all that lies around them.
    pub(crate) async fn look(cluster: &Cluster, meant: &Selector) -> Result<Self, Error> {
        let all = Selector::all();
        let (deployments, stateful_sets, daemon_sets, replica_sets, pods, services, slices) = tokio::try_join!(
            cluster.list(meant),
            cluster.list(meant),
            cluster.list(meant),
            cluster.list(&all),
            cluster.list(&all),
            cluster.list(&all),
            cluster.list(&all),
        )?;
        let mut view = Self::default();
        view.take(Update::Deployments(Seen::All(deployments.items)));
        view.take(Update::StatefulSets(Seen::All(stateful_sets.items)));
        view.take(Update::DaemonSets(Seen::All(daemon_sets.items)));
        view.take(Update::ReplicaSets(Seen::All(replica_sets.items)));
        view.take(Update::Pods(Seen::All(pods.items)));
        view.take(Update::Services(Seen::All(services.items)));
        view.take(Update::Slices(Seen::All(slices.items)));
        Ok(view)
    }

    /// Whether every kind was seen: what is not there then is not there.
    pub(crate) fn is_whole(&self) -> bool {
        self.seen.len() == self.watched
    }

    /// Waits for something to change.
    pub(crate) async fn next(&mut self) -> Result<(), Error> {
        match self.updates.next().await {
            Some(update) => self.take(update?),
            // A watch goes on for ever, or ends with its error.
            None => std::future::pending().await,
        }
        Ok(())
    }

    fn take(&mut self, update: Update) {
        self.seen.insert(discriminant(&update));
        match update {
            Update::Deployments(seen) => put(&mut self.deployments, seen),
            Update::StatefulSets(seen) => put(&mut self.stateful_sets, seen),
            Update::DaemonSets(seen) => put(&mut self.daemon_sets, seen),
            Update::ReplicaSets(seen) => put(&mut self.replica_sets, seen),
            Update::Pods(seen) => put(&mut self.pods, seen),
            Update::Services(seen) => put(&mut self.services, seen),
            Update::Slices(seen) => put(&mut self.slices, seen),
        }
    }

    pub(crate) fn around(&self) -> Around<'_> {
        Around::new(
            self.replica_sets.values(),
            self.pods.values(),
            self.services.values(),
            self.slices.values(),
            &self.events,
        )
    }

    pub(crate) fn workload(&self, reference: &Reference) -> Option<Workload<'_>> {
        let name = &reference.name;
        match reference.kind {
            WorkloadKind::Deployment => self.deployments.get(name).map(Workload::Deployment),
            WorkloadKind::StatefulSet => self.stateful_sets.get(name).map(Workload::StatefulSet),
            WorkloadKind::DaemonSet => self.daemon_sets.get(name).map(Workload::DaemonSet),
        }
    }

    /// All workloads, in the order of their kinds and names.
    pub(crate) fn workloads(&self) -> impl Iterator<Item = Workload<'_>> {
        let deployments = self.deployments.values().map(Workload::Deployment);
        let stateful_sets = self.stateful_sets.values().map(Workload::StatefulSet);
        deployments.chain(stateful_sets).chain(self.daemon_sets.values().map(Workload::DaemonSet))
    }

    /// Judges a workload that is at this generation at least; `None` as long as it was not seen there.
    pub(crate) fn judge(
        &self,
        reference: &Reference,
        generation: i64,
        around: &Around<'_>,
    ) -> Option<Judgement> {
        let workload = self.workload(reference)?;
        (workload.generation() >= generation).then(|| judge(workload, around))
    }

    /// The pods of a StatefulSet that keep it from going back: it waits for each of its pods to be ready before it
    /// replaces the next, and one of the version that failed never will be.
    /// <https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#forced-rollback>
    pub(crate) fn in_the_way(&self, name: &str) -> Vec<(String, String)> {
        let Some(set) = self.stateful_sets.get(name) else { return Vec::new() };
        let is_observed = set.status.observed_generation >= set.metadata.generation;
        let Some(revision) = set.status.update_revision.as_ref().filter(|_| is_observed) else {
            return Vec::new();
        };
        let is_ours =
            |pod: &&Pod| pod.metadata.owner_references.iter().any(|owner| owner.uid == set.metadata.uid);
        let is_of_revision = |pod: &&Pod| pod.metadata.labels.get(REVISION) == Some(revision);
        let pods = self.pods.values().filter(is_ours).filter(|pod| !is_of_revision(pod) && !is_ready(pod));
        pods.filter(|pod| pod.metadata.deletion_timestamp.is_none())
            .map(|pod| (pod.metadata.name.clone(), pod.metadata.uid.clone()))
            .collect()
    }
}

fn put<K: Part>(store: &mut Store<K>, seen: Seen<K>) {
    let name = |object: &K| object.metadata().name.clone();
    match seen {
        Seen::All(objects) => *store = objects.into_iter().map(|object| (name(&object), object)).collect(),
        Seen::Applied(object) => {
            store.insert(name(&object), object);
        }
        Seen::Deleted(object) => {
            store.remove(&name(&object));
        }
    }
}
