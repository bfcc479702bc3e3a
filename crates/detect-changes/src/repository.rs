//! The repository: read as objects, without a git binary and without the user's git configuration.
//!
//! A clone is never written to. What it lacks and a server gives is kept in a folder of its own, which
//! goes with the run: git finds its clone as it was, its owner finds no file of another user in it, and a
//! clone that can't be written to is as good as any.

use std::path::{Path, PathBuf};

use gix::{
    ObjectId,
    bstr::{BStr, BString},
    discover::upwards,
    open,
    revision::spec::parse,
    sec,
};
use sluice_core::{Problem, nearest};
use tempfile::TempDir;

use crate::working_tree;

/// A repository that is only read.
#[derive(Debug)]
pub(crate) struct Repository {
    git: gix::Repository,
    /// The objects that the clone lacks.
    fetched: Option<TempDir>,
    /// Whether there is no clone: all that is known was fetched.
    is_elsewhere: bool,
}

/// What a walk through history needs to know of a commit.
#[derive(Clone, Debug)]
pub(crate) struct Commit {
    /// The parents that it names, whether they are here or not.
    pub(crate) parents: Vec<ObjectId>,
    /// When it was made, in seconds since 1970.
    pub(crate) time: i64,
}

/// A commit, or a tree that no commit is needed for, and the tree it stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Revision {
    pub(crate) id: ObjectId,
    pub(crate) tree: ObjectId,
}

impl Revision {
    /// The start of the id, as git shows it.
    pub(crate) fn short(&self) -> String {
        short(self.id)
    }
}

/// The start of an id, as git shows it.
pub(crate) fn short(id: ObjectId) -> String {
    id.to_hex_with_len(7).to_string()
}

impl Repository {
    /// Finds the repository that `folder` lies in.
    ///
    /// Whoever owns it: in a container the checkout belongs to another user, and reading objects runs
    /// nothing. Of the configuration only the repository's own is read (the object format stands there).
    pub(crate) fn open(folder: &Path) -> Result<Self, Problem> {
        let options = upwards::Options {
            trust: upwards::TrustPolicy::Assume(sec::Trust::Full),
            ..upwards::Options::default()
        };
        let isolated =
            sec::trust::Mapping { full: open::Options::isolated(), reduced: open::Options::isolated() };
        let git = gix::ThreadSafeRepository::discover_opts(folder, options, isolated).map_err(|error| {
            Problem::misconfigured(format!("there is no git repository to read in {}", folder.display()))
                .why(cause(&error))
                .help("check the repository out before this step, or say where it is: `working-directory`")
        })?;
        Ok(Self { git: git.to_thread_local(), fetched: None, is_elsewhere: false })
    }

    /// A repository without a clone: an empty one below the folder `temporary`.
    pub(crate) fn elsewhere(temporary: &Path) -> Result<Self, Problem> {
        let folder = temporary_folder(temporary)?;
        // The least that git takes for a bare repository.
        let lay_out = || {
            std::fs::create_dir_all(folder.path().join("objects/pack"))?;
            std::fs::create_dir_all(folder.path().join("refs"))?;
            std::fs::write(folder.path().join("HEAD"), "ref: refs/heads/main\n")
        };
        lay_out().map_err(|error| not_kept(&error))?;
        let git = gix::ThreadSafeRepository::open_opts(folder.path(), open::Options::isolated());
        let git = git.map_err(|error| not_kept(&cause(&error)))?.to_thread_local();
        Ok(Self { git, fetched: Some(folder), is_elsewhere: true })
    }

    /// The folder for packs that are fetched, below the folder `temporary`. Their objects are found as
    /// soon as they are there.
    pub(crate) fn packs(&mut self, temporary: &Path) -> Result<PathBuf, Problem> {
        let objects = match &self.fetched {
            Some(folder) => folder.path().join("objects"),
            None => self.look_beside(temporary_folder(temporary)?)?,
        };
        Ok(objects.join("pack"))
    }

