//! The history of a branch through GitHub's API: no clone is needed.
//!
//! GitHub can list the commits that touched a path, but leaves out those of a side that a merge overrode. So the commits
//! are followed one by one, a hundred to a request, and each file is looked up in their trees: a folder that did not
//! change is the same tree in the next commit, and is read once.

use std::{
    cell::RefCell,
    collections::HashMap,
    path::{Component, Path},
    rc::Rc,
};

use gix::ObjectId;
use sluice_core::Problem;
use sluice_github::{self as github, EntryKind, Sha, Tree};

use super::{Commit, History};
use crate::{
    remote::Remote,
    snapshot::{LINK, too_large},
};

/// The most trees that are read in one run: each is a request, and a job has 1,000 an hour.
///
/// <https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api#primary-rate-limit-for-github_token-in-github-actions>
const MOST_TREES: usize = 500;

/// How many commits GitHub tells of in one answer.
const PAGE: usize = 100;

/// The history that ends with one commit.
#[derive(Debug)]
pub(crate) struct Online<'a> {
    remote: &'a Remote<'a>,
    head: ObjectId,
    commits: RefCell<HashMap<ObjectId, Commit>>,
    trees: RefCell<HashMap<ObjectId, Rc<Tree>>>,
}

impl<'a> Online<'a> {
    /// The history of the commit `head`.
    pub(crate) fn of(remote: &'a Remote<'a>, head: &Sha) -> Result<Self, Problem> {
        let (commits, trees) = (RefCell::default(), RefCell::default());
        Ok(Self { remote, head: id(head)?, commits, trees })
    }

    /// One commit. Those before it are read with it.
    fn commit(&self, wanted: ObjectId) -> Result<Commit, Problem> {
        if let Some(commit) = self.commits.borrow().get(&wanted) {
            return Ok(*commit);
        }
        let Remote { api, repository, .. } = self.remote;
        let mut page = Vec::new();
        self.remote.ask(api.find_in_history(repository, &sha(wanted)?, |commit| {
            page.push(commit);
            (page.len() == PAGE).then_some(())
        }))?;
        let mut commits = self.commits.borrow_mut();
        for commit in page {
            let commit = read(&commit)?;
            commits.insert(commit.id, commit);
        }
        commits.get(&wanted).copied().ok_or_else(|| {
            Problem::undecided(format!("GitHub does not tell of the commit {wanted}")).help("run it again")
        })
    }

    /// What lies in a folder, of which this is the tree.
    fn tree(&self, wanted: ObjectId) -> Result<Rc<Tree>, Problem> {
        if let Some(tree) = self.trees.borrow().get(&wanted) {
            return Ok(tree.clone());
        }
        if self.trees.borrow().len() >= MOST_TREES {
            return Err(Problem::undecided("the history is too long to be read through the API")
                .why(format!("{MOST_TREES} trees were read, and what is looked for is further back"))
                .help("check the repository out with `fetch-depth: 0`, and use `strategy: worktree`"));
        }
        let Remote { api, repository, .. } = self.remote;
        let tree = Rc::new(self.remote.ask(api.tree_level(repository, &sha(wanted)?))?);
        if tree.truncated {
            return Err(too_large("a folder of its history"));
        }
        self.trees.borrow_mut().insert(wanted, tree.clone());
        Ok(tree)
    }
}

impl History for Online<'_> {
    fn head(&self) -> Result<Commit, Problem> {
        self.commit(self.head)
    }

    fn named(&self, name: &str) -> Result<Commit, Problem> {
        let Remote { api, repository, .. } = self.remote;
        let not_found = || {
            Problem::misconfigured(format!("{repository} has no revision \"{name}\""))
                .help("name a commit, a branch or a tag, or a commit by its way: `HEAD~1`")
        };
        // To GitHub `HEAD` is the default branch.
        if let Some(way) = name.strip_prefix("HEAD") {
            let steps: Option<u32> = if way.is_empty() {
                Some(0)
            } else {
                way.strip_prefix('~').and_then(|steps| steps.parse().ok())
            };
            let mut commit = self.head()?;
            for _ in 0..steps.ok_or_else(not_found)? {
                commit = self.before(commit)?.ok_or_else(not_found)?;
            }
            return Ok(commit);
        }
        match self.remote.cx.block_on(api.resolve(repository, name))? {
            Ok(sha) => self.commit(id(&sha)?),
            Err(error) if error.is_not_found() => Err(not_found()),
            Err(error) => Err(self.remote.problem(error)),
        }
    }

    fn before(&self, commit: Commit) -> Result<Option<Commit>, Problem> {
        commit.parent.map(|parent| self.commit(parent)).transpose()
    }

    fn file(&self, commit: Commit, relative: &Path) -> Result<Option<ObjectId>, Problem> {
        let mut parts = relative.components().filter(|part| *part != Component::CurDir).peekable();
        let mut folder = commit.tree;
        while let Some(part) = parts.next() {
            let tree = self.tree(folder)?;
            let mut entries = tree.entries.iter();
            let Some(entry) = entries.find(|entry| part.as_os_str() == entry.path.as_str()) else { break };
            match (entry.kind, parts.peek()) {
                (EntryKind::Tree, Some(_)) => folder = id(&entry.sha)?,
                (EntryKind::Blob, None) if entry.mode != LINK => return id(&entry.sha).map(Some),
                _ => break,
            }
        }
        Ok(None)
    }

    fn bytes(&self, id: ObjectId) -> Result<Vec<u8>, Problem> {
        self.remote.bytes(&sha(id)?).map(|bytes| bytes.to_vec())
    }
}

fn read(commit: &github::Commit) -> Result<Commit, Problem> {
    let parent = commit.parents.first().map(id).transpose()?;
    Ok(Commit { id: id(&commit.sha)?, tree: id(&commit.tree)?, parent })
}

fn id(sha: &Sha) -> Result<ObjectId, Problem> {
    ObjectId::from_hex(sha.as_str().as_bytes())
        .map_err(|error| Problem::undecided("could not read a name of git").why(error))
}

fn sha(id: ObjectId) -> Result<Sha, Problem> {
    id.to_string().parse().map_err(|error| Problem::undecided("could not read a name of git").why(error))
}
