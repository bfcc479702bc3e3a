//! Exchanges, kept for judgement by GitHub's own description of its API.

use std::{io::Write as _, path::PathBuf};

use serde_json::{Value, json};

use crate::message::{Reply, Request};

/// Where exchanges are recorded: one file a process, in a folder that all tests share.
pub(crate) fn folder() -> Option<PathBuf> {
    #[expect(clippy::disallowed_methods, reason = "a part of tests, which have no context")]
    std::env::var_os("SLUICE_GITHUB_EXCHANGES").map(PathBuf::from)
}

/// Records one exchange. A reply that a fault made is no word of this stand-in: then only the request is.
pub(crate) fn record(request: &Request, reply: Option<&Reply>) {
    let Some(folder) = folder() else { return };
    let exchange = json!({
        "request": {
            "method": request.method,
            "path": request.path,
            "query": request.query,
            "headers": headers(&request.headers),
            "body": text(&request.body),
        },
        "reply": reply.map(|reply| json!({
            "status": reply.status,
            "headers": headers(&reply.headers),
            "body": text(&reply.body),
        })),
    });
    std::fs::create_dir_all(&folder).expect("a folder for exchanges");
    let file = folder.join(format!("{}.jsonl", std::process::id()));
    let mut file =
        std::fs::OpenOptions::new().create(true).append(true).open(file).expect("a file for exchanges");
    // One write, so that the lines of several servers do not mix.
    file.write_all(format!("{exchange}\n").as_bytes()).expect("to record an exchange");
}

fn headers(headers: &[(String, String)]) -> Value {
    let told = headers.iter().filter(|(name, _)| name != "authorization");
    told.map(|(name, value)| (name.clone(), Value::from(value.as_str())))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

/// A body, as far as it is text.
fn text(body: &[u8]) -> Option<&str> {
    std::str::from_utf8(body).ok()
}
