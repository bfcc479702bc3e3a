//! The files of trees: those that differ between two, and those that one has.
//!
//! Both walks hand out one path at a time and keep none. Renames are not looked for: the old and the new
//! path both count, as one file that is gone and one that is new.

use std::{collections::VecDeque, ops::ControlFlow};

use gix::{
    ObjectId,
    bstr::BStr,
    diff::tree::visit::{Action, Change as Difference},
    objs::{FindExt as _, TreeRefIter, tree::EntryRef},
};
use sluice_core::Problem;

use crate::{
    repository::{Repository, Revision, unreadable},
    status::Status,
};

/// A file of a tree.
#[derive(Clone, Copy, Debug)]
pub(crate) struct File<'a> {
    /// Its path from the root of the tree.
    pub(crate) path: &'a [u8],
    /// Whether it is just a file: a symbolic link or a submodule may stand for a folder.
    pub(crate) is_plain: bool,
}

/// A file that differs between two trees.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Change<'a> {
    pub(crate) file: File<'a>,
    pub(crate) status: Status,
    /// The content of a file that is new or gone.
    pub(crate) id: Option<ObjectId>,
}

/// Hands each file that differs from `base` to `head` to `each`, folder by folder from the top.
pub(crate) fn between(
    repository: &Repository,
    base: Revision,
    head: Revision,
    each: impl FnMut(Change<'_>) -> Result<(), Problem>,
) -> Result<(), Problem> {
    let objects = repository.objects();
    let (mut old, mut new) = (Vec::new(), Vec::new());
    let old = root(repository, base.tree, &mut old)?;
    let new = root(repository, head.tree, &mut new)?;
    let mut walk = Walk::new(each);
    let state = gix::diff::tree::State::default();
    match gix::diff::tree(old, new, state, objects, &mut walk) {
        Ok(()) => Ok(()),
        Err(gix::diff::tree::Error::Failure(error)) => Err(unreadable(&error)),
        Err(gix::diff::tree::Error::Cancelled) => walk.ended(),
    }
}

/// What looks at the files of one tree.
pub(crate) trait Visitor {
    /// Whether the walk goes into a folder.
    fn enters(&mut self, folder: &[u8]) -> Result<bool, Problem>;
    /// Is given each file of the folders that the walk went into.
    fn file(&mut self, file: File<'_>);
}

/// Shows the files of `revision` to a visitor, folder by folder from the top.
pub(crate) fn files(
    repository: &Repository,
    revision: Revision,
    visitor: &mut impl Visitor,
) -> Result<(), Problem> {
    let mut tree = Vec::new();
    let tree = root(repository, revision.tree, &mut tree)?;
    let mut walk = Walk::new(visitor);
    let state = gix::traverse::tree::breadthfirst::State::default();
    match gix::traverse::tree::breadthfirst(tree, state, repository.objects(), &mut walk) {
        Ok(()) => Ok(()),
        Err(error) if error.is_cancelled() => walk.ended(),
        Err(error) => Err(unreadable(&error)),
    }
}

fn root<'a>(
    repository: &Repository,
    tree: ObjectId,
    buffer: &'a mut Vec<u8>,
) -> Result<TreeRefIter<'a>, Problem> {
    if tree.is_empty_tree() {
        return Ok(TreeRefIter::from_bytes(&[], tree.kind()));
    }
    repository.objects().find_tree_iter(&tree, buffer).map_err(|error| unreadable(&error))
}

/// A walk from folder to folder: it knows the path, and why it ended early.
struct Walk<F> {
    each: F,
    problem: Option<Problem>,
    /// The folders to come, in the order in which the walk enters them.
    folders: VecDeque<Vec<u8>>,
    /// The folder, then at most one name in it.
    path: Vec<u8>,
    folder: usize,
}

impl<F> Walk<F> {
    fn new(each: F) -> Self {
        Self { each, problem: None, folders: VecDeque::new(), path: Vec::new(), folder: 0 }
    }

