//! `export`: looks at every chosen kind, and keeps what it finds, or nothing.

use std::collections::{BTreeMap, HashSet};

use futures_util::{StreamExt as _, stream};
use jiff::Timestamp;
use serde_json::Value;
use sluice_core::{Block, Context, Done, Draft, Finding, Problem, Problems, Verdict};
use sluice_kubernetes::{Cluster, Discovered, Kind, Permission, Selector};

use crate::{
    Outputs,
    clean::clean,
    cluster, digest,
    kinds::Names,
    leave::{OF_THE_MOMENT, Reason, Seen},
    manifest::{Entry, Looked, Manifest},
    name,
    plan::{ExportPlan, check_free},
    seal,
    store::{Address, File},
    yaml,
};

/// How many kinds are listed at once.
const AT_ONCE: usize = 8;

/// A backup that is not kept yet.
struct Backup {
    manifest: Manifest,
    files: Vec<File>,
}

pub(crate) fn run(plan: &ExportPlan, cx: &Context) -> anyhow::Result<Done<Outputs>> {
    if let Address::Folder(folder) = &plan.to {
        check_free(folder, cx)?;
    }
    let created = cx.now();
    let backup = cx.block_on(collect(plan, created, cx))??;
    let place = plan.to.of_backup(&backup.manifest.namespace, created);
    let written = backup.manifest.write()?;
    if !plan.is_rehearsal {
        cx.block_on(async {
            place.open(&plan.network, cx).await?.keep(&backup.files, &written, &plan.marks).await
        })??;
    }
    let digest = digest::of(&written);
    let report = report(&backup.manifest, &place.name(cx), &digest, plan);
    let kept = !plan.is_rehearsal;
    let outputs = Outputs {
        location: kept.then(|| place.name(cx)),
        digest: kept.then_some(digest),
        namespace: Some(backup.manifest.namespace),
        objects: Some(backup.manifest.files.len()),
        ..Outputs::default()
    };
    Ok(Done { outputs, report })
}

/// Everything that the backup is to hold.
async fn collect(plan: &ExportPlan, created: Timestamp, cx: &Context) -> anyhow::Result<Backup> {
    let cluster = cluster::connect(&plan.target, &plan.network, cx).await?;
    let version = cluster.version().await.map_err(Problem::from)?;
    let found = cluster.kinds().await.map_err(Problem::from)?;
    let kinds = chosen(&found, plan)?;
    may_list(&kinds, &cluster).await?;
    let listed = list(&kinds, &cluster, cx).await?;
    let key = plan.key.as_ref().filter(|_| plan.choice.takes_secrets());
    let mut manifest = Manifest::new(
        created,
        cluster.name().to_owned(),
        version,
        cluster.namespace().to_owned(),
        key.map(|key| key.id().to_owned()),
    );
    let mut files = Vec::new();
    for (kind, kept, left_out) in decide(listed) {
        manifest.kinds.push(Looked {
            kind: kind.to_string(),
            kept: kept.len(),
            left_out: left_out.into_iter().map(|(reason, count)| (reason.text().to_owned(), count)).collect(),
        });
        for object in kept {
            let (file, entry) = file_of(&kind, &object, plan)?;
            files.push(file);
            manifest.files.push(entry);
        }
    }
    if files.is_empty() {
        return Err(Problem::misconfigured(format!(
            "namespace \"{}\" holds nothing to back up",
            manifest.namespace
        ))
        .why(format!("none of {} kinds has an object there that is to be kept", kinds.len()))
        .help("check the namespace, the cluster and the kinds: a namespace that is not there looks empty")
        .into());
    }
    manifest.files.sort_by(|one, two| one.path.cmp(&two.path));
    Ok(Backup { manifest, files })
}

/// The kinds that are looked at: those that are chosen and that can be listed and made. What can't be made can't be
/// restored: it is a view of something else, such as metrics.
fn chosen(found: &Discovered, plan: &ExportPlan) -> Result<Vec<Kind>, Problems> {
    let choice = &plan.choice;
    let kinds: Vec<&Kind> = found
        .kinds
        .iter()
        .filter(|kind| kind.is_namespaced && kind.can("list") && kind.can("create"))
        .collect();
    let all: Vec<Names<'_>> = kinds.iter().map(|kind| names(kind)).collect();
    let silent = found.failed.iter().filter(|(api_version, _)| {
        let group = api_version.split_once('/').map_or("", |(group, _)| group);
        !choice.excludes_group(group)
    });
    let silent: Vec<Problem> = silent
        .map(|(api_version, why)| {
            let group = api_version.split_once('/').map_or("", |(group, _)| group);
            Problem::undecided(format!("the kinds of {api_version} are not known")).why(why).help(format!(
                "mend what serves it, as `kubectl get apiservices` shows, or leave it out with `exclude-kinds: \"*.{group}\"`"
            ))
        })
        .collect();
    let unknown = choice.check(&all, "the cluster");
    // Kinds that are all found by their names lie in no group that is silent.
    if !silent.is_empty() && (choice.kinds.is_empty() || unknown.is_err()) {
        return Err(Problems(silent));
    }
    unknown?;
    Ok(kinds.into_iter().filter(|kind| choice.takes(&names(kind))).cloned().collect())
}

fn names(kind: &Kind) -> Names<'_> {
    Names { group: &kind.group, kind: &kind.kind, plural: &kind.plural }
}

