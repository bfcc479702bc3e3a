//! An object without what belongs to the cluster it came from.
//!
//! What is left is what someone asked for, so that it can be applied to any cluster. Taken out are: the status; the
//! identity (`uid`, `resourceVersion` and their like); the namespace, which the manifest names; owners, whose uid another
//! cluster does not know and whose absence would have the object collected; finalizers, which their controllers add
//! again, and which would hold an object for ever where there is no such controller; what kubectl and controllers note
//! for themselves; and what the cluster assigns: the address and node ports of a Service, the volume of a claim, the node
//! of a Pod, the selector of a Job.
//!
//! Some of the latter can also be asked for. Then it stays: the API server writes down who set a field
//! (`managedFields`), and what it assigns itself it does not write down.
//! <https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management>

use serde_json::{Map, Value};

/// What of `metadata` someone asked for.
const METADATA: [&str; 3] = ["name", "labels", "annotations"];

/// Annotations that tools and controllers write for themselves.
const ANNOTATIONS: [&str; 16] = [
    "autoscaling.alpha.kubernetes.io/conditions",
    "autoscaling.alpha.kubernetes.io/current-metrics",
    "deployment.kubernetes.io/desired-replicas",
    "deployment.kubernetes.io/max-replicas",
    "deployment.kubernetes.io/revision",
    "deployment.kubernetes.io/revision-history",
    "deprecated.daemonset.template.generation",
    "endpoints.kubernetes.io/last-change-trigger-time",
    "kubectl.kubernetes.io/last-applied-configuration",
    "kubernetes.io/service-account.uid",
    "pv.kubernetes.io/bind-completed",
    BOUND_BY_CONTROLLER,
    "volume.beta.kubernetes.io/storage-provisioner",
    "volume.kubernetes.io/selected-node",
    "volume.kubernetes.io/storage-provisioner",
    "volume.kubernetes.io/storage-resizer",
];
const BOUND_BY_CONTROLLER: &str = "pv.kubernetes.io/bound-by-controller";

/// Labels that a controller writes for itself.
const LABELS: [&str; 1] = ["kubernetes.io/legacy-token-last-used"];

/// Labels by which a Job finds its Pods, where it was not told otherwise.
const LABELS_OF_JOBS: [&str; 4] =
    ["batch.kubernetes.io/controller-uid", "batch.kubernetes.io/job-name", "controller-uid", "job-name"];

/// The object of this group and kind, as it is kept.
pub(crate) fn clean(group: &str, kind: &str, object: &Value) -> Value {
    let mut kept = object.clone();
    let Value::Object(fields) = &mut kept else { return kept };
    fields.shift_remove("status");
    match (group, kind) {
        ("", "Service") => service(fields, object),
        ("", "PersistentVolumeClaim") => claim(fields, object),
        ("", "Pod") => pod(fields),
        ("", "Secret") => secret(fields),
        ("batch", "Job") => job(fields),
        ("apps", "StatefulSet") => stateful_set(fields),
        _ => {}
    }
    metadata(fields);
    without_empty_times(&mut kept);
    kept
}

fn metadata(fields: &mut Map<String, Value>) {
    let Some(Value::Object(metadata)) = fields.get_mut("metadata") else { return };
    metadata.retain(|key, _| METADATA.contains(&key.as_str()));
    without(metadata, "annotations", &ANNOTATIONS);
    without(metadata, "labels", &LABELS);
}

/// Takes these labels or annotations out, and does not leave an empty map.
fn without(metadata: &mut Map<String, Value>, name: &str, keys: &[&str]) {
    let Some(Value::Object(entries)) = metadata.get_mut(name) else { return };
    entries.retain(|key, _| !keys.contains(&key.as_str()));
    if entries.is_empty() {
        metadata.shift_remove(name);
    }
}

