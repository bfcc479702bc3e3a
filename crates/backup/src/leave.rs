//! Which objects stay out of a backup, because the cluster makes them again.

use std::collections::HashSet;

use serde_json::Value;

/// Kinds that are of the moment, by plural and group: they are exported only when they are named.
pub(crate) const OF_THE_MOMENT: [(&str, &str); 5] = [
    ("events", ""),
    ("events", "events.k8s.io"),
    ("leasecandidates", "coordination.k8s.io"),
    ("leases", "coordination.k8s.io"),
    ("podcertificaterequests", "certificates.k8s.io"),
];

/// Why an object stays out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Reason {
    /// Its controller is there, and makes it.
    Owned,
    /// Kubernetes makes it for each namespace, or for a Service.
    Generated,
    /// It has run: restored, it would run again.
    Finished,
    /// It is going away.
    Deleted,
    /// It was seen already, under another group.
    Twice,
}

impl Reason {
    /// For people, after "left out: ".
    pub(crate) const fn text(self) -> &'static str {
        match self {
            Self::Owned => "their owners make them",
            Self::Generated => "Kubernetes makes them",
            Self::Finished => "they have run, and would run again",
            Self::Deleted => "they are being deleted",
            Self::Twice => "they are there under another group",
        }
    }
}

/// What the namespace holds, as far as it decides on others.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    uids: HashSet<String>,
    /// Names of Services whose endpoints Kubernetes finds.
    selecting: HashSet<String>,
}

impl Seen {
    /// Takes note of an object. All are noted before the first is decided on.
    pub(crate) fn note(&mut self, group: &str, kind: &str, object: &Value) {
        if let Some(uid) = object["metadata"]["uid"].as_str() {
            self.uids.insert(uid.to_owned());
        }
        if (group, kind) == ("", "Service")
            && object["spec"]["selector"].as_object().is_some_and(|selector| !selector.is_empty())
            && let Some(name) = object["metadata"]["name"].as_str()
        {
            self.selecting.insert(name.to_owned());
        }
    }

    /// Why this object stays out; `None` when it is kept.
    ///
    /// An owner counts only when it was seen: an object whose owner is not in this namespace, or was not looked for, would
    /// else be lost.
    pub(crate) fn leaves_out(&self, group: &str, kind: &str, object: &Value) -> Option<Reason> {
        let metadata = &object["metadata"];
        if !metadata["deletionTimestamp"].is_null() {
            return Some(Reason::Deleted);
        }
        if self.has_owner(metadata) || metadata["annotations"].get("kubernetes.io/config.mirror").is_some() {
            return Some(Reason::Owned);
        }
        if self.is_generated(group, kind, object) {
            return Some(Reason::Generated);
        }
        has_run(group, kind, object).then_some(Reason::Finished)
    }

    fn has_owner(&self, metadata: &Value) -> bool {
        let owners = metadata["ownerReferences"].as_array();
        owners.into_iter().flatten().any(|owner| {
            owner["controller"] == true && owner["uid"].as_str().is_some_and(|uid| self.uids.contains(uid))
        })
    }

    fn is_generated(&self, group: &str, kind: &str, object: &Value) -> bool {
        let metadata = &object["metadata"];
        let name = metadata["name"].as_str().unwrap_or_default();
        match (group, kind) {
            // <https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/#root-ca-cert-publisher>
            ("", "ConfigMap") => name == "kube-root-ca.crt",
            // Nobody has changed the account that each namespace has.
            ("", "ServiceAccount") => name == "default" && is_bare(object),
            ("", "Endpoints") => {
                self.selecting.contains(name)
                    || metadata["labels"]["endpoints.kubernetes.io/managed-by"] == "endpoint-controller"
                    || metadata["annotations"].get("control-plane.alpha.kubernetes.io/leader").is_some()
            }
            // <https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/#management>
            ("discovery.k8s.io", "EndpointSlice") => {
                let by = &metadata["labels"]["endpointslice.kubernetes.io/managed-by"];
                by == "endpointslice-controller.k8s.io" || by == "endpointslicemirroring-controller.k8s.io"
            }
            _ => false,
        }
    }
}

fn is_bare(object: &Value) -> bool {
    let metadata = &object["metadata"];
    let has = |value: &Value| match value {
        Value::Null => false,
        Value::Array(items) => !items.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
        _ => true,
    };
    let known = ["apiVersion", "kind", "metadata", "secrets"];
    let others = object.as_object().into_iter().flatten();
    !has(&metadata["labels"])
        && !has(&metadata["annotations"])
        && !others.into_iter().any(|(key, value)| !known.contains(&key.as_str()) && has(value))
}

