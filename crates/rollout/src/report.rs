//! What a run says: the answer, each object, and what was seen of those that failed.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use similar::TextDiff;
use sluice_core::{Block, Change, Done, Draft, Finding, ImageReference, SubjectKind, Verdict};
use sluice_kubernetes::{Cluster, progress::Judgement};

use crate::{
    Outputs, WorkloadResult,
    draught::Draught,
    edit,
    failure::Failure,
    images,
    journal::{Direction, Journal, Step},
    run::{Ending, Run},
};

/// A deployment that had nothing to change.
pub(crate) fn unchanged(
    draught: &Draught,
    cluster: &Cluster,
    run: &Run<'_>,
    ending: &Ending,
) -> Done<Outputs> {
    let (draft, verdict) = match ending {
        Ending::Done => {
            (Draft::new(Verdict::Skipped, "nothing to change: it runs already"), Verdict::Skipped)
        }
        Ending::RolledBack(failures) | Ending::Kept(failures) | Ending::Broken(failures, _) => {
            let mut draft = Draft::new(
                Verdict::Failed,
                format!("nothing to change, and it does not run: {}", first(failures)),
            );
            draft.findings = failures.iter().map(|failure| failure.finding(Verdict::Failed)).collect();
            (draft, Verdict::Failed)
        }
    };
    let mut done =
        Done { outputs: Outputs { changed: Some(false), ..outputs(draught, run, verdict) }, report: draft };
    finish(&mut done, draught, cluster, run);
    done
}

/// A run that changed something.
pub(crate) fn ended(
    draught: &Draught,
    cluster: &Cluster,
    run: &Run<'_>,
    ending: &Ending,
    record: Option<String>,
) -> Done<Outputs> {
    let what = what(draught, &run.journal);
    let (verdict, title) = match ending {
        Ending::Done => (Verdict::Passed, what),
        Ending::RolledBack(failures) => (Verdict::Failed, format!("rolled back: {}", first(failures))),
        Ending::Kept(failures) => {
            (Verdict::Failed, format!("failed, and left as it is: {}", first(failures)))
        }
        Ending::Broken(_, failures) => (Verdict::Broken, format!("could not roll back: {}", first(failures))),
    };
    let mut draft = Draft::new(verdict, title);
    let is_rolled_back = matches!(ending, Ending::RolledBack(_));
    let mut outputs = Outputs {
        changed: Some(!is_rolled_back),
        rolled_back: Some(is_rolled_back),
        record,
        ..outputs(draught, run, verdict)
    };
    match ending {
        Ending::Done => {
            for step in run.journal.steps.iter().filter(|step| step.changes_something()) {
                draft.finding(Finding::new(
                    step.object(),
                    Verdict::Passed,
                    reason(step, draught, run.journal.direction),
                ));
            }
            draft.changes = changes(draught, &run.journal);
            for image in images_now(draught, &run.journal) {
                draft.subject(SubjectKind::Image, image.name(), image.digest().map(str::to_owned));
            }
        }
        Ending::RolledBack(failures) | Ending::Kept(failures) => {
            draft.findings.extend(failures.iter().map(|failure| failure.finding(Verdict::Failed)));
        }
        Ending::Broken(failures, back) => {
            draft.findings.extend(back.iter().map(|failure| {
                let mut finding = failure.finding(Verdict::Broken);
                finding.help.get_or_insert_with(|| {
                    "put it right by hand, then run `rollout resume --back`, or with `force`".to_owned()
                });
                finding
            }));
            draft.findings.extend(failures.iter().map(|failure| failure.finding(Verdict::Failed)));
        }
    }
    if is_rolled_back {
        let whole = if run.left_alone().is_empty() { "all" } else { "all that this run had changed" };
        draft.fact("rolled back", format!("yes: {whole} is as it was before"));
        let failing = run.journal.steps.iter().filter(|step| step.was_failing);
        let failing: Vec<String> = failing.map(Step::object).collect();
        if !failing.is_empty() {
            draft.fact("did not run before", failing.join(", "));
        }
        if let Some(colours) = &draught.colours {
            outputs.live = Some(colours.live.name.clone());
            outputs.idle = Some(colours.idle.name.clone());
        }
    }
    let mut done = Done { outputs, report: draft };
    finish(&mut done, draught, cluster, run);
    done
}

