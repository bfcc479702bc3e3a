//! One tree, asked for single folders and files.

use std::{collections::HashMap, rc::Rc};

use gix::{
    ObjectId,
    objs::{FindExt as _, tree::EntryKind},
};
use sluice_core::{Problem, escape};

use crate::repository::{Repository, Revision, unreadable};

/// How many symbolic links are followed for one path, as many as Linux follows:
/// <https://man7.org/linux/man-pages/man7/path_resolution.7.html>
const MOST_LINKS: usize = 40;

/// The tree of a revision. Folders are read when they are asked for, and once.
pub(crate) struct Tree<'a> {
    repository: &'a Repository,
    root: ObjectId,
    folders: HashMap<Vec<u8>, Option<Rc<[Entry]>>>,
}

/// What a folder holds under one name.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) name: Vec<u8>,
    pub(crate) kind: EntryKind,
    id: ObjectId,
}

/// Where a path leads.
#[derive(Debug)]
pub(crate) struct Followed {
    /// The path without symbolic links.
    pub(crate) path: Vec<u8>,
    /// What is there; none where nothing is.
    pub(crate) entry: Option<Entry>,
    /// The symbolic links on the way.
    pub(crate) links: Vec<Vec<u8>>,
}

impl<'a> Tree<'a> {
    pub(crate) fn new(repository: &'a Repository, revision: Revision) -> Self {
        Self { repository, root: revision.tree, folders: HashMap::new() }
    }

    /// What a folder holds, in git's order; none where there is no such folder.
    pub(crate) fn folder(&mut self, path: &[u8]) -> Result<Option<Rc<[Entry]>>, Problem> {
        if let Some(known) = self.folders.get(path) {
            return Ok(known.clone());
        }
        let id = if path.is_empty() {
            Some(self.root)
        } else {
            self.entry(path)?.filter(|entry| entry.kind == EntryKind::Tree).map(|entry| entry.id)
        };
        let entries = id.map(|id| self.read(id)).transpose()?;
        self.folders.insert(path.to_vec(), entries.clone());
        Ok(entries)
    }

    /// What stands at a path; a symbolic link is one, and so are those on the way to it.
    pub(crate) fn entry(&mut self, path: &[u8]) -> Result<Option<Entry>, Problem> {
        let (folder, name) = split(path);
        let entries = self.folder(folder)?;
        Ok(entries.and_then(|entries| entries.iter().find(|entry| entry.name == name).cloned()))
    }

    /// What a path leads to through symbolic links.
    pub(crate) fn follow(&mut self, path: &[u8]) -> Result<Followed, Problem> {
        let (mut path, mut links) = (path.to_vec(), Vec::new());
        loop {
            let Some((link, entry)) = self.first_link(&path)? else {
                let entry = if path.is_empty() { None } else { self.entry(&path)? };
                return Ok(Followed { path, entry, links });
            };
            let target = self.content(&link, &entry)?;
            let target = [&target, &path[link.len()..]].concat();
            let target = resolve(split(&link).0, &target);
            links.push(link);
            match target {
                Some(target) if links.len() < MOST_LINKS => path = target,
                _ => return Ok(Followed { path, entry: None, links }),
            }
        }
    }

    /// The first symbolic link on the way to a path, itself included.
    fn first_link(&mut self, path: &[u8]) -> Result<Option<(Vec<u8>, Entry)>, Problem> {
        let ends = path.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(end, _)| end);
        for end in ends.chain((!path.is_empty()).then_some(path.len())) {
            match self.entry(&path[..end])? {
                Some(entry) if entry.kind == EntryKind::Link => {
                    return Ok(Some((path[..end].to_vec(), entry)));
                }
                Some(_) => {}
                None => return Ok(None),
            }
        }
        Ok(None)
    }

    /// The content of a file, or the target of a symbolic link.
    pub(crate) fn content(&self, path: &[u8], entry: &Entry) -> Result<Vec<u8>, Problem> {
        let mut buffer = Vec::new();
        match self.repository.objects().find_blob(&entry.id, &mut buffer) {
            Ok(_) => Ok(buffer),
            Err(error) if error.is_not_found() => {
                Err(Problem::undecided(format!("the content of {} is not in the clone", escape::bytes(path)))
                    .why("a clone with a `filter` has only the files that were checked out")
                    .help("check out what is asked about, or take no `filter`"))
            }
            Err(error) => Err(unreadable(&error)),
        }
    }

    fn read(&self, id: ObjectId) -> Result<Rc<[Entry]>, Problem> {
        let mut buffer = Vec::new();
        let tree =
            self.repository.objects().find_tree(&id, &mut buffer).map_err(|error| unreadable(&error))?;
        let entries = tree.entries.iter().map(|entry| Entry {
            name: entry.filename.to_vec(),
            kind: entry.mode.kind(),
            id: entry.oid.to_owned(),
        });
        Ok(entries.collect())
    }
}

