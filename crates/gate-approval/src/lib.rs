//! Decides whether a change may go to an environment.
//!
//! The policy is the `gate` of the environment in `.github/sluice.yml`: each key is a condition. A run
//! reads as one sentence:
//!
//! 1. read the policy where no stranger can have written it (`trust`);
//! 2. find the gate of the environment (`policy`) and make its conditions from it (`plan`);
//! 3. let all of them look at the world at once (`condition`; `conditions`, one file each), also when one
//!    says no: people mend all that is wrong at once;
//! 4. judge what they saw and decide ([`sluice_gate`]): pure, total, closed unless every condition holds;
//! 5. wait for people, ask them by an issue (`request`), and look again before a yes (`evaluation`);
//! 6. tell it (`report`, `outputs`).

mod condition;
mod conditions;
mod deployments;
mod evaluation;
#[cfg(test)]
mod faults;
mod github;
mod inputs;
mod network;
mod outputs;
mod plan;
mod policy;
mod report;
mod request;
#[cfg(test)]
mod sandbox;
mod trust;

use sluice_config::File;
use sluice_core::{Action, Context, Done, Problem};

pub use sluice_gate::State;

use self::plan::Plan;
pub use self::{
    inputs::{Evaluate, Inputs, OnPending},
    outputs::{ConditionOutput, Outputs},
    policy::Policy,
};

/// The action `gate-approval`.
#[derive(Debug)]
pub struct GateApproval;

impl Action for GateApproval {
    const NAME: &'static str = "gate-approval";
    const DEFAULT_COMMAND: Option<&'static str> = Some("evaluate");
    const RUNNER_DEFAULTS: &'static [(&'static str, &'static str)] = &[("token", "${{ github.token }}")];
    type Inputs = Inputs;
    type Config = File<Policy>;
    type Outputs = Outputs;

    fn run(
        Inputs::Evaluate(inputs): Inputs,
        config: File<Policy>,
        cx: &Context,
    ) -> anyhow::Result<Done<Outputs>> {
        let environment = inputs.environment.clone();
        if inputs.on_pending == Some(OnPending::Continue) {
            cx.continue_on_pending();
        }
        let config = match trust::believed(config, &inputs, cx) {
            Ok(config) => config,
            Err(error) => return Ok(refuse(environment, error.downcast()?)),
        };
        Ok(match Plan::new(inputs, &config, cx) {
            Ok(plan) => evaluate(&plan, cx)?,
            Err(problem) => refuse(environment, problem),
        })
    }
}

/// Asks every condition, decides, and tells it.
fn evaluate(plan: &Plan, cx: &Context) -> Result<Done<Outputs>, Problem> {
    let evaluation = evaluation::run(plan, cx, &evaluation::POLLING)?;
    Ok(Done { outputs: Outputs::new(&evaluation), report: report::of(&evaluation, plan) })
}

/// There is no gate to evaluate: the steps that follow still read a state.
fn refuse(environment: String, problem: Problem) -> Done<Outputs> {
    Done { outputs: Outputs::refused(State::of(&problem), environment), report: report::of_problem(problem) }
}
