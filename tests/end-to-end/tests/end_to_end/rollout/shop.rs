//! A shop in a cluster, and rollouts of it.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the way to fail")]

use serde_json::{Value, json};
use sluice_end_to_end::{Repository, Run};
use sluice_kubernetes_fake::Kubernetes;

/// A cluster with the namespace `shop`, and a repository beside it.
pub(crate) struct Shop {
    pub(crate) kubernetes: Kubernetes,
    pub(crate) repository: Repository,
}

impl Shop {
    pub(crate) fn new() -> Self {
        Self { kubernetes: Kubernetes::start(), repository: Repository::new() }
    }

    /// A run against the cluster, with little patience.
    pub(crate) fn rollout(&self, words: &[&str]) -> Run<'_> {
        let mut run = self
            .repository
            .run("rollout")
            .variable("KUBECONFIG", self.kubernetes.kubeconfig().to_str().unwrap());
        for word in words {
            run = run.argument(word);
        }
        match words.first() {
            Some(&"status") => run,
            _ => run.input("stable-for", "300ms").input("timeout", "40s"),
        }
    }

    /// Makes a workload whose pods run this image.
    pub(crate) fn workload(&self, kind: &str, name: &str, image: &str, replicas: i64) {
        let labels = json!({"app": name});
        self.create(kind, name, &labels, image, replicas);
    }

    /// Makes a workload whose pods have these labels.
    pub(crate) fn create(&self, kind: &str, name: &str, labels: &Value, image: &str, replicas: i64) {
        let mut object = json!({
            "apiVersion": "apps/v1", "kind": kind,
            "metadata": {"name": name, "labels": labels},
            "spec": {
                "replicas": replicas,
                "selector": {"matchLabels": labels},
                "template": {
                    "metadata": {"labels": labels},
                    "spec": {"containers": [{"name": "web", "image": image}]},
                },
            },
        });
        if kind == "DaemonSet" {
            object["spec"].as_object_mut().unwrap().remove("replicas");
        }
        if kind == "StatefulSet" {
            object["spec"]["serviceName"] = name.into();
        }
        self.kubernetes.create("shop", &object);
    }

    pub(crate) fn service(&self, name: &str, selector: &Value) {
        self.kubernetes.create(
            "shop",
            &json!({
                "apiVersion": "v1", "kind": "Service", "metadata": {"name": name},
                "spec": {"selector": selector, "ports": [{"port": 80}]},
            }),
        );
    }

    /// A Deployment `web` with its Service, that runs.
    pub(crate) fn with_web(replicas: i64) -> Self {
        let shop = Self::new();
        shop.workload("Deployment", "web", "shop/web:1", replicas);
        shop.service("web", &json!({"app": "web"}));
        shop.until_available("web", replicas);
        shop
    }

    /// Two colours that run, and the Service that sends to blue.
    pub(crate) fn with_colours() -> Self {
        let shop = Self::new();
        for (colour, replicas) in [("blue", 3), ("green", 0)] {
            let labels = json!({"app": "web", "colour": colour});
            shop.create("Deployment", &format!("web-{colour}"), &labels, "shop/web:1", replicas);
            shop.service(&format!("web-{colour}"), &labels);
        }
        shop.service("web", &json!({"app": "web", "colour": "blue"}));
        shop.until_available("web-blue", 3);
        shop.kubernetes.until("the Service leads to blue", |_| shop.targets("web").len() == 3);
        shop
    }

    pub(crate) fn until_available(&self, name: &str, replicas: i64) {
        self.kubernetes.until(&format!("{name} is available"), |cluster| {
            cluster.get("deployments", "shop", name)["status"]["availableReplicas"].as_i64().unwrap_or(0)
                == replicas
        });
    }

    /// The image of the first container of a workload.
    pub(crate) fn image(&self, plural: &str, name: &str) -> String {
        let object = self.kubernetes.get(plural, "shop", name);
        object["spec"]["template"]["spec"]["containers"][0]["image"].as_str().unwrap_or_default().to_owned()
    }

    /// The images that pods with a name that begins so run, those that end included.
    pub(crate) fn running(&self, prefix: &str) -> Vec<String> {
        let pods = self.kubernetes.all("pods", "shop").into_iter();
        let named =
            pods.filter(|pod| pod["metadata"]["name"].as_str().is_some_and(|name| name.starts_with(prefix)));
        let mut images: Vec<String> = named
            .map(|pod| pod["spec"]["containers"][0]["image"].as_str().unwrap_or_default().to_owned())
            .collect();
        images.sort();
        images
    }

    /// The pods that a Service leads to.
    pub(crate) fn targets(&self, service: &str) -> Vec<String> {
        let slices = self.kubernetes.all("endpointslices.discovery.k8s.io", "shop").into_iter();
        let of_service =
            slices.filter(|slice| slice["metadata"]["labels"]["kubernetes.io/service-name"] == service);
        let endpoints =
            of_service.flat_map(|slice| slice["endpoints"].as_array().cloned().unwrap_or_default());
        let ready = endpoints.filter(|endpoint| endpoint["conditions"]["ready"] == true);
        ready.filter_map(|endpoint| Some(endpoint["targetRef"]["name"].as_str()?.to_owned())).collect()
    }

    /// The colour that the Service `web` selects.
    pub(crate) fn live(&self) -> String {
        let service = self.kubernetes.get("services", "shop", "web");
        service["spec"]["selector"]["colour"].as_str().unwrap_or_default().to_owned()
    }

    /// Whether a run has left its journal.
    pub(crate) fn has_journal(&self) -> bool {
        let maps = self.kubernetes.all("configmaps", "shop");
        maps.iter().any(|map| map["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "sluice-rollout")
    }

    /// Asserts that no run has left anything of its own.
    #[track_caller]
    pub(crate) fn is_clean(&self) {
        assert!(!self.has_journal(), "a journal was left");
        assert_eq!(self.kubernetes.all("leases.coordination.k8s.io", "shop").len(), 0, "a lease was left");
        for plural in ["deployments", "statefulsets", "daemonsets", "services"] {
            for object in self.kubernetes.all(plural, "shop") {
                let mark = &object["metadata"]["annotations"]["sluice-actions.github.io/rollout"];
                assert!(mark.is_null(), "{plural} {} is marked: {mark}", object["metadata"]["name"]);
            }
        }
    }

    /// How many requests of these methods came.
    pub(crate) fn writes(&self) -> usize {
        let requests = self.kubernetes.requests();
        let is_write =
            |path: &str, method: &str| method != "GET" && !path.contains("selfsubjectaccessreviews");
        requests.iter().filter(|request| is_write(&request.path, &request.method)).count()
    }
}
