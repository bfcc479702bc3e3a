//! What a pipeline tells of itself.

use serde_json::{Value, json};
use sluice_faulty_server::Reply;

use super::{Asked, not_found, unprocessable, url};
use crate::{
    reply,
    said::{Comment, Deployment},
    shapes,
    told::Job,
    world::{Stored, written},
};

pub(super) fn jobs(stored: &Stored, asked: &Asked<'_>, run: &str) -> Reply {
    let Some(of) = stored.runs.iter().find(|stored| stored.id.to_string() == run) else { return not_found() };
    let jobs = stored.told.jobs.iter().enumerate().filter(|(_, (id, _))| *id == of.id);
    let jobs: Vec<Value> = jobs.map(|(index, (_, one))| job(stored, asked, of.id, index, one)).collect();
    let count = jobs.len();
    reply::list(asked.request, asked.address, &jobs, |page| json!({"total_count": count, "jobs": page}))
}

fn job(stored: &Stored, asked: &Asked<'_>, run: u64, index: usize, job: &Job) -> Value {
    let (id, started) = (index + 1, stored.created);
    let ended = job.conclusion.as_ref().map(|_| written(started + job.seconds));
    let status = if job.conclusion.is_some() { "completed" } else { "in_progress" };
    let step = |(number, (name, conclusion)): (usize, &(String, String))| {
        json!({
            "name": name, "number": number + 1, "status": "completed", "conclusion": conclusion,
            "started_at": written(started), "completed_at": written(started),
        })
    };
    json!({
        "id": id, "node_id": format!("J_{id}"), "run_id": run, "name": job.name, "workflow_name": "deliver",
        "run_url": url(asked, stored, &format!("actions/runs/{run}")), "head_branch": "main", "head_sha": "0".repeat(40),
        "url": url(asked, stored, &format!("actions/jobs/{id}")),
        "html_url": format!("{}/{}/actions/runs/{run}/job/{id}", asked.address, stored.full_name),
        "check_run_url": url(asked, stored, &format!("check-runs/{id}")),
        "status": status, "conclusion": job.conclusion,
        "created_at": written(started), "started_at": written(started), "completed_at": ended,
        "steps": job.steps.iter().enumerate().map(step).collect::<Vec<_>>(),
        "labels": ["ubuntu-latest"], "runner_id": 1, "runner_name": "runner", "runner_group_id": 1, "runner_group_name": "group",
    })
}

pub(super) fn create_deployment(stored: &mut Stored, asked: &Asked<'_>) -> Reply {
    let Some(sha) = asked.text("ref").and_then(|name| stored.git.commit(name)) else {
        return unprocessable("No ref found");
    };
    let environment = asked.text("environment").unwrap_or("production").to_owned();
    let payload = asked.body["payload"].clone();
    let one = Deployment { environment, payload, minutes_ago: 0, states: Vec::new() };
    let mut made = asked.body.clone();
    made["sha"] = json!(sha);
    stored.said.deployments.push((asked.new_id, one));
    stored.told.deployments.push((asked.new_id, made));
    let listed = super::said::deployments(stored, asked);
    let all: Value = serde_json::from_slice(&listed.body).unwrap_or_default();
    Reply::json(201, &all[0])
}

pub(super) fn create_deployment_status(stored: &mut Stored, asked: &Asked<'_>, id: &str) -> Reply {
    let Some(state) = asked.text("state") else { return unprocessable("Validation Failed") };
    let Some((number, one)) = stored.said.deployments.iter_mut().find(|(number, _)| number.to_string() == id)
    else {
        return not_found();
    };
    one.states.push((state.to_owned(), 0));
    let number = *number;
    if let Some((_, made)) = stored.told.deployments.iter_mut().find(|(made, _)| *made == number) {
        made["log_url"] = asked.body["log_url"].clone();
    }
    let listed = super::said::deployment_statuses(stored, asked, id);
    let all: Value = serde_json::from_slice(&listed.body).unwrap_or_default();
    Reply::json(201, &all[0])
}

pub(super) fn set_status(stored: &mut Stored, asked: &Asked<'_>, sha: &str) -> Reply {
    let (Some(state), Some(sha)) = (asked.text("state"), stored.git.commit(sha)) else {
        return unprocessable(&format!("No commit found for SHA: {sha}"));
    };
    let context = asked.text("context").unwrap_or("default");
    stored.said.statuses.push((sha.clone(), context.to_owned(), state.to_owned()));
    stored.told.statuses.push((sha.clone(), asked.body.clone()));
    let moment = written(asked.now);
    let shape = json!({
        "id": asked.new_id, "node_id": shapes::node("SC", asked.new_id), "state": state, "context": context,
        "description": asked.body["description"], "target_url": asked.body["target_url"], "avatar_url": null,
        "url": url(asked, stored, &format!("statuses/{sha}")), "created_at": moment, "updated_at": moment,
        "creator": shapes::user(asked.address, asked.login),
    });
    Reply::json(201, &shape)
}

pub(super) fn comments(stored: &Stored, asked: &Asked<'_>, number: &str) -> Reply {
    let Some(issue) = stored.said.issues.iter().find(|issue| issue.number.to_string() == number) else {
        return not_found();
    };
    let all: Vec<Value> = issue.comments.iter().map(|one| comment(stored, asked, number, one)).collect();
    reply::list(asked.request, asked.address, &all, Value::Array)
}

pub(super) fn create_comment(stored: &mut Stored, asked: &Asked<'_>, number: &str) -> Reply {
    let Some(body) = asked.text("body") else { return unprocessable("Validation Failed") };
    let Some(index) = stored.said.issues.iter().position(|issue| issue.number.to_string() == number) else {
        return not_found();
    };
    let (by, body) = ("github-actions[bot]".to_owned(), body.to_owned());
    let one = Comment { id: asked.new_id, by, body, at: asked.now, edited: None, is_minimized: false };
    let shape = comment(stored, asked, number, &one);
    stored.said.issues[index].comments.push(one);
    Reply::json(201, &shape)
}

fn comment(stored: &Stored, asked: &Asked<'_>, number: &str, one: &Comment) -> Value {
    let page = format!("{}/{}/issues/{number}", asked.address, stored.full_name);
    json!({
        "id": one.id, "node_id": shapes::node("IC", one.id), "body": one.body,
        "url": url(asked, stored, &format!("issues/comments/{}", one.id)),
        "html_url": format!("{page}#issuecomment-{}", one.id),
        "issue_url": url(asked, stored, &format!("issues/{number}")),
        "user": shapes::user(asked.address, &one.by),
        "created_at": written(one.at), "updated_at": written(one.at), "author_association": "NONE",
    })
}
