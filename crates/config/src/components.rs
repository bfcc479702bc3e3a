//! `components`: what can change and be deployed.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;
use sluice_core::ImageReference;
use sluice_yaml::Placed;

/// The components by name. A name is also the name of outputs: letters, digits, `_` and `-`.
pub type Components = IndexMap<Placed<String>, Component>;

/// Something that is built and deployed as one.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Component {
    /// Globs of the files that are this component's. `{name}` captures a segment of the path: each set
    /// of captured values is one cell of the component.
    pub paths: Vec<Placed<String>>,
    /// Globs of files that all cells of this component share.
    #[serde(default)]
    pub shared: Vec<Placed<String>>,
    /// Components that come before this one; when one changes, so does this one, in the cells that are
    /// equal on every dimension that both have.
    #[serde(default)]
    pub needs: Vec<Placed<String>>,
    /// The image that is built from this component, without a tag.
    pub image: Option<Placed<ImageReference>>,
    /// What runs this component in the cluster: `deployment/web`, `statefulset/db`, `daemonset/agent`.
    #[serde(default)]
    pub workloads: Vec<Placed<String>>,
    /// The Service that switches between the two Deployments of this component (blue-green).
    pub service: Option<Placed<String>>,
}
