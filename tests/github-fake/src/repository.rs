//! A repository, as a test prepares it and looks at it.

use std::{path::PathBuf, sync::Arc};

use crate::{
    Shared,
    git::Git,
    shapes,
    world::{Merged, Pull, PullState, Stored, StoredRun},
};

/// A repository of the stand-in.
#[derive(Clone)]
pub struct Repository {
    shared: Arc<Shared>,
    name: String,
}

/// A file of a commit.
#[derive(Clone, Debug)]
pub struct File {
    path: String,
    mode: &'static str,
    content: Option<Vec<u8>>,
}

impl File {
    /// A plain file.
    pub fn new(path: impl Into<String>, content: impl AsRef<[u8]>) -> Self {
        Self { path: path.into(), mode: "100644", content: Some(content.as_ref().to_vec()) }
    }

    /// A program.
    pub fn executable(path: impl Into<String>, content: impl AsRef<[u8]>) -> Self {
        Self { mode: "100755", ..Self::new(path, content) }
    }

    /// A symbolic link.
    pub fn symlink(path: impl Into<String>, target: &str) -> Self {
        Self { mode: "120000", ..Self::new(path, target) }
    }

    /// A file that goes.
    pub fn removed(path: impl Into<String>) -> Self {
        Self { content: None, ..Self::new(path, "") }
    }
}

/// A run of a workflow.
#[derive(Clone, Debug)]
pub struct Run {
    /// The name of the workflow's file: `deploy.yml`.
    pub workflow: String,
    /// The branch that it ran for.
    pub branch: String,
    /// The event that started it.
    pub event: String,
    /// The commit that it ran for.
    pub head_sha: String,
    /// How it ended: `success`, `failure`, `cancelled`; empty while it goes on.
    pub conclusion: String,
    /// The fork that it came from, as `owner/name`; `None` when from this repository.
    pub fork: Option<String>,
}

impl Run {
    /// A push's run of `deploy.yml` that succeeded.
    pub fn success(branch: &str, head_sha: &str) -> Self {
        Self {
            workflow: "deploy.yml".to_owned(),
            branch: branch.to_owned(),
            event: "push".to_owned(),
            head_sha: head_sha.to_owned(),
            conclusion: "success".to_owned(),
            fork: None,
        }
    }
}

impl Repository {
    pub(crate) fn new(shared: Arc<Shared>, name: &str) -> Self {
        Self { shared, name: name.to_owned() }
    }

    /// Its name, as `owner/name`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The address to fetch it from.
    pub fn clone_url(&self) -> String {
        format!("{}/{}.git", self.shared.address, self.name)
    }

    /// The folder of the bare repository behind it.
    pub fn folder(&self) -> PathBuf {
        self.with(|stored, _| stored.git.folder().to_owned())
    }

    /// Runs git over it, and gives what it prints, trimmed.
    pub fn git(&self, arguments: &[&str]) -> String {
        self.with(|stored, _| stored.git.run(arguments))
    }

    /// Commits files on top of a branch, which is made when it is not there, and gives the commit's name.
    pub fn commit(&self, branch: &str, message: &str, files: &[File]) -> String {
        self.with(|stored, time| {
            let git = &stored.git;
            let name = format!("refs/heads/{branch}");
            let parent = git.commit(&name);
            let changes: Vec<_> = files.iter().map(|file| file.change(git)).collect();
            let tree = git.write_tree(parent.as_deref(), &changes).expect("a file to remove is there");
            let parents: Vec<&str> = parent.as_deref().into_iter().collect();
            let commit = git.write_commit(&tree, &parents, message, "octocat", time);
            git.run(&["update-ref", &name, &commit]);
            commit
        })
    }

    /// Makes a branch at a commit, or moves it there.
    pub fn branch(&self, name: &str, commit: &str) {
        self.git(&["update-ref", &format!("refs/heads/{name}"), commit]);
    }

    /// The head of a branch.
    pub fn head(&self, branch: &str) -> Option<String> {
        self.with(|stored, _| stored.git.commit(&format!("refs/heads/{branch}")))
    }

    /// The bytes of a file in a commit.
    pub fn file(&self, revision: &str, path: &str) -> Option<Vec<u8>> {
        self.with(|stored, _| stored.git.contents("blob", &format!("{revision}:{path}")))
    }

