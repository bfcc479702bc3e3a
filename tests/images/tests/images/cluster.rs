//! What speaks to a cluster, in its image.

use serde_json::{Value, json};
use sluice_images::{Job, Step};
use sluice_kubernetes_fake::Kubernetes;

/// A cluster in which a Deployment `web` runs, and a job that may speak to it.
pub(crate) fn with_web() -> Option<(Kubernetes, Job)> {
    let kubernetes = Kubernetes::start();
    let kubeconfig = std::fs::read_to_string(kubernetes.kubeconfig()).unwrap();
    let job = Job::with(|repository| {
        repository.write("kubeconfig", &kubeconfig);
    })?;
    let labels = json!({"app": "web"});
    let pod = json!({"metadata": {"labels": labels}, "spec": {"containers": [{"name": "web", "image": "shop/web:1"}]}});
    kubernetes.create(
        "shop",
        &json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": {
            "replicas": 1, "selector": {"matchLabels": labels}, "template": pod,
        }}),
    );
    kubernetes.until("web runs", |cluster| {
        cluster.get("deployments", "shop", "web")["status"]["availableReplicas"] == 1
    });
    Some((kubernetes, job))
}

/// A step that deploys the next version.
pub(crate) fn deploys(job: &Job) -> Step<'_> {
    let step = job.step("rollout").variable("KUBECONFIG", "/github/workspace/kubeconfig");
    step.input("workload", "deployment/web").input("image", "shop/web:2").input("stable-for", "300ms")
}

pub(crate) fn image(kubernetes: &Kubernetes) -> Value {
    kubernetes.get("deployments", "shop", "web")["spec"]["template"]["spec"]["containers"][0]["image"].clone()
}

#[test]
fn a_version_is_rolled_out() {
    let Some((kubernetes, job)) = with_web() else { return };
    deploys(&job).option("--read-only").ends().exits(0).has_output("workloads").sums_up("deployment/web");
    assert_eq!(image(&kubernetes), "shop/web:2");
    assert_eq!(job.not_the_runner_s(), []);
}

#[test]
fn a_namespace_is_kept() {
    let Some((_kubernetes, job)) = with_web() else { return };
    let step = job.step("backup").variable("KUBECONFIG", "/github/workspace/kubeconfig");
    step.option("--read-only").ends().exits(0).has_output("digest").sums_up("shop");
    assert!(job.workspace().read("backup/deployments.apps/web.yaml").contains("shop/web:1"));
    assert_eq!(job.not_the_runner_s(), []);
}
