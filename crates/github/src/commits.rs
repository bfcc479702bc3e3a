//! Commits, made without a clone.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::json;
use sluice_http::Method;

use crate::{
    Api, Commit, Error, Kind, Refusal, Repository, RepositoryFacts, Sha, call::Call, objects::CommitReply,
};

/// What a commit of [`Api::create_commit_on_branch`] changes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct FileChanges {
    /// Files that are written, as new ones or in place of what is there. They become plain files of mode 100644.
    pub additions: Vec<Addition>,
    /// Paths of files that are removed.
    #[serde(serialize_with = "as_deletions")]
    pub deletions: Vec<String>,
}

/// A file as it is to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Addition {
    /// Its path.
    pub path: String,
    /// Its bytes.
    #[serde(serialize_with = "as_base64")]
    pub contents: Vec<u8>,
}

/// A commit to be made of a tree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NewCommit<'a> {
    /// Subject and body.
    pub message: &'a str,
    /// The name of its tree.
    pub tree: &'a Sha,
    /// Its parents.
    pub parents: &'a [Sha],
}

/// An entry to be set in a tree, or removed from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTreeEntry {
    /// Its path from the root.
    pub path: String,
    /// Its mode, in git's six digits: 100644, 100755, 120000 for a symbolic link.
    pub mode: String,
    /// The name of the blob; `None` removes the entry.
    pub sha: Option<Sha>,
}

#[derive(Deserialize)]
struct Named {
    sha: Sha,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Created {
    create_commit_on_branch: Option<CreatedCommit>,
}

#[derive(Deserialize)]
struct CreatedCommit {
    commit: Option<Oid>,
}

#[derive(Deserialize)]
struct Oid {
    oid: Sha,
}

const WRITE: &str = "contents: write";

const CREATE_COMMIT_ON_BRANCH: &str = "\
mutation($input: CreateCommitOnBranchInput!) {
  createCommitOnBranch(input: $input) { commit { oid } }
}";

const UPDATE_REFS: &str = "\
mutation($input: UpdateRefsInput!) {
  updateRefs(input: $input) { clientMutationId }
}";

/// How a branch may move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Move {
    /// To a commit that has the branch's head in its history.
    Forward,
    /// To any commit: what only the branch had is on it no more.
    Anywhere,
}

impl Api {
    /// Moves a branch from one commit to another: at once, or not at all where it is at another commit by now.
    ///
    /// Fails with [`Kind::Conflict`] then. `repository` is what the API tells of the repository.
    ///
    /// <https://docs.github.com/en/graphql/reference/mutations#updaterefs>
    pub async fn move_branch(
        &self,
        repository: &Repository,
        facts: &RepositoryFacts,
        branch: &str,
        from: &Sha,
        to: &Sha,
        how: Move,
    ) -> Result<(), Error> {
        let doing = format!("move {branch} to {to} in {repository}");
        let update = json!({
            "name": format!("refs/heads/{branch}"),
            "beforeOid": from,
            "afterOid": to,
            "force": how == Move::Anywhere,
        });
        let variables = json!({"input": {"repositoryId": facts.node_id, "refUpdates": [update]}});
        let moved = self.graphql(doing, WRITE, UPDATE_REFS, variables).await;
        let error = match moved.map(|_: serde::de::IgnoredAny| ()) {
            Ok(()) => return Ok(()),
            Err(error) => error,
        };
        // How GitHub words that the branch is elsewhere is not documented: the branch itself tells.
        let may_be_elsewhere = matches!(
            error.kind,
            Kind::Refused { refusal: Refusal::Invalid, .. } | Kind::Conflict { .. } | Kind::Server { .. }
        );
        if !may_be_elsewhere {
            return Err(error);
        }
        let now = self.reference(repository, &format!("heads/{branch}")).await?;
        if now == *to {
            return Ok(());
        }
        if now == *from {
            return Err(error);
        }
        let message = format!("{branch} is at {now} by now, not at {from}");
        Err(Error { kind: Kind::Conflict { message }, ..error })
    }

