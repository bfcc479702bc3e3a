//! backup when things go wrong: runs that are ended, API servers that fail, names and files that are not what they should be.

#![expect(clippy::unwrap_used, reason = "a part of tests")]

use std::{
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use sluice_end_to_end::Repository;
use sluice_kubernetes_fake::{Fault, Kubernetes, KubernetesReply as _, Reply, Request};

use crate::backup::{KEY, run, shop};

/// How long a run may take to end once it is told to.
const PROMISED: Duration = Duration::from_secs(5);

/// A write that is no rehearsal.
fn applies(request: &Request, path: &str) -> bool {
    request.method == "PATCH" && request.path.ends_with(path) && !request.query.contains("dryRun=All")
}

/// A rehearsed write.
fn rehearses(request: &Request, path: &str) -> bool {
    request.method == "PATCH" && request.path.ends_with(path) && request.query.contains("dryRun=All")
}

/// A namespace with many ConfigMaps.
fn crowd(count: usize) -> Kubernetes {
    let kubernetes = Kubernetes::start();
    kubernetes.pause();
    for index in 0..count {
        kubernetes.create(
            "shop",
            &json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": format!("settings-{index:04}")}, "data": {"index": index.to_string()}}),
        );
    }
    kubernetes
}

#[test]
fn a_restore_that_is_ended_tells_how_far_it_came_and_goes_on() {
    let (kubernetes, repository) = (shop(), Repository::new());
    run(&repository, &kubernetes, "export").ends().exits(0);
    for (plural, name) in [("configmaps", "settings"), ("deployments", "api"), ("widgets.example.com", "cog")]
    {
        kubernetes.delete(plural, "shop", name);
    }
    kubernetes.faults(|request| {
        applies(request, "/deployments/api").then(|| Fault::Delay(Duration::from_hours(1)))
    });
    let running = run(&repository, &kubernetes, "restore").input("from", "backup").starts();
    kubernetes.until("the deployment is applied", |kubernetes| {
        kubernetes.requests().iter().any(|request| applies(request, "/deployments/api"))
    });
    running.terminate();
    let told = Instant::now();
    let outcome = running.ends();
    assert!(told.elapsed() < PROMISED, "took {:?}", told.elapsed());
    outcome
        .exits(3)
        .says("terminated (SIGTERM)")
        .says("6 of 8 objects restored, then it stopped: run it again to go on");
    let changes: Value = serde_json::from_str(&outcome.outputs["changes"]).unwrap();
    let change = |kind: &str| {
        changes.as_array().unwrap().iter().find(|change| change["kind"] == kind).unwrap()["change"].clone()
    };
    // The deployment may be there or not: nobody waited for the answer. The widget was not come to.
    assert_eq!(
        [change("configmaps"), change("deployments.apps"), change("widgets.example.com")],
        ["created", "unknown", "unknown"]
    );
    assert_ne!(kubernetes.get("configmaps", "shop", "settings"), Value::Null);

    kubernetes.faults(|_| None);
    run(&repository, &kubernetes, "restore")
        .input("from", "backup")
        .ends()
        .exits(0)
        .says("8 objects restored: 2 created, 0 changed, 6 were the same");
    assert_ne!(kubernetes.get("widgets.example.com", "shop", "cog"), Value::Null);
}

#[test]
fn an_export_that_is_killed_while_it_writes_leaves_no_backup() {
    let (kubernetes, repository) = (crowd(1500), Repository::new());
    let begun = || {
        let folders = repository.path().read_dir().unwrap().map(|entry| entry.unwrap());
        let mut beside =
            folders.filter(|entry| entry.file_name().to_string_lossy().starts_with(".sluice-backup-"));
        beside.any(|entry| entry.path().join("configmaps").exists())
    };
    let running = run(&repository, &kubernetes, "export").starts();
    while !begun() {
        std::thread::sleep(Duration::from_millis(1));
    }
    running.kill();
    assert_eq!(running.ends().code, None);
    assert!(!repository.path().join("backup").exists());
    run(&repository, &kubernetes, "verify").input("from", "backup").ends().exits(1).says("holds no backup");

    run(&repository, &kubernetes, "export").ends().exits(0).has_output("objects", "1500");
    run(&repository, &kubernetes, "verify").input("from", "backup").ends().exits(0);
}

#[test]
fn a_long_list_is_kept_to_its_end_also_where_the_server_forgets_it() {
    let (kubernetes, repository) = (crowd(1200), Repository::new());
    let pages = |from: usize| {
        let requests = kubernetes.requests();
        let lists = requests[from..].iter().filter(|request| request.path.ends_with("/configmaps"));
        lists.filter(|request| request.query.contains("continue=")).count()
    };
    run(&repository, &kubernetes, "export").ends().exits(0).has_output("objects", "1200");
    assert_eq!(pages(0), 2);

    // Between two pages, as after five minutes.
    let before = kubernetes.requests().len();
    kubernetes.faults(|request| {
        let message = "The provided continue parameter is too old to display a consistent list result.";
        let is_it = request.path.ends_with("/configmaps") && request.query.contains("continue=");
        is_it.then(|| Fault::Answer(Reply::refusal(410, "Expired", message)))
    });
    run(&repository, &kubernetes, "export")
        .input("to", "again")
        .ends()
        .exits(0)
        .has_output("objects", "1200");
    assert_eq!(pages(before), 1);
}

/// The namespace takes 60 MB as it is listed.
#[test]
fn a_namespace_need_not_fit_into_memory() {
    let (kubernetes, repository) = (Kubernetes::start(), Repository::new());
    kubernetes.pause();
    let line = "a line of a large file, which has: everything # in it\n";
    let large = line.repeat((900 << 10) / line.len());
    for index in 0..64 {
        kubernetes.create(
            "shop",
            &json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": format!("large-{index}")}, "data": {"file": large}}),
        );
    }
    run(&repository, &kubernetes, "export").starts().ends_within(100).exits(0).has_output("objects", "64");
}

/// Objects of nearly the largest size that etcd takes.
#[test]
fn large_objects_are_kept_and_put_back_in_bounded_memory() {
    const COUNT: usize = 16;
    let (kubernetes, other, repository) = (Kubernetes::start(), Kubernetes::start(), Repository::new());
    kubernetes.pause();
    let line = "a line of a large file, which has: everything # in it\n";
    let large = line.repeat((1 << 20) / line.len());
    for index in 0..COUNT {
        kubernetes.create(
            "shop",
            &json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": format!("large-{index}")}, "data": {"file": large}}),
        );
    }
    run(&repository, &kubernetes, "export").starts().ends_within(200).exits(0).has_output("objects", "16");
    run(&repository, &other, "restore").input("from", "backup").starts().ends_within(200).exits(0);
    assert_eq!(other.get("configmaps", "shop", "large-15")["data"]["file"], large);
}

#[test]
fn credentials_that_end_in_the_middle_end_the_export() {
    let (kubernetes, repository) = (shop(), Repository::new());
    let mut lists = 0;
    kubernetes.faults(move |request| {
        lists += usize::from(request.path.contains("/namespaces/shop/"));
        (lists > 5).then(|| Fault::Answer(Reply::unauthorized()))
    });
    run(&repository, &kubernetes, "export")
        .ends()
        .exits(3)
        .says("can't be listed")
        .says("the cluster does not know who asks")
        .says("renew the kubeconfig's credentials");
    assert!(!repository.path().join("backup").exists());
}

#[test]
fn a_group_that_does_not_answer_is_told_by_older_servers_too() {
    let (kubernetes, repository) = (shop(), Repository::new());
    kubernetes.without_aggregated_discovery();
    kubernetes.unavailable("policy/v1");
    run(&repository, &kubernetes, "export")
        .ends()
        .exits(3)
        .says("the kinds of policy/v1 are not known")
        .says("exclude-kinds: \"*.policy\"");
    assert!(!repository.path().join("backup").exists());
}

#[test]
fn a_conflict_is_told_with_its_manager_and_its_fields() {
    let (kubernetes, repository) = (shop(), Repository::new());
    run(&repository, &kubernetes, "export").ends().exits(0);
    kubernetes.edit("kubectl-edit", "configmaps", "shop", "settings", |object| {
        object["data"]["flag"] = "yes".into();
    });
    kubernetes.edit("argocd-controller", "deployments", "shop", "api", |object| {
        object["spec"]["template"]["spec"]["containers"][0]["image"] = "shop/api:2".into();
    });
    run(&repository, &kubernetes, "restore")
        .input("from", "backup")
        .ends()
        .exits(1)
        .says("nothing was restored: 2 of 8 objects refused")
        .says("it was changed since the export by \"kubectl-edit\"")
        .says(".data.flag belongs to \"kubectl-edit\"")
        .says(".image belongs to \"argocd-controller\"");
}

#[test]
fn what_a_secret_holds_is_said_nowhere() {
    let (kubernetes, repository) = (shop(), Repository::new());
    run(&repository, &kubernetes, "export").input("secrets", "true").input("key", KEY).ends().exits(0);
    kubernetes.edit("kubectl-edit", "secrets", "shop", "db", |object| {
        object["data"]["password"] = "b2N0b2NhdA==".into();
        object["metadata"]["annotations"]["kubectl.kubernetes.io/last-applied-configuration"] =
            r#"{"data":{"password":"b2N0b2NhdA=="}}"#.into();
    });
    let restore = |force: &str, dry: &str| {
        let restore = run(&repository, &kubernetes, "restore").input("from", "backup").input("key", KEY);
        let outcome = restore.input("force", force).input("dry-run", dry).ends();
        for value in ["aHVudGVyMg==", "hunter2", "b2N0b2NhdA==", KEY] {
            outcome.never_says(value);
        }
        outcome
    };
    restore("", "").exits(1).says(".data.password belongs to \"kubectl-edit\"").says("*** (of the backup)");
    restore("true", "true").exits(0).says("0 would be created, 1 changed").says("*** (of the cluster)");

    // What refuses a Secret may quote it.
    kubernetes.faults(|request| {
        let why = "Secret \"db\" is invalid: data[password]: Invalid value: \"hunter2\" (aHVudGVyMg==): is too short";
        rehearses(request, "/secrets/db").then(|| Fault::Answer(Reply::refusal(422, "Invalid", why)))
    });
    restore("true", "").exits(1).says("data[password]: Invalid value: \"***\" (***): is too short");
}

#[test]
fn what_only_the_restore_makes_is_no_reason_to_refuse() {
    let (kubernetes, repository) = (shop(), Repository::new());
    kubernetes.create(
        "shop",
        &json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "debug"},
        "spec": {"serviceAccountName": "api", "containers": [{"name": "debug", "image": "shop/debug:1"}]}}),
    );
    run(&repository, &kubernetes, "export").ends().exits(0);
    let other = shop();
    for (plural, name) in
        [("roles", "system:Reader"), ("rolebindings", "readers"), ("serviceaccounts", "api")]
    {
        other.delete(plural, "shop", name);
    }
    other.faults(|request| {
        if rehearses(request, "/rolebindings/readers") {
            let details = json!({"name": "system:Reader", "group": "rbac.authorization.k8s.io", "kind": "roles"});
            let why = "roles.rbac.authorization.k8s.io \"system:Reader\" not found";
            return Some(Fault::Answer(Reply::refusal_with(404, "NotFound", why, &details)));
        }
        let why = "pods \"debug\" is forbidden: error looking up service account shop/api: serviceaccount \"api\" not found";
        rehearses(request, "/pods/debug").then(|| Fault::Answer(Reply::refusal(403, "Forbidden", why)))
    });
    run(&repository, &other, "restore")
        .input("from", "backup")
        .ends()
        .exits(0)
        .says("9 objects restored: 4 created, 0 changed, 5 were the same");
    let order: Vec<String> = other
        .requests()
        .into_iter()
        .filter(|request| applies(request, ""))
        .map(|request| request.path.rsplit('/').nth(1).unwrap().to_owned())
        .collect();
    let place = |plural: &str| order.iter().position(|found| found == plural).unwrap();
    assert!(place("roles") < place("rolebindings") && place("serviceaccounts") < place("pods"), "{order:?}");
}

