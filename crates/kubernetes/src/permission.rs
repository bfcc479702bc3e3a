//! What the caller may do, asked before anything is done.

use std::fmt;

use futures_util::future::try_join_all;
use http::Method;
use serde_json::{Value, json};

use crate::{
    Cluster, Error, Kind,
    call::{Call, in_no_doubt},
};

/// One thing that a Role allows.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Permission {
    /// `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`.
    pub verb: String,
    /// The group of the API: `apps`, empty for the core one.
    pub group: String,
    /// The resource: `deployments`, `pods/log`.
    pub resource: String,
}

impl Permission {
    /// A verb on a resource as kubectl names it: `deployments.apps`, `pods`, `pods/log`.
    pub fn new(verb: &str, resource: &str) -> Self {
        let (resource, group) = resource.split_once('.').unwrap_or((resource, ""));
        // The group stands before the subresource: `deployments.apps/scale`.
        let (group, subresource) = group.split_once('/').unwrap_or((group, ""));
        let resource =
            if subresource.is_empty() { resource.to_owned() } else { format!("{resource}/{subresource}") };
        Self { verb: verb.to_owned(), group: group.to_owned(), resource }
    }

    /// A verb on the objects of a kind.
    pub fn on(verb: &str, kind: &Kind) -> Self {
        Self { verb: verb.to_owned(), group: kind.group.clone(), resource: kind.plural.clone() }
    }
}

impl fmt::Display for Permission {
    /// `patch deployments.apps`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { verb, group, resource } = self;
        let (resource, subresource) = resource.split_once('/').map_or((resource.as_str(), ""), |parts| parts);
        write!(f, "{verb} {resource}")?;
        if !group.is_empty() {
            write!(f, ".{group}")?;
        }
        if !subresource.is_empty() {
            write!(f, "/{subresource}")?;
        }
        Ok(())
    }
}

impl Cluster {
    /// Those of the permissions that the caller lacks in this namespace, asked of the API server all at once.
    ///
    /// <https://kubernetes.io/docs/reference/access-authn-authz/authorization/#checking-api-access>
    pub async fn missing(&self, needs: &[Permission]) -> Result<Vec<Permission>, Error> {
        let allowed = try_join_all(needs.iter().map(|need| self.allows(need))).await?;
        Ok(needs.iter().zip(allowed).filter(|(_, allowed)| !allowed).map(|(need, _)| need.clone()).collect())
    }

    async fn allows(&self, need: &Permission) -> Result<bool, Error> {
        let (resource, subresource) = need.resource.split_once('/').unwrap_or((&need.resource, ""));
        let review = json!({
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": {
                "namespace": self.namespace(),
                "verb": need.verb,
                "group": need.group,
                "resource": resource,
                "subresource": subresource,
            }},
        });
        let reviews = Kind {
            is_namespaced: false,
            ..Kind::namespaced(
                "authorization.k8s.io",
                "v1",
                "SelfSubjectAccessReview",
                "selfsubjectaccessreviews",
            )
        };
        let call = Call::of(Method::POST, "create", &reviews, "")
            .body("application/json", review.to_string().into_bytes());
        // Nothing is kept of a review: it may be asked again.
        let answer = self.api.write(&call, &in_no_doubt).await?;
        let allowed = answer.pointer("/status/allowed").and_then(Value::as_bool);
        allowed.ok_or_else(|| Error::unreadable(call.what(), "it does not say whether it is allowed"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_permission_is_written_as_it_is_read() {
        for text in
            ["deployments.apps", "pods", "pods/log", "deployments.apps/scale", "leases.coordination.k8s.io"]
        {
            assert_eq!(Permission::new("get", text).to_string(), format!("get {text}"));
        }
        let scale = Permission::new("patch", "deployments.apps/scale");
        assert_eq!((scale.group.as_str(), scale.resource.as_str()), ("apps", "deployments/scale"));
        let log = Permission::new("get", "pods/log");
        assert_eq!((log.group.as_str(), log.resource.as_str()), ("", "pods/log"));
    }
}
