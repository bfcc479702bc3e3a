//! Pull requests.

use serde::{Deserialize, Serialize};
use serde_json::json;
use sluice_http::Method;

use crate::{Api, Error, Repository, Sha, call::Call};

/// A pull request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PullRequest {
    /// Its number in the repository.
    pub number: u64,
    /// Its name in the GraphQL API.
    pub node_id: String,
    /// Its page.
    pub html_url: String,
    /// Whether it is open or closed.
    pub state: PullRequestState,
    /// Its title.
    pub title: String,
    /// Its text, empty when there is none.
    pub body: String,
    /// The branch that it comes from.
    pub head: String,
    /// The newest commit of that branch.
    pub head_sha: Sha,
    /// The branch that it goes to.
    pub base: String,
    /// Who opened it: with the job's own token `github-actions[bot]`. Empty when the account is gone.
    pub author: String,
    /// Its labels.
    pub labels: Vec<String>,
    /// Whether it merges by itself.
    pub auto_merge: bool,
}

/// How a pull request is merged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum MergeMethod {
    /// With a merge commit.
    Merge,
    /// As one commit.
    Squash,
    /// Its commits on top of the base.
    Rebase,
}

/// Whether a pull request merges by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AutoMerge {
    /// It does as soon as what is required of it is there.
    On,
    /// Nothing is required of it that is not there: GitHub turns nothing on.
    NothingToWaitFor,
}

/// Whether a pull request is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PullRequestState {
    /// It waits.
    Open,
    /// It is merged or given up.
    Closed,
}

/// A pull request to be opened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NewPullRequest<'a> {
    /// Its title.
    pub title: &'a str,
    /// Its text, in Markdown.
    pub body: &'a str,
    /// The branch that it comes from, in the same repository.
    pub head: &'a str,
    /// The branch that it goes to.
    pub base: &'a str,
}

#[derive(Deserialize)]
struct Reply {
    number: u64,
    node_id: String,
    html_url: String,
    state: PullRequestState,
    title: String,
    body: Option<String>,
    head: Branch,
    base: Branch,
    user: Option<User>,
    #[serde(default)]
    labels: Vec<Label>,
    auto_merge: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
struct Label {
    name: String,
}

#[derive(Deserialize)]
struct User {
    login: String,
}

#[derive(Deserialize)]
struct Branch {
    #[serde(rename = "ref")]
    name: String,
    sha: Sha,
}

impl From<Reply> for PullRequest {
    fn from(reply: Reply) -> Self {
        Self {
            number: reply.number,
            node_id: reply.node_id,
            html_url: reply.html_url,
            state: reply.state,
            title: reply.title,
            body: reply.body.unwrap_or_default(),
            head: reply.head.name,
            head_sha: reply.head.sha,
            base: reply.base.name,
            author: reply.user.map(|user| user.login).unwrap_or_default(),
            labels: reply.labels.into_iter().map(|label| label.name).collect(),
            auto_merge: reply.auto_merge.is_some(),
        }
    }
}

const WRITE: &str = "pull-requests: write";

const ENABLE_AUTO_MERGE: &str = "\
mutation($input: EnablePullRequestAutoMergeInput!) {
  enablePullRequestAutoMerge(input: $input) { clientMutationId }
}";

impl Api {
    /// Finds the open pull requests from one branch of this repository to another: one at most, as GitHub has it.
    ///
    /// <https://docs.github.com/en/rest/pulls/pulls#list-pull-requests>
    pub async fn open_pull_requests(
        &self,
        repository: &Repository,
        head: &str,
        base: &str,
    ) -> Result<Vec<PullRequest>, Error> {
        let doing = format!("find the pull request from {head} to {base} in {repository}");
        let call = Call::get(doing, "pull-requests: read")
            .path(["repos", repository.owner(), repository.name(), "pulls"])
            .query("state", "open")
            .query("head", &format!("{}:{head}", repository.owner()))
            .query("base", base);
        let found = self.all_pages::<Vec<Reply>, Reply>(call).await?;
        // A filter that GitHub can't make sense of is one that it passes over.
        let found = found.into_iter().filter(|pull| pull.head.name == head && pull.base.name == base);
        Ok(found.map(PullRequest::from).collect())
    }