    /// Makes one commit on a branch: atomic, signed by GitHub, on top of `expected_head` or not at all.
    ///
    /// Fails with [`Kind::Conflict`] when the branch has another head: someone was faster, or an earlier try of this
    /// call had its effect though its reply was lost.
    ///
    /// <https://docs.github.com/en/graphql/reference/mutations#createcommitonbranch>
    pub async fn create_commit_on_branch(
        &self,
        repository: &Repository,
        branch: &str,
        expected_head: &Sha,
        message: &str,
        changes: &FileChanges,
    ) -> Result<Sha, Error> {
        let doing = format!("commit to {branch} in {repository}");
        let (headline, body) = message.split_once('\n').unwrap_or((message, ""));
        let variables = json!({"input": {
            "branch": {"repositoryNameWithOwner": repository, "branchName": branch},
            "expectedHeadOid": expected_head,
            "message": {"headline": headline, "body": body.trim_start_matches('\n')},
            "fileChanges": changes,
        }});
        let created: Created = self.graphql(doing.clone(), WRITE, CREATE_COMMIT_ON_BRANCH, variables).await?;
        let commit = created.create_commit_on_branch.and_then(|created| created.commit);
        let why = "it tells no commit".to_owned();
        commit.map(|commit| commit.oid).ok_or(Error {
            doing,
            permission: WRITE,
            kind: Kind::Malformed { why },
        })
    }

    /// Makes a blob.
    ///
    /// <https://docs.github.com/en/rest/git/blobs#create-a-blob>
    pub async fn create_blob(&self, repository: &Repository, content: &[u8]) -> Result<Sha, Error> {
        let body = json!({"content": STANDARD.encode(content), "encoding": "base64"});
        self.create(repository, "blobs", "a blob", &body).await.map(|blob: Named| blob.sha)
    }

    /// Makes a tree that differs from another one in these entries.
    ///
    /// <https://docs.github.com/en/rest/git/trees#create-a-tree>
    pub async fn create_tree(
        &self,
        repository: &Repository,
        base: &Sha,
        entries: &[NewTreeEntry],
    ) -> Result<Sha, Error> {
        let entries: Vec<_> = entries
            .iter()
            .map(|entry| json!({"path": entry.path, "mode": entry.mode, "type": "blob", "sha": entry.sha}))
            .collect();
        let body = json!({"base_tree": base, "tree": entries});
        self.create(repository, "trees", "a tree", &body).await.map(|tree: Named| tree.sha)
    }

    /// Makes a commit that no branch has yet. GitHub signs it when the token is that of an app.
    ///
    /// <https://docs.github.com/en/rest/git/commits#create-a-commit>
    pub async fn create_commit(
        &self,
        repository: &Repository,
        commit: &NewCommit<'_>,
    ) -> Result<Commit, Error> {
        self.create(repository, "commits", "a commit", commit).await.map(|commit: CommitReply| commit.into())
    }

    /// Makes a reference such as `heads/release`.
    ///
    /// Fails with [`Kind::Conflict`] when it is there already, be it from an earlier try of this call.
    ///
    /// <https://docs.github.com/en/rest/git/refs#create-a-reference>
    pub async fn create_reference(
        &self,
        repository: &Repository,
        name: &str,
        sha: &Sha,
    ) -> Result<(), Error> {
        let body = json!({"ref": format!("refs/{name}"), "sha": sha});
        let what = format!("the reference {name}");
        self.create(repository, "refs", &what, &body).await.map(|_: serde::de::IgnoredAny| ())
    }

    /// Moves a reference such as `heads/main` forward, never back or aside.
    ///
    /// Fails with [`Kind::Conflict`] when the commit does not have the reference's own in its history.
    ///
    /// <https://docs.github.com/en/rest/git/refs#update-a-reference>
    pub async fn update_reference(
        &self,
        repository: &Repository,
        name: &str,
        sha: &Sha,
    ) -> Result<(), Error> {
        let call = Call::new(Method::PATCH, format!("move {name} to {sha} in {repository}"), WRITE)
            .path(["repos", repository.owner(), repository.name(), "git", "refs", name])
            .body(&json!({"sha": sha, "force": false}));
        self.json(call).await.map(|_: serde::de::IgnoredAny| ())
    }

    async fn create<T: serde::de::DeserializeOwned>(
        &self,
        repository: &Repository,
        collection: &str,
        what: &str,
        body: &impl Serialize,
    ) -> Result<T, Error> {
        let call = Call::new(Method::POST, format!("make {what} in {repository}"), WRITE)
            .path(["repos", repository.owner(), repository.name(), "git", collection])
            .body(body);
        self.json(call).await
    }
}

fn as_base64<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&STANDARD.encode(bytes))
}

fn as_deletions<S: Serializer>(paths: &[String], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(paths.iter().map(|path| json!({ "path": path })))
}
