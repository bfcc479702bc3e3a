//! The decision of a gate, and nothing but the decision.
//!
//! A gate asks one [`Question`]: may this commit, this image, go to this environment now? Each condition
//! of the gate is a file in `conditions` with three parts:
//!
//! - its **policy**, what the configuration asks for;
//! - its **facts**, what was seen of the world, each with its [`Source`];
//! - the **judgement** ([`Policy::judge`]): from the two, and the question, to an [`Outcome`].
//!
//! Policy and facts together are a [`Case`]; the cases of all conditions are one enum, [`Condition`]. The
//! states of all outcomes are [`decide`]d together. What keeps facts from being had is an [`Obstacle`],
//! and never a yes or a no.
//!
//! What was decided, and all that it rests on, is a [`record`]: whoever has it can repeat the decision, and
//! whoever has all of them can see that none was changed or taken out.
//!
//! This crate knows no network, no cloud, no file system and no clock: everything goes in as a value that
//! can be written down and read again, so that whoever has the record can repeat the decision.

mod account;
mod case;
mod conditions;
mod deployment;
mod outcome;
mod question;
pub mod record;
#[cfg(test)]
mod spoofs;
mod state;

pub use self::{
    account::Account,
    case::{Case, Gathered, Obstacle, Policy, Seen, Source},
    conditions::{
        Condition, approvals, checks, cluster, confirm, findings, freeze, image, quota, reports, soak,
        source, unchanged,
    },
    deployment::{Deployment, DeploymentStatus},
    outcome::Outcome,
    question::Question,
    state::{State, decide},
};
