//! What is served: the kinds that Kubernetes brings, and those of custom resource definitions.

use serde_json::{Value, json};

/// A kind of objects.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::struct_field_names, reason = "`kind` is what objects call it")]
pub(crate) struct Kind {
    pub(crate) group: String,
    pub(crate) version: String,
    pub(crate) kind: String,
    pub(crate) plural: String,
    pub(crate) is_namespaced: bool,
    /// Whether its status is written apart.
    pub(crate) has_status: bool,
    pub(crate) has_scale: bool,
    pub(crate) verbs: &'static [&'static str],
}

const ALL: &[&str] = &["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];
const CREATE: &[&str] = &["create"];
const VIEW: &[&str] = &["get", "list"];

/// Group and version, kind, plural; `N` for namespaced; `S` for a status, `R` for a scale (replicas), `C` for what is only
/// created, `V` for what is only looked at.
const BUILT_IN: &[(&str, &str, &str, &str)] = &[
    ("v1", "ConfigMap", "configmaps", "N"),
    ("v1", "Endpoints", "endpoints", "N"),
    ("v1", "Event", "events", "N"),
    ("v1", "LimitRange", "limitranges", "N"),
    ("v1", "Namespace", "namespaces", "S"),
    ("v1", "Node", "nodes", "S"),
    ("v1", "PersistentVolumeClaim", "persistentvolumeclaims", "NS"),
    ("v1", "PersistentVolume", "persistentvolumes", "S"),
    ("v1", "Pod", "pods", "NS"),
    ("v1", "PodTemplate", "podtemplates", "N"),
    ("v1", "ReplicationController", "replicationcontrollers", "NSR"),
    ("v1", "ResourceQuota", "resourcequotas", "NS"),
    ("v1", "Secret", "secrets", "N"),
    ("v1", "ServiceAccount", "serviceaccounts", "N"),
    ("v1", "Service", "services", "NS"),
    ("apps/v1", "ControllerRevision", "controllerrevisions", "N"),
    ("apps/v1", "DaemonSet", "daemonsets", "NS"),
    ("apps/v1", "Deployment", "deployments", "NSR"),
    ("apps/v1", "ReplicaSet", "replicasets", "NSR"),
    ("apps/v1", "StatefulSet", "statefulsets", "NSR"),
    ("apiextensions.k8s.io/v1", "CustomResourceDefinition", "customresourcedefinitions", "S"),
    ("authorization.k8s.io/v1", "SelfSubjectAccessReview", "selfsubjectaccessreviews", "C"),
    ("autoscaling/v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers", "NS"),
    ("autoscaling/v1", "HorizontalPodAutoscaler", "horizontalpodautoscalers", "NS"),
    ("batch/v1", "CronJob", "cronjobs", "NS"),
    ("batch/v1", "Job", "jobs", "NS"),
    ("coordination.k8s.io/v1", "Lease", "leases", "N"),
    ("discovery.k8s.io/v1", "EndpointSlice", "endpointslices", "N"),
    ("events.k8s.io/v1", "Event", "events", "N"),
    ("metrics.k8s.io/v1beta1", "PodMetrics", "pods", "NV"),
    ("networking.k8s.io/v1", "Ingress", "ingresses", "NS"),
    ("networking.k8s.io/v1", "NetworkPolicy", "networkpolicies", "N"),
    ("policy/v1", "PodDisruptionBudget", "poddisruptionbudgets", "NS"),
    ("rbac.authorization.k8s.io/v1", "ClusterRole", "clusterroles", ""),
    ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding", "clusterrolebindings", ""),
    ("rbac.authorization.k8s.io/v1", "Role", "roles", "N"),
    ("rbac.authorization.k8s.io/v1", "RoleBinding", "rolebindings", "N"),
    ("storage.k8s.io/v1", "StorageClass", "storageclasses", ""),
];

/// The kinds that Kubernetes brings.
pub(crate) fn built_in() -> Vec<Kind> {
    let kinds = BUILT_IN.iter().map(|(api_version, kind, plural, traits)| {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        Kind {
            group: group.to_owned(),
            version: version.to_owned(),
            kind: (*kind).to_owned(),
            plural: (*plural).to_owned(),
            is_namespaced: traits.contains('N'),
            has_status: traits.contains('S'),
            has_scale: traits.contains('R'),
            verbs: match traits {
                traits if traits.contains('C') => CREATE,
                traits if traits.contains('V') => VIEW,
                _ => ALL,
            },
        }
    });
    kinds.collect()
}

/// The kinds that a custom resource definition brings: one a version.
pub(crate) fn of_definition(definition: &Value) -> Vec<Kind> {
    let spec = &definition["spec"];
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let versions = spec["versions"].as_array().cloned().unwrap_or_default();
    let served = versions.iter().filter(|version| version["served"] == true);
    served
        .map(|version| Kind {
            group: word(&spec["group"]),
            version: word(&version["name"]),
            kind: word(&spec["names"]["kind"]),
            plural: word(&spec["names"]["plural"]),
            is_namespaced: spec["scope"] == "Namespaced",
            has_status: version["subresources"].get("status").is_some(),
            has_scale: version["subresources"].get("scale").is_some(),
            verbs: ALL,
        })
        .collect()
}

impl Kind {
    pub(crate) fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.clone() } else { format!("{}/{}", self.group, self.version) }
    }

    /// Where its objects are kept. Two groups may show the same objects; two versions always do.
    pub(crate) fn storage(&self) -> (String, String) {
        let group = if self.group == "events.k8s.io" { "" } else { &self.group };
        (group.to_owned(), self.plural.clone())
    }

    /// As the API server names it in refusals: `deployments.apps`.
    pub(crate) fn qualified(&self) -> String {
        if self.group.is_empty() { self.plural.clone() } else { format!("{}.{}", self.plural, self.group) }
    }

    /// The resource and its subresources, as plain discovery lists them.
    pub(crate) fn listed(&self) -> Vec<Value> {
        let singular = self.kind.to_lowercase();
        let mut listed = vec![json!({
            "name": self.plural, "singularName": singular, "namespaced": self.is_namespaced,
            "kind": self.kind, "verbs": self.verbs,
        })];
        for subresource in self.subresources() {
            let kind = if subresource == "scale" { "Scale" } else { &self.kind };
            let mut entry = json!({
                "name": format!("{}/{subresource}", self.plural), "singularName": "",
                "namespaced": self.is_namespaced, "kind": kind, "verbs": ["get", "patch", "update"],
            });
            if subresource == "scale" {
                entry["group"] = "autoscaling".into();
                entry["version"] = "v1".into();
            }
            listed.push(entry);
        }
        listed
    }

    /// The resource, as aggregated discovery lists it.
    pub(crate) fn aggregated(&self) -> Value {
        let response = |kind: &str| json!({"group": self.group, "version": self.version, "kind": kind});
        let mut entry = json!({
            "resource": self.plural,
            "responseKind": response(&self.kind),
            "scope": if self.is_namespaced { "Namespaced" } else { "Cluster" },
            "singularResource": self.kind.to_lowercase(),
            "verbs": self.verbs,
        });
        let subresources: Vec<Value> = self
            .subresources()
            .map(|name| json!({"subresource": name, "responseKind": response(&self.kind), "verbs": ["get", "patch", "update"]}))
            .collect();
        if !subresources.is_empty() {
            entry["subresources"] = subresources.into();
        }
        entry
    }

    fn subresources(&self) -> impl Iterator<Item = &'static str> {
        let log = self.group.is_empty() && self.kind == "Pod";
        [("log", log), ("scale", self.has_scale), ("status", self.has_status)]
            .into_iter()
            .filter_map(|(name, has)| has.then_some(name))
    }
}
