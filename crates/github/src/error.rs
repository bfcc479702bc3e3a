//! What can go wrong, told apart by what one does about it.

use std::fmt;

use jiff::Timestamp;
use sluice_core::Problem;

/// A call that gave no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("could not {doing}: {kind}")]
pub struct Error {
    /// What could not be done, as in "could not ...".
    pub doing: String,
    /// The permission that the call needs, as a workflow writes it: `contents: read`.
    pub permission: &'static str,
    /// What went wrong.
    pub kind: Kind,
}

/// What went wrong with a call.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Kind {
    /// There is no such thing, or the token may not see it: GitHub makes no difference.
    #[error("GitHub answers that there is no such thing, or none that this token may see")]
    NotFound,
    /// The token is missing, wrong or expired.
    #[error("GitHub does not accept the token ({message})")]
    Unauthorized {
        /// GitHub's words.
        message: String,
    },
    /// The token may not do this.
    #[error("GitHub forbids it to this token ({message})")]
    Forbidden {
        /// GitHub's words.
        message: String,
    },
    /// Too much was asked, and the patience of the call ended before GitHub would listen again.
    #[error("GitHub's rate limit is used up{}", again(*until))]
    RateLimited {
        /// When GitHub listens again, by its own clock. `None` when it did not say.
        until: Option<Timestamp>,
    },
    /// The state is another one than the call expected: someone else was faster, or an earlier try of this very call
    /// had its effect. Read the new state before trying again.
    #[error("the state on GitHub is another one by now ({message})")]
    Conflict {
        /// GitHub's words.
        message: String,
    },
    /// GitHub will not do this, however often it is asked.
    #[error("{refusal} ({message})")]
    Refused {
        /// The reason, where it is a known one.
        refusal: Refusal,
        /// GitHub's words.
        message: String,
    },
    /// GitHub could not take the request now, and the patience of the call ended.
    #[error("GitHub is out of order ({message})")]
    Server {
        /// The status, and GitHub's words where there are any.
        message: String,
    },
    /// GitHub was not reached, or the reply was lost. A call that changes something may have done so.
    #[error("{0}")]
    Unreachable(sluice_http::Error),
    /// The reply is not what GitHub's description of the API promises.
    #[error("the reply is not one of GitHub's API: {why}")]
    Malformed {
        /// What is wrong with it.
        why: String,
    },
    /// Parts of a list are missing.
    #[error("the list is cut: GitHub gave {got} of {count} entries")]
    Incomplete {
        /// How many entries came.
        got: usize,
        /// How many there are.
        count: u64,
    },
}

/// Why GitHub will not do something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// A ruleset or a branch protection forbids the change.
    Rules,
    /// The repository's settings forbid workflows to open or approve pull requests.
    PullRequestsByActions,
    /// The repository is known by another name now, and GitHub redirects only those who read.
    Moved,
    /// The repository is archived: it can only be read.
    Archived,
    /// Something in the request is not valid, or not possible in this repository.
    Invalid,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rules => "the rules of the repository forbid it",
            Self::PullRequestsByActions => "workflows may not open pull requests in this repository",
            Self::Moved => "the repository was renamed or moved",
            Self::Archived => "the repository is archived",
            Self::Invalid => "GitHub refuses it",
        })
    }
}

fn again(until: Option<Timestamp>) -> String {
    until.map(|until| format!(" until {until}")).unwrap_or_default()
}

impl Kind {
    /// Whether the call may have had its effect.
    pub(crate) fn is_open(&self) -> bool {
        match self {
            Self::Server { .. } | Self::Malformed { .. } => true,
            Self::Unreachable(error) => !error.could_not_reach(),
            _ => false,
        }
    }
}

impl Error {
    /// Whether there is no such thing, or none that the token may see.
    pub fn is_not_found(&self) -> bool {
        self.kind == Kind::NotFound
    }

    /// Whether the state was another one than expected: read it again, then decide again.
    pub fn is_conflict(&self) -> bool {
        matches!(self.kind, Kind::Conflict { .. })
    }

    /// Whether the call may have had its effect, though no answer came.
    pub fn is_open(&self) -> bool {
        self.kind.is_open()
    }

    /// Whether GitHub refused it with these words, given in lower case.
    pub(crate) fn says(&self, words: &str) -> bool {
        matches!(&self.kind, Kind::Refused { message, .. } if message.to_lowercase().contains(words))
    }

    fn help(&self) -> String {
        let permission = self.permission;
        match &self.kind {
            Kind::NotFound => format!(
                "check the name; the token needs `permissions: {permission}`, and access to the repository if it is private"
            ),
            Kind::Unauthorized { .. } => {
                "give a token that is valid: on the runner `token: ${{ github.token }}`".to_owned()
            }
            Kind::Forbidden { .. } => format!("give the job `permissions: {permission}`"),
            Kind::RateLimited { .. } => {
                "run again later, or give a token of its own: each has its own limit".to_owned()
            }
            Kind::Conflict { .. } => "run again: the new state is read then".to_owned(),
            Kind::Refused { refusal, .. } => match refusal {
                Refusal::Rules => "open a pull request instead, or let the token's owner bypass the rule",
                Refusal::PullRequestsByActions => {
                    "allow it in the repository's settings (Actions, General, Workflow permissions), or give the token of a GitHub App"
                }
                Refusal::Archived => "name another repository, or let an owner unarchive this one",
                Refusal::Moved => "name the repository by its new name",
                Refusal::Invalid => "see what GitHub says of the request",
            }
            .to_owned(),
            Kind::Server { .. } => "run again later; https://www.githubstatus.com tells of outages".to_owned(),
            Kind::Unreachable(_) => "check the network, and GITHUB_API_URL".to_owned(),
            Kind::Malformed { .. } => "check that GITHUB_API_URL leads to GitHub, and not to a proxy's page".to_owned(),
            Kind::Incomplete { .. } => "run again: the list may have changed while it was read".to_owned(),
        }
    }
}

impl From<Error> for Problem {
    /// A refusal is an answer; every other error leaves the answer open.
    fn from(error: Error) -> Self {
        let what = format!("could not {}", error.doing);
        let problem = match error.kind {
            Kind::Refused { .. } => Self::failed(what),
            _ => Self::undecided(what),
        };
        problem.why(&error.kind).help(error.help())
    }
}
