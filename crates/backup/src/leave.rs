//! Which objects stay out of a backup, because the cluster makes them again.

use std::collections::{HashMap, HashSet, hash_map::Entry};

use serde_json::Value;

/// Kinds that are of the moment, by plural and group: they are exported only when they are named.
pub(crate) const OF_THE_MOMENT: [(&str, &str); 6] = [
    ("csistoragecapacities", "storage.k8s.io"),
    ("events", ""),
    ("events", "events.k8s.io"),
    ("leasecandidates", "coordination.k8s.io"),
    ("leases", "coordination.k8s.io"),
    ("podcertificaterequests", "certificates.k8s.io"),
];

/// Kinds whose objects mostly have owners, by plural and group. Looked at after the others, their owners are known.
const OF_OWNERS: [(&str, &str); 5] = [
    ("controllerrevisions", "apps"),
    ("endpointslices", "discovery.k8s.io"),
    ("jobs", "batch"),
    ("pods", ""),
    ("replicasets", "apps"),
];

/// Whether the objects of a kind mostly have owners.
pub(crate) fn have_owners(plural: &str, group: &str) -> bool {
    OF_OWNERS.contains(&(plural, group))
}

/// Why an object stays out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Reason {
    /// Its controller is there, and makes it.
    Owned,
    /// Kubernetes, or a controller of its, makes it for each namespace, or for a Service.
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
    /// Each object by its uid, with the number of the kind that it was seen as first.
    uids: HashMap<String, usize>,
    /// Names of Services whose endpoints Kubernetes finds.
    selecting: HashSet<String>,
}

/// What else must be in the namespace for an object to stay out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ties {
    /// The uids of those who make it.
    owners: Vec<String>,
    /// The Service whose endpoints it holds.
    service: Option<String>,
}

impl Seen {
    /// Takes note of an object; `false` when it was seen before as this very kind.
    pub(crate) fn note(&mut self, number: usize, kind: (&str, &str), object: &Value) -> bool {
        let metadata = &object["metadata"];
        if kind == ("", "Service")
            && object["spec"]["selector"].as_object().is_some_and(|selector| !selector.is_empty())
            && let Some(name) = metadata["name"].as_str()
        {
            self.selecting.insert(name.to_owned());
        }
        let Some(uid) = metadata["uid"].as_str() else { return true };
        match self.uids.entry(uid.to_owned()) {
            Entry::Occupied(known) => *known.get() != number,
            Entry::Vacant(new) => {
                new.insert(number);
                true
            }
        }
    }

    /// Why an object with these ties stays out, as far as it is known; `None` when it is kept.
    ///
    /// An owner counts only when it was seen: an object whose owner is not in this namespace, or was not looked for, would
    /// else be lost.
    pub(crate) fn leaves_out(&self, ties: &Ties) -> Option<Reason> {
        if ties.owners.iter().any(|owner| self.uids.contains_key(owner)) {
            return Some(Reason::Owned);
        }
        let is_found = ties.service.as_ref().is_some_and(|service| self.selecting.contains(service));
        is_found.then_some(Reason::Generated)
    }
}

impl Ties {
    pub(crate) fn of(kind: (&str, &str), object: &Value) -> Self {
        let metadata = &object["metadata"];
        // What belongs to a Pod comes and goes with it, also where it is not its controller: the endpoint of a network plug-in.
        let owners = metadata["ownerReferences"].as_array().into_iter().flatten();
        let makers = owners.filter(|owner| {
            owner["controller"] == true || (owner["kind"] == "Pod" && owner["apiVersion"] == "v1")
        });
        let word = |value: &Value| value.as_str().map(str::to_owned);
        Self {
            owners: makers.filter_map(|owner| word(&owner["uid"])).collect(),
            service: (kind == ("", "Endpoints")).then(|| word(&metadata["name"])).flatten(),
        }
    }
}

/// Why an object stays out whatever else there is; `None` when that does not decide.
pub(crate) fn leaves_itself_out(kind: (&str, &str), object: &Value) -> Option<Reason> {
    let metadata = &object["metadata"];
    if !metadata["deletionTimestamp"].is_null() {
        return Some(Reason::Deleted);
    }
    if metadata["annotations"].get("kubernetes.io/config.mirror").is_some() {
        return Some(Reason::Owned);
    }
    if is_generated(kind, object) {
        return Some(Reason::Generated);
    }
    has_run(kind, object).then_some(Reason::Finished)
}

