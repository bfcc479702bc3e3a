//! Clusters of EKS: `rollout` and `backup` find them by name as they find real ones (moto tells where they are), and what
//! they do there is done to a stand-in for Kubernetes' own API. What the pods of a Service run answers over HTTP.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Weak,
        atomic::{AtomicUsize, Ordering},
    },
};

use serde_json::{Value, json};
use sluice_end_to_end::{Received, Server};
use sluice_kubernetes_fake::Kubernetes;
use sluice_moto::Moto;

/// How a test shortens the rollouts of the reusable workflows: what is ready here stays so.
pub(crate) const PATIENCE: (&str, &str) = (
    "uses: $/actions/rollout\n        with:\n",
    "uses: $/actions/rollout\n        with:\n          stable-for: 300ms\n          timeout: 2m\n",
);

/// Clusters, by what a test calls them.
pub(crate) struct Clusters {
    pub(crate) moto: Moto,
    all: BTreeMap<&'static str, Arc<Kubernetes>>,
}

impl Clusters {
    /// No cluster, in an AWS of its own.
    pub(crate) fn none() -> Self {
        Self { moto: Moto::start(), all: BTreeMap::new() }
    }

    /// One more cluster, that EKS has under a name in a region. In it runs what a manifest of an example describes, in its
    /// first version: the tag `v1`.
    pub(crate) fn with(
        mut self,
        known_as: &'static str,
        (region, name): (&str, &str),
        manifest: &str,
    ) -> Self {
        let kubernetes = Kubernetes::start_with_tls();
        self.moto.cluster(region, name, kubernetes.server(), &kubernetes.authority().unwrap().base64());
        // A token is made for one cluster; here it is enough that one was made.
        kubernetes.doorman(|token| token.is_some_and(|token| token.starts_with("k8s-aws-v1.")));
        for object in manifest.split("\n---\n") {
            let object: Value = serde_saphyr::from_str(object).unwrap();
            kubernetes.create("shop", &object);
        }
        kubernetes.until("the shop is open", |cluster| !versions(cluster, "shop").is_empty());
        self.all.insert(known_as, Arc::new(kubernetes));
        self
    }

    pub(crate) fn cluster(&self, name: &str) -> &Arc<Kubernetes> {
        &self.all[name]
    }

    /// The version that the Service `shop` of a cluster leads to.
    #[track_caller]
    pub(crate) fn version(&self, name: &str) -> String {
        let versions: BTreeSet<String> = versions(self.cluster(name), "shop").into_iter().collect();
        assert_eq!(versions.len(), 1, "{name} serves {versions:?}");
        versions.into_iter().next().unwrap()
    }

    /// The colour that gets the traffic of a cluster.
    pub(crate) fn live(&self, name: &str) -> String {
        let service = self.cluster(name).get("services", "shop", "shop");
        service["spec"]["selector"]["colour"].as_str().unwrap().to_owned()
    }

    /// Asserts that no rollout has left its lock or its journal in a cluster.
    #[track_caller]
    pub(crate) fn is_clean(&self, name: &str) {
        let cluster = self.cluster(name);
        assert_eq!(cluster.all("leases.coordination.k8s.io", "shop").first(), None);
        let is_ours =
            |map: &&Value| map["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "sluice-rollout";
        assert_eq!(cluster.all("configmaps", "shop").iter().find(is_ours), None);
    }

    /// How often a cluster was written to.
    pub(crate) fn writes(&self, name: &str) -> usize {
        let requests = self.cluster(name).requests();
        let is_write =
            |path: &str, method: &str| method != "GET" && !path.contains("selfsubjectaccessreviews");
        requests.iter().filter(|request| is_write(&request.path, &request.method)).count()
    }

    /// What runs, as people reach it. `places` says which cluster and Service answer below a path. Each request goes to
    /// the next pod, of which the first version is always well, and others as `is_well` tells of path and version.
    pub(crate) fn reached(
        &self,
        places: &[(&'static str, (&'static str, &'static str))],
        is_well: impl Fn(&str, &str) -> bool + Send + Sync + 'static,
    ) -> Server {
        let places: BTreeMap<&str, (Weak<Kubernetes>, &str)> = places
            .iter()
            .map(|(path, (cluster, service))| (*path, (Arc::downgrade(&self.all[cluster]), *service)))
            .collect();
        let next = AtomicUsize::new(0);
        Server::answering(move |request| {
            let (place, page) = parts(request);
            let (cluster, service) = &places[place];
            // The server outlives the test that it is of.
            let Some(cluster) = cluster.upgrade() else { return (503, String::new()) };
            let versions = versions(&cluster, service);
            let turn = next.fetch_add(1, Ordering::Relaxed);
            match versions.get(turn % versions.len().max(1)) {
                None => (503, "no endpoints".to_owned()),
                Some(version) if page == "version" => (200, json!({"version": version}).to_string()),
                Some(version) if version == "v1" || is_well(place, version) => {
                    (200, json!({"status": "UP"}).to_string())
                }
                Some(_) => (503, json!({"status": "DOWN"}).to_string()),
            }
        })
    }
}

/// Prometheus, which saw a hundred requests, no error, and answers within a tenth of a second.
pub(crate) fn prometheus() -> Server {
    Server::answering(|request| {
        let value = match &request.target {
            query if query.contains("histogram_quantile") => "0.1",
            query if query.contains("5..") => "0",
            _ => "100",
        };
        let result = json!([{"metric": {}, "value": [0, value]}]);
        (200, json!({"status": "success", "data": {"resultType": "vector", "result": result}}).to_string())
    })
}

/// `GET /dev/version` is `dev` and `version`.
fn parts(request: &Received) -> (&str, &str) {
    let mut parts = request.target.split('/').skip(1);
    (parts.next().unwrap_or_default(), parts.next().unwrap_or_default())
}

/// The versions of the pods that a Service leads to.
fn versions(cluster: &Kubernetes, service: &str) -> Vec<String> {
    let slices = cluster.all("endpointslices.discovery.k8s.io", "shop").into_iter();
    let of_service =
        slices.filter(|slice| slice["metadata"]["labels"]["kubernetes.io/service-name"] == service);
    let endpoints = of_service.flat_map(|slice| slice["endpoints"].as_array().cloned().unwrap_or_default());
    let ready = endpoints.filter(|endpoint| endpoint["conditions"]["ready"] == true);
    let pods = ready.map(|endpoint| {
        cluster.get("pods", "shop", endpoint["targetRef"]["name"].as_str().unwrap_or_default())
    });
    pods.filter_map(|pod| version(&pod)).collect()
}

/// The tag of the image of an object's first container; nothing when it is gone by now.
fn version(pod: &Value) -> Option<String> {
    let image = pod["spec"]["containers"][0]["image"].as_str()?;
    let tagged = image.split('@').next()?;
    Some(tagged.rsplit(':').next()?.to_owned())
}