    /// Why the walk ended before its end.
    fn ended(self) -> Result<(), Problem> {
        Err(self.problem.unwrap_or_else(|| Problem::undecided("the comparison of trees ended early")))
    }

    fn enter_next_folder(&mut self) {
        self.path = self.folders.pop_front().unwrap_or_default();
        self.folder = self.path.len();
    }

    fn push(&mut self, name: &[u8]) {
        self.pop();
        if self.folder > 0 {
            self.path.push(b'/');
        }
        self.path.extend_from_slice(name);
    }

    fn push_folder(&mut self, name: &[u8]) {
        self.push(name);
        self.folders.push_back(self.path.clone());
    }

    fn pop(&mut self) {
        self.path.truncate(self.folder);
    }
}

impl<F: FnMut(Change<'_>) -> Result<(), Problem>> Walk<F> {
    fn tell(&mut self, status: Status, is_plain: bool, id: Option<ObjectId>) -> Action {
        match (self.each)(Change { file: File { path: &self.path, is_plain }, status, id }) {
            Ok(()) => ControlFlow::Continue(()),
            Err(problem) => {
                self.problem = Some(problem);
                ControlFlow::Break(())
            }
        }
    }
}

impl<F: FnMut(Change<'_>) -> Result<(), Problem>> gix::diff::tree::Visit for Walk<F> {
    fn pop_front_tracked_path_and_set_current(&mut self) {
        self.enter_next_folder();
    }

    fn push_back_tracked_path_component(&mut self, name: &BStr) {
        self.push_folder(name);
    }

    fn push_path_component(&mut self, name: &BStr) {
        self.push(name);
    }

    fn pop_path_component(&mut self) {
        self.pop();
    }

    fn visit(&mut self, difference: Difference) -> Action {
        match difference {
            Difference::Addition { entry_mode, oid, .. } if !entry_mode.is_tree() => {
                self.tell(Status::Added, entry_mode.is_blob(), Some(oid))
            }
            Difference::Deletion { entry_mode, oid, .. } if !entry_mode.is_tree() => {
                self.tell(Status::Deleted, entry_mode.is_blob(), Some(oid))
            }
            Difference::Modification { previous_entry_mode, previous_oid, entry_mode, oid }
                if !entry_mode.is_tree() =>
            {
                let is_plain = previous_entry_mode.is_blob() && entry_mode.is_blob();
                match Status::of((previous_entry_mode, &previous_oid), (entry_mode, &oid)) {
                    Some(status) => self.tell(status, is_plain, None),
                    None => ControlFlow::Continue(()),
                }
            }
            _ => ControlFlow::Continue(()),
        }
    }
}

impl<V: Visitor> gix::traverse::tree::Visit for Walk<&mut V> {
    fn pop_back_tracked_path_and_set_current(&mut self) {}

    fn pop_front_tracked_path_and_set_current(&mut self) {
        self.enter_next_folder();
    }

    fn push_back_tracked_path_component(&mut self, name: &BStr) {
        self.push_folder(name);
    }

    fn push_path_component(&mut self, name: &BStr) {
        self.push(name);
    }

    fn pop_path_component(&mut self) {
        self.pop();
    }

    fn visit_tree(&mut self, _: &EntryRef<'_>) -> gix::traverse::tree::visit::Action {
        match self.each.enters(&self.path) {
            Ok(enters) => ControlFlow::Continue(enters),
            Err(problem) => {
                self.problem = Some(problem);
                ControlFlow::Break(())
            }
        }
    }

    fn visit_nontree(&mut self, entry: &EntryRef<'_>) -> gix::traverse::tree::visit::Action {
        self.each.file(File { path: &self.path, is_plain: entry.mode.is_blob() });
        ControlFlow::Continue(true)
    }
}

#[cfg(test)]
mod tests {
    use std::{fs::Permissions, os::unix::fs::PermissionsExt as _};

    use sluice_core::escape;

    use super::*;
    use crate::sandbox::Sandbox;

