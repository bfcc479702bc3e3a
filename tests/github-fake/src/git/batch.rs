//! Objects, read through one long-lived git: a process for each would make up most of the time of a test.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

/// A running `git cat-file --batch-command`.
pub(super) struct Batch {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    /// Some names (`main:../x`) are the end of it.
    pub(super) has_ended: bool,
}

/// What git says of an object.
pub(super) struct Info {
    pub(super) sha: String,
    pub(super) kind: String,
    size: usize,
}

impl Batch {
    pub(super) fn start(git: &mut Command) -> Self {
        let mut child = git
            .args(["cat-file", "--batch-command", "-z", "--buffer"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("git is installed");
        let stdin = child.stdin.take().expect("a pipe");
        let stdout = BufReader::new(child.stdout.take().expect("a pipe"));
        Self { child, stdin, stdout, has_ended: false }
    }

    /// What git says of the object that a name stands for. The name holds neither a NUL nor the end of a line.
    pub(super) fn info(&mut self, name: &str) -> Option<Info> {
        self.ask("info", name)
    }

    /// The bytes of the object that a name stands for, and what git says of it.
    pub(super) fn contents(&mut self, name: &str) -> Option<(Info, Vec<u8>)> {
        let info = self.ask("contents", name)?;
        let mut bytes = vec![0; info.size + 1];
        self.stdout.read_exact(&mut bytes).expect("git goes on");
        bytes.pop();
        Some((info, bytes))
    }

    fn ask(&mut self, command: &str, name: &str) -> Option<Info> {
        write!(self.stdin, "{command} {name}\0flush\0").expect("git goes on");
        let mut line = String::new();
        self.stdout.read_line(&mut line).expect("git goes on");
        self.has_ended = line.is_empty();
        // "<sha> <type> <size>", or the name and why there is none.
        match line.trim_end().split(' ').collect::<Vec<_>>().as_slice() {
            [sha, kind, size] => {
                Some(Info { sha: (*sha).to_owned(), kind: (*kind).to_owned(), size: size.parse().ok()? })
            }
            _ => None,
        }
    }
}

impl Drop for Batch {
    fn drop(&mut self) {
        // Only waited for, so that no process is left: it has ended, or is to.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