    /// From now on objects are looked for in `folder`, which names the clone's as those that it builds on:
    /// <https://git-scm.com/docs/gitrepository-layout#Documentation/gitrepository-layout.txt-objectsinfoalternates>
    fn look_beside(&mut self, folder: TempDir) -> Result<PathBuf, Problem> {
        let objects = folder.path().join("objects");
        let alternates = || {
            let clone = std::path::absolute(self.git.objects.store_ref().path())?;
            std::fs::create_dir_all(objects.join("pack"))?;
            std::fs::create_dir_all(objects.join("info"))?;
            let line = [clone.as_os_str().as_encoded_bytes(), b"\n"].concat();
            std::fs::write(objects.join("info/alternates"), line)?;
            gix::odb::at(&objects, self.git.object_hash())
        };
        let handle = alternates().map_err(|error| not_kept(&error))?;
        let memory = self.git.objects.take_object_memory();
        self.git.objects = gix::OdbHandle::new(handle, self.git.object_hash());
        self.git.objects.set_object_memory(memory.unwrap_or_default());
        self.fetched = Some(folder);
        Ok(objects)
    }

    /// What is checked out, with all that is not committed: the commit where nothing is, else a tree that is in
    /// memory only; none where nothing is checked out. `contents` says whether files will be read from it.
    pub(crate) fn working_tree(
        &mut self,
        contents: bool,
        go_on: impl Fn() -> Result<(), Problem>,
    ) -> Result<Option<Revision>, Problem> {
        self.git.objects.enable_object_memory();
        let Some(folder) = self.git.workdir() else { return Ok(None) };
        let tree = working_tree::read(folder, &self.git.objects, contents, go_on)?;
        let commit = self.git.head_id().ok().map(|head| self.peel(head.detach())).transpose()?;
        Ok(Some(commit.filter(|commit| commit.tree == tree).unwrap_or(Revision { id: tree, tree })))
    }

    /// What a person calls by a name: `origin/main`, `HEAD~1`, a SHA, a tree.
    #[cfg(test)]
    pub(crate) fn named(&self, name: &str) -> Result<Revision, Problem> {
        let id = self.resolve(name)?;
        self.find(id)?.ok_or_else(|| self.missing(&format!("the commit {}", short(id))))
    }

    /// The SHA that a name stands for, which need not be that of an object in the clone.
    pub(crate) fn resolve(&self, name: &str) -> Result<ObjectId, Problem> {
        match ObjectId::from_hex(name.as_bytes()) {
            Ok(id) => Ok(id),
            Err(_) => match self.git.rev_parse_single(BStr::new(name)) {
                Ok(id) => Ok(id.detach()),
                Err(error) => Err(self.unknown(name, &error)),
            },
        }
    }

    /// What a SHA stands for; none where the clone lacks it, or its tree: a clone without trees
    /// (`--filter=tree:0`) has commits only.
    pub(crate) fn find(&self, id: ObjectId) -> Result<Option<Revision>, Problem> {
        if !self.may_have(id) {
            return Ok(None);
        }
        match self.git.try_find_object(id) {
            Ok(Some(_)) => {}
            Ok(None) => return Ok(None),
            Err(error) => return Err(unreadable(&error)),
        }
        let found = self.peel(id)?;
        Ok(self.git.has_object(found.tree).then_some(found))
    }

    /// A branch of the server as the clone knows it.
    pub(crate) fn remote_branch(&self, branch: &str) -> Result<Option<Revision>, Problem> {
        let name = format!("refs/remotes/origin/{branch}");
        match self.git.try_find_reference(name.as_str()) {
            Ok(Some(mut reference)) => match reference.peel_to_id() {
                Ok(id) => self.find(id.detach()),
                Err(error) => Err(unreadable(&error)),
            },
            // A branch whose name git would not take is none that the clone knows.
            Ok(None) | Err(_) => Ok(None),
        }
    }