    /// What changed from one revision to another, by path.
    fn changes(sandbox: &Sandbox, base: &str, head: &str) -> Vec<String> {
        let repository = Repository::open(sandbox.path()).unwrap();
        let (base, head) = (repository.named(base).unwrap(), repository.named(head).unwrap());
        let mut changes = Vec::new();
        between(&repository, base, head, |change| {
            changes.push(format!("{} {}", escape::bytes(change.file.path), change.status.as_str()));
            Ok(())
        })
        .unwrap();
        changes.sort();
        changes
    }

    /// What git itself says, in the same words.
    fn changes_by_git(sandbox: &Sandbox, base: &str, head: &str) -> Vec<String> {
        let answer = sandbox.git(["diff", "--no-renames", "--name-status", "-z", base, head]);
        let fields: Vec<&[u8]> = answer.split(|byte| *byte == 0).collect();
        let mut changes: Vec<String> = fields
            .chunks_exact(2)
            .map(|pair| {
                let status = match pair[0] {
                    b"A" => "added",
                    b"M" => "modified",
                    b"D" => "deleted",
                    b"T" => "type-changed",
                    other => panic!("{other:?}"),
                };
                format!("{} {status}", escape::bytes(pair[1]))
            })
            .collect();
        changes.sort();
        changes
    }

    #[test]
    fn every_kind_of_change_is_told() {
        let sandbox = Sandbox::new();
        sandbox.write_all(&[
            "same",
            "changed",
            "gone",
            "script",
            "link",
            "folder/a",
            "old/name",
            "deep/er/x",
        ]);
        let module = "160000,1111111111111111111111111111111111111111,module";
        sandbox.git(["update-index", "--add", "--cacheinfo", module]);
        std::fs::create_dir(sandbox.file("module")).unwrap();
        sandbox.commit();

        sandbox.write("changed", "other");
        std::fs::remove_file(sandbox.file("gone")).unwrap();
        std::fs::set_permissions(sandbox.file("script"), Permissions::from_mode(0o755)).unwrap();
        std::fs::remove_file(sandbox.file("link")).unwrap();
        std::os::unix::fs::symlink("same", sandbox.file("link")).unwrap();
        // A folder becomes a file, and a file lies where a folder sorts.
        std::fs::remove_dir_all(sandbox.file("folder")).unwrap();
        sandbox.write_all(&["folder", "folder.x", "new/name", "deep/er/x.y"]);
        std::fs::remove_dir_all(sandbox.file("old")).unwrap();
        let module = "160000,2222222222222222222222222222222222222222,module";
        sandbox.git(["update-index", "--cacheinfo", module]);
        sandbox.commit();

        let expected = [
            "changed modified",
            "deep/er/x.y added",
            "folder added",
            "folder.x added",
            "folder/a deleted",
            "gone deleted",
            "link type-changed",
            "module modified",
            "new/name added",
            "old/name deleted",
            "script modified",
        ];
        assert_eq!(changes(&sandbox, "HEAD~1", "HEAD"), expected);
        assert_eq!(changes_by_git(&sandbox, "HEAD~1", "HEAD"), expected);
        assert_eq!(changes(&sandbox, "HEAD", "HEAD~1"), changes_by_git(&sandbox, "HEAD", "HEAD~1"));
        assert_eq!(changes(&sandbox, "HEAD", "HEAD"), [""; 0]);
    }

    #[test]
    fn a_module_that_becomes_a_file_is_of_another_type() {
        let sandbox = Sandbox::new();
        let module = "160000,1111111111111111111111111111111111111111,module";
        sandbox.git(["update-index", "--add", "--cacheinfo", module]);
        sandbox.git(["commit", "--quiet", "--message=x"]);
        sandbox.write("module", "file");
        sandbox.commit();
        assert_eq!(changes(&sandbox, "HEAD~1", "HEAD"), ["module type-changed"]);
    }

