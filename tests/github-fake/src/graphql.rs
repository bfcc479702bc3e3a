//! The GraphQL API: what the REST API has nothing for.

mod said;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use sluice_faulty_server::{Reply, Request};

use crate::{git::Change, reply::GitHubReply as _, shapes::node, world::World};

pub(crate) fn answer(world: &mut World, request: &Request) -> Reply {
    if let Some(token) = &world.token
        && request.header("authorization") != Some(&format!("Bearer {token}"))
    {
        return Reply::error(401, "Bad credentials");
    }
    let body = request.json();
    let query = body["query"].as_str().unwrap_or_default();
    if query.contains("createCommitOnBranch(input: $input)") {
        return answered("createCommitOnBranch", create_commit_on_branch(world, &body["variables"]["input"]));
    }
    if query.contains("updateRefs(input: $input)") {
        return answered("updateRefs", update_refs(world, &body["variables"]["input"]));
    }
    if query.contains("enablePullRequestAutoMerge(input: $input)") {
        let outcome = enable_auto_merge(world, &body["variables"]["input"]);
        return answered("enablePullRequestAutoMerge", outcome);
    }
    if query.contains("repository(owner: $owner, name: $name)") {
        return said::answer(world, query, &body["variables"]);
    }
    refuse("query", "INVALID", "the stand-in does not know this query")
}

/// What a mutation comes to: its payload, or the type and the words of an error.
type Outcome = Result<Value, (&'static str, String)>;

fn answered(mutation: &str, outcome: Outcome) -> Reply {
    match outcome {
        Ok(payload) => Reply::json(200, &json!({"data": {mutation: payload}})),
        Err((kind, message)) => told(mutation, kind, &message, &json!({mutation: null})),
    }
}

/// A query that finds nothing.
fn refuse(path: &str, kind: &str, message: &str) -> Reply {
    told(path, kind, message, &Value::Null)
}

fn told(path: &str, kind: &str, message: &str, data: &Value) -> Reply {
    let error = json!({
        "type": kind,
        "path": [path],
        "locations": [{"line": 2, "column": 3}],
        "message": message,
    });
    Reply::json(200, &json!({"data": data, "errors": [error]}))
}

/// Branches that move together, each from where it is said to be, or not at all. The words of the refusal are the
/// stand-in's: GitHub's are not documented.
///
/// <https://docs.github.com/en/graphql/reference/mutations#updaterefs>
fn update_refs(world: &mut World, input: &Value) -> Outcome {
    let not_found = || ("NOT_FOUND", "Could not resolve to a node with that global id".to_owned());
    let stored = world.repositories.values_mut().find(|stored| node("R", stored.id) == input["repositoryId"]);
    let stored = stored.ok_or_else(not_found)?;
    if let Some(rule) = stored.rule_against_writing() {
        return Err(("FORBIDDEN", rule.to_owned()));
    }
    let git = &stored.git;
    for update in input["refUpdates"].as_array().into_iter().flatten() {
        let (name, before, after) =
            (text(&update["name"]), text(&update["beforeOid"]), text(&update["afterOid"]));
        if git.object(&name).as_deref() != Some(&before) {
            return Err(("UNPROCESSABLE", format!("Reference {name} is not at {before}")));
        }
        if let Some(rule) = name.strip_prefix("refs/heads/").and_then(|branch| stored.rule_against(branch)) {
            return Err(("UNPROCESSABLE", rule));
        }
        if update["force"] != true && !git.is_ancestor(&before, &after) {
            return Err(("UNPROCESSABLE", "Update is not a fast forward".to_owned()));
        }
    }
    for update in input["refUpdates"].as_array().into_iter().flatten() {
        git.run(&["update-ref", &text(&update["name"]), &text(&update["afterOid"])]);
    }
    Ok(json!({"clientMutationId": null}))
}

/// Words as people report them: <https://github.com/peter-evans/enable-pull-request-automerge/issues/343>.
fn enable_auto_merge(world: &mut World, input: &Value) -> Outcome {
    let not_found = || ("NOT_FOUND", "Could not resolve to a node with that global id".to_owned());
    let id = &input["pullRequestId"];
    let mut all = world.repositories.values_mut();
    let (allows, pull) = all
        .find_map(|stored| {
            let allows = stored.allows_auto_merge;
            Some((allows, stored.pulls.iter_mut().find(|pull| node("PR", pull.id) == *id)?))
        })
        .ok_or_else(not_found)?;
    if !allows {
        return Err(("UNPROCESSABLE", "Auto merge is not allowed for this repository".to_owned()));
    }
    if !pull.waits {
        return Err(("UNPROCESSABLE", "Pull request Pull request is in clean status".to_owned()));
    }
    pull.auto_merge = Some(text(&input["mergeMethod"]));
    Ok(json!({"clientMutationId": null}))
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// One commit on the head that is expected, or none.
///
/// <https://docs.github.com/en/graphql/reference/mutations#createcommitonbranch>
fn create_commit_on_branch(world: &mut World, input: &Value) -> Outcome {
    let (name, branch) =
        (text(&input["branch"]["repositoryNameWithOwner"]), text(&input["branch"]["branchName"]));
    let expected = text(&input["expectedHeadOid"]);
    let (now, login) = (world.now(), world.login.clone());
    let not_found =
        |what: &str| ("NOT_FOUND", format!("Could not resolve to a {what} with the name '{name}'."));
    let stored = world.repositories.get_mut(&name).ok_or_else(|| not_found("Repository"))?;
    let full = format!("refs/heads/{}", branch.trim_start_matches("refs/heads/"));
    let head = stored.git.object(&full).ok_or_else(|| not_found("Ref"))?;
    if head != expected {
        let message =
            format!("Expected branch to point to \"{expected}\" but it did not.  Pull and try again.");
        return Err(("STALE_DATA", message));
    }
    if let Some(rule) = stored.rule_against_writing() {
        return Err(("FORBIDDEN", rule.to_owned()));
    }
    if let Some(rule) = stored.rule_against(&branch) {
        return Err(("UNPROCESSABLE", rule));
    }
    let mut changes: Vec<Change> = Vec::new();
    for addition in input["fileChanges"]["additions"].as_array().into_iter().flatten() {
        let path = text(&addition["path"]);
        let content = STANDARD.decode(text(&addition["contents"]));
        let content =
            content.map_err(|_| ("UNPROCESSABLE", format!("The contents of {path} are not Base64")))?;
        changes.push((path, Some(("100644".to_owned(), stored.git.write_blob(&content)))));
    }
    for deletion in input["fileChanges"]["deletions"].as_array().into_iter().flatten() {
        changes.push((text(&deletion["path"]), None));
    }
    let missing = || ("UNPROCESSABLE", "A path that is to be removed is not there".to_owned());
    let tree = stored.git.write_tree(Some(&head), &changes).ok_or_else(missing)?;
    let mut message = text(&input["message"]["headline"]);
    if let Some(body) = input["message"]["body"].as_str().filter(|body| !body.is_empty()) {
        message = format!("{message}\n\n{body}");
    }
    let commit = stored.git.write_commit(&tree, &[&head], &message, &login, now);
    stored.git.run(&["update-ref", &full, &commit, &head]);
    stored.signed.insert(commit.clone());
    Ok(json!({"commit": {"oid": commit}}))
}
