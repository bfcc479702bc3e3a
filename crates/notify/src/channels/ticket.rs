//! Issues that are kept: found again by a hidden marker, commented on instead of opened twice, closed when over.
//!
//! An issue counts as ours when its text begins with the marker and it has the label that all of ours have: strangers
//! can write any text into an issue, and can't set labels. The marker is a comment of HTML; no text of a stranger is
//! shown but inside `<code>` with its angle brackets escaped, so that none can form one.
//!
//! GitHub has nothing that keeps two runs from opening the same ticket at the same moment. So whoever opened one looks
//! again: of several the oldest stays, and each run closes its own younger one.

use serde::{Deserialize, Serialize};
use sluice_core::{Problem, escape};
use sluice_github::{Error, Issue, Kind, NewIssue};

use crate::{
    delivery::{Outcome, Post},
    github::Github,
    outputs::Delivery,
    untrusted::{Untrusted, cut, length},
};

/// <https://docs.github.com/en/rest/issues/issues#create-an-issue>: longer titles and texts are refused.
pub(super) const TITLE: usize = 256;
pub(super) const BODY: usize = 65_536;
/// Room for the markers, which are added when the ticket is sent.
const MARKERS: usize = 300;

/// A ticket to be open.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Open {
    /// What it is about: the same for the same ticket.
    pub(super) key: String,
    pub(super) title: String,
    /// In Markdown.
    pub(super) body: String,
    /// What is said instead when it is open already.
    pub(super) comment: String,
    /// The first one finds it again.
    pub(super) labels: Vec<String>,
    pub(super) assignees: Vec<String>,
}

/// A ticket to be closed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Close {
    pub(super) key: String,
    /// What is said last, in Markdown.
    pub(super) comment: String,
    pub(super) label: String,
}

/// GitHub, or why there is none.
pub(super) fn github<'a>(post: &Post<'a>, permission: &str) -> Result<&'a Github, Problem> {
    post.github.ok_or_else(|| {
        Problem::misconfigured("there is no token to speak to GitHub with")
            .why("neither the input `token` nor the variable GITHUB_TOKEN is set, or no repository is named")
            .help(format!("give `token: ${{{{ github.token }}}}`, and the job `permissions: {permission}`"))
    })
}

/// Opens the ticket, or comments on the one that is open; says the same of one run once. `told` names what is said.
pub(super) async fn open(github: &Github, ticket: &Open, told: &str) -> Outcome {
    let (marker, told) = (marker("ticket", &ticket.key), marker("told", told));
    match try_open(github, ticket, &marker, &told).await {
        Ok(outcome) => outcome,
        Err(error) => failed(error),
    }
}

async fn try_open(github: &Github, ticket: &Open, marker: &str, told: &str) -> Result<Outcome, Error> {
    let label = ticket.labels.first().map(String::as_str).unwrap_or_default();
    let open = find(github, label, marker).await?;
    if let Some(oldest) = open.first() {
        return comment(github, oldest, &ticket.comment, told).await;
    }
    let body = format!("{marker}\n{told}\n{}", ticket.body);
    let new =
        NewIssue { title: &ticket.title, body: &body, labels: &ticket.labels, assignees: &ticket.assignees };
    let api = github.api.clone().at_most_once();
    let opened = match api.create_issue(&github.repository, &new).await {
        Ok(issue) => issue,
        Err(error) if error.is_open() => {
            let open = find(github, label, marker).await?;
            let ours = open.into_iter().find(|issue| says(issue.body.as_deref(), told));
            ours.ok_or(error)?
        }
        Err(error) => return Err(error),
    };
    let open = find(github, label, marker).await?;
    match open.first() {
        Some(oldest) if oldest.number < opened.number => {
            github.api.close_issue(&github.repository, opened.number, false).await?;
            comment(github, oldest, &ticket.comment, told).await
        }
        _ => Ok(delivered(&opened, format!("opened #{}", opened.number))),
    }
}

async fn comment(github: &Github, issue: &Issue, text: &str, told: &str) -> Result<Outcome, Error> {
    let Github { api, repository, .. } = github;
    let number = issue.number;
    let comments = api.issue_comments(repository, number).await?;
    let is_told = says(issue.body.as_deref(), told) || comments.iter().any(|one| says(Some(&one.body), told));
    if is_told {
        return Ok(delivered(issue, format!("#{number} says so already")));
    }
    let api = api.clone().at_most_once();
    api.comment_on_issue(repository, number, &format!("{told}\n{text}")).await?;
    Ok(delivered(issue, format!("commented on #{number}")))
}

