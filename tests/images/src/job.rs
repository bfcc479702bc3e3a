//! A job, as the runner lays it out on its machine.

use std::{
    fs,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown},
    path::{Path, PathBuf},
    sync::Arc,
};

use nix::unistd::geteuid;
use sluice_end_to_end::Repository;

use crate::{Registry, Step, engine_answers};

/// The folders of a job, and the repository that it checked out. All are the runner's, who is not root.
pub struct Job {
    pub(crate) registry: Arc<Registry>,
    pub(crate) workspace: Repository,
    folder: tempfile::TempDir,
    runner: u32,
}

/// What lies in a folder: a path, and who owns it.
#[derive(Debug, PartialEq, Eq)]
pub struct Owned {
    /// The path from the folder.
    pub path: String,
    /// The owner.
    pub user: u32,
}

/// The user of GitHub's own runners.
const RUNNER: u32 = 1001;

impl Job {
    /// A job whose workspace holds what `fill` wrote; `None` when there is no engine to run it.
    pub fn with(fill: impl FnOnce(&Repository)) -> Option<Self> {
        if !engine_answers() {
            return None;
        }
        let workspace = Repository::new();
        fill(&workspace);
        // Who is not root can't give files away, and is a runner that is not root.
        let runner = if geteuid().is_root() { RUNNER } else { geteuid().as_raw() };
        let job = Self {
            registry: Registry::with_the_release(),
            workspace,
            folder: tempfile::tempdir().unwrap(),
            runner,
        };
        for folder in ["runner_temp", "home", "workflow", "file_commands"] {
            fs::create_dir(job.path(folder)).unwrap();
        }
        for (file, text) in
            [("workflow/event.json", "{}"), ("file_commands/output", ""), ("file_commands/summary", "")]
        {
            fs::write(job.path(file), text).unwrap();
        }
        give(job.folder.path(), runner);
        give(job.workspace.path(), runner);
        Some(job)
    }

    /// The workspace.
    pub fn workspace(&self) -> &Repository {
        &self.workspace
    }

    /// Gives one of the job's folders, or the workspace, to root. `false` when that can't be done: only root can.
    #[must_use]
    pub fn is_given_to_root(&self, folder: &str) -> bool {
        let folder = if folder == "workspace" { self.workspace.path().to_owned() } else { self.path(folder) };
        let can = geteuid().is_root();
        if can {
            give(&folder, 0);
        }
        can
    }

    /// Lets every user write what lies in one of the job's folders.
    pub fn open_to_all(&self, folder: &str) {
        walk(&self.path(folder), &mut |path, _| {
            fs::set_permissions(path, fs::Permissions::from_mode(0o777)).unwrap();
        });
    }

    /// A step that runs an action.
    pub fn step(&self, action: &str) -> Step<'_> {
        Step::new(self, action)
    }

    /// All that lies in the workspace and in the job's folders and is not its runner's.
    pub fn not_the_runner_s(&self) -> Vec<Owned> {
        let mut found = Vec::new();
        for folder in [self.workspace.path(), self.folder.path()] {
            walk(folder, &mut |path, user| {
                if user != self.runner {
                    let path = path.strip_prefix(folder).unwrap_or(path).display().to_string();
                    found.push(Owned { path, user });
                }
            });
        }
        found
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

fn give(path: &Path, user: u32) {
    walk(path, &mut |path, _| chown(path, Some(user), Some(user)).unwrap());
}

fn walk(path: &Path, see: &mut impl FnMut(&Path, u32)) {
    let metadata = path.symlink_metadata().unwrap();
    see(path, metadata.uid());
    if metadata.is_dir() {
        for entry in path.read_dir().unwrap() {
            walk(&entry.unwrap().path(), see);
        }
    }
}
