//! What a run knows of the world around it.

use std::{
    future::Future,
    io::Write as _,
    path::{Path, PathBuf},
    time::Duration,
};

use jiff::Timestamp;

use crate::{
    Cancellation, Environment, Interrupted, Problem, Secret, escape, secret::Secrets, workflow_command,
};

/// The world around a run: the runner's environment or a developer's terminal, the repository, the
/// clock, the signals. An action asks it, and nothing else.
#[derive(Debug)]
pub struct Context {
    pub(crate) environment: Environment,
    pub(crate) folder: PathBuf,
    pub(crate) clock: fn() -> Timestamp,
    pub(crate) cancellation: Cancellation,
    pub(crate) secrets: Secrets,
    pub(crate) pending_is_fine: std::cell::Cell<bool>,
}

impl Context {
    /// A context that no signal ends: for trying out what an action does with one.
    pub fn new(environment: Environment, folder: impl Into<PathBuf>, clock: fn() -> Timestamp) -> Self {
        Self {
            environment,
            folder: folder.into(),
            clock,
            cancellation: Cancellation::never(),
            secrets: Secrets::default(),
            pending_is_fine: std::cell::Cell::new(false),
        }
    }

    /// The time, now.
    pub fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// The folder that the run was started in: paths of inputs are relative to it.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The root of the repository that the run was started in: paths of the configuration are relative
    /// to it. Without a repository, the folder itself.
    pub fn root(&self) -> &Path {
        self.folder.ancestors().find(|folder| folder.join(".git").exists()).unwrap_or(&self.folder)
    }

    /// A path as people name it: relative to the repository's root where it lies inside.
    pub fn name_of(&self, path: &Path) -> String {
        let path = self.folder.join(path);
        let name = match path.strip_prefix(self.root()) {
            Ok(inside) if inside.as_os_str().is_empty() => Path::new("."),
            Ok(inside) => inside,
            Err(_) => &path,
        };
        escape::bytes(name.as_os_str().as_encoded_bytes())
    }

    /// A variable of the environment that is set and not empty. For secrets there is [`Self::secret`].
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.environment.get(name)
    }

    /// A secret from the environment. Inside Actions it is masked before it is given away.
    pub fn secret(&self, name: &str) -> Option<Secret> {
        let secret = Secret::new(self.environment.get(name)?);
        self.mask(&secret);
        Some(secret)
    }

    /// Keeps a secret out of the log and of whatever the run says.
    pub fn mask(&self, secret: &Secret) {
        if self.secrets.add(secret) && self.is_in_actions() {
            for command in workflow_command::mask(secret) {
                self.command(&command);
            }
        }
    }

    /// Whether the run is a step of a GitHub Actions workflow.
    pub fn is_in_actions(&self) -> bool {
        self.variable("GITHUB_ACTIONS") == Some("true")
    }

    /// The payload of the event that started the workflow; `None` outside Actions.
    ///
    /// <https://docs.github.com/webhooks/webhook-events-and-payloads>
    pub fn event(&self) -> Result<Option<serde_json::Value>, Problem> {
        let Some(file) = self.variable("GITHUB_EVENT_PATH") else { return Ok(None) };
        let unreadable = |why: &dyn std::fmt::Display| {
            Problem::undecided("could not read the payload of the event").why(format!("{file}: {why}"))
        };
        let bytes = std::fs::read(file).map_err(|error| unreadable(&error))?;
        serde_json::from_slice(&bytes).map(Some).map_err(|error| unreadable(&error))
    }

    /// The address of the workflow run; `None` outside Actions.
    pub fn run_url(&self) -> Option<String> {
        let server = self.variable("GITHUB_SERVER_URL")?;
        let repository = self.variable("GITHUB_REPOSITORY")?;
        let run = self.variable("GITHUB_RUN_ID")?;
        let attempt = self.variable("GITHUB_RUN_ATTEMPT").unwrap_or("1");
        Some(format!("{server}/{repository}/actions/runs/{run}/attempts/{attempt}"))
    }

    /// The folder in which the actions of a job leave their reports; `None` outside Actions.
    pub fn reports(&self) -> Option<PathBuf> {
        self.variable("RUNNER_TEMP").map(|temporary| Path::new(temporary).join(REPORTS))
    }

    /// The flag that signals and the deadline raise.
    pub fn cancellation(&self) -> &Cancellation {
        &self.cancellation
    }

    /// Runs async work until it ends or the run is told to end; then the work is dropped, and what it
    /// did is the caller's to undo.
    pub fn block_on<T>(&self, work: impl Future<Output = T>) -> Result<T, Problem> {
        let runtime = runtime()?;
        let done = runtime.block_on(async {
            tokio::select! {
                biased;
                interrupted = self.cancellation.cancelled() => Err(interrupted),
                done = work => Ok(done),
            }
        });
        // A name look-up that hangs must not hold the process.
        runtime.shutdown_background();
        done.map_err(|interrupted: Interrupted| interrupted.into())
    }

    /// Runs async work whose outcome must be known: when the run is told to end, the work may go on for as long as
    /// `grace`, at most 4 s. `None` when it had no outcome by then.
    pub fn block_on_to_the_end<T>(
        &self,
        grace: Duration,
        work: impl Future<Output = T>,
    ) -> Result<Option<T>, Problem> {
        let runtime = runtime()?;
        let done = runtime.block_on(async {
            let over = async {
                self.cancellation.cancelled().await;
                tokio::time::sleep(grace).await;
            };
            tokio::select! {
                biased;
                done = work => Some(done),
                () = over => None,
            }
        });
        runtime.shutdown_background();
        Ok(done)
    }

    /// Runs async work also when the run was told to end: what undoes what the run did. It gets as long as
    /// a run may take to end; an error when that was not enough.
    ///
    /// It has a runtime of its own: a client of the work before does not serve here.
    pub fn undo<T>(&self, work: impl Future<Output = T>) -> Result<T, Problem> {
        let runtime = runtime()?;
        let done = runtime.block_on(async { tokio::time::timeout(UNDO, work).await });
        runtime.shutdown_background();
        done.map_err(|_| Problem::undecided("what the run did could not be undone in time"))
    }

    /// Lets a run that waits for people end as one that succeeded (`on-pending: continue`): the steps after
    /// it read the answer from its outputs.
    pub fn continue_on_pending(&self) {
        self.pending_is_fine.set(true);
    }

    /// Says a line while the work goes on, on standard error.
    pub fn say(&self, line: &str) {
        self.print_error(&escape::line(&self.secrets.redact(line)));
    }

    /// Gives the runner a workflow command. It reads both streams; standard output is the answer's.
    pub(crate) fn command(&self, command: &str) {
        self.print_error(command);
    }

    #[expect(clippy::unused_self, reason = "what a run says goes through its context")]
    pub(crate) fn print_error(&self, text: &str) {
        // A reader that went away is no reason to stop the work.
        let _ = writeln!(std::io::stderr().lock(), "{text}");
    }
}

