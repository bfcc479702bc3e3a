//! Deployments to a cluster: done only when it is true, and back as it was when it fails.

pub(crate) mod shop;

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sluice_end_to_end::Running;
use sluice_kubernetes_fake::{Behaviour, Fault, KubernetesReply as _, Reply};

use self::shop::Shop;

const DEPLOY: [&str; 3] = ["deploy", "--workload=deployment/web", "--image=shop/web:2"];

#[test]
fn only_the_new_version_serves_when_it_is_done() {
    let shop = Shop::with_web(3);
    shop.kubernetes.image("shop/web:1").lingers(Duration::from_secs(1));
    shop.kubernetes.observe_after("shop", "web", Duration::from_millis(500));
    let outcome = shop.rollout(&DEPLOY).in_actions().ends();
    outcome.exits(0);
    assert_eq!(shop.running("web-"), ["shop/web:2"; 3]);
    assert_eq!(shop.targets("web").len(), 3);
    shop.is_clean();
    assert_eq!(outcome.outputs["changed"], "true");
    assert_eq!(outcome.outputs["version"], "2");
    let workloads: Value = serde_json::from_str(&outcome.outputs["workloads"]).unwrap();
    assert_eq!(workloads[0]["replicas"], "3/3");
    assert_eq!(workloads[0]["before"], json!(["web=shop/web:1"]));
    assert!(outcome.summary.contains("deployment/web runs 2"), "{}", outcome.summary);
}

#[test]
fn what_runs_already_is_left_alone() {
    let shop = Shop::with_web(2);
    let outcome =
        shop.rollout(&["deploy", "--workload=deployment/web", "--image=shop/web:1"]).in_actions().ends();
    outcome.exits(0);
    assert_eq!(outcome.outputs["changed"], "false");
    assert_eq!(outcome.report.as_ref().unwrap()["verdict"], "skipped");
    assert_eq!(shop.writes(), 0);
}

#[test]
fn what_can_not_run_is_rolled_back_within_seconds() {
    for (behaviour, word) in [
        (Behaviour::ImagePullBackOff, "ImagePullBackOff"),
        (Behaviour::CrashLoop, "CrashLoopBackOff"),
        (Behaviour::ConfigError, "CreateContainerConfigError"),
    ] {
        let shop = Shop::with_web(2);
        shop.kubernetes.image("shop/web:2").behaves(behaviour).says(&["cannot reach the database"]);
        let began = Instant::now();
        let outcome = shop.rollout(&DEPLOY).argument("--timeout=5m").in_actions().ends();
        outcome.exits(1).says(word);
        assert!(began.elapsed() < Duration::from_secs(25), "{word} took {:?}", began.elapsed());
        assert_eq!(outcome.outputs["rolled-back"], "true");
        let workloads: Value = serde_json::from_str(&outcome.outputs["workloads"]).unwrap();
        assert_eq!(workloads[0]["after"], json!(["web=shop/web:1"]));
        assert_eq!(shop.image("deployments", "web"), "shop/web:1");
        assert_eq!(shop.running("web-"), ["shop/web:1"; 2]);
        assert!(outcome.summary.contains(word), "{}", outcome.summary);
        if behaviour == Behaviour::CrashLoop {
            assert!(outcome.summary.contains("cannot reach the database"), "{}", outcome.summary);
            let commands = outcome.commands();
            let annotation = commands.iter().find(|line| line.starts_with("::error ")).unwrap();
            assert!(annotation.contains("web | cannot reach the database"), "{annotation}");
        }
        shop.is_clean();
    }
}

#[test]
fn what_never_gets_ready_or_does_not_stay_so_is_rolled_back_in_time() {
    for behaviour in [Behaviour::NeverReady, Behaviour::Flap, Behaviour::Stuck, Behaviour::Quota] {
        let shop = Shop::with_web(2);
        shop.kubernetes.image("shop/web:2").behaves(behaviour);
        let run =
            shop.rollout(&["deploy", "--workload=deployment/web", "--image=shop/web:2", "--stable-for=2s"]);
        run.argument("--timeout=5s").in_actions().ends().exits(1);
        assert_eq!(shop.image("deployments", "web"), "shop/web:1", "{behaviour:?}");
        assert_eq!(shop.running("web-"), ["shop/web:1"; 2], "{behaviour:?}");
        shop.is_clean();
    }
}

