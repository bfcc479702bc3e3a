use std::{fs::Permissions, os::unix::fs::PermissionsExt as _};

use super::*;
use crate::{
    changes,
    repository::{Repository, Revision},
    sandbox::Sandbox,
};

fn working_tree(sandbox: &Sandbox) -> (Repository, Revision) {
    let mut repository = Repository::open(sandbox.path()).unwrap();
    let tree = repository.working_tree(true, || Ok(())).unwrap().unwrap();
    (repository, tree)
}

/// What differs from `HEAD` to the working tree.
fn changes(sandbox: &Sandbox) -> Vec<String> {
    let (repository, tree) = working_tree(sandbox);
    let head = repository.named("HEAD").unwrap();
    let mut changes = Vec::new();
    changes::between(&repository, head, tree, |change| {
        changes.push(format!("{} {}", escape::bytes(change.file.path), change.status.as_str()));
        Ok(())
    })
    .unwrap();
    changes.sort();
    changes
}

/// The tree that git makes of all that it would add, in an index of its own.
fn tree_by_git(sandbox: &Sandbox) -> ObjectId {
    let index = sandbox.file(".git/another-index");
    if let Err(error) = fs::copy(sandbox.file(".git/index"), &index) {
        assert_eq!(error.kind(), ErrorKind::NotFound);
    }
    let variable = [("GIT_INDEX_FILE", index.as_os_str())];
    sandbox.git_with(variable, ["add", "--all"]);
    let tree = sandbox.git_with(variable, ["write-tree"]);
    fs::remove_file(index).unwrap();
    ObjectId::from_hex(tree.trim_ascii()).unwrap()
}

#[test]
fn every_kind_of_uncommitted_change_is_seen() {
    let sandbox = Sandbox::new();
    sandbox.write_all(&[
        "same",
        "staged",
        "unstaged",
        "gone",
        "gone-staged",
        "script",
        "link",
        "folder/a",
        "mixed",
    ]);
    sandbox.write_all(&["file/x", "other/kept"]);
    sandbox.commit();
    assert_eq!(changes(&sandbox), [""; 0]);
    assert_eq!(working_tree(&sandbox).1.id, sandbox.id("HEAD"), "a clean tree is that of its commit");

    sandbox.write("staged", "other");
    sandbox.write("staged-new", "x");
    sandbox.write("mixed", "staged");
    sandbox.git(["add", "--all"]);
    sandbox.git(["rm", "--quiet", "gone-staged"]);
    sandbox.write("mixed", "then changed");
    sandbox.write("unstaged", "other");
    sandbox.write("new/in/folders", "x");
    sandbox.write(b"latin\xe9", "x");
    sandbox.write("planned", "x");
    sandbox.git(["add", "--intent-to-add", "planned"]);
    fs::remove_file(sandbox.file("gone")).unwrap();
    fs::set_permissions(sandbox.file("script"), Permissions::from_mode(0o755)).unwrap();
    fs::remove_file(sandbox.file("link")).unwrap();
    std::os::unix::fs::symlink("same", sandbox.file("link")).unwrap();
    // A folder becomes a file, a file a folder, and a link leads to a folder with tracked files.
    fs::remove_dir_all(sandbox.file("folder")).unwrap();
    sandbox.write("folder", "x");
    fs::rename(sandbox.file("other"), sandbox.file("moved")).unwrap();
    std::os::unix::fs::symlink("moved", sandbox.file("other")).unwrap();
    let expected = [
        "folder added",
        "folder/a deleted",
        "gone deleted",
        "gone-staged deleted",
        "latin\\xe9 added",
        "link type-changed",
        "mixed modified",
        "moved/kept added",
        "new/in/folders added",
        "other added",
        "other/kept deleted",
        "planned added",
        "script modified",
        "staged modified",
        "staged-new added",
        "unstaged modified",
    ];
    assert_eq!(changes(&sandbox), expected);
    assert_eq!(working_tree(&sandbox).1.tree, tree_by_git(&sandbox));
}

#[test]
fn what_git_ignores_is_not_there() {
    let sandbox = Sandbox::new();
    sandbox.write(".gitignore", "*.log\n/build/\n!kept.log\n");
    sandbox.write("sub/.gitignore", "local\n");
    sandbox.write_all(&["src/a", "build/tracked"]);
    sandbox.git(["add", "--force", "build/tracked"]);
    sandbox.commit();
    sandbox.write(".git/info/exclude", "*.secret\n");
    sandbox.write_all(&[
        "a.log",
        "sub/b.log",
        "kept.log",
        "build/out",
        "sub/local",
        "local",
        "x.secret",
        "sub/x",
    ]);
    // What is tracked is not ignored.
    sandbox.write("build/tracked", "other");
    assert_eq!(changes(&sandbox), ["build/tracked modified", "kept.log added", "local added", "sub/x added"]);
    assert_eq!(working_tree(&sandbox).1.tree, tree_by_git(&sandbox));
}

#[test]
fn a_submodule_counts_by_the_commit_that_is_checked_out_there() {
    let module = Sandbox::new();
    module.commit();
    let sandbox = Sandbox::new();
    let url = module.path().to_str().unwrap();
    sandbox.git(["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", url, "module"]);
    let unknown = "160000,1111111111111111111111111111111111111111,absent";
    sandbox.git(["update-index", "--add", "--cacheinfo", unknown]);
    fs::create_dir(sandbox.file("absent")).unwrap();
    sandbox.commit();
    assert_eq!(changes(&sandbox), [""; 0]);
    let inside = |words: &[&str]| {
        sandbox.git([&["-C", "module"], words].concat());
    };
    inside(&["commit", "--quiet", "--allow-empty", "--message=x"]);
    assert_eq!(changes(&sandbox), ["module modified"]);
    // A repository that nobody added is one, too; files in it are its own.
    sandbox.git(["clone", "--quiet", url, "nested"]);
    assert_eq!(changes(&sandbox), ["module modified", "nested added"]);
    assert_eq!(working_tree(&sandbox).1.tree, tree_by_git(&sandbox));
}

