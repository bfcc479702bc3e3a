//! backup: a namespace kept in a folder, verified, and put back.

#![expect(clippy::unwrap_used, reason = "a part of tests")]

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use serde_json::{Value, json};
use sluice_end_to_end::{Repository, Run};
use sluice_kubernetes_fake::{Fault, Kubernetes, KubernetesReply as _, Reply};

pub(crate) const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

/// A namespace as teams have it.
pub(crate) fn shop() -> Kubernetes {
    let kubernetes = Kubernetes::start();
    // What controllers would make is made here, at once.
    kubernetes.pause();
    let create = |object: Value| kubernetes.create("shop", &object);
    create(
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings", "labels": {"app": "api"}}, "data": {
            "run.sh": "#!/bin/sh\n\n  exit 0\n", "flag": "no", "octal": "0o14", "float": "1e3", "date": "2026-11-21",
            "grouped": "1_000", "time": "12:30:45", "null": "null", "empty": "", "tilde": "~", "hash": "a #b", "tab": "a\tb", "crlf": "a\r\nb",
        }}),
    );
    create(
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "db"}, "type": "Opaque", "data": {"password": "aHVudGVyMg=="}}),
    );
    create(json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "api"}}));
    create(
        json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "system:Reader"}, "rules": []}),
    );
    create(
        json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": "readers"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "system:Reader"},
        "subjects": [{"kind": "ServiceAccount", "name": "api", "namespace": "shop"}, {"kind": "ServiceAccount", "name": "other", "namespace": "else"}]}),
    );
    create(
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "api"}, "spec": {"selector": {"app": "api"}, "ports": [{"port": 80, "protocol": "TCP", "targetPort": 8080}]}}),
    );
    let deployment = create(
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "api"}, "spec": {
        "replicas": 2, "selector": {"matchLabels": {"app": "api"}}, "template": {"metadata": {"labels": {"app": "api"}},
        "spec": {"serviceAccountName": "api", "containers": [{"name": "api", "image": "shop/api:1"}]}}}}),
    );
    create(
        json!({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "api"}, "spec": {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "api"}, "minReplicas": 2, "maxReplicas": 9}}),
    );
    kubernetes.create("", &json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "widgets.example.com"}, "spec": {"group": "example.com", "scope": "Namespaced",
        "names": {"kind": "Widget", "plural": "widgets", "singular": "widget", "listKind": "WidgetList"},
        "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}}]}}));
    create(
        json!({"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "cog"}, "spec": {"teeth": 12, "ratio": 1.5, "on": true}}),
    );
    let owned_by = |owner: &Value, name: &str| {
        let (kind, uid) = (&owner["kind"], &owner["metadata"]["uid"]);
        json!({"name": name, "labels": {"app": "api"}, "ownerReferences": [{"apiVersion": owner["apiVersion"], "kind": kind,
            "name": owner["metadata"]["name"], "uid": uid, "controller": true}]})
    };
    let spec = deployment["spec"].clone();
    let replicas = create(
        json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": owned_by(&deployment, "api-1"),
        "spec": {"replicas": 2, "selector": spec["selector"], "template": spec["template"]}}),
    );
    for name in ["api-1-a", "api-1-b"] {
        create(
            json!({"apiVersion": "v1", "kind": "Pod", "metadata": owned_by(&replicas, name), "spec": spec["template"]["spec"]}),
        );
    }
    kubernetes
}

pub(crate) fn run<'a>(repository: &'a Repository, kubernetes: &Kubernetes, command: &str) -> Run<'a> {
    let kubeconfig = kubernetes.kubeconfig();
    repository
        .run("backup")
        .variable("KUBECONFIG", &kubeconfig.to_string_lossy())
        .input("command", command)
        .in_actions()
}

/// All files below a folder, in order.
fn files(folder: &Path) -> Vec<String> {
    fn walk(root: &Path, folder: &Path, files: &mut Vec<String>) {
        for entry in folder.read_dir().unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(root, &path, files);
            } else {
                files.push(path.strip_prefix(root).unwrap().to_string_lossy().into_owned());
            }
        }
    }
    let mut all = Vec::new();
    walk(folder, folder, &mut all);
    all.sort();
    all
}

