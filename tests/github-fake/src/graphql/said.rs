//! Queries: who made commits, and what stands on issues.

use serde_json::{Value, json};
use sluice_faulty_server::Reply;

use super::refuse;
use crate::{
    shapes::{self, number_of},
    world::{Stored, World, written},
};

/// The most entries of one page.
const PAGE: usize = 100;

pub(super) fn answer(world: &World, query: &str, variables: &Value) -> Reply {
    let text = |name: &str| variables[name].as_str().unwrap_or_default();
    let Some(stored) = world.repositories.get(&format!("{}/{}", text("owner"), text("name"))) else {
        return not_found("repository", "Repository");
    };
    let number = variables["number"].as_u64().unwrap_or_default();
    let from = text("after").parse().unwrap_or(0);
    let repository = if query.contains("object(oid: $oid)") {
        match stored.git.commit(text("oid")) {
            Some(sha) => {
                let mut commit = origin(stored, &sha);
                commit["__typename"] = json!("Commit");
                json!({"object": commit})
            }
            None => json!({"object": null}),
        }
    } else if query.contains("pullRequest(number: $number)") {
        let Some(pull) = stored.pulls.iter().find(|pull| pull.number == number) else {
            return not_found("pullRequest", "PullRequest");
        };
        let (head, base) = pull.merged().map_or_else(
            || (pull.head.clone(), pull.base.clone()),
            |merged| (merged.head.clone(), format!("{}^", merged.commit)),
        );
        let commits =
            stored.git.line(&["rev-list", "--reverse", &head, &format!("^{base}")]).unwrap_or_default();
        let commits: Vec<Value> = commits.lines().map(|sha| json!({"commit": origin(stored, sha)})).collect();
        json!({"pullRequest": {"commits": connection(&commits, from)}})
    } else {
        let Some(issue) = stored.said.issues.iter().find(|issue| issue.number == number) else {
            return not_found("issue", "Issue");
        };
        let comments = issue.comments.iter().map(|comment| {
            json!({
                "fullDatabaseId": comment.id.to_string(),
                "body": comment.body,
                "createdAt": written(comment.at),
                "lastEditedAt": comment.edited.map(written),
                "isMinimized": comment.is_minimized,
                "author": actor(&comment.by),
            })
        });
        json!({"issue": {
            "body": issue.body,
            "createdAt": written(issue.at),
            "lastEditedAt": issue.edited.map(written),
            "author": actor(&issue.by),
            "comments": connection(&comments.collect::<Vec<_>>(), from),
        }})
    };
    Reply::json(200, &json!({"data": {"repository": repository}}))
}

fn not_found(path: &str, what: &str) -> Reply {
    refuse(path, "NOT_FOUND", &format!("Could not resolve to a {what}."))
}

fn connection(all: &[Value], from: usize) -> Value {
    let to = (from + PAGE).min(all.len());
    json!({
        "totalCount": all.len(),
        "pageInfo": {"hasNextPage": to < all.len(), "endCursor": to.to_string()},
        "nodes": all[from.min(to)..to],
    })
}

/// Who writes on issues: the login of a bot has no mark here.
fn actor(login: &str) -> Value {
    let kind = if login.ends_with("[bot]") { "Bot" } else { "User" };
    json!({"__typename": kind, "login": login.trim_end_matches("[bot]"), "databaseId": number_of(login)})
}

fn origin(stored: &Stored, sha: &str) -> Value {
    let commit = shapes::Commit::read(stored, sha);
    let mut authors = vec![commit.author_email().to_owned()];
    for line in commit.message().lines() {
        let co_author = line.strip_prefix("Co-authored-by: ");
        if let Some((_, email)) = co_author.and_then(|who| who.trim_end_matches('>').split_once('<')) {
            authors.push(email.to_owned());
        }
    }
    let authors: Vec<Value> = authors.iter().map(|email| person(email)).collect();
    let signature = stored
        .signed
        .contains(sha)
        .then(|| json!({"__typename": "GpgSignature", "isValid": true, "state": "VALID"}));
    json!({
        "oid": sha,
        "authors": {"totalCount": authors.len(), "nodes": authors},
        "committer": person(commit.committer_email()),
        "signature": signature,
    })
}

/// Who an address belongs to: GitHub's own tell it, others are nobody's, and a bot is no user.
fn person(email: &str) -> Value {
    let login =
        email.strip_suffix("@users.noreply.github.com").map(|name| name.rsplit('+').next().unwrap_or(name));
    let login = login.or((email == "noreply@github.com").then_some("web-flow"));
    let login = login.filter(|login| !login.ends_with("[bot]"));
    let user = login.map(|login| json!({"databaseId": number_of(login), "login": login}));
    json!({"email": email, "user": user})
}
