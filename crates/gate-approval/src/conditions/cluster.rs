//! Looks at the cluster in EKS.

use sluice_aws::Error;
use sluice_config::Placed;
use sluice_core::{Place, Problem};
use sluice_gate::{
    Gathered, Source,
    cluster::{Cluster, Facts, Part, Version},
};

use crate::condition::{Gather, World};

pub(crate) struct Gatherer {
    policy: Cluster,
    region: Option<String>,
}

impl Gatherer {
    pub(super) fn new(
        rule: &sluice_config::ClusterHealth,
        of: Option<&sluice_config::Cluster>,
        environment: &str,
        place_of: impl Fn(&Placed<String>) -> Place,
    ) -> Result<Self, Problem> {
        let name = of.and_then(|cluster| cluster.eks.as_ref()).ok_or_else(|| {
            Problem::misconfigured(format!("it is not said which cluster \"{environment}\" runs in"))
                .help(format!("write `environments.{environment}.cluster: {{eks: NAME, region: REGION}}`"))
        })?;
        let region = of.and_then(|cluster| cluster.region.as_ref()).map(|region| region.value.clone());
        Ok(Self { policy: policy(rule, name.value.clone(), place_of)?, region })
    }
}

/// The rule of a configuration.
pub(super) fn policy(
    rule: &sluice_config::ClusterHealth,
    name: String,
    place_of: impl Fn(&Placed<String>) -> Place,
) -> Result<Cluster, Problem> {
    let sluice_config::ClusterHealth { healthy, min_version, max_version, add_ons, self_managed } = rule;
    let version = |text: &Option<Placed<String>>| {
        let Some(text) = text else { return Ok(None) };
        let wrong = || {
            Problem::misconfigured(format!("\"{}\" is no version of Kubernetes", text.value))
                .help("write it in quotes, as `\"1.34\"`")
                .at(place_of(text))
        };
        Version::parse(&text.value).map(Some).ok_or_else(wrong)
    };
    Ok(Cluster {
        name,
        healthy: *healthy,
        min_version: version(min_version)?,
        max_version: version(max_version)?,
        add_ons: add_ons.clone(),
        self_managed: *self_managed,
    })
}

impl Gather for Gatherer {
    type Policy = Cluster;

    fn policy(&self) -> Cluster {
        self.policy.clone()
    }

    async fn gather(&self, world: &World<'_>) -> Result<Gathered<Facts>, Problem> {
        let variable = |name: &str| world.cx.variable(name);
        let region = self.region.as_deref().or_else(|| variable("AWS_REGION"));
        let region = region.or_else(|| variable("AWS_DEFAULT_REGION")).ok_or_else(|| {
            Problem::misconfigured("it is not said in which region the cluster is")
                .help("write it beside the cluster's name: `cluster: {eks: NAME, region: REGION}`")
        })?;
        let name = &self.policy.name;
        let eks = world.network.aws(region).await?.eks(region);
        let url = format!("https://{region}.console.aws.amazon.com/eks/clusters/{name}");
        let sources = vec![Source { url, at: world.cx.now() }];
        let cluster = match eks.cluster(name).await {
            Ok(cluster) => cluster,
            Err(Error::NotFound(_)) => {
                let none = Vec::new;
                let facts = Facts {
                    cluster: None,
                    version: String::new(),
                    is_auto: false,
                    node_groups: none(),
                    add_ons: none(),
                };
                return Ok(Gathered::read(facts, sources));
            }
            Err(error) => return Err(error.into()),
        };
        let (node_groups, add_ons) =
            futures_util::future::join(eks.node_groups(name), eks.add_ons(name)).await;
        let facts = Facts {
            version: cluster.version,
            is_auto: cluster.is_auto,
            cluster: Some(part(cluster.name, cluster.status, cluster.issues)),
            node_groups: parts(node_groups?),
            add_ons: parts(add_ons?),
        };
        Ok(Gathered::read(facts, sources))
    }
}

fn parts(parts: Vec<sluice_aws::Part>) -> Vec<Part> {
    parts.into_iter().map(|sluice_aws::Part { name, status, issues }| part(name, status, issues)).collect()
}

fn part(name: String, status: String, issues: Vec<sluice_aws::Issue>) -> Part {
    let told = |sluice_aws::Issue { code, message }| {
        if message.is_empty() { code } else { format!("{code}: {message}") }
    };
    Part { name, status, issues: issues.into_iter().map(told).collect() }
}