    /// The tags by name, each with the commit that it stands for.
    pub(crate) fn tags(&self) -> Result<Vec<(BString, ObjectId)>, Problem> {
        let references = self.git.references().map_err(|error| unreadable(&error))?;
        let tags = references.tags().map_err(|error| unreadable(&error))?;
        let mut found = Vec::new();
        for tag in tags {
            let mut tag = tag.map_err(|error| Problem::undecided("could not read the tags").why(error))?;
            if let Ok(id) = tag.peel_to_id() {
                found.push((tag.name().shorten().to_owned(), id.detach()));
            }
        }
        Ok(found)
    }

    /// What a walk through history needs to know of a commit; none where it is not here.
    pub(crate) fn commit(&self, id: ObjectId) -> Result<Option<Commit>, Problem> {
        if !self.may_have(id) {
            return Ok(None);
        }
        let Some(object) = self.git.try_find_object(id).map_err(|error| unreadable(&error))? else {
            return Ok(None);
        };
        let commit = object.try_into_commit().map_err(|error| unreadable(&error))?;
        let time = commit.time().map_err(|error| unreadable(&error))?.seconds;
        Ok(Some(Commit { parents: commit.parent_ids().map(gix::Id::detach).collect(), time }))
    }

    /// Whether the repository names its objects like this: by SHA-1, or by SHA-256.
    pub(crate) fn may_have(&self, id: ObjectId) -> bool {
        id.kind() == self.git.object_hash()
    }

    /// The address of the server that the clone was made from, where it says.
    pub(crate) fn origin(&self) -> Option<String> {
        self.git.config_snapshot().string("remote.origin.url").map(|url| url.to_string())
    }

    /// The tree without any file.
    pub(crate) fn empty_tree(&self) -> Revision {
        let id = ObjectId::empty_tree(self.git.object_hash());
        Revision { id, tree: id }
    }

    fn peel(&self, id: ObjectId) -> Result<Revision, Problem> {
        let object = self.git.find_object(id).and_then(gix::Object::peel_tags_to_end);
        let object = object.map_err(|error| unreadable(&error))?;
        let id = object.id;
        match object.kind {
            gix::object::Kind::Commit => {
                let tree = object.into_commit().tree_id().map_err(|error| unreadable(&error))?;
                Ok(Revision { id, tree: tree.detach() })
            }
            gix::object::Kind::Tree => Ok(Revision { id, tree: id }),
            kind => Err(Problem::misconfigured(format!("{} is a {kind}, no commit", short(id)))
                .help("give `base` and `head` the name of a commit, a branch or a tag")),
        }
    }

    /// The parents that a commit names, whether the clone has them or not; a tree has none.
    ///
    /// A shallow clone hides them from every walk through history.
    pub(crate) fn parents(&self, commit: Revision) -> Result<Vec<ObjectId>, Problem> {
        if commit.id == commit.tree {
            return Ok(Vec::new());
        }
        let commit = self.git.find_commit(commit.id).map_err(|error| unreadable(&error))?;
        Ok(commit.parent_ids().map(gix::Id::detach).collect())
    }

    /// The best common ancestor; none where the clone's history does not reach one.
    pub(crate) fn merge_base(&self, one: ObjectId, other: ObjectId) -> Result<Option<Revision>, Problem> {
        match self.git.merge_base(one, other) {
            Ok(Some(id)) => self.peel(id.detach()).map(Some),
            Ok(None) => Ok(None),
            // The history of what was fetched was not.
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(unreadable(&error)),
        }
    }

    /// Whether the clone's history is cut.
    pub(crate) fn is_shallow(&self) -> bool {
        self.is_elsewhere || self.git.is_shallow().unwrap_or(true)
    }

    /// The store of objects, for walks over trees.
    pub(crate) fn objects(&self) -> &gix::OdbHandle {
        &self.git.objects
    }

