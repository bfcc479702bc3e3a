//! What several tests begin with.

use sluice_kubernetes::Kind;

/// A kind whose objects live in namespaces.
pub(crate) fn kind(group: &str, kind: &str, plural: &str) -> Kind {
    Kind {
        group: group.to_owned(),
        version: "v1".to_owned(),
        kind: kind.to_owned(),
        plural: plural.to_owned(),
        is_namespaced: true,
        verbs: Vec::new(),
    }
}
