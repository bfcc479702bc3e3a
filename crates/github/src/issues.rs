//! Issues, and what people write on them.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;
use sluice_http::Method;

use crate::{Account, Api, Error, Kind, Repository, call::Call, history::Connection};

/// An issue as lists hold it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Issue {
    /// Its number.
    pub number: u64,
    /// Its page.
    pub html_url: String,
    /// Its text.
    pub body: Option<String>,
    /// Who opened it; `None` when the account is gone.
    pub user: Option<Account>,
}

/// An issue with its comments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thread {
    /// Its text.
    pub body: String,
    /// Who opened it; `None` when the account is gone.
    pub author: Option<Account>,
    /// When it was opened.
    pub created_at: Timestamp,
    /// Whether its text was changed since.
    pub is_edited: bool,
    /// Its comments, oldest first.
    pub comments: Vec<ThreadComment>,
}

/// A comment on an issue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ThreadComment {
    /// Its number.
    pub id: u64,
    /// Who wrote it; `None` when the account is gone.
    pub author: Option<Account>,
    /// Its text.
    pub body: String,
    /// When it was written.
    pub created_at: Timestamp,
    /// Whether it was changed since.
    pub is_edited: bool,
    /// Whether it was hidden.
    pub is_minimized: bool,
}

const THREAD: &str = "\
query($owner: String!, $name: String!, $number: Int!, $after: String) {
  repository(owner: $owner, name: $name) {
    issue(number: $number) {
      body createdAt lastEditedAt
      author { __typename login ...user ...bot }
      comments(first: 100, after: $after) {
        totalCount
        pageInfo { hasNextPage endCursor }
        nodes { fullDatabaseId body createdAt lastEditedAt isMinimized author { __typename login ...user ...bot } }
      }
    }
  }
}
fragment user on User { databaseId }
fragment bot on Bot { databaseId }";

#[derive(Deserialize)]
struct Reply {
    repository: Option<InRepository>,
}

#[derive(Deserialize)]
struct InRepository {
    issue: Option<IssueReply>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct IssueReply {
    body: String,
    created_at: Timestamp,
    last_edited_at: Option<Timestamp>,
    author: Option<Actor>,
    comments: Connection<CommentReply>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CommentReply {
    /// A number too large for GraphQL's own, as text.
    full_database_id: Option<String>,
    body: String,
    created_at: Timestamp,
    last_edited_at: Option<Timestamp>,
    is_minimized: bool,
    author: Option<Actor>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Actor {
    #[serde(rename = "__typename")]
    kind: String,
    login: String,
    database_id: Option<u64>,
}

impl Actor {
    /// The account; `None` for one that has no number, which is no one that can be told from others.
    fn account(self) -> Option<Account> {
        Some(Account { id: self.database_id?, login: self.login, kind: self.kind })
    }
}

impl CommentReply {
    fn comment(self) -> ThreadComment {
        ThreadComment {
            id: self.full_database_id.and_then(|id| id.parse().ok()).unwrap_or_default(),
            author: self.author.and_then(Actor::account),
            body: self.body,
            created_at: self.created_at,
            is_edited: self.last_edited_at.is_some(),
            is_minimized: self.is_minimized,
        }
    }
}

const READ: &str = "issues: read";
const WRITE: &str = "issues: write";

impl Api {
    /// Gets the open issues with a label, pull requests left out.
    ///
    /// <https://docs.github.com/en/rest/issues/issues#list-repository-issues>
    pub async fn open_issues(&self, repository: &Repository, label: &str) -> Result<Vec<Issue>, Error> {
        #[derive(Deserialize)]
        struct Entry {
            #[serde(flatten)]
            issue: Issue,
            pull_request: Option<serde::de::IgnoredAny>,
        }
        let call = Call::get(format!("read the issues of {repository}"), READ)
            .path(["repos", repository.owner(), repository.name(), "issues"])
            .query("state", "open")
            .query("labels", label);
        let found = self.all_pages::<Vec<Entry>, Entry>(call).await?;
        Ok(found.into_iter().filter(|entry| entry.pull_request.is_none()).map(|entry| entry.issue).collect())
    }

    /// Opens an issue.
    ///
    /// A reply that is lost leaves it open: who opens one looks first whether it is there.
    ///
    /// <https://docs.github.com/en/rest/issues/issues#create-an-issue>
    pub async fn open_issue(
        &self,
        repository: &Repository,
        title: &str,
        body: &str,
        label: &str,
    ) -> Result<Issue, Error> {
        let call = Call::new(Method::POST, format!("open an issue in {repository}"), WRITE)
            .path(["repos", repository.owner(), repository.name(), "issues"])
            .body(&json!({"title": title, "body": body, "labels": [label]}));
        self.json(call).await
    }

    /// Closes an issue: as done, or as not planned.
    ///
    /// <https://docs.github.com/en/rest/issues/issues#update-an-issue>
    pub async fn close_issue(
        &self,
        repository: &Repository,
        number: u64,
        is_done: bool,
    ) -> Result<(), Error> {
        let reason = if is_done { "completed" } else { "not_planned" };
        let call = Call::new(Method::PATCH, format!("close the issue {repository}#{number}"), WRITE)
            .path(["repos", repository.owner(), repository.name(), "issues", &number.to_string()])
            .body(&json!({"state": "closed", "state_reason": reason}));
        self.json(call).await.map(|_: serde::de::IgnoredAny| ())
    }

    /// Gets an issue with all its comments.
    ///
    /// <https://docs.github.com/en/graphql/reference/objects#issue>
    pub async fn thread(&self, repository: &Repository, number: u64) -> Result<Thread, Error> {
        let doing = format!("read the issue {repository}#{number}");
        let fail = |kind| Error { doing: doing.clone(), permission: READ, kind };
        let mut comments = Vec::new();
        let mut after = None;
        loop {
            let variables = json!({
                "owner": repository.owner(), "name": repository.name(), "number": number, "after": after,
            });
            let reply: Reply = self.graphql(doing.clone(), READ, THREAD, variables).await?;
            let issue = reply.repository.and_then(|repository| repository.issue);
            let issue = issue.ok_or_else(|| fail(Kind::NotFound))?;
            let (count, page) = (issue.comments.total_count, issue.comments.page_info);
            let is_empty = issue.comments.nodes.is_empty();
            comments.extend(issue.comments.nodes.into_iter().map(CommentReply::comment));
            if page.has_next_page {
                if is_empty || page.end_cursor.is_none() {
                    return Err(fail(Kind::Malformed { why: "a page of comments leads nowhere".to_owned() }));
                }
                after = page.end_cursor;
                continue;
            }
            let got = comments.len();
            if (got as u64) < count {
                return Err(fail(Kind::Incomplete { got, count }));
            }
            return Ok(Thread {
                body: issue.body,
                author: issue.author.and_then(Actor::account),
                created_at: issue.created_at,
                is_edited: issue.last_edited_at.is_some(),
                comments,
            });
        }
    }
}
