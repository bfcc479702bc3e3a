//! Commits, trees and files, read.

use bytes::Bytes;
use serde::Deserialize;

use crate::{
    Api, Error, Kind, Repository, Sha,
    call::{self, Call},
};

/// The largest file that the API gives: <https://docs.github.com/en/rest/git/blobs#get-a-blob>.
const LARGEST_BLOB: usize = 100 << 20;

/// A commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    /// Its name.
    pub sha: Sha,
    /// The name of its tree.
    pub tree: Sha,
    /// Its parents, the first one first.
    pub parents: Vec<Sha>,
    /// What was written about it.
    pub message: String,
    /// The name of who wrote it: of the job's own token `github-actions[bot]`.
    pub author: String,
    /// Whether it is signed, and GitHub found the signature to be right.
    pub verified: bool,
}

/// A tree, with all that lies below it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Tree {
    /// Its name.
    pub sha: Sha,
    /// What is in it.
    #[serde(rename = "tree")]
    pub entries: Vec<TreeEntry>,
    /// Whether entries are missing: GitHub gives 100,000 at most, or 7 MB.
    pub truncated: bool,
}

/// An entry of a tree.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct TreeEntry {
    /// Its path from the tree that was asked for. Where git's name is not UTF-8 it holds U+FFFD.
    pub path: String,
    /// Its mode, in git's six digits: `100644`.
    pub mode: String,
    /// What it is.
    #[serde(rename = "type")]
    pub kind: EntryKind,
    /// The name of the object.
    pub sha: Sha,
    /// Its length in bytes, if it is a blob.
    pub size: Option<u64>,
}

/// What an entry of a tree is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EntryKind {
    /// A file or a symbolic link.
    Blob,
    /// A folder.
    Tree,
    /// A submodule.
    Commit,
}

#[derive(Deserialize)]
pub(crate) struct CommitReply {
    sha: Sha,
    tree: Named,
    parents: Vec<Named>,
    message: String,
    author: Author,
    verification: Option<Verification>,
}

/// A commit as lists hold it: what git has of it stands apart from what GitHub has.
#[derive(Deserialize)]
struct Listed {
    sha: Sha,
    parents: Vec<Named>,
    commit: InList,
}

#[derive(Deserialize)]
struct InList {
    tree: Named,
    message: String,
    author: Author,
    verification: Option<Verification>,
}

#[derive(Deserialize)]
struct Named {
    sha: Sha,
}

/// The author as git has it.
#[derive(Deserialize)]
struct Author {
    #[serde(default)]
    name: String,
}

#[derive(Deserialize)]
struct Verification {
    verified: bool,
}

#[derive(Deserialize)]
struct Reference {
    object: Named,
}

impl From<CommitReply> for Commit {
    fn from(reply: CommitReply) -> Self {
        Self {
            sha: reply.sha,
            tree: reply.tree.sha,
            parents: reply.parents.into_iter().map(|parent| parent.sha).collect(),
            message: reply.message,
            author: reply.author.name,
            verified: reply.verification.is_some_and(|verification| verification.verified),
        }
    }
}

const READ: &str = "contents: read";

impl Api {
    /// Gets the commit that a branch, a tag (annotated ones too) or a commit's name stands for.
    ///
    /// <https://docs.github.com/en/rest/commits/commits#get-a-commit>
    pub async fn resolve(&self, repository: &Repository, revision: &str) -> Result<Sha, Error> {
        let call = Call::get(format!("find {revision} in {repository}"), READ)
            .path(["repos", repository.owner(), repository.name(), "commits", revision])
            .accept(call::SHA);
        let (doing, permission) = (call.doing.clone(), call.permission);
        match self.raw(call).await {
            Ok(reply) => {
                let sha = std::str::from_utf8(&reply.body).ok().and_then(|text| text.trim().parse().ok());
                let why = "it is not the name of a commit".to_owned();
                sha.ok_or(Error { doing, permission, kind: Kind::Malformed { why } })
            }
            // A name that no commit has is answered as an invalid request here.
            Err(error) if error.says("no commit found for sha") => {
                Err(Error { kind: Kind::NotFound, ..error })
            }
            Err(error) => Err(error),
        }
    }

