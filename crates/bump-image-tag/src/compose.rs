//! Compose files: the `image` of each service.
//!
//! <https://github.com/compose-spec/compose-spec/blob/main/05-services.md#image>

use sluice_yaml::Node;

use crate::{helm, site::Site, source::Source, walk::Found};

/// Whether a document is one: its `services` are built, or run an image.
pub(crate) fn is_one(root: Node<'_>) -> bool {
    let services = root.get("services").ok().flatten();
    services.is_some_and(|services| {
        let mut services = services.entries().map(|service| service.value).peekable();
        let runs = |service: Node<'_>| {
            let get = |key| service.get(key).ok().flatten();
            get("build").is_some() || get("image").is_some_and(|image| image.as_str().is_some())
        };
        services.peek().is_some() && services.all(runs)
    })
}

/// The sites of a compose file. What stands above the services, for them to share, is looked at too.
pub(crate) fn sites<'a>(root: Found<'a>, source: &Source) -> Vec<Site<'a>> {
    let mut sites = Vec::new();
    for mapping in root.mappings() {
        sites.extend(helm::references(&mapping, "image", source));
    }
    sites
}
