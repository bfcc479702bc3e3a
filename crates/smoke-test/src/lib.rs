//! Proves that a deployment answers rightly, and says in one line what is wrong.
//!
//! A run reads its checks ([`Checks`]), makes the `plan` of what to ask whom, asks all at once until each answer is
//! right or its patience is over, and reports.
//!
//! The modules, top-down:
//! - `inputs`, `plan`, `outputs`, `report`: what a run is told, what it will do, what it hands on, what it says;
//! - `checks`: the checks file; `kind` with one file a kind of check, and `http`, the largest of them, are what is
//!   asked; `expect` with one file a kind of assertion is what an answer is held to, `source` what is taken from it,
//!   `samples` what many answers are held to; `forms` reads what may be written short or long, `address` a host and a port;
//! - `variables` fills texts in, `secrets` strikes out what must not be seen;
//! - `run`: all checks at once; `needs`: in which order; `probe`: one check and its tries; `patience`: when to try
//!   again; `network`: the clients that checks share; `trouble`: what a try without an answer says; `progress`: what is
//!   said meanwhile;
//! - `curl` and `excerpt`: a request and an answer as a person wants to see them; `junit`: the results as other tools
//!   read them.
//!
//! # Verdicts
//!
//! A check whose host answered and was not right, or said itself that nothing listens there, *failed*. A check that
//! got nothing back from its host is *undecided*: the network between us and the host may be to blame. Of both in one
//! run the failure counts: a certain no is a no.

mod address;
mod checks;
mod curl;
mod excerpt;
mod expect;
mod forms;
mod http;
mod inputs;
mod junit;
mod kind;
mod needs;
mod network;
mod outputs;
mod patience;
mod plan;
mod probe;
mod progress;
mod report;
mod run;
mod samples;
mod secrets;
mod source;
mod trouble;
mod variables;

#[cfg(test)]
mod server;

use sluice_config::File;
use sluice_core::{Action, Context, Done};

pub use crate::checks::Checks;
pub use crate::inputs::{Check, Inputs};
pub use crate::outputs::{CheckResult, Outputs};
pub use crate::plan::Sections;

use crate::plan::Plan;

/// The action `smoke-test`.
#[derive(Debug)]
pub struct SmokeTest;

impl Action for SmokeTest {
    const NAME: &'static str = "smoke-test";
    const POSITIONAL: Option<&'static str> = Some("file");
    const DEFAULT_COMMAND: Option<&'static str> = Some("check");

    type Inputs = Inputs;
    type Config = File<Sections>;
    type Outputs = Outputs;

    fn run(inputs: Inputs, config: File<Sections>, cx: &Context) -> anyhow::Result<Done<Outputs>> {
        let Inputs::Check(inputs) = inputs;
        let plan = Plan::new(inputs, &config, cx)?;
        let end = run::all_checks(&plan, cx)?;
        junit::write(&plan, &end)?;
        Ok(Done { outputs: Outputs::of(&plan, &end), report: report::draft(&plan, &end) })
    }
}