/// The objects of a backup, as other libraries read them: YAML 1.1 and JWE of Python.
#[expect(clippy::disallowed_methods, reason = "a part of tests")]
fn read_by_others(folder: &Path) -> Value {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    let output = Command::new(target.join("tools/python/bin/python"))
        .arg(root.join("tests/tools/backup.py"))
        .arg(folder)
        .arg(KEY)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// What was asked to be kept: changes that are no rehearsals.
fn writes(kubernetes: &Kubernetes) -> Vec<String> {
    let writes = kubernetes.requests().into_iter().filter(|request| {
        !request.is_read()
            && !request.path.contains("selfsubjectaccessreviews")
            && !request.query.contains("dryRun=All")
    });
    writes.map(|request| request.path).collect()
}

#[test]
fn a_namespace_is_kept_as_clean_files() {
    let (kubernetes, repository) = (shop(), Repository::new());
    let outcome = run(&repository, &kubernetes, "export").ends();
    outcome
        .exits(0)
        .has_output("location", "backup")
        .has_output("namespace", "shop")
        .has_output("objects", "8")
        .says("not exported: they were not asked for")
        .says("events, leasecandidates, leases, podcertificaterequests: they are of the moment");
    let folder = repository.path().join("backup");
    assert_eq!(
        files(&folder),
        [
            "configmaps/settings.yaml",
            "deployments.apps/api.yaml",
            "horizontalpodautoscalers.autoscaling/api.yaml",
            "manifest.json",
            "rolebindings.rbac.authorization.k8s.io/readers.yaml",
            "roles.rbac.authorization.k8s.io/system%3A%52eader.yaml",
            "serviceaccounts/api.yaml",
            "services/api.yaml",
            "widgets.example.com/cog.yaml",
        ]
    );
    let deployment = repository.read("backup/deployments.apps/api.yaml");
    for gone in ["status", "uid", "resourceVersion", "managedFields", "creationTimestamp", "namespace"] {
        assert!(!deployment.contains(gone), "{gone}: {deployment}");
    }
    assert!(!repository.read("backup/services/api.yaml").contains("clusterIP"));
    let manifest: Value = serde_json::from_str(&repository.read("backup/manifest.json")).unwrap();
    let kind = |name: &str| {
        manifest["kinds"].as_array().unwrap().iter().find(|looked| looked["kind"] == name).unwrap().clone()
    };
    assert_eq!(kind("pods"), json!({"kind": "pods", "kept": 0, "left-out": {"their owners make them": 2}}));
    assert!(manifest["kinds"].as_array().unwrap().iter().all(|looked| looked["kind"] != "secrets"));
    assert!(writes(&kubernetes).is_empty());

    run(&repository, &kubernetes, "verify")
        .input("from", "backup")
        .input("digest", &outcome.outputs["digest"])
        .ends()
        .exits(0)
        .has_output("digest", &outcome.outputs["digest"]);
}

#[test]
fn other_readers_read_what_was_written() {
    let (kubernetes, repository) = (shop(), Repository::new());
    run(&repository, &kubernetes, "export").input("secrets", "true").input("key", KEY).ends().exits(0);
    let folder = repository.path().join("backup");
    let read = read_by_others(&folder);
    let live = |plural: &str, name: &str| kubernetes.get(plural, "shop", name);
    assert_eq!(read["configmaps/settings.yaml"]["data"], live("configmaps", "settings")["data"]);
    assert_eq!(read["secrets/db.yaml.jwe"]["data"], live("secrets", "db")["data"]);
    assert_eq!(read["widgets.example.com/cog.yaml"]["spec"], live("widgets.example.com", "cog")["spec"]);
    let sealed = repository.read("backup/secrets/db.yaml.jwe");
    assert!(!sealed.contains("aHVudGVyMg"));
    // The same objects are the same bytes.
    run(&repository, &kubernetes, "export").input("to", "again").ends().exits(0);
    for file in files(&repository.path().join("again")).iter().filter(|file| *file != "manifest.json") {
        assert_eq!(
            repository.read(&format!("again/{file}")),
            repository.read(&format!("backup/{file}")),
            "{file}"
        );
    }
}

#[test]
fn what_can_not_be_listed_is_no_backup() {
    let (kubernetes, repository) = (shop(), Repository::new());
    let export = || run(&repository, &kubernetes, "export").ends();
    kubernetes.forbid("list", "configmaps");
    export().exits(3).says("configmaps can't be listed").says("allow `list` on `configmaps`");
    kubernetes.forbid_nothing();

    kubernetes.unavailable("policy/v1");
    export().exits(3).says("the kinds of policy/v1 are not known").says("exclude-kinds: \"*.policy\"");
    run(&repository, &kubernetes, "export")
        .input("exclude-kinds", "*.policy")
        .input("to", "partial")
        .ends()
        .exits(0);
    run(&repository, &kubernetes, "export")
        .input("kinds", "deployments")
        .input("to", "named")
        .ends()
        .exits(0);

    // Allowed, and refused all the same.
    kubernetes.faults(|request| {
        let is_it = request.path.ends_with("/configmaps");
        is_it.then(|| Fault::Answer(Reply::refusal(400, "BadRequest", "no")))
    });
    run(&repository, &kubernetes, "export")
        .input("exclude-kinds", "*.policy")
        .ends()
        .exits(3)
        .says("configmaps can't be listed");
    assert!(!repository.path().join("backup").exists());
}

/// Whether metrics-server answers is nothing to a backup: what it serves can't be made.
#[test]
fn views_that_do_not_answer_are_not_missed() {
    let (kubernetes, repository) = (shop(), Repository::new());
    kubernetes.unavailable("metrics.k8s.io/v1beta1");
    let outcome = run(&repository, &kubernetes, "export").ends();
    outcome.exits(0).has_output("objects", "8").never_says("metrics");
}

#[test]
fn an_empty_namespace_is_no_backup() {
    let (kubernetes, repository) = (shop(), Repository::new());
    run(&repository, &kubernetes, "export")
        .input("namespace", "shopp")
        .ends()
        .exits(2)
        .says("namespace \"shopp\" holds nothing to back up");
    assert!(!repository.path().join("backup").exists());
}

#[test]
fn secrets_are_encrypted_or_refused() {
    let (kubernetes, repository) = (shop(), Repository::new());
    run(&repository, &kubernetes, "export")
        .input("secrets", "true")
        .ends()
        .exits(2)
        .says("Secrets are to be exported, but there is no `key`");
    assert!(kubernetes.requests().is_empty());
    run(&repository, &kubernetes, "export")
        .input("secrets", "true")
        .input("key", "password")
        .ends()
        .exits(2)
        .never_says("password\"");
    run(&repository, &kubernetes, "export")
        .input("kinds", "secrets")
        .input("key", KEY)
        .ends()
        .exits(0)
        .has_output("objects", "1")
        .never_says(KEY);
    let from = |key: &str| {
        let other = Kubernetes::start();
        run(&repository, &other, "restore").input("from", "backup").input("key", key).ends()
    };
    from("").exits(2).says("Secrets are to be restored, but there is no `key`");
    let wrong = "//////////////////////////////////////////8=";
    from(wrong)
        .exits(2)
        .says("1 file of backup can't be decrypted with this key")
        .says("it was encrypted with another key");
    from(KEY).exits(0).never_says("aHVudGVyMg");
}

#[test]
fn a_dry_run_of_an_export_writes_nothing() {
    let (kubernetes, repository) = (shop(), Repository::new());
    run(&repository, &kubernetes, "export")
        .input("dry-run", "true")
        .ends()
        .exits(0)
        .says("would be kept in backup");
    assert!(!repository.path().join("backup").exists());
}

#[test]
fn a_namespace_that_was_lost_is_put_back_in_order() {
    let (kubernetes, repository) = (shop(), Repository::new());
    run(&repository, &kubernetes, "export").input("secrets", "true").input("key", KEY).ends().exits(0);
    let other = shop();
    for (plural, name) in [
        ("deployments", "api"),
        ("services", "api"),
        ("configmaps", "settings"),
        ("secrets", "db"),
        ("serviceaccounts", "api"),
        ("roles", "system:Reader"),
        ("rolebindings", "readers"),
        ("widgets.example.com", "cog"),
        ("horizontalpodautoscalers", "api"),
    ] {
        other.delete(plural, "shop", name);
    }
    let restore = |dry: &str| {
        let run = run(&repository, &other, "restore").input("from", "backup").input("key", KEY);
        run.input("dry-run", dry).ends()
    };
    restore("true").exits(0).says("9 would be created, 0 changed, 0 are the same");
    assert!(writes(&other).is_empty());

    restore("false").exits(0).says("9 objects restored: 9 created");
    let order: Vec<String> =
        writes(&other).iter().map(|path| path.rsplit('/').nth(1).unwrap().to_owned()).collect();
    let place = |plural: &str| order.iter().position(|found| found == plural).unwrap();
    for (before, after) in [
        ("serviceaccounts", "configmaps"),
        ("roles", "rolebindings"),
        ("secrets", "services"),
        ("services", "deployments"),
        ("deployments", "horizontalpodautoscalers"),
        ("horizontalpodautoscalers", "widgets"),
    ] {
        assert!(place(before) < place(after), "{before} before {after}: {order:?}");
    }
    assert_eq!(
        other.get("configmaps", "shop", "settings")["data"],
        kubernetes.get("configmaps", "shop", "settings")["data"]
    );
    assert_eq!(other.get("secrets", "shop", "db")["data"]["password"], "aHVudGVyMg==");

    let before = writes(&other).len();
    restore("false").exits(0).says("0 created, 0 changed, 9 were the same");
    assert_eq!(writes(&other).len(), before);
}

#[test]
fn what_someone_else_changed_is_told_and_refused_unless_forced() {
    let (kubernetes, repository) = (shop(), Repository::new());
    run(&repository, &kubernetes, "export").ends().exits(0);
    kubernetes.edit("kubectl-edit", "configmaps", "shop", "settings", |object| {
        object["data"]["flag"] = "::error::yes".into();
    });
    kubernetes.delete("services", "shop", "api");
    let restore = || run(&repository, &kubernetes, "restore").input("from", "backup");
    let outcome = restore().ends();
    outcome
        .exits(1)
        .says("nothing was restored: 1 of 8 objects refused")
        .says("it was changed since the export by \"kubectl-edit\"")
        .says("+  flag: \"no\"");
    assert!(outcome.commands().iter().all(|command| !command.contains("yes")), "{outcome:#?}");
    assert!(writes(&kubernetes).is_empty());
    assert_eq!(kubernetes.get("services", "shop", "api"), Value::Null);

    restore()
        .input("force", "true")
        .ends()
        .exits(0)
        .says("8 objects restored: 1 created, 1 changed, 6 were the same");
    assert_eq!(kubernetes.get("configmaps", "shop", "settings")["data"]["flag"], "no");
    assert_ne!(kubernetes.get("services", "shop", "api"), Value::Null);
}

#[test]
fn the_size_of_a_workload_stays_its_autoscaler_s() {
    let (kubernetes, repository) = (shop(), Repository::new());
    run(&repository, &kubernetes, "export").ends().exits(0);
    kubernetes.edit("kube-controller-manager", "deployments", "shop", "api", |object| {
        object["spec"]["replicas"] = 7.into();
    });
    run(&repository, &kubernetes, "restore").input("from", "backup").ends().exits(0).says("8 were the same");
    assert_eq!(kubernetes.get("deployments", "shop", "api")["spec"]["replicas"], 7);
}

#[test]
fn a_backup_that_was_tampered_with_is_not_restored() {
    let (kubernetes, repository) = (shop(), Repository::new());
    let digest = run(&repository, &kubernetes, "export").ends().outputs["digest"].clone();
    let settings = repository.read("backup/configmaps/settings.yaml");
    repository.write("backup/configmaps/settings.yaml", settings.replace("exit 0", "exit 1"));
    repository.write("backup/configmaps/more.yaml", "apiVersion: v1");
    std::fs::remove_file(repository.path().join("backup/services/api.yaml")).unwrap();
    for command in ["verify", "restore"] {
        run(&repository, &kubernetes, command)
            .input("from", "backup")
            .ends()
            .exits(1)
            .says("backup is damaged: 3 files")
            .says("it was changed since the export")
            .says("it is missing")
            .says("it does not belong to the backup");
    }
    assert!(writes(&kubernetes).is_empty());

    // Who changes the manifest too is found by its digest.
    run(&repository, &kubernetes, "export").input("to", "second").ends().exits(0);
    let manifest = repository.read("second/manifest.json");
    repository.write("second/manifest.json", manifest.replace("\"shop\"", "\"other\""));
    run(&repository, &kubernetes, "verify")
        .input("from", "second")
        .input("digest", &digest)
        .ends()
        .exits(1)
        .says("it is not the manifest of that export");
    std::fs::remove_file(repository.path().join("second/manifest.json")).unwrap();
    run(&repository, &kubernetes, "verify")
        .input("from", "second")
        .ends()
        .exits(1)
        .says("second holds no backup");
}

#[test]
fn another_namespace_takes_a_word() {
    let (kubernetes, repository) = (shop(), Repository::new());
    run(&repository, &kubernetes, "export").ends().exits(0);
    let restore =
        || run(&repository, &kubernetes, "restore").input("from", "backup").input("namespace", "default");
    restore().ends().exits(2).says("the backup is of namespace \"shop\", not of \"default\"");
    restore().input("other-namespace", "true").ends().exits(0).says("8 created");
    assert_eq!(
        kubernetes.get("rolebindings", "default", "readers")["subjects"],
        json!([{"kind": "ServiceAccount", "name": "api", "namespace": "default"}, {"kind": "ServiceAccount", "name": "other", "namespace": "else"}])
    );
}

#[test]
fn what_the_job_may_not_or_the_cluster_does_not_know_is_told_before() {
    let (kubernetes, repository) = (shop(), Repository::new());
    run(&repository, &kubernetes, "export").ends().exits(0);
    kubernetes.forbid("patch", "services");
    let restore = || run(&repository, &kubernetes, "restore").input("from", "backup");
    restore().ends().exits(3).says("this job may not patch services");
    kubernetes.forbid_nothing();
    let other = Kubernetes::start();
    run(&repository, &other, "restore")
        .input("from", "backup")
        .ends()
        .exits(2)
        .says("the cluster serves no Widget of example.com/v1");
    assert!(writes(&kubernetes).is_empty() && writes(&other).is_empty());
    run(&repository, &other, "restore")
        .input("from", "backup")
        .input("exclude-kinds", "widgets")
        .ends()
        .exits(0);
}

#[test]
fn a_restore_that_stops_in_the_middle_says_so_and_goes_on() {
    let (kubernetes, repository) = (shop(), Repository::new());
    run(&repository, &kubernetes, "export").ends().exits(0);
    for (plural, name) in [("configmaps", "settings"), ("services", "api"), ("deployments", "api")] {
        kubernetes.delete(plural, "shop", name);
    }
    kubernetes.faults(|request| {
        let is_it = request.method == "PATCH"
            && request.path.ends_with("/services/api")
            && !request.query.contains("dryRun");
        is_it.then(|| Fault::Answer(Reply::refusal(403, "Forbidden", "exceeded quota: services")))
    });
    let restore = || run(&repository, &kubernetes, "restore").input("from", "backup").ends();
    restore()
        .exits(1)
        .says("6 of 8 objects restored, then it stopped: run it again to go on")
        .says("exceeded quota: services");
    assert_ne!(kubernetes.get("configmaps", "shop", "settings"), Value::Null);
    assert_eq!(kubernetes.get("deployments", "shop", "api"), Value::Null);
    kubernetes.faults(|_| None);
    restore().exits(0).says("2 created, 0 changed, 6 were the same");
}

#[test]
fn what_can_not_be_rehearsed_is_told_and_tried() {
    let (kubernetes, repository) = (shop(), Repository::new());
    run(&repository, &kubernetes, "export").ends().exits(0);
    kubernetes.delete("configmaps", "shop", "settings");
    kubernetes.faults(|request| {
        let is_it = request.path.ends_with("/configmaps/settings") && request.query.contains("dryRun=All");
        let why = "admission webhook \"guard.example.com\" does not support dry run";
        is_it.then(|| Fault::Answer(Reply::refusal(400, "BadRequest", why)))
    });
    run(&repository, &kubernetes, "restore")
        .input("from", "backup")
        .ends()
        .exits(0)
        .says("it could not be tried before")
        .says("8 objects restored: 1 created, 0 changed, 7 were the same");
    assert_ne!(kubernetes.get("configmaps", "shop", "settings"), Value::Null);
}

#[test]
fn an_export_that_is_ended_leaves_nothing() {
    let (kubernetes, repository) = (shop(), Repository::new());
    kubernetes.faults(|request| {
        request.path.ends_with("/deployments").then(|| Fault::Delay(Duration::from_secs(30)))
    });
    let running = run(&repository, &kubernetes, "export").starts();
    kubernetes.until("deployments are asked for", |kubernetes| {
        kubernetes.requests().iter().any(|request| request.path.ends_with("/deployments"))
    });
    running.terminate();
    running.ends().exits(3).says("terminated (SIGTERM)");
    assert!(!repository.path().join("backup").exists());
    let left: Vec<_> =
        repository.path().read_dir().unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| !name.to_string_lossy().contains("sluice-backup")), "{left:?}");
}

#[test]
fn a_folder_that_is_taken_is_not_written_to() {
    let (kubernetes, repository) = (shop(), Repository::new());
    repository.write("backup/mine", "x");
    run(&repository, &kubernetes, "export").ends().exits(2).says("it holds files already");
    assert!(kubernetes.requests().is_empty());
}
