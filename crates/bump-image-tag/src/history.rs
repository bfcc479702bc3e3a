//! The history of files: what a branch held before each of its commits.

mod checkout;
mod online;

use std::path::Path;

use gix::ObjectId;
use sluice_core::Problem;

pub(crate) use self::{checkout::Checkout, online::Online};

/// A commit and the tree that it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Commit {
    pub(crate) id: ObjectId,
    tree: ObjectId,
    parent: Option<ObjectId>,
}

impl Commit {
    /// The start of the id, as git shows it.
    pub(crate) fn short(&self) -> String {
        self.id.to_hex_with_len(7).to_string()
    }
}

/// Where the history is read: a checkout, or GitHub's API.
pub(crate) trait History {
    /// The commit that the files are of.
    fn head(&self) -> Result<Commit, Problem>;

    /// What a person calls by a name: a SHA, `HEAD~2`, a tag.
    fn named(&self, name: &str) -> Result<Commit, Problem>;

    /// The commit before this one on its branch; none before the first.
    ///
    /// Of a merge it is the branch that was merged into: what a merge brought is one change of that branch.
    fn before(&self, commit: Commit) -> Result<Option<Commit>, Problem>;

    /// The object that a file was in a commit; none where the commit lacks it.
    fn file(&self, commit: Commit, relative: &Path) -> Result<Option<ObjectId>, Problem>;

    /// The bytes of a file's object.
    fn bytes(&self, id: ObjectId) -> Result<Vec<u8>, Problem>;
}
