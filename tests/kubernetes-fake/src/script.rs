//! What tests say of how pods behave.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use serde_json::Value;

use crate::controllers::Life;

/// How the pods of an image or of a workload behave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behaviour {
    /// They become ready; those of a Job succeed.
    Well,
    /// As [`Behaviour::Well`], after this time.
    Slow(Duration),
    /// Their image can't be pulled: `ErrImagePull`, then `ImagePullBackOff`.
    ImagePullBackOff,
    /// They run, end with exit code 1, and run again, later each time: `CrashLoopBackOff`.
    CrashLoop,
    /// A ConfigMap that they name is missing: `CreateContainerConfigError`.
    ConfigError,
    /// No node has room: `Unschedulable`.
    Unschedulable,
    /// A quota lets none be made: `FailedCreate` on what makes them.
    Quota,
    /// They run and never get ready.
    NeverReady,
    /// They are ready for a moment, unready for a moment, and so on.
    Flap,
    /// They stay as they were made: no kubelet takes them.
    Stuck,
    /// They end with exit code 1: those of a Job, as often as it tries.
    Fail,
    /// They run and never end: those of a Job.
    RunForever,
}

/// Whose pods are meant.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Whose {
    Image(String),
    Workload(String, String),
}

/// What is said of pods.
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    pub(crate) whose: Whose,
    pub(crate) behaviour: Behaviour,
    pub(crate) says: Vec<String>,
    pub(crate) linger: Option<Duration>,
}

/// A pod's namespace, name, and container.
pub(crate) type Container = (String, String, String);

/// What a webhook does to an object that is made or changed.
pub(crate) type Webhook = Box<dyn FnMut(&mut Value) + Send>;

/// All that tests say, and what came of it.
pub(crate) struct Script {
    pub(crate) rules: Vec<Rule>,
    /// How long workloads go on with their old status after a change of their spec.
    pub(crate) observe_after: HashMap<(String, String), Duration>,
    /// Whether statuses tell of terminating pods.
    pub(crate) tells_terminating: bool,
    /// Whether logs can be had.
    pub(crate) has_kubelet: bool,
    /// By the plural of the kind whose objects they change.
    pub(crate) webhooks: Vec<(String, Webhook)>,
    /// Whether controllers act.
    pub(crate) is_running: bool,
    /// How often watches were cut, and whether by a reset.
    pub(crate) cuts: (u64, bool),
    pub(crate) logs: HashMap<Container, Vec<(Timestamp, String)>>,
    pub(crate) previous_logs: HashMap<Container, Vec<(Timestamp, String)>>,
    /// How pods live, by their uid.
    pub(crate) lives: HashMap<String, Life>,
    /// When a workload's generation was first seen.
    pub(crate) changed_at: HashMap<((String, String), i64), Instant>,
    /// The names of the nodes.
    pub(crate) nodes: Vec<String>,
}

impl Default for Script {
    fn default() -> Self {
        Self {
            rules: Vec::new(),
            observe_after: HashMap::new(),
            tells_terminating: true,
            has_kubelet: true,
            webhooks: Vec::new(),
            is_running: true,
            cuts: (0, false),
            logs: HashMap::new(),
            previous_logs: HashMap::new(),
            lives: HashMap::new(),
            changed_at: HashMap::new(),
            nodes: vec!["node-1".to_owned(), "node-2".to_owned()],
        }
    }
}

impl Script {
    /// The rule for pods of these images and this workload: the last that was said, of images first.
    pub(crate) fn rule(&self, pod_spec: &Value, namespace: &str, workload: &str) -> Option<&Rule> {
        let images: Vec<&str> = pod_spec["containers"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|container| container["image"].as_str())
            .collect();
        // A tag means what it names with a digest, too.
        let is = |image: &str, named: &str| image == named || image.split('@').next() == Some(named);
        let of_image = |rule: &&Rule| matches!(&rule.whose, Whose::Image(named) if images.iter().any(|image| is(image, named)));
        let of_workload = |rule: &&Rule| matches!(&rule.whose, Whose::Workload(space, name) if space == namespace && name == workload);
        self.rules.iter().rev().find(of_image).or_else(|| self.rules.iter().rev().find(of_workload))
    }

    pub(crate) fn change(&mut self, whose: &Whose, change: impl FnOnce(&mut Rule)) {
        let index = self.rules.iter().position(|rule| rule.whose == *whose).unwrap_or_else(|| {
            let fresh =
                Rule { whose: whose.clone(), behaviour: Behaviour::Well, says: Vec::new(), linger: None };
            self.rules.push(fresh);
            self.rules.len() - 1
        });
        change(&mut self.rules[index]);
    }
}
