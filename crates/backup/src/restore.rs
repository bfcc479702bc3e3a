//! `restore`: asks the cluster what each object would become, and applies them when nothing is refused.
//!
//! It reads as this:
//!
//! 1. read the backup, and go on only when it is whole;
//! 2. ask whether the job may do all that it takes;
//! 3. rehearse: apply every object without keeping it (`dryRun=All`), and look at what is there now. What comes of it is
//!    told for each object: made, changed (with the difference), the same, or refused and by whom;
//! 4. when nothing is refused, apply what is made or changed, wave after wave ([`wave`]).
//!
//! A restore is no transaction: what stops it in the middle leaves the objects before applied, which is told; running it
//! again goes on. Objects that are not in the backup are never deleted.

use std::{
    cell::{Cell, OnceCell, RefCell},
    collections::BTreeSet,
    time::Duration,
};

use futures_util::{StreamExt as _, stream};
use serde_json::Value;
use sluice_core::{Block, Context, Done, Draft, Finding, Problem, Problems, Verdict};
use sluice_kubernetes::{Cluster, Error, Kind, Object, Ownership, Permission};

use crate::{
    Change, Outputs, What,
    clean::clean,
    cluster, difference,
    export::counted,
    kept::{Kept, is_sealed},
    kinds::Names,
    manifest::Entry,
    order::wave,
    plan::RestorePlan,
    verify, yaml,
};

/// How many objects are asked for at once.
const AT_ONCE: usize = 8;
/// How long a write that is under way may take when the run is told to end.
const GRACE: Duration = Duration::from_secs(3);
/// How many differences, and lines of one, are shown.
const SHOWN: (usize, usize) = (40, 300);
/// How many paths are told of what an object keeps.
const PATHS: usize = 5;

/// An object of the backup, to be put back.
struct Item {
    entry: Entry,
    kind: Kind,
    object: Value,
}

/// What is known of an item.
struct State {
    what: What,
    /// The object as it is applied.
    object: Option<Object>,
    /// What differs between now and then, as a diff.
    difference: String,
    /// What is to be said of it.
    finding: Option<Finding>,
}

/// How far a restore came.
#[derive(Default)]
struct Progress {
    cluster: OnceCell<Cluster>,
    items: OnceCell<Vec<Item>>,
    /// One an item, as soon as they are rehearsed.
    states: RefCell<Vec<State>>,
    /// Whether the rehearsal said no.
    was_refused: Cell<bool>,
}

pub(crate) fn run(plan: &RestorePlan, cx: &Context) -> anyhow::Result<Done<Outputs>> {
    let kept = cx.block_on(Kept::read(&plan.source, cx)).flatten()?;
    if !kept.damages.is_empty() {
        return Ok(Done { outputs: verify::outputs(&kept), report: verify::damaged(&kept) });
    }
    let entries = entries(&kept, plan)?;
    let objects = Problems::all(entries.iter().map(|entry| object_of(&kept, entry, plan)))?;
    let progress = Progress::default();
    // The outcome of a write that is under way must be known: the report says how far the restore came.
    cx.block_on_to_the_end(GRACE, restore(&kept, entries, objects, plan, &progress, cx))?.transpose()?;
    let interrupted = cx.cancellation().check().err().map(Problem::from);
    let Progress { cluster, items, states, was_refused } = progress;
    let states = states.into_inner();
    let (cluster, items) = match (cluster.into_inner(), items.into_inner()) {
        (Some(cluster), Some(items)) if items.len() == states.len() => (cluster, items),
        _ => {
            return Err(interrupted
                .unwrap_or_else(|| Problem::undecided("the restore did not begin"))
                .into());
        }
    };
    let title = Title { is_rehearsal: plan.is_rehearsal, was_refused: was_refused.get() };
    let mut report = report(&kept, &cluster, &items, &states, &title);
    if let Some(problem) = interrupted.filter(|_| states.iter().any(|state| state.what == What::Unknown)) {
        report.finding(problem.into());
        report.verdict = report.verdict.max(Verdict::Undecided);
    }
    let changes = items.iter().zip(&states).map(|(item, state)| Change {
        kind: item.kind.to_string(),
        name: item.entry.name.clone(),
        change: state.what,
    });
    let outputs = Outputs {
        namespace: Some(cluster.namespace().to_owned()),
        changes: Some(changes.collect()),
        ..verify::outputs(&kept)
    };
    Ok(Done { outputs, report })
}