    /// Adds a run of a workflow, newer than those before, and gives its number.
    pub fn run(&self, run: Run) -> u64 {
        let mut world = self.shared.world();
        let (id, created) = (world.new_id(), world.now());
        let stored = world.repositories.get_mut(&self.name).expect("the repository is there");
        let number = stored.runs.len() as u64 + 1;
        stored.runs.push(StoredRun { run, id, number, created });
        id
    }

    /// Ends a run that went on.
    pub fn end_run(&self, id: u64, conclusion: &str) {
        self.with(|stored, _| {
            let run = stored.runs.iter_mut().find(|run| run.id == id).expect("the run is there");
            conclusion.clone_into(&mut run.run.conclusion);
        });
    }

    /// Lets a branch take no commit but by pull request.
    pub fn protect(&self, branch: &str) {
        self.with(|stored, _| stored.protected.insert(branch.to_owned()));
    }

    /// Lets it be read only.
    pub fn archive(&self) {
        self.with(|stored, _| stored.is_archived = true);
    }

    /// Lets no pull request merge by itself.
    pub fn forbid_auto_merge(&self) {
        self.with(|stored, _| stored.allows_auto_merge = false);
    }

    /// Tells only so many entries of a tree, as of one that is too large.
    pub fn cut_trees(&self, entries: usize) {
        self.with(|stored, _| stored.most_entries = entries);
    }

    /// Closes a pull request, as a person does who does not want it.
    pub fn close(&self, number: u64) {
        self.end(number, |_, _, _| PullState::Closed);
    }

    /// Merges a pull request as one commit on its base.
    pub fn squash(&self, number: u64) {
        self.end(number, |stored, pull, time| {
            let git = &stored.git;
            let (base, head) = (format!("refs/heads/{}", pull.base), format!("refs/heads/{}", pull.head));
            let parent = git.commit(&base).expect("the base is there");
            let tree = git.run(&["merge-tree", "--write-tree", &base, &head]);
            let commit = git.write_commit(&tree, &[&parent], &pull.title, "monalisa", time);
            git.run(&["update-ref", &base, &commit]);
            let head = git.commit(&head).expect("the head is there");
            PullState::Merged(Merged { commit, head, at: time })
        });
    }

    /// Lets a pull request wait for what is required of it, or not.
    pub fn require(&self, number: u64, waits: bool) {
        self.with(|stored, _| pull(stored, number).waits = waits);
    }

    fn end(&self, number: u64, merge: impl FnOnce(&Stored, &Pull, u64) -> PullState) {
        self.with(|stored, time| {
            let of = pull(stored, number).clone();
            let state = merge(stored, &of, time);
            let tip = stored.git.commit(&format!("refs/heads/{}", of.head));
            let pull = pull(stored, number);
            (pull.state, pull.closed_at) = (state, tip);
        });
    }

    /// Its pull requests, as the API tells of them, oldest first.
    pub fn pull_requests(&self) -> Vec<serde_json::Value> {
        self.with(|stored, _| {
            stored.pulls.iter().map(|pull| shapes::pull(&self.shared.address, stored, pull)).collect()
        })
    }

    /// As [`Self::with`], with a number that nothing has yet.
    pub(crate) fn with_ids<T>(&self, use_it: impl FnOnce(&mut Stored, u64, u64) -> T) -> T {
        let mut world = self.shared.world();
        let (now, id) = (world.now(), world.new_id());
        use_it(world.repositories.get_mut(&self.name).expect("the repository is there"), now, id)
    }

    pub(crate) fn with<T>(&self, use_it: impl FnOnce(&mut Stored, u64) -> T) -> T {
        let mut world = self.shared.world();
        let now = world.now();
        use_it(world.repositories.get_mut(&self.name).expect("the repository is there"), now)
    }
}

fn pull(stored: &mut Stored, number: u64) -> &mut Pull {
    stored.pulls.iter_mut().find(|pull| pull.number == number).expect("the pull request is there")
}

impl File {
    fn change(&self, git: &Git) -> crate::git::Change {
        let entry = self.content.as_ref().map(|content| (self.mode.to_owned(), git.write_blob(content)));
        (self.path.clone(), entry)
    }
}