#[test]
fn what_a_sparse_checkout_leaves_out_is_not_deleted() {
    let sandbox = Sandbox::new();
    sandbox.write_all(&["in/a", "out/b", "out/deep/c", "root"]);
    sandbox.commit();
    for kind in ["--no-sparse-index", "--sparse-index"] {
        sandbox.git(["sparse-checkout", "set", "--cone", kind, "in"]);
        assert!(!sandbox.file("out/b").exists());
        assert_eq!(changes(&sandbox), [""; 0], "{kind}");
    }
}

#[test]
fn a_conflict_is_the_file_as_it_is() {
    let sandbox = Sandbox::new();
    sandbox.write("a", "1");
    let base = sandbox.commit().to_string();
    sandbox.git(["checkout", "--quiet", "-b", "other"]);
    sandbox.write("a", "2");
    sandbox.commit();
    sandbox.git(["checkout", "--quiet", "main"]);
    sandbox.git(["rm", "--quiet", "a"]);
    sandbox.commit();
    // Deleted here and changed there: the index holds it as both others have it, and what it says of a file
    // to ignore does not matter.
    sandbox.git(["read-tree", "-i", "-m", &base, "main", "other"]);
    assert!(sandbox.git(["status", "--porcelain"]).starts_with(b"DU a"));
    sandbox.write(".git/info/exclude", "a\n");
    sandbox.write("a", "2");
    assert_eq!(changes(&sandbox), ["a added"]);
}

#[test]
fn line_ends_that_git_would_convert_count_as_they_are() {
    let sandbox = Sandbox::new();
    sandbox.write(".gitattributes", "* text=auto\n");
    sandbox.write("a", "one\r\ntwo\r\n");
    sandbox.commit();
    assert_eq!(changes(&sandbox), ["a modified"], "it was just written: only its content tells");
    let tracked = sandbox.file("a");
    let time = fs::metadata(&tracked).unwrap().modified().unwrap() - std::time::Duration::from_mins(1);
    fs::File::open(&tracked).unwrap().set_modified(time).unwrap();
    sandbox.git(["update-index", "--refresh"]);
    assert_eq!(changes(&sandbox), [""; 0], "its time tells that it is what git added");
}

#[test]
fn nothing_is_written_and_no_content_is_kept_unless_asked_for() {
    let sandbox = Sandbox::new();
    sandbox.commit();
    sandbox.write("new", "content");
    let before = sandbox.git(["count-objects", "--verbose"]);
    let id = sandbox.git(["hash-object", "new"]);
    let id = ObjectId::from_hex(id.trim_ascii()).unwrap();
    let has_content = |contents| {
        let mut repository = Repository::open(sandbox.path()).unwrap();
        repository.working_tree(contents, || Ok(())).unwrap();
        let objects = repository.packs(sandbox.path().join(".git").as_path());
        assert!(objects.is_ok(), "what is fetched later does not lose what is in memory");
        gix::objs::Exists::exists(repository.objects(), &id)
    };
    assert_eq!((has_content(true), has_content(false)), (true, false));
    assert_eq!(sandbox.git(["count-objects", "--verbose"]), before);
}

#[test]
fn a_bare_repository_has_none() {
    let bare = Sandbox::with(&["--bare"]);
    let mut repository = Repository::open(bare.path()).unwrap();
    assert_eq!(repository.working_tree(false, || Ok(())), Ok(None));
}

#[test]
fn a_linked_worktree_is_one_of_its_own() {
    let sandbox = Sandbox::new();
    sandbox.write("a", "1");
    sandbox.commit();
    let beside = tempfile::tempdir().unwrap();
    let linked = beside.path().join("linked");
    sandbox.git(["worktree", "add", "--quiet", "-b", "other", linked.to_str().unwrap()]);
    sandbox.write("here", "1");
    fs::write(linked.join("there"), "1").unwrap();
    fs::write(sandbox.file(".git/info/exclude"), "*.log\n").unwrap();
    fs::write(linked.join("x.log"), "1").unwrap();
    let mut repository = Repository::open(&linked).unwrap();
    let tree = repository.working_tree(false, || Ok(())).unwrap().unwrap();
    let mut changes = Vec::new();
    changes::between(&repository, repository.named("HEAD").unwrap(), tree, |change| {
        changes.push(escape::bytes(change.file.path));
        Ok(())
    })
    .unwrap();
    assert_eq!(changes, ["there"]);
}

#[test]
fn what_can_not_be_read_is_not_taken_for_unchanged() {
    let sandbox = Sandbox::new();
    sandbox.write("a", "1");
    sandbox.commit();
    let gone = sandbox.path().join("gone");
    let repository = Repository::open(sandbox.path()).unwrap();
    let problem = read(&gone, repository.objects(), false, || Ok(())).unwrap_err();
    assert_eq!(problem.verdict, sluice_core::Verdict::Undecided);
    fs::write(sandbox.file(".git/index"), "no index").unwrap();
    let problem = Repository::open(sandbox.path()).unwrap().working_tree(false, || Ok(())).unwrap_err();
    assert_eq!(problem.verdict, sluice_core::Verdict::Undecided);
    let enough = || Err(Problem::undecided("enough"));
    fs::remove_file(sandbox.file(".git/index")).unwrap();
    let ended = Repository::open(sandbox.path()).unwrap().working_tree(false, enough);
    assert_eq!(ended, Err(Problem::undecided("enough")));
}
