//! The Git Data API: references, commits, trees, blobs.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use sluice_faulty_server::Reply;

use super::{Asked, not_found, unprocessable, url};
use crate::{
    git::{Change, is_sha},
    reply,
    shapes::{Commit, node},
    world::Stored,
};

pub(super) fn resolve(stored: &Stored, asked: &Asked<'_>, revision: &str) -> Reply {
    let Some(sha) = stored.git.commit(revision) else {
        return unprocessable(&format!("No commit found for SHA: {revision}"));
    };
    if asked.accepts("application/vnd.github.sha") {
        return Reply::of_kind("application/vnd.github.sha; charset=utf-8", 200, sha);
    }
    Reply::json(200, &Commit::read(stored, &sha).of_list(asked.address, &stored.full_name))
}

/// The commits in the history of one, the newest first.
pub(super) fn history(stored: &Stored, asked: &Asked<'_>) -> Reply {
    let from = asked.request.parameter("sha").unwrap_or_else(|| "main".to_owned());
    let Some(from) = stored.git.commit(&from) else { return not_found() };
    let listed = stored.git.run(&["rev-list", "--topo-order", &from]);
    let commits: Vec<Value> = listed
        .lines()
        .map(|sha| Commit::read(stored, sha).of_list(asked.address, &stored.full_name))
        .collect();
    reply::list(asked.request, asked.address, &commits, Value::Array)
}

pub(super) fn reference(stored: &Stored, asked: &Asked<'_>, name: &str) -> Reply {
    match stored.git.object(&format!("refs/{name}")) {
        Some(sha) => Reply::json(200, &reference_shape(stored, asked, &format!("refs/{name}"), &sha)),
        None => not_found(),
    }
}

pub(super) fn create_reference(stored: &Stored, asked: &Asked<'_>) -> Reply {
    let (Some(name), Some(sha)) = (asked.text("ref"), asked.text("sha")) else {
        return unprocessable("Invalid request.\n\n\"ref\", \"sha\" weren't supplied.");
    };
    if stored.git.kind(sha).is_none() {
        return unprocessable("Object does not exist");
    }
    // An empty old value: only a reference that is not there is made.
    if stored.git.ask(&["update-ref", name, sha, ""]).is_none() {
        return unprocessable("Reference already exists");
    }
    Reply::json(201, &reference_shape(stored, asked, name, sha))
}

pub(super) fn update_reference(stored: &Stored, asked: &Asked<'_>, name: &str) -> Reply {
    let git = &stored.git;
    let Some(sha) = asked.text("sha") else { return unprocessable("Invalid request.") };
    let full = format!("refs/{name}");
    let Some(old) = git.object(&full) else { return unprocessable("Reference does not exist") };
    if git.kind(sha).is_none() {
        return unprocessable("Object does not exist");
    }
    if let Some(rule) = name.strip_prefix("heads/").and_then(|branch| stored.rule_against(branch)) {
        return unprocessable(&rule);
    }
    if asked.body["force"] != true && !git.is_ancestor(&old, sha) {
        return unprocessable("Update is not a fast forward");
    }
    git.run(&["update-ref", &full, sha, &old]);
    Reply::json(200, &reference_shape(stored, asked, &full, sha))
}

fn reference_shape(stored: &Stored, asked: &Asked<'_>, name: &str, sha: &str) -> Value {
    let kind = stored.git.kind(sha).unwrap_or_default();
    let short = name.trim_start_matches("refs/");
    json!({
        "ref": name,
        "node_id": node("REF", stored.id),
        "url": url(asked, stored, &format!("git/refs/{short}")),
        "object": {"type": kind, "sha": sha, "url": url(asked, stored, &format!("git/{kind}s/{sha}"))},
    })
}

pub(super) fn commit(stored: &Stored, asked: &Asked<'_>, sha: &str) -> Reply {
    if stored.git.kind(sha).as_deref() != Some("commit") {
        return not_found();
    }
    Reply::json(200, &Commit::read(stored, sha).of_git(asked.address, &stored.full_name))
}

