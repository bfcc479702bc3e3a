//! `export`: looks at every chosen kind, and keeps what it finds, or nothing.

use futures_util::future::try_join;
use jiff::Timestamp;
use sluice_core::{Block, Context, Done, Draft, Finding, Problem, Problems, Verdict};
use sluice_kubernetes::{Cluster, Discovered, Kind, Permission};

use crate::{
    Outputs, cluster, digest,
    gather::Gathered,
    kinds::Names,
    leave::OF_THE_MOMENT,
    manifest::Manifest,
    plan::{ExportPlan, check_free},
    seal,
    store::{Address, Spool},
};

/// Groups in which nothing can be made, also where their server does not answer to say so:
/// <https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/#support-for-metrics-apis>.
const VIEWS: [&str; 3] = ["custom.metrics.k8s.io", "external.metrics.k8s.io", "metrics.k8s.io"];

pub(crate) fn run(plan: &ExportPlan, cx: &Context) -> anyhow::Result<Done<Outputs>> {
    if plan.is_rehearsal {
        return export(plan, None, cx);
    }
    if let Address::Folder(folder) = &plan.to {
        check_free(folder, cx)?;
    }
    let spool = Spool::new(&plan.to, cx)?;
    let exported = export(plan, Some(&spool), cx);
    let is_a_copy = matches!(plan.to, Address::Bucket { .. });
    if exported.is_err() || is_a_copy {
        spool.discard();
    }
    exported
}

/// Keeps what is gathered; without a spool, says what would be kept.
fn export(plan: &ExportPlan, spool: Option<&Spool<'_>>, cx: &Context) -> anyhow::Result<Done<Outputs>> {
    let created = cx.now();
    let manifest = cx.block_on(gather(plan, created, spool, cx))??;
    let place = plan.to.of_backup(&manifest.namespace, created);
    let written = manifest.write()?;
    if let Some(spool) = spool {
        cx.block_on(async {
            place.open(&plan.network, cx).await?.keep(spool, &manifest, &written, &plan.marks).await
        })??;
    }
    let digest = digest::of(&written);
    let report = report(&manifest, &place.name(cx), &digest, plan);
    let is_kept = spool.is_some();
    let outputs = Outputs {
        location: is_kept.then(|| place.name(cx)),
        digest: is_kept.then_some(digest),
        objects: Some(manifest.files.len()),
        namespace: Some(manifest.namespace),
        ..Outputs::default()
    };
    Ok(Done { outputs, report })
}

/// Writes down everything that the backup is to hold.
async fn gather(
    plan: &ExportPlan,
    created: Timestamp,
    spool: Option<&Spool<'_>>,
    cx: &Context,
) -> anyhow::Result<Manifest> {
    let cluster = cluster::connect(&plan.target, &plan.network, cx).await?;
    let (version, found) = try_join(cluster.version(), cluster.kinds()).await.map_err(Problem::from)?;
    let kinds = chosen(&found, plan)?;
    may_list(&kinds, &cluster).await?;
    let key = plan.key.as_ref().filter(|_| plan.choice.takes_secrets());
    let mut manifest = Manifest::new(
        created,
        cluster.name().to_owned(),
        version,
        cluster.namespace().to_owned(),
        key.map(|key| key.id().to_owned()),
    );
    let mut gathered = Gathered::new(&kinds, key, spool);
    gathered.list(&cluster).await?;
    gathered.settle(&mut manifest)?;
    if manifest.files.is_empty() {
        return Err(Problem::misconfigured(format!(
            "namespace \"{}\" holds nothing to back up",
            manifest.namespace
        ))
        .why(format!("none of {} kinds has an object there that is to be kept", kinds.len()))
        .help("check the namespace, the cluster and the kinds: a namespace that is not there looks empty")
        .into());
    }
    Ok(manifest)
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
        !VIEWS.contains(&group) && !choice.excludes_group(group)
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
