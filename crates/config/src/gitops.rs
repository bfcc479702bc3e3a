//! `gitops`: the repository that holds the overlays.

use schemars::JsonSchema;
use serde::Deserialize;
use sluice_yaml::Placed;

/// The repository that holds the overlays.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Gitops {
    /// Its name: `owner/name`.
    pub repository: Placed<String>,
    /// The branch that is deployed from. Default: the repository's default branch.
    pub branch: Option<Placed<String>>,
}
