//! How a commit came to be: the pull requests that hold it, their reviews, and who took part.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;

use crate::{Account, Api, Error, Kind, Repository, Sha, call::Call};

/// A pull request that holds a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitPull {
    /// Its number.
    pub number: u64,
    /// Who opened it; `None` when the account is gone.
    pub author: Option<Account>,
    /// The branch that it came from.
    pub head: String,
    /// The newest commit of that branch.
    pub head_sha: Sha,
    /// Whether that branch is one of this repository, and not of a fork.
    pub is_from_here: bool,
    /// The branch that it went to.
    pub base: String,
    /// The commit that merged it; `None` when it is not merged.
    pub merged_as: Option<Sha>,
}

/// A review of a pull request.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct PullReview {
    /// Its number.
    pub id: u64,
    /// Who wrote it; `None` when the account is gone.
    pub user: Option<Account>,
    /// `APPROVED`, `CHANGES_REQUESTED`, `COMMENTED`, `DISMISSED`, `PENDING`.
    pub state: String,
    /// The commit that was looked at; `None` when it is gone.
    pub commit_id: Option<Sha>,
    /// When it was given; `None` while it is written.
    pub submitted_at: Option<Timestamp>,
}

/// A commit, with who made it and whether that is proven.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitOrigin {
    /// Its name.
    pub sha: Sha,
    /// The author and the co-authors that its message names.
    pub authors: Vec<Signature>,
    /// Who committed it; `None` when GitHub itself did.
    pub committer: Option<Signature>,
    /// Whether it is signed, and GitHub found the signature to be right.
    pub is_verified: bool,
    /// What GitHub says of the signature: `VALID`, `UNSIGNED`, `UNKNOWN_KEY`, ...
    pub signature: String,
}

/// Who made a commit, as the commit says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// The mail address.
    pub email: String,
    /// Number and login of the account that the address belongs to; `None` when it is no account's.
    pub account: Option<(u64, String)>,
}

#[derive(Deserialize)]
struct PullReply {
    number: u64,
    user: Option<Account>,
    head: Side,
    base: Side,
    merged_at: Option<Timestamp>,
    merge_commit_sha: Option<Sha>,
}

#[derive(Deserialize)]
struct Side {
    #[serde(rename = "ref")]
    name: String,
    sha: Sha,
    /// Null when the fork is gone.
    repo: Option<Identity>,
}

#[derive(Deserialize)]
struct Identity {
    id: u64,
}

impl From<PullReply> for CommitPull {
    fn from(reply: PullReply) -> Self {
        let (from, to) = (reply.head.repo, reply.base.repo);
        Self {
            number: reply.number,
            author: reply.user,
            is_from_here: from.is_some_and(|from| to.is_some_and(|to| from.id == to.id)),
            head: reply.head.name,
            head_sha: reply.head.sha,
            base: reply.base.name,
            // Before the merge GitHub names a commit of its own that tries it out.
            merged_as: reply.merged_at.and(reply.merge_commit_sha),
        }
    }
}

const COMMIT: &str = "\
fragment origin on Commit {
  oid
  authors(first: 100) { totalCount nodes { email user { databaseId login } } }
  committer { email user { databaseId login } }
  signature { __typename isValid state }
}";

const OF_COMMIT: &str = "\
query($owner: String!, $name: String!, $oid: GitObjectID!) {
  repository(owner: $owner, name: $name) { object(oid: $oid) { __typename ...origin } }
}";

const OF_PULL: &str = "\
query($owner: String!, $name: String!, $number: Int!, $after: String) {
  repository(owner: $owner, name: $name) {
    pullRequest(number: $number) {
      commits(first: 100, after: $after) {
        totalCount
        pageInfo { hasNextPage endCursor }
        nodes { commit { ...origin } }
      }
    }
  }
}";

#[derive(Deserialize)]
struct InRepository<T> {
    repository: Option<T>,
}

