//! The outputs: what the steps after the gate read.

use schemars::JsonSchema;
use serde::Serialize;

use sluice_gate::Outcome;

use crate::State;

/// The outputs of the action.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Outputs {
    /// The answer: `approved`, `rejected`, `pending`, `undecided` or `misconfigured`. Only `approved` is a yes. Not of `verify`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<State>,
    /// The environment that was asked about
    #[serde(skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// What each condition says, as a JSON list of `{"name", "verdict", "reason"}`
    pub conditions: Vec<ConditionOutput>,
    /// Where the record of the decision is kept: a file, an address on GitHub, or `s3://BUCKET/KEY`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub record: Option<String>,
    /// The hash of that record, `sha256:...`; of `replay` and `verify` that of the last one. Kept elsewhere, it shows later that nothing was changed
    #[serde(skip_serializing_if = "Option::is_none")]
    pub record_hash: Option<String>,
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
    /// Those of a run that ended before a condition was asked.
    pub(crate) fn of(state: State, environment: String) -> Self {
        Self { state: Some(state), environment: Some(environment), ..Self::default() }
    }

    /// Adds what each condition says.
    pub(crate) fn conditions<'a>(mut self, all: impl IntoIterator<Item = (&'a str, &'a Outcome)>) -> Self {
        self.conditions = all
            .into_iter()
            .map(|(name, outcome)| ConditionOutput {
                name: name.to_owned(),
                verdict: outcome.state.verdict(),
                reason: outcome.reason.clone(),
            })
            .collect();
        self
    }
}
