//! A key of the gate that this version reads and does not evaluate: never ignored, always closed.

use sluice_core::Place;

use crate::{
    State,
    condition::{Condition, Outcome, World},
};

pub(crate) struct NotEvaluated {
    pub(crate) name: &'static str,
    pub(crate) place: Place,
}

impl Condition for NotEvaluated {
    fn name(&self) -> &'static str {
        self.name
    }

    fn place(&self) -> &Place {
        &self.place
    }

    fn evaluate(&self, _: &World<'_>) -> Outcome {
        Outcome::new(State::Misconfigured, "not evaluated by this version of gate-approval")
            .help("remove it, or use a version that evaluates it")
    }
}
