//! Fetching over HTTP: git's own server program answers, of any protocol version and with filters.
//!
//! <https://git-scm.com/docs/git-http-backend>

use std::{path::PathBuf, process::Command};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use sluice_faulty_server::{Reply, Request};

use crate::{git::feed, world::World};

/// What a fetch needs of the world, so that others need not wait for it.
pub(crate) struct Fetch {
    folder: PathBuf,
    path: String,
}

/// Finds the repository of a fetch; a reply when it is not answered.
pub(crate) fn find(world: &World, request: &Request) -> Result<Fetch, Reply> {
    let plain = |status, text: &str| Reply { status, headers: Vec::new(), body: text.as_bytes().to_vec() };
    if let Some(token) = &world.token {
        let credentials = request.header("authorization").and_then(|value| value.strip_prefix("Basic "));
        let decoded =
            credentials.and_then(|credentials| STANDARD.decode(credentials).ok()).unwrap_or_default();
        // Any user name will do: the token is the password.
        let password = decoded.splitn(2, |byte| *byte == b':').nth(1);
        if password != Some(token.as_bytes()) {
            return Err(
                plain(401, "Invalid username or token.").header("www-authenticate", "Basic realm=\"GitHub\"")
            );
        }
    }
    let mut segments = request.path.splitn(4, '/').skip(1);
    let not_found = || plain(404, "Repository not found.");
    let (Some(owner), Some(name), Some(service)) = (segments.next(), segments.next(), segments.next()) else {
        return Err(not_found());
    };
    let full_name = format!("{owner}/{}", name.trim_end_matches(".git"));
    let is_read = match service {
        "info/refs" => request.query == "service=git-upload-pack",
        service => service == "git-upload-pack",
    };
    if !is_read {
        return Err(plain(403, "only fetching is answered"));
    }
    let stored = world.repositories.get(&full_name).ok_or_else(not_found)?;
    Ok(Fetch { folder: stored.git.folder().to_owned(), path: format!("/{service}") })
}

/// Lets git answer.
pub(crate) fn answer(fetch: &Fetch, request: &Request) -> Reply {
    let mut command = Command::new("git");
    command
        .arg("http-backend")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_SYSTEM", "/dev/null")
        .env("GIT_PROJECT_ROOT", &fetch.folder)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("PATH_INFO", &fetch.path)
        .env("REQUEST_METHOD", &request.method)
        .env("QUERY_STRING", &request.query)
        .env("CONTENT_TYPE", request.header("content-type").unwrap_or_default())
        .env("CONTENT_LENGTH", request.body.len().to_string())
        .env("HTTP_CONTENT_ENCODING", request.header("content-encoding").unwrap_or_default())
        .env("GIT_PROTOCOL", request.header("git-protocol").unwrap_or_default());
    let output = feed(&mut command, &request.body);
    let said = output.stdout;
    let end = said.windows(4).position(|window| window == b"\r\n\r\n").expect("a reply of git http-backend");
    let head = String::from_utf8_lossy(&said[..end]).into_owned();
    let mut reply = Reply { status: 200, headers: Vec::new(), body: said[end + 4..].to_vec() };
    for line in head.lines() {
        let (name, value) = line.split_once(": ").unwrap_or((line, ""));
        match name.to_ascii_lowercase().as_str() {
            "status" => reply.status = value[..3].parse().expect("a status"),
            name => reply = reply.header(name, value),
        }
    }
    reply
}
