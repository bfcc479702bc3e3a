//! The outputs: what the steps after a backup read.

use schemars::JsonSchema;
use serde::Serialize;

/// The outputs of the action.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Outputs {
    /// Where the backup is: a folder, or `s3://BUCKET/PREFIX`. Give it to `restore` and `verify`. Empty when there is no whole backup
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// The hash of the backup's manifest, `sha256:...`. Kept elsewhere, it shows later that nothing was changed
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// The namespace that the backup is of; of `restore` the one that was restored into
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// How many objects the backup holds
    #[serde(skip_serializing_if = "Option::is_none")]
    pub objects: Option<usize>,
    /// What `restore` did with each object, or would do in a dry run, as a JSON list of `{"kind", "name", "change"}`: `created`, `changed`, `unchanged`, `refused` or `unknown`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changes: Option<Vec<Change>>,
}

/// What became of one object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Change {
    /// Its kind, as in the manifest: `Deployment.apps`.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// What was done, or would be.
    pub change: What,
}

/// What can become of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum What {
    /// It was not there.
    Created,
    /// It was another.
    Changed,
    /// It was the same.
    Unchanged,
    /// The cluster, or someone who has changed it since, says no.
    Refused,
    /// It was not come to, or the cluster did not answer.
    Unknown,
}