/// Closes the ticket, all of them should there be several; none is fine.
pub(super) async fn close(github: &Github, ticket: &Close, told: &str) -> Outcome {
    let (marker, told) = (marker("ticket", &ticket.key), marker("told", told));
    match try_close(github, ticket, &marker, &told).await {
        Ok(outcome) => outcome,
        Err(error) => failed(error),
    }
}

async fn try_close(github: &Github, ticket: &Close, marker: &str, told: &str) -> Result<Outcome, Error> {
    let open = find(github, &ticket.label, marker).await?;
    for issue in &open {
        comment(github, issue, &ticket.comment, told).await?;
        github.api.close_issue(&github.repository, issue.number, true).await?;
    }
    let numbers: Vec<String> = open.iter().map(|issue| format!("#{}", issue.number)).collect();
    Ok(match open.first() {
        Some(oldest) => delivered(oldest, format!("closed {}", numbers.join(", "))),
        None => Outcome::new(Delivery::Skipped, "no ticket is open"),
    })
}

/// The open tickets with this marker, oldest first.
async fn find(github: &Github, label: &str, marker: &str) -> Result<Vec<Issue>, Error> {
    let mut open = github.api.open_issues(&github.repository, label).await?;
    open.retain(|issue| issue.body.as_deref().is_some_and(|body| body.starts_with(marker)));
    open.sort_by_key(|issue| issue.number);
    Ok(open)
}

/// A line that GitHub does not show.
fn marker(kind: &str, key: &str) -> String {
    // Nothing in it may end the comment.
    let key: String = key.chars().filter(char::is_ascii_hexdigit).collect();
    format!("<!-- sluice:{kind} {key} -->")
}

/// Whether a text has the marker among its first lines, where ours stand.
fn says(text: Option<&str>, told: &str) -> bool {
    text.is_some_and(|text| text.lines().take(2).any(|line| line == told))
}

fn delivered(issue: &Issue, reason: String) -> Outcome {
    Outcome { message_id: Some(issue.number.to_string()), ..Outcome::new(Delivery::Delivered, reason) }
}

/// What an error of GitHub's means for a message.
pub(super) fn failed(error: Error) -> Outcome {
    let delivery = match error.kind {
        Kind::Refused { .. }
        | Kind::Forbidden { .. }
        | Kind::Unauthorized { .. }
        | Kind::NotFound
        | Kind::Conflict { .. } => Delivery::Refused,
        _ => Delivery::Unreachable,
    };
    let outcome = Outcome::of_problem(Problem::from(error));
    Outcome { delivery, ..outcome }
}

/// Text of a stranger in an issue: inside `<code>`, where GitHub makes nothing of mentions, numbers and addresses.
/// An entity would not do for a mention: it is looked for after entities are read.
pub(super) fn code(text: &Untrusted, most: usize) -> String {
    if text.is_empty() { "—".to_owned() } else { escape::markdown_code(&text.line(most)) }
}

/// The lines in order, as many as an issue has room for; what is left out is said.
pub(super) fn text(lines: &[String]) -> String {
    let mut text = String::new();
    for (index, line) in lines.iter().enumerate() {
        let rest = lines.len() - index;
        if length(&text) + length(line) + MARKERS > BODY - MARKERS {
            return cut(&text, BODY - 2 * MARKERS) + &format!("\n… and {rest} more lines\n");
        }
        text.push_str(line);
        text.push('\n');
    }
    cut(&text, BODY - MARKERS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_marker_is_what_its_key_can_not_end() {
        assert_eq!(marker("ticket", "0a --> <!-- x"), "<!-- sluice:ticket 0a -->");
    }

    #[test]
    fn a_text_of_a_stranger_is_no_mention_and_no_marker() {
        let hostile = Untrusted::from("<!-- sluice:ticket 00 -->\n@octocat #1 https://evil.example </code>");
        let shown = code(&hostile, 200);
        assert!(shown.starts_with("<code>") && shown.ends_with("</code>"));
        let inside = &shown["<code>".len()..shown.len() - "</code>".len()];
        assert!(!inside.contains(['<', '>', '@', '\n', '`', ':']), "{inside}");
    }

    #[test]
    fn no_text_is_longer_than_an_issue_takes() {
        let lines = vec!["é".repeat(5_000); 100];
        let text = text(&lines);
        assert!(length(&text) <= BODY - MARKERS && text.contains("more lines"), "{}", length(&text));
    }
}
