//! The state: repositories with what GitHub knows beyond git, and a clock.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use tempfile::TempDir;

use crate::{git::Git, repository::Run, said::Said, told::Told};

/// The moment at which each world begins, in seconds since 1970.
const BEGIN: u64 = 1_767_225_600;

/// Everything that is.
pub(crate) struct World {
    /// Where it is served.
    pub(crate) address: String,
    pub(crate) repositories: BTreeMap<String, Stored>,
    /// The one token that is answered; `None` answers all.
    pub(crate) token: Option<String>,
    /// Whether only tokens are answered that say what they may do.
    pub(crate) grants_only: bool,
    /// Whose token it is.
    pub(crate) login: String,
    /// Members of teams, by `organisation/team`.
    pub(crate) teams: BTreeMap<String, Vec<String>>,
    /// Logins that are no account's: all others are.
    pub(crate) strangers: BTreeSet<String>,
    folder: TempDir,
    time: u64,
    last_id: u64,
}

/// One repository.
pub(crate) struct Stored {
    pub(crate) id: u64,
    pub(crate) full_name: String,
    pub(crate) git: Git,
    pub(crate) runs: Vec<StoredRun>,
    pub(crate) pulls: Vec<Pull>,
    /// Branches that take no commit but by pull request.
    pub(crate) protected: BTreeSet<String>,
    /// Whether it can only be read.
    pub(crate) is_archived: bool,
    /// Whether pull requests may merge by themselves.
    pub(crate) allows_auto_merge: bool,
    /// How many entries of a tree are told at most.
    pub(crate) most_entries: usize,
    /// Commits that GitHub signed.
    pub(crate) signed: BTreeSet<String>,
    pub(crate) created: u64,
    pub(crate) said: Said,
    pub(crate) told: Told,
}

/// A run, with what the server adds.
pub(crate) struct StoredRun {
    pub(crate) run: Run,
    pub(crate) id: u64,
    pub(crate) number: u64,
    pub(crate) created: u64,
}

/// What became of a pull request.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum PullState {
    Open,
    Closed,
    Merged(Merged),
}

/// A pull request.
#[derive(Clone)]
pub(crate) struct Pull {
    pub(crate) id: u64,
    pub(crate) number: u64,
    pub(crate) title: String,
    pub(crate) body: Option<String>,
    pub(crate) head: String,
    pub(crate) base: String,
    /// Who opened it.
    pub(crate) author: String,
    pub(crate) state: PullState,
    /// Where its branch was when it was closed.
    pub(crate) closed_at: Option<String>,
    /// Whether something is required before it is merged.
    pub(crate) waits: bool,
    /// How it merges by itself.
    pub(crate) auto_merge: Option<String>,
    pub(crate) is_draft: bool,
    pub(crate) labels: Vec<String>,
    pub(crate) reviewers: Vec<String>,
    pub(crate) teams: Vec<String>,
    pub(crate) created: u64,
    pub(crate) updated: u64,
    /// The fork that it came from, as `owner/name`.
    pub(crate) fork: Option<String>,
}

impl Pull {
    pub(crate) const fn merged(&self) -> Option<&Merged> {
        if let PullState::Merged(merged) = &self.state { Some(merged) } else { None }
    }
}

/// How a pull request was merged.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Merged {
    pub(crate) commit: String,
    /// The newest commit of its branch then.
    pub(crate) head: String,
    pub(crate) at: u64,
}

impl World {
    pub(crate) fn new(address: String) -> Self {
        let folder = TempDir::with_prefix("github-").expect("a temporary folder");
        Self {
            address,
            repositories: BTreeMap::new(),
            token: None,
            grants_only: false,
            login: "octocat".to_owned(),
            teams: BTreeMap::new(),
            strangers: BTreeSet::new(),
            folder,
            time: BEGIN,
            last_id: 0,
        }
    }

    /// Makes a repository, if it is not there.
    pub(crate) fn create(&mut self, name: &str) {
        let (owner, short) = name.split_once('/').expect("owner/name");
        if self.repositories.contains_key(name) {
            return;
        }
        let owner = self.folder.path().join(owner);
        std::fs::create_dir_all(&owner).expect("a folder");
        let stored = Stored {
            id: self.new_id(),
            full_name: name.to_owned(),
            git: Git::create(&owner.join(format!("{short}.git"))),
            runs: Vec::new(),
            pulls: Vec::new(),
            protected: BTreeSet::new(),
            is_archived: false,
            allows_auto_merge: true,
            most_entries: 100_000,
            signed: BTreeSet::new(),
            created: self.now(),
            said: Said::default(),
            told: Told::default(),
        };
        self.repositories.insert(name.to_owned(), stored);
    }

    /// The time, in seconds since 1970. Each look finds it a second later, so that what came later is later.
    pub(crate) fn now(&mut self) -> u64 {
        self.time += 1;
        self.time
    }

    pub(crate) fn new_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }
}

impl Stored {
    pub(crate) fn owner(&self) -> &str {
        self.full_name.split('/').next().unwrap_or_default()
    }

    /// Why nothing is written to a repository, in GitHub's words; `None` when something is.
    pub(crate) fn rule_against_writing(&self) -> Option<&'static str> {
        self.is_archived.then_some("Repository was archived so is read-only.")
    }

    /// Why a branch takes no commit, in GitHub's words; `None` when it takes one.
    pub(crate) fn rule_against(&self, branch: &str) -> Option<String> {
        self.protected.contains(branch).then(|| {
            "Repository rule violations found\n\nChanges must be made through a pull request.\n\n".to_owned()
        })
    }
}

/// A moment as the API writes it.
pub(crate) fn written(time: u64) -> String {
    timestamp(time).to_string()
}

/// A moment as HTTP writes it.
pub(crate) fn http_date(time: u64) -> String {
    timestamp(time).strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

fn timestamp(time: u64) -> Timestamp {
    Timestamp::from_second(i64::try_from(time).unwrap_or_default()).unwrap_or_default()
}
