//! What an action is.

use schemars::JsonSchema;
use serde::Serialize;

use crate::{Configuration, Context, Draft};

/// One action: its name, its inputs, its part of the configuration, its outputs, and what it does.
///
/// Everything around `run` is the same for all and lies in this crate. `action.yml`, the tables of
/// the README and `--help` are made from these types: the doc comment of an input or output is its
/// description there.
pub trait Action {
    /// The name: of the action, of its binary, of its folder.
    const NAME: &'static str;
    /// The input that may also be given without its flag: `smoke-test .github/smoke/dev.yml`.
    const POSITIONAL: Option<&'static str> = None;
    /// The command that runs when none is named; for an action that has commands.
    const DEFAULT_COMMAND: Option<&'static str> = None;
    /// Inputs that have a default in a workflow only, by name, each with what it is there: an
    /// expression of GitHub such as `${{ github.token }}`. The runner passes it on like a given value,
    /// so no configuration can win over it.
    const RUNNER_DEFAULTS: &'static [(&'static str, &'static str)] = &[];

    /// The inputs: a struct, or an enum with one variant a command.
    ///
    /// An input that may be given as several lines is a `Vec`. One that is true or false is a
    /// `bool`, or an `Option<bool>` where the default is not `false`. No input has a clap default
    /// (an action's `Plan` merges them with the configuration) and none reads the environment. One called
    /// `working-directory` is the folder that the whole run works in, as `working-directory` of a step is.
    type Inputs: clap::Parser;
    /// The sections of the configuration that the action reads; `()` for none.
    type Config: Configuration;
    /// The outputs: one field an output; it may flatten a map.
    type Outputs: Serialize + JsonSchema;

    /// Does the work.
    ///
    /// An error that is a [`Problem`](crate::Problem) ends the run with that problem's verdict; any
    /// other error ends it as undecided.
    fn run(inputs: Self::Inputs, config: Self::Config, cx: &Context) -> anyhow::Result<Done<Self::Outputs>>;
}

/// What a run gives back.
#[derive(Clone, Debug)]
pub struct Done<O> {
    /// The outputs for the steps that follow.
    pub outputs: O,
    /// The answer and what it is made of.
    pub report: Draft,
}
