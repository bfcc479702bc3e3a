//! What is to be put back: the objects of the backup, and the kinds that the cluster knows them as.

use std::collections::BTreeMap;

use futures_util::{StreamExt as _, stream};
use serde_json::Value;
use sluice_core::{Problem, Problems};
use sluice_kubernetes::{Cluster, Error, Kind, Permission};

use super::AT_ONCE;
use crate::{
    export::counted,
    kept::{Kept, is_sealed},
    kinds::Names,
    manifest::Entry,
    order::wave,
    plan::RestorePlan,
    yaml,
};

/// An object of the backup that is asked for.
pub(super) struct Asked {
    entry: Entry,
    object: Value,
}

/// An object of the backup, to be put back.
pub(super) struct Item {
    pub(super) entry: Entry,
    pub(super) kind: Kind,
    /// Where it is put.
    pub(super) namespace: String,
    pub(super) object: Value,
}

/// The files that are to be restored, in the order of their dependencies.
pub(super) fn entries(kept: &Kept, plan: &RestorePlan) -> Result<Vec<Entry>, Problem> {
    let all = &kept.manifest.files;
    let mut entries = all.clone();
    if let Some(choice) = &plan.choice {
        let known: Vec<Names<'_>> = all.iter().map(names).collect();
        choice.check(&known, "the backup")?;
        entries.retain(|entry| choice.takes(&names(entry)));
    }
    if entries.is_empty() {
        return Err(Problem::misconfigured("there is nothing to restore").why(format!(
            "the backup has {}, none of the kinds that are chosen",
            counted(all.len(), "object")
        )));
    }
    let sealed = entries.iter().filter(|entry| is_sealed(&entry.path)).count();
    if sealed > 0 && plan.source.key.is_none() {
        return Err(Problem::misconfigured("Secrets are to be restored, but there is no `key`")
            .why(format!("{} of the backup {} encrypted", counted(sealed, "file"), if sealed == 1 { "is" } else { "are" }))
            .help("give the `key` that they were encrypted with, or leave them out with `exclude-kinds: secrets`"));
    }
    entries.sort_by_key(|entry| wave(entry.group(), &entry.kind));
    Ok(entries)
}

/// The names of an object's kind. A path begins with the plural.
fn names(entry: &Entry) -> Names<'_> {
    let plural = entry.path.split(['.', '/']).next().unwrap_or_default();
    Names { group: entry.group(), kind: &entry.kind, plural }
}

impl Asked {
    /// The object in a file, which must be the one that the manifest says.
    pub(super) fn read(kept: &Kept, entry: Entry, plan: &RestorePlan) -> Result<Self, Problem> {
        let wrong = |why: &dyn std::fmt::Display| {
            Problem::failed(format!("{} of {} can't be restored", entry.path, kept.location)).why(why)
        };
        let content = kept.file(&entry.path);
        let opened;
        let text = match &plan.source.key {
            Some(key) if is_sealed(&entry.path) => {
                opened = key.open(&entry.path, content).map_err(|closed| wrong(&closed))?;
                &opened
            }
            _ => content,
        };
        let object = yaml::read(text).map_err(|error| wrong(&error.what))?;
        let told =
            (object["apiVersion"].as_str(), object["kind"].as_str(), object["metadata"]["name"].as_str());
        if told != (Some(&entry.api_version), Some(&entry.kind), Some(&entry.name)) {
            return Err(wrong(&format!(
                "the manifest says {} of {}, the file another object",
                entry.subject(),
                entry.api_version
            )));
        }
        if object["metadata"].get("namespace").is_some() {
            return Err(wrong(&"it names a namespace of its own, which no file of an export does"));
        }
        Ok(Self { entry, object })
    }
}

impl Item {
    /// When it is put back.
    pub(super) fn wave(&self) -> u8 {
        wave(&self.kind.group, &self.kind.kind)
    }

    pub(super) fn subject(&self) -> String {
        self.entry.subject()
    }

    /// The role that it binds, for people: `Role "readers"`.
    pub(super) fn role(&self) -> Option<String> {
        let role = &self.object["roleRef"];
        Some(format!("{} \"{}\"", role["kind"].as_str()?, role["name"].as_str()?))
    }

