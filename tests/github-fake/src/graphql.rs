//! The GraphQL API: what the REST API has nothing for.

mod said;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::{
    git::Change,
    message::{Reply, Request},
    world::World,
};

pub(crate) fn answer(world: &mut World, request: &Request) -> Reply {
    if let Some(token) = &world.token
        && request.header("authorization") != Some(&format!("Bearer {token}"))
    {
        return Reply::error(401, "Bad credentials");
    }
    let body = request.json();
    let query = body["query"].as_str().unwrap_or_default();
    if query.contains("createCommitOnBranch(input: $input)") {
        return create_commit_on_branch(world, &body["variables"]["input"])
            .unwrap_or_else(|(kind, message)| refuse("createCommitOnBranch", kind, &message));
    }
    if query.contains("repository(owner: $owner, name: $name)") {
        return said::answer(world, query, &body["variables"]);
    }
    refuse("query", "INVALID", "the stand-in does not know this query")
}

fn refuse(path: &str, kind: &str, message: &str) -> Reply {
    let error = json!({
        "type": kind,
        "path": [path],
        "locations": [{"line": 2, "column": 3}],
        "message": message,
    });
    let data = if path == "createCommitOnBranch" { json!({path: null}) } else { Value::Null };
    Reply::json(200, &json!({"data": data, "errors": [error]}))
}

/// One commit on the head that is expected, or none.
///
/// <https://docs.github.com/en/graphql/reference/mutations#createcommitonbranch>
fn create_commit_on_branch(world: &mut World, input: &Value) -> Result<Reply, (&'static str, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (name, branch) =
        (text(&input["branch"]["repositoryNameWithOwner"]), text(&input["branch"]["branchName"]));
    let expected = text(&input["expectedHeadOid"]);
    let now = world.now();
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
    let commit = stored.git.write_commit(&tree, &[&head], &message, "web-flow", now);
    stored.git.run(&["update-ref", &full, &commit, &head]);
    stored.signed.insert(commit.clone());
    Ok(Reply::json(200, &json!({"data": {"createCommitOnBranch": {"commit": {"oid": commit}}}})))
}
