//! Whether a workload is done, how far it is, and what keeps it from it.
//!
//! [`judge`] is pure: it looks at a workload and what lies [`Around`] it, as they were seen last, and says in a
//! [`Judgement`] what is waited for and what is wrong. [`Patience`] weighs judgements over time: a trouble may pass,
//! and what is done must stay so. [`judge_job`] and [`judge_start`] do the same for a Job. The objects are parts of
//! those of the API (`read`): only what is looked at here is kept of them.
//!
//! A workload is done when its controller has seen the newest specification, all wanted pods run it and are
//! available, no other pod of it is left, not even a terminating one, and no endpoint of a Service leads elsewhere.
//! The status alone says less: right after a change its conditions are those of the version before, and after
//! "successfully rolled out" old pods may answer for as long as they take to end.
//! <https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#deployment-status>

mod around;
mod containers;
mod endpoints;
mod job;
mod patience;
mod pods;
mod read;
#[cfg(test)]
mod sample;
mod trouble;

use std::time::Duration;

pub use self::{
    around::Around,
    endpoints::judge_service,
    job::{JobState, judge_job, judge_start},
    patience::{Decision, Patience},
    pods::is_ready,
    read::{
        Condition, Container, ContainerState, ContainerStatus, DaemonSet, DaemonSetSpec, DaemonSetStatus,
        Deployment, DeploymentSpec, DeploymentStatus, Endpoint, EndpointConditions, EndpointSlice, Event,
        InvolvedObject, Metadata, Ordinals, Owner, Part, Pod, PodSpec, PodStatus, ReplicaSet, ReplicaSetSpec,
        RollingUpdate, Running, Series, Service, ServiceSpec, StatefulSet, StatefulSetSpec,
        StatefulSetStatus, TargetReference, Template, Terminated, UpdateStrategy, Waiting,
    },
    trouble::{Culprit, Trouble, time as time_of},
};

use self::pods::Pods;

/// A workload as it was seen last.
#[derive(Clone, Copy, Debug)]
pub enum Workload<'a> {
    /// Pods that can be replaced one by another.
    Deployment(&'a Deployment),
    /// Pods with names and disks of their own.
    StatefulSet(&'a StatefulSet),
    /// One pod on each node.
    DaemonSet(&'a DaemonSet),
}

/// How far a workload is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// How many pods of the newest version are wanted.
    pub wanted: i32,
    /// How many pods of the newest version are ready.
    pub ready: i32,
    /// What is waited for, in one line; `None` when the workload is done.
    pub waiting: Option<String>,
    /// What keeps it from being done, the worst first.
    pub troubles: Vec<Trouble>,
    /// What to look at when time is over and nothing is known to be wrong.
    pub laggard: Option<Trouble>,
    /// What must not change for as long as the workload is done: its ready pods, with their restarts.
    pub steady: Vec<Steady>,
}

/// A pod that is ready: the same one while nothing in here changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Steady {
    /// The pod's uid.
    pub uid: String,
    /// How often its containers were started again.
    pub restarts: i32,
    /// When it became ready, in seconds since 1970.
    pub ready_since: Option<i64>,
}

impl Judgement {
    /// Whether the newest version, and only it, serves.
    pub fn is_done(&self) -> bool {
        self.waiting.is_none()
    }
}

impl<'a> Workload<'a> {
    /// Its metadata.
    pub fn metadata(self) -> &'a Metadata {
        match self {
            Self::Deployment(deployment) => &deployment.metadata,
            Self::StatefulSet(set) => &set.metadata,
            Self::DaemonSet(set) => &set.metadata,
        }
    }

    /// Its name as people write it: `deployment/web`.
    pub fn name(self) -> String {
        let kind = match self {
            Self::Deployment(_) => "deployment",
            Self::StatefulSet(_) => "statefulset",
            Self::DaemonSet(_) => "daemonset",
        };
        format!("{kind}/{}", self.metadata().name)
    }

    /// The generation of its specification; 0 where no server gave it one.
    pub fn generation(self) -> i64 {
        self.metadata().generation.unwrap_or(0)
    }

    /// Its uid.
    pub fn uid(self) -> &'a str {
        &self.metadata().uid
    }

    /// What its pods are made from.
    pub fn template(self) -> &'a Template {
        match self {
            Self::Deployment(deployment) => &deployment.spec.template,
            Self::StatefulSet(set) => &set.spec.template,
            Self::DaemonSet(set) => &set.spec.template,
        }
    }

    /// Whether its controller has seen the newest specification.
    fn is_observed(self) -> bool {
        let observed = match self {
            Self::Deployment(deployment) => deployment.status.observed_generation,
            Self::StatefulSet(set) => set.status.observed_generation,
            Self::DaemonSet(set) => set.status.observed_generation,
        };
        match (self.metadata().generation, observed) {
            (Some(generation), Some(observed)) => observed >= generation,
            _ => false,
        }
    }
}