    /// Gets what a reference points to, such as `heads/main`. A tag may point to a tag object: [`Api::resolve`] finds
    /// its commit.
    ///
    /// <https://docs.github.com/en/rest/git/refs#get-a-reference>
    pub async fn reference(&self, repository: &Repository, name: &str) -> Result<Sha, Error> {
        let call = Call::get(format!("read the reference {name} in {repository}"), READ).path([
            "repos",
            repository.owner(),
            repository.name(),
            "git",
            "ref",
            name,
        ]);
        self.json::<Reference>(call).await.map(|reference| reference.object.sha)
    }

    /// Gets a commit.
    ///
    /// <https://docs.github.com/en/rest/git/commits#get-a-commit-object>
    pub async fn commit(&self, repository: &Repository, sha: &Sha) -> Result<Commit, Error> {
        let call = Call::get(format!("read the commit {sha} in {repository}"), READ).path([
            "repos",
            repository.owner(),
            repository.name(),
            "git",
            "commits",
            sha.as_str(),
        ]);
        self.json::<CommitReply>(call).await.map(Commit::from)
    }

    /// Gets a tree, given by its name or a commit's, with all that lies below it. Look at [`Tree::truncated`].
    ///
    /// <https://docs.github.com/en/rest/git/trees#get-a-tree>
    pub async fn tree(&self, repository: &Repository, sha: &Sha) -> Result<Tree, Error> {
        let call = Call::get(format!("read the tree {sha} in {repository}"), READ)
            .path(["repos", repository.owner(), repository.name(), "git", "trees", sha.as_str()])
            .query("recursive", "1");
        self.json(call).await
    }

    /// Gets a tree without what lies below its folders, given by its name or a commit's: for one that is too large to
    /// be told at once.
    ///
    /// <https://docs.github.com/en/rest/git/trees#get-a-tree>
    pub async fn tree_level(&self, repository: &Repository, sha: &Sha) -> Result<Tree, Error> {
        let call = Call::get(format!("read the tree {sha} in {repository}"), READ).path([
            "repos",
            repository.owner(),
            repository.name(),
            "git",
            "trees",
            sha.as_str(),
        ]);
        self.json(call).await
    }

    /// Goes through the history from a commit on, the newest first, until `find` finds what is looked for.
    ///
    /// <https://docs.github.com/en/rest/commits/commits#list-commits>
    pub async fn find_in_history<F>(
        &self,
        repository: &Repository,
        from: &Sha,
        mut find: impl FnMut(Commit) -> Option<F>,
    ) -> Result<Option<F>, Error> {
        let call = Call::get(format!("read the history of {from} in {repository}"), READ)
            .path(["repos", repository.owner(), repository.name(), "commits"])
            .query("sha", from.as_str());
        self.find_in_pages::<Vec<Listed>, Listed, F>(call, |listed| {
            let Listed { sha, parents, commit } = listed;
            let InList { tree, message, author, verification } = commit;
            find(CommitReply { sha, tree, parents, message, author, verification }.into())
        })
        .await
    }

    /// Gets the bytes of a blob, 100 MB at most.
    ///
    /// <https://docs.github.com/en/rest/git/blobs#get-a-blob>
    pub async fn blob(&self, repository: &Repository, sha: &Sha) -> Result<Bytes, Error> {
        let call = Call::get(format!("read the blob {sha} in {repository}"), READ)
            .path(["repos", repository.owner(), repository.name(), "git", "blobs", sha.as_str()])
            .accept(call::RAW)
            .reply_limit(LARGEST_BLOB);
        self.raw(call).await.map(|reply| reply.body)
    }

    /// Gets the bytes of a file in a commit, given by its name, a branch or a tag. A symbolic link is followed by GitHub.
    ///
    /// <https://docs.github.com/en/rest/repos/contents#get-repository-content>
    pub async fn file(&self, repository: &Repository, path: &str, revision: &str) -> Result<Bytes, Error> {
        let call = Call::get(format!("read {path} at {revision} in {repository}"), READ)
            .path(["repos", repository.owner(), repository.name(), "contents", path])
            .query("ref", revision)
            .accept(call::RAW)
            .reply_limit(LARGEST_BLOB);
        let (doing, permission) = (call.doing.clone(), call.permission);
        let reply = self.raw(call).await?;
        // A folder is answered with a list of its files, as JSON.
        let is_raw = reply.header("content-type").is_some_and(|kind| kind.contains(".raw"));
        let why = "it is no file".to_owned();
        if is_raw { Ok(reply.body) } else { Err(Error { doing, permission, kind: Kind::Malformed { why } }) }
    }
}
