//! Runs of workflows.

use serde_json::{Value, json};
use sluice_faulty_server::Reply;

use super::{Asked, not_found};
use crate::{
    reply, shapes,
    world::{Stored, StoredRun},
};

/// The runs of a workflow that are asked for, newest first.
pub(super) fn list(stored: &Stored, asked: &Asked<'_>, workflow: &str) -> Reply {
    let file = format!("main:.github/workflows/{workflow}");
    let ran = stored.runs.iter().any(|run| run.run.workflow == workflow);
    if !ran && stored.git.object(&file).is_none() {
        return not_found();
    }
    let is_asked_for =
        |name: &str, value: &str| asked.request.parameter(name).is_none_or(|wanted| wanted == value);
    let found: Vec<Value> = stored
        .runs
        .iter()
        .rev()
        .filter(|run| run.run.workflow == workflow)
        .filter(|run| is_asked_for("branch", &run.run.branch) && is_asked_for("event", &run.run.event))
        // A conclusion may stand where a status does.
        .filter(|run| is_asked_for("status", &run.run.conclusion) || is_asked_for("status", status(run)))
        .map(|run| shapes::run(asked.address, stored, run))
        .collect();
    let count = found.len();
    reply::list(
        asked.request,
        asked.address,
        &found,
        |page| json!({"total_count": count, "workflow_runs": page}),
    )
}

/// Whether a run has ended, in GitHub's words.
const fn status(run: &StoredRun) -> &'static str {
    if run.run.conclusion.is_empty() { "in_progress" } else { "completed" }
}