    /// The problem of a commit that the clone lacks, or has without its tree.
    pub(crate) fn missing_commit(&self, what: &str, id: ObjectId) -> Problem {
        if !matches!(self.commit(id), Ok(Some(_))) {
            return self.missing(what);
        }
        Problem::undecided(format!("{what} is in the clone without its folders"))
            .why("the clone was made with a filter: `tree:0`")
            .help("take `filter: blob:none`, or none")
    }

    /// The problem of something that the clone lacks.
    pub(crate) fn missing(&self, what: &str) -> Problem {
        let problem = Problem::undecided(format!("{what} is not in the clone"));
        if self.is_elsewhere {
            problem.why("there is no clone, and the server does not have it").help("check `base` and `head`")
        } else if self.is_shallow() {
            problem
                .why("the clone is shallow: its history is cut")
                .help("let actions/checkout fetch the whole history: `fetch-depth: 0`")
        } else {
            problem
                .why("its branch was rewritten by a forced push, or was never fetched")
                .help("give another `base`; or fetch it, with `fetch-depth: 0` at actions/checkout")
        }
    }

    /// The problem of a name that stands for nothing here.
    fn unknown(&self, name: &str, error: &gix::Error) -> Problem {
        if !self.is_elsewhere && self.git.head().is_ok_and(|head| head.is_unborn()) {
            return Problem::misconfigured("the repository has no commit yet")
                .help("commit something, or give `base` and `head` by name");
        }
        let what = format!("no revision is called \"{name}\"");
        let names = self.names();
        if let Some(meant) = nearest(name, names.iter().map(String::as_str)) {
            return Problem::misconfigured(what).help(format!("did you mean \"{meant}\"?"));
        }
        let remote = names.iter().find(|known| known.strip_prefix("origin/") == Some(name));
        if let Some(remote) = remote {
            return Problem::misconfigured(what)
                .why("there is no such branch here, only the remote's")
                .help(format!("did you mean \"{remote}\"?"));
        }
        if self.is_shallow() {
            return Problem::undecided(format!("the revision \"{name}\" is not in the clone"))
                .why("the clone is shallow: other branches and older commits were not fetched")
                .help("let actions/checkout fetch them: `fetch-depth: 0`");
        }
        let is_name = error.downcast_any_ref::<parse::Error>().is_some();
        if error.is_validation() && !is_name {
            let help = "name a branch, a tag or a commit, or one by its way from there: `HEAD~1`";
            return Problem::misconfigured(what).why(cause(error)).help(help);
        }
        // The name may be wrong, or right and not fetched: from here the two look the same.
        Problem::undecided(format!("the revision \"{name}\" is not in the clone"))
            .why(cause(error))
            .help("fetch it, or see `git branch --all` and `git tag` for its name")
    }

    /// The branches and tags, as people call them.
    fn names(&self) -> Vec<String> {
        let Ok(references) = self.git.references() else { return Vec::new() };
        let Ok(all) = references.all() else { return Vec::new() };
        all.filter_map(Result::ok).map(|reference| reference.name().shorten().to_string()).collect()
    }
}

fn temporary_folder(below: &Path) -> Result<TempDir, Problem> {
    let made = std::fs::create_dir_all(below)
        .and_then(|()| tempfile::Builder::new().prefix("sluice-").tempdir_in(below));
    made.map_err(|error| {
        not_kept(&error).help(format!("{} must be a folder that can be written to", below.display()))
    })
}

/// The problem of objects that there is no place for.
fn not_kept(why: &dyn std::fmt::Display) -> Problem {
    Problem::undecided("could not keep what is to be fetched").why(why)
}

/// The problem of an object that is missing or broken.
pub(crate) fn unreadable(error: &gix::Error) -> Problem {
    let problem = Problem::undecided("could not read the repository").why(cause(error));
    if error.is_not_found() {
        problem.help("a clone with `filter: tree:0` has no trees: take `filter: blob:none`, or none")
    } else if error.is_permission_denied() {
        problem.help("let this user read the repository, and the configuration of git below HOME")
    } else {
        problem.help("`git fsck` names what is broken: check the repository out again")
    }
}

