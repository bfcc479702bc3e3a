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
/// How many images, changes, commits and stages are told.
const NAMES: usize = 10;
/// How many reasons a step tells.
const REASONS: usize = 10;
/// The bytes that all of these may have together, and those that all steps may have.
const ROOM: (usize, usize) = (60 * 1024, 100 * 1024);

/// The story, in fewer than 200 KiB, also where it stands as a string in other JSON.
pub(crate) fn of(story: &Story) -> Value {
    let (mut room, mut room_of_steps) = ROOM;
    let changes = told(story.changes.iter().take(NAMES).map(change), &mut room);
    let commits = told(story.commits.iter().take(NAMES).map(commit), &mut room);
    let images = told(story.images.iter().take(NAMES).map(|image| name(image).into()), &mut room);
    let progress = told(story.progress.iter().take(NAMES).map(stage), &mut room);
    let steps = told(story.steps.iter().map(step), &mut room_of_steps);
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
            "progress": story.progress.len() - progress.len(),
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

/// The first values that have room: EventBridge and SNS take JSON as a string, in which quotation marks and what
/// was escaped already are escaped once more.
fn told(all: impl Iterator<Item = Value>, room: &mut usize) -> Vec<Value> {
    all.map_while(|value| {
        *room = room.checked_sub(Value::String(value.to_string()).to_string().len())?;
        Some(value)
    })
    .collect()
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