    /// Finds the newest pull request from one branch of this repository to another that was closed, merged or not, when
    /// its branch was at this commit.
    ///
    /// <https://docs.github.com/en/rest/pulls/pulls#list-pull-requests>
    pub async fn closed_pull_request(
        &self,
        repository: &Repository,
        head: &str,
        base: &str,
        sha: &Sha,
    ) -> Result<Option<PullRequest>, Error> {
        let doing = format!("find the closed pull requests from {head} to {base} in {repository}");
        let call = Call::get(doing, "pull-requests: read")
            .path(["repos", repository.owner(), repository.name(), "pulls"])
            .query("state", "closed")
            .query("head", &format!("{}:{head}", repository.owner()))
            .query("base", base);
        self.find_in_pages::<Vec<Reply>, Reply, PullRequest>(call, |pull| {
            let is_it = pull.head.name == head && pull.base.name == base && pull.head.sha == *sha;
            is_it.then(|| pull.into())
        })
        .await
    }

    /// Lets a pull request merge as soon as what is required of it is there.
    ///
    /// <https://docs.github.com/en/graphql/reference/mutations#enablepullrequestautomerge>
    pub async fn enable_auto_merge(
        &self,
        repository: &Repository,
        pull: &PullRequest,
        method: MergeMethod,
    ) -> Result<AutoMerge, Error> {
        let doing = format!("turn on auto-merge for the pull request {repository}#{}", pull.number);
        let variables = json!({"input": {"pullRequestId": pull.node_id, "mergeMethod": method}});
        let reply = self.graphql(doing, WRITE, ENABLE_AUTO_MERGE, variables).await;
        match reply.map(|_: serde::de::IgnoredAny| ()) {
            Ok(()) => Ok(AutoMerge::On),
            // "Pull request Pull request is in clean status"; "unstable" is one whose optional checks did not pass.
            Err(error) if error.says("in clean status") || error.says("in unstable status") => {
                Ok(AutoMerge::NothingToWaitFor)
            }
            Err(error) => Err(error),
        }
    }

    /// Opens a pull request.
    ///
    /// Fails with [`Kind::Conflict`](crate::Kind::Conflict) when one from this head to this base is open already, be it
    /// from an earlier try of this call.
    ///
    /// <https://docs.github.com/en/rest/pulls/pulls#create-a-pull-request>
    pub async fn create_pull_request(
        &self,
        repository: &Repository,
        new: &NewPullRequest<'_>,
    ) -> Result<PullRequest, Error> {
        let doing = format!("open a pull request from {} to {} in {repository}", new.head, new.base);
        let call = Call::new(Method::POST, doing, WRITE)
            .path(["repos", repository.owner(), repository.name(), "pulls"])
            .body(new);
        self.json::<Reply>(call).await.map(PullRequest::from)
    }

    /// Sets title and text of a pull request.
    ///
    /// <https://docs.github.com/en/rest/pulls/pulls#update-a-pull-request>
    pub async fn update_pull_request(
        &self,
        repository: &Repository,
        number: u64,
        title: &str,
        body: &str,
    ) -> Result<PullRequest, Error> {
        let call = Call::new(Method::PATCH, format!("update the pull request {repository}#{number}"), WRITE)
            .path(["repos", repository.owner(), repository.name(), "pulls", &number.to_string()])
            .body(&json!({"title": title, "body": body}));
        self.json::<Reply>(call).await.map(PullRequest::from)
    }

    /// Adds labels to a pull request; those that the repository does not have yet are made.
    ///
    /// <https://docs.github.com/en/rest/issues/labels#add-labels-to-an-issue>
    pub async fn add_labels(
        &self,
        repository: &Repository,
        number: u64,
        labels: &[String],
    ) -> Result<(), Error> {
        let call = Call::new(Method::POST, format!("label the pull request {repository}#{number}"), WRITE)
            .path(["repos", repository.owner(), repository.name(), "issues", &number.to_string(), "labels"])
            .body(&json!({ "labels": labels }));
        self.json(call).await.map(|_: serde::de::IgnoredAny| ())
    }

    /// Asks users, and teams by their short names, to review a pull request.
    ///
    /// <https://docs.github.com/en/rest/pulls/review-requests#request-reviewers-for-a-pull-request>
    pub async fn request_reviewers(
        &self,
        repository: &Repository,
        number: u64,
        users: &[String],
        teams: &[String],
    ) -> Result<(), Error> {
        let doing = format!("ask for reviews of the pull request {repository}#{number}");
        let number = number.to_string();
        let call = Call::new(Method::POST, doing, WRITE)
            .path(["repos", repository.owner(), repository.name(), "pulls", &number, "requested_reviewers"])
            .body(&json!({"reviewers": users, "team_reviewers": teams}));
        self.json(call).await.map(|_: serde::de::IgnoredAny| ())
    }
}
