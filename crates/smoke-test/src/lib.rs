//! Proves that a deployment answers rightly, and says in one line what is wrong.
//!
//! A run reads its checks ([`Checks`]), makes the `plan` of what to ask whom, asks all at once until each answer is
//! right or its patience is over, and reports.
//!
//! The modules, top-down:
//! - `inputs`, `plan`, `outputs`, `report`: what a run is told, what it will do, what it hands on, what it says;
//! - `checks`: the checks file; `http` is its one kind of check so far, `expect` with one file a kind of assertion is
//!   what an answer is held to; `forms` reads what may be written short or long;
//! - `run`: all checks at once; `probe`: one check and its tries; `patience`: when to try again; `progress`: what is
//!   said meanwhile;
//! - `curl` and `excerpt`: a request and an answer as a person wants to see them.
//!
//! # Verdicts
//!
//! A check that got an answer and was not satisfied *failed*. A check that no try of could reach its host is
//! *undecided*: the network between us and the host may be to blame. Of both in one run the failure counts: a certain
//! no is a no.

mod checks;
mod curl;
mod excerpt;
mod expect;
mod forms;
mod http;
mod inputs;
mod outputs;
mod patience;
mod plan;
mod probe;
mod progress;
mod report;
mod run;

#[cfg(test)]
mod server;

use sluice_config::File;
use sluice_core::{Action, Context, Done, Problem};
use sluice_http::{CONNECT_TIMEOUT, Client, Proxies};

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
        let client = client(&plan, cx)?;
        let end = run::all_checks(&plan, &client, cx)?;
        Ok(Done { outputs: Outputs::of(&plan, &end), report: report::draft(&plan, &end) })
    }
}

fn client(plan: &Plan, cx: &Context) -> Result<Client, Problem> {
    let proxies = Proxies::from_lookup(|name| cx.variable(name).map(str::to_owned));
    proxies
        .and_then(|proxies| Client::new(&plan.network, &proxies, CONNECT_TIMEOUT))
        .map_err(|error| Problem::misconfigured(error.to_string()))
}