#[derive(Deserialize)]
struct WithObject {
    object: Option<Origin>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WithPull {
    pull_request: Option<PullCommits>,
}

#[derive(Deserialize)]
struct PullCommits {
    commits: Connection<PullCommit>,
}

#[derive(Deserialize)]
struct PullCommit {
    commit: Origin,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Connection<T> {
    pub(crate) total_count: u64,
    #[serde(default)]
    pub(crate) page_info: PageInfo,
    pub(crate) nodes: Vec<T>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PageInfo {
    pub(crate) has_next_page: bool,
    pub(crate) end_cursor: Option<String>,
}

#[derive(Deserialize)]
struct Origin {
    oid: Sha,
    authors: Connection<Actor>,
    committer: Option<Actor>,
    signature: Option<SignatureReply>,
}

#[derive(Deserialize)]
struct Actor {
    email: Option<String>,
    user: Option<ActorUser>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ActorUser {
    database_id: Option<u64>,
    login: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SignatureReply {
    is_valid: bool,
    state: String,
}

impl From<Origin> for CommitOrigin {
    fn from(origin: Origin) -> Self {
        let signature = origin.signature;
        Self {
            sha: origin.oid,
            authors: origin.authors.nodes.into_iter().map(Signature::from).collect(),
            committer: origin.committer.map(Signature::from).filter(|by| by.email != GITHUB_ITSELF),
            is_verified: signature.as_ref().is_some_and(|signature| signature.is_valid),
            signature: signature.map_or_else(|| "UNSIGNED".to_owned(), |signature| signature.state),
        }
    }
}

/// The address under which GitHub commits what people do on its pages.
const GITHUB_ITSELF: &str = "noreply@github.com";

impl From<Actor> for Signature {
    fn from(actor: Actor) -> Self {
        let email = actor.email.unwrap_or_default();
        let of_user = actor.user.and_then(|user| Some((user.database_id?, user.login)));
        // A bot is no user, but its address tells its number.
        let account = of_user.or_else(|| of_address(&email));
        Self { email, account }
    }
}

/// The account of an address that GitHub gives: `12345+login@users.noreply.github.com`.
///
/// <https://docs.github.com/en/account-and-profile/reference/email-addresses-reference#your-noreply-email-address>
fn of_address(email: &str) -> Option<(u64, String)> {
    let (id, login) = email.strip_suffix("@users.noreply.github.com")?.split_once('+')?;
    Some((id.parse().ok()?, login.to_owned()))
}

const READ: &str = "pull-requests: read";

impl Api {
    /// Gets the pull requests that hold a commit.
    ///
    /// <https://docs.github.com/en/rest/commits/commits#list-pull-requests-associated-with-a-commit>
    pub async fn pulls_of_commit(
        &self,
        repository: &Repository,
        sha: &Sha,
    ) -> Result<Vec<CommitPull>, Error> {
        let doing = format!("find the pull requests of {sha} in {repository}");
        let call = Call::get(doing, READ).path([
            "repos",
            repository.owner(),
            repository.name(),
            "commits",
            sha.as_str(),
            "pulls",
        ]);
        let found = self.all_pages::<Vec<PullReply>, PullReply>(call).await?;
        Ok(found.into_iter().map(CommitPull::from).collect())
    }

    /// Gets the reviews of a pull request.
    ///
    /// <https://docs.github.com/en/rest/pulls/reviews#list-reviews-for-a-pull-request>
    pub async fn reviews(&self, repository: &Repository, number: u64) -> Result<Vec<PullReview>, Error> {
        let doing = format!("read the reviews of the pull request {repository}#{number}");
        let number = number.to_string();
        let call = Call::get(doing, READ).path([
            "repos",
            repository.owner(),
            repository.name(),
            "pulls",
            &number,
            "reviews",
        ]);
        self.all_pages::<Vec<PullReview>, PullReview>(call).await
    }

    /// Gets who made a commit.
    ///
    /// <https://docs.github.com/en/graphql/reference/objects#commit>
    pub async fn origin(&self, repository: &Repository, sha: &Sha) -> Result<CommitOrigin, Error> {
        let doing = format!("read who made {sha} in {repository}");
        let permission = "contents: read";
        let variables = json!({"owner": repository.owner(), "name": repository.name(), "oid": sha});
        let query = format!("{OF_COMMIT}\n{COMMIT}");
        let found: InRepository<WithObject> =
            self.graphql(doing.clone(), permission, &query, variables).await?;
        let origin = found.repository.and_then(|repository| repository.object);
        let origin = origin.ok_or(Error { doing: doing.clone(), permission, kind: Kind::NotFound })?;
        origin.checked(&doing, permission)
    }

    /// Gets who made the commits of a pull request: all of them, or an error.
    ///
    /// <https://docs.github.com/en/graphql/reference/objects#pullrequest>
    pub async fn origins_of_pull(
        &self,
        repository: &Repository,
        number: u64,
    ) -> Result<Vec<CommitOrigin>, Error> {
        let doing = format!("read the commits of the pull request {repository}#{number}");
        let query = format!("{OF_PULL}\n{COMMIT}");
        let mut commits = Vec::new();
        let mut after = None;
        loop {
            let variables = json!({
                "owner": repository.owner(), "name": repository.name(), "number": number, "after": after,
            });
            let found: InRepository<WithPull> = self.graphql(doing.clone(), READ, &query, variables).await?;
            let found = found.repository.and_then(|repository| repository.pull_request);
            let fail = |kind| Error { doing: doing.clone(), permission: READ, kind };
            let page = found.ok_or_else(|| fail(Kind::NotFound))?.commits;
            let is_empty = page.nodes.is_empty();
            for PullCommit { commit } in page.nodes {
                commits.push(commit.checked(&doing, READ)?);
            }
            if !page.page_info.has_next_page {
                let got = commits.len();
                let count = page.total_count;
                // A pull request always has a commit.
                return if got as u64 >= count.max(1) {
                    Ok(commits)
                } else {
                    Err(fail(Kind::Incomplete { got, count }))
                };
            }
            if is_empty || page.page_info.end_cursor.is_none() {
                return Err(fail(Kind::Malformed { why: "a page of commits leads nowhere".to_owned() }));
            }
            after = page.page_info.end_cursor;
        }
    }
}

impl Origin {
    /// The origin, if all authors are told.
    fn checked(self, doing: &str, permission: &'static str) -> Result<CommitOrigin, Error> {
        let (got, count) = (self.authors.nodes.len(), self.authors.total_count);
        if got == 0 || (got as u64) < count {
            return Err(Error { doing: doing.to_owned(), permission, kind: Kind::Incomplete { got, count } });
        }
        Ok(self.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_github_gives_tells_the_account() {
        let bot = "49699333+dependabot[bot]@users.noreply.github.com";
        assert_eq!(of_address(bot), Some((49_699_333, "dependabot[bot]".into())));
        for email in
            ["octocat@users.noreply.github.com", "x+octocat@users.noreply.github.com", "1+a@example.com", ""]
        {
            assert_eq!(of_address(email), None, "{email}");
        }
    }
}
