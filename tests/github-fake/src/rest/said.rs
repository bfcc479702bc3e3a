//! What people and programs say of commits.

use serde_json::{Value, json};
use sluice_faulty_server::Reply;

use super::{Asked, not_found, unprocessable};
use crate::{
    reply::{self, GitHubReply as _},
    said::{Check, Deployment, Issue},
    shapes,
    world::{Pull, Stored, written},
};

/// The pull requests that hold a commit.
pub(super) fn pulls_of_commit(stored: &Stored, asked: &Asked<'_>, sha: &str) -> Reply {
    let git = &stored.git;
    if git.commit(sha).is_none() {
        return unprocessable(&format!("No commit found for SHA: {sha}"));
    }
    let holds = |pull: &&Pull| {
        let merged = pull.merged();
        let head = merged.map_or_else(
            || git.commit(&format!("refs/heads/{}", pull.head)),
            |merged| Some(merged.head.clone()),
        );
        merged.is_some_and(|merged| merged.commit == sha)
            || head.is_some_and(|head| git.is_ancestor(sha, &head))
    };
    let found: Vec<Value> = stored
        .pulls
        .iter()
        .filter(holds)
        .map(|pull| shapes::short_pull(asked.address, stored, pull))
        .collect();
    reply::list(asked.request, asked.address, &found, Value::Array)
}

pub(super) fn reviews(stored: &Stored, asked: &Asked<'_>, number: &str) -> Reply {
    let page = format!("{}/{}/pull/{number}", asked.address, stored.full_name);
    let pull = super::url(asked, stored, &format!("pulls/{number}"));
    let reviews = stored.said.reviews.iter().filter(|review| review.pull.to_string() == number);
    let reviews: Vec<Value> = reviews
        .map(|review| {
            json!({
                "id": review.id,
                "node_id": shapes::node("PRR", review.id),
                "user": shapes::user(asked.address, &review.by),
                "body": "",
                "state": review.state,
                "html_url": format!("{page}#pullrequestreview-{}", review.id),
                "pull_request_url": pull,
                "author_association": "MEMBER",
                "_links": {"html": {"href": page}, "pull_request": {"href": pull}},
                "submitted_at": written(review.at),
                "commit_id": review.commit,
            })
        })
        .collect();
    reply::list(asked.request, asked.address, &reviews, Value::Array)
}

pub(super) fn run(stored: &Stored, asked: &Asked<'_>, id: &str) -> Reply {
    let Some(run) = stored.runs.iter().find(|run| run.id.to_string() == id) else { return not_found() };
    let mut shape = shapes::run(asked.address, stored, run);
    let octocat = || ("octocat".to_owned(), "octocat".to_owned());
    let (actor, again) = stored.said.starters.get(&run.id).cloned().unwrap_or_else(octocat);
    let more = json!({
        "actor": shapes::user(asked.address, &actor),
        "triggering_actor": shapes::user(asked.address, &again),
        "check_suite_id": suite_of(run.id),
        "check_suite_node_id": shapes::node("CS", suite_of(run.id)),
    });
    shapes::extend(&mut shape, more);
    Reply::json(200, &shape)
}

/// The suite of a run's own checks.
pub(crate) const fn suite_of(run: u64) -> u64 {
    run + 1_000_000
}

pub(super) fn run_reviews(stored: &Stored, asked: &Asked<'_>, id: &str) -> Reply {
    let environment = |name: &String| {
        let page = format!(
            "{}/{}/deployments/activity_log?environments_filter={name}",
            asked.address, stored.full_name
        );
        json!({
            "id": 1, "node_id": "EN_1", "name": name,
            "url": super::url(asked, stored, &format!("environments/{name}")), "html_url": page,
            "created_at": written(stored.created), "updated_at": written(stored.created),
        })
    };
    let reviews = stored.said.run_reviews.iter().filter(|review| review.run.to_string() == id);
    let reviews = reviews.map(|review| {
        json!({
            "state": review.state,
            "comment": "",
            "environments": review.environments.iter().map(environment).collect::<Vec<_>>(),
            "user": shapes::user(asked.address, &review.by),
        })
    });
    Reply::json(200, &reviews.collect())
}

pub(super) fn check_runs(stored: &Stored, asked: &Asked<'_>, sha: &str) -> Reply {
    let runs = stored.said.checks.iter().filter(|(_, check)| check.commit == sha);
    let runs: Vec<Value> = runs.map(|(id, check)| check_run(stored, asked, *id, check)).collect();
    let count = runs.len();
    reply::list(asked.request, asked.address, &runs, |page| json!({"total_count": count, "check_runs": page}))
}