/// What caused an error, in one line.
fn cause(error: &gix::Error) -> String {
    error.probable_cause().to_string()
}

#[cfg(test)]
mod tests {
    use sluice_core::Verdict;

    use super::*;
    use crate::sandbox::Sandbox;

    fn open(sandbox: &Sandbox) -> Repository {
        Repository::open(sandbox.path()).unwrap()
    }

    /// A repository with two commits, a tag on the first and a branch beside.
    fn two_commits() -> Sandbox {
        let sandbox = Sandbox::new();
        sandbox.write("a", "1");
        sandbox.commit();
        sandbox.git(["tag", "--annotate", "--message=x", "v1"]);
        sandbox.git(["branch", "feature/x"]);
        sandbox.write("a", "2");
        sandbox.commit();
        sandbox
    }

    #[test]
    fn revisions_are_found_by_every_name() {
        let sandbox = two_commits();
        let repository = open(&sandbox);
        let (first, second) = (sandbox.id("HEAD~1"), sandbox.id("HEAD"));
        let (first_hex, short) = (first.to_string(), short(first));
        for name in ["HEAD~1", "HEAD^", "v1", "refs/tags/v1", "feature/x", &first_hex, &short, "main@{1}"] {
            assert_eq!(repository.named(name).unwrap().id, first, "{name}");
        }
        assert_eq!(repository.named("main").unwrap().id, second);
        let tree = repository.named("HEAD^{tree}").unwrap();
        assert_eq!((tree.id, tree.tree), (sandbox.id("HEAD^{tree}"), sandbox.id("HEAD^{tree}")));
        assert_eq!(repository.named("HEAD:a").unwrap_err().verdict, Verdict::Misconfigured);
    }

