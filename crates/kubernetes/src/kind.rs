//! Kinds of objects, and where the API has them.

use std::fmt;

use k8s_openapi::{NamespaceResourceScope, Resource};

/// A kind of objects that a cluster serves.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Kind {
    /// The group: `apps`, empty for the core one.
    pub group: String,
    /// The version: `v1`.
    pub version: String,
    /// The name of the kind: `Deployment`.
    pub kind: String,
    /// The name of its objects in paths and permissions: `deployments`.
    pub plural: String,
    /// Whether its objects live in namespaces.
    pub is_namespaced: bool,
    /// What can be done with it: `get`, `list`, `create`.
    pub verbs: Vec<String>,
}

impl Kind {
    /// The kind of a type. Its verbs are not told.
    pub fn of<K: Resource<Scope = NamespaceResourceScope>>() -> Self {
        Self::namespaced(K::GROUP, K::VERSION, K::KIND, K::URL_PATH_SEGMENT)
    }

    pub(crate) fn namespaced(group: &str, version: &str, kind: &str, plural: &str) -> Self {
        Self {
            group: group.to_owned(),
            version: version.to_owned(),
            kind: kind.to_owned(),
            plural: plural.to_owned(),
            is_namespaced: true,
            verbs: Vec::new(),
        }
    }

    /// Group and version as objects write them: `apps/v1`, `v1`.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.clone() } else { format!("{}/{}", self.group, self.version) }
    }

    /// Whether this can be done with it.
    pub fn can(&self, verb: &str) -> bool {
        self.verbs.iter().any(|known| known == verb)
    }

    /// The path of its objects.
    pub(crate) fn path(&self, namespace: &str) -> String {
        let root = if self.group.is_empty() { "/api/v1".to_owned() } else { self.root() };
        let namespace = if self.is_namespaced { format!("/namespaces/{namespace}") } else { String::new() };
        format!("{root}{namespace}/{}", self.plural)
    }

    fn root(&self) -> String {
        format!("/apis/{}/{}", self.group, self.version)
    }
}

impl fmt::Display for Kind {
    /// As kubectl names it: `deployments.apps`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.group.is_empty() {
            f.write_str(&self.plural)
        } else {
            write!(f, "{}.{}", self.plural, self.group)
        }
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::{apps::v1::Deployment, core::v1::Service};

    use super::*;

    #[test]
    fn a_kind_knows_its_place() {
        let deployments = Kind::of::<Deployment>();
        assert_eq!(deployments.path("shop"), "/apis/apps/v1/namespaces/shop/deployments");
        assert_eq!(deployments.to_string(), "deployments.apps");
        assert_eq!(deployments.api_version(), "apps/v1");
        let services = Kind::of::<Service>();
        assert_eq!(services.path("shop"), "/api/v1/namespaces/shop/services");
        assert_eq!(services.to_string(), "services");
        let nodes = Kind { is_namespaced: false, ..Kind::namespaced("", "v1", "Node", "nodes") };
        assert_eq!(nodes.path("shop"), "/api/v1/nodes");
    }
}
