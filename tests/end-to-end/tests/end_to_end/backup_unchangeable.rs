//! backup restored over objects whose fields hold for their life.

#![expect(clippy::unwrap_used, reason = "a part of tests")]

use serde_json::{Value, json};
use sluice_end_to_end::Repository;
use sluice_kubernetes_fake::{Fault, KubernetesReply as _, Reply};

use crate::backup::{run, shop};

/// Objects as they were, and as they are: what differs can't be changed in place.
fn pairs() -> Vec<(&'static str, Value, Value)> {
    let workload = |kind: &str, name: &str, app: &str, more: &Value| {
        let mut object = json!({"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name}, "spec": {
            "selector": {"matchLabels": {"app": app}}, "template": {"metadata": {"labels": {"app": app}},
            "spec": {"containers": [{"name": "main", "image": "shop/api:1"}]}}}});
        object["spec"].as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        object
    };
    let job = |image: &str| {
        let containers = json!([{"name": "main", "image": image}]);
        json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "migrate"},
            "spec": {"template": {"spec": {"restartPolicy": "Never", "containers": containers}}}})
    };
    let map = |level: &str| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "frozen"}, "immutable": true, "data": {"level": level}});
    let service = |address: &str| json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "db"}, "spec": {"clusterIP": address, "ports": [{"port": 80}]}});
    let claim = |class: &str| {
        json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data"}, "spec": {
            "accessModes": ["ReadWriteOnce"], "storageClassName": class, "resources": {"requests": {"storage": "1Gi"}}}})
    };
    let binding = |role: &str| {
        json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": "writers"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": role}})
    };
    let none = json!({});
    vec![
        (
            "deployments",
            workload("Deployment", "web", "web", &none),
            workload("Deployment", "web", "shop", &none),
        ),
        (
            "statefulsets",
            workload("StatefulSet", "db", "db", &json!({"serviceName": "db"})),
            workload("StatefulSet", "db", "db", &json!({"serviceName": "database"})),
        ),
        ("jobs", job("shop/migrate:1"), job("shop/migrate:2")),
        ("configmaps", map("info"), map("debug")),
        ("services", service("10.96.7.7"), service("10.96.8.8")),
        ("persistentvolumeclaims", claim("gp2"), claim("gp3")),
        ("rolebindings", binding("writer"), binding("editor")),
    ]
}

fn name(object: &Value) -> &str {
    object["metadata"]["name"].as_str().unwrap()
}

#[test]
fn what_can_not_be_changed_is_told_for_each_object_and_nothing_is_restored() {
    let (kubernetes, repository) = (shop(), Repository::new());
    for (_, before, _) in pairs() {
        kubernetes.create("shop", &before);
    }
    run(&repository, &kubernetes, "export").ends().exits(0).has_output("objects", "15");
    for (plural, before, after) in pairs() {
        kubernetes.delete(plural, "shop", name(&before));
        kubernetes.create("shop", &after);
    }
    // What could be restored waits for the rest.
    kubernetes.delete("configmaps", "shop", "settings");
    let states: Vec<Value> =
        pairs().iter().map(|(plural, _, after)| kubernetes.get(plural, "shop", name(after))).collect();

    // Forced or not: to take fields over is not to change what can't be changed.
    for (force, dry) in [("", "true"), ("", ""), ("true", "true"), ("true", "")] {
        let restore = run(&repository, &kubernetes, "restore").input("from", "backup");
        let outcome = restore.input("force", force).input("dry-run", dry).ends();
        outcome
            .exits(1)
            .says("restored: 7 of 15 objects refused")
            .says("field is immutable")
            .says("`kubectl -n shop delete deployments.apps web`, then restore again: its Pods are gone in between")
            .says("`kubectl -n shop delete statefulsets.apps db --cascade=orphan`, which leaves its Pods and claims alone")
            .says("leave it as it is (`exclude-kinds: jobs`), or `kubectl -n shop delete jobs.batch migrate`")
            .says("`kubectl -n shop delete configmaps frozen`, then restore again: Pods see the change when they start anew")
            .says("`kubectl -n shop delete services db`, then restore again: nobody reaches it in between")
            .says("leave it as it is (`exclude-kinds: persistentvolumeclaims`)")
            .says("`kubectl -n shop delete rolebindings.rbac.authorization.k8s.io writers`")
            // What the backup says otherwise.
            .says("-  storageClassName: gp3")
            .says("+  storageClassName: gp2")
            .says("+  serviceName: db")
            .never_says("`force: true` takes these fields over");
        assert_eq!(kubernetes.get("configmaps", "shop", "settings"), Value::Null);
        for ((plural, _, after), state) in pairs().iter().zip(&states) {
            assert_eq!(kubernetes.get(plural, "shop", name(after)), *state, "{plural}");
        }
    }

    // What it says goes.
    for (plural, _, after) in pairs() {
        if !matches!(plural, "persistentvolumeclaims" | "jobs") {
            kubernetes.delete(plural, "shop", name(&after));
        }
    }
    run(&repository, &kubernetes, "restore")
        .input("from", "backup")
        .input("exclude-kinds", "persistentvolumeclaims,jobs")
        .ends()
        .exits(0)
        .says("13 objects restored: 6 created, 0 changed, 7 were the same");
    assert_eq!(kubernetes.get("services", "shop", "db")["spec"]["clusterIP"], "10.96.7.7");
}

/// A role that nobody brings: the restore would stop in its middle.
#[test]
fn a_binding_to_a_role_that_is_nowhere_is_refused_before_anything_changes() {
    let (kubernetes, repository) = (shop(), Repository::new());
    run(&repository, &kubernetes, "export").ends().exits(0);
    for (plural, name) in [("rolebindings", "readers"), ("configmaps", "settings")] {
        kubernetes.delete(plural, "shop", name);
    }
    kubernetes.faults(|request| {
        let is_it = request.method == "PATCH" && request.path.ends_with("/rolebindings/readers");
        let details = json!({"name": "system:Reader", "group": "rbac.authorization.k8s.io", "kind": "roles"});
        let why = "roles.rbac.authorization.k8s.io \"system:Reader\" not found";
        is_it.then(|| Fault::Answer(Reply::refusal_with(404, "NotFound", why, &details)))
    });
    run(&repository, &kubernetes, "restore")
        .input("from", "backup")
        .input("exclude-kinds", "roles")
        .ends()
        .exits(2)
        .says("nothing was restored: 1 of 7 objects refused")
        .says("do the namespace and Role \"system:Reader\", which it binds, exist?");
    assert_eq!(kubernetes.get("configmaps", "shop", "settings"), Value::Null);
}
