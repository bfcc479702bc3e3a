//! What people and programs say of commits: reviews, checks, deployments, issues.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::{
    Repository,
    world::{Merged, Pull, PullState, Stored},
};

/// All of it, for one repository.
#[derive(Default)]
pub(crate) struct Said {
    pub(crate) reviews: Vec<Review>,
    pub(crate) checks: Vec<(u64, Check)>,
    /// Commit, context and state, newest last.
    pub(crate) statuses: Vec<(String, String, String)>,
    /// What protection requires of a branch: name and app.
    pub(crate) protection: BTreeMap<String, Vec<(String, Option<u64>)>>,
    /// What rulesets require of a branch: name and app.
    pub(crate) rules: BTreeMap<String, Vec<(String, Option<u64>)>>,
    pub(crate) deployments: Vec<(u64, Deployment)>,
    pub(crate) issues: Vec<Issue>,
    pub(crate) run_reviews: Vec<RunReview>,
    /// Who started a run, and who started it again.
    pub(crate) starters: BTreeMap<u64, (String, String)>,
}

/// A review of a pull request.
#[derive(Clone)]
pub(crate) struct Review {
    pub(crate) id: u64,
    pub(crate) pull: u64,
    pub(crate) by: String,
    pub(crate) state: String,
    pub(crate) commit: String,
    pub(crate) at: u64,
}

/// A check run.
#[derive(Clone, Debug)]
pub struct Check {
    /// Its name.
    pub name: String,
    /// The commit that it is for.
    pub commit: String,
    /// The number and the short name of its app.
    pub app: (u64, String),
    /// Its suite.
    pub suite: u64,
    /// `completed`, `in_progress`, ...
    pub status: String,
    /// `success`, `failure`, ... of one that is completed.
    pub conclusion: Option<String>,
}

impl Check {
    /// One of GitHub Actions that ended.
    pub fn ended(name: &str, commit: &str, conclusion: &str) -> Self {
        Self {
            name: name.to_owned(),
            commit: commit.to_owned(),
            app: (15_368, "github-actions".to_owned()),
            suite: 1,
            status: "completed".to_owned(),
            conclusion: Some(conclusion.to_owned()),
        }
    }
}

/// A Deployment with its statuses.
#[derive(Clone, Debug)]
pub struct Deployment {
    /// The environment.
    pub environment: String,
    /// What is written about it.
    pub payload: Value,
    /// How many minutes ago it was made.
    pub minutes_ago: u64,
    /// Each state, and how many minutes ago it was told.
    pub states: Vec<(String, u64)>,
}

/// An issue.
pub(crate) struct Issue {
    pub(crate) id: u64,
    pub(crate) number: u64,
    pub(crate) title: String,
    pub(crate) body: String,
    pub(crate) by: String,
    pub(crate) labels: Vec<String>,
    pub(crate) is_open: bool,
    pub(crate) reason: Option<String>,
    pub(crate) at: u64,
    pub(crate) edited: Option<u64>,
    pub(crate) comments: Vec<Comment>,
}

/// A comment on an issue.
pub(crate) struct Comment {
    pub(crate) id: u64,
    pub(crate) by: String,
    pub(crate) body: String,
    pub(crate) at: u64,
    pub(crate) edited: Option<u64>,
    pub(crate) is_minimized: bool,
}

/// What someone said when a run asked for its environments.
pub(crate) struct RunReview {
    pub(crate) run: u64,
    pub(crate) by: String,
    pub(crate) state: String,
    pub(crate) environments: Vec<String>,
}

impl Stored {
    /// The number that the next issue or pull request gets.
    pub(crate) fn next_number(&self) -> u64 {
        (self.pulls.len() + self.said.issues.len()) as u64 + 1
    }
}

impl Repository {
    /// Commits as somebody else than octocat; what co-authors there are stand in the message.
    pub fn commit_by(&self, who: &str, branch: &str, message: &str, files: &[crate::File]) -> String {
        let made = self.commit(branch, message, files);
        self.with(|stored, time| {
            let git = &stored.git;
            let tree = git.run(&["rev-parse", &format!("{made}^{{tree}}")]);
            let parent = git.commit(&format!("{made}^"));
            let parents: Vec<&str> = parent.as_deref().into_iter().collect();
            let commit = git.write_commit(&tree, &parents, message, who, time);
            git.run(&["update-ref", &format!("refs/heads/{branch}"), &commit]);
            commit
        })
    }

    /// Lets GitHub find the signature of a commit right.
    pub fn sign(&self, commit: &str) {
        self.with(|stored, _| stored.signed.insert(commit.to_owned()));
    }

    /// Opens a pull request in somebody's name; from a branch of this name in a fork, where one is given.
    pub fn open_pull(&self, author: &str, head: &str, base: &str, fork: Option<&str>) -> u64 {
        self.with_ids(|stored, time, id| {
            let number = stored.next_number();
            stored.pulls.push(Pull {
                id,
                number,
                title: format!("Merge {head}"),
                body: None,
                head: head.to_owned(),
                base: base.to_owned(),
                state: PullState::Open,
                closed_at: None,
                waits: true,
                auto_merge: None,
                is_draft: false,
                labels: Vec::new(),
                reviewers: Vec::new(),
                teams: Vec::new(),
                created: time,
                updated: time,
                author: author.to_owned(),
                fork: fork.map(str::to_owned),
            });
            number
        })
    }

