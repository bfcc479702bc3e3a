//! The GitHub API as Sluice needs it: own types outside, [`sluice_http`] inside.
//!
//! ```no_run
//! # async fn run(client: sluice_http::Client, token: sluice_core::Secret,
//! #   variable: impl Fn(&str) -> Option<String>) -> Result<(), sluice_core::Problem> {
//! use sluice_github::{Api, Endpoints, Files, Repository};
//!
//! let api = Api::new(client, Endpoints::from_lookup(variable)?, Some(token));
//! let shop: Repository = "acme/shop".parse()?;
//! let comparison = api.compare(&shop, "main", "feature/basket").await?;
//! match comparison.files {
//!     Files::Complete(files) => println!("{} files differ", files.len()),
//!     Files::Cut { .. } => println!("too many to tell"),
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # What a caller may rely on
//!
//! - **Errors** are told apart by what one does about them ([`Kind`]), and each turns into a
//!   [`Problem`](sluice_core::Problem) that names the missing permission as a workflow writes it. No error shows a token.
//! - **Nothing is cut silently.** Pages are followed to the last one and held against the count that GitHub gives;
//!   what GitHub itself cuts arrives as such ([`Files::Cut`], [`Tree::truncated`]).
//! - **Every call is sent again** when its reply is lost or GitHub is busy, for as long as the patience ([`Api::retry`])
//!   lasts. Each is safe to repeat: it reads, makes an object that is named by its content, names the state that it
//!   expects ([`Kind::Conflict`] when it is another), or is refused the second time (a reference or a pull request that
//!   is there already). So a conflict may be the echo of one's own success: read the new state before trying again; or
//!   send it [`Api::at_most_once`], and learn from the error whether it may have had its effect ([`Error::is_open`]).
//! - **Objects** are named by [`Sha`]; a reply with anything else in its place is [`Kind::Malformed`].
//!
//! octocrab is not used: it would bring some 90 crates, drops the `type` of GraphQL errors that tells a conflict, repeats
//! a POST at once, and ignores proxies.
//!
//! # How it is laid out
//!
//! `endpoints`, `repository` and `sha` are what a call is about; `call` is one request with its permission, `reply`
//! judges what comes back, `error` says it, `api` sends and repeats, `pages` and `graphql` are the two shapes beyond one
//! request and one reply, `trace` is what was asked and when. The calls themselves stand in `accounts`, `checks`,
//! `commits`, `compare`, `deployments`, `history`, `issues`, `tickets`, `objects`, `pulls`, `runs` and `statuses`.

mod accounts;
mod api;
mod call;
mod checks;
mod commits;
mod compare;
mod deployments;
mod endpoints;
mod error;
mod graphql;
mod history;
mod issues;
mod objects;
mod pages;
mod pulls;
mod reply;
mod repository;
mod runs;
mod sha;
mod statuses;
mod tickets;
mod trace;

pub use self::{
    accounts::Account,
    api::{Api, PATIENCE},
    checks::{App, CheckRun, CommitStatus, RequiredCheck, Suite},
    commits::{Addition, FileChanges, Move, NewCommit, NewTreeEntry},
    compare::{ChangedFile, Comparison, FileStatus, Files, Range, RangeCommit},
    deployments::{Deployment, DeploymentState, DeploymentStatus, NewDeployment, NewDeploymentStatus},
    endpoints::Endpoints,
    error::{Error, Kind, Refusal},
    history::{CommitOrigin, CommitPull, PullReview, Signature},
    issues::{Issue, Thread, ThreadComment},
    objects::{Commit, EntryKind, Tree, TreeEntry},
    pulls::{AutoMerge, MergeMethod, NewPullRequest, PullRequest, PullRequestState},
    repository::{InvalidRepository, Repository, RepositoryFacts},
    runs::{CurrentRun, EndedRun, RunEnvironment, RunJob, RunReview, RunStep, WorkflowRun},
    sha::{InvalidSha, Sha},
    statuses::{NewStatus, StatusState},
    tickets::{IssueComment, NewIssue},
    trace::{Answered, Trace},
};
