//! The two Deployments behind a Service, as the cluster has them.

use serde_json::Value;
use sluice_core::Problem;
use sluice_kubernetes::{
    Cluster, Error, Kind, Selector,
    api::{apps::v1::Deployment, autoscaling::v2::HorizontalPodAutoscaler, core::v1::Service},
};

use crate::{
    colours::{Colours, own_service, pod_labels},
    reference::{Reference, WorkloadKind, check_name},
    workloads,
};

/// The two Deployments of a Service, as they are.
pub(crate) struct Pair {
    pub(crate) service: Value,
    pub(crate) colours: Colours,
    pub(crate) live: Value,
    pub(crate) idle: Value,
    services: Vec<Value>,
}

impl Pair {
    /// Finds them, among those that are named if any are.
    pub(crate) async fn find(service: &str, named: &[Reference], cluster: &Cluster) -> Result<Self, Problem> {
        check_name(service)
            .map_err(|why| Problem::misconfigured(format!("\"{service}\" names no Service")).why(why))?;
        if let Some(other) = named.iter().find(|reference| reference.kind != WorkloadKind::Deployment) {
            return Err(Problem::misconfigured(format!("{other} is no Deployment"))
                .help("the colours of a Service are two Deployments"));
        }
        let services: Vec<Value> = cluster
            .list_objects(&Kind::of::<Service>(), &Selector::all())
            .await?
            .items
            .into_iter()
            .map(Value::from)
            .collect();
        let of_name = |one: &&Value| one["metadata"]["name"] == service;
        let found = services.iter().find(of_name).cloned().ok_or_else(|| {
            let known = services.iter().filter_map(|one| one["metadata"]["name"].as_str());
            workloads::unknown(&format!("service/{service}"), service, known, cluster)
        })?;
        let all = cluster
            .list_objects(&Kind::of::<Deployment>(), &Selector::all())
            .await?
            .items
            .into_iter()
            .map(Value::from);
        let is_meant = |one: &Value| {
            named.is_empty() || named.iter().any(|reference| one["metadata"]["name"] == *reference.name)
        };
        let deployments: Vec<Value> = all.filter(is_meant).collect();
        let colours = Colours::find(&found, &deployments)?;
        let of = |name: &str| {
            deployments.iter().find(|one| one["metadata"]["name"] == name).cloned().unwrap_or_default()
        };
        Ok(Self {
            live: of(&colours.live.deployment),
            idle: of(&colours.idle.deployment),
            service: found,
            colours,
            services,
        })
    }

    /// The size that the other colour needs to take over: that of the live one, as its autoscaler has it by now, within
    /// what the other's own autoscaler allows.
    pub(crate) async fn size(&self, cluster: &Cluster) -> Result<i64, Problem> {
        let live = self.live["spec"]["replicas"].as_i64().unwrap_or(1).max(1);
        let scalers =
            match cluster.list_objects(&Kind::of::<HorizontalPodAutoscaler>(), &Selector::all()).await {
                Ok(scalers) => scalers.items,
                // Without the right to see them there may be some: the size of the live colour is right in any case.
                Err(Error::Denied { .. } | Error::NotServed { .. }) => Vec::new(),
                Err(error) => return Err(error.into()),
            };
        let own = scalers.iter().find(|scaler| {
            scaler.at("/spec/scaleTargetRef/kind") == Some(&"Deployment".into())
                && scaler.at("/spec/scaleTargetRef/name")
                    == Some(&self.colours.idle.deployment.as_str().into())
        });
        let bound = |pointer| own.and_then(|scaler| scaler.at(pointer)).and_then(Value::as_i64);
        let least = bound("/spec/minReplicas").unwrap_or(1);
        let most = bound("/spec/maxReplicas").unwrap_or(i64::MAX);
        Ok(live.max(least).min(most))
    }

    /// The host name that reaches only the idle colour.
    pub(crate) fn idle_host(&self, cluster: &Cluster) -> Option<String> {
        let name = own_service(&self.services, &pod_labels(&self.idle), &pod_labels(&self.live))?;
        Some(format!("{name}.{}.svc", cluster.namespace()))
    }
}