    #[test]
    fn names_are_bytes() {
        let sandbox = Sandbox::new();
        sandbox.commit();
        let names: [&[u8]; 5] =
            [b"a\nb", b"\"quoted\" 'name'", b"caf\xc3\xa9", b"latin\xe9/\xff", b" \t::error::x"];
        for name in names {
            sandbox.write(name, "x");
        }
        sandbox.commit();
        let repository = Repository::open(sandbox.path()).unwrap();
        let (base, head) = (repository.named("HEAD~1").unwrap(), repository.named("HEAD").unwrap());
        let mut paths = Vec::new();
        between(&repository, base, head, |change| {
            paths.push(change.file.path.to_vec());
            Ok(())
        })
        .unwrap();
        paths.sort();
        let mut names = names.map(<[u8]>::to_vec);
        names.sort();
        assert_eq!(paths, names);
    }

    #[test]
    fn the_empty_tree_differs_by_all_files() {
        let sandbox = Sandbox::new();
        sandbox.write_all(&["a", "b/c"]);
        sandbox.commit();
        let empty = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";
        assert_eq!(changes(&sandbox, empty, "HEAD"), ["a added", "b/c added"]);
        assert_eq!(changes(&sandbox, "HEAD", empty), ["a deleted", "b/c deleted"]);
    }

    #[test]
    fn a_walk_ends_with_the_problem_of_the_one_who_looks() {
        let sandbox = Sandbox::new();
        sandbox.commit();
        sandbox.write_all(&["a", "b"]);
        sandbox.commit();
        let repository = Repository::open(sandbox.path()).unwrap();
        let (base, head) = (repository.named("HEAD~1").unwrap(), repository.named("HEAD").unwrap());
        let mut seen = 0;
        let problem = between(&repository, base, head, |_| {
            seen += 1;
            Err(Problem::undecided("enough"))
        });
        assert_eq!((problem, seen), (Err(Problem::undecided("enough")), 1));
    }

    #[test]
    fn a_tree_that_can_not_be_read_is_no_empty_answer() {
        let sandbox = Sandbox::new();
        sandbox.write_all(&["a/b"]);
        sandbox.commit();
        sandbox.write("a/b", "other");
        sandbox.commit();
        let tree = sandbox.id("HEAD:a").to_string();
        let file = sandbox.file(format!(".git/objects/{}/{}", &tree[..2], &tree[2..]));
        let compare = || {
            let repository = Repository::open(sandbox.path()).unwrap();
            let (base, head) = (repository.named("HEAD~1").unwrap(), repository.named("HEAD").unwrap());
            between(&repository, base, head, |_| Ok(())).unwrap_err()
        };
        std::fs::set_permissions(&file, Permissions::from_mode(0o644)).unwrap();
        std::fs::write(&file, "no object").unwrap();
        let corrupt = compare();
        assert_eq!(corrupt.verdict, sluice_core::Verdict::Undecided);
        assert!(corrupt.help.unwrap().contains("git fsck"));
        std::fs::remove_file(&file).unwrap();
        let missing = compare();
        assert_eq!(missing.verdict, sluice_core::Verdict::Undecided);
        assert!(missing.help.unwrap().contains("tree:0"));
    }

    struct Seen(Vec<String>);

    impl Visitor for Seen {
        fn enters(&mut self, folder: &[u8]) -> Result<bool, Problem> {
            Ok(folder != b"b")
        }

        fn file(&mut self, file: File<'_>) {
            self.0.push(escape::bytes(file.path));
        }
    }

    #[test]
    fn the_files_of_a_tree_are_shown_where_the_visitor_enters() {
        let sandbox = Sandbox::new();
        sandbox.write_all(&["a/b/c", "a/d", "b/e", "f"]);
        sandbox.commit();
        let repository = Repository::open(sandbox.path()).unwrap();
        let mut seen = Seen(Vec::new());
        files(&repository, repository.named("HEAD").unwrap(), &mut seen).unwrap();
        assert_eq!(seen.0, ["f", "a/d", "a/b/c"]);
    }
}
