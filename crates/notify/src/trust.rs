//! Whose configuration this is.
//!
//! Channels and routes decide where messages go, and the configuration is a file in the tree that is checked
//! out. It never holds an address, only names of environment variables; still, who writes it chooses among
//! the variables of the job which one is taken for an address (one may hold a pull request's title), which one
//! signs, and whether anybody is told at all. So the file must come from someone with write access:
//!
//! - on an event that only they can cause, it does;
//! - on a pull request from a fork, it does not: nothing is sent, which is no failure, as forks are given no
//!   secrets either (<https://docs.github.com/actions/reference/security/secure-use>);
//! - on every other event (`pull_request_target`, `workflow_run`, `issue_comment` and those to come), GitHub
//!   names a commit of our own branches in `GITHUB_SHA`: the file is trusted while that very commit is checked
//!   out, and refused when the workflow has checked out something else.
//!
//! A step before this one that ran a stranger's code could change any file; no look at the tree can tell.

use std::path::Path;

use serde_json::Value;
use sluice_core::{CONFIG_FILE, Context, Problem};

/// Whose configuration this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Author {
    /// Of somebody who may write to the repository.
    Ours,
    /// Of the fork that a pull request comes from.
    Fork,
}

/// Events that take write access to the repository.
/// <https://docs.github.com/actions/reference/workflows-and-actions/events-that-trigger-workflows>
const OURS: [&str; 10] = [
    "create",
    "delete",
    "deployment",
    "deployment_status",
    "merge_group",
    "push",
    "release",
    "repository_dispatch",
    "schedule",
    "workflow_dispatch",
];

/// Events whose tree holds the pull request's own files.
const OF_PULL_REQUESTS: [&str; 3] = ["pull_request", "pull_request_review", "pull_request_review_comment"];

/// Finds out whose configuration this is; `file` is the name of the one that was read.
pub(crate) fn author(cx: &Context, file: &str) -> Result<Author, Problem> {
    // On a terminal it is the file of whoever sits there.
    if !cx.is_in_actions() {
        return Ok(Author::Ours);
    }
    let event = cx.variable("GITHUB_EVENT_NAME").unwrap_or_default();
    if OURS.contains(&event) {
        return Ok(Author::Ours);
    }
    if OF_PULL_REQUESTS.contains(&event) {
        return of_pull_request(cx.event()?.as_ref());
    }
    let is_ours = file == CONFIG_FILE
        && head(&cx.root().join(".git")).is_some_and(|head| cx.variable("GITHUB_SHA") == Some(&head));
    if is_ours { Ok(Author::Ours) } else { Err(not_ours(event)) }
}

fn of_pull_request(payload: Option<&Value>) -> Result<Author, Problem> {
    let pull_request = payload.and_then(|payload| payload.get("pull_request"));
    let name =
        |side: &str| Some(pull_request?.get(side)?.get("repo")?.get("full_name")?.as_str()?.to_owned());
    match (name("base"), name("head")) {
        (Some(base), Some(head)) if base == head => Ok(Author::Ours),
        // The repository of the head is null once the fork is deleted.
        (Some(_), _) => Ok(Author::Fork),
        (None, _) => Err(Problem::undecided("could not tell whether the pull request comes from a fork")
            .why("the payload of the event names no base repository")),
    }
}

fn not_ours(event: &str) -> Problem {
    Problem::misconfigured(format!("on the event {event} the checked-out configuration decides nothing"))
        .why(format!(
            "strangers can cause it, and {CONFIG_FILE} is not known to be that of the commit in GITHUB_SHA"
        ))
        .help("run notify in a job that checks out nothing but the default: `actions/checkout` without `ref`")
}

/// The commit that is checked out, read as git lays it out:
/// <https://git-scm.com/docs/gitrepository-layout>
fn head(git: &Path) -> Option<String> {
    let read = |name: &str| std::fs::read_to_string(git.join(name)).ok();
    let head = read("HEAD")?;
    let Some(reference) = head.trim().strip_prefix("ref: ") else { return Some(head.trim().to_owned()) };
    if let Some(id) = read(reference) {
        return Some(id.trim().to_owned());
    }
    let packed = read("packed-refs")?;
    let id = packed.lines().find_map(|line| line.strip_suffix(reference)?.strip_suffix(' '))?;
    Some(id.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_fork_is_told_from_a_branch() {
        let payload = |head: Value| json!({"pull_request": {"base": {"repo": {"full_name": "acme/shop"}}, "head": {"repo": head}}});
        let author = |head| of_pull_request(Some(&payload(head)));
        assert_eq!(author(json!({"full_name": "acme/shop"})).unwrap(), Author::Ours);
        assert_eq!(author(json!({"full_name": "mallory/shop"})).unwrap(), Author::Fork);
        assert_eq!(author(Value::Null).unwrap(), Author::Fork);
        assert!(of_pull_request(None).is_err());
        assert!(of_pull_request(Some(&json!({"pull_request": 1}))).is_err());
    }

    #[test]
    fn the_commit_that_is_checked_out_is_found() {
        let git = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let file = git.path().join(name);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, text).unwrap();
        };
        assert_eq!(head(git.path()), None);
        write("HEAD", "1a2b\n");
        assert_eq!(head(git.path()).as_deref(), Some("1a2b"));
        write("HEAD", "ref: refs/heads/main\n");
        assert_eq!(head(git.path()), None);
        write("packed-refs", "# pack-refs with: peeled\n9999 refs/heads/not-main\n3c4d refs/heads/main\n");
        assert_eq!(head(git.path()).as_deref(), Some("3c4d"));
        write("refs/heads/main", "5e6f\n");
        assert_eq!(head(git.path()).as_deref(), Some("5e6f"));
    }
}
