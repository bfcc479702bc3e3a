//! What a condition answers.

use serde::{Deserialize, Serialize};

use crate::State;

/// What the judgement of one condition is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// The answer.
    pub state: State,
    /// Why, in one line.
    pub reason: String,
    /// What was seen, a line each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<String>,
    /// What to do, in one line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
}

impl Outcome {
    /// An outcome without evidence.
    pub fn new(state: State, reason: impl Into<String>) -> Self {
        Self { state, reason: reason.into(), evidence: Vec::new(), help: None }
    }

    /// Adds what was seen.
    #[must_use]
    pub fn evidence(mut self, lines: impl IntoIterator<Item = String>) -> Self {
        self.evidence.extend(lines);
        self
    }

    /// Adds what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}
