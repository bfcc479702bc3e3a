//! Kubernetes manifests: the `image` of containers, wherever a kind keeps its pod template, and that of volumes
//! (<https://kubernetes.io/docs/concepts/storage/volumes/#image>).

use crate::{helm, site::Site, source::Source, walk::Found};

/// What describes a manifest or carries data of others; no container stands there.
const NO_CONTAINERS: [&str; 4] = ["metadata", "data", "stringData", "status"];

/// The sites of a manifest: every `image` that is a reference, or holds name and tag apart, as some operators' own
/// kinds do.
pub(crate) fn sites<'a>(root: Found<'a>, source: &Source) -> Vec<Site<'a>> {
    let entered = |key: &str| !NO_CONTAINERS.contains(&key);
    let mut sites = Vec::new();
    for mapping in root.mappings_below(&entered) {
        if mapping.key.is_some_and(|key| key.to_lowercase().ends_with("image")) {
            sites.extend(helm::apart(&mapping, source));
            sites.extend(helm::references(&mapping, "reference", source));
        }
        sites.extend(helm::references(&mapping, "image", source));
    }
    sites
}
