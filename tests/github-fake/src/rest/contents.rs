//! Files by their paths.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use sluice_faulty_server::Reply;

use super::{Asked, not_found, url};
use crate::{reply::GitHubReply as _, world::Stored};

pub(super) fn get(stored: &Stored, asked: &Asked<'_>, path: &str) -> Reply {
    let git = &stored.git;
    let revision = asked.request.parameter("ref").unwrap_or_else(|| "main".to_owned());
    let Some(commit) = git.commit(&revision) else {
        return Reply::error(404, &format!("No commit found for the ref {revision}"));
    };
    let path = path.trim_matches('/');
    let Some(sha) = git.object(&format!("{commit}:{path}")) else { return not_found() };
    match git.kind(&sha).as_deref() {
        Some("blob") => {
            let content = git.contents("blob", &sha).unwrap_or_default();
            if asked.accepts("raw") {
                return Reply::of_kind("application/vnd.github.raw+json; charset=utf-8", 200, content);
            }
            let mut file = entry(stored, asked, path, &sha, "file", content.len());
            file["encoding"] = "base64".into();
            file["content"] = STANDARD.encode(&content).into();
            Reply::json(200, &file)
        }
        Some("tree") => {
            let listed = git.run(&["ls-tree", "-l", &sha]);
            let entries: Vec<Value> = listed
                .lines()
                .filter_map(|line| {
                    let (head, name) = line.split_once('\t')?;
                    let words: Vec<&str> = head.split_whitespace().collect();
                    let kind = if words.get(1) == Some(&"tree") { "dir" } else { "file" };
                    let size = words.get(3)?.parse().unwrap_or_default();
                    let path = format!("{path}/{name}");
                    Some(entry(stored, asked, path.trim_start_matches('/'), words.get(2)?, kind, size))
                })
                .collect();
            Reply::json(200, &Value::Array(entries))
        }
        _ => not_found(),
    }
}

fn entry(stored: &Stored, asked: &Asked<'_>, path: &str, sha: &str, kind: &str, size: usize) -> Value {
    let link = url(asked, stored, &format!("contents/{path}"));
    let git = url(asked, stored, &format!("git/blobs/{sha}"));
    let page = format!("{}/{}/blob/main/{path}", asked.address, stored.full_name);
    json!({
        "type": kind,
        "size": size,
        "name": path.rsplit('/').next(),
        "path": path,
        "sha": sha,
        "url": link,
        "git_url": git,
        "html_url": page,
        "download_url": page,
        "_links": {"self": link, "git": git, "html": page},
    })
}