/// What is put back can't be better than it was: that is no failure of the way back.
#[test]
fn what_did_not_run_before_need_not_run_when_it_is_put_back() {
    let shop = Shop::with_web(2);
    for image in ["shop/web:bad", "shop/web:2"] {
        shop.kubernetes.image(image).behaves(Behaviour::CrashLoop);
    }
    shop.kubernetes.edit("kubectl-edit", "deployments", "shop", "web", |web| {
        web["spec"]["template"]["spec"]["containers"][0]["image"] = "shop/web:bad".into();
    });
    shop.kubernetes
        .until("it crashes", |_| shop.rollout(&["status"]).ends().stdout.contains("CrashLoopBackOff"));
    let outcome = shop.rollout(&DEPLOY).in_actions().ends();
    outcome.exits(1).says("rolled back");
    assert!(outcome.summary.contains("did not run before"), "{}", outcome.summary);
    assert_eq!(shop.image("deployments", "web"), "shop/web:bad");
    shop.is_clean();
    shop.kubernetes.image("shop/web:3");
    shop.rollout(&["deploy", "--workload=deployment/web", "--image=shop/web:3"]).ends().exits(0);
}

#[test]
fn a_failure_may_be_kept_and_undone_later() {
    let shop = Shop::with_web(2);
    shop.kubernetes.image("shop/web:2").behaves(Behaviour::ImagePullBackOff);
    let outcome = shop.rollout(&DEPLOY).argument("--on-failure=keep").argument("--record=record.json").ends();
    outcome.exits(1);
    assert_eq!(shop.image("deployments", "web"), "shop/web:2");
    shop.is_clean();
    shop.rollout(&["undo", "--record=record.json"]).ends().exits(0);
    assert_eq!(shop.running("web-"), ["shop/web:1"; 2]);
    shop.is_clean();
    // Undone already.
    shop.rollout(&["undo", "--record=record.json"]).ends().exits(0);
}

#[test]
fn a_record_of_the_runner_s_folder_is_found_again() {
    let shop = Shop::with_web(1);
    let outcome = shop.rollout(&DEPLOY).in_actions().ends();
    let record = outcome.exits(0).outputs["record"].clone();
    assert!(record.starts_with("sluice-records/"), "{record}");
    shop.rollout(&["undo", &format!("--record={record}")]).in_actions().ends().exits(0);
    assert_eq!(shop.image("deployments", "web"), "shop/web:1");
}

#[test]
fn what_someone_else_changed_since_is_theirs() {
    let shop = Shop::with_web(1);
    shop.rollout(&DEPLOY).argument("--record=record.json").ends().exits(0);
    shop.kubernetes.edit("kubectl-edit", "deployments", "shop", "web", |web| {
        web["spec"]["template"]["spec"]["containers"][0]["image"] = "shop/web:hotfix".into();
    });
    let writes = shop.writes();
    let outcome = shop.rollout(&["undo", "--record=record.json"]).ends();
    outcome.exits(1).says("kubectl-edit");
    assert_eq!(shop.image("deployments", "web"), "shop/web:hotfix");
    assert_eq!(shop.writes(), writes);
    shop.rollout(&["undo", "--record=record.json", "--force"]).ends().exits(0);
    assert_eq!(shop.image("deployments", "web"), "shop/web:1");
}

#[test]
fn a_change_while_the_rollout_fails_is_left_alone_and_told() {
    let shop = Shop::with_web(1);
    shop.kubernetes.image("shop/web:2").behaves(Behaviour::NeverReady);
    let running = shop.rollout(&DEPLOY).in_actions().starts();
    shop.kubernetes.until("it is changed", |_| shop.image("deployments", "web") == "shop/web:2");
    shop.kubernetes.edit("kubectl-edit", "deployments", "shop", "web", |web| {
        web["spec"]["template"]["spec"]["containers"][0]["image"] = "shop/web:hotfix".into();
    });
    let outcome = running.ends();
    // The hotfix runs, so the rollout is not what failed; what was asked for does not run either.
    assert_ne!(outcome.code, Some(0), "{outcome:?}");
    assert_eq!(shop.image("deployments", "web"), "shop/web:hotfix");
}