/// What would be done.
pub(crate) fn dry_run(draught: &Draught, cluster: &Cluster) -> Done<Outputs> {
    let mut diff = String::new();
    let count = draught.journal.steps.iter().filter(|step| step.changes_something()).count();
    let title = match count {
        0 => "dry run: nothing would change".to_owned(),
        1 => "dry run: 1 object would change".to_owned(),
        count => format!("dry run: {count} objects would change"),
    };
    let mut draft = Draft::new(if count == 0 { Verdict::Skipped } else { Verdict::Passed }, title);
    for (when, job) in draught.journal.jobs.all().filter(|_| count > 0) {
        let name = format!("job/{}", job.name());
        draft.finding(Finding::new(&name, Verdict::Passed, format!("would run ({when})")));
        draft.block(Block::Diff {
            title: format!("{name} ({when})"),
            text: difference(&Value::Null, &job.clone().into(), job.name()),
        });
    }
    for step in draught.journal.steps.iter().filter(|step| step.changes_something()) {
        let name = step.object();
        let none = Value::Null;
        let before = draught.before.get(&name).unwrap_or(&none);
        let after = draught.after.get(&name).unwrap_or(&none);
        let text = difference(before, after, &name);
        diff.push_str(&text);
        draft.finding(Finding::new(&name, Verdict::Passed, reason(step, draught, draught.journal.direction)));
        draft.block(Block::Diff { title: name, text });
    }
    let outputs = Outputs {
        changed: Some(count > 0),
        diff: Some(diff),
        idle_host: draught.idle_host.clone(),
        ..Outputs::default()
    };
    place(&mut draft, cluster);
    draft.findings.extend(warnings(cluster));
    Done { outputs, report: draft }
}

/// The state that someone meant, line by line.
fn difference(before: &Value, after: &Value, name: &str) -> String {
    let text = |object: &Value| match object {
        Value::Null => String::new(),
        object => serde_json::to_string_pretty(&edit::own(object)).unwrap_or_default() + "\n",
    };
    let (before, after) = (text(before), text(after));
    TextDiff::from_lines(before.as_str(), after.as_str()).unified_diff().header(name, name).to_string()
}

fn what(draught: &Draught, journal: &Journal) -> String {
    let changed: Vec<&Step> = journal.steps.iter().filter(|step| step.changes_something()).collect();
    let back = journal.direction == Direction::Back;
    let objects = match changed.as_slice() {
        [one] => one.object(),
        many => format!("{} objects", many.len()),
    };
    let version = versions_of(draught, &changed);
    match (journal.command.as_str(), version) {
        _ if back => format!("put back: {objects}"),
        ("switch", _) => draught.colours.as_ref().map_or(objects.clone(), |colours| {
            format!(
                "{} gets the traffic of {}",
                colours.idle.name,
                changed.last().map_or(objects, |step| step.object())
            )
        }),
        ("decommission", _) => format!("scaled down: {objects}"),
        (_, Some(version)) => {
            format!("{objects} {} {version}", if changed.len() == 1 { "runs" } else { "run" })
        }
        (_, None) => format!("{objects} deployed"),
    }
}

/// The version that was set; where there are several, each with its container.
fn versions_of(draught: &Draught, changed: &[&Step]) -> Option<String> {
    let set = changed.iter().flat_map(|step| images_of(draught, step));
    let set: BTreeMap<String, String> =
        set.filter_map(|(container, _, after)| Some((container, images::version(&after)?))).collect();
    let versions: BTreeSet<&String> = set.values().collect();
    match (set.len(), versions.len()) {
        (_, 0) => None,
        (_, 1) => set.values().next().cloned(),
        (2..=3, _) => {
            Some(set.iter().map(|(name, version)| format!("{name} {version}")).collect::<Vec<_>>().join(", "))
        }
        _ => Some(format!("{} versions", versions.len())),
    }
}

/// The containers whose images change: name, before, after.
fn images_of(draught: &Draught, step: &Step) -> Vec<(String, String, String)> {
    let (Some(before), Some(after)) = (draught.before.get(&step.object()), draught.after.get(&step.object()))
    else {
        return Vec::new();
    };
    let old = images::containers(before);
    let changed = images::containers(after).into_iter().filter_map(|new| {
        let old = old.iter().find(|old| old.name == new.name)?;
        (old.image != new.image).then(|| (new.name, old.image.clone(), new.image))
    });
    changed.collect()
}

/// What changes of an object, in one line.
fn reason(step: &Step, draught: &Draught, way: Direction) -> String {
    if step.is_new {
        return if way == Direction::Back { "removed" } else { "new" }.to_owned();
    }
    let mut edits = if way == Direction::Back { edit::reversed(&step.edits) } else { step.edits.clone() };
    // What it is comes before what is noted of it.
    edits.sort_by_key(|edit| edit.path.starts_with("/metadata/"));
    let mut parts: Vec<String> = images_of(draught, step)
        .into_iter()
        .map(|(name, before, after)| format!("{name}: {before} → {after}"))
        .collect();
    let knows_containers = !parts.is_empty();
    let is_told = |path: &str| knows_containers && path.ends_with("/image");
    for edit in edits.iter().filter(|edit| edit.before != edit.after && !is_told(&edit.path)) {
        let told = |value: &Option<Value>| match value {
            None => "none".to_owned(),
            Some(Value::String(text)) => text.clone(),
            Some(value @ (Value::Array(_) | Value::Object(_))) => {
                let text = value.to_string();
                if text.chars().count() > 40 { "…".to_owned() } else { text }
            }
            Some(value) => value.to_string(),
        };
        let name = edit::last(&edit.path);
        let part = format!("{name}: {} → {}", told(&edit.before), told(&edit.after));
        // A label and an annotation may say the same.
        if !parts.contains(&part) {
            parts.push(part);
        }
    }
    match parts.len() {
        0..=4 => parts.join(", "),
        more => format!("{}, and {} more", parts[..3].join(", "), more - 3),
    }
}

