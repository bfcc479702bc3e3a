//! Issues that a program keeps: opened with labels and assignees, commented on.

use serde::{Deserialize, Serialize};
use serde_json::json;
use sluice_http::Method;

use crate::{Account, Api, Error, Issue, Repository, call::Call};

/// An issue to be opened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NewIssue<'a> {
    /// Its title.
    pub title: &'a str,
    /// Its text, in Markdown.
    pub body: &'a str,
    /// Its labels; those that the repository lacks are made.
    pub labels: &'a [String],
    /// Who is to see to it, by login.
    pub assignees: &'a [String],
}

/// A comment on an issue.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct IssueComment {
    /// Its page.
    pub html_url: String,
    /// Its text.
    #[serde(default)]
    pub body: String,
    /// Who wrote it; `None` when the account is gone.
    pub user: Option<Account>,
}

const READ: &str = "issues: read";
const WRITE: &str = "issues: write";

impl Api {
    /// Opens an issue.
    ///
    /// A reply that is lost leaves open whether it is there: who opens one sends it [`at_most_once`](Self::at_most_once)
    /// and looks.
    ///
    /// <https://docs.github.com/en/rest/issues/issues#create-an-issue>
    pub async fn create_issue(&self, repository: &Repository, issue: &NewIssue<'_>) -> Result<Issue, Error> {
        let call = Call::new(Method::POST, format!("open an issue in {repository}"), WRITE)
            .path(["repos", repository.owner(), repository.name(), "issues"])
            .body(issue);
        self.json(call).await
    }

    /// Writes a comment on an issue.
    ///
    /// <https://docs.github.com/en/rest/issues/comments#create-an-issue-comment>
    pub async fn comment_on_issue(
        &self,
        repository: &Repository,
        number: u64,
        body: &str,
    ) -> Result<IssueComment, Error> {
        let call = comments(Method::POST, "comment on", WRITE, repository, number);
        self.json(call.body(&json!({ "body": body }))).await
    }

    /// Gets the comments on an issue, oldest first.
    ///
    /// <https://docs.github.com/en/rest/issues/comments#list-issue-comments>
    pub async fn issue_comments(
        &self,
        repository: &Repository,
        number: u64,
    ) -> Result<Vec<IssueComment>, Error> {
        let call = comments(Method::GET, "read the comments on", READ, repository, number);
        self.all_pages::<Vec<IssueComment>, IssueComment>(call).await
    }
}

fn comments(
    method: Method,
    doing: &str,
    permission: &'static str,
    repository: &Repository,
    number: u64,
) -> Call {
    let call = Call::new(method, format!("{doing} the issue {repository}#{number}"), permission);
    call.path(["repos", repository.owner(), repository.name(), "issues", &number.to_string(), "comments"])
}
