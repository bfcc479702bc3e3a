//! Pull requests.

use serde_json::{Value, json};
use sluice_faulty_server::Reply;

use super::{Asked, not_found, unprocessable};
use crate::{
    reply, shapes,
    world::{Pull, PullState, Stored},
};

pub(super) fn list(stored: &Stored, asked: &Asked<'_>) -> Reply {
    let state = asked.request.parameter("state").unwrap_or_else(|| "open".to_owned());
    let is_asked_for =
        |name: &str, value: &str| asked.request.parameter(name).is_none_or(|wanted| wanted == value);
    let found: Vec<Value> = stored
        .pulls
        .iter()
        .rev()
        .filter(|pull| state == "all" || (state == "open") == (pull.state == PullState::Open))
        .filter(|pull| is_asked_for("head", &format!("{}:{}", stored.owner(), pull.head)))
        .filter(|pull| is_asked_for("base", &pull.base))
        .map(|pull| shapes::short_pull(asked.address, stored, pull))
        .collect();
    reply::list(asked.request, asked.address, &found, Value::Array)
}

pub(super) fn create(stored: &mut Stored, asked: &Asked<'_>) -> Reply {
    let (Some(title), Some(head), Some(base)) = (asked.text("title"), asked.text("head"), asked.text("base"))
    else {
        return invalid("missing_field", "title, head and base are needed");
    };
    let head = head.trim_start_matches(&format!("{}:", stored.owner()));
    let tip = |branch: &str| stored.git.commit(&format!("refs/heads/{branch}"));
    let (Some(head_tip), Some(base_tip)) = (tip(head), tip(base)) else {
        return invalid("invalid", "head or base is no branch");
    };
    if stored.pulls.iter().any(|pull| pull.state == PullState::Open && pull.head == head && pull.base == base)
    {
        let owner = stored.owner();
        return invalid("custom", &format!("A pull request already exists for {owner}:{head}."));
    }
    if stored.git.is_ancestor(&head_tip, &base_tip) {
        return invalid("custom", &format!("No commits between {base} and {head}"));
    }
    let pull = Pull {
        id: asked.new_id,
        number: stored.next_number(),
        title: title.to_owned(),
        body: asked.text("body").map(str::to_owned),
        head: head.to_owned(),
        base: base.to_owned(),
        author: asked.login.to_owned(),
        state: PullState::Open,
        closed_at: None,
        waits: true,
        auto_merge: None,
        is_draft: asked.body["draft"] == true,
        labels: Vec::new(),
        reviewers: Vec::new(),
        teams: Vec::new(),
        created: asked.now,
        updated: asked.now,
        fork: None,
    };
    let shape = shapes::pull(asked.address, stored, &pull);
    stored.pulls.push(pull);
    Reply::json(201, &shape)
}

pub(super) fn update(stored: &mut Stored, asked: &Asked<'_>, number: &str) -> Reply {
    change(stored, number, |pull| {
        if let Some(title) = asked.text("title") {
            title.clone_into(&mut pull.title);
        }
        if let Some(body) = asked.text("body") {
            pull.body = Some(body.to_owned());
        }
        if let Some(base) = asked.text("base") {
            base.clone_into(&mut pull.base);
        }
        if let Some(state) = asked.text("state") {
            pull.state = if state == "open" { PullState::Open } else { PullState::Closed };
        }
        pull.updated = asked.now;
    })
    .map_or_else(not_found, |pull| Reply::json(200, &shapes::pull(asked.address, stored, &pull)))
}

pub(super) fn request_reviewers(stored: &mut Stored, asked: &Asked<'_>, number: &str) -> Reply {
    change(stored, number, |pull| {
        add(&mut pull.reviewers, &asked.body["reviewers"]);
        add(&mut pull.teams, &asked.body["team_reviewers"]);
    })
    .map_or_else(not_found, |pull| Reply::json(201, &shapes::short_pull(asked.address, stored, &pull)))
}

pub(super) fn add_labels(stored: &mut Stored, asked: &Asked<'_>, number: &str) -> Reply {
    let Some(pull) = change(stored, number, |pull| add(&mut pull.labels, &asked.body["labels"])) else {
        return not_found();
    };
    let name = &stored.full_name;
    let labels: Vec<Value> =
        pull.labels.iter().map(|label| shapes::label(asked.address, name, label)).collect();
    Reply::json(200, &Value::Array(labels))
}

/// Changes a pull request, and gives it as it is then.
fn change(stored: &mut Stored, number: &str, change: impl FnOnce(&mut Pull)) -> Option<Pull> {
    let pull = stored.pulls.iter_mut().find(|pull| pull.number.to_string() == number)?;
    change(pull);
    Some(pull.clone())
}

fn add(to: &mut Vec<String>, names: &Value) {
    for name in names.as_array().into_iter().flatten().filter_map(Value::as_str) {
        if !to.iter().any(|present| present == name) {
            to.push(name.to_owned());
        }
    }
}

fn invalid(code: &str, message: &str) -> Reply {
    let errors = json!([{"resource": "PullRequest", "code": code, "message": message}]);
    let mut body: Value =
        serde_json::from_slice(&unprocessable("Validation Failed").body).unwrap_or_default();
    body["errors"] = errors;
    Reply::json(422, &body)
}