pub(super) fn create_commit(stored: &mut Stored, asked: &Asked<'_>) -> Reply {
    let (Some(message), Some(tree)) = (asked.text("message"), asked.text("tree")) else {
        return unprocessable("Invalid request.\n\n\"message\", \"tree\" weren't supplied.");
    };
    let parents: Vec<&str> =
        asked.body["parents"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    if stored.git.kind(tree).as_deref() != Some("tree") {
        return unprocessable("Tree SHA does not exist");
    }
    if parents.iter().any(|parent| stored.git.kind(parent).as_deref() != Some("commit")) {
        return unprocessable("Parent SHA does not exist or is not a commit object");
    }
    let sha = stored.git.write_commit(tree, &parents, message, asked.login, asked.now);
    // GitHub signs what it makes for an app, unless the app names an author of its own.
    if asked.body["author"].is_null() {
        stored.signed.insert(sha.clone());
    }
    Reply::json(201, &Commit::read(stored, &sha).of_git(asked.address, &stored.full_name))
}

pub(super) fn tree(stored: &Stored, asked: &Asked<'_>, name: &str) -> Reply {
    let Some(sha) = stored.git.object(&format!("{name}^{{tree}}")) else { return not_found() };
    let recursive = asked.request.parameter("recursive").is_some();
    Reply::json(200, &tree_shape(stored, asked, &sha, recursive))
}

fn tree_shape(stored: &Stored, asked: &Asked<'_>, sha: &str, recursive: bool) -> Value {
    let mut arguments = vec!["ls-tree", "-z", "--long", "--full-tree"];
    if recursive {
        arguments.extend(["-r", "-t"]);
    }
    arguments.push(sha);
    let listed = stored.git.ask(&arguments).unwrap_or_default();
    let entries: Vec<Value> = listed
        .split(|byte| *byte == 0)
        .filter_map(|line| {
            let line = String::from_utf8_lossy(line);
            let (head, path) = line.split_once('\t')?;
            let words: Vec<&str> = head.split_whitespace().collect();
            let [mode, kind, sha, size] = words.as_slice() else { return None };
            let mut entry = json!({"path": path, "mode": mode, "type": kind, "sha": sha});
            if *kind != "commit" {
                entry["url"] = url(asked, stored, &format!("git/{kind}s/{sha}")).into();
            }
            if let Ok(size) = size.parse::<u64>() {
                entry["size"] = size.into();
            }
            Some(entry)
        })
        .collect();
    let told = entries.len().min(stored.most_entries);
    json!({
        "sha": sha,
        "url": url(asked, stored, &format!("git/trees/{sha}")),
        "tree": entries[..told],
        "truncated": told < entries.len(),
    })
}

pub(super) fn create_tree(stored: &Stored, asked: &Asked<'_>) -> Reply {
    let git = &stored.git;
    let base = asked.text("base_tree");
    if base.is_some_and(|base| git.object(&format!("{base}^{{tree}}")).is_none()) {
        return unprocessable("base_tree is not a valid tree oid");
    }
    let mut changes: Vec<Change> = Vec::new();
    for entry in asked.body["tree"].as_array().into_iter().flatten() {
        let path = entry["path"].as_str().unwrap_or_default().to_owned();
        let mode = entry["mode"].as_str().unwrap_or("100644").to_owned();
        let change = match (&entry["sha"], entry["content"].as_str()) {
            (Value::String(sha), _) if git.kind(sha).is_some() => Some((mode, sha.clone())),
            (Value::String(sha), _) => return unprocessable(&format!("tree.sha {sha} is not a valid blob")),
            (_, Some(content)) => Some((mode, git.write_blob(content.as_bytes()))),
            _ => None,
        };
        changes.push((path, change));
    }
    match git.write_tree(base, &changes) {
        Some(sha) => Reply::json(201, &tree_shape(stored, asked, &sha, false)),
        None => unprocessable("GitRPC::BadObjectState"),
    }
}

pub(super) fn blob(stored: &Stored, asked: &Asked<'_>, sha: &str) -> Reply {
    let content = is_sha(sha).then(|| stored.git.contents("blob", sha)).flatten();
    let Some(content) = content else { return not_found() };
    if asked.accepts("raw") {
        return Reply::of_kind("application/vnd.github.raw+json; charset=utf-8", 200, content);
    }
    let blob = json!({
        "sha": sha,
        "node_id": node("B", stored.id),
        "size": content.len(),
        "url": url(asked, stored, &format!("git/blobs/{sha}")),
        "content": STANDARD.encode(&content),
        "encoding": "base64",
    });
    Reply::json(200, &blob)
}

pub(super) fn create_blob(stored: &Stored, asked: &Asked<'_>) -> Reply {
    let Some(content) = asked.text("content") else { return unprocessable("Invalid request.") };
    let content = match asked.text("encoding") {
        Some("base64") => match STANDARD.decode(content) {
            Ok(content) => content,
            Err(_) => return unprocessable("content is not valid Base64"),
        },
        _ => content.as_bytes().to_vec(),
    };
    let sha = stored.git.write_blob(&content);
    Reply::json(201, &json!({"sha": sha, "url": url(asked, stored, &format!("git/blobs/{sha}"))}))
}