/// Asks for what the export needs before it begins.
async fn may_list(kinds: &[Kind], cluster: &Cluster) -> Result<(), Problems> {
    let needs: Vec<Permission> = kinds.iter().map(|kind| Permission::on("list", kind)).collect();
    let missing = cluster.missing(&needs).await.map_err(Problem::from)?;
    let problems = missing.iter().map(|permission| {
        let resource = permission.to_string().replace("list ", "");
        Problem::undecided(format!("{resource} can't be listed"))
            .why("the cluster does not let this job list them")
            .help(format!(
                "allow `list` on `{resource}` in a Role of the namespace, or leave it out with `exclude-kinds`"
            ))
    });
    Problems(problems.collect()).or(())
}

/// All objects of all kinds; no backup where one of them could not be listed.
async fn list(kinds: &[Kind], cluster: &Cluster, cx: &Context) -> Result<Vec<(Kind, Vec<Value>)>, Problems> {
    let lists = kinds.iter().map(|kind| async move {
        let listed = cluster.list_objects(kind, &Selector::all()).await.map_err(|error| {
            let Problem { help, .. } = Problem::from(error.clone());
            let problem = Problem::undecided(format!("{kind} can't be listed")).why(error);
            problem.help(help.unwrap_or_else(|| "run again later".to_owned()))
        })?;
        Ok((kind.clone(), listed.items.into_iter().map(Value::from).collect()))
    });
    let lists: Vec<Result<_, Problem>> = stream::iter(lists).buffered(AT_ONCE).collect().await;
    cx.cancellation().check().map_err(Problem::from)?;
    Problems::all(lists)
}

/// What is kept of each kind, and why the rest is not.
fn decide(listed: Vec<(Kind, Vec<Value>)>) -> Vec<(Kind, Vec<Value>, BTreeMap<Reason, usize>)> {
    let mut seen = Seen::default();
    for (kind, objects) in &listed {
        for object in objects {
            seen.note(&kind.group, &kind.kind, object);
        }
    }
    let mut uids = HashSet::new();
    let decided = listed.into_iter().map(|(kind, objects)| {
        let mut left_out = BTreeMap::new();
        let mut kept = Vec::new();
        for object in objects {
            let is_new = object["metadata"]["uid"].as_str().is_none_or(|uid| uids.insert(uid.to_owned()));
            let reason =
                if is_new { seen.leaves_out(&kind.group, &kind.kind, &object) } else { Some(Reason::Twice) };
            match reason {
                Some(reason) => *left_out.entry(reason).or_default() += 1,
                None => kept.push(object),
            }
        }
        (kind, kept, left_out)
    });
    decided.collect()
}

/// An object's file. The manifest speaks of the file's bytes, encrypted or not.
fn file_of(kind: &Kind, object: &Value, plan: &ExportPlan) -> Result<(File, Entry), Problem> {
    let object_name = object["metadata"]["name"].as_str().unwrap_or_default();
    let cleaned = clean(&kind.group, &kind.kind, object);
    let text = yaml::write(&cleaned).map_err(|error| {
        Problem::undecided(format!("could not write {} \"{}\" as YAML", kind.kind, object_name)).why(error)
    })?;
    let is_secret = (kind.group.as_str(), kind.kind.as_str()) == ("", "Secret");
    let path = |extension| name::of(&kind.plural, &kind.group, object_name, extension);
    let (path, content) = match (&plan.key, is_secret) {
        (_, false) => (path("yaml"), text.into_bytes()),
        (Some(key), true) => {
            let path = path(seal::EXTENSION);
            let content = key.seal(&path, text.as_bytes())?;
            (path, content)
        }
        (None, true) => return Err(Problem::misconfigured("Secrets can't be kept without a `key`")),
    };
    let entry = Entry::new(path.clone(), &content, &kind.api_version(), &kind.kind, object_name);
    Ok((File { path, content }, entry))
}

fn report(manifest: &Manifest, place: &str, digest: &str, plan: &ExportPlan) -> Draft {
    let count = counted(manifest.files.len(), "object");
    let namespace = &manifest.namespace;
    let title = if plan.is_rehearsal {
        format!("{count} of namespace {namespace} would be kept in {place}")
    } else {
        format!("{count} of namespace {namespace} kept in {place}")
    };
    let mut draft = Draft::new(Verdict::Passed, title);
    draft.fact("cluster", format!("{} ({})", manifest.cluster, manifest.version));
    draft.fact("namespace", namespace);
    if !plan.is_rehearsal {
        draft.fact("manifest", digest);
    }
    if plan.choice.takes_secrets() {
        let sealed = manifest.files.iter().filter(|entry| entry.path.ends_with(seal::EXTENSION)).count();
        draft.fact("encrypted", counted(sealed, "Secret"));
    } else {
        draft.finding(
            Finding::new("secrets", Verdict::Skipped, "not exported: they were not asked for")
                .help("set `secrets: true`, and give a `key`"),
        );
    }
    if plan.choice.kinds.is_empty() {
        let mut names: Vec<&str> = OF_THE_MOMENT.iter().map(|(plural, _)| *plural).collect();
        names.dedup();
        draft.fact("not looked at", format!("{}: they are of the moment", names.join(", ")));
    }
    let rows: Vec<Vec<String>> = manifest
        .kinds
        .iter()
        .filter(|looked| looked.kept > 0 || !looked.left_out.is_empty())
        .map(|looked| {
            let reasons = looked.left_out.iter().map(|(reason, count)| format!("{count}: {reason}"));
            vec![looked.kind.clone(), looked.kept.to_string(), reasons.collect::<Vec<_>>().join("; ")]
        })
        .collect();
    let empty = manifest.kinds.len() - rows.len();
    draft.fact("kinds", format!("{} with objects, {empty} without", rows.len()));
    draft.block(Block::Table {
        title: "kinds".to_owned(),
        header: vec!["kind".to_owned(), "kept".to_owned(), "left out".to_owned()],
        rows,
    });
    draft
}

/// `1 object`, `2 objects`.
pub(crate) fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}
