//! The outputs: what the steps after the gate read.

use schemars::JsonSchema;
use serde::Serialize;

use crate::{State, condition::Answer};

/// The outputs of the action.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Outputs {
    /// The answer: `approved`, `rejected`, `pending`, `undecided` or `misconfigured`. Only `approved` is a yes
    pub state: State,
    /// The environment that was asked about
    pub environment: String,
    /// What each condition says, as a JSON list of `{"name", "verdict", "reason"}`
    pub conditions: Vec<ConditionOutput>,
}

/// What one condition says.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ConditionOutput {
    /// The condition: its key in the gate.
    pub name: String,
    /// `passed`, `failed`, `pending`, `undecided` or `misconfigured`.
    pub verdict: sluice_core::Verdict,
    /// Why, in one line.
    pub reason: String,
}

impl Outputs {
    pub(crate) fn new(state: State, environment: String, answers: &[Answer]) -> Self {
        let conditions = answers
            .iter()
            .map(|answer| ConditionOutput {
                name: answer.condition.name().to_owned(),
                verdict: answer.outcome.state.verdict(),
                reason: answer.outcome.reason.clone(),
            })
            .collect();
        Self { state, environment, conditions }
    }
}