#[test]
fn who_owns_a_workload_is_asked_first() {
    let shop = Shop::with_web(1);
    shop.kubernetes.edit("argocd-controller", "deployments", "shop", "web", |web| {
        web["metadata"]["labels"]["argocd.argoproj.io/instance"] = "shop".into();
    });
    let writes = shop.writes();
    shop.rollout(&DEPLOY).ends().exits(1).says("Argo CD (application shop)");
    assert_eq!(shop.writes(), writes);
    shop.rollout(&DEPLOY).argument("--allow-gitops").ends().exits(0);
}

#[test]
fn a_missing_permission_is_told_before_anything_changes() {
    let shop = Shop::with_web(1);
    shop.kubernetes.forbid("patch", "deployments.apps");
    shop.kubernetes.forbid("watch", "endpointslices.discovery.k8s.io");
    let outcome = shop.rollout(&DEPLOY).ends();
    outcome.exits(3).says("patch deployments.apps").says("watch endpointslices.discovery.k8s.io");
    assert_eq!(shop.writes(), 0);
}

#[test]
fn components_are_deployed_in_their_order() {
    let shop = Shop::with_web(1);
    shop.workload("Deployment", "api", "shop/api:1", 1);
    shop.workload("StatefulSet", "db", "shop/db:1", 2);
    shop.workload("DaemonSet", "agent", "shop/agent:1", 1);
    shop.until_available("api", 1);
    shop.repository.write(
        ".github/sluice.yml",
        "version: 1\ncomponents:\n  web: {paths: [web], image: shop/web, needs: [api], workloads: [deployment/web]}\n  api: {paths: [api], image: shop/api, needs: [db], workloads: [deployment/api, daemonset/agent]}\n  db: {paths: [db], image: shop/db, workloads: [statefulset/db]}\n",
    );
    let outcome = shop
        .rollout(&["deploy", "--image=shop/web:2", "--image=shop/api:2", "--image=shop/db:2"])
        .in_actions()
        .ends();
    outcome.exits(0);
    let patches: Vec<String> = shop
        .kubernetes
        .requests()
        .into_iter()
        .filter(|request| {
            request.method == "PATCH" && String::from_utf8_lossy(&request.body).contains(":2\"")
        })
        .map(|request| request.path.rsplit('/').next().unwrap().to_owned())
        .collect();
    assert_eq!(patches, ["db", "api", "web"]);
    assert_eq!(shop.running("db-"), ["shop/db:2"; 2]);
}

#[test]
fn all_are_rolled_back_when_one_of_them_fails() {
    let shop = Shop::with_web(1);
    shop.workload("StatefulSet", "db", "shop/db:1", 2);
    shop.workload("DaemonSet", "agent", "shop/agent:1", 1);
    shop.kubernetes.until("all run", |_| shop.running("db-").len() == 2 && shop.running("agent-").len() == 2);
    shop.kubernetes.image("shop/db:2").behaves(Behaviour::CrashLoop);
    let images = ["--image=shop/web:2", "--image=shop/db:2", "--image=shop/agent:2"];
    let workloads = "--workload=deployment/web,daemonset/agent,statefulset/db";
    let outcome = shop.rollout(&["deploy", workloads, images[0], images[1], images[2]]).in_actions().ends();
    outcome.exits(1).says("statefulset/db");
    assert_eq!(shop.running("db-"), ["shop/db:1"; 2]);
    assert_eq!(shop.running("agent-"), ["shop/agent:1"; 2]);
    assert_eq!(shop.running("web-"), ["shop/web:1"]);
    shop.is_clean();
}