fn check_run(stored: &Stored, asked: &Asked<'_>, id: u64, check: &Check) -> Value {
    let moment = written(stored.created);
    let url = super::url(asked, stored, &format!("check-runs/{id}"));
    let (app, slug) = &check.app;
    json!({
        "id": id,
        "node_id": shapes::node("CR", id),
        "name": check.name,
        "head_sha": check.commit,
        "external_id": "",
        "url": url,
        "html_url": format!("{}/{}/runs/{id}", asked.address, stored.full_name),
        "details_url": null,
        "status": check.status,
        "conclusion": check.conclusion,
        "started_at": moment,
        "completed_at": check.conclusion.as_ref().map(|_| &moment),
        "output": {"title": null, "summary": null, "text": null, "annotations_count": 0, "annotations_url": format!("{url}/annotations")},
        "check_suite": {"id": check.suite},
        "app": {
            "id": app, "slug": slug, "node_id": shapes::node("A", *app), "name": slug,
            "owner": shapes::user(asked.address, "github"),
            "description": null, "external_url": "https://example.com", "html_url": format!("https://github.com/apps/{slug}"),
            "created_at": moment, "updated_at": moment, "permissions": {}, "events": [],
        },
        "pull_requests": [],
    })
}

pub(super) fn statuses(stored: &Stored, asked: &Asked<'_>, sha: &str) -> Reply {
    let mut newest: Vec<&(String, String, String)> = Vec::new();
    for status in stored.said.statuses.iter().filter(|(commit, ..)| commit == sha) {
        newest.retain(|(_, context, _)| *context != status.1);
        newest.push(status);
    }
    let moment = written(stored.created);
    let shape = |(number, (_, context, state)): (usize, &&(String, String, String))| {
        json!({
            "id": number, "node_id": format!("SC_{number}"), "state": state, "context": context,
            "description": null, "target_url": null, "avatar_url": null,
            "url": super::url(asked, stored, &format!("statuses/{sha}")), "created_at": moment, "updated_at": moment,
        })
    };
    let all: Vec<Value> = newest.iter().enumerate().map(shape).collect();
    let count = all.len();
    reply::list(asked.request, asked.address, &all, |page| {
        json!({
            "state": "pending", "sha": sha, "total_count": count, "statuses": page,
            "repository": shapes::short_repository(asked.address, stored.id, &stored.full_name),
            "commit_url": super::url(asked, stored, &format!("commits/{sha}")),
            "url": super::url(asked, stored, &format!("commits/{sha}/status")),
        })
    })
}

pub(super) fn branch(stored: &Stored, asked: &Asked<'_>, name: &str) -> Reply {
    let Some(head) = stored.git.commit(&format!("refs/heads/{name}")) else {
        return Reply::error(404, "Branch not found");
    };
    let url = super::url(asked, stored, &format!("branches/{name}"));
    let required = stored.said.protection.get(name);
    let checks: Vec<Value> = required
        .into_iter()
        .flatten()
        .map(|(context, app)| json!({"context": context, "app_id": app}))
        .collect();
    let contexts: Vec<&String> = required.into_iter().flatten().map(|(context, _)| context).collect();
    Reply::json(
        200,
        &json!({
            "name": name,
            "commit": shapes::Commit::read(stored, &head).of_list(asked.address, &stored.full_name),
            "_links": {"html": format!("{}/{}/tree/{name}", asked.address, stored.full_name), "self": url},
            "protected": required.is_some(),
            "protection": {
                "enabled": required.is_some(),
                "required_status_checks": {
                    "enforcement_level": if required.is_some() { "non_admins" } else { "off" },
                    "contexts": contexts, "checks": checks,
                },
            },
            "protection_url": format!("{url}/protection"),
        }),
    )
}

pub(super) fn rules(stored: &Stored, asked: &Asked<'_>, name: &str) -> Reply {
    let check = |(context, app): &(String, Option<u64>)| {
        let mut check = json!({"context": context});
        if let Some(app) = app {
            check["integration_id"] = json!(app);
        }
        check
    };
    let rule = |checks: &Vec<(String, Option<u64>)>| {
        json!({
            "type": "required_status_checks",
            "ruleset_source_type": "Repository", "ruleset_source": stored.full_name, "ruleset_id": 1,
            "parameters": {
                "strict_required_status_checks_policy": false,
                "required_status_checks": checks.iter().map(check).collect::<Vec<_>>(),
            },
        })
    };
    let rules: Vec<Value> = stored.said.rules.get(name).into_iter().map(rule).collect();
    reply::list(asked.request, asked.address, &rules, Value::Array)
}

pub(super) fn deployments(stored: &Stored, asked: &Asked<'_>) -> Reply {
    let environment = asked.request.parameter("environment");
    let all = stored.said.deployments.iter().rev();
    let all = all.filter(|(_, one)| environment.as_ref().is_none_or(|name| *name == one.environment));
    let all: Vec<Value> = all.map(|(id, one)| deployment(stored, asked, *id, one)).collect();
    reply::list(asked.request, asked.address, &all, Value::Array)
}

