//! Keeps what a namespace of Kubernetes holds as clean YAML, and puts it back.

mod clean;
mod difference;
mod digest;
mod inputs;
mod kinds;
mod leave;
mod manifest;
mod name;
mod order;
mod outputs;
mod seal;
mod yaml;

use sluice_core::{Action, Context, Done, Problem};

pub use self::{
    inputs::{Export, Inputs, Kinds, Namespace, Restore, S3Encryption, Verify},
    outputs::{Change, Outputs, What},
};

/// The action `backup`.
#[derive(Debug)]
pub struct Backup;

impl Action for Backup {
    const NAME: &'static str = "backup";
    const POSITIONAL: Option<&'static str> = Some("from");
    const DEFAULT_COMMAND: Option<&'static str> = Some("export");
    type Inputs = Inputs;
    type Config = ();
    type Outputs = Outputs;

    fn run(_: Inputs, (): (), _: &Context) -> anyhow::Result<Done<Outputs>> {
        Err(Problem::misconfigured("this version can't do that yet").into())
    }
}
