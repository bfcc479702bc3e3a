//! What the API server adds to objects, and what it does not let change.

use serde_json::{Map, Value, json};

use crate::kinds::Kind;

/// Kinds whose objects count the changes of their spec.
pub(crate) fn has_generation(kind: &Kind) -> bool {
    let is_counted = ["apps", "batch", "policy", "networking.k8s.io", "apiextensions.k8s.io"]
        .contains(&kind.group.as_str());
    is_counted || is_custom(kind)
}

fn is_custom(kind: &Kind) -> bool {
    kind.group.contains('.') && !kind.group.ends_with(".k8s.io")
}

/// Adds the defaults of the fields that clients look at.
pub(crate) fn complete(kind: &Kind, object: &mut Value) {
    match (kind.group.as_str(), kind.kind.as_str()) {
        ("apps", "Deployment") => {
            let spec = spec(object);
            default(spec, "replicas", json!(1));
            default(spec, "revisionHistoryLimit", json!(10));
            default(spec, "progressDeadlineSeconds", json!(600));
            default(spec, "strategy", json!({"type": "RollingUpdate"}));
            if spec["strategy"]["type"] == "RollingUpdate" {
                let rolling = fields(&mut spec["strategy"], "rollingUpdate");
                default(rolling, "maxSurge", json!("25%"));
                default(rolling, "maxUnavailable", json!("25%"));
            }
            pod(&mut spec["template"]);
        }
        ("apps", "ReplicaSet") => {
            default(spec(object), "replicas", json!(1));
            pod(&mut spec(object)["template"]);
        }
        ("apps", "StatefulSet") => {
            let spec = spec(object);
            default(spec, "replicas", json!(1));
            default(spec, "revisionHistoryLimit", json!(10));
            default(spec, "podManagementPolicy", json!("OrderedReady"));
            default(spec, "updateStrategy", json!({"type": "RollingUpdate"}));
            if spec["updateStrategy"]["type"] == "RollingUpdate" {
                default(fields(&mut spec["updateStrategy"], "rollingUpdate"), "partition", json!(0));
            }
            default(spec, "serviceName", json!(""));
            pod(&mut spec["template"]);
        }
        ("apps", "DaemonSet") => {
            let spec = spec(object);
            default(spec, "revisionHistoryLimit", json!(10));
            default(spec, "updateStrategy", json!({"type": "RollingUpdate"}));
            if spec["updateStrategy"]["type"] == "RollingUpdate" {
                let rolling = fields(&mut spec["updateStrategy"], "rollingUpdate");
                default(rolling, "maxUnavailable", json!(1));
                default(rolling, "maxSurge", json!(0));
            }
            pod(&mut spec["template"]);
        }
        ("batch", "Job") => job(object),
        ("", "Pod") => pod_spec(spec(object)),
        ("", "Service") => service(spec(object)),
        ("", "Secret") => secret(object),
        ("", "Namespace") => {
            let name = object["metadata"]["name"].clone();
            fields(&mut object["metadata"], "labels").insert("kubernetes.io/metadata.name".to_owned(), name);
            default(spec(object), "finalizers", json!(["kubernetes"]));
            object["status"] = json!({"phase": "Active"});
        }
        _ => {}
    }
}

/// What is said where something changes that may not:
/// <https://github.com/kubernetes/kubernetes/blob/v1.36.0/pkg/apis/apps/validation/validation.go>,
/// <https://github.com/kubernetes/kubernetes/blob/v1.36.0/pkg/apis/core/validation/validation.go>.
pub(crate) fn immutable_change(kind: &Kind, before: &Value, after: &Value) -> Option<String> {
    let changes = |pointer: &str| before.pointer(pointer) != after.pointer(pointer);
    let immutable = |pointer: &str| {
        let value = after.pointer(pointer).cloned().unwrap_or_default();
        let field = pointer[1..].replace('/', ".");
        changes(pointer).then(|| format!("{field}: Invalid value: {value}: field is immutable"))
    };
    match kind.kind.as_str() {
        "Deployment" | "DaemonSet" | "ReplicaSet" => immutable("/spec/selector"),
        "StatefulSet" => ["/spec/selector", "/spec/serviceName", "/spec/volumeClaimTemplates"]
            .into_iter()
            .any(changes)
            .then(|| "spec: Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden".to_owned()),
        "Job" => immutable("/spec/template").or_else(|| immutable("/spec/completions")),
        "Service" => changes("/spec/clusterIP").then(|| {
            format!("spec.clusterIPs[0]: Invalid value: [{}]: may not change once set", after["spec"]["clusterIP"])
        }),
        "ConfigMap" | "Secret" if before["immutable"] == true => {
            let field = ["immutable", "data", "binaryData"].into_iter().find(|field| before.get(field) != after.get(field));
            field.map(|field| format!("{field}: Forbidden: field is immutable when `immutable` is set"))
        }
        "Secret" => immutable("/type"),
        "PersistentVolumeClaim" => (fixed_of_claim(before) != fixed_of_claim(after)).then(|| {
            "spec: Forbidden: spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims".to_owned()
        }),
        "RoleBinding" | "ClusterRoleBinding" => changes("/roleRef")
            .then(|| format!("roleRef: Invalid value: {}: cannot change roleRef", after["roleRef"])),
        _ => None,
    }
}

