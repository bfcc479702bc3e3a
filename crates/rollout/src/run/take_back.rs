//! A step is taken back: the object is as it was before, or left alone where someone else changed it.

use serde_json::Value;
use sluice_kubernetes::{Error, Kind, Preconditions};

use super::{Run, foreign, moved};
use crate::{
    edit::{self, Standing},
    failure::{Failure, Trip},
    journal::{MANAGER, Step},
    mark,
};

/// What became of a step on the way back.
pub(super) enum TakenBack {
    /// The object is as it was before, and is waited for.
    AsBefore(Value),
    /// There is nothing that could be waited for.
    Gone,
    /// It was left alone, for this reason: nothing that this run made is there.
    LeftAlone(&'static str),
}

impl Run<'_> {
    /// Takes the change of one step back.
    pub(super) async fn take_back(&self, step: &Step) -> Result<TakenBack, Trip> {
        let subject = step.object();
        let tripped = |error| Trip::of(&subject, error);
        let kind = step.kind(&self.cluster).await.map_err(tripped)?;
        let found = match self.cluster.get_object(&kind, &step.name).await {
            Ok(found) => Value::from(found),
            Err(Error::NotFound { .. }) if step.is_new => return Ok(TakenBack::Gone),
            Err(Error::NotFound { .. }) if self.force || self.has_not_come_to(step) => {
                return Ok(TakenBack::LeftAlone("someone removed it"));
            }
            Err(Error::NotFound { .. }) => return Err(Trip::one(removed(&subject))),
            Err(error) => return Err(tripped(error)),
        };
        if step.is_new {
            return self.remove(step, &kind, &found).await.map(|()| TakenBack::Gone);
        }
        let mut edits = edit::reversed(&step.edits);
        match edit::standing(&step.edits, &found) {
            Standing::Before => return Ok(TakenBack::AsBefore(found)),
            Standing::After => {}
            Standing::Elsewhere { .. } if self.has_not_come_to(step) => {
                return Ok(TakenBack::LeftAlone("someone else changed it before this run did"));
            }
            Standing::Elsewhere { .. } if self.force => {
                edits = edit::forced(&edits, &found).ok_or_else(|| Trip::one(moved(&subject)))?;
            }
            Standing::Elsewhere { path, .. } => return Err(Trip::one(foreign(&subject, &path, &found))),
        }
        self.is_free(step, &found).await?;
        self.leads_to_ready_pods(step, &edits, &found).await?;
        let restored = self.cluster.patch_object(&kind, &step.name, &edit::forward(&edits)).await;
        Ok(TakenBack::AsBefore(restored.map_err(tripped)?.into()))
    }

    /// Whether it is known that this step was never made.
    fn has_not_come_to(&self, step: &Step) -> bool {
        self.made.as_ref().is_some_and(|made| !made.contains(&step.object()))
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

/// What is gone can't be as it was before.
fn removed(subject: &str) -> Failure {
    Failure {
        help: Some(
            "bring it back from a backup or its manifests; `rollout resume --back --force` goes on without it"
                .to_owned(),
        ),
        ..Failure::new(subject, "someone removed it meanwhile")
    }
}
