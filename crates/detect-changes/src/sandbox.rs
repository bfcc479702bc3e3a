//! Repositories for tests, made by git itself.

use std::{
    ffi::{OsStr, OsString},
    os::unix::ffi::OsStringExt as _,
    path::{Path, PathBuf},
    process::Command,
};

use gix::ObjectId;

/// A repository that lives as long as its test.
pub(crate) struct Sandbox {
    folder: tempfile::TempDir,
}

impl Sandbox {
    pub(crate) fn new() -> Self {
        Self::with(&[])
    }

    /// A repository made by `git init` with some options.
    pub(crate) fn with(options: &[&str]) -> Self {
        let sandbox = Self { folder: tempfile::tempdir().unwrap() };
        let init = ["init", "--quiet", "--initial-branch=main"];
        sandbox.git(init.iter().chain(options));
        sandbox
    }

    /// A clone of this one, made with some options.
    pub(crate) fn clone(&self, options: &[&str]) -> Self {
        let clone = Self { folder: tempfile::tempdir().unwrap() };
        let url = format!("file://{}", self.path().display());
        clone.git(["clone", "--quiet"].iter().chain(options).chain(&[&*url, "."]));
        clone
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// What git answers.
    pub(crate) fn git<S: AsRef<OsStr>>(&self, words: impl IntoIterator<Item = S>) -> Vec<u8> {
        self.git_with([], words)
    }

    /// What git answers, with these variables set.
    pub(crate) fn git_with<'a, S: AsRef<OsStr>>(
        &self,
        variables: impl IntoIterator<Item = (&'a str, &'a OsStr)>,
        words: impl IntoIterator<Item = S>,
    ) -> Vec<u8> {
        let mut git = Command::new("git");
        git.current_dir(self.path()).args(words);
        // A hook of git that runs the tests sets these.
        for name in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY"] {
            git.env_remove(name);
        }
        git.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
        for who in ["AUTHOR", "COMMITTER"] {
            git.env(format!("GIT_{who}_NAME"), "A U Thor").env(format!("GIT_{who}_EMAIL"), "a@example.com");
            git.env(format!("GIT_{who}_DATE"), "2026-01-02T03:04:05Z");
        }
        git.env("GIT_ALLOW_PROTOCOL", "file").envs(variables);
        let output = git.output().unwrap();
        assert!(output.status.success(), "{git:?}: {}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }

    pub(crate) fn file(&self, path: impl AsRef<[u8]>) -> PathBuf {
        self.path().join(OsString::from_vec(path.as_ref().to_vec()))
    }

    pub(crate) fn write(&self, path: impl AsRef<[u8]>, content: &str) {
        let file = self.file(path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, content).unwrap();
    }

    /// Writes a file each, holding its own name.
    pub(crate) fn write_all(&self, paths: &[&str]) {
        for path in paths {
            self.write(path, path);
        }
    }

    pub(crate) fn commit(&self) -> ObjectId {
        self.git(["add", "--all"]);
        self.git(["commit", "--quiet", "--allow-empty", "--message=x"]);
        self.id("HEAD")
    }

    pub(crate) fn id(&self, name: &str) -> ObjectId {
        ObjectId::from_hex(self.git(["rev-parse", name]).trim_ascii()).unwrap()
    }
}
