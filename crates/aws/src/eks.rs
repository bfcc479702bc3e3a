//! Clusters, and how they are.

mod answer;

use serde::de::DeserializeOwned;
use sluice_sigv4::{Call, Service};

use crate::{Aws, Error};

/// The calls of EKS, in one region.
#[derive(Clone, Debug)]
pub struct Eks {
    aws: Aws,
    region: String,
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
    pub(crate) fn new(aws: Aws, region: &str) -> Self {
        Self { aws, region: region.to_owned() }
    }

    /// A cluster by its name.
    pub async fn cluster(&self, name: &str) -> Result<Cluster, Error> {
        const ACTION: &str = "eks:DescribeCluster";
        let answer: answer::OfCluster = self.get(ACTION, &["clusters", name], None).await?;
        let cluster = answer.cluster.filter(|cluster| cluster.name.as_deref() == Some(name));
        let cluster = cluster.ok_or_else(|| Error::incomplete(ACTION, "the cluster"))?;
        Ok(Cluster {
            name: name.to_owned(),
            status: word(ACTION, cluster.status)?,
            version: cluster.version.ok_or_else(|| Error::incomplete(ACTION, "the version of Kubernetes"))?,
            issues: issues(cluster.health),
            endpoint: cluster.endpoint,
            certificate_authority: cluster.certificate_authority.and_then(|authority| authority.data),
            is_auto: cluster.compute_config.and_then(|compute| compute.enabled).unwrap_or(false),
        })
    }

    /// All node groups of a cluster.
    pub async fn node_groups(&self, cluster: &str) -> Result<Vec<Part>, Error> {
        const LIST: &str = "eks:ListNodegroups";
        const DESCRIBE: &str = "eks:DescribeNodegroup";
        let path = ["clusters", cluster, "node-groups"];
        let mut parts = Vec::new();
        for name in
            self.names(LIST, &path, |page: answer::NodeGroups| (page.nodegroups, page.next_token)).await?
        {
            let answer: answer::OfNodeGroup =
                self.get(DESCRIBE, &[&path[..], &[&name]].concat(), None).await?;
            let group = answer.nodegroup.filter(|group| group.nodegroup_name.as_deref() == Some(&name));
            let group = group.ok_or_else(|| Error::incomplete(DESCRIBE, "the node group"))?;
            parts.push(Part { name, status: word(DESCRIBE, group.status)?, issues: issues(group.health) });
        }
        Ok(parts)
    }

    /// All add-ons of a cluster that EKS installed.
    pub async fn add_ons(&self, cluster: &str) -> Result<Vec<Part>, Error> {
        const LIST: &str = "eks:ListAddons";
        const DESCRIBE: &str = "eks:DescribeAddon";
        let path = ["clusters", cluster, "addons"];
        let mut parts = Vec::new();
        for name in self.names(LIST, &path, |page: answer::AddOns| (page.addons, page.next_token)).await? {
            let answer: answer::OfAddOn = self.get(DESCRIBE, &[&path[..], &[&name]].concat(), None).await?;
            let add_on = answer.addon.filter(|add_on| add_on.addon_name.as_deref() == Some(&name));
            let add_on = add_on.ok_or_else(|| Error::incomplete(DESCRIBE, "the add-on"))?;
            parts.push(Part { name, status: word(DESCRIBE, add_on.status)?, issues: issues(add_on.health) });
        }
        Ok(parts)
    }

    /// All names of a list that comes in pages.
    async fn names<T: DeserializeOwned>(
        &self,
        action: &str,
        path: &[&str],
        read: impl Fn(T) -> (Option<Vec<String>>, Option<String>),
    ) -> Result<Vec<String>, Error> {
        let mut all = Vec::new();
        let mut token: Option<String> = None;
        for _ in 0..PAGES {
            let (names, next) = read(self.get(action, path, token.as_deref()).await?);
            all.extend(names.ok_or_else(|| Error::incomplete(action, "the list"))?);
            match next.filter(|next| !next.is_empty()) {
                None => return Ok(all),
                Some(next) if token.as_ref() == Some(&next) => break,
                next => token = next,
            }
        }
        Err(Error::incomplete(action, "an end of the list"))
    }

    async fn get<T: DeserializeOwned>(
        &self,
        action: &str,
        path: &[&str],
        token: Option<&str>,
    ) -> Result<T, Error> {
        let call = Call::get(Service::EKS, path.iter().copied(), token.map(|token| ("nextToken", token)));
        self.aws.ask(action, &self.region, call).await
    }
}

fn word(action: &str, status: Option<String>) -> Result<String, Error> {
    status.ok_or_else(|| Error::incomplete(action, "a status"))
}

fn issues(health: Option<answer::Health>) -> Vec<Issue> {
    let issues = health.and_then(|health| health.issues).unwrap_or_default();
    let told = issues.into_iter().map(|answer::Issue { code, message }| Issue {
        code: code.unwrap_or_else(|| "unknown".to_owned()),
        message: message.unwrap_or_default(),
    });
    told.collect()
}