/// How long work may take that undoes: less than a run may take to end.
const UNDO: Duration = Duration::from_secs(4);

fn runtime() -> Result<tokio::runtime::Runtime, Problem> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Problem::undecided("could not start the runtime").why(error))
}

/// The folder for reports inside the runner's folder for temporary files.
pub(crate) const REPORTS: &str = "sluice";

#[cfg(test)]
mod tests {
    use super::*;

    fn context(folder: &Path, variables: &[(&str, &str)]) -> Context {
        Context::new(variables.iter().copied().collect(), folder, || Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn the_root_is_the_repository_s() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join(".git")).unwrap();
        std::fs::create_dir_all(folder.path().join("a/b")).unwrap();
        let cx = context(&folder.path().join("a/b"), &[]);
        assert_eq!(cx.root(), folder.path());
        assert_eq!(cx.name_of(Path::new("c.yml")), "a/b/c.yml");
        assert_eq!(cx.name_of(Path::new("/etc/hosts")), "/etc/hosts");
    }

    #[test]
    fn work_ends_when_the_run_is_told_to() {
        let (sender, cancellation) = Cancellation::manual();
        let cx = Context { cancellation, ..context(Path::new("/"), &[]) };
        assert_eq!(cx.block_on(async { 1 }).unwrap(), 1);
        sender.send_replace(Some(Interrupted::Deadline));
        let problem = cx.block_on(std::future::pending::<()>()).unwrap_err();
        assert_eq!(problem.verdict, crate::Verdict::Undecided);
        assert_eq!(cx.undo(async { 2 }).unwrap(), 2);
    }

    #[test]
    fn work_whose_outcome_must_be_known_gets_more_time() {
        let (sender, cancellation) = Cancellation::manual();
        let cx = Context { cancellation, ..context(Path::new("/"), &[]) };
        sender.send_replace(Some(Interrupted::Terminate));
        let soon = async {
            tokio::task::yield_now().await;
            1
        };
        assert_eq!(cx.block_on_to_the_end(Duration::from_mins(1), soon).unwrap(), Some(1));
        let never = std::future::pending::<()>();
        assert_eq!(cx.block_on_to_the_end(Duration::ZERO, never).unwrap(), None);
    }

    #[test]
    fn an_event_that_can_not_be_read_is_no_missing_event() {
        let cx = context(Path::new("/"), &[("GITHUB_EVENT_PATH", "/nowhere/event.json")]);
        assert!(cx.event().is_err());
        assert!(context(Path::new("/"), &[]).event().unwrap().is_none());
    }
}
