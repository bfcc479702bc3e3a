//! A key of the gate that this version reads and does not evaluate.

use sluice_core::Problem;
use sluice_gate::{Gathered, not_evaluated::NotEvaluated};

use crate::condition::{Gather, World};

pub(crate) struct Gatherer(pub(crate) NotEvaluated);

impl Gather for Gatherer {
    type Policy = NotEvaluated;

    fn policy(&self) -> NotEvaluated {
        self.0.clone()
    }

    async fn gather(&self, _: &World<'_>) -> Result<Gathered<()>, Problem> {
        Ok(Gathered::given(()))
    }
}
