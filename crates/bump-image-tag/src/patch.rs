//! Patches: parts of manifests that are merged, or lists of operations.
//!
//! <https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/patches/>,
//! <https://datatracker.ietf.org/doc/html/rfc6902>

use sluice_yaml::Node;

use crate::{
    formats::text,
    helm, manifest,
    site::{Site, Slot},
    source::Source,
    walk::Found,
};

/// Whether a document is a list of operations.
pub(crate) fn is_list(root: Node<'_>) -> bool {
    let is_operation = |item: Node<'_>| text(item, "op").is_some() && text(item, "path").is_some();
    root.is_sequence() && root.items().next().is_some() && root.items().all(is_operation)
}

/// The sites of a patch: the `image` of containers; or what an operation puts at a path that ends in `image`, or into
/// a container.
pub(crate) fn sites<'a>(root: Found<'a>, source: &Source) -> Vec<Site<'a>> {
    if !is_list(root.node) {
        return manifest::sites(root, source);
    }
    let mut sites = Vec::new();
    for operation in root.items() {
        let puts = matches!(text(operation.node, "op"), Some("add" | "replace"));
        let at_image = text(operation.node, "path").is_some_and(|path| path.ends_with("/image"));
        let Ok(Some(value)) = operation.node.entry("value") else { continue };
        match value.value.as_str() {
            Some(text) if puts && at_image => {
                let slot = Slot::of("value", Some(value));
                sites.extend(helm::reference(slot, text, operation.path_of("value"), source));
            }
            None if puts => sites.extend(manifest::sites(operation.below(value), source)),
            _ => {}
        }
    }
    sites
}
