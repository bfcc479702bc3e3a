//! A step is taken back: the object is as it was before, or left alone where someone else changed it.

use serde_json::Value;
use sluice_kubernetes::{Error, Kind, Preconditions};

use super::{Run, foreign, moved};
use crate::{
    edit::{self, Standing},
    failure::Trip,
    journal::{MANAGER, Step},
    mark,
};

impl Run<'_> {
    /// Takes the change of one step back; `None` when there is nothing to wait for.
    pub(super) async fn take_back(&self, step: &Step) -> Result<Option<Value>, Trip> {
        let subject = step.object();
        let tripped = |error| Trip::of(&subject, error);
        let kind = step.kind(&self.cluster).await.map_err(tripped)?;
        let found = match self.cluster.get_object(&kind, &step.name).await {
            Ok(found) => Value::from(found),
            Err(Error::NotFound { .. }) if step.is_new => return Ok(None),
            Err(error) => return Err(tripped(error)),
        };
        if step.is_new {
            return self.remove(step, &kind, &found).await.map(|()| None);
        }
        let mut edits = edit::reversed(&step.edits);
        match edit::standing(&step.edits, &found) {
            Standing::Before => return Ok(Some(found)),
            Standing::After => {}
            Standing::Elsewhere { .. } if self.force => {
                edits = edit::forced(&edits, &found).ok_or_else(|| Trip::one(moved(&subject)))?;
            }
            Standing::Elsewhere { path, .. } => return Err(Trip::one(foreign(&subject, &path, &found))),
        }
        self.is_free(step, &found).await?;
        self.leads_to_ready_pods(step, &edits, &found).await?;
        let restored = self.cluster.patch_object(&kind, &step.name, &edit::forward(&edits)).await;
        Ok(Some(restored.map_err(tripped)?.into()))
    }

    /// Removes an object that the run has made. One of this name that someone else made is theirs, and stays.
    async fn remove(&self, step: &Step, kind: &Kind, found: &Value) -> Result<(), Trip> {
        let is_ours = match mark::of(found) {
            Some(_) => self.is_marked(found),
            // The mark is gone when a run is over: then the object is known by who wrote it.
            None => edit::is_managed_by(found, MANAGER),
        };
        if !is_ours && !self.force {
            return Ok(());
        }
        let uid = found["metadata"]["uid"].as_str().unwrap_or_default();
        match self.cluster.delete_object(kind, &step.name, &Preconditions::uid(uid)).await {
            Ok(()) | Err(Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(Trip::of(&step.object(), error)),
        }
    }
}
