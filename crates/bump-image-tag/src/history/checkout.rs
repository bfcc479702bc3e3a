//! The history of what is checked out. Read as objects, without a git binary.

use std::path::{Path, PathBuf};

use gix::{ObjectId, bstr::BStr, discover::upwards, open, sec};
use sluice_core::{Problem, nearest};

use super::{Commit, History};

/// A repository that is only read.
#[derive(Debug)]
pub(crate) struct Checkout {
    git: gix::Repository,
    /// The folder that the paths of files are relative to.
    root: PathBuf,
}

impl Checkout {
    /// The repository whose work tree is `root`.
    ///
    /// Whoever owns it: in a container the checkout belongs to another user, and reading objects runs nothing. Of the
    /// configuration only the repository's own is read.
    pub(crate) fn open(root: &Path) -> Result<Self, Problem> {
        let options = upwards::Options {
            trust: upwards::TrustPolicy::Assume(sec::Trust::Full),
            ..upwards::Options::default()
        };
        let isolated =
            sec::trust::Mapping { full: open::Options::isolated(), reduced: open::Options::isolated() };
        let git = gix::ThreadSafeRepository::discover_opts(root, options, isolated).map_err(|error| {
            Problem::misconfigured("there is no git repository to read the history from")
                .why(cause(&error))
                .help("run this in a checkout of the repository that holds the overlays")
        })?;
        Ok(Self { git: git.to_thread_local(), root: root.to_path_buf() })
    }

    fn commit(&self, id: ObjectId) -> Result<Option<Commit>, Problem> {
        let Some(object) = self.git.try_find_object(id).map_err(|error| unreadable(&error))? else {
            return Ok(None);
        };
        let object = object.peel_tags_to_end().map_err(|error| unreadable(&error))?;
        if object.kind != gix::object::Kind::Commit {
            return Err(Problem::misconfigured(format!("{} is no commit", id.to_hex_with_len(7)))
                .help("name a commit, a branch or a tag"));
        }
        let commit = object.into_commit();
        let tree = commit.tree_id().map_err(|error| unreadable(&error))?.detach();
        let parent = commit.parent_ids().next().map(gix::Id::detach);
        Ok(Some(Commit { id: commit.id, tree, parent }))
    }

    fn is_shallow(&self) -> bool {
        self.git.is_shallow().unwrap_or(true)
    }

    /// The problem of a commit that the clone lacks.
    fn cut(&self) -> Problem {
        let problem = Problem::undecided("the history ends before what was looked for");
        if self.is_shallow() {
            problem
                .why("the clone is shallow: its history is cut")
                .help("let actions/checkout fetch the whole history: `fetch-depth: 0`")
        } else {
            problem.why("a commit is not in the clone").help("`git fsck` names what is missing")
        }
    }

    /// The branches and tags, as people call them.
    fn names(&self) -> Vec<String> {
        let Ok(references) = self.git.references() else { return Vec::new() };
        let Ok(all) = references.all() else { return Vec::new() };
        all.filter_map(Result::ok).map(|reference| reference.name().shorten().to_string()).collect()
    }
}

impl History for Checkout {
    fn head(&self) -> Result<Commit, Problem> {
        self.named("HEAD")
    }

    fn named(&self, name: &str) -> Result<Commit, Problem> {
        match self.git.rev_parse_single(BStr::new(name)) {
            Ok(id) => self.commit(id.detach())?.ok_or_else(|| self.cut()),
            Err(error) => {
                let problem = Problem::misconfigured(format!("no revision is called \"{name}\""));
                let known = self.names();
                Err(match nearest(name, known.iter().map(String::as_str)) {
                    Some(meant) => problem.help(format!("did you mean \"{meant}\"?")),
                    None if self.is_shallow() => self.cut(),
                    None => {
                        problem.why(cause(&error)).help("name a commit, a tag, or one by its way: `HEAD~1`")
                    }
                })
            }
        }
    }

    fn before(&self, commit: Commit) -> Result<Option<Commit>, Problem> {
        let Some(parent) = commit.parent else { return Ok(None) };
        self.commit(parent)?.ok_or_else(|| self.cut()).map(Some)
    }

    fn file(&self, commit: Commit, relative: &Path) -> Result<Option<ObjectId>, Problem> {
        let prefix = self.git.workdir().and_then(|workdir| {
            let workdir = workdir.canonicalize().ok()?;
            self.root.strip_prefix(&workdir).map(Path::to_path_buf).ok()
        });
        let path = prefix.unwrap_or_default().join(relative);
        let tree = self.git.find_tree(commit.tree).map_err(|error| unreadable(&error))?;
        let entry = tree.lookup_entry_by_path(path).map_err(|error| unreadable(&error))?;
        Ok(entry.filter(|entry| entry.mode().is_blob()).map(|entry| entry.object_id()))
    }

    fn bytes(&self, id: ObjectId) -> Result<Vec<u8>, Problem> {
        self.git.find_object(id).map(|object| object.data.clone()).map_err(|error| unreadable(&error))
    }
}

fn unreadable(error: &gix::Error) -> Problem {
    Problem::undecided("could not read the repository")
        .why(cause(error))
        .help("`git fsck` names what is broken: check the repository out again")
}

/// What caused an error, in one line.
fn cause(error: &gix::Error) -> String {
    error.probable_cause().to_string()
}
