//! rollout in a cluster of EKS, found by its name.

use serde_json::json;
use sluice_end_to_end::{Repository, Run};
use sluice_kubernetes_fake::Kubernetes;
use sluice_moto::{Moto, REGION};

fn status<'a>(repository: &'a Repository, moto: &Moto, cluster: &str) -> Run<'a> {
    repository
        .run("rollout")
        .argument("status")
        .input("cluster", cluster)
        .input("region", REGION)
        .input("namespace", "shop")
        .variable("AWS_ACCESS_KEY_ID", "AKIATEST")
        .variable("AWS_SECRET_ACCESS_KEY", "secret-of-the-test")
        .variable("AWS_ENDPOINT_URL", &moto.endpoint())
        .in_actions()
}

/// Endpoint and authority are EKS's, the token is ours; one that the cluster refuses is made anew.
#[test]
fn a_cluster_of_eks_is_reached_by_its_name() {
    let (moto, kubernetes, repository) = (Moto::start(), Kubernetes::start_with_tls(), Repository::new());
    kubernetes.create(
        "shop",
        &json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"},
            "spec": {
                "replicas": 0,
                "selector": {"matchLabels": {"app": "web"}},
                "template": {
                    "metadata": {"labels": {"app": "web"}},
                    "spec": {"containers": [{"name": "web", "image": "shop/web:7"}]},
                },
            },
        }),
    );
    moto.answer_with(
        "GET /clusters/shop-production",
        "",
        &json!({"cluster": {
            "name": "shop-production", "status": "ACTIVE", "version": "1.36",
            "endpoint": kubernetes.server(),
            "certificateAuthority": {"data": kubernetes.authority().unwrap().base64()},
        }}),
    );
    let mut was_refused = false;
    kubernetes.doorman(move |token| {
        let is_made = token.is_some_and(|token| token.starts_with("k8s-aws-v1."));
        is_made && std::mem::replace(&mut was_refused, true)
    });

    let outcome = status(&repository, &moto, "shop-production").ends();
    outcome.exits(0).never_says("k8s-aws-v1.").never_says("secret-of-the-test");
    assert!(outcome.summary.contains("deployment/web"), "{}", outcome.summary);

    status(&repository, &moto, "shop-prodution").ends().exits(2).says("EKS has no cluster");
}