/// As a server answers where a port was changed: both would be there, and two need names.
#[test]
fn what_was_added_since_is_named_as_a_reason_to_refuse() {
    let (kubernetes, repository) = (shop(), Repository::new());
    run(&repository, &kubernetes, "export").ends().exits(0);
    kubernetes.faults(|request| {
        let why = "Service \"api\" is invalid: spec.ports[0].name: Required value";
        rehearses(request, "/services/api").then(|| Fault::Answer(Reply::refusal(422, "Invalid", why)))
    });
    run(&repository, &kubernetes, "restore")
        .input("from", "backup")
        .ends()
        .exits(1)
        .says("spec.ports[0].name: Required value")
        .says("what was added since stays, entries of lists too");
}

#[test]
fn a_namespace_that_is_not_there_is_told() {
    let (kubernetes, repository) = (shop(), Repository::new());
    run(&repository, &kubernetes, "export").ends().exits(0);
    let other = shop();
    run(&repository, &other, "restore")
        .input("from", "backup")
        .input("namespace", "gone")
        .input("other-namespace", "true")
        .ends()
        .exits(2)
        .says("does the namespace exist?");
}

#[test]
fn a_name_never_leads_out_of_the_backup() {
    let (kubernetes, repository) = (shop(), Repository::new());
    let name = "../../../evil";
    kubernetes.create(
        "shop",
        &json!({"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": name}, "spec": {"teeth": 1}}),
    );
    run(&repository, &kubernetes, "export").input("to", "a/b/backup").ends().exits(0);
    let written = "a/b/backup/widgets.example.com/%2E.%2F..%2F..%2Fevil.yaml";
    assert!(repository.read(written).contains("name: ../../../evil"));
    assert!(!repository.path().join("evil.yaml").exists());

    // A manifest that says otherwise is none.
    let manifest = repository.read("a/b/backup/manifest.json");
    let astray = manifest.replace("widgets.example.com/cog.yaml", "../../../cog.yaml");
    repository.write("a/b/backup/manifest.json", &astray);
    for command in ["verify", "restore"] {
        run(&repository, &kubernetes, command)
            .input("from", "a/b/backup")
            .ends()
            .exits(1)
            .says("\"../../../cog.yaml\" is no path of a file in it");
    }
}

