//! Why there is no answer, told apart by what a caller does about it.

use std::error::Error as StdError;

use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use sluice_core::Problem;
use sluice_http::StatusCode;
use sluice_sigv4::{Reason, Refusal};

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
        /// What each place said.
        why: String,
    },
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

    /// An error of the SDK, in a call that needs the IAM action.
    pub(crate) fn of<E>(action: &str, error: &SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
    {
        if let SdkError::ServiceError(service) = error {
            let status = StatusCode::from_u16(service.raw().status().as_u16()).ok();
            return Self::refused(
                action,
                Refusal::new(status, service.err().code(), service.err().message()),
            );
        }
        if let Some(credentials) = find::<CredentialsError>(error) {
            return Self::of_credentials(credentials);
        }
        let help = match find::<sluice_http::Error>(error) {
            Some(error) if !error.is_retryable() => "see what it says, and mend it",
            _ => LATER,
        };
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

    pub(crate) fn of_credentials(error: &CredentialsError) -> Self {
        Self::NoCredentials { why: chain(error) }
    }
}

impl From<Error> for Problem {
    /// Undecided: whoever knows what a "not found" means says so instead.
    fn from(error: Error) -> Self {
        let (what, help) = match &error {
            Error::NotFound(_) => ("AWS does not know it", "check the name, the account and the region".to_owned()),
            Error::Denied { action, .. } => {
                ("AWS does not let this job ask", format!("allow the action {action} to the role that this job assumes"))
            }
            Error::NoCredentials { .. } => (
                "could not ask AWS",
                "let a step of aws-actions/configure-aws-credentials run before this one, in a job with `permissions: id-token: write`".to_owned(),
            ),
            Error::CouldNotTell { help, .. } => ("could not find out from AWS", help.clone()),
        };
        Self::undecided(what).why(error).help(help)
    }
}

/// An error and its causes, by what they display: their debug forms hold requests.
fn chain(error: &(dyn StdError + 'static)) -> String {
    const LONGEST: usize = 400;
    let mut parts: Vec<String> = Vec::new();
    for cause in causes(error) {
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

fn find<'a, T: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a T> {
    causes(error).find_map(|cause| cause.downcast_ref())
}

fn causes<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |error| (*error).source())
}