/// Judges one workload.
pub fn judge(workload: Workload<'_>, around: &Around<'_>) -> Judgement {
    let pods = Pods::of(workload, around);
    let count = match workload {
        Workload::Deployment(deployment) => Count::of_deployment(deployment),
        Workload::StatefulSet(set) => Count::of_stateful_set(set),
        Workload::DaemonSet(set) => Count::of_daemon_set(set),
    };
    let mut waiting = None;
    if !workload.is_observed() {
        waiting = Some("its controller has not seen the change yet".to_owned());
    }
    let waiting = waiting
        .or_else(|| count.waiting(&pods))
        .or_else(|| pods.waiting(count.wanted, count.most))
        .or_else(|| endpoints::waiting(workload, &pods, around));
    let (troubles, laggard) = match &waiting {
        None => (Vec::new(), None),
        Some(_) => {
            (trouble::of(workload, &pods, around, workload.is_observed()), trouble::laggard(&pods, around))
        }
    };
    Judgement {
        wanted: count.wanted,
        ready: i32::try_from(pods.ready().count()).unwrap_or(i32::MAX),
        steady: pods.steady(),
        waiting,
        troubles,
        laggard,
    }
}

/// What the controller counts.
struct Count {
    /// How many pods of the newest version there should be.
    wanted: i32,
    /// How many of them there may be.
    most: i32,
    /// How many there are.
    updated: i32,
    /// How many of all pods are available; all must be.
    available: i32,
    /// How many pods must be available in all.
    all: i32,
    /// How many pods there are, of all versions.
    present: i32,
    /// How many are on their way out, where the cluster tells.
    terminating: i32,
    /// Why it is not done although the numbers fit.
    unfinished: Option<String>,
}

impl Count {
    fn of_deployment(deployment: &Deployment) -> Self {
        let wanted = deployment.spec.replicas.unwrap_or(1);
        let status = &deployment.status;
        Self {
            wanted,
            most: wanted,
            updated: status.updated_replicas,
            available: status.available_replicas,
            all: wanted,
            present: status.replicas,
            terminating: status.terminating_replicas,
            unfinished: None,
        }
    }

    fn of_stateful_set(set: &StatefulSet) -> Self {
        let all = set.spec.replicas.unwrap_or(1);
        let partition = pods::partition(set);
        let status = &set.status;
        // Behind a partition two revisions are there to stay.
        let is_split = partition == 0 && status.current_revision != status.update_revision;
        Self {
            wanted: (all - partition).max(0),
            most: (all - partition).max(0),
            updated: status.updated_replicas,
            available: status.available_replicas,
            all,
            present: status.replicas,
            terminating: 0,
            unfinished: (status.update_revision.is_none() || is_split)
                .then(|| "its revision is not the current one yet".to_owned()),
        }
    }

    fn of_daemon_set(set: &DaemonSet) -> Self {
        let status = &set.status;
        let wanted = status.desired_number_scheduled;
        Self {
            wanted,
            // Where a taint came later, a pod stays that would not be made any more.
            most: wanted + status.number_misscheduled,
            updated: status.updated_number_scheduled,
            available: status.number_available,
            all: wanted,
            present: status.current_number_scheduled,
            terminating: 0,
            unfinished: None,
        }
    }

    fn waiting(&self, pods: &Pods<'_>) -> Option<String> {
        if self.updated < self.wanted {
            Some(format!("{} of {} have the new version", self.updated, plural(self.wanted, "pod")))
        } else if self.present > self.all {
            let old = self.present - self.all;
            Some(format!("{} of the old version left", plural(old, "pod")))
        } else if self.available < self.all || self.present < self.all {
            let ready = i32::try_from(pods.ready().count()).unwrap_or(i32::MAX).min(self.wanted);
            Some(if ready == self.wanted {
                format!("{} of {} are available", self.available, plural(self.all, "pod"))
            } else {
                format!("{ready} of {} are ready", plural(self.wanted, "pod"))
            })
        } else if self.terminating > 0 {
            Some(format!("{} still terminating", plural(self.terminating, "old pod")))
        } else {
            self.unfinished.clone()
        }
    }
}

fn plural(count: i32, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// How long what needs a look at the clock may last.
const AT_ONCE: Duration = Duration::ZERO;

#[cfg(test)]
mod tests;