/// The hash of a file, as coreutils have it.
fn sha256(file: &Path) -> String {
    let output = Command::new("sha256sum").arg(file).output().unwrap();
    String::from_utf8(output.stdout).unwrap()[..64].to_owned()
}

#[test]
fn nothing_beyond_the_namespace_is_restored() {
    let (kubernetes, repository) = (shop(), Repository::new());
    run(&repository, &kubernetes, "export").ends().exits(0);
    // Who can write to where backups are kept puts another object in, and mends the manifest.
    let path = "clusterrolebindings.rbac.authorization.k8s.io/mine.yaml";
    let binding = "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata:\n  name: mine\nroleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}\n";
    repository.write(format!("backup/{path}"), binding);
    let mut manifest: Value = serde_json::from_str(&repository.read("backup/manifest.json")).unwrap();
    manifest["files"].as_array_mut().unwrap().push(json!({
        "path": path, "sha256": sha256(&repository.path().join("backup").join(path)), "size": binding.len(),
        "api-version": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "name": "mine",
    }));
    repository.write("backup/manifest.json", manifest.to_string());
    run(&repository, &kubernetes, "restore")
        .input("from", "backup")
        .ends()
        .exits(1)
        .says("the backup holds a ClusterRoleBinding, which is in no namespace");
    assert_eq!(kubernetes.get("clusterrolebindings", "", "mine"), Value::Null);
}
