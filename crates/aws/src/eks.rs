//! Clusters, and how they are.

use aws_sdk_eks::types;

use crate::Error;

/// The calls of EKS, in one region.
#[derive(Clone, Debug)]
pub struct Eks {
    client: aws_sdk_eks::Client,
}

/// A cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cluster {
    /// Its name.
    pub name: String,
    /// EKS's word for its state: `ACTIVE`.
    pub status: String,
    /// The version of Kubernetes: `1.34`.
    pub version: String,
    /// What EKS holds against its health.
    pub issues: Vec<Issue>,
    /// Where its API answers. A cluster that is being made has none yet.
    pub endpoint: Option<String>,
    /// The certificate of its authority, base64 of PEM.
    pub certificate_authority: Option<String>,
    /// Whether EKS runs its nodes (Auto Mode): then it needs no node group.
    pub is_auto: bool,
}

/// A node group or an add-on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Its name.
    pub name: String,
    /// EKS's word for its state: `ACTIVE`.
    pub status: String,
    /// What EKS holds against its health.
    pub issues: Vec<Issue>,
}

/// Something that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issue {
    /// EKS's code: `AccessDenied`.
    pub code: String,
    /// EKS's words.
    pub message: String,
}

/// More pages of names than this no cluster has.
const PAGES: usize = 20;

impl Eks {
    pub(crate) const fn new(client: aws_sdk_eks::Client) -> Self {
        Self { client }
    }

    /// A cluster by its name.
    pub async fn cluster(&self, name: &str) -> Result<Cluster, Error> {
        const ACTION: &str = "eks:DescribeCluster";
        let answer = self.client.describe_cluster().name(name).send().await;
        let answer = answer.map_err(|error| Error::of(ACTION, &error))?;
        let cluster = answer.cluster.filter(|cluster| cluster.name() == Some(name));
        let cluster = cluster.ok_or_else(|| Error::incomplete(ACTION, "the cluster"))?;
        let issues = cluster.health.and_then(|health| health.issues).unwrap_or_default();
        let version =
            cluster.version.ok_or_else(|| Error::incomplete(ACTION, "the version of Kubernetes"))?;
        Ok(Cluster {
            name: name.to_owned(),
            status: word(ACTION, cluster.status.as_ref().map(types::ClusterStatus::as_str))?,
            version,
            issues: issues
                .into_iter()
                .map(|issue| told(issue.code.as_ref().map(types::ClusterIssueCode::as_str), issue.message))
                .collect(),
            endpoint: cluster.endpoint,
            certificate_authority: cluster.certificate_authority.and_then(|authority| authority.data),
            is_auto: cluster.compute_config.and_then(|compute| compute.enabled).unwrap_or(false),
        })
    }

    /// All node groups of a cluster.
    pub async fn node_groups(&self, cluster: &str) -> Result<Vec<Part>, Error> {
        const LIST: &str = "eks:ListNodegroups";
        const DESCRIBE: &str = "eks:DescribeNodegroup";
        let names = pages(LIST, async |token| {
            let call = self.client.list_nodegroups().cluster_name(cluster).set_next_token(token);
            let answer = call.send().await.map_err(|error| Error::of(LIST, &error))?;
            Ok((answer.nodegroups, answer.next_token))
        });
        let mut parts = Vec::new();
        for name in names.await? {
            let call = self.client.describe_nodegroup().cluster_name(cluster).nodegroup_name(&name);
            let answer = call.send().await.map_err(|error| Error::of(DESCRIBE, &error))?;
            let group = answer.nodegroup.filter(|group| group.nodegroup_name() == Some(&name));
            let group = group.ok_or_else(|| Error::incomplete(DESCRIBE, "the node group"))?;
            let issues = group.health.and_then(|health| health.issues).unwrap_or_default();
            parts.push(Part {
                name,
                status: word(DESCRIBE, group.status.as_ref().map(types::NodegroupStatus::as_str))?,
                issues: issues
                    .into_iter()
                    .map(|issue| {
                        told(issue.code.as_ref().map(types::NodegroupIssueCode::as_str), issue.message)
                    })
                    .collect(),
            });
        }
        Ok(parts)
    }

    /// All add-ons of a cluster that EKS installed.
    pub async fn add_ons(&self, cluster: &str) -> Result<Vec<Part>, Error> {
        const LIST: &str = "eks:ListAddons";
        const DESCRIBE: &str = "eks:DescribeAddon";
        let names = pages(LIST, async |token| {
            let call = self.client.list_addons().cluster_name(cluster).set_next_token(token);
            let answer = call.send().await.map_err(|error| Error::of(LIST, &error))?;
            Ok((answer.addons, answer.next_token))
        });
        let mut parts = Vec::new();
        for name in names.await? {
            let call = self.client.describe_addon().cluster_name(cluster).addon_name(&name);
            let answer = call.send().await.map_err(|error| Error::of(DESCRIBE, &error))?;
            let add_on = answer.addon.filter(|add_on| add_on.addon_name() == Some(&name));
            let add_on = add_on.ok_or_else(|| Error::incomplete(DESCRIBE, "the add-on"))?;
            let issues = add_on.health.and_then(|health| health.issues).unwrap_or_default();
            parts.push(Part {
                name,
                status: word(DESCRIBE, add_on.status.as_ref().map(types::AddonStatus::as_str))?,
                issues: issues
                    .into_iter()
                    .map(|issue| told(issue.code.as_ref().map(types::AddonIssueCode::as_str), issue.message))
                    .collect(),
            });
        }
        Ok(parts)
    }
}

/// All names of a list that comes in pages.
async fn pages(
    action: &str,
    mut page: impl AsyncFnMut(Option<String>) -> Result<(Option<Vec<String>>, Option<String>), Error>,
) -> Result<Vec<String>, Error> {
    let mut all = Vec::new();
    let mut token = None;
    for _ in 0..PAGES {
        let (names, next) = page(token.clone()).await?;
        all.extend(names.ok_or_else(|| Error::incomplete(action, "the list"))?);
        match next.filter(|next| !next.is_empty()) {
            None => return Ok(all),
            Some(next) if token.as_ref() == Some(&next) => break,
            next => token = next,
        }
    }
    Err(Error::incomplete(action, "an end of the list"))
}

fn word(action: &str, status: Option<&str>) -> Result<String, Error> {
    status.map(str::to_owned).ok_or_else(|| Error::incomplete(action, "a status"))
}

fn told(code: Option<&str>, message: Option<String>) -> Issue {
    Issue { code: code.unwrap_or("unknown").to_owned(), message: message.unwrap_or_default() }
}
