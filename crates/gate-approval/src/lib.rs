//! Decides whether a change may go to an environment.
//!
//! The policy is the `gate` of the environment in `.github/sluice.yml`: each key is a condition. A run
//! reads as one sentence:
//!
//! 1. refuse a policy that a stranger may have written (`trust`);
//! 2. find the gate of the environment (`policy`) and make its conditions from it (`plan`);
//! 3. let all of them look at the world at once (`condition`; `conditions`, one file each), also when one
//!    says no: people mend all that is wrong at once;
//! 4. judge what they saw and decide ([`sluice_gate`]): pure, total, closed unless every condition holds;
//! 5. keep the record of it (`record`), and tell it (`report`, `outputs`).
//!
//! The other commands read records: `replay` repeats decisions, `verify` walks a chain.

mod condition;
mod conditions;
mod inputs;
mod network;
mod outputs;
mod plan;
mod policy;
mod record;
mod records;
mod replay;
mod report;
mod trust;
mod verify;

use sluice_config::File;
use sluice_core::{Action, Context, Done, Problem};

pub use sluice_gate::State;
use sluice_gate::{decide, record::Record};

use self::{
    condition::{Answer, World},
    network::Network,
    plan::Plan,
    record::Kept,
};
pub use self::{
    inputs::{Evaluate, Inputs, Records},
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
        Ok(match Plan::new(inputs, &config, cx) {
            Ok(plan) => evaluate(&plan, cx)?,
            Err(problem) => refuse(environment, problem),
        })
    }
}

/// Asks every condition, then decides.
fn evaluate(plan: &Plan, cx: &Context) -> Result<Done<Outputs>, Problem> {
    let question = plan.question(cx.now());
    let network = Network::new(cx, &plan.access);
    let world = World { cx, question: &question, network: &network };
    let (answers, kept) = cx.block_on(async {
        let answers = condition::ask(&plan.conditions, &world).await;
        let kept = keep(plan, &answers, &world).await;
        (answers, kept)
    })?;
    let decided = decide(answers.iter().map(|answer| answer.outcome.state));
    // A yes that leaves no evidence is none.
    let state = if kept.is_err() { decided.max(State::Undecided) } else { decided };
    let conditions = answers.iter().map(|answer| (answer.condition.name(), &answer.outcome));
    let mut outputs = Outputs::of(state, plan.environment.clone()).conditions(conditions);
    if let Ok(Some(Kept { location, hash })) = kept.clone() {
        (outputs.record, outputs.record_hash) = (Some(location), Some(hash));
    }
    Ok(Done { outputs, report: report::of(state, plan, &answers, kept, question.now) })
}

/// Keeps the record of the decision, where it is to be kept.
async fn keep(plan: &Plan, answers: &[Answer], world: &World<'_>) -> Result<Option<Kept>, Problem> {
    let Some(destination) = &plan.destination else { return Ok(None) };
    let answers = answers.iter().map(Answer::to_record).collect();
    let record = Record::new(world.question.clone(), world.cx.run_url(), answers);
    destination.keep(&record, world.cx, world.network).await.map(Some)
}

/// There is no gate to evaluate: the steps that follow still read a state.
fn refuse(environment: String, problem: Problem) -> Done<Outputs> {
    Done { outputs: Outputs::of(State::of(&problem), environment), report: report::of_problem(problem) }
}