fn is_generated(kind: (&str, &str), object: &Value) -> bool {
    let metadata = &object["metadata"];
    let (name, namespace) = (&metadata["name"], &metadata["namespace"]);
    let is_locked = || metadata["annotations"].get("control-plane.alpha.kubernetes.io/leader").is_some();
    match kind {
        // <https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/#root-ca-cert-publisher>
        ("", "ConfigMap") => name == "kube-root-ca.crt" || is_locked(),
        // Nobody has changed the account that each namespace has.
        ("", "ServiceAccount") => name == "default" && is_bare(object),
        ("", "Service") => is_of_api_server(name, namespace),
        ("", "Endpoints") => {
            metadata["labels"]["endpoints.kubernetes.io/managed-by"] == "endpoint-controller"
                || is_of_api_server(name, namespace)
                || is_locked()
        }
        // <https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/#management>
        ("discovery.k8s.io", "EndpointSlice") => {
            let by = &metadata["labels"]["endpointslice.kubernetes.io/managed-by"];
            by == "endpointslice-controller.k8s.io"
                || by == "endpointslicemirroring-controller.k8s.io"
                || is_of_api_server(name, namespace)
        }
        // It registers Pods with a load balancer of the cluster that it is from. By hand it has no such label.
        // <https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/targetgroupbinding/targetgroupbinding/>
        ("elbv2.k8s.aws", "TargetGroupBinding") => {
            let labels = metadata["labels"].as_object();
            labels.into_iter().flatten().any(|(label, _)| {
                label.starts_with("ingress.k8s.aws/stack") || label.starts_with("service.k8s.aws/stack")
            })
        }
        _ => false,
    }
}

/// The way to the API server itself, which it makes for itself:
/// <https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/>.
fn is_of_api_server(name: &Value, namespace: &Value) -> bool {
    name == "kubernetes" && namespace == "default"
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
fn has_run(kind: (&str, &str), object: &Value) -> bool {
    let status = &object["status"];
    match kind {
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
            seen.note(0, (group, kind), other);
        }
        seen.note(1, (group, kind), object);
        let kind = (group, kind);
        leaves_itself_out(kind, object).or_else(|| seen.leaves_out(&Ties::of(kind, object)))
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
    fn what_belongs_to_a_pod_goes_with_it() {
        let pod = ("", "Pod", json!({"metadata": {"name": "api-1", "uid": "1"}}));
        let endpoint = |api_version: &str| {
            let owner = json!({"apiVersion": api_version, "kind": "Pod", "uid": "1"});
            let object = json!({"metadata": {"name": "api-1", "ownerReferences": [owner]}});
            decide("cilium.io", "CiliumEndpoint", &object, std::slice::from_ref(&pod))
        };
        assert_eq!(endpoint("v1"), Some(Reason::Owned));
        // A stranger's kind that is called so, too.
        assert_eq!(endpoint("example.com/v1"), None);
    }

    #[test]
    fn an_object_is_seen_once_as_each_kind() {
        let mut seen = Seen::default();
        let object = json!({"metadata": {"name": "a", "uid": "1"}});
        let mut note = |number| seen.note(number, ("", "Event"), &object);
        assert_eq!((note(0), note(0), note(1)), (true, false, true));
    }

    #[test]
    fn what_kubernetes_makes_stays_out() {
        let config = |name: &str| decide("", "ConfigMap", &json!({"metadata": {"name": name}}), &[]);
        assert_eq!((config("kube-root-ca.crt"), config("settings")), (Some(Reason::Generated), None));
        let lock = json!({"metadata": {"name": "a", "annotations": {"control-plane.alpha.kubernetes.io/leader": "{}"}}});
        assert_eq!(decide("", "ConfigMap", &lock, &[]), Some(Reason::Generated));
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
    fn the_way_to_the_api_server_is_its_cluster_s() {
        let kubernetes =
            |namespace: &str| json!({"metadata": {"name": "kubernetes", "namespace": namespace}});
        for (group, kind) in [("", "Service"), ("", "Endpoints"), ("discovery.k8s.io", "EndpointSlice")] {
            let decide = |namespace: &str| decide(group, kind, &kubernetes(namespace), &[]);
            assert_eq!((decide("default"), decide("shop")), (Some(Reason::Generated), None), "{kind}");
        }
    }

    #[test]
    fn a_target_group_stays_with_its_load_balancer_unless_it_was_bound_by_hand() {
        let binding = |labels: Value| {
            let object = json!({"metadata": {"name": "k8s-shop-api", "labels": labels}});
            decide("elbv2.k8s.aws", "TargetGroupBinding", &object, &[])
        };
        for label in
            ["ingress.k8s.aws/stack", "ingress.k8s.aws/stack-name", "service.k8s.aws/stack-namespace"]
        {
            assert_eq!(binding(json!({label: "shop"})), Some(Reason::Generated), "{label}");
        }
        assert_eq!((binding(json!({"app": "api"})), binding(json!(null))), (None, None));
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
