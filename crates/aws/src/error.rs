//! Why there is no answer, told apart by what a caller does about it.

use std::error::Error as StdError;

use sluice_core::Problem;
use sluice_sigv4::{InvalidAccess, Reason, Refusal};

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// There is no such thing: AWS says so by a code of its own.
    #[error("{0}")]
    NotFound(Refusal),
    /// The caller may not ask.
    #[error("{refusal}")]
    Denied {
        /// The IAM action that is missing: `ecr:DescribeImages`.
        action: String,
        /// What AWS says.
        refusal: Refusal,
    },
    /// There is no one to ask as.
    #[error("no AWS credentials: {why}")]
    NoCredentials {
        /// What the place that should hold them said.
        why: String,
        /// What to do, in one line.
        help: String,
    },
    /// The environment says something that can't be used: an endpoint that is no URL.
    #[error(transparent)]
    Misconfigured(#[from] InvalidAccess),
    /// Everything else: throttled, unreachable, unreadable, incomplete.
    #[error("{why}")]
    CouldNotTell {
        /// Why.
        why: String,
        /// What to do, in one line.
        help: String,
    },
}

const LATER: &str = "run again later";

impl Error {
    /// An answer that lacks what it must hold.
    pub(crate) fn incomplete(action: &str, what: &str) -> Self {
        Self::CouldNotTell { why: format!("{action} answered without {what}"), help: LATER.to_owned() }
    }

    /// A call that could not be made.
    pub(crate) fn of(action: &str, error: &(dyn StdError + 'static)) -> Self {
        Self::CouldNotTell { why: format!("{action}: {}", chain(error)), help: LATER.to_owned() }
    }

    /// A call that brought no answer.
    pub(crate) fn of_transport(action: &str, error: &sluice_http::Error) -> Self {
        let help = if error.is_retryable() { LATER } else { "see what it says, and mend it" };
        Self::CouldNotTell { why: format!("{action}: {}", chain(error)), help: help.to_owned() }
    }

    pub(crate) fn refused(action: &str, refusal: Refusal) -> Self {
        match refusal.reason() {
            Reason::NotFound => Self::NotFound(refusal),
            Reason::Denied { action: named } => {
                Self::Denied { action: named.unwrap_or_else(|| action.to_owned()), refusal }
            }
            _ => {
                let why = format!("{action}: {refusal}");
                let help = Problem::from(refusal).help.unwrap_or_else(|| LATER.to_owned());
                Self::CouldNotTell { why, help }
            }
        }
    }

    /// Credentials that a place should hold, and does not.
    pub(crate) fn no_credentials(why: impl Into<String>, help: impl Into<String>) -> Self {
        Self::NoCredentials { why: why.into(), help: help.into() }
    }
}

impl From<Error> for Problem {
    /// Undecided: whoever knows what a "not found" means says so instead.
    fn from(error: Error) -> Self {
        let (what, help) = match &error {
            Error::NotFound(_) => {
                ("AWS does not know it", "check the name, the account and the region".to_owned())
            }
            Error::Denied { action, .. } => (
                "AWS does not let this job ask",
                format!("allow the action {action} to the role that this job assumes"),
            ),
            Error::NoCredentials { help, .. } => ("could not ask AWS", help.clone()),
            Error::Misconfigured(invalid) => return invalid.clone().into(),
            Error::CouldNotTell { help, .. } => ("could not find out from AWS", help.clone()),
        };
        Self::undecided(what).why(error).help(help)
    }
}

/// An error and its causes, by what they display: their debug forms hold requests.
fn chain(error: &(dyn StdError + 'static)) -> String {
    const LONGEST: usize = 400;
    let mut parts: Vec<String> = Vec::new();
    for cause in std::iter::successors(Some(error), |error| (*error).source()) {
        let text = cause.to_string().lines().next().unwrap_or_default().to_owned();
        // Many layers repeat what is below them.
        if parts.last().is_none_or(|last| !last.contains(&text)) {
            parts.push(text);
        }
    }
    let whole = parts.join(": ");
    if whole.chars().count() <= LONGEST {
        whole
    } else {
        whole.chars().take(LONGEST).chain(['…']).collect()
    }
}
