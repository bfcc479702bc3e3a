//! What later steps read.

use schemars::JsonSchema;
use serde::Serialize;
use sluice_core::Verdict;

/// The outputs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Outputs {
    /// `true` when the cluster runs something else than before (with `dry-run`: would run). Not of `status`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changed: Option<bool>,
    /// `true` when a failure was rolled back: all is as it was before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rolled_back: Option<bool>,
    /// JSON list: each object that was changed or looked at, with `object`, `verdict`, `reason`, `replicas`, `before` and `after`.
    pub workloads: Vec<WorkloadResult>,
    /// The file that `undo` takes, below the folder `RUNNER_TEMP` unless the input `record` says where. Only where something changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub record: Option<String>,
    /// The colour that gets the Service's traffic now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub live: Option<String>,
    /// The other colour: the one that `deploy` has deployed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idle: Option<String>,
    /// The host name that reaches only the idle colour, for `smoke-test`: `web-green.shop.svc`. Where there is such a Service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idle_host: Option<String>,
    /// The version that runs: the tag of the image, else its digest. Of the colour that gets the traffic, with `service`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The change as a unified diff. Of a dry run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub diff: Option<String>,
}

/// One object.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct WorkloadResult {
    /// What it is: `deployment/web`.
    pub object: String,
    /// Whether it is as it should be.
    pub verdict: Verdict,
    /// Why, in one line.
    pub reason: String,
    /// How many pods are ready, and how many are wanted: `3/3`. Of workloads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replicas: Option<String>,
    /// What ran before, as `container=image`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub before: Vec<String>,
    /// What runs now, as `container=image`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<String>,
}
