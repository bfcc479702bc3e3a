//! The story as data, in schema [`SCHEMA`]: for programs.
//!
//! Strangers' text stands in it as it was written, cut where it is too long: it is the reader's to escape.

use serde_json::{Value, json};

use crate::{
    inputs::name_of,
    progress::{Stage, State},
    story::{Change, Commit, Step, Story},
    untrusted::{Untrusted, cut},
};

/// The version of the schema.
const SCHEMA: u32 = 1;
/// How long one text may be, in UTF-16 code units.
const TEXT: usize = 1_000;
/// How long one name may be, in UTF-16 code units.
const NAME: usize = 300;
/// How many images, changes and commits are told.
const NAMES: usize = 10;
/// How many reasons a step tells.
const REASONS: usize = 10;
/// The bytes that all steps may have together.
const STEPS: usize = 100 * 1024;

/// The story, in fewer than 200 KiB.
pub(crate) fn of(story: &Story) -> Value {
    let mut room = STEPS;
    let steps: Vec<Value> = story
        .steps
        .iter()
        .map(step)
        .map_while(|step| {
            room = room.checked_sub(step.to_string().len())?;
            Some(step)
        })
        .collect();
    let commits = told(&story.commits, commit);
    let images = told(&story.images, name);
    let changes = told(&story.changes, change);
    let progress: Vec<Value> = story.progress.iter().take(NAMES).map(stage).collect();
    json!({
        "schema": SCHEMA,
        "event": name_of(story.event),
        "verdict": story.verdict,
        "title": title(story),
        "repository": story.run.repository.as_ref().map(name),
        "environment": story.environment.as_ref().map(name),
        "actor": story.run.actor.as_ref().map(name),
        "run_url": story.run.url.as_deref().map(|url| cut(url, TEXT)),
        "commits": commits,
        "images": images,
        "changes": changes,
        "progress": progress,
        "steps": steps,
        "left_out": {
            "commits": story.commits.len() - commits.len(),
            "images": story.images.len() - images.len(),
            "changes": story.changes.len() - changes.len(),
            "steps": story.steps.len() - steps.len(),
        },
    })
}

fn title(story: &Story) -> String {
    match &story.environment {
        Some(environment) => format!("{} in {}", story.outcome(), environment.line(NAME)),
        None => story.outcome().to_owned(),
    }
}

fn step(step: &Step) -> Value {
    let reasons = step.reasons.iter().take(REASONS);
    let reasons =
        reasons.map(|reason| json!({"subject": name(&reason.subject), "reason": text(&reason.text)}));
    json!({
        "name": name(&step.name),
        "verdict": step.verdict,
        "title": text(&step.title),
        "duration": step.duration.map(|duration| duration.as_secs_f64()),
        "reasons": reasons.collect::<Vec<_>>(),
        "left_out": {"reasons": step.reasons.len().saturating_sub(REASONS)},
    })
}

fn commit(commit: &Commit) -> Value {
    json!({"branch": commit.branch.as_ref().map(name), "id": name(&commit.id)})
}

fn change(change: &Change) -> Value {
    json!({"image": name(&change.image), "before": name(&change.before), "after": name(&change.after)})
}

fn told<T, V>(all: &[T], tell: impl Fn(&T) -> V) -> Vec<V> {
    all.iter().take(NAMES).map(tell).collect()
}

fn name(name: &Untrusted) -> String {
    cut(name.raw(), NAME)
}

fn text(text: &Untrusted) -> String {
    cut(text.raw(), TEXT)
}

fn stage(Stage { name: called, state }: &Stage) -> Value {
    let word = match state {
        State::Done => "done",
        State::Skipped => "skipped",
        State::Current => "current",
        State::Waiting => "waiting",
        State::Failed => "failed",
        State::Ahead => "ahead",
    };
    json!({"name": name(called), "state": word})
}
