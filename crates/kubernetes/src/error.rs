//! Why there is no answer, told apart by what a caller does about it.

use std::fmt;

use jiff::Timestamp;
use kube::core::Status;
use sluice_core::Problem;
use sluice_http::{StatusCode, TlsProblem};

use crate::{call::Call, patch::Unmet};

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Error {
    /// The way to the cluster is not told well: kubeconfig, its context, its credentials.
    #[error("{why}")]
    Access {
        /// What is wrong.
        why: String,
        /// What to do.
        help: String,
    },
    /// There is no such object.
    #[error("{what} is not there")]
    NotFound {
        /// The object: `deployments.apps "web" in namespace "shop"`.
        what: String,
    },
    /// The cluster serves no such kind.
    #[error("the cluster serves no {kind} of {api_version}")]
    NotServed {
        /// `apps/v1`.
        api_version: String,
        /// `Deployment`.
        kind: String,
    },
    /// There is such an object already.
    #[error("{what} is there already")]
    AlreadyExists {
        /// The object.
        what: String,
    },
    /// The caller may not: a rule of RBAC is missing.
    #[error("{why}")]
    Denied {
        /// The verb: `patch`.
        verb: String,
        /// The resource as a Role writes it: `deployments.apps`, `pods/log`.
        resource: String,
        /// What the API server says.
        why: String,
    },
    /// The cluster does not take the credentials.
    #[error("the cluster does not know who asks: {why}")]
    Unauthorized {
        /// What the API server says, and what was shown to it.
        why: String,
    },
    /// Another one changed the object since it was read, or owns fields of it.
    #[error("{}", conflict(.what, .why, .fields))]
    Conflict {
        /// The object.
        what: String,
        /// What the API server says.
        why: String,
        /// The fields that others own; empty when the version is what differs.
        fields: Vec<Contested>,
    },
    /// A test of a JSON patch did not hold: nothing was changed.
    #[error("{what} has {found} at {path}, not {expected}")]
    TestFailed {
        /// The object.
        what: String,
        /// The JSON pointer of the test.
        path: String,
        /// What was expected there, as JSON.
        expected: String,
        /// What stands there, as JSON; `nothing` where nothing does.
        found: String,
    },
    /// The server does not remember that version any more.
    #[error("the API server has forgotten that version: {why}")]
    Gone {
        /// What it says.
        why: String,
        /// Where the rest of a list goes on, as it is now, if the server says it.
        rest: Option<String>,
    },
    /// The answer has more bytes than are read.
    #[error("{what}: the answer of the API server is larger than {limit} bytes")]
    TooLarge {
        /// What was asked for.
        what: String,
        /// The limit in bytes.
        limit: usize,
    },
    /// The API server, a quota or an admission controller says no.
    #[error("{what} is refused: {why}")]
    Rejected {
        /// The object.
        what: String,
        /// Their words.
        why: String,
    },
    /// Another one holds the lease.
    #[error("{by} holds the lease {lease:?}{}", since.map_or(String::new(), |since| format!(" since {since}")))]
    Held {
        /// The name of the lease.
        lease: String,
        /// Who holds it.
        by: String,
        /// Since when.
        since: Option<Timestamp>,
    },
    /// The API server could not be reached.
    #[error("cannot reach the API server: {why}")]
    Unreachable {
        /// Why.
        why: String,
        /// What to do.
        help: String,
    },
    /// Everything else: it answered, but not with an answer.
    #[error("{why}")]
    CouldNotTell {
        /// Why.
        why: String,
        /// What to do.
        help: String,
    },
}

/// A field that another manager owns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contested {
    /// The path of the field, as the API server writes it: `.spec.replicas`.
    pub field: String,
    /// Who owns it: `kubectl-client-side-apply`.
    pub manager: String,
}

const LATER: &str = "run again later";

impl Error {
    pub(crate) fn access(why: impl fmt::Display, help: impl Into<String>) -> Self {
        Self::Access { why: why.to_string(), help: help.into() }
    }

    pub(crate) fn could_not_tell(why: impl fmt::Display) -> Self {
        Self::CouldNotTell { why: why.to_string(), help: LATER.to_owned() }
    }

    /// A reply that can't be read as what it should be.
    pub(crate) fn unreadable(what: impl fmt::Display, why: impl fmt::Display) -> Self {
        Self::CouldNotTell {
            why: format!("{what}: the answer of the API server can't be read: {why}"),
            help: "check that the address is that of a Kubernetes API server".to_owned(),
        }
    }

