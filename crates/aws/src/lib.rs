//! ECR, EKS and STS as Sluice needs them.
//!
//! The SDK is inside, own types are outside: no other crate sees the SDK's. [`Aws::connect`] finds credentials as the
//! AWS CLI does (environment, profile, the OIDC token of the job with `AssumeRoleWithWebIdentity`, the roles of
//! containers and machines), and talks over the one HTTP client of a run, so that proxies, CA files and bundled roots
//! hold for it too. [`Ecr`] and [`Eks`] are the calls; [`eks_token`] makes what a cluster takes for a password.
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
//! # How it is laid out
//!
//! `access` finds credentials and region, `transport` gives the SDK our HTTP client, `error` reads its errors; `ecr` and
//! `eks` ask, `token` signs.

mod access;
mod ecr;
mod eks;
mod error;
#[cfg(test)]
mod tests;
mod token;
mod transport;

pub use self::{
    access::{Access, Aws},
    ecr::{Ecr, Found, ImageDetail, Mutability, Repository, Scan, Vulnerability, Which},
    eks::{Cluster, Eks, Issue, Part},
    error::Error,
    token::{Token, eks_token},
};
pub use sluice_sigv4::Credentials;