    /// Merges a pull request with a commit that GitHub makes and signs, and gives its name.
    pub fn merge(&self, number: u64) -> String {
        let (onto, head) = self.with(|stored, _| {
            let pull = stored.pulls.iter().find(|pull| pull.number == number).expect("the pull request");
            let tip = |branch: &str| stored.git.commit(&format!("refs/heads/{branch}")).expect("a branch");
            (tip(&pull.base), tip(&pull.head))
        });
        let commit = self.with(|stored, time| {
            let tree = stored.git.run(&["rev-parse", &format!("{head}^{{tree}}")]);
            let date = format!("{time} +0000");
            let variables = [
                ("GIT_AUTHOR_NAME", "dev"),
                ("GIT_AUTHOR_EMAIL", "dev@users.noreply.github.com"),
                ("GIT_AUTHOR_DATE", &date),
                ("GIT_COMMITTER_NAME", "GitHub"),
                ("GIT_COMMITTER_EMAIL", "noreply@github.com"),
                ("GIT_COMMITTER_DATE", &date),
            ];
            let message = format!("Merge pull request #{number}");
            let commit = stored.git.feed(
                &["commit-tree", &tree, "-p", &onto, "-p", &head],
                &variables,
                message.as_bytes(),
            );
            stored.signed.insert(commit.clone());
            commit
        });
        self.merge_by_hand(number, &commit);
        commit
    }

    /// Moves the base of a pull request to a commit that somebody made: GitHub takes that for a merge.
    pub fn merge_by_hand(&self, number: u64, commit: &str) {
        self.with(|stored, at| {
            let pull = stored.pulls.iter_mut().find(|pull| pull.number == number).expect("the pull request");
            let head = stored.git.commit(&format!("refs/heads/{}", pull.head)).expect("a head");
            stored.git.run(&["update-ref", &format!("refs/heads/{}", pull.base), commit]);
            pull.state = PullState::Merged(Merged { commit: commit.to_owned(), head, at });
        });
    }

    /// Reviews a pull request: `APPROVED`, `CHANGES_REQUESTED`, `COMMENTED`, `DISMISSED`.
    pub fn review(&self, pull: u64, by: &str, state: &str, commit: &str) {
        self.with_ids(|stored, at, id| {
            let (by, state, commit) = (by.to_owned(), state.to_owned(), commit.to_owned());
            stored.said.reviews.push(Review { id, pull, by, state, commit, at });
        });
    }

    /// Adds a check run.
    pub fn check(&self, check: Check) {
        self.with_ids(|stored, _, id| stored.said.checks.push((id, check)));
    }

    /// Sets a commit status.
    pub fn status(&self, commit: &str, context: &str, state: &str) {
        let status = (commit.to_owned(), context.to_owned(), state.to_owned());
        self.with(|stored, _| stored.said.statuses.push(status));
    }

    /// Lets the protection of a branch require a check.
    pub fn protect_with_check(&self, branch: &str, name: &str, app: Option<u64>) {
        self.with(|stored, _| {
            stored.said.protection.entry(branch.to_owned()).or_default().push((name.to_owned(), app));
        });
    }

    /// Lets a ruleset require a check of a branch.
    pub fn rule_with_check(&self, branch: &str, name: &str, app: Option<u64>) {
        self.with(|stored, _| {
            stored.said.rules.entry(branch.to_owned()).or_default().push((name.to_owned(), app));
        });
    }

    /// Adds a Deployment.
    pub fn deployment(&self, deployment: Deployment) {
        self.with_ids(|stored, _, id| stored.said.deployments.push((id, deployment)));
    }

    /// Comments on an issue.
    pub fn comment(&self, issue: u64, by: &str, body: &str) {
        self.with_ids(|stored, at, id| {
            let (by, body) = (by.to_owned(), body.to_owned());
            let comment = Comment { id, by, body, at, edited: None, is_minimized: false };
            stored.issue(issue).comments.push(comment);
        });
    }

    /// Changes the last comment on an issue.
    pub fn edit_last_comment(&self, issue: u64, body: &str) {
        self.with(|stored, time| {
            let comment = stored.issue(issue).comments.last_mut().expect("a comment");
            (comment.body, comment.edited) = (body.to_owned(), Some(time));
        });
    }

    /// Hides the last comment on an issue.
    pub fn minimize_last_comment(&self, issue: u64) {
        self.with(|stored, _| {
            stored.issue(issue).comments.last_mut().expect("a comment").is_minimized = true;
        });
    }

    /// The issues: number, text, whether each is open.
    pub fn issues(&self) -> Vec<(u64, String, bool)> {
        self.with(|stored, _| {
            stored.said.issues.iter().map(|issue| (issue.number, issue.body.clone(), issue.is_open)).collect()
        })
    }

    /// Says something to a run that asked for environments: `approved` or `rejected`.
    pub fn review_run(&self, run: u64, by: &str, state: &str, environments: &[&str]) {
        let environments = environments.iter().map(|name| (*name).to_owned()).collect();
        let review = RunReview { run, by: by.to_owned(), state: state.to_owned(), environments };
        self.with(|stored, _| stored.said.run_reviews.push(review));
    }

    /// Says who started a run, and who started it again.
    pub fn started(&self, run: u64, actor: &str, triggering_actor: &str) {
        let starters = (actor.to_owned(), triggering_actor.to_owned());
        self.with(|stored, _| stored.said.starters.insert(run, starters));
    }
}

impl Stored {
    fn issue(&mut self, number: u64) -> &mut Issue {
        self.said.issues.iter_mut().find(|issue| issue.number == number).expect("the issue")
    }
}
