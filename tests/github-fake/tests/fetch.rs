//! Git fetches from the stand-in as it does from GitHub.

#![expect(clippy::unwrap_used, reason = "in a test it is the way to fail")]

use std::{path::Path, process::Command};

use sluice_github_fake::{File, GitHub};

/// Runs git in a folder; what it says when it succeeds, and when it fails.
fn git(folder: &Path, arguments: &[&str]) -> Result<String, String> {
    let mut command = Command::new("git");
    command.args(arguments).current_dir(folder).env("GIT_TERMINAL_PROMPT", "0");
    command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_SYSTEM", "/dev/null");
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap().trim().to_owned();
    if output.status.success() { Ok(text(output.stdout)) } else { Err(text(output.stderr)) }
}

#[test]
fn one_commit_is_fetched_by_its_name_without_blobs() {
    let github = GitHub::start();
    let repository = github.repository("acme/shop");
    let first = repository.commit("main", "Begin", &[File::new("a", "content")]);
    let second = repository.commit("main", "Go on", &[File::new("b", "content")]);
    // No branch leads to it any more.
    repository.branch("main", &second);
    let lost = repository.commit("gone", "Lost", &[File::new("c", "")]);
    repository.git(&["update-ref", "-d", "refs/heads/gone"]);

    let folder = tempfile::tempdir().unwrap();
    git(folder.path(), &["init", "--quiet"]).unwrap();
    for commit in [&first, &lost] {
        let url = repository.clone_url();
        let arguments = ["fetch", "--quiet", "--depth=1", "--filter=blob:none", &url, commit];
        git(folder.path(), &arguments).unwrap();
        assert_eq!(git(folder.path(), &["cat-file", "-t", commit]).unwrap(), "commit");
    }
    let missing = ["rev-list", "--objects", "--missing=print", &first];
    let missing = git(folder.path(), &missing).unwrap();
    assert!(missing.lines().any(|line| line.starts_with('?')), "the blob came, too: {missing}");
    let requests = github.requests();
    assert!(
        requests.iter().any(|request| request.header("git-protocol") == Some("version=2")),
        "{requests:?}"
    );
}

#[test]
fn who_brings_the_token_may_fetch_and_no_one_else() {
    let github = GitHub::start();
    let repository = github.repository("acme/shop");
    let head = repository.commit("main", "Begin", &[File::new("a", "content")]);
    github.require_token("ghs_0123456789");
    let folder = tempfile::tempdir().unwrap();
    let list = |user: &str| {
        let url = repository.clone_url().replace("://", &format!("://{user}"));
        git(folder.path(), &["ls-remote", &url, "refs/heads/main"])
    };
    assert!(list("x-access-token:ghs_0123456789@").unwrap().starts_with(&head));
    assert!(list("x-access-token:ghs_other@").unwrap_err().contains("Authentication failed"));
    assert!(list("").is_err());
}

#[test]
fn what_is_not_there_is_not_fetched_and_nothing_is_pushed() {
    let github = GitHub::start();
    let repository = github.repository("acme/shop");
    let head = repository.commit("main", "Begin", &[File::new("a", "content")]);
    let folder = tempfile::tempdir().unwrap();
    let url = repository.clone_url();
    assert!(git(folder.path(), &["ls-remote", &url.replace("shop", "other")]).is_err());
    git(folder.path(), &["clone", "--quiet", &url, "shop"]).unwrap();
    let clone = folder.path().join("shop");
    assert_eq!(git(&clone, &["rev-parse", "HEAD"]).unwrap(), head);
    assert!(git(&clone, &["push", "origin", "HEAD:refs/heads/other"]).is_err());
    assert_eq!(repository.head("other"), None);
}
