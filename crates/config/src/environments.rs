//! `environments`: where components are deployed.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sluice_yaml::{Placed, Unread};

/// The environments by name, in the order of the file.
///
/// Only gate-approval reads gates, only what measures reads bakes, only backup reads backups: a newer condition must not
/// stop the other actions.
pub type Environments<G = Unread, B = Unread, K = Unread> = IndexMap<String, Environment<G, B, K>>;

/// A place that components are deployed to.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Environment<G = Unread, B = Unread, K = Unread> {
    /// The environment that a change passes before this one.
    pub after: Option<Placed<String>>,
    /// The branch that may be deployed here.
    pub source_branch: Option<Placed<String>>,
    /// The folders of this environment's overlays, from the repository's root.
    #[serde(default)]
    pub overlays: Vec<Placed<String>>,
    /// How bump-image-tag writes here. Default: `worktree`.
    pub strategy: Option<Placed<Strategy>>,
    /// Where the environment answers.
    pub url: Option<Placed<String>>,
    /// The files of checks that smoke-test runs, from the repository's root.
    #[serde(default)]
    pub smoke: Vec<Placed<String>>,
    /// What is measured after a deployment, and what it may be.
    pub bake: Option<B>,
    /// The cluster that it runs in.
    pub cluster: Option<Cluster>,
    /// What is exported of its namespace, and where to.
    pub backup: Option<K>,
    /// What must hold before a change goes here: each key is one condition.
    pub gate: Option<G>,
}

/// How bump-image-tag writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Strategy {
    /// Into the files on disk.
    Worktree,
    /// As one commit through the API.
    Commit,
    /// As a pull request.
    PullRequest,
}

/// A Kubernetes cluster.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cluster {
    /// The name of the EKS cluster.
    pub eks: Option<Placed<String>>,
    /// Its AWS region.
    pub region: Option<Placed<String>>,
    /// The namespace of the environment.
    pub namespace: Option<Placed<String>>,
}