#[test]
fn manifests_are_applied_and_what_they_made_is_removed_on_the_way_back() {
    let shop = Shop::with_web(1);
    let manifest = |image: &str| {
        format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: api}}\nspec:\n  selector: {{matchLabels: {{app: api}}}}\n  template:\n    metadata: {{labels: {{app: api}}}}\n    spec: {{containers: [{{name: api, image: \"{image}\"}}]}}\n---\napiVersion: v1\nkind: Service\nmetadata: {{name: api}}\nspec: {{selector: {{app: api}}, ports: [{{port: 80}}]}}\n"
        )
    };
    shop.kubernetes.image("shop/api:0").behaves(Behaviour::ImagePullBackOff);
    shop.repository.write("api.yml", manifest("shop/api:0"));
    shop.rollout(&["deploy", "--manifest=api.yml"]).ends().exits(1);
    assert!(shop.kubernetes.get("deployments", "shop", "api").is_null());
    assert!(shop.kubernetes.get("services", "shop", "api").is_null());
    shop.is_clean();

    shop.repository.write("api.yml", manifest("shop/api:1"));
    let outcome = shop.rollout(&["deploy", "--manifest=api.yml"]).in_actions().ends();
    outcome.exits(0);
    assert_eq!(shop.targets("api").len(), 1);
    let outcome = shop.rollout(&["deploy", "--manifest=api.yml"]).in_actions().ends();
    assert_eq!(outcome.exits(0).outputs["changed"], "false");

    // Back to the version before, and applied again: what we put back ourselves is no one else's.
    shop.kubernetes.image("shop/api:2").behaves(Behaviour::ImagePullBackOff);
    shop.repository.write("api.yml", manifest("shop/api:2"));
    shop.rollout(&["deploy", "--manifest=api.yml"]).ends().exits(1);
    assert_eq!(shop.running("api-"), ["shop/api:1"]);
    shop.repository.write("api.yml", manifest("shop/api:3"));
    shop.rollout(&["deploy", "--manifest=api.yml"]).ends().exits(0);
    assert_eq!(shop.running("api-"), ["shop/api:3"]);
}

#[test]
fn what_the_cluster_warns_of_is_told_once() {
    let shop = Shop::with_web(1);
    shop.repository.write(
        "api.yml",
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: api}\nspec:\n  selector: {matchLabels: {app: api}}\n  template:\n    metadata: {labels: {app: api}}\n    spec: {nodeSelector: {beta.kubernetes.io/os: linux}, containers: [{name: api, image: \"shop/api:1\"}]}\n",
    );
    let warning =
        "nodeSelector[beta.kubernetes.io/os]: deprecated since v1.14; use \"kubernetes.io/os\" instead";
    for words in
        [&["deploy", "--manifest=api.yml", "--dry-run=server"][..], &["deploy", "--manifest=api.yml"]]
    {
        let outcome = shop.rollout(words).ends();
        assert_eq!(outcome.exits(0).stdout.matches(warning).count(), 1, "{outcome:#?}");
    }
}

#[test]
fn fields_of_others_are_told() {
    let shop = Shop::with_web(1);
    shop.repository.write(
        "web.yml",
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  replicas: 5\n  selector: {matchLabels: {app: web}}\n  template:\n    metadata: {labels: {app: web}}\n    spec: {containers: [{name: web, image: \"shop/web:1\"}]}\n",
    );
    let outcome = shop.rollout(&["deploy", "--manifest=web.yml"]).ends();
    outcome.exits(1).says(".spec.replicas").says("kubectl-create").says("web.yml:1:1");
    shop.rollout(&["deploy", "--manifest=web.yml", "--force"]).ends().exits(0);
    assert_eq!(shop.running("web-").len(), 5);
}

fn job(name: &str, image: &str) -> String {
    format!(
        "apiVersion: batch/v1\nkind: Job\nmetadata: {{name: {name}}}\nspec:\n  backoffLimit: 0\n  template:\n    spec: {{restartPolicy: Never, containers: [{{name: main, image: \"{image}\"}}]}}\n"
    )
}

#[test]
fn migrations_run_first_and_stop_all_when_they_fail() {
    let shop = Shop::with_web(1);
    shop.repository.write("before.yml", job("snapshot", "shop/snapshot:1"));
    shop.repository.write("migrate.yml", job("migrate", "shop/migrate:1"));
    shop.repository.write("restore.yml", job("restore", "shop/restore:1"));
    shop.kubernetes.image("shop/migrate:1").says(&["adding the column"]);
    let jobs = ["--before=before.yml", "--migrations=migrate.yml", "--on-rollback=restore.yml"];
    let words =
        |image: &'static str| ["deploy", "--workload=deployment/web", image, jobs[0], jobs[1], jobs[2]];
    let outcome = shop.rollout(&words("--image=shop/web:2")).in_actions().ends();
    outcome.exits(0).says("adding the column");
    assert_eq!(shop.kubernetes.all("jobs.batch", "shop").len(), 2);

    shop.kubernetes.image("shop/migrate:1").behaves(Behaviour::Fail);
    let outcome = shop.rollout(&words("--image=shop/web:3")).in_actions().ends();
    outcome.exits(1).says("migrate");
    assert_eq!(shop.image("deployments", "web"), "shop/web:2");
    let names: Vec<Value> = shop
        .kubernetes
        .all("jobs.batch", "shop")
        .iter()
        .map(|job| job["spec"]["template"]["spec"]["containers"][0]["image"].clone())
        .collect();
    assert!(names.contains(&json!("shop/restore:1")), "{names:?}");
    shop.is_clean();
}

#[test]
fn a_job_that_can_not_start_is_not_waited_for() {
    let shop = Shop::with_web(1);
    shop.repository.write("migrate.yml", job("migrate", "shop/migrate:1"));
    shop.kubernetes.image("shop/migrate:1").behaves(Behaviour::ImagePullBackOff);
    let began = Instant::now();
    let outcome = shop.rollout(&DEPLOY).argument("--migrations=migrate.yml").ends();
    outcome.exits(1).says("ImagePull").says("all is as it was before");
    assert!(began.elapsed() < Duration::from_secs(30), "before the 40 s of its timeout");
    assert_eq!(shop.image("deployments", "web"), "shop/web:1");
    shop.is_clean();
}

/// A deployment whose pods run, and never get ready.
fn waiting_for_ever() -> (Shop, Running) {
    let shop = Shop::with_web(1);
    shop.kubernetes.image("shop/web:2").behaves(Behaviour::NeverReady);
    let running = shop.rollout(&DEPLOY).starts();
    shop.kubernetes.until("its pods run", |_| shop.running("web").contains(&"shop/web:2".to_owned()));
    (shop, running)
}

#[test]
fn what_someone_removes_meanwhile_is_not_waited_for() {
    let (shop, running) = waiting_for_ever();
    let removed = Instant::now();
    shop.kubernetes.delete("deployments", "shop", "web");
    running.ends().exits(4).says("someone removed it");
    assert!(removed.elapsed() < Duration::from_secs(30), "before the 40 s of its timeout");
}

/// A policy writes the digest of each tag, say: that is what was deployed, and what is put back later.
#[test]
fn what_a_webhook_makes_of_an_image_is_what_was_deployed() {
    let shop = Shop::with_web(1);
    let digest = format!("@sha256:{}", "0".repeat(64));
    let resolved = digest.clone();
    shop.kubernetes.webhook("deployments", move |web| {
        let image = &mut web["spec"]["template"]["spec"]["containers"][0]["image"];
        let tag = image.as_str().unwrap().to_owned();
        if tag != "shop/web:1" && !tag.contains('@') {
            *image = format!("{tag}{resolved}").into();
        }
    });
    shop.rollout(&DEPLOY).argument("--record=record.json").ends().exits(0);
    assert_eq!(shop.image("deployments", "web"), format!("shop/web:2{digest}"));
    shop.is_clean();
    shop.rollout(&["undo", "--record=record.json"]).ends().exits(0);
    assert_eq!(shop.running("web-"), ["shop/web:1"]);

    shop.kubernetes.image("shop/web:3").behaves(Behaviour::CrashLoop);
    let words = ["deploy", "--workload=deployment/web", "--image=shop/web:3"];
    shop.rollout(&words).ends().exits(1).says("all is as it was before");
    assert_eq!(shop.running("web-"), ["shop/web:1"]);
    shop.is_clean();
}

#[test]
fn a_change_that_a_webhook_takes_back_is_no_change() {
    let shop = Shop::with_web(1);
    shop.kubernetes.webhook("deployments", |web| {
        web["spec"]["template"]["spec"]["containers"][0]["image"] = "shop/web:1".into();
    });
    shop.rollout(&DEPLOY).ends().exits(1).says("left /spec/template/spec/containers/0/image as it was");
    assert_eq!(shop.running("web-"), ["shop/web:1"]);
    shop.is_clean();
}

/// Also where the object is there again: it is not the one that was written.
#[test]
fn what_someone_makes_anew_meanwhile_is_told_at_once() {
    let (shop, running) = waiting_for_ever();
    let removed = Instant::now();
    shop.kubernetes.delete("deployments", "shop", "web");
    shop.workload("Deployment", "web", "shop/web:hotfix", 1);
    running.ends().exits(4).says("made another one of its name");
    assert!(removed.elapsed() < Duration::from_secs(30), "before the 40 s of its timeout");
    assert_eq!(shop.image("deployments", "web"), "shop/web:hotfix");
}

/// What is being put back, and is removed by someone, is broken: nobody waits for it.
#[test]
fn what_someone_removes_on_the_way_back_is_told_at_once() {
    for is_made_anew in [false, true] {
        let shop = Shop::with_web(1);
        shop.kubernetes.image("shop/web:2").behaves(Behaviour::CrashLoop).lingers(Duration::from_secs(30));
        let running = shop.rollout(&DEPLOY).starts();
        shop.kubernetes.until("it is changed", |_| shop.image("deployments", "web") == "shop/web:2");
        shop.kubernetes.until("it is put back", |_| shop.image("deployments", "web") == "shop/web:1");
        let removed = Instant::now();
        shop.kubernetes.delete("deployments", "shop", "web");
        if is_made_anew {
            shop.workload("Deployment", "web", "shop/web:hotfix", 1);
        }
        running.ends().exits(4).says("someone removed it meanwhile");
        assert!(removed.elapsed() < Duration::from_secs(20), "it took {:?}", removed.elapsed());
    }
}

#[test]
fn nothing_is_restored_where_there_is_no_snapshot() {
    let shop = Shop::with_web(1);
    shop.repository.write("before.yml", job("snapshot", "shop/snapshot:1"));
    shop.repository.write("restore.yml", job("restore", "shop/restore:1"));
    shop.kubernetes.image("shop/snapshot:1").behaves(Behaviour::Fail);
    let outcome =
        shop.rollout(&DEPLOY).argument("--before=before.yml").argument("--on-rollback=restore.yml").ends();
    outcome.exits(1).says("snapshot");
    let jobs = shop.kubernetes.all("jobs.batch", "shop");
    assert!(jobs.iter().all(|job| job["metadata"]["name"].as_str().unwrap().starts_with("snapshot-")));
    assert_eq!(shop.image("deployments", "web"), "shop/web:1");
    shop.is_clean();
}

/// What explains decides nothing: without logs and events the answers are the same, and as fast.
#[test]
fn without_logs_and_events_a_verdict_is_the_same() {
    let shop = Shop::with_web(2);
    shop.repository.write("migrate.yml", job("migrate", "shop/migrate:1"));
    shop.kubernetes.without_kubelet();
    shop.kubernetes
        .faults(|request| request.path.ends_with("/events").then(|| Fault::Answer(Reply::internal_error())));
    shop.rollout(&DEPLOY).argument("--migrations=migrate.yml").ends().exits(0);
    assert_eq!(shop.running("web-"), ["shop/web:2"; 2]);

    shop.kubernetes.image("shop/web:3").behaves(Behaviour::CrashLoop);
    let began = Instant::now();
    let outcome = shop.rollout(&["deploy", "--workload=deployment/web", "--image=shop/web:3"]).ends();
    outcome.exits(1).says("CrashLoopBackOff");
    assert!(began.elapsed() < Duration::from_secs(25), "it took {:?}", began.elapsed());
    assert_eq!(shop.running("web-"), ["shop/web:2"; 2]);
}

#[test]
fn what_someone_else_made_meanwhile_is_never_removed() {
    let shop = Shop::with_web(1);
    shop.repository.write(
        "api.yml",
        "apiVersion: v1\nkind: Service\nmetadata: {name: api}\nspec: {selector: {app: api}, ports: [{port: 80}]}\n",
    );
    shop.repository.write("migrate.yml", job("migrate", "shop/migrate:1"));
    shop.kubernetes.image("shop/migrate:1").behaves(Behaviour::RunForever);
    let running = shop
        .rollout(&["deploy", "--manifest=api.yml", "--migrations=migrate.yml", "--timeout=3s"])
        .starts()
        .until_it_says("runs");
    shop.service("api", &json!({"app": "theirs"}));
    running.ends().exits(1).says("did not end in time");
    assert_eq!(shop.kubernetes.get("services", "shop", "api")["spec"]["selector"]["app"], "theirs");
    shop.is_clean();
}

#[test]
fn a_dry_run_shows_and_changes_nothing() {
    let shop = Shop::with_web(1);
    shop.repository.write("migrate.yml", job("migrate", "shop/migrate:1"));
    for depth in ["--dry-run", "--dry-run=server"] {
        let outcome =
            shop.rollout(&DEPLOY).argument("--migrations=migrate.yml").argument(depth).in_actions().ends();
        outcome.exits(0);
        assert!(outcome.outputs["diff"].contains("shop/web:2"), "{}", outcome.outputs["diff"]);
        assert!(outcome.stdout.contains("shop/migrate:1"), "{}", outcome.stdout);
    }
    assert_eq!(shop.image("deployments", "web"), "shop/web:1");
    assert_eq!(shop.kubernetes.all("jobs.batch", "shop").len(), 0);
    shop.is_clean();
}

#[test]
fn the_status_tells_what_runs_and_what_does_not() {
    let shop = Shop::with_web(2);
    let outcome = shop.rollout(&["status"]).ends();
    outcome.exits(0).says("1 of 1 workloads are done").says("shop/web:1");
    shop.workload("Deployment", "api", "shop/api:1", 1);
    shop.kubernetes.image("shop/api:2").behaves(Behaviour::CrashLoop);
    shop.kubernetes.edit("kubectl-edit", "deployments", "shop", "api", |api| {
        api["spec"]["template"]["spec"]["containers"][0]["image"] = "shop/api:2".into();
    });
    shop.kubernetes
        .until("it crashes", |_| shop.rollout(&["status"]).ends().stdout.contains("CrashLoopBackOff"));
    shop.rollout(&["status"]).ends().exits(1);
    // The API server selects: what it makes of a selector, kubectl does, too.
    let chosen = shop.rollout(&["status", "--selector=app in (web,none)"]).ends();
    chosen.exits(0).says("1 of 1 workloads are done");
    shop.rollout(&["status", "--selector=app=none"]).ends().exits(2).says("no workload");
    shop.rollout(&["status", "--namespace=shpo"]).ends().exits(2).says("a namespace that is not there");
    shop.rollout(&["status", "--workload=deployment/wep"]).ends().exits(2).says("did you mean");
    shop.rollout(&["status", "--workload=deployment/web"]).ends().exits(0);
}

#[test]
fn mistakes_are_told_with_what_was_meant() {
    let shop = Shop::with_web(1);
    let run = |words: &[&str]| shop.rollout(words).ends();
    run(&["deploy", "--workload=deployment/wep", "--image=shop/web:2"])
        .exits(2)
        .says("did you mean \"web\"?");
    run(&["deploy", "--workload=deployment/web", "--image=wep=shop/web:2"])
        .exits(2)
        .says("did you mean `web=shop/web:2`?");
    run(&["deploy", "--workload=deployment/web", "--image=shop/api:2"])
        .exits(2)
        .says("no container runs an image shop/api");
    run(&["deploy", "--image=shop/web:2"]).exits(2).says("workloads");
    run(&["deploy", "--workload=deployment/web"]).exits(2).says("nothing to deploy");
    run(&["deploy", "--selector=app=none", "--image=shop/web:2"]).exits(2).says("no workload");
    shop.repository.write("empty.yml", "# nothing\n");
    run(&["deploy", "--manifest=empty.yml"]).exits(2).says("holds no manifest");
}
