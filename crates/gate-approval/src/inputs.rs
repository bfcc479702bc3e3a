//! The inputs, as the command line and the runner give them.

use sluice_core::{ImageReference, Secret};

/// Decide whether a change may go to an environment, and stay closed unless that is certain
#[derive(Clone, Debug, clap::Parser)]
pub enum Inputs {
    /// Evaluate all conditions of the environment's gate, and decide
    Evaluate(Evaluate),
}

/// The inputs of `evaluate`.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Evaluate {
    /// The environment to go to: its `gate` in the configuration is evaluated
    #[arg(long, required = true, value_name = "NAME")]
    pub environment: String,
    /// The phrase as it was typed, for a gate with `confirm`. Default: nothing was typed
    #[arg(long, value_name = "PHRASE")]
    pub confirm: Option<String>,
    /// The image that goes there, for the report: `registry/name:tag@sha256:...`. Default: none is named
    #[arg(long, value_name = "IMAGE")]
    pub image: Option<ImageReference>,
    /// The repository of the commit, as `owner/name`. Default: the one of the run
    #[arg(long, value_name = "OWNER/NAME")]
    pub repository: Option<String>,
    /// The commit that goes there, by its full name. Default: the one of the run
    #[arg(long, value_name = "SHA")]
    pub commit: Option<String>,
    /// The token to ask GitHub with. Default: the job's token in a workflow, else none
    #[arg(long, value_name = "TOKEN")]
    pub token: Option<Secret>,
    /// A token that may read the organisation's teams, which the job's may not: `organization: members: read`. Default: none
    #[arg(long, value_name = "TOKEN")]
    pub org_token: Option<Secret>,
    /// What holds for every connection.
    #[command(flatten)]
    pub network: sluice_http::Options,
}