    /// Whether its values are for nobody to see.
    pub(super) fn is_secret(&self) -> bool {
        (self.kind.group.as_str(), self.kind.kind.as_str()) == ("", "Secret")
    }
}

pub(super) fn check_namespace(kept: &Kept, cluster: &Cluster, plan: &RestorePlan) -> Result<(), Problem> {
    let (from, to) = (&kept.manifest.namespace, cluster.namespace());
    if from == to || plan.takes_other_namespace {
        return Ok(());
    }
    Err(Problem::misconfigured(format!("the backup is of namespace \"{from}\", not of \"{to}\""))
        .why(format!("restored into \"{to}\", it would change what is there"))
        .help(format!("name the namespace \"{from}\", or set `other-namespace: true` if that is meant")))
}

/// The objects with the kinds that the cluster knows them as.
pub(super) async fn find(asked: Vec<Asked>, kept: &Kept, cluster: &Cluster) -> Result<Vec<Item>, Problems> {
    let kinds = kinds(&asked, cluster).await?;
    let items = asked.into_iter().map(|Asked { entry, mut object }| {
        let kind = &kinds[&(entry.api_version.clone(), entry.kind.clone())];
        if kind.group == "rbac.authorization.k8s.io" {
            move_subjects(&mut object, &kept.manifest.namespace, cluster.namespace());
        }
        Item { kind: kind.clone(), entry, namespace: cluster.namespace().to_owned(), object }
    });
    Ok(items.collect())
}

/// The kinds by version and name, each asked for once.
async fn kinds(asked: &[Asked], cluster: &Cluster) -> Result<BTreeMap<(String, String), Kind>, Problems> {
    let mut named: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for Asked { entry, .. } in asked {
        let kinds = named.entry(&entry.api_version).or_default();
        if !kinds.contains(&entry.kind.as_str()) {
            kinds.push(&entry.kind);
        }
    }
    // All kinds of a version come in one answer, which the cluster's client keeps.
    let versions = named.into_iter().map(|(api_version, kinds)| async move {
        let mut found = Vec::new();
        for kind in kinds {
            let served = kind_of(api_version, kind, cluster).await;
            found.push(served.map(|served| ((api_version.to_owned(), kind.to_owned()), served)));
        }
        found
    });
    let found: Vec<Vec<_>> = stream::iter(versions).buffered(AT_ONCE).collect().await;
    Ok(Problems::all(found.into_iter().flatten())?.into_iter().collect())
}

async fn kind_of(api_version: &str, kind: &str, cluster: &Cluster) -> Result<Kind, Problem> {
    let served = cluster.kind(api_version, kind).await.map_err(|error| match error {
        Error::NotServed { .. } => {
            Problem::misconfigured(format!("the cluster serves no {kind} of {api_version}"))
                .help("install its definition first, or leave the kind out with `exclude-kinds`")
        }
        other => other.into(),
    })?;
    if !served.is_namespaced {
        return Err(Problem::failed(format!("the backup holds a {kind}, which is in no namespace"))
            .why("no export of a namespace holds one: it would reach beyond the namespace")
            .help("find out who put it there"));
    }
    Ok(served)
}

/// Accounts of the backup's namespace are those of the namespace that it is restored into: bound there, not the
/// accounts of the first one.
fn move_subjects(binding: &mut Value, from: &str, to: &str) {
    for subject in binding.get_mut("subjects").and_then(Value::as_array_mut).into_iter().flatten() {
        if subject["namespace"] == from {
            subject["namespace"] = to.into();
        }
    }
}

/// Asks for what the restore needs before it begins. To make an object by applying it takes `create` too.
pub(super) async fn may_restore(items: &[Item], cluster: &Cluster) -> Result<(), Problems> {
    let mut needs: Vec<Permission> = items
        .iter()
        .flat_map(|item| ["get", "patch", "create"].map(|verb| Permission::on(verb, &item.kind)))
        .collect();
    needs.sort();
    needs.dedup();
    let missing = cluster.missing(&needs).await.map_err(Problem::from)?;
    let problems = missing.iter().map(|permission| {
        Problem::undecided(format!("this job may not {permission}")).why("the cluster does not let it").help(
            format!("allow `{}` on `{}` in a Role of the namespace", permission.verb, permission.resource),
        )
    });
    Problems(problems.collect()).or(())
}
