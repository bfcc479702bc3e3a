//! Looks again, before a yes.

use sluice_core::Problem;
use sluice_gate::{
    Gathered, Source,
    unchanged::{Facts, Unchanged},
};

use crate::{
    condition::{Gather, World},
    image,
};

pub(crate) struct Gatherer(pub(crate) Unchanged);

impl Gather for Gatherer {
    type Policy = Unchanged;

    fn policy(&self) -> Unchanged {
        self.0.clone()
    }

    async fn gather(&self, world: &World<'_>) -> Result<Gathered<Facts>, Problem> {
        let mut facts = Facts::default();
        let mut sources = Vec::new();
        if let Some(reference) = &self.0.reference {
            let (api, trace) = world.github()?;
            let repository = world.repository()?;
            let commit = match reference.strip_prefix("heads/") {
                Some(_) => api.reference(&repository, reference).await?,
                // A tag may be an object of its own that names the commit.
                None => api.resolve(&repository, reference).await?,
            };
            facts.commit = Some(commit.to_string());
            sources.extend(world.sources(&[&trace]));
        }
        if let (Some(_), Some(image)) = (&self.0.image, world.image) {
            let registry = image::Registry::of(image, world.network).await?;
            let tag = registry.tagged().await?;
            let gone =
                || Problem::failed("the image's tag is gone").why(format!("its registry has no {image}"));
            facts.digest = Some(tag.ok_or_else(gone)?);
            sources.push(Source { url: image.to_string(), at: world.cx.now() });
        }
        Ok(Gathered::read(facts, sources))
    }
}
