//! The strategy `commit`: one commit on a branch, through the API.
//!
//! The files are read at the branch's head and edited, and the commit is made on top of that very head or not at all.
//! When the branch has moved meanwhile, all of this is done again at the new head: bytes that were made of an older one
//! are never sent. A commit whose reply was lost is found again in the history, by its parent and its message.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    time::{Duration, Instant},
};

use sluice_core::{
    Done, Problem, Problems,
    retry::{Decision, Policy},
};
use sluice_github::{Addition, Commit, Error, FileChanges, Move, NewCommit, NewTreeEntry, Sha};

use crate::{
    Outputs,
    message::Message,
    remote::Remote,
    snapshot::Snapshot,
    strategy::{Command, Made, Work},
    tree::Tree,
};

/// How long a busy branch is tried, unless the run's deadline is over before.
const PATIENCE: Duration = Duration::from_mins(10);

/// How long a commit that is on its way is waited for when the run is told to end.
pub(crate) const LAST_WAIT: Duration = Duration::from_secs(3);

/// Who the job's own token is.
pub(crate) const JOBS_OWN: &str = "github-actions[bot]";

/// What a plain file has as its mode.
const PLAIN: &str = "100644";

pub(crate) fn carry_out(command: &Command<'_>, work: Work<'_>) -> anyhow::Result<Done<Outputs>> {
    let Command { writing, config, cx, .. } = command;
    let message = Message::new(writing.message.as_deref(), &command.purpose(), cx)?;
    let remote = Remote::of(&writing.place, config, cx)?;
    let branch = remote.base()?;
    let mut pushes = Pushes::new(&remote, &branch);
    pushes.until_one_lands(|pushes| {
        let head = remote.head(&branch)?;
        if let Some((commit, made)) = pushes.found(&head)? {
            return Ok(Some(landed(made, &remote, &branch, &commit.sha, Some(&commit))));
        }
        let snapshot = Snapshot::read(&remote, head, &command.looked_at)?;
        let mut made = work(&Tree::Commit(&remote, &snapshot, &snapshot.head))?;
        made.report.fact("strategy", format!("commit on {branch} of {}", remote.repository));
        command.check_order(&mut made, Some(&remote))?;
        let text = message.of(&made.images());
        if writing.dry_run && made.is_changed() {
            made.tell_message(&text);
        }
        if writing.dry_run || !made.is_changed() {
            return Ok(Some(made.done(Outputs::default())));
        }
        let files = changed_files(&made, &snapshot);
        let Some((commit, made)) = pushes.push(&snapshot, &files, &text, made)? else { return Ok(None) };
        // What GitHub tells of it is of use, and no reason to fail when it is not told.
        let told = remote.ask(remote.api.commit(&remote.repository, &commit)).ok();
        Ok(Some(landed(made, &remote, &branch, &commit, told.as_ref())))
    })
}

fn landed(
    mut made: Made,
    remote: &Remote<'_>,
    branch: &str,
    commit: &Sha,
    told: Option<&Commit>,
) -> Done<Outputs> {
    let verified = told.map(|commit| commit.verified);
    made.tell_commit(remote, branch, commit, verified);
    if told.is_some_and(|commit| commit.author == JOBS_OWN) {
        made.report.fact("workflows", "none start on it: a commit of the job's own token starts no workflow");
    }
    let commit = Some(commit.to_string());
    made.done(Outputs { changed: Some(true), commit, verified, ..Outputs::default() })
}

/// The files that a commit on top of the snapshot's own is to hold.
pub(crate) fn changed_files(made: &Made, snapshot: &Snapshot) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = snapshot.changed().clone();
    let changed = made.files.iter().filter(|file| file.is_changed());
    files.extend(changed.map(|file| (file.source.path.clone(), file.after.clone())));
    files
}

/// A commit that was sent, and may have landed.
#[derive(Debug)]
struct Sent {
    parent: Sha,
    message: String,
    made: Made,
}

/// The commits of a run to one branch, until one lands.
pub(crate) struct Pushes<'a> {
    remote: &'a Remote<'a>,
    branch: &'a str,
    started: Instant,
    tries: u32,
    /// Those of which no answer came.
    open: Vec<Sent>,
}

impl<'a> Pushes<'a> {
    pub(crate) fn new(remote: &'a Remote<'a>, branch: &'a str) -> Self {
        Self { remote, branch, started: Instant::now(), tries: 0, open: Vec::new() }
    }

    /// Makes attempts until one comes to an end: with a commit that landed, with nothing to do, or with a problem.
    pub(crate) fn until_one_lands<T>(
        &mut self,
        attempt: impl Fn(&mut Self) -> anyhow::Result<Option<T>>,
    ) -> anyhow::Result<T> {
        loop {
            let ended = match attempt(self) {
                Ok(Some(done)) => return Ok(done),
                Ok(None) => self.wait().err().map(anyhow::Error::from),
                Err(error) => Some(error),
            };
            if let Some(error) = ended {
                return Err(self.with_what_is_open(error));
            }
        }
    }

    /// The error, and that a commit is on its way of which no answer came.
    fn with_what_is_open(&self, error: anyhow::Error) -> anyhow::Error {
        if self.open.is_empty() {
            return error;
        }
        let mut problems: Problems = match error.downcast::<Problems>() {
            Ok(problems) => problems,
            Err(error) => match error.downcast::<Problem>() {
                Ok(problem) => problem.into(),
                Err(error) => return error,
            },
        };
        problems.0.push(self.not_known());
        problems.into()
    }

