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
//! 6. keep the record of it (`record`), and tell it (`report`, `outputs`).
//!
//! The other commands read records: `replay` repeats decisions, `verify` walks a chain.

mod condition;
mod conditions;
mod deployments;
mod evaluation;
#[cfg(test)]
mod faults;
mod github;
mod image;
mod inputs;
mod network;
mod outputs;
mod plan;
mod policy;
mod record;
mod records;
mod replay;
mod report;
mod request;
#[cfg(test)]
mod sandbox;
mod trust;
mod verify;

use sluice_config::File;
use sluice_core::{Action, Context, Done, Problem};

pub use sluice_gate::State;
use sluice_gate::record::Record;

use self::{condition::Answer, evaluation::Evaluation, network::Network, plan::Plan, record::Kept};
pub use self::{
    inputs::{Evaluate, Inputs, OnPending, Records},
    outputs::{ConditionOutput, Outputs},
    policy::Policy,
};

/// The action `gate-approval`.
#[derive(Debug)]
pub struct GateApproval;

impl Action for GateApproval {
    const NAME: &'static str = "gate-approval";
    const POSITIONAL: Option<&'static str> = Some("records");
    const DEFAULT_COMMAND: Option<&'static str> = Some("evaluate");
    const RUNNER_DEFAULTS: &'static [(&'static str, &'static str)] = &[("token", "${{ github.token }}")];
    type Inputs = Inputs;
    type Config = File<Policy>;
    type Outputs = Outputs;

    fn run(inputs: Inputs, config: File<Policy>, cx: &Context) -> anyhow::Result<Done<Outputs>> {
        let inputs = match inputs {
            Inputs::Evaluate(inputs) => inputs,
            Inputs::Replay(records) => return Ok(replay::run(&records, cx)?),
            Inputs::Verify(records) => return Ok(verify::run(&records, cx)?),
        };
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
    let mut evaluation = evaluation::run(plan, cx, &evaluation::POLLING)?;
    let kept = keep(plan, &evaluation, cx);
    // A yes that leaves no evidence is none.
    if kept.is_err() {
        evaluation.state = evaluation.state.max(State::Undecided);
    }
    let mut outputs = Outputs::new(&evaluation);
    if let Ok(Some(Kept { location, hash })) = kept.clone() {
        (outputs.record, outputs.record_hash) = (Some(location), Some(hash));
    }
    Ok(Done { outputs, report: report::of(&evaluation, kept, plan) })
}

/// Keeps the record of the decision, where it is to be kept.
fn keep(plan: &Plan, evaluation: &Evaluation, cx: &Context) -> Result<Option<Kept>, Problem> {
    let Some(destination) = &plan.destination else { return Ok(None) };
    let answers = evaluation.answers.iter().map(Answer::to_record).collect();
    let record = Record::new(evaluation.question.clone(), cx.run_url(), answers);
    let network = Network::new(cx, &plan.access);
    cx.block_on(destination.keep(&record, cx, &network)).flatten().map(Some)
}

/// There is no gate to evaluate: the steps that follow still read a state.
fn refuse(environment: String, problem: Problem) -> Done<Outputs> {
    Done { outputs: Outputs::of(State::of(&problem), environment), report: report::of_problem(problem) }
}