    /// What a request met on its way.
    pub(crate) fn of_http(error: &sluice_http::Error) -> Self {
        use sluice_http::Error as Http;
        let help = match error {
            Http::Tls { problem: TlsProblem::Untrusted, .. } => {
                return Self::Access {
                    why: "the API server's certificate is not signed by the authority that is trusted for it".to_owned(),
                    help: "check `certificate-authority` in the kubeconfig; it is the only authority trusted for its cluster".to_owned(),
                };
            }
            Http::Tls { .. } | Http::Authority { .. } | Http::PrivateIdentity { .. } => {
                "check server, certificates and tls-server-name in the kubeconfig"
            }
            _ if error.could_not_reach() => {
                "check that this machine may reach the API server: is its endpoint private, its address list closed, a VPN or proxy needed?"
            }
            _ => LATER,
        };
        Self::Unreachable { why: error.to_string(), help: help.to_owned() }
    }

    /// A refusal of the API server.
    pub(crate) fn of_status(call: &Call, code: StatusCode, status: Option<Status>, body: &[u8]) -> Self {
        let Some(status) = status else { return Self::of_stranger(call, code, body) };
        let what = || call.what();
        let why = told(&status);
        match (status.reason.as_str(), code.as_u16()) {
            ("NotFound", _) | ("", 404) if is_of_object(&status) => Self::NotFound { what: what() },
            (_, 404) => Self::not_served(call),
            ("AlreadyExists", _) => Self::AlreadyExists { what: what() },
            ("Expired" | "Gone", _) | (_, 410) => Self::Gone { why, rest: rest_of(&status) },
            ("Conflict", _) | (_, 409) => Self::Conflict { what: what(), why, fields: contested(&status) },
            ("Unauthorized", _) | (_, 401) => Self::Unauthorized { why },
            ("Forbidden", _) | (_, 403) if is_of_rbac(&status.message) => {
                Self::Denied { verb: call.verb().to_owned(), resource: call.resource(), why }
            }
            _ if is_of_schema(&status.message) => Self::Rejected { what: what(), why },
            _ if code.is_server_error() || code == StatusCode::TOO_MANY_REQUESTS => {
                Self::could_not_tell(format!("{}: the API server answered {code}: {why}", what()))
            }
            _ => Self::Rejected { what: what(), why },
        }
    }

    /// An answer that is no Status: a load balancer's, a proxy's, or that of something else altogether.
    fn of_stranger(call: &Call, code: StatusCode, body: &[u8]) -> Self {
        let said = String::from_utf8_lossy(body);
        let said = said.lines().next().unwrap_or_default().trim();
        let said: String = said.chars().filter(|letter| !letter.is_control()).take(200).collect();
        match code {
            StatusCode::UNAUTHORIZED => Self::Unauthorized { why: said },
            StatusCode::GONE => Self::Gone { why: said, rest: None },
            // Go's own words for a path that nobody serves: the API server has none of its own for an unknown group.
            StatusCode::NOT_FOUND if said == "404 page not found" => Self::not_served(call),
            _ if code.is_server_error() || code == StatusCode::TOO_MANY_REQUESTS => {
                Self::could_not_tell(format!("{}: the API server answered {code}: {said}", call.what()))
            }
            _ => Self::unreadable(call.what(), format!("{code}, and no word why: {said}")),
        }
    }

    fn not_served(call: &Call) -> Self {
        match call.kind() {
            Some(kind) => Self::NotServed { api_version: kind.api_version(), kind: kind.kind.clone() },
            None => Self::NotServed { api_version: call.what(), kind: "kinds".to_owned() },
        }
    }

    pub(crate) fn unmet(what: String, unmet: Unmet) -> Self {
        let found = unmet.found.map_or_else(|| "nothing".to_owned(), |found| found.to_string());
        Self::TestFailed { what, path: unmet.path, expected: unmet.expected.to_string(), found }
    }
}

impl From<sluice_http::Error> for Error {
    fn from(error: sluice_http::Error) -> Self {
        Self::of_http(&error)
    }
}

