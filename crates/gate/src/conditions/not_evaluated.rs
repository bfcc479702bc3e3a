//! A key of the gate that this version reads and does not evaluate: never ignored, always closed.

use serde::{Deserialize, Serialize};

use crate::{Outcome, Policy, Question, State};

/// A key of the gate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotEvaluated {
    /// The key.
    pub key: String,
}

impl Policy for NotEvaluated {
    type Facts = ();

    fn judge(&self, (): &(), _: &Question) -> Outcome {
        Outcome::new(State::Misconfigured, "not evaluated by this version of gate-approval")
            .help("remove it, or use a version that evaluates it")
    }
}
