//! The outputs: what the steps after the gate read.

use schemars::JsonSchema;
use serde::Serialize;

use sluice_gate::Outcome;

use crate::{State, evaluation::Evaluation};

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
    /// The commit that the answer is for
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// The digest of the image, else of the Terraform plan, that the answer is for: deploy this, not the tag
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// The digest of the policy that was asked
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    /// Who approved, as a JSON list of logins
    pub approvers: Vec<String>,
    /// The number of the issue where people approve, while it is open
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issue: Option<u64>,
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
    pub(crate) fn new(evaluation: &Evaluation) -> Self {
        let Evaluation { question, answers, state, issue, notes: _ } = evaluation;
        let conditions = answers.iter().map(|answer| (answer.condition.name(), &answer.outcome));
        let outputs = Self::of(*state, question.environment.clone()).conditions(conditions);
        Self {
            commit: question.commit.clone(),
            digest: question.digest.clone().or_else(|| question.plan.clone()),
            policy: Some(question.policy.clone()),
            approvers: evaluation.approvers(),
            issue: *issue,
            ..outputs
        }
    }

    /// There was nothing to evaluate.
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
