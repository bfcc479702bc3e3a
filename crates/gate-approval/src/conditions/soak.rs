//! Asks where the image has run.

use sluice_core::Problem;
use sluice_gate::{
    Gathered,
    soak::{Facts, Soak},
};

use crate::{
    condition::{Gather, World},
    deployments,
    github::clock,
};

pub(crate) struct Gatherer(pub(crate) Soak);

impl Gather for Gatherer {
    type Policy = Soak;

    fn policy(&self) -> Soak {
        self.0.clone()
    }

    async fn gather(&self, world: &World<'_>) -> Result<Gathered<Facts>, Problem> {
        self.0.check(&world.question.environment)?;
        let digest = world.digest()?;
        let repository = world.repository()?;
        let (api, trace) = world.github()?;
        let deployments = deployments::to(&api, &repository, &self.0.environment, Some(digest)).await?;
        let facts = Facts { deployments, clock: clock(&trace)? };
        Ok(Gathered::read(facts, world.sources(&[&trace])))
    }
}