/// <https://kubernetes.io/docs/concepts/services-networking/service/#type-nodeport>
fn service(fields: &mut Map<String, Value>, object: &Value) {
    let Some(Value::Object(spec)) = fields.get_mut("spec") else { return };
    let owns = |path: &[&str]| is_asked_for(object, &[&["f:spec"], path].concat());
    let headless = spec.get("clusterIP").is_some_and(|address| address == "None");
    if headless || !owns(&["f:clusterIP"]) {
        spec.shift_remove("clusterIPs");
    }
    if !headless && !owns(&["f:clusterIP"]) {
        spec.shift_remove("clusterIP");
    }
    for field in ["healthCheckNodePort", "ipFamilies", "ipFamilyPolicy"] {
        if !owns(&[&format!("f:{field}")]) {
            spec.shift_remove(field);
        }
    }
    for port in spec.get_mut("ports").and_then(Value::as_array_mut).into_iter().flatten() {
        let Value::Object(port) = port else { continue };
        let key = format!(
            r#"k:{{"port":{},"protocol":{}}}"#,
            port.get("port").unwrap_or(&Value::Null),
            port.get("protocol").unwrap_or(&Value::from("TCP"))
        );
        if !owns(&["f:ports", &key, "f:nodePort"]) {
            port.shift_remove("nodePort");
        }
    }
}

/// The volume stays where it was chosen, not found: <https://kubernetes.io/docs/concepts/storage/persistent-volumes/#binding>.
fn claim(fields: &mut Map<String, Value>, object: &Value) {
    if object["metadata"]["annotations"][BOUND_BY_CONTROLLER] == "yes"
        && let Some(Value::Object(spec)) = fields.get_mut("spec")
    {
        spec.shift_remove("volumeName");
    }
}

/// Takes out what admission puts into every Pod, and would put in again.
fn pod(fields: &mut Map<String, Value>) {
    let Some(Value::Object(spec)) = fields.get_mut("spec") else { return };
    for field in ["nodeName", "priority", "preemptionPolicy", "serviceAccount", "ephemeralContainers"] {
        spec.shift_remove(field);
    }
    // <https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/#bound-service-account-token-volume>
    let is_token =
        |entry: &Value| entry["name"].as_str().is_some_and(|name| name.starts_with("kube-api-access-"));
    retain(spec, "volumes", |volume| !(is_token(volume) && volume.get("projected").is_some()));
    for containers in ["containers", "initContainers"] {
        for container in spec.get_mut(containers).and_then(Value::as_array_mut).into_iter().flatten() {
            if let Value::Object(container) = container {
                retain(container, "volumeMounts", |mount| !is_token(mount));
            }
        }
    }
    // <https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/#taint-based-evictions>
    retain(spec, "tolerations", |toleration| {
        !(["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"]
            .iter()
            .any(|key| toleration["key"] == *key)
            && toleration["tolerationSeconds"] == 300)
    });
}

/// The token of a service account is another one in another cluster: its controller fills it in.
/// <https://kubernetes.io/docs/concepts/configuration/secret/#serviceaccount-token-secrets>
fn secret(fields: &mut Map<String, Value>) {
    if fields.get("type").is_some_and(|kind| kind == "kubernetes.io/service-account-token") {
        fields.shift_remove("data");
    }
}

/// <https://kubernetes.io/docs/concepts/workloads/controllers/job/#specifying-your-own-pod-selector>
fn job(fields: &mut Map<String, Value>) {
    let Some(Value::Object(spec)) = fields.get_mut("spec") else { return };
    if spec.get("manualSelector") == Some(&Value::Bool(true)) {
        return;
    }
    spec.shift_remove("selector");
    if let Some(Value::Object(of_template)) =
        spec.get_mut("template").and_then(|template| template.get_mut("metadata"))
    {
        without(of_template, "labels", &LABELS_OF_JOBS);
    }
    if let Some(Value::Object(metadata)) = fields.get_mut("metadata") {
        without(metadata, "labels", &LABELS_OF_JOBS);
    }
}

/// The claims that it makes stand in it with a status each.
fn stateful_set(fields: &mut Map<String, Value>) {
    let claims = fields.get_mut("spec").and_then(|spec| spec.get_mut("volumeClaimTemplates"));
    for claim in claims.and_then(Value::as_array_mut).into_iter().flatten() {
        if let Value::Object(claim) = claim {
            claim.shift_remove("status");
        }
    }
}

