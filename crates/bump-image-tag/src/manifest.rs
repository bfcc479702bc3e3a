//! Kubernetes manifests: the `image` of containers, wherever a kind keeps its pod template.

use crate::{helm, site::Site, source::Source, walk::Found};

/// What describes a manifest or carries data of others; no container stands there.
const NO_CONTAINERS: [&str; 4] = ["metadata", "data", "stringData", "status"];

/// The sites of a manifest: every `image` that is a reference.
pub(crate) fn sites<'a>(root: Found<'a>, source: &Source) -> Vec<Site<'a>> {
    let entered = |key: &str| !NO_CONTAINERS.contains(&key);
    let mappings = root.mappings_below(&entered);
    mappings.iter().flat_map(|mapping| helm::references(mapping, "image", source)).collect()
}
