//! ECR, EKS and STS as Sluice needs them.
//!
//! [`Aws::connect`] finds credentials as the AWS CLI does (environment, profile, the OIDC token of the job with
//! `AssumeRoleWithWebIdentity`, the roles of containers and machines), and talks over the one HTTP client of a run, so that
//! proxies, CA files and bundled roots hold for it too. [`Ecr`] and [`Eks`] are the calls; [`eks_token`] makes what a
//! cluster takes for a password.
//!
//! # What a caller may rely on
//!
//! - **Three ways to have no answer**, told apart by [`Error`]: there is no such thing ([`Error::NotFound`]), the caller
//!   may not ask ([`Error::Denied`], which names the IAM action that is missing), and everything else, which is no
//!   answer at all ([`Error::NoCredentials`], [`Error::CouldNotTell`]).
//! - **Nothing is guessed.** A list is read to its last page; a field that must be there and is not is
//!   [`Error::CouldNotTell`], never an empty list; states are AWS's own words, so that a new one is not taken for another.
//! - **No secret is shown.** Errors hold AWS's code and the first line of its message.
//!
//! # Without an SDK
//!
//! AWS's SDK for Rust was inside once. Of a binary of 6.7 MB it took 1.5, for a dozen calls that read; it took the
//! environment from elsewhere than [`Access`], and sent what is link-local to the proxy. What is here in its stead is small
//! because it is for jobs: no one signs in, no program is run, nothing is written. The signatures are still made by AWS's own
//! crate (in `sluice-sigv4`), the protocols are JSON and forms that AWS keeps for good, and the hosts are held to those that
//! AWS's SDKs ask. A clock that is off is told, and not corrected for: a gate also judges by it how old a scan is.
//!
//! # How it is laid out
//!
//! `access` says who asks and where, `source` and the files below it where credentials come from; `call` makes a call,
//! `error` says why it has no answer; `ecr` and `eks` ask, and their `answer` is what they are told; `token` signs.

mod access;
mod call;
mod ecr;
mod eks;
mod error;
mod source;
#[cfg(test)]
mod tests;
mod token;

pub use self::{
    access::{Access, Aws},
    ecr::{Ecr, Found, ImageDetail, Mutability, Repository, Scan, Vulnerability, Which},
    eks::{Cluster, Eks, Issue, Part},
    error::Error,
    token::{Token, eks_token},
};
pub use sluice_sigv4::Credentials;
