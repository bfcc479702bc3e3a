//! The pods of a workload: those of the newest version, and the others.

use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;

use super::{Around, Condition, Deployment, Pod, ReplicaSet, StatefulSet, Steady, Workload, plural};

/// The label by which StatefulSets and DaemonSets tell their revisions apart.
const REVISION_HASH: &str = "controller-revision-hash";

/// The pods of one workload. A pod that has ended for good (evicted, completed) serves nobody.
pub(super) struct Pods<'a> {
    /// Of the newest version, and there to stay.
    pub(super) new: Vec<&'a Pod>,
    /// Of another version, and meant to go.
    pub(super) old: Vec<&'a Pod>,
    /// Of any version, on their way out.
    pub(super) terminating: Vec<&'a Pod>,
    /// Of another version, and meant to stay: behind the partition of a StatefulSet.
    pub(super) kept: Vec<&'a Pod>,
    /// Of the newest version, and ended before they served: evicted, or not taken by their node.
    pub(super) rejected: Vec<&'a Pod>,
    /// Why it is not known yet which version is the newest.
    unknown: Option<&'static str>,
}

impl<'a> Pods<'a> {
    pub(super) fn of(workload: Workload<'_>, around: &Around<'a>) -> Self {
        let mut pods = Self {
            new: Vec::new(),
            old: Vec::new(),
            terminating: Vec::new(),
            kept: Vec::new(),
            rejected: Vec::new(),
            unknown: None,
        };
        let own = || around.pods_of(workload.uid());
        match workload {
            Workload::Deployment(deployment) => {
                let newest = newest(deployment, around);
                if newest.is_none() {
                    pods.unknown = Some("its new ReplicaSet is not there yet");
                }
                let newest = newest.map(|set| set.metadata.uid.as_str());
                for set in around.replica_sets_of(workload.uid()) {
                    let uid = set.metadata.uid.as_str();
                    for pod in around.pods_of(uid) {
                        pods.add(pod, newest == Some(uid));
                    }
                }
                // A ReplicaSet may be removed while its pods still end: such a pod is known by its labels.
                for pod in around.orphans.iter().filter(|pod| is_selected(pod, deployment)) {
                    pods.add(pod, false);
                }
            }
            Workload::StatefulSet(set) => {
                let revision = set.status.update_revision.as_deref();
                if revision.is_none() {
                    pods.unknown = Some("its new revision is not there yet");
                }
                let kept_below = set.spec.ordinals.start + partition(set);
                for pod in own() {
                    let is_kept = ordinal(pod).is_some_and(|ordinal| ordinal < kept_below);
                    if is_kept && pod.metadata.deletion_timestamp.is_none() && !has_ended(pod) {
                        pods.kept.push(pod);
                    } else {
                        pods.add(pod, revision.is_some() && label(pod, REVISION_HASH) == revision);
                    }
                }
            }
            Workload::DaemonSet(_) => {
                // Its status names no revision: that all pods have one, and that all are updated, says the same.
                for pod in own() {
                    pods.add(pod, true);
                }
                let mut revisions: Vec<_> = pods.new.iter().map(|pod| label(pod, REVISION_HASH)).collect();
                revisions.sort_unstable();
                revisions.dedup();
                if revisions.len() > 1 {
                    pods.unknown = Some("its pods have different versions");
                }
            }
        }
        pods
    }

    fn add(&mut self, pod: &'a Pod, is_new: bool) {
        if has_ended(pod) {
            self.rejected.extend(Some(pod).filter(|pod| is_new && pod.status.phase == "Failed"));
        } else if pod.metadata.deletion_timestamp.is_some() {
            self.terminating.push(pod);
        } else if is_new {
            self.new.push(pod);
        } else {
            self.old.push(pod);
        }
    }

    pub(super) fn ready(&self) -> impl Iterator<Item = &'a Pod> + '_ {
        self.new.iter().copied().filter(|pod| is_ready(pod))
    }

