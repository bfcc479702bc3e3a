//! What all tests begin with.

use std::{path::Path, time::Duration};

use serde_json::{Value, json};
use sluice_http::Options;
use sluice_kubernetes::{Access, Cluster, Error, Setup};
use sluice_kubernetes_fake::Kubernetes;

/// A run's environment: variables and patience.
pub(crate) struct Around<'a> {
    pub(crate) variables: &'a [(&'a str, &'a str)],
    pub(crate) patience: Duration,
}

impl Default for Around<'_> {
    fn default() -> Self {
        Self { variables: &[], patience: Duration::from_secs(5) }
    }
}

impl Around<'_> {
    pub(crate) async fn connect(&self, access: &Access) -> Result<Cluster, Error> {
        let options = Options::default();
        let variable = |name: &str| {
            let found = self.variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        let setup = Setup {
            options: &options,
            variable: &variable,
            folder: Path::new("/"),
            now: "2026-01-02T03:04:05Z".parse().unwrap(),
            mask: &|_| {},
            manager: "sluice-test",
            patience: self.patience,
        };
        Cluster::connect(access, None, setup).await
    }
}

/// The cluster of a stand-in.
pub(crate) async fn cluster(kubernetes: &Kubernetes) -> Cluster {
    let access = Access::Kubeconfig { path: Some(kubernetes.kubeconfig()), context: None };
    Around::default().connect(&access).await.unwrap()
}

/// Waits for what is asked of the cluster.
pub(crate) fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

pub(crate) fn config_map(name: &str, value: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"key": value}})
}

pub(crate) fn service(name: &str, colour: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": name},
        "spec": {"selector": {"app": name, "colour": colour}, "ports": [{"port": 80}]},
    })
}
