//! The contract of an action.
//!
//! An action is a type that implements [`Action`]; its `main` is one call of [`main`]. Around the
//! action's own `run` this crate does what is the same for all of them, in this order:
//!
//! 1. read the [`Environment`], the arguments and the clock, once; in a container action, where the runner made it
//!    root, become the owner of the workspace; wait for signals and the deadline in threads of their own
//!    ([`Cancellation`]);
//! 2. take the inputs from the command line and from the runner's `INPUT_*` variables, mask every
//!    [`Secret`] among them ([`command`] is the same set of inputs, for help and for `action.yml`);
//! 3. read the part of `.github/sluice.yml` that the action asks for ([`Configuration`]);
//! 4. call [`Action::run`] with a [`Context`], and get back [`Done`]: outputs and a [`Draft`] of the
//!    report, or an error that is one or several [`Problem`]s;
//! 5. complete the [`Report`], strike out secrets, write outputs, summary, annotations and the report
//!    file, print it, and end with the exit code of its [`Verdict`].
//!
//! What several actions need beside, and what needs no network, is here too: [`ImageReference`],
//! [`Period`], [`Clock`], [`DeploymentPayload`], and the arithmetic of [`retry`].
//!
//! This crate knows no action, no cloud and no network.

mod action;
mod allocator;
mod cancellation;
mod clock;
mod configuration;
mod context;
mod deployment;
mod environment;
pub mod escape;
pub mod file;
mod image;
mod inputs;
mod outputs;
mod period;
mod place;
mod privileges;
mod problem;
mod render;
mod report;
pub mod retry;
mod run;
mod runner_files;
mod secret;
mod verdict;
mod workflow_command;

pub use self::{
    action::{Action, Done},
    cancellation::{Cancellation, Interrupted},
    clock::Clock,
    configuration::{CONFIG_FILE, Configuration},
    context::Context,
    deployment::DeploymentPayload,
    environment::Environment,
    image::{ImageReference, InvalidImage, check_digest, check_tag},
    inputs::{command, is_input},
    period::Period,
    place::Place,
    problem::{Problem, Problems, nearest},
    render::{markdown, terminal},
    report::{
        Block, Change, ChartAxis, Draft, Emphasis, Fact, Finding, Link, Node, Report, SCHEMA, Subject,
        SubjectKind,
    },
    run::main,
    secret::Secret,
    verdict::Verdict,
};