/// Keeps these entries of a list, and no empty list.
fn retain(fields: &mut Map<String, Value>, name: &str, keep: impl Fn(&Value) -> bool) {
    let Some(Value::Array(entries)) = fields.get_mut(name) else { return };
    entries.retain(keep);
    if entries.is_empty() {
        fields.shift_remove(name);
    }
}

/// A template has a `creationTimestamp: null`, which says nothing.
fn without_empty_times(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            if fields.get("creationTimestamp") == Some(&Value::Null) {
                fields.shift_remove("creationTimestamp");
            }
            fields.values_mut().for_each(without_empty_times);
        }
        Value::Array(items) => items.iter_mut().for_each(without_empty_times),
        _ => {}
    }
}

/// Whether someone set this field: what the cluster assigns is in nobody's list.
fn is_asked_for(object: &Value, path: &[&str]) -> bool {
    let entries = object["metadata"]["managedFields"].as_array();
    entries.into_iter().flatten().any(|entry| {
        let field = path.iter().try_fold(&entry["fieldsV1"], |fields, key| fields.get(key));
        field.is_some()
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::yaml;

    fn cleaned(group: &str, kind: &str, object: &Value) -> String {
        yaml::write(&clean(group, kind, object)).unwrap()
    }

    #[test]
    fn what_belongs_to_the_cluster_is_taken_out() {
        let deployment = json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {
                "name": "api", "namespace": "shop", "uid": "1", "resourceVersion": "2", "generation": 3,
                "creationTimestamp": "2026-01-01T00:00:00Z", "generateName": "a", "selfLink": "/x",
                "finalizers": ["foregroundDeletion"], "ownerReferences": [{"kind": "App"}], "managedFields": [{}],
                "labels": {"app": "api"},
                "annotations": {"deployment.kubernetes.io/revision": "4", "kubectl.kubernetes.io/last-applied-configuration": "{}", "team": "shop"},
            },
            "spec": {"replicas": 2, "template": {"metadata": {"creationTimestamp": null, "annotations": {"kubectl.kubernetes.io/restartedAt": "x"}}}},
            "status": {"replicas": 2},
        });
        insta::assert_snapshot!(cleaned("apps", "Deployment", &deployment), @"
        apiVersion: apps/v1
        kind: Deployment
        metadata:
          annotations:
            team: shop
          labels:
            app: api
          name: api
        spec:
          replicas: 2
          template:
            metadata:
              annotations:
                kubectl.kubernetes.io/restartedAt: x
        ");
    }

    fn service_with(spec: &Value, fields: &Value) -> Value {
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "api",
            "managedFields": [{"manager": "kubectl", "operation": "Apply", "fieldsV1": {"f:spec": fields}}]}, "spec": spec})
    }

    #[test]
    fn the_address_and_ports_of_a_service_are_the_cluster_s() {
        let spec = json!({"type": "NodePort", "clusterIP": "10.0.0.1", "clusterIPs": ["10.0.0.1"], "ipFamilies": ["IPv4"],
            "ipFamilyPolicy": "SingleStack", "healthCheckNodePort": 31000,
            "ports": [{"port": 80, "protocol": "TCP", "nodePort": 30080}, {"port": 80, "protocol": "UDP", "nodePort": 30081}]});
        let found = clean("", "Service", &service_with(&spec, &json!({"f:type": {}})));
        assert_eq!(
            found["spec"],
            json!({"type": "NodePort", "ports": [{"port": 80, "protocol": "TCP"}, {"port": 80, "protocol": "UDP"}]})
        );
        let port = json!({r#"k:{"port":80,"protocol":"UDP"}"#: {"f:nodePort": {}}});
        let asked = json!({"f:clusterIP": {}, "f:ipFamilies": {}, "f:ports": port});
        let found = clean("", "Service", &service_with(&spec, &asked));
        assert_eq!(
            found["spec"],
            json!({"type": "NodePort", "clusterIP": "10.0.0.1", "clusterIPs": ["10.0.0.1"], "ipFamilies": ["IPv4"],
                "ports": [{"port": 80, "protocol": "TCP"}, {"port": 80, "protocol": "UDP", "nodePort": 30081}]})
        );
    }

    #[test]
    fn a_headless_service_stays_headless() {
        let spec = json!({"clusterIP": "None", "clusterIPs": ["None"]});
        let found = clean("", "Service", &service_with(&spec, &json!({})));
        assert_eq!(found["spec"], json!({"clusterIP": "None"}));
    }

    #[test]
    fn a_claim_keeps_a_volume_that_was_chosen() {
        let claim = |annotations: Value| {
            let object = json!({"metadata": {"name": "data", "annotations": annotations}, "spec": {"volumeName": "pv-1"}});
            clean("", "PersistentVolumeClaim", &object)
        };
        let bound = json!({BOUND_BY_CONTROLLER: "yes", "pv.kubernetes.io/bind-completed": "yes", "volume.kubernetes.io/selected-node": "n",
            "volume.kubernetes.io/storage-resizer": "ebs.csi.aws.com"});
        assert_eq!(claim(bound), json!({"metadata": {"name": "data"}, "spec": {}}));
        assert_eq!(claim(json!({"pv.kubernetes.io/bind-completed": "yes"}))["spec"]["volumeName"], "pv-1");
    }

    #[test]
    fn a_pod_is_without_what_admission_put_in() {
        let pod = json!({"metadata": {"name": "debug"}, "spec": {
            "nodeName": "n", "priority": 0, "serviceAccount": "default", "serviceAccountName": "default",
            "volumes": [{"name": "kube-api-access-x", "projected": {}}, {"name": "data"}],
            "tolerations": [{"key": "node.kubernetes.io/not-ready", "tolerationSeconds": 300}, {"key": "spot"}],
            "containers": [{"name": "a", "volumeMounts": [{"name": "kube-api-access-x"}]}]}});
        assert_eq!(
            clean("", "Pod", &pod)["spec"],
            json!({"serviceAccountName": "default", "volumes": [{"name": "data"}], "tolerations": [{"key": "spot"}],
                "containers": [{"name": "a"}]})
        );
    }

    #[test]
    fn a_job_gets_its_own_selector_again() {
        let job = |manual: bool| {
            let labels = json!({"controller-uid": "1", "batch.kubernetes.io/job-name": "m", "app": "shop"});
            json!({"metadata": {"name": "m", "labels": labels.clone()}, "spec": {"manualSelector": manual,
                "selector": {"matchLabels": {"controller-uid": "1"}}, "template": {"metadata": {"labels": labels}}}})
        };
        let found = clean("batch", "Job", &job(false));
        assert_eq!(found["metadata"]["labels"], json!({"app": "shop"}));
        assert_eq!(found["spec"]["template"]["metadata"]["labels"], json!({"app": "shop"}));
        assert!(found["spec"].get("selector").is_none());
        assert_eq!(clean("batch", "Job", &job(true))["spec"], job(true)["spec"]);
    }

    #[test]
    fn a_token_is_its_cluster_s_and_any_other_secret_is_kept() {
        let secret = |kind: &str| {
            clean("", "Secret", &json!({"metadata": {"name": "a"}, "type": kind, "data": {"token": "eA=="}}))
        };
        assert!(secret("kubernetes.io/service-account-token").get("data").is_none());
        assert_eq!(secret("Opaque")["data"]["token"], "eA==");
    }

    #[test]
    fn the_claims_of_a_stateful_set_have_no_status() {
        let set = json!({"metadata": {"name": "db"}, "spec": {"volumeClaimTemplates": [
            {"metadata": {"name": "data", "creationTimestamp": null}, "spec": {}, "status": {"phase": "Pending"}}]}});
        assert_eq!(
            clean("apps", "StatefulSet", &set)["spec"]["volumeClaimTemplates"],
            json!([{"metadata": {"name": "data"}, "spec": {}}])
        );
    }

    #[test]
    fn what_is_no_object_is_left_as_it_is() {
        for odd in [json!(null), json!([1]), json!({"metadata": [], "spec": "x"})] {
            for (group, kind) in [("", "Service"), ("", "Pod"), ("batch", "Job"), ("apps", "StatefulSet")] {
                assert_eq!(clean(group, kind, &odd), odd);
            }
        }
    }
}