/// A Job or a Pod that came to its end. One that is suspended has not.
fn has_run(group: &str, kind: &str, object: &Value) -> bool {
    let status = &object["status"];
    match (group, kind) {
        ("", "Pod") => status["phase"] == "Succeeded" || status["phase"] == "Failed",
        ("batch", "Job") => status["conditions"].as_array().into_iter().flatten().any(|condition| {
            (condition["type"] == "Complete" || condition["type"] == "Failed")
                && condition["status"] == "True"
        }),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn decide(group: &str, kind: &str, object: &Value, others: &[(&str, &str, Value)]) -> Option<Reason> {
        let mut seen = Seen::default();
        for (group, kind, other) in others {
            seen.note(group, kind, other);
        }
        seen.note(group, kind, object);
        seen.leaves_out(group, kind, object)
    }

    fn owned(uid: &str, controller: bool) -> Value {
        json!({"metadata": {"name": "a", "ownerReferences": [{"uid": uid, "controller": controller}]}})
    }

    #[test]
    fn an_owned_object_is_kept_unless_its_owner_was_seen() {
        let owner = ("apps", "Deployment", json!({"metadata": {"name": "api", "uid": "1"}}));
        let replica_set = |object, others: &[_]| decide("apps", "ReplicaSet", &object, others);
        assert_eq!(replica_set(owned("1", true), std::slice::from_ref(&owner)), Some(Reason::Owned));
        assert_eq!(replica_set(owned("2", true), std::slice::from_ref(&owner)), None);
        // Not a controller: collected with it, but not made by it.
        assert_eq!(replica_set(owned("1", false), &[owner]), None);
    }

    #[test]
    fn what_kubernetes_makes_stays_out() {
        let config = |name: &str| decide("", "ConfigMap", &json!({"metadata": {"name": name}}), &[]);
        assert_eq!((config("kube-root-ca.crt"), config("settings")), (Some(Reason::Generated), None));
        let account = |object| decide("", "ServiceAccount", &object, &[]);
        assert_eq!(
            account(json!({"kind": "ServiceAccount", "metadata": {"name": "default"}})),
            Some(Reason::Generated)
        );
        assert_eq!(account(json!({"metadata": {"name": "api"}})), None);
        assert_eq!(
            account(json!({"metadata": {"name": "default"}, "imagePullSecrets": [{"name": "registry"}]})),
            None
        );
        assert_eq!(
            account(
                json!({"metadata": {"name": "default", "annotations": {"eks.amazonaws.com/role-arn": "x"}}})
            ),
            None
        );
    }

    #[test]
    fn endpoints_that_someone_wrote_are_kept() {
        let service =
            |selector| ("", "Service", json!({"metadata": {"name": "db"}, "spec": {"selector": selector}}));
        let endpoints = json!({"metadata": {"name": "db"}, "subsets": []});
        assert_eq!(
            decide("", "Endpoints", &endpoints, &[service(json!({"app": "db"}))]),
            Some(Reason::Generated)
        );
        assert_eq!(decide("", "Endpoints", &endpoints, &[service(json!(null))]), None);
        assert_eq!(decide("", "Endpoints", &endpoints, &[]), None);
        let slice = |by: &str| {
            let labels = json!({"endpointslice.kubernetes.io/managed-by": by});
            decide(
                "discovery.k8s.io",
                "EndpointSlice",
                &json!({"metadata": {"name": "a", "labels": labels}}),
                &[],
            )
        };
        assert_eq!(slice("endpointslice-controller.k8s.io"), Some(Reason::Generated));
        assert_eq!(slice("me"), None);
    }

    #[test]
    fn what_has_run_does_not_run_again() {
        let job = |kind: &str, status: &str| {
            let object = json!({"metadata": {"name": "m"}, "status": {"conditions": [{"type": kind, "status": status}]}});
            decide("batch", "Job", &object, &[])
        };
        assert_eq!(job("Complete", "True"), Some(Reason::Finished));
        assert_eq!(job("Failed", "True"), Some(Reason::Finished));
        assert_eq!((job("Suspended", "True"), job("Complete", "False")), (None, None));
        let pod = |phase: &str| {
            decide("", "Pod", &json!({"metadata": {"name": "p"}, "status": {"phase": phase}}), &[])
        };
        assert_eq!((pod("Succeeded"), pod("Running")), (Some(Reason::Finished), None));
    }

    #[test]
    fn what_goes_away_and_what_a_node_runs_by_itself_stay_out() {
        let deleted = json!({"metadata": {"name": "a", "deletionTimestamp": "2026-01-01T00:00:00Z"}});
        assert_eq!(decide("", "ConfigMap", &deleted, &[]), Some(Reason::Deleted));
        let mirror = json!({"metadata": {"name": "a", "annotations": {"kubernetes.io/config.mirror": "x"}}});
        assert_eq!(decide("", "Pod", &mirror, &[]), Some(Reason::Owned));
    }
}