/// What the API server says, causes included, in one line.
fn told(status: &Status) -> String {
    let causes = status.details.iter().flat_map(|details| &details.causes);
    let more = causes.filter(|cause| !status.message.contains(&cause.message)).map(|cause| &cause.message);
    let parts: Vec<&str> = std::iter::once(&status.message).chain(more).map(|part| part.trim()).collect();
    let whole = parts.join(": ").replace(['\n', '\r'], " ");
    if whole.is_empty() { status.reason.clone() } else { whole }
}

/// The token for the rest of a list that was forgotten.
fn rest_of(status: &Status) -> Option<String> {
    status.metadata.as_ref().and_then(|list| list.continue_.clone()).filter(|token| !token.is_empty())
}

/// Whether a "not found" is about an object: for a path that is not served no name is told.
fn is_of_object(status: &Status) -> bool {
    status.details.as_ref().is_some_and(|details| !details.name.is_empty())
}

/// RBAC's words (`deployments.apps "web" is forbidden: User "x" cannot patch resource ...`): quotas and admission
/// controllers answer with the same code and reason, and policies have words of their own for what "cannot" be.
fn is_of_rbac(message: &str) -> bool {
    message.contains("forbidden: User \"") && message.contains("\" cannot ")
}

/// Server-side apply's words for a field that the kind does not have, or of another type. It answers them as an error of its
/// own, with code 500 and no reason:
/// <https://github.com/kubernetes/kubernetes/blob/master/staging/src/k8s.io/apimachinery/pkg/util/managedfields/internal/structuredmerge.go>
fn is_of_schema(message: &str) -> bool {
    message.starts_with("failed to create typed patch object")
}

/// Whose fields they are: `conflict with "kubectl" using apps/v1`.
fn contested(status: &Status) -> Vec<Contested> {
    let causes = status.details.iter().flat_map(|details| &details.causes);
    causes
        .filter(|cause| cause.reason == "FieldManagerConflict")
        .map(|cause| Contested {
            field: cause.field.clone(),
            manager: cause.message.split('"').nth(1).unwrap_or(&cause.message).to_owned(),
        })
        .collect()
}

fn conflict(what: &str, why: &str, fields: &[Contested]) -> String {
    if fields.is_empty() {
        return format!("{what} was changed by another since it was read: {why}");
    }
    let fields: Vec<_> =
        fields.iter().map(|Contested { field, manager }| format!("{field} ({manager})")).collect();
    format!("fields of {what} belong to others: {}", fields.join(", "))
}

impl From<Error> for Problem {
    /// Undecided, or misconfigured where the way to the cluster is: whoever knows what a "no" means says so instead.
    fn from(error: Error) -> Self {
        let (what, help) = match &error {
            Error::Access { help, .. } => {
                let help = help.clone();
                return Self::misconfigured("could not use the cluster").why(error).help(help);
            }
            Error::NotFound { .. } => ("the cluster does not have it", "check the name, the namespace and the cluster".to_owned()),
            Error::NotServed { .. } => ("the cluster does not know that kind", "check apiVersion and kind; a custom resource needs its definition installed first".to_owned()),
            Error::AlreadyExists { .. } => ("the cluster has it already", "choose another name, or remove it".to_owned()),
            Error::Denied { verb, resource, .. } => (
                "the cluster does not let this job do that",
                if resource.starts_with('/') {
                    format!("allow `{verb}` on `{resource}` to it, in a ClusterRole (`nonResourceURLs`)")
                } else {
                    format!("allow `{verb}` on `{resource}` to it, in a Role of the namespace")
                },
            ),
            Error::Unauthorized { .. } => (
                "the cluster does not take the credentials",
                "on EKS: give the role that this job assumes an access entry of the cluster; else: renew the kubeconfig's credentials".to_owned(),
            ),
            Error::Conflict { .. } | Error::TestFailed { .. } => {
                ("someone else changed it meanwhile", "see what changed, then run again".to_owned())
            }
            Error::TooLarge { .. } => ("could not find out from the cluster", "ask for less at once".to_owned()),
            Error::Gone { .. } => ("could not find out from the cluster", LATER.to_owned()),
            Error::Rejected { .. } => ("the cluster refuses it", "see what it says, and mend it".to_owned()),
            Error::Held { .. } => ("another run is at work there", "wait for its end, or for its lease to run out".to_owned()),
            Error::Unreachable { help, .. } => ("could not reach the cluster", help.clone()),
            Error::CouldNotTell { help, .. } => ("could not find out from the cluster", help.clone()),
        };
        Self::undecided(what).why(error).help(help)
    }
}