fn changes(draught: &Draught, journal: &Journal) -> Vec<Change> {
    let mut changes = Vec::new();
    for (_, before, after) in journal.steps.iter().flat_map(|step| images_of(draught, step)) {
        let change = Change {
            name: after.parse::<ImageReference>().map(|image| image.name().to_owned()).unwrap_or_default(),
            place: journal.namespace.clone(),
            before: images::version(&before).unwrap_or_default(),
            after: images::version(&after).unwrap_or_default(),
        };
        if !changes.contains(&change) {
            changes.push(change);
        }
    }
    changes
}

/// The images that were set, each once.
fn images_now(draught: &Draught, journal: &Journal) -> Vec<ImageReference> {
    let mut all: Vec<ImageReference> = Vec::new();
    for (_, _, after) in journal.steps.iter().flat_map(|step| images_of(draught, step)) {
        if let Ok(image) = after.parse()
            && !all.contains(&image)
        {
            all.push(image);
        }
    }
    all
}

fn outputs(draught: &Draught, run: &Run<'_>, verdict: Verdict) -> Outputs {
    let is_broken = verdict == Verdict::Broken;
    let has_turned_round = run.journal.direction != draught.journal.direction;
    let ends_as = if has_turned_round { &draught.before } else { &draught.after };
    // What could not be put back, and what is another's, is not known.
    let is_known = |object: &str| {
        !run.left_alone().contains_key(object) && (!is_broken || run.put_back().contains(object))
    };
    let now = |object: &str| ends_as.get(object).filter(|_| is_known(object));
    let steps = run.journal.steps.iter();
    let workloads = steps.map(|step| {
        let name = step.object();
        let seen = run.seen().get(&name);
        let is_done = seen.is_none_or(Judgement::is_done);
        let told = |object: Option<&Value>| object.map(images::told).unwrap_or_default();
        WorkloadResult {
            verdict: if is_done && verdict.is_good() { Verdict::Passed } else { verdict },
            reason: seen
                .and_then(|seen| seen.waiting.clone())
                .unwrap_or_else(|| reason(step, draught, run.journal.direction)),
            replicas: seen.map(|seen| format!("{}/{}", seen.ready, seen.wanted)),
            before: told(draught.before.get(&name)),
            after: told(now(&name)),
            object: name,
        }
    });
    let colours = draught.colours.as_ref().filter(|_| !is_broken);
    let (mut live, mut idle) =
        (colours.map(|one| one.live.name.clone()), colours.map(|one| one.idle.name.clone()));
    if run.journal.command == "switch" {
        std::mem::swap(&mut live, &mut idle);
    }
    Outputs {
        workloads: workloads.collect(),
        live,
        idle,
        idle_host: draught.idle_host.clone().filter(|_| run.journal.command == "deploy"),
        version: run.journal.steps.iter().find_map(|step| now(&step.object()).and_then(images::version_of)),
        ..Outputs::default()
    }
}

fn finish(done: &mut Done<Outputs>, draught: &Draught, cluster: &Cluster, run: &Run<'_>) {
    place(&mut done.report, cluster);
    for (object, why) in run.left_alone() {
        done.report.fact("left alone", format!("{object}: {why}"));
    }
    done.report.findings.extend(warnings(cluster));
    if let Some(colours) = &draught.colours {
        if let (Some(live), Some(idle)) = (&done.outputs.live, &done.outputs.idle) {
            done.report.fact("live", live);
            done.report.fact("idle", idle);
        }
        if let Some(host) = &done.outputs.idle_host {
            done.report.fact(format!("reaches {} only", colours.idle.name), host);
        }
    }
    if let Some(record) = &done.outputs.record {
        done.report.fact("record", record);
    }
    let rows: Vec<Vec<String>> = done
        .outputs
        .workloads
        .iter()
        .filter(|one| !one.after.is_empty())
        .filter_map(|one| Some(vec![one.object.clone(), one.replicas.clone()?, one.after.join(" ")]))
        .collect();
    if rows.len() > 1 && !run.seen().is_empty() {
        let header = ["workload", "ready", "images"].map(str::to_owned).to_vec();
        done.report.block(Block::Table { title: "workloads".to_owned(), header, rows });
    }
}

/// What the cluster let pass, though not without a word.
fn warnings(cluster: &Cluster) -> impl Iterator<Item = Finding> {
    cluster.warnings().into_iter().map(|text| Finding::new("the cluster warns", Verdict::Skipped, text))
}

pub(crate) fn place(draft: &mut Draft, cluster: &Cluster) {
    draft.fact("cluster", cluster.name());
    draft.fact("namespace", cluster.namespace());
}

/// The first of several reasons, and how many more there are.
pub(crate) fn first(failures: &[Failure]) -> String {
    let told = |failure: &Failure| format!("{}: {}", failure.subject, failure.reason);
    match failures {
        [] => String::new(),
        [one] => told(one),
        [one, rest @ ..] => format!("{} (and {} more)", told(one), rest.len()),
    }
}
