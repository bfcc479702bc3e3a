//! Takes the phrase that `confirm` judges.

use sluice_core::Problem;
use sluice_gate::{
    Gathered,
    confirm::{Confirm, Facts},
};

use crate::condition::{Gather, World};

pub(crate) struct Gatherer {
    pub(crate) policy: Confirm,
    pub(crate) typed: Option<String>,
}

impl Gather for Gatherer {
    type Policy = Confirm;

    fn policy(&self) -> Confirm {
        self.policy.clone()
    }

    async fn gather(&self, _: &World<'_>) -> Result<Gathered<Facts>, Problem> {
        Ok(Gathered::given(Facts { typed: self.typed.clone() }))
    }
}
