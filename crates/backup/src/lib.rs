//! Keeps what a namespace of Kubernetes holds as clean YAML, and puts it back.
//!
//! `export` lists every chosen kind ([`kinds`](crate::Kinds)), or keeps nothing: a kind that can't be listed is told, and a
//! backup without it would be one that nobody knows to be smaller. As they are listed (`gather`), objects stay out when the
//! cluster makes them again (`leave`), else each is stripped of what belongs to the cluster (`clean`), written (`yaml`)
//! under a safe name (`name`), Secrets encrypted (`seal`), and noted with its hash (`manifest`). `store` keeps files and
//! manifest, whole or not at all.
//!
//! `verify` reads a backup and holds it against its manifest (`kept`). `restore` begins the same way; then it asks the
//! cluster what applying each object would do, tells that (`difference`, with what Secrets hold `hidden`), and only when
//! nothing is refused applies them (`order`).

mod clean;
mod cluster;
mod difference;
mod digest;
mod export;
mod gather;
mod hidden;
mod inputs;
mod kept;
mod kinds;
mod leave;
mod manifest;
mod name;
mod order;
mod outputs;
mod plan;
mod restore;
#[cfg(test)]
mod sample;
mod seal;
mod store;
mod verify;
mod yaml;

use sluice_config::File;
use sluice_core::{Action, Context, Done};

use self::plan::{ExportPlan, RestorePlan, Source};
pub use self::{
    inputs::{Export, Inputs, Kinds, Namespace, Restore, S3Encryption, Verify},
    outputs::{Change, Outputs, What},
    plan::Config,
};

/// The action `backup`.
#[derive(Debug)]
pub struct Backup;

impl Action for Backup {
    const NAME: &'static str = "backup";
    const POSITIONAL: Option<&'static str> = Some("from");
    const DEFAULT_COMMAND: Option<&'static str> = Some("export");
    type Inputs = Inputs;
    type Config = File<Config>;
    type Outputs = Outputs;

    fn run(inputs: Inputs, config: File<Config>, cx: &Context) -> anyhow::Result<Done<Outputs>> {
        match inputs {
            Inputs::Export(inputs) => export::run(&ExportPlan::new(inputs, &config, cx)?, cx),
            Inputs::Restore(inputs) => restore::run(&RestorePlan::new(inputs, &config, cx)?, cx),
            Inputs::Verify(inputs) => Ok(verify::run(&Source::of_verify(inputs, cx)?, cx)?),
        }
    }
}
