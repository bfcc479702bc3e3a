//! An action as a process: on a terminal, or as the runner starts it.

use std::{
    collections::BTreeMap,
    io::Read as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use serde_json::Value;
use sluice_runner::Files;

use crate::{Outcome, Repository};

/// An action that is about to be run. The process gets no environment but what is set here.
#[must_use]
pub struct Run<'a> {
    repository: &'a Repository,
    action: String,
    arguments: Vec<String>,
    variables: BTreeMap<String, String>,
}

impl<'a> Run<'a> {
    pub(crate) fn new(repository: &'a Repository, action: &str) -> Self {
        Self { repository, action: action.to_owned(), arguments: Vec::new(), variables: BTreeMap::new() }
    }

    /// An argument of the command line.
    pub fn argument(mut self, argument: &str) -> Self {
        self.arguments.push(argument.to_owned());
        self
    }

    /// An environment variable.
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Takes an environment variable out again.
    pub fn without_variable(mut self, name: &str) -> Self {
        self.variables.remove(name);
        self
    }

    /// An input, as the runner hands it over: `INPUT_<NAME>`.
    pub fn input(self, name: &str, value: &str) -> Self {
        self.variable(&sluice_runner::input(name), value)
    }

    /// Runs it as a step of a workflow that this event started: with the files that the runner lays
    /// out, and every input that `action.yml` declares empty unless it is given.
    pub fn on(mut self, event: &str, payload: &Value) -> Self {
        let runner = self.runner();
        std::fs::create_dir_all(&runner).unwrap();
        let files = Files::within(&runner);
        for file in [&files.output, &files.summary] {
            let _ = std::fs::remove_file(file);
        }
        std::fs::write(&files.event, payload.to_string()).unwrap();
        for (name, value) in sluice_runner::variables(event, &files, &action_yml(&self.action)) {
            self.variables.entry(name).or_insert(value);
        }
        self
    }

    /// Runs it as a step of a workflow, where the event does not matter.
    pub fn in_actions(self) -> Self {
        self.on("workflow_dispatch", &serde_json::json!({}))
    }

    /// Runs it to its end.
    pub fn ends(self) -> Outcome {
        self.starts().ends()
    }

    /// Runs it to its end, with a standard output where nothing fits: that of a full disk.
    pub fn ends_on_a_full_disk(self) -> Outcome {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        self.starts_with(full.into()).ends()
    }

    /// Starts it.
    pub fn starts(self) -> Running {
        self.starts_with(Stdio::piped())
    }

    fn starts_with(self, stdout: Stdio) -> Running {
        let child = Command::new(binary(&self.action))
            .args(&self.arguments)
            .env_clear()
            .envs(&self.variables)
            .current_dir(self.repository.path())
            .stdin(Stdio::null())
            .stdout(stdout)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Running { child, runner: self.runner(), said: Vec::new() }
    }

    /// Outside the tree, so that what the runner lays out is no change.
    fn runner(&self) -> PathBuf {
        self.repository.path().join(".git/runner")
    }
}

/// An action that runs.
pub struct Running {
    child: Child,
    runner: PathBuf,
    /// What was read of its standard error.
    said: Vec<u8>,
}

impl Running {
    /// Sends SIGTERM, as the runner does when a workflow is cancelled.
    pub fn terminate(&self) -> &Self {
        self.signal(nix::sys::signal::Signal::SIGTERM)
    }

    /// Sends SIGKILL, as the runner does 10 s later.
    pub fn kill(&self) -> &Self {
        self.signal(nix::sys::signal::Signal::SIGKILL)
    }

    /// Lets it stand still, as a machine that is frozen does.
    pub fn freeze(&self) -> &Self {
        self.signal(nix::sys::signal::Signal::SIGSTOP)
    }

    /// Lets it go on.
    pub fn thaw(&self) -> &Self {
        self.signal(nix::sys::signal::Signal::SIGCONT)
    }

    fn signal(&self, signal: nix::sys::signal::Signal) -> &Self {
        let process = nix::unistd::Pid::from_raw(i32::try_from(self.child.id()).unwrap());
        // It may have ended by itself in the meantime.
        let _ = nix::sys::signal::kill(process, signal);
        self
    }

    /// Waits for its end and asserts that it never took more memory than this.
    #[track_caller]
    pub fn ends_within(mut self, megabytes: u64) -> Outcome {
        let status = format!("/proc/{}/status", self.child.id());
        let mut peak = 0;
        while self.child.try_wait().unwrap().is_none() {
            let text = std::fs::read_to_string(&status).unwrap_or_default();
            let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
            let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok());
            peak = peak.max(kilobytes.unwrap_or(0));
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        assert!(peak < megabytes * 1000, "took {peak} kB of memory");
        self.ends()
    }

    /// Waits until it has said this on standard error.
    #[track_caller]
    #[must_use]
    pub fn until_it_says(mut self, text: &str) -> Self {
        let stream = self.child.stderr.as_mut().unwrap();
        let mut byte = [0];
        while !String::from_utf8_lossy(&self.said).contains(text) {
            let read = stream.read(&mut byte).unwrap();
            assert!(read == 1, "ended without {text:?}: {}", String::from_utf8_lossy(&self.said));
            self.said.extend(byte);
        }
        self
    }

    /// Waits for its end.
    pub fn ends(self) -> Outcome {
        let mut output = self.child.wait_with_output().unwrap();
        output.stderr.splice(..0, self.said);
        Outcome::read(&output, &self.runner)
    }
}

/// The binary of an action.
#[expect(clippy::disallowed_methods, reason = "the tests are told where the binaries are")]
pub fn binary(action: &str) -> PathBuf {
    let folder = std::env::var_os("SLUICE_BIN_DIR")
        .unwrap_or_else(|| panic!("SLUICE_BIN_DIR is not set: run the tests with `cargo xtask test`"));
    Path::new(&folder).join(action)
}

fn action_yml(action: &str) -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../actions").join(action).join("action.yml");
    std::fs::read_to_string(file).unwrap()
}