fn deployment(stored: &Stored, asked: &Asked<'_>, id: u64, one: &Deployment) -> Value {
    let url = super::url(asked, stored, &format!("deployments/{id}"));
    let moment = written(asked.now - one.minutes_ago * 60);
    let made = stored.told.deployments.iter().find(|(made, _)| *made == id);
    let sha = made.map_or_else(|| json!("0".repeat(40)), |(_, made)| made["sha"].clone());
    json!({
        "id": id, "node_id": shapes::node("DE", id), "url": url,
        "sha": sha, "ref": "main", "task": "deploy", "payload": one.payload,
        "original_environment": one.environment, "environment": one.environment, "description": null,
        "creator": shapes::user(asked.address, "github-actions[bot]"),
        "created_at": moment, "updated_at": moment,
        "statuses_url": format!("{url}/statuses"),
        "repository_url": format!("{}/api/v3/repos/{}", asked.address, stored.full_name),
        "transient_environment": false, "production_environment": false,
    })
}

pub(super) fn deployment_statuses(stored: &Stored, asked: &Asked<'_>, id: &str) -> Reply {
    let Some((number, one)) = stored.said.deployments.iter().find(|(number, _)| number.to_string() == id)
    else {
        return not_found();
    };
    let url = super::url(asked, stored, &format!("deployments/{number}"));
    let made = stored.told.deployments.iter().find(|(made, _)| made == number);
    let log_url = made.and_then(|(_, made)| made["log_url"].as_str()).unwrap_or_default();
    let shape = |(state, minutes_ago): &(String, u64)| {
        let moment = written(asked.now - minutes_ago * 60);
        json!({
            "id": number, "node_id": "DES_1", "url": format!("{url}/statuses/1"), "state": state,
            "creator": shapes::user(asked.address, "github-actions[bot]"), "description": "", "environment": one.environment,
            "target_url": "", "created_at": moment, "updated_at": moment, "deployment_url": url,
            "repository_url": format!("{}/api/v3/repos/{}", asked.address, stored.full_name),
            "environment_url": "", "log_url": log_url,
        })
    };
    let states: Vec<Value> = one.states.iter().rev().map(shape).collect();
    reply::list(asked.request, asked.address, &states, Value::Array)
}

pub(super) fn issues(stored: &Stored, asked: &Asked<'_>) -> Reply {
    let state = asked.request.parameter("state").unwrap_or_else(|| "open".to_owned());
    let label = asked.request.parameter("labels");
    let found = stored.said.issues.iter().rev();
    let found = found.filter(|issue| state == "all" || (state == "open") == issue.is_open);
    let found = found.filter(|issue| label.as_ref().is_none_or(|label| issue.labels.contains(label)));
    let found: Vec<Value> = found.map(|one| issue(stored, asked, one)).collect();
    reply::list(asked.request, asked.address, &found, Value::Array)
}

pub(super) fn open_issue(stored: &mut Stored, asked: &Asked<'_>) -> Reply {
    let Some(title) = asked.text("title") else { return unprocessable("Validation Failed") };
    let labels = asked.body["labels"].as_array().into_iter().flatten();
    let one = Issue {
        id: asked.new_id,
        number: stored.next_number(),
        title: title.to_owned(),
        body: asked.text("body").unwrap_or_default().to_owned(),
        by: "github-actions[bot]".to_owned(),
        labels: labels.filter_map(Value::as_str).map(str::to_owned).collect(),
        is_open: true,
        reason: None,
        at: asked.now,
        edited: None,
        comments: Vec::new(),
    };
    let shape = issue(stored, asked, &one);
    stored.said.issues.push(one);
    Reply::json(201, &shape)
}

pub(super) fn update_issue(stored: &mut Stored, asked: &Asked<'_>, number: &str) -> Reply {
    let Some(index) = stored.said.issues.iter().position(|issue| issue.number.to_string() == number) else {
        return not_found();
    };
    let one = &mut stored.said.issues[index];
    if let Some(state) = asked.text("state") {
        one.is_open = state == "open";
    }
    one.reason = asked.text("state_reason").map(str::to_owned);
    Reply::json(200, &issue(stored, asked, &stored.said.issues[index]))
}

fn issue(stored: &Stored, asked: &Asked<'_>, one: &Issue) -> Value {
    let url = super::url(asked, stored, &format!("issues/{}", one.number));
    let name = &stored.full_name;
    let mut shape = json!({
        "id": one.id, "node_id": shapes::node("I", one.id), "number": one.number, "title": one.title, "body": one.body,
        "user": shapes::user(asked.address, &one.by),
        "labels": one.labels.iter().map(|label| shapes::label(asked.address, name, label)).collect::<Vec<_>>(),
        "state": if one.is_open { "open" } else { "closed" }, "locked": false,
        "assignee": null, "assignees": [], "milestone": null, "comments": one.comments.len(),
        "created_at": written(one.at), "updated_at": written(one.at), "closed_at": null,
        "author_association": "NONE",
        "url": url, "repository_url": format!("{}/api/v3/repos/{name}", asked.address),
        "labels_url": format!("{url}/labels{{/name}}"), "comments_url": format!("{url}/comments"),
        "events_url": format!("{url}/events"), "html_url": format!("{}/{name}/issues/{}", asked.address, one.number),
    });
    if let Some(reason) = &one.reason {
        shape["state_reason"] = json!(reason);
    }
    shape
}
