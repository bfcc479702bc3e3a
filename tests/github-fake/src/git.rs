//! Git, asked through its own program.

mod batch;

use std::{
    cell::RefCell,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use self::batch::Batch;

/// A bare repository.
pub(crate) struct Git {
    folder: PathBuf,
    batch: RefCell<Option<Batch>>,
}

/// A change of one path in a tree: its mode and blob, or `None` to remove it.
pub(crate) type Change = (String, Option<(String, String)>);

impl Git {
    /// Makes an empty repository whose objects may be fetched one by one and without blobs, as GitHub's may.
    pub(crate) fn create(folder: &Path) -> Self {
        let git = Self { folder: folder.to_owned(), batch: RefCell::default() };
        git.run(&["init", "--quiet", "--bare", "--initial-branch=main", &folder.to_string_lossy()]);
        let settings = [
            "uploadpack.allowFilter",
            "uploadpack.allowAnySHA1InWant",
            "uploadpack.allowReachableSHA1InWant",
        ];
        for setting in settings {
            git.run(&["config", setting, "true"]);
        }
        git.run(&["config", "gc.auto", "0"]);
        git
    }

    /// A git command over the repository, deaf to whatever git settings the machine has.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new("git");
        command
            .arg("--git-dir")
            .arg(&self.folder)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_SYSTEM", "/dev/null")
            .current_dir(self.folder.parent().unwrap_or(&self.folder));
        command
    }

    /// What a command prints, when it succeeds.
    pub(crate) fn ask(&self, arguments: &[&str]) -> Option<Vec<u8>> {
        let output = self.command().args(arguments).stderr(Stdio::null()).output().expect("git is installed");
        output.status.success().then_some(output.stdout)
    }

    /// A line that a command prints, when it succeeds.
    pub(crate) fn line(&self, arguments: &[&str]) -> Option<String> {
        self.ask(arguments).map(|output| String::from_utf8_lossy(output.trim_ascii()).into_owned())
    }

    /// A command that must succeed.
    pub(crate) fn run(&self, arguments: &[&str]) -> String {
        self.feed(arguments, &[], b"")
    }

    /// A command that must succeed, with variables and input.
    pub(crate) fn feed(&self, arguments: &[&str], variables: &[(&str, &str)], input: &[u8]) -> String {
        let mut command = self.command();
        command.args(arguments).envs(variables.iter().copied());
        let output = feed(&mut command, input);
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "git {arguments:?}: {error}");
        String::from_utf8_lossy(output.stdout.trim_ascii()).into_owned()
    }

    /// The commit that a name stands for.
    pub(crate) fn commit(&self, revision: &str) -> Option<String> {
        self.object(&format!("{revision}^{{commit}}"))
    }

    /// The object that a name stands for.
    pub(crate) fn object(&self, name: &str) -> Option<String> {
        self.batch(name, |batch| batch.info(name)).map(|info| info.sha)
    }

    /// Whether an object is there, and what it is.
    pub(crate) fn kind(&self, sha: &str) -> Option<String> {
        is_sha(sha).then(|| self.batch(sha, |batch| batch.info(sha))).flatten().map(|info| info.kind)
    }

    /// The bytes of an object of this kind.
    pub(crate) fn contents(&self, kind: &str, name: &str) -> Option<Vec<u8>> {
        let (info, bytes) = self.batch(name, |batch| batch.contents(name))?;
        (info.kind == kind).then_some(bytes)
    }

    /// Asks the long-lived git. It takes names line by line: a name that could be two is that of nothing.
    fn batch<T>(&self, name: &str, ask: impl FnOnce(&mut Batch) -> Option<T>) -> Option<T> {
        if name.contains(['\0', '\n']) {
            return None;
        }
        let mut slot = self.batch.borrow_mut();
        let batch = slot.get_or_insert_with(|| Batch::start(&mut self.command()));
        let answer = ask(batch);
        if batch.has_ended {
            *slot = None;
        }
        answer
    }

    pub(crate) fn write_blob(&self, content: &[u8]) -> String {
        self.feed(&["hash-object", "-w", "--stdin"], &[], content)
    }

    /// A tree that differs from another one in these paths; `None` when a path to be removed is not there.
    pub(crate) fn write_tree(&self, base: Option<&str>, changes: &[Change]) -> Option<String> {
        let index = tempfile::NamedTempFile::new().expect("a temporary file").into_temp_path();
        // Git wants to make the file itself.
        std::fs::remove_file(&index).expect("a temporary file");
        let path = index.to_string_lossy().into_owned();
        let variables = [("GIT_INDEX_FILE", path.as_str())];
        if let Some(base) = base {
            self.feed(&["read-tree", base], &variables, b"");
        }
        let mut lines = Vec::new();
        for (path, entry) in changes {
            let (mode, sha) = if let Some((mode, sha)) = entry {
                (mode.as_str(), sha.clone())
            } else {
                self.object(&format!("{}:{path}", base?))?;
                ("0", "0".repeat(40))
            };
            lines.extend_from_slice(format!("{mode} {sha}\t{path}\0").as_bytes());
        }
        self.feed(&["update-index", "-z", "--index-info"], &variables, &lines);
        Some(self.feed(&["write-tree"], &variables, b""))
    }

    /// Makes a commit by a user named after `who`, at `time` in seconds since 1970.
    pub(crate) fn write_commit(
        &self,
        tree: &str,
        parents: &[&str],
        message: &str,
        who: &str,
        time: u64,
    ) -> String {
        let email = format!("{who}@users.noreply.github.com");
        let date = format!("{time} +0000");
        let variables = [
            ("GIT_AUTHOR_NAME", who),
            ("GIT_AUTHOR_EMAIL", &email),
            ("GIT_AUTHOR_DATE", &date),
            ("GIT_COMMITTER_NAME", who),
            ("GIT_COMMITTER_EMAIL", &email),
            ("GIT_COMMITTER_DATE", &date),
        ];
        let mut arguments = vec!["commit-tree", tree];
        for parent in parents {
            arguments.extend(["-p", parent]);
        }
        self.feed(&arguments, &variables, message.as_bytes())
    }

    /// Whether `old` is in the history of `new`.
    pub(crate) fn is_ancestor(&self, old: &str, new: &str) -> bool {
        self.ask(&["merge-base", "--is-ancestor", old, new]).is_some()
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }
}

/// Runs a command with input.
pub(crate) fn feed(command: &mut Command, input: &[u8]) -> Output {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("git is installed");
    let mut stdin = child.stdin.take().expect("a pipe");
    std::thread::scope(|scope| {
        // A program that ends before it has read everything has its reasons.
        scope.spawn(move || stdin.write_all(input));
        child.wait_with_output().expect("its output")
    })
}

/// Whether a text is the full name of an object.
pub(crate) fn is_sha(text: &str) -> bool {
    text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}
