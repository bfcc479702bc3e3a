//! rollout against a stand-in for the API of Kubernetes on loopback.

use std::{path::Path, time::Duration};

use serde_json::{Value, json};
use sluice_kubernetes_fake::Kubernetes;

use super::{
    Must, Table,
    measure::{Run, Taken, in_turns},
};

/// How often each command is run.
const ROUNDS: usize = 31;

/// How many workloads there are at most.
const MANY: usize = 200;

/// How many pods of others stand beside each: a look at a namespace meets them all.
const OTHERS: usize = 2;

pub(super) fn measure(binaries: &Path) -> anyhow::Result<Table> {
    let title = format!(
        "rollout on loopback, its server on the same machine: the middle (and the least) of {ROUNDS} runs in turns"
    );
    let binary = binaries.join("rollout");
    let mut table = Table::new(&title, &["", "time", "on a processor", "memory"]);
    size(&binary, &mut table)?;
    for count in [3, MANY] {
        let cluster = Cluster::with(count, &binary)?;
        // What is there already is waited for by watches, and nothing changes from run to run.
        let wait = cluster.run(&["deploy", "--selector=app", "--image=shop/web:1"]);
        let [status, wait] = in_turns([&cluster.run(&["status"]), &wait], ROUNDS)?;
        // With many, the time is mostly the server's.
        let musts = match count {
            MANY => vec![Must::megabytes(&status, 20)],
            _ => vec![Must::milliseconds(&status, 100), Must::megabytes(&status, 20)],
        };
        let pods = count * (1 + OTHERS);
        row(&mut table, &format!("status of {count} workloads, {pods} pods"), &status, &musts);
        row(&mut table, &format!("wait for {count} workloads, {pods} pods"), &wait, &[]);
    }
    Ok(table)
}

fn size(binary: &Path, table: &mut Table) -> anyhow::Result<()> {
    #[expect(clippy::cast_precision_loss, reason = "two digits are printed")]
    let size = binary.metadata()?.len() as f64 / 1e6;
    let none = || "–".to_owned();
    let must = Must { words: "< 9 MB".to_owned(), holds: size < 9.0 };
    table.row([format!("the binary: {size:.2} MB"), none(), none(), none()], &[must]);
    Ok(())
}

fn row(table: &mut Table, what: &str, taken: &Taken, musts: &[Must]) {
    let time = format!("{:.1} ({:.1}) ms", taken.median, taken.least);
    let processor = format!("{:.1} ms", taken.processor);
    table.row([what.to_owned(), time, processor, format!("{:.1} MB", taken.megabytes)], musts);
}

/// A namespace full of workloads that run.
struct Cluster {
    kubernetes: Kubernetes,
    folder: tempfile::TempDir,
    binary: String,
}

impl Cluster {
    fn with(count: usize, binary: &Path) -> anyhow::Result<Self> {
        let kubernetes = Kubernetes::start();
        for number in 0..count {
            let name = format!("web-{number}");
            kubernetes.create("shop", &workload(&name));
            kubernetes.create(
                "shop",
                &json!({
                    "apiVersion": "v1", "kind": "Service", "metadata": {"name": name},
                    "spec": {"selector": {"app": name}, "ports": [{"port": 80}]},
                }),
            );
        }
        let is_available = |one: &Value| one["status"]["availableReplicas"] == 1;
        let leads_there = |slice: &Value| slice["endpoints"][0]["conditions"]["ready"] == true;
        kubernetes.until_within(Duration::from_mins(2), "all workloads run", |kubernetes| {
            let deployments = kubernetes.all("deployments", "shop");
            let slices = kubernetes.all("endpointslices", "shop");
            deployments.iter().filter(|one| is_available(one)).count() == count
                && slices.iter().filter(|one| leads_there(one)).count() == count
        });
        // Nothing moves while it is looked at.
        kubernetes.pause();
        for number in 0..count * OTHERS {
            kubernetes.create("shop", &other(&format!("other-{number}")));
        }
        Ok(Self { kubernetes, folder: tempfile::tempdir()?, binary: binary.to_string_lossy().into_owned() })
    }

    fn run(&self, words: &[&str]) -> Run {
        let kubeconfig = format!("--kubeconfig={}", self.kubernetes.kubeconfig().display());
        let words: Vec<&str> = words.iter().copied().chain([kubeconfig.as_str()]).collect();
        Run::new(self.folder.path(), &self.binary, &words)
    }
}

fn workload(name: &str) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "labels": {"app": name}},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {"containers": [{"name": "web", "image": "shop/web:1"}]},
            },
        },
    })
}

/// A pod of the size that they have: it says more than its image.
fn other(name: &str) -> Value {
    let variables = (0..40).map(|number| {
        let value = format!("https://{name}-{number}.shop.svc.cluster.local:8443/v1");
        json!({"name": format!("SETTING_{number}"), "value": value})
    });
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": {"app": "other"}},
        "spec": {"containers": [{
            "name": "other",
            "image": "shop/other:1",
            "env": variables.collect::<Vec<_>>(),
            "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "256Mi"}},
        }]},
    })
}
