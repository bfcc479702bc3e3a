//! Finding commits: in the clone, else on the server.

use gix::ObjectId;
use sluice_core::Problem;

use super::{Other, Search, Uncommitted, WORKING_TREE};
use crate::{
    fetch::{Fetched, Want},
    repository::{Revision, short},
    tags::{self, Previous},
};

impl Search<'_> {
    /// What is checked out, with all that is not committed, where that is asked for.
    pub(super) fn working_tree(&mut self) -> Result<Option<Revision>, Problem> {
        match self.asked.uncommitted {
            Uncommitted::Nothing => Ok(None),
            what => self.repository.working_tree(what == Uncommitted::Contents, self.go_on),
        }
    }

    /// The head that was given, else what is checked out.
    pub(super) fn head(&mut self) -> Result<(Revision, String), Problem> {
        let (name, head_is) = match self.asked.head {
            Some(name) => (name, format!("`head`: {name}")),
            None => match self.working_tree()? {
                Some(working_tree) => return Ok(self.remember(working_tree, WORKING_TREE.to_owned())),
                None => ("HEAD", "checked out".to_owned()),
            },
        };
        let head = self.named(name)?;
        Ok(self.remember(head, head_is))
    }

    pub(super) fn head_or(&mut self, id: ObjectId, what: &str) -> Result<(Revision, String), Problem> {
        if self.asked.head.is_some() {
            return self.head();
        }
        let head = self.existing(id, what)?;
        Ok(self.remember(head, what.to_owned()))
    }

    pub(super) fn remember(&mut self, head: Revision, head_is: String) -> (Revision, String) {
        self.found.insert((head, head_is)).clone()
    }

    /// What a person calls by a name. A clone that is cut lacks branches, tags and ancestors, too.
    pub(super) fn named(&mut self, name: &str) -> Result<Revision, Problem> {
        let id = match (self.repository.resolve(name), self.remote) {
            (Err(_), Some(remote)) if self.repository.is_shallow() => {
                let found = match ancestor(name) {
                    Some((name, steps)) => self.back_from(name, steps)?,
                    None => remote.resolve(name)?,
                };
                found.ok_or_else(|| {
                    Problem::misconfigured(format!(
                        "no revision is called \"{name}\", neither in the clone nor on the server"
                    ))
                    .help("name a branch, a tag, or a commit by its whole SHA")
                })?
            }
            (found, _) => found?,
        };
        self.existing(id, "the commit")
    }

    /// The commit so many steps before another one, along first parents; none where history is not as long.
    fn back_from(&mut self, name: &str, steps: usize) -> Result<Option<ObjectId>, Problem> {
        let mut id = self.named(name)?.id;
        for _ in 0..steps {
            if let (None, Some(remote)) = (self.repository.commit(id)?, self.remote) {
                remote.bring(self.repository, id, Want::History)?;
            }
            let commit = self.repository.commit(id)?;
            let Some(parent) = commit.and_then(|commit| commit.parents.first().copied()) else {
                return Ok(None);
            };
            id = parent;
        }
        Ok(Some(id))
    }

    /// A commit that must be there: in the clone, else on the server.
    pub(super) fn existing(&mut self, id: ObjectId, what: &str) -> Result<Revision, Problem> {
        self.obtain(id, what)?.ok_or_else(|| self.missing(what, id))
    }

    /// A commit from the clone, else from the server; none where neither has it.
    pub(super) fn obtain(&mut self, id: ObjectId, what: &str) -> Result<Option<Revision>, Problem> {
        if let Some(found) = self.repository.find(id)? {
            return Ok(Some(found));
        }
        let Some(remote) = self.remote else { return Ok(None) };
        match remote.bring(self.repository, id, Want::Trees) {
            Ok(Fetched::Yes) => self.repository.find(id),
            Ok(Fetched::Unknown) => Ok(None),
            Err(problem) => {
                (self.go_on)()?;
                let what = format!("{what}, {}, is not in the clone: {}", short(id), problem.what);
                Err(Problem { what, ..problem })
            }
        }
    }

    /// The problem of a commit that neither the clone has nor, where there is one, the server.
    pub(super) fn missing(&self, what: &str, id: ObjectId) -> Problem {
        let what = format!("{what}, {},", short(id));
        match self.remote {
            None => self.repository.missing_commit(&what, id),
            Some(_) => Problem::undecided(format!("{what} is neither in the clone nor on the server"))
                .why("a forced push took it away, or it belongs to another repository")
                .help("give another `base`"),
        }
    }

    pub(super) fn tag_before(&mut self, name: &str, commit: Revision) -> Result<Previous, Problem> {
        let Some(remote) = self.remote.filter(|_| self.repository.is_shallow()) else {
            // Without the history there is no telling, whatever tags the clone has.
            let found = tags::previous(self.repository, name, commit, &self.repository.tags()?)?;
            return Ok(if self.repository.is_shallow() { Previous::Unknown } else { found });
        };
        let tags = remote.tags()?;
        match tags::previous(self.repository, name, commit, &tags)? {
            Previous::Unknown => {
                remote.bring(self.repository, commit.id, Want::History)?;
                tags::previous(self.repository, name, commit, &tags)
            }
            found => Ok(found),
        }
    }

    /// The last commit that both have in their history: by the clone's, else as the server tells it.
    pub(super) fn merge_base(
        &mut self,
        other: Other<'_>,
        head: Revision,
        what: &str,
    ) -> Result<Revision, Problem> {
        let here = match other {
            Other::Commit(id) => self.repository.find(id)?,
            Other::Branch(name) => self.repository.remote_branch(name)?,
        };
        if let Some(here) = here
            && let Some(found) = self.repository.merge_base(here.id, head.id)?
        {
            return Ok(found);
        }
        if here.is_some() && !self.repository.is_shallow() {
            return Err(Problem::undecided(format!(
                "{what} does not exist: their histories are not related"
            ))
            .help("give `base`"));
        }
        let Some(remote) = self.remote else { return Err(self.repository.missing(what)) };
        let found = match other {
            Other::Commit(id) => remote.merge_base(&id.to_string(), head)?,
            Other::Branch(name) => remote.merge_base(name, head)?,
        };
        self.existing(found, what)
    }
}

/// `main~2` stands two steps before `main`, `HEAD^` one before `HEAD`:
/// <https://git-scm.com/docs/gitrevisions>
fn ancestor(name: &str) -> Option<(&str, usize)> {
    if let Some(child) = name.strip_suffix(['^', '~']) {
        return Some((child, 1));
    }
    let (descendant, steps) = name.rsplit_once('~')?;
    Some((descendant, steps.parse().ok()?))
}