/// What of a claim stays as it was made; its volume is found once.
fn fixed_of_claim(claim: &Value) -> Value {
    let mut spec = claim["spec"].clone();
    if let Some(fields) = spec.as_object_mut() {
        for changing in ["resources", "volumeAttributesClassName", "volumeName"] {
            fields.shift_remove(changing);
        }
    }
    spec
}

fn job(object: &mut Value) {
    let uid = object["metadata"]["uid"].clone();
    let name = object["metadata"]["name"].clone();
    let spec = spec(object);
    default(spec, "parallelism", json!(1));
    default(spec, "completions", json!(1));
    default(spec, "backoffLimit", json!(6));
    default(spec, "completionMode", json!("NonIndexed"));
    default(spec, "suspend", json!(false));
    default(spec, "manualSelector", json!(false));
    default(spec, "podReplacementPolicy", json!("TerminatingOrFailed"));
    default(spec, "selector", json!({"matchLabels": {"batch.kubernetes.io/controller-uid": uid}}));
    let template = &mut spec["template"];
    fields(template, "metadata");
    let labels = fields(&mut template["metadata"], "labels");
    for (label, value) in [
        ("batch.kubernetes.io/controller-uid", &uid),
        ("batch.kubernetes.io/job-name", &name),
        ("controller-uid", &uid),
        ("job-name", &name),
    ] {
        labels.entry(label).or_insert_with(|| value.clone());
    }
    pod(template);
}

fn pod(template: &mut Value) {
    if template.is_object() {
        pod_spec(fields(template, "spec"));
    }
}

fn pod_spec(spec: &mut Map<String, Value>) {
    for (name, value) in [
        ("restartPolicy", json!("Always")),
        ("terminationGracePeriodSeconds", json!(30)),
        ("dnsPolicy", json!("ClusterFirst")),
        ("securityContext", json!({})),
        ("schedulerName", json!("default-scheduler")),
    ] {
        default(spec, name, value);
    }
    for list in ["containers", "initContainers"] {
        for container in spec.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
            let container = container.as_object_mut().unwrap();
            default(container, "resources", json!({}));
            default(container, "terminationMessagePath", json!("/dev/termination-log"));
            default(container, "terminationMessagePolicy", json!("File"));
            default(container, "imagePullPolicy", json!("IfNotPresent"));
            for port in container.get_mut("ports").and_then(Value::as_array_mut).into_iter().flatten() {
                default(port.as_object_mut().unwrap(), "protocol", json!("TCP"));
            }
        }
    }
}

/// Gives a Service its address, `number` telling them apart. It comes after the fields of the request were noted: what is
/// allocated belongs to no manager.
/// <https://github.com/kubernetes/kubernetes/blob/master/pkg/registry/core/service/storage/alloc.go>
pub(crate) fn allocate(kind: &Kind, object: &mut Value, number: u64) {
    if (kind.group.as_str(), kind.kind.as_str()) != ("", "Service")
        || object["spec"]["type"] == "ExternalName"
    {
        return;
    }
    let spec = spec(object);
    let address = format!("10.96.{}.{}", number / 250 % 250, number % 250 + 1);
    default(spec, "clusterIP", json!(address));
    let addresses = json!([spec["clusterIP"]]);
    default(spec, "clusterIPs", addresses);
    default(spec, "ipFamilies", json!(["IPv4"]));
    default(spec, "ipFamilyPolicy", json!("SingleStack"));
}

fn service(spec: &mut Map<String, Value>) {
    default(spec, "type", json!("ClusterIP"));
    default(spec, "sessionAffinity", json!("None"));
    if spec["type"] != "ExternalName" {
        default(spec, "internalTrafficPolicy", json!("Cluster"));
    }
    for port in spec.get_mut("ports").and_then(Value::as_array_mut).into_iter().flatten() {
        let port = port.as_object_mut().unwrap();
        default(port, "protocol", json!("TCP"));
        let same = port["port"].clone();
        default(port, "targetPort", same);
    }
}

fn secret(object: &mut Value) {
    let fields = object.as_object_mut().unwrap();
    default(fields, "type", json!("Opaque"));
    if let Some(Value::Object(plain)) = fields.shift_remove("stringData") {
        let data = fields.entry("data").or_insert(json!({}));
        for (name, value) in plain {
            data[name] = base64(value.as_str().unwrap_or_default().as_bytes()).into();
        }
    }
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::prelude::BASE64_STANDARD.encode(bytes)
}

fn spec(object: &mut Value) -> &mut Map<String, Value> {
    fields(object, "spec")
}

/// The fields of an object's field.
fn fields<'a>(object: &'a mut Value, name: &str) -> &'a mut Map<String, Value> {
    if !object[name].is_object() {
        object[name] = json!({});
    }
    object[name].as_object_mut().unwrap()
}

fn default(fields: &mut Map<String, Value>, name: &str, value: Value) {
    let is_missing = fields.get(name).is_none_or(Value::is_null);
    if is_missing {
        fields.insert(name.to_owned(), value);
    }
}