    /// The commit of ours whose reply was lost, if it is in the history of `head`; and what it holds.
    pub(crate) fn found(&mut self, head: &Sha) -> Result<Option<(Commit, Made)>, Problem> {
        let parents: Vec<Sha> = self.open.iter().map(|sent| sent.parent.clone()).collect();
        if parents.is_empty() || parents.contains(head) {
            return Ok(None);
        }
        let (mut commit, mut seen) = (None, 0);
        let search = self.remote.api.find_in_history(&self.remote.repository, head, |one| {
            let is_ours = |sent: &Sent| {
                one.parents.first() == Some(&sent.parent) && is_same(&one.message, &sent.message)
            };
            seen += parents.iter().filter(|parent| **parent == one.sha).count();
            if let Some(index) = self.open.iter().position(is_ours) {
                commit = Some((index, one));
                return Some(());
            }
            (seen >= parents.len()).then_some(())
        });
        self.remote.ask(search)?;
        let found = commit.map(|(index, commit)| (commit, self.open.swap_remove(index).made));
        // The branch has moved past the parents of all others: they can't land any more.
        self.open.clear();
        Ok(found)
    }

    /// Makes a commit with these files on top of the snapshot's; none where it is to be tried again.
    pub(crate) fn push(
        &mut self,
        snapshot: &Snapshot,
        files: &BTreeMap<PathBuf, Vec<u8>>,
        message: &str,
        made: Made,
    ) -> Result<Option<(Sha, Made)>, Problem> {
        let Self { remote, branch, .. } = *self;
        remote.cx.cancellation().check()?;
        let pushed = remote.cx.block_on_to_the_end(LAST_WAIT, async {
            if files.keys().all(|path| snapshot.mode(path) == PLAIN) {
                let additions = files.iter().map(|(path, contents)| Addition {
                    path: path.to_string_lossy().into_owned(),
                    contents: contents.clone(),
                });
                let changes = FileChanges { additions: additions.collect(), deletions: Vec::new() };
                // Sent twice, it could not tell its own echo from someone else's commit.
                let api = remote.api.clone().at_most_once();
                api.create_commit_on_branch(&remote.repository, branch, &snapshot.head, message, &changes)
                    .await
            } else {
                anew(remote, branch, &snapshot.head, snapshot, files, message, Move::Forward).await
            }
        })?;
        let sent = || Sent { parent: snapshot.head.clone(), message: message.to_owned(), made };
        match pushed {
            Some(Ok(commit)) => {
                // On top of the same commit as those before: they did not land.
                self.open.clear();
                Ok(Some((commit, sent().made)))
            }
            Some(Err(error)) if error.is_conflict() => Ok(None),
            Some(Err(error)) if error.is_open() => {
                self.open.push(sent());
                Ok(None)
            }
            Some(Err(error)) => Err(remote.problem(error)),
            None => Err(self.not_known()),
        }
    }

    /// Waits before the next try, longer each time; an error when it was tried for too long.
    fn wait(&mut self) -> Result<(), Problem> {
        self.tries += 1;
        let policy = Policy {
            first: Duration::from_millis(300),
            cap: Duration::from_secs(15),
            attempts: None,
            ..Policy::default()
        };
        let left = PATIENCE.saturating_sub(self.started.elapsed());
        match policy.decide(self.tries, sluice_http::jitter(), None, left) {
            Decision::Wait(wait) => self.remote.cx.block_on(async { tokio::time::sleep(wait).await }),
            Decision::GiveUp(_) => {
                let minutes = PATIENCE.as_secs() / 60;
                Err(Problem::undecided(format!(
                    "{} moved each time before the commit was there",
                    self.named()
                ))
                .why(format!("tried {} times in {minutes} minutes", self.tries))
                .help("run it again when fewer others write to the branch"))
            }
        }
    }

    /// The problem of a commit of which nothing is known.
    pub(crate) fn not_known(&self) -> Problem {
        Problem::undecided(format!("whether the commit is on {} is not known", self.named()))
            .why("it was on its way, and no answer came in time")
            .help("look at the branch, or run it again: what is set already stays as it is")
    }

    fn named(&self) -> String {
        format!("{} of {}", self.branch, self.remote.repository)
    }
}

/// Whether two messages have the same words: GitHub sets subject and body apart.
fn is_same(one: &str, other: &str) -> bool {
    one.split_whitespace().eq(other.split_whitespace())
}

/// Makes a commit on top of the snapshot's, with files of any mode, and moves the branch to it from where it is said to
/// be, or not at all.
pub(crate) async fn anew(
    remote: &Remote<'_>,
    branch: &str,
    tip: &Sha,
    snapshot: &Snapshot,
    files: &BTreeMap<PathBuf, Vec<u8>>,
    message: &str,
    how: Move,
) -> Result<Sha, Error> {
    let Remote { api, repository, .. } = remote;
    let base = api.commit(repository, &snapshot.head).await?.tree;
    let mut entries = Vec::new();
    for (path, contents) in files {
        let sha = Some(api.create_blob(repository, contents).await?);
        let (path_text, mode) = (path.to_string_lossy().into_owned(), snapshot.mode(path).to_owned());
        entries.push(NewTreeEntry { path: path_text, mode, sha });
    }
    let tree = api.create_tree(repository, &base, &entries).await?;
    let parents = std::slice::from_ref(&snapshot.head);
    let commit = api.create_commit(repository, &NewCommit { message, tree: &tree, parents }).await?;
    move_to(remote, branch, tip, &commit.sha, how).await?;
    Ok(commit.sha)
}

/// Moves a branch from one commit to another, or not at all.
pub(crate) async fn move_to(
    remote: &Remote<'_>,
    branch: &str,
    from: &Sha,
    to: &Sha,
    how: Move,
) -> Result<(), Error> {
    let facts = remote.api.repository(&remote.repository).await?;
    remote.api.move_branch(&remote.repository, &facts, branch, from, to, how).await
}
