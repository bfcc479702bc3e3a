//! The cluster as rollout and backup need it.
//!
//! ```no_run
//! # async fn run(setup: sluice_kubernetes::Setup<'_>) -> Result<(), sluice_kubernetes::Error> {
//! use sluice_kubernetes::{Access, Cluster, Selector, api::apps::v1::Deployment};
//!
//! let access = Access::Eks { name: "shop-production".into(), region: "eu-west-1".into() };
//! let cluster = Cluster::connect(&access, Some("shop"), setup).await?;
//! let web: Deployment = cluster.get("web").await?;
//! let all = cluster.list::<Deployment>(&Selector::labels("app=shop")).await?;
//! # Ok(())
//! # }
//! ```
//!
//! # What a caller may rely on
//!
//! - **No helpers.** Neither kubectl nor aws is run: kubeconfig files are read here, and the token of an EKS cluster is
//!   made here, and made anew before it ends or when the cluster refuses it.
//! - **Trust.** Where kubeconfig or EKS names the cluster's authority, only that is trusted. Nothing turns verification off.
//! - **Patience.** What may pass (an API server that is busy, restarting or out of reach) is tried again for
//!   [`Setup::patience`], after `Retry-After` where one is told. A write whose answer was lost is not repeated blindly:
//!   the object is read again, which tells whether it took effect.
//! - **Three ways to have no answer** are told apart by [`Error`]: it is not there, it is refused, and could not be
//!   found out.
//! - **Whole lists.** A list is read to its last page; a watch goes on over ends, resets and forgotten versions, and says
//!   when it had to begin anew.
//!
//! # How it is laid out
//!
//! [`Access`] says how to get there: `access` finds it out, with `kubeconfig` and `eks`; `credential` is what the cluster takes
//! for a password, and `transport` the way that all requests go. `call` makes one request, with its tries; [`Cluster`]
//! is all that can be asked (`cluster` by type and by [`Kind`], `pages`, `watch`, `log`, `discovery`, `permission`, `lease`).
//! [`Object`] and [`JsonPatch`] are what goes back and forth, [`Error`] what comes instead.

mod access;
mod call;
mod cluster;
mod credential;
mod discovery;
mod eks;
mod error;
mod kind;
mod kubeconfig;
mod lease;
mod log;
mod object;
mod pages;
mod patch;
mod permission;
pub mod progress;
mod transport;
mod warning;
mod watch;

pub use self::{
    access::{Access, Setup},
    cluster::{Cluster, Listed, Preconditions, Readable, Selector, Typed},
    discovery::Discovered,
    error::{Contested, Error},
    kind::Kind,
    lease::Hold,
    log::Log,
    object::Object,
    patch::{JsonPatch, Ownership},
    permission::Permission,
    watch::Seen,
};
pub use k8s_openapi::{
    api,
    apimachinery::pkg::{apis::meta::v1 as meta, util::intstr::IntOrString},
};
