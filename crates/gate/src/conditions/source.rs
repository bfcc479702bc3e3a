//! `source`: the commit is on the branch that may be deployed, came from where it must come from, and is
//! signed.

use serde::{Deserialize, Serialize};
use sluice_core::Problem;

use crate::{Outcome, Policy, Question, State};

/// Where the commit must come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Source {
    /// The branch that may be deployed.
    pub branch: Option<String>,
    /// The only branch that may be merged from.
    pub merged_from: Option<String>,
    /// Whether every commit must be signed and verified.
    pub signed: bool,
}

/// What was seen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Facts {
    /// The branch that may be deployed; `None` when the policy names none.
    pub branch: Option<Branch>,
    /// The pull requests that hold the commit.
    pub pulls: Vec<Pull>,
    /// The commit itself, and those of the pull request that brought it, as far as signatures are asked for.
    pub commits: Vec<Commit>,
}

/// A branch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Branch {
    /// Its name.
    pub name: String,
    /// Its newest commit.
    pub head: String,
    /// Whether the commit that is asked about is it, or lies before it.
    pub holds: bool,
}

/// A pull request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Pull {
    /// Its number.
    pub number: u64,
    /// The branch that it came from.
    pub head: String,
    /// Whether that branch is one of this repository, and not of a fork.
    pub is_from_here: bool,
    /// The branch that it went to.
    pub base: String,
    /// The commit that merged it; `None` when it is not merged.
    pub merged_as: Option<String>,
}

/// A commit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Commit {
    /// Its name.
    pub name: String,
    /// Whether it is signed, and GitHub found the signature to be right.
    pub is_verified: bool,
    /// Why not, in GitHub's word: `unsigned`, `unknown_key`.
    pub reason: String,
}

impl Source {
    /// What is wrong with the rule, whatever the world is like.
    pub fn check(&self) -> Result<(), Problem> {
        if self.branch.is_none() && self.merged_from.is_none() && !self.signed {
            return Err(Problem::misconfigured("the source asks for nothing")
                .why("without a branch and a signature every commit would do")
                .help("name the environment's `source-branch`, or `merged-from`, or write `signed: true`"));
        }
        Ok(())
    }
}

impl Policy for Source {
    type Facts = Facts;

    fn judge(&self, facts: &Facts, question: &Question) -> Outcome {
        if let Err(problem) = self.check() {
            return Outcome::new(State::Misconfigured, problem.what);
        }
        let Some(commit) = question.commit.as_deref() else {
            return Outcome::new(State::Misconfigured, "no commit is named that could be looked at");
        };
        let answers = [
            self.branch.as_ref().map(|branch| on_branch(branch, facts)),
            self.merged_from.as_ref().map(|from| self.merged(from, facts, commit)),
            self.signed.then(|| signed(facts, commit)),
        ];
        let mut answers: Vec<Outcome> = answers.into_iter().flatten().collect();
        // The first among the worst leads; the others stand beside it.
        answers.sort_by_key(|answer| std::cmp::Reverse(answer.state));
        let mut answers = answers.into_iter();
        let first = answers
            .next()
            .unwrap_or_else(|| Outcome::new(State::Misconfigured, "the source asks for nothing"));
        answers.fold(first, |first, other| first.evidence([other.reason]).evidence(other.evidence))
    }
}

fn on_branch(name: &str, facts: &Facts) -> Outcome {
    match facts.branch.as_ref().filter(|branch| branch.name == name) {
        Some(branch) if branch.holds => Outcome::new(State::Approved, format!("is on {name}")),
        Some(branch) => Outcome::new(State::Rejected, format!("is not on {name}"))
            .evidence([format!("{name} is at {}", branch.head)])
            .help(format!("only what is on {name} may go to this environment: merge it")),
        None => Outcome::new(State::Undecided, format!("{name} was not looked at")),
    }
}

impl Source {
    fn merged(&self, from: &str, facts: &Facts, commit: &str) -> Outcome {
        let brought = |pull: &&Pull| pull.merged_as.as_deref() == Some(commit);
        let goes_there = |pull: &&Pull| self.branch.as_ref().is_none_or(|branch| *branch == pull.base);
        let help = format!("merge it by a pull request from {from}");
        match facts.pulls.iter().find(|pull| brought(pull) && goes_there(pull)) {
            None => Outcome::new(State::Rejected, "no pull request was merged as this commit").help(help),
            Some(pull) if pull.head == from && pull.is_from_here => {
                Outcome::new(State::Approved, format!("was merged from {from} (#{})", pull.number))
            }
            Some(pull) => {
                let place = if pull.is_from_here { "" } else { " of a fork" };
                let reason = format!("was merged from {}{place} (#{})", pull.head, pull.number);
                Outcome::new(State::Rejected, reason).help(help)
            }
        }
    }
}

fn signed(facts: &Facts, commit: &str) -> Outcome {
    let wrong: Vec<String> = facts
        .commits
        .iter()
        .filter(|commit| !commit.is_verified)
        .map(|commit| format!("{}: {}", commit.name, commit.reason))
        .collect();
    let is_whole = facts.commits.iter().any(|seen| seen.name == commit);
    let is_brought = facts.pulls.iter().any(|pull| pull.merged_as.as_deref() == Some(commit));
    if !wrong.is_empty() {
        let reason = format!("{} of {} commits not verified", wrong.len(), facts.commits.len());
        return Outcome::new(State::Rejected, reason)
            .evidence(wrong)
            .help("sign them with a key that GitHub knows: https://docs.github.com/authentication/managing-commit-signature-verification");
    }
    if !is_whole {
        return Outcome::new(State::Undecided, "the commit's signature was not looked at");
    }
    if !is_brought {
        return Outcome::new(State::Undecided, "which commits came with it is not known")
            .evidence(["no pull request was merged as this commit".to_owned()])
            .help("let changes in by pull requests only");
    }
    Outcome::new(State::Approved, format!("all {} commits are signed and verified", facts.commits.len()))
}
