//! The outputs: what the steps after the gate read.

use schemars::JsonSchema;
use serde::Serialize;

use crate::{State, evaluation::Evaluation};

/// The outputs of the action.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Outputs {
    /// The answer: `approved`, `rejected`, `pending`, `undecided` or `misconfigured`. Only `approved` is a yes
    pub state: State,
    /// The environment that was asked about
    pub environment: String,
    /// The commit that the answer is for
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// The digest of the image, else of the Terraform plan, that the answer is for: deploy this, not the tag
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// The digest of the policy that was asked
    pub policy: String,
    /// Who approved, as a JSON list of logins
    pub approvers: Vec<String>,
    /// The number of the issue where people approve, while it is open
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issue: Option<u64>,
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
    pub(crate) fn new(evaluation: &Evaluation) -> Self {
        let Evaluation { question, answers, state, issue, notes: _ } = evaluation;
        let conditions = answers
            .iter()
            .map(|answer| ConditionOutput {
                name: answer.condition.name().to_owned(),
                verdict: answer.outcome.state.verdict(),
                reason: answer.outcome.reason.clone(),
            })
            .collect();
        Self {
            state: *state,
            environment: question.environment.clone(),
            commit: question.commit.clone(),
            digest: question.digest.clone().or_else(|| question.plan.clone()),
            policy: question.policy.clone(),
            approvers: evaluation.approvers(),
            issue: *issue,
            conditions,
        }
    }

    /// There was nothing to evaluate.
    pub(crate) fn refused(state: State, environment: String) -> Self {
        Self {
            state,
            environment,
            commit: None,
            digest: None,
            policy: String::new(),
            approvers: Vec::new(),
            issue: None,
            conditions: Vec::new(),
        }
    }
}