/// All that is asked of the cluster.
async fn restore(
    kept: &Kept,
    entries: Vec<Entry>,
    objects: Vec<Value>,
    plan: &RestorePlan,
    progress: &Progress,
    cx: &Context,
) -> anyhow::Result<()> {
    let cluster = cluster::connect(&plan.target, &plan.source.network, cx).await?;
    check_namespace(kept, &cluster, plan)?;
    let items = items(entries, objects, kept, &cluster).await?;
    may_restore(&items, &cluster).await?;
    let (cluster, items) = (progress.cluster.get_or_init(|| cluster), progress.items.get_or_init(|| items));
    let states = rehearse(items, cluster, plan, cx).await;
    let is_refused = states.iter().any(|state| matches!(state.what, What::Refused | What::Unknown));
    progress.was_refused.set(is_refused);
    progress.states.replace(states);
    if !plan.is_rehearsal && !is_refused {
        apply(items, &progress.states, cluster, plan, cx).await;
    }
    Ok(())
}

/// The files that are to be restored, in the order of their dependencies.
fn entries(kept: &Kept, plan: &RestorePlan) -> Result<Vec<Entry>, Problem> {
    let all = &kept.manifest.files;
    let mut entries = all.clone();
    if let Some(choice) = &plan.choice {
        let known: Vec<Names<'_>> = all.iter().map(names).collect();
        choice.check(&known).map_err(|problem| Problem {
            what: problem.what.replace("the cluster has", "the backup has"),
            ..problem
        })?;
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

/// The object in a file, which must be the one that the manifest says.
fn object_of(kept: &Kept, entry: &Entry, plan: &RestorePlan) -> Result<Value, Problem> {
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
    let said = (object["apiVersion"].as_str(), object["kind"].as_str(), object["metadata"]["name"].as_str());
    if said != (Some(&entry.api_version), Some(&entry.kind), Some(&entry.name)) {
        return Err(wrong(&format!(
            "the manifest says {} of {}, the file another object",
            entry.subject(),
            entry.api_version
        )));
    }
    if object["metadata"].get("namespace").is_some() {
        return Err(wrong(&"it names a namespace of its own, which no file of an export does"));
    }
    Ok(object)
}

fn check_namespace(kept: &Kept, cluster: &Cluster, plan: &RestorePlan) -> Result<(), Problem> {
    let (from, to) = (&kept.manifest.namespace, cluster.namespace());
    if from == to || plan.takes_other_namespace {
        return Ok(());
    }
    Err(Problem::misconfigured(format!("the backup is of namespace \"{from}\", not of \"{to}\""))
        .why(format!("restored into \"{to}\", it would change what is there"))
        .help(format!("name the namespace \"{from}\", or set `other-namespace: true` if that is meant")))
}

/// The objects with the kinds that the cluster knows them as.
async fn items(
    entries: Vec<Entry>,
    objects: Vec<Value>,
    kept: &Kept,
    cluster: &Cluster,
) -> Result<Vec<Item>, Problems> {
    let named: BTreeSet<(&str, &str)> =
        entries.iter().map(|entry| (entry.api_version.as_str(), entry.kind.as_str())).collect();
    let mut found = Vec::new();
    for (api_version, kind) in named {
        found.push(cluster.kind(api_version, kind).await.map_err(|error| {
            match error {
                Error::NotServed { .. } => {
                    Problem::misconfigured(format!("the cluster serves no {kind} of {api_version}"))
                        .help("install its definition first, or leave the kind out with `exclude-kinds`")
                }
                other => other.into(),
            }
        }));
    }
    let kinds = Problems::all(found)?;
    let mut items = Vec::with_capacity(entries.len());
    for (entry, mut object) in entries.into_iter().zip(objects) {
        let is_it = |kind: &&Kind| kind.kind == entry.kind && kind.api_version() == entry.api_version;
        let Some(kind) = kinds.iter().find(is_it) else { continue };
        if kind.group == "rbac.authorization.k8s.io" {
            move_subjects(&mut object, &kept.manifest.namespace, cluster.namespace());
        }
        items.push(Item { kind: kind.clone(), entry, object });
    }
    Ok(items)
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
async fn may_restore(items: &[Item], cluster: &Cluster) -> Result<(), Problems> {
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

/// What each object would become.
async fn rehearse(items: &[Item], cluster: &Cluster, plan: &RestorePlan, cx: &Context) -> Vec<State> {
    let scaled = &scaled(items);
    let rehearsals = items.iter().map(|item| async move {
        match cx.cancellation().check() {
            Ok(()) => rehearse_one(item, scaled, cluster, plan).await,
            Err(_) => State::unknown(None),
        }
    });
    stream::iter(rehearsals).buffered(AT_ONCE).collect().await
}

async fn rehearse_one(
    item: &Item,
    scaled: &BTreeSet<Scaled<'_>>,
    cluster: &Cluster,
    plan: &RestorePlan,
) -> State {
    let now = match cluster.get_object(&item.kind, &item.entry.name).await {
        Ok(object) => Some(Value::from(object)),
        Err(Error::NotFound { .. }) => None,
        Err(error) => return State::of(item, error),
    };
    let object = match to_apply(item, now.as_ref(), scaled) {
        Ok(object) => object,
        Err(why) => return State::refused(item, &why),
    };
    let rehearsal = cluster.rehearsing();
    let (group, kind) = (&item.kind.group, &item.kind.kind);
    let cleaned = |object: &Value| clean(group, kind, object);
    let compare = |then: Object| {
        let then = cleaned(&then.into());
        match now.as_ref().map(cleaned) {
            Some(now) if now != then => difference::between(&item.entry.subject(), group, kind, &now, &then),
            // What is made is no difference to read: its file shows it.
            _ => String::new(),
        }
    };
    match rehearsal.apply(&object, ownership(plan)).await {
        Ok(then) => {
            let beyond = difference::beyond(&cleaned(&object.clone().into()), &cleaned(&then.clone().into()));
            let difference = compare(then);
            let what = match (&now, difference.is_empty()) {
                (None, _) => What::Created,
                (Some(_), true) => What::Unchanged,
                (Some(_), false) => What::Changed,
            };
            State {
                what,
                object: Some(object),
                difference,
                finding: kept_beyond(item, now.is_some(), &beyond),
            }
        }
        Err(error @ Error::Conflict { .. }) => {
            // What would change if it were forced is what people decide by.
            let forced = rehearsal.apply(&object, Ownership::Take).await;
            State { difference: forced.map(compare).unwrap_or_default(), ..State::of(item, error) }
        }
        Err(error) if can_not_rehearse(item, now.is_some(), &error) => State {
            what: if now.is_some() { What::Changed } else { What::Created },
            object: Some(object),
            difference: String::new(),
            finding: Some(
                Finding::new(item.entry.subject(), Verdict::Skipped, "it could not be tried before")
                    .evidence(error.to_string()),
            ),
        },
        Err(error) => State::of(item, error),
    }
}

/// What is refused in a rehearsal for its being one: by a webhook that can't say what it would do, or for want of what
/// only the restore itself makes (the account of a Pod, the Role that is bound).
fn can_not_rehearse(item: &Item, is_there: bool, error: &Error) -> bool {
    match error {
        Error::Rejected { why, .. } => {
            why.contains("does not support dry run")
                || (item.kind.kind == "Pod" && !is_there && why.contains("error looking up service account"))
        }
        Error::NotFound { .. } => item.kind.kind == "RoleBinding" && !is_there,
        _ => false,
    }
}

const fn ownership(plan: &RestorePlan) -> Ownership {
    if plan.is_forced { Ownership::Take } else { Ownership::Respect }
}

/// A workload by kind and name.
type Scaled<'a> = (&'a str, &'a str);

/// The workloads whose size something of the backup decides: an autoscaler, by its own name or a custom one.
fn scaled(items: &[Item]) -> BTreeSet<Scaled<'_>> {
    let targets = items.iter().filter_map(|item| {
        let target = item.object["spec"].get("scaleTargetRef")?;
        Some((target["kind"].as_str().unwrap_or("Deployment"), target["name"].as_str()?))
    });
    targets.collect()
}

/// The object as it is applied. The size of a workload that is there stays as its autoscaler has set it: left out, it
/// would fall to the default where an earlier restore has set it.
fn to_apply(item: &Item, now: Option<&Value>, scaled: &BTreeSet<Scaled<'_>>) -> Result<Object, String> {
    let mut object = item.object.clone();
    let size = now.and_then(|now| now["spec"].get("replicas"));
    if let Some(size) = size
        && scaled.contains(&(item.kind.kind.as_str(), item.entry.name.as_str()))
        && object["spec"].get("replicas").is_some()
    {
        object["spec"]["replicas"] = size.clone();
    }
    Object::new(object)
}

/// Applies what is made or changed, wave after wave; what a wave is refused ends it.
async fn apply(
    items: &[Item],
    states: &RefCell<Vec<State>>,
    cluster: &Cluster,
    plan: &RestorePlan,
    cx: &Context,
) {
    let mut todo = Vec::new();
    // Until it is done, nobody knows.
    for (index, state) in states.borrow_mut().iter_mut().enumerate() {
        if let Some(object) = state.object.take().filter(|_| state.what != What::Unchanged) {
            todo.push((index, object, std::mem::replace(&mut state.what, What::Unknown)));
        }
    }
    for of_wave in todo.chunk_by(|one, two| wave_of(&items[one.0]) == wave_of(&items[two.0])) {
        let applied = of_wave.iter().map(async |(index, object, planned)| {
            if cx.cancellation().check().is_err() {
                return false;
            }
            let applied = cluster.apply(object, ownership(plan)).await;
            let state = &mut states.borrow_mut()[*index];
            let is_applied = applied.is_ok();
            match applied {
                Ok(_) => state.what = *planned,
                Err(error) => {
                    *state = State {
                        difference: std::mem::take(&mut state.difference),
                        ..State::of(&items[*index], error)
                    }
                }
            }
            is_applied
        });
        let all: Vec<bool> = stream::iter(applied).buffered(AT_ONCE).collect().await;
        if all.contains(&false) {
            return;
        }
    }
}

fn wave_of(item: &Item) -> u8 {
    wave(&item.kind.group, &item.kind.kind)
}

impl State {
    /// The cluster's "no" to an object, or that it gave no answer.
    fn of(item: &Item, error: Error) -> Self {
        let subject = item.entry.subject();
        match error {
            Error::Conflict { fields, why, .. } => {
                let mut managers: Vec<String> =
                    fields.iter().map(|field| format!("\"{}\"", field.manager)).collect();
                managers.sort();
                managers.dedup();
                let by = if managers.is_empty() { why } else { format!("by {}", managers.join(", ")) };
                let mut finding =
                    Finding::new(subject, Verdict::Failed, format!("it was changed since the export {by}"))
                        .help("see what differs; `force: true` takes these fields over");
                for field in fields {
                    finding = finding.evidence(format!("{} belongs to \"{}\"", field.field, field.manager));
                }
                Self::no(finding)
            }
            Error::NotFound { what } => Self::no(
                Finding::new(subject, Verdict::Misconfigured, format!("{what} is not there"))
                    .help("does the namespace exist?"),
            ),
            Error::Rejected { why, .. } => Self::refused(item, &why),
            other => {
                let problem = Problem::from(other);
                let finding = Finding::from(problem.clone());
                let verdict = finding.verdict.max(Verdict::Undecided);
                Self::unknown(Some(Finding { subject, verdict, ..finding }))
            }
        }
    }

    fn refused(item: &Item, why: &str) -> Self {
        let finding =
            Finding::new(item.entry.subject(), Verdict::Failed, format!("the cluster refuses it: {why}"));
        Self::no(if why.contains("immutable") || why.contains("Forbidden: updates to") {
            finding.help("what differs can't be changed in place: delete the object, then restore again")
        } else {
            finding
        })
    }

    fn unknown(finding: Option<Finding>) -> Self {
        Self { what: What::Unknown, object: None, difference: String::new(), finding }
    }

    fn no(finding: Finding) -> Self {
        Self { what: What::Refused, object: None, difference: String::new(), finding: Some(finding) }
    }
}

/// Says what of an object that is there the backup does not hold, and so does not change.
fn kept_beyond(item: &Item, is_there: bool, beyond: &[String]) -> Option<Finding> {
    if !is_there || beyond.is_empty() {
        return None;
    }
    let mut finding = Finding::new(
        item.entry.subject(),
        Verdict::Passed,
        format!("{} of the cluster's that the backup does not say stay", counted(beyond.len(), "field")),
    );
    for path in beyond.iter().take(PATHS) {
        finding = finding.evidence(path);
    }
    if beyond.len() > PATHS {
        finding = finding.evidence(format!("and {} more", beyond.len() - PATHS));
    }
    Some(finding)
}

/// What the title speaks of.
struct Title {
    is_rehearsal: bool,
    was_refused: bool,
}

fn report(kept: &Kept, cluster: &Cluster, items: &[Item], states: &[State], title: &Title) -> Draft {
    let count = |what: What| states.iter().filter(|state| state.what == what).count();
    let findings = states.iter().filter_map(|state| state.finding.clone());
    let verdict = if count(What::Unknown) > 0 && count(What::Refused) == 0 {
        Verdict::Undecided
    } else {
        findings
            .clone()
            .map(|finding| finding.verdict)
            .filter(|verdict| *verdict != Verdict::Skipped)
            .max()
            .unwrap_or(Verdict::Passed)
    };
    let mut draft = Draft::new(verdict, title.text(&count, items.len()));
    draft.findings = findings.collect();
    draft.fact("cluster", cluster.name());
    draft.fact("namespace", cluster.namespace());
    draft.fact("backup", &kept.location);
    draft.fact("exported", kept.manifest.created.strftime("%Y-%m-%d %H:%M:%S UTC").to_string());
    draft.fact("manifest", &kept.digest);
    let told = [
        (What::Created, "created"),
        (What::Changed, "changed"),
        (What::Refused, "refused"),
        (What::Unknown, "unknown"),
    ];
    let rows: Vec<Vec<String>> = told
        .iter()
        .flat_map(|(what, word)| {
            let of_it = items.iter().zip(states).filter(|(_, state)| state.what == *what);
            of_it.map(|(item, _)| vec![(*word).to_owned(), item.kind.to_string(), item.entry.name.clone()])
        })
        .collect();
    if !rows.is_empty() {
        let header = ["change", "kind", "name"].map(str::to_owned).to_vec();
        draft.block(Block::Table { title: "objects".to_owned(), header, rows });
    }
    let differences: Vec<_> =
        items.iter().zip(states).filter(|(_, state)| !state.difference.is_empty()).collect();
    for (item, state) in differences.iter().take(SHOWN.0) {
        draft.block(Block::Diff { title: item.entry.subject(), text: shortened(&state.difference) });
    }
    if let Some(more) = differences.len().checked_sub(SHOWN.0).filter(|more| *more > 0) {
        draft.fact("not shown", format!("{more} more differences"));
    }
    draft
}

fn shortened(difference: &str) -> String {
    let lines = difference.lines().count();
    if lines <= SHOWN.1 {
        return difference.to_owned();
    }
    let shown: String = difference.split_inclusive('\n').take(SHOWN.1).collect();
    format!("{shown}@@ {} more lines @@\n", lines - SHOWN.1)
}

impl Title {
    fn text(&self, count: &impl Fn(What) -> usize, all: usize) -> String {
        let (created, changed) = (count(What::Created), count(What::Changed));
        let (refused, unknown) = (count(What::Refused), count(What::Unknown));
        let same = count(What::Unchanged);
        let of_all = counted(all, "object");
        match self {
            Self { was_refused: true, is_rehearsal } => {
                let verb = if *is_rehearsal { "would be" } else { "was" };
                let unknown =
                    if unknown > 0 { format!(", {unknown} could not be found out") } else { String::new() };
                format!("nothing {verb} restored: {refused} of {of_all} refused{unknown}")
            }
            Self { is_rehearsal: true, .. } => {
                format!("{created} would be created, {changed} changed, {same} are the same")
            }
            _ if refused + unknown > 0 => {
                format!(
                    "{} of {of_all} restored, then it stopped: run it again to go on",
                    created + changed + same
                )
            }
            _ => format!("{of_all} restored: {created} created, {changed} changed, {same} were the same"),
        }
    }
}