/// The folder that a path lies in, and its name there.
pub(crate) fn split(path: &[u8]) -> (&[u8], &[u8]) {
    match path.iter().rposition(|byte| *byte == b'/') {
        Some(slash) => (&path[..slash], &path[slash + 1..]),
        None => (&[], path),
    }
}

/// The path from the root of the tree that `relative` stands for in a folder; none where it leads out of the
/// repository.
pub(crate) fn resolve(folder: &[u8], relative: &[u8]) -> Option<Vec<u8>> {
    if relative.starts_with(b"/") {
        return None;
    }
    let mut names: Vec<&[u8]> = folder.split(|byte| *byte == b'/').filter(|name| !name.is_empty()).collect();
    for name in relative.split(|byte| *byte == b'/') {
        match name {
            b"" | b"." => {}
            b".." => {
                names.pop()?;
            }
            name => names.push(name),
        }
    }
    Some(names.join(&b'/'))
}

/// The folders above a path, from the nearest to the root of the tree.
pub(crate) fn above(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(path);
    std::iter::from_fn(move || {
        let folder = split(rest.filter(|path| !path.is_empty())?).0;
        rest = Some(folder);
        Some(folder)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::Sandbox;

    #[test]
    fn a_path_is_resolved_within_the_repository() {
        let path = |folder: &str, relative: &str| {
            resolve(folder.as_bytes(), relative.as_bytes()).map(|path| escape::bytes(&path))
        };
        assert_eq!(path("a/b", "../c/./d//e/").as_deref(), Some("a/c/d/e"));
        assert_eq!(path("a", "..").as_deref(), Some(""));
        assert_eq!(path("a", "../.."), None);
        assert_eq!(path("a", "/etc"), None);
        assert_eq!(above(b"a/b/c").collect::<Vec<_>>(), [&b"a/b"[..], b"a", b""]);
        assert_eq!(above(b"a").collect::<Vec<_>>(), [b""]);
        assert_eq!(above(b"").count(), 0);
    }

    #[test]
    fn links_are_followed_within_the_tree() {
        let sandbox = Sandbox::new();
        sandbox.write_all(&["real/sub/file", "links/x"]);
        let link = |target: &str, at: &str| std::os::unix::fs::symlink(target, sandbox.file(at)).unwrap();
        link("../real", "links/folder");
        link("folder/sub", "links/twice");
        link("loop", "links/loop");
        link("../../out", "links/out");
        sandbox.commit();
        let repository = Repository::open(sandbox.path()).unwrap();
        let mut tree = Tree::new(&repository, repository.named("HEAD").unwrap());
        let mut follow = |path: &str| {
            let Followed { path, entry, links } = tree.follow(path.as_bytes()).unwrap();
            let kind = entry.map(|entry| format!("{:?}", entry.kind));
            (escape::bytes(&path), kind, links.len())
        };
        assert_eq!(follow("real/sub/file"), ("real/sub/file".into(), Some("Blob".into()), 0));
        assert_eq!(follow("links/folder/sub/file"), ("real/sub/file".into(), Some("Blob".into()), 1));
        assert_eq!(follow("links/twice"), ("real/sub".into(), Some("Tree".into()), 2));
        assert_eq!(follow("links/loop"), ("links/loop".into(), None, MOST_LINKS));
        assert_eq!(follow("links/out"), ("links/out".into(), None, 1));
        assert_eq!(follow("none/at/all"), ("none/at/all".into(), None, 0));
    }
}
