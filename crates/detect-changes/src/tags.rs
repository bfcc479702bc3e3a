//! Which tag came before a tag.

use std::collections::{BinaryHeap, HashMap, HashSet};

use gix::{
    ObjectId,
    bstr::{BString, ByteSlice as _},
};
use sluice_core::Problem;

use crate::repository::{Repository, Revision};

/// The tag before another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Previous {
    Tag(BString, ObjectId),
    /// The whole history has none.
    None,
    /// The history that is here has none, and it is not whole.
    Unknown,
}

/// Finds the tag before `name`, which stands for `commit`: that of the newest ancestor which has one of the
/// same line of versions.
pub(crate) fn previous(
    repository: &Repository,
    name: &str,
    commit: Revision,
    tags: &[(BString, ObjectId)],
) -> Result<Previous, Problem> {
    let line = tags.iter().filter(|(tag, _)| precedes(tag, name.as_bytes()));
    let tagged: HashMap<ObjectId, &BString> = line.map(|(tag, commit)| (*commit, tag)).collect();
    let mut seen = HashSet::from([commit.id]);
    let mut newest_first = BinaryHeap::new();
    let mut whole = true;
    let mut next = repository.commit(commit.id)?;
    loop {
        for parent in next.into_iter().flat_map(|commit| commit.parents) {
            if !seen.insert(parent) {
                continue;
            }
            match repository.commit(parent)? {
                Some(commit) => newest_first.push((commit.time, parent)),
                // Its age is not known: it may be the newest.
                None if tagged.contains_key(&parent) => newest_first.push((i64::MAX, parent)),
                None => whole = false,
            }
        }
        let Some((_, id)) = newest_first.pop() else {
            return Ok(if whole { Previous::None } else { Previous::Unknown });
        };
        match tagged.get(&id) {
            // Behind a cut there may be a newer one.
            Some(tag) if whole => return Ok(Previous::Tag((*tag).clone(), id)),
            Some(_) => return Ok(Previous::Unknown),
            None => next = repository.commit(id)?,
        }
    }
}

/// Whether a tag may be the one before `name`: both begin alike, up to the first digit, and only the tag of
/// a pre-release comes after one of a pre-release.
///
/// So `backend-v2` is not compared with `frontend-v7`, nor `v2.0` with `v2.0-rc.1`: what changed since
/// `v1.9` would be missed. A name without a digit begins a line of its own.
fn precedes(tag: &[u8], name: &[u8]) -> bool {
    let (start, version) = name.split_at(version(name));
    let (tag_start, tag_version) = tag.split_at(self::version(tag));
    let is_pre_release = |version: &[u8]| version.contains(&b'-');
    tag != name && tag_start == start && (is_pre_release(version) || !is_pre_release(tag_version))
}

/// Where the version begins in the name of a tag.
fn version(name: &[u8]) -> usize {
    name.find_byteset(b"0123456789").unwrap_or(name.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::Sandbox;

    #[test]
    fn a_tag_is_of_one_line_with_those_that_begin_like_it() {
        let precedes = |tag: &str, name: &str| precedes(tag.as_bytes(), name.as_bytes());
        for (tag, name) in [
            ("v1.0.0", "v1.1.0"),
            ("2026.1", "2026.2"),
            ("2026-01-31", "2026-02-01"),
            ("backend/v1", "backend/v2"),
            ("v1.0.0", "v1.1.0-rc.1"),
            ("v1.1.0-rc.1", "v1.1.0-rc.2"),
        ] {
            assert!(precedes(tag, name), "{tag} {name}");
        }
        for (tag, name) in [
            ("frontend-v1", "backend-v2"),
            ("latest", "v1"),
            ("v1", "latest"),
            ("v1.1.0-rc.1", "v1.1.0"),
            ("v1", "v1"),
        ] {
            assert!(!precedes(tag, name), "{tag} {name}");
        }
    }

    fn found(sandbox: &Sandbox, name: &str) -> Previous {
        let repository = Repository::open(sandbox.path()).unwrap();
        let commit = repository.named("HEAD").unwrap();
        previous(&repository, name, commit, &repository.tags().unwrap()).unwrap()
    }

    fn tagged(sandbox: &Sandbox, name: &str) -> ObjectId {
        let commit = sandbox.commit();
        sandbox.git(["tag", name]);
        commit
    }

    #[test]
    fn the_newest_ancestor_with_a_tag_is_found() {
        let sandbox = Sandbox::new();
        tagged(&sandbox, "v1");
        let second = sandbox.commit();
        sandbox.git(["tag", "--annotate", "--message=x", "v2"]);
        sandbox.git(["tag", "other"]);
        sandbox.commit();
        tagged(&sandbox, "v3");
        assert_eq!(found(&sandbox, "v3"), Previous::Tag("v2".into(), second));
        assert_eq!(found(&sandbox, "other"), Previous::None);
        assert_eq!(found(&sandbox, "first-of-its-line"), Previous::None);
    }

    #[test]
    fn a_cut_history_does_not_tell() {
        let sandbox = Sandbox::new();
        let first = tagged(&sandbox, "v1");
        tagged(&sandbox, "v2");
        let shallow = sandbox.clone(&["--depth=1", "--branch=v2"]);
        assert_eq!(found(&shallow, "v2"), Previous::Unknown);
        let repository = Repository::open(shallow.path()).unwrap();
        let commit = repository.named("HEAD").unwrap();
        // The server's list of tags may be enough.
        let told = previous(&repository, "v2", commit, &[("v1".into(), first)]).unwrap();
        assert_eq!(told, Previous::Tag("v1".into(), first));
    }
}
