//! What a cluster serves: <https://kubernetes.io/docs/concepts/overview/kubernetes-api/#discovery-api>.

use std::{collections::BTreeSet, sync::PoisonError, time::Duration};

use futures_util::{StreamExt as _, stream};
use kube::{client::APIGroupDiscoveryList, core::discovery::v2::ACCEPT_AGGREGATED_DISCOVERY_V2};
use serde_json::Value;

use crate::{
    Cluster, Error, Kind, Object,
    call::Call,
    meta::{APIGroupList, APIResourceList, APIVersions},
};

/// The groups of aggregated servers may be down for good: no one waits long for one of them.
const PATIENCE: Duration = Duration::from_secs(5);
/// How many groups are asked at once.
const AT_ONCE: usize = 8;

/// What a cluster serves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Discovered {
    /// All kinds, each in the version that the server prefers, sorted by group and name.
    pub kinds: Vec<Kind>,
    /// The versions of groups that did not answer, and why: what they serve is not known.
    pub failed: Vec<(String, String)>,
}

impl Cluster {
    /// All kinds that the cluster serves.
    pub async fn kinds(&self) -> Result<Discovered, Error> {
        let mut found = match self.aggregated("/api").await? {
            None => self.group_by_group().await?,
            Some(mut core) => match self.aggregated("/apis").await? {
                None => self.group_by_group().await?,
                Some(groups) => {
                    core.kinds.extend(groups.kinds);
                    core.failed.extend(groups.failed);
                    core
                }
            },
        };
        found.kinds.sort();
        found.failed.sort();
        Ok(found)
    }

    /// The kind that an object says it is of, in the version that it says.
    pub async fn kind_of(&self, object: &Object) -> Result<Kind, Error> {
        self.kind(object.api_version(), object.kind()).await
    }

    /// A kind by version and name, as objects write them: `apps/v1`, `Deployment`.
    pub async fn kind(&self, api_version: &str, kind: &str) -> Result<Kind, Error> {
        let not_served = || Error::NotServed { api_version: api_version.to_owned(), kind: kind.to_owned() };
        let find = |kinds: &[Kind]| kinds.iter().find(|known| known.kind == kind).cloned();
        let lock = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(kinds) = lock().get(api_version)
            && let Some(found) = find(kinds)
        {
            return Ok(found);
        }
        // Asked again also where the version is known: a definition may have been installed meanwhile.
        let kinds = match self.version_of_group(api_version, self.api.patience).await {
            Err(Error::NotServed { .. } | Error::NotFound { .. } | Error::Rejected { .. }) => {
                return Err(not_served());
            }
            other => other?,
        };
        let found = find(&kinds).ok_or_else(not_served);
        lock().insert(api_version.to_owned(), kinds);
        found
    }

    /// All groups in one answer; nothing when the server does not know this way.
    async fn aggregated(&self, path: &str) -> Result<Option<Discovered>, Error> {
        let call = Call::get(path).accept(ACCEPT_AGGREGATED_DISCOVERY_V2);
        let answer: Value = self.api.read(&call).await?;
        if answer.get("kind").and_then(Value::as_str) != Some("APIGroupDiscoveryList") {
            return Ok(None);
        }
        let list: APIGroupDiscoveryList =
            serde_json::from_value(answer).map_err(|error| Error::unreadable(path, error))?;
        let mut found = Discovered::default();
        for group in list.items {
            let name = group.metadata.and_then(|metadata| metadata.name).unwrap_or_default();
            let mut seen = BTreeSet::new();
            // The preferred version is the first; others tell of kinds that only they have.
            for served in group.versions {
                let version = served.version.unwrap_or_default();
                if served.freshness.as_deref() == Some("Stale") {
                    found
                        .failed
                        .push((api_version(&name, &version), "its server does not answer".to_owned()));
                }
                for resource in served.resources {
                    let kind = resource.response_kind.unwrap_or_default();
                    let (Some(plural), Some(word)) = (resource.resource, kind.kind) else { continue };
                    if seen.insert(plural.clone()) {
                        found.kinds.push(Kind {
                            group: name.clone(),
                            version: version.clone(),
                            kind: word,
                            plural,
                            is_namespaced: resource.scope.as_deref() == Some("Namespaced"),
                            verbs: resource.verbs,
                        });
                    }
                }
            }
        }
        Ok(Some(found))
    }

    /// The way of servers before 1.30, and of those that keep the other from us.
    async fn group_by_group(&self) -> Result<Discovered, Error> {
        let core: APIVersions = self.api.read(&Call::get("/api")).await?;
        let groups: APIGroupList = self.api.read(&Call::get("/apis")).await?;
        let mut versions: Vec<Vec<String>> = vec![core.versions];
        for group in groups.groups {
            let preferred = group.preferred_version.map(|version| version.group_version);
            let mut all: Vec<_> = group.versions.into_iter().map(|version| version.group_version).collect();
            all.sort_by_key(|version| Some(version) != preferred.as_ref());
            versions.push(all);
        }
        let mut found = Discovered::default();
        let mut groups = stream::iter(versions)
            .map(|versions| async {
                let mut group = Discovered::default();
                let mut seen = BTreeSet::new();
                for version in versions {
                    match self.version_of_group(&version, PATIENCE.min(self.api.patience)).await {
                        Ok(kinds) => {
                            group
                                .kinds
                                .extend(kinds.into_iter().filter(|kind| seen.insert(kind.plural.clone())));
                        }
                        Err(error) => group.failed.push((version, error.to_string())),
                    }
                }
                group
            })
            .buffered(AT_ONCE);
        while let Some(group) = groups.next().await {
            found.kinds.extend(group.kinds);
            found.failed.extend(group.failed);
        }
        Ok(found)
    }

    async fn version_of_group(&self, api_version: &str, patience: Duration) -> Result<Vec<Kind>, Error> {
        let root = if api_version.contains('/') { "/apis" } else { "/api" };
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        let call = Call::get(format!("{root}/{api_version}")).patience(patience);
        let list: APIResourceList = self.api.read(&call).await?;
        let resources = list.resources.into_iter().filter(|resource| !resource.name.contains('/'));
        Ok(resources
            .map(|resource| Kind {
                group: group.to_owned(),
                version: version.to_owned(),
                kind: resource.kind,
                plural: resource.name,
                is_namespaced: resource.namespaced,
                verbs: resource.verbs,
            })
            .collect())
    }
}

fn api_version(group: &str, version: &str) -> String {
    if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") }
}
