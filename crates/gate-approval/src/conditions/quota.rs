//! Asks how often was deployed.

use sluice_core::Problem;
use sluice_gate::{
    Gathered,
    quota::{Facts, Quota},
};

use crate::{
    condition::{Gather, World},
    deployments,
    github::clock,
};

pub(crate) struct Gatherer(pub(crate) Quota);

impl Gather for Gatherer {
    type Policy = Quota;

    fn policy(&self) -> Quota {
        self.0.clone()
    }

    async fn gather(&self, world: &World<'_>) -> Result<Gathered<Facts>, Problem> {
        let repository = world.repository()?;
        let (api, trace) = world.github()?;
        let deployments = deployments::to(&api, &repository, &world.question.environment, None).await?;
        let facts = Facts { deployments, clock: clock(&trace)? };
        Ok(Gathered::read(facts, world.sources(&[&trace])))
    }
}
