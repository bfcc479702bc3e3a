//! Deploys to Kubernetes, says done only when it is true, and comes back when it fails.

mod inputs;
mod outputs;
mod reference;
mod sections;

use sluice_config::File;
use sluice_core::{Action, Context, Done, Problem};

pub use crate::inputs::{
    Decommission, Deploy, DryRun, Inputs, Location, OnFailure, Patience, Resume, Status, Switch, Undo,
};
pub use crate::outputs::{Outputs, WorkloadResult};
pub use crate::sections::Sections;

/// The action `rollout`.
#[derive(Debug)]
pub struct Rollout;

impl Action for Rollout {
    const NAME: &'static str = "rollout";
    const DEFAULT_COMMAND: Option<&'static str> = Some("deploy");

    type Inputs = Inputs;
    type Config = File<Sections>;
    type Outputs = Outputs;

    fn run(inputs: Inputs, _: File<Sections>, _: &Context) -> anyhow::Result<Done<Outputs>> {
        Err(Problem::misconfigured(format!("{inputs:?} can't be done")).into())
    }
}