    #[test]
    fn a_name_that_is_not_there_names_the_nearest() {
        let sandbox = two_commits();
        let clone = sandbox.clone(&[]);
        let repository = open(&clone);
        let problem = |name: &str| {
            let problem = repository.named(name).unwrap_err();
            format!("{}: {} ({})", problem.verdict, problem.what, problem.help.unwrap_or_default())
        };
        insta::assert_snapshot!(problem("orign/main"), @r##"misconfigured: no revision is called "orign/main" (did you mean "origin/main"?)"##);
        insta::assert_snapshot!(problem("feature/x"), @r##"misconfigured: no revision is called "feature/x" (did you mean "origin/feature/x"?)"##);
        insta::assert_snapshot!(problem("something/else"), @r##"undecided: the revision "something/else" is not in the clone (fetch it, or see `git branch --all` and `git tag` for its name)"##);
        insta::assert_snapshot!(problem("HEAD~7"), @r##"misconfigured: no revision is called "HEAD~7" (name a branch, a tag or a commit, or one by its way from there: `HEAD~1`)"##);
        insta::assert_snapshot!(problem("1111111111111111111111111111111111111111"), @"undecided: the commit 1111111 is not in the clone (give another `base`; or fetch it, with `fetch-depth: 0` at actions/checkout)");
        insta::assert_snapshot!(problem("~"), @r##"misconfigured: no revision is called "~" (name a branch, a tag or a commit, or one by its way from there: `HEAD~1`)"##);
        insta::assert_snapshot!(problem("main..HEAD"), @r##"undecided: the revision "main..HEAD" is not in the clone (fetch it, or see `git branch --all` and `git tag` for its name)"##);
    }

    #[test]
    fn a_shallow_clone_lacks_commits_but_knows_their_ids() {
        let sandbox = two_commits();
        let shallow = sandbox.clone(&["--depth=1"]);
        let repository = open(&shallow);
        assert!(repository.is_shallow());
        let head = repository.named("HEAD").unwrap();
        assert_eq!(repository.parents(head).unwrap(), [sandbox.id("HEAD~1")]);
        assert_eq!(repository.find(sandbox.id("HEAD~1")), Ok(None));
        for name in ["HEAD~1", "feature/x", &sandbox.id("HEAD~1").to_string()] {
            let problem = repository.named(name).unwrap_err();
            assert_eq!(problem.verdict, Verdict::Undecided, "{name}");
            assert!(problem.help.unwrap().contains("`fetch-depth: 0`"), "{name}");
        }
        assert_eq!(repository.parents(repository.named("HEAD^{tree}").unwrap()), Ok(vec![]));
    }

    #[test]
    fn it_is_found_from_below_and_in_every_form() {
        let sandbox = two_commits();
        sandbox.write("deep/er/file", "x");
        let head = sandbox.id("HEAD");
        let head_in = |folder: &Path| Repository::open(folder).unwrap().named("HEAD").unwrap().id;
        assert_eq!(head_in(&sandbox.file("deep/er")), head);
        assert_eq!(head_in(sandbox.clone(&["--bare"]).path()), head);
        let beside = tempfile::tempdir().unwrap();
        let worktree = beside.path().join("linked");
        sandbox.git(["worktree", "add", "--quiet", worktree.to_str().unwrap(), "feature/x"]);
        assert_eq!(head_in(&worktree), sandbox.id("feature/x"));
    }

    #[test]
    fn another_object_format_is_read() {
        let sandbox = Sandbox::with(&["--object-format=sha256"]);
        sandbox.write("a", "1");
        let id = sandbox.commit();
        assert_eq!(id.to_string().len(), 64);
        let repository = open(&sandbox);
        assert_eq!(repository.named("HEAD").unwrap().id, id);
        assert_eq!(repository.named(&id.to_string()).unwrap().id, id);
    }

    #[test]
    fn no_repository_is_no_empty_one() {
        let folder = tempfile::tempdir().unwrap();
        let Err(problem) = Repository::open(folder.path()) else { panic!("there is none") };
        assert_eq!(problem.verdict, Verdict::Misconfigured);
        let problem = open(&Sandbox::new()).named("HEAD").unwrap_err();
        insta::assert_snapshot!(format!("{}: {} ({:?})", problem.verdict, problem.what, problem.help), @r##"misconfigured: the repository has no commit yet (Some("commit something, or give `base` and `head` by name"))"##);
    }

    #[test]
    fn what_may_not_be_read_is_not_said_to_be_broken() {
        let denied = std::io::Error::from(std::io::ErrorKind::PermissionDenied);
        let problem = unreadable(&gix::Error::from_error(denied));
        assert_eq!(problem.verdict, Verdict::Undecided);
        insta::assert_snapshot!(problem.help.unwrap(), @"let this user read the repository, and the configuration of git below HOME");
    }

    #[test]
    fn only_the_repository_s_own_configuration_is_read() {
        let sandbox = two_commits();
        sandbox.write(".git/included", "[gitoxide \"core\"]\n\tshallowFile = included\n");
        sandbox.git(["config", "include.path", "included"]);
        assert!(!open(&sandbox).is_shallow());
    }

    #[test]
    fn the_merge_base_is_found_where_history_reaches_it() {
        let sandbox = two_commits();
        sandbox.git(["checkout", "--quiet", "feature/x"]);
        sandbox.write("b", "1");
        let feature = sandbox.commit();
        let repository = open(&sandbox);
        let base = repository.merge_base(sandbox.id("main"), feature).unwrap().unwrap();
        assert_eq!(base.id, sandbox.id("v1^{commit}"));
        sandbox.git(["checkout", "--quiet", "--orphan", "other"]);
        let other = sandbox.commit();
        assert_eq!(open(&sandbox).merge_base(sandbox.id("main"), other), Ok(None));
    }
}