    /// What the pods themselves say against being done, whatever the status counts.
    pub(super) fn waiting(&self, wanted: i32, most: i32) -> Option<String> {
        let count = |pods: &[&Pod]| i32::try_from(pods.len()).unwrap_or(i32::MAX);
        if let Some(unknown) = self.unknown {
            return Some(unknown.to_owned());
        }
        if !self.old.is_empty() {
            return Some(format!("{} of the old version left", plural(count(&self.old), "pod")));
        }
        if !self.terminating.is_empty() {
            return Some(format!("{} still terminating", plural(count(&self.terminating), "old pod")));
        }
        let ready = i32::try_from(self.ready().count()).unwrap_or(i32::MAX);
        let kept_ready = self.kept.iter().all(|pod| is_ready(pod));
        (ready < wanted || count(&self.new) > most || !kept_ready)
            .then(|| format!("{ready} of {} are ready", plural(wanted, "pod")))
    }

    pub(super) fn steady(&self) -> Vec<Steady> {
        let mut steady: Vec<Steady> = self.new.iter().chain(&self.kept).map(|pod| steady(pod)).collect();
        steady.sort_by(|a, b| a.uid.cmp(&b.uid));
        steady
    }
}

fn steady(pod: &Pod) -> Steady {
    // Those that begin a pod may go on beside it: <https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/>
    let statuses = pod.status.init_container_statuses.iter().chain(&pod.status.container_statuses);
    Steady {
        uid: pod.metadata.uid.clone(),
        restarts: statuses.map(|container| container.restart_count).sum(),
        ready_since: ready_condition(pod)
            .and_then(|condition| condition.last_transition_time.map(Timestamp::as_second)),
    }
}

/// The ReplicaSet that has the Deployment's template. The controller finds it in the same way: the hash is left out,
/// and of several the oldest counts.
fn newest<'a>(deployment: &Deployment, around: &Around<'a>) -> Option<&'a ReplicaSet> {
    let sets = around.replica_sets_of(&deployment.metadata.uid);
    sets.filter(|set| set.spec.template == deployment.spec.template)
        .min_by_key(|set| (set.metadata.creation_timestamp, &set.metadata.name))
}

fn is_selected(pod: &Pod, deployment: &Deployment) -> bool {
    selects(&deployment.spec.selector, &pod.metadata.labels)
}

/// <https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors>
fn selects(selector: &LabelSelector, labels: &BTreeMap<String, String>) -> bool {
    let equal = selector.match_labels.iter().flatten().all(|(key, value)| labels.get(key) == Some(value));
    let fits = selector.match_expressions.iter().flatten().all(|rule| {
        let value = labels.get(&rule.key);
        let is_listed = value.is_some_and(|value| rule.values.iter().flatten().any(|one| one == value));
        match rule.operator.as_str() {
            "In" => is_listed,
            "NotIn" => !is_listed,
            "Exists" => value.is_some(),
            "DoesNotExist" => value.is_none(),
            _ => false,
        }
    });
    equal && fits
}

fn label<'a>(pod: &'a Pod, key: &str) -> Option<&'a str> {
    pod.metadata.labels.get(key).map(String::as_str)
}

/// <https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-phase>
pub(super) fn has_ended(pod: &Pod) -> bool {
    matches!(pod.status.phase.as_str(), "Failed" | "Succeeded")
}

pub(super) fn ready_condition(pod: &Pod) -> Option<&Condition> {
    pod.status.conditions.iter().find(|condition| condition.kind == "Ready")
}

/// Whether a pod serves: its containers are ready, and whatever else its readiness gates ask for.
/// <https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-readiness-gate>
pub fn is_ready(pod: &Pod) -> bool {
    ready_condition(pod).is_some_and(|condition| condition.status == "True")
}

/// How many pods of a StatefulSet keep the version before.
pub(super) fn partition(set: &StatefulSet) -> i32 {
    set.spec.update_strategy.rolling_update.partition
}

fn ordinal(pod: &Pod) -> Option<i32> {
    pod.metadata.name.rsplit_once('-')?.1.parse().ok()
}
