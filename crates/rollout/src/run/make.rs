//! A step is made: one object, in one write.

use serde_json::Value;
use sluice_kubernetes::{
    Error, Ownership, Selector,
    progress::{Pod, is_ready},
};

use super::{Run, foreign, moved};
use crate::{
    apply::apply,
    colours,
    edit::{self, Edit, Standing},
    failure::{Failure, Trip},
    journal::Step,
    mark,
};

impl Run<'_> {
    /// Makes the change of one step; what is made already stays.
    pub(super) async fn make(&self, step: &Step) -> Result<Value, Trip> {
        let subject = step.object();
        let tripped = |error| Trip::of(&subject, error);
        let kind = step.kind(&self.cluster).await.map_err(tripped)?;
        let found = match self.cluster.get_object(&kind, &step.name).await {
            Ok(found) => Some(Value::from(found)),
            Err(Error::NotFound { .. }) if step.is_new => None,
            Err(error) => return Err(tripped(error)),
        };
        let mut edits = step.edits.clone();
        if let Some(found) = &found {
            match edit::standing(&edits, found) {
                Standing::Elsewhere { path, .. } if !self.force => {
                    return Err(Trip::one(foreign(&subject, &path, found)));
                }
                _ if !step.changes_something() => return Ok(found.clone()),
                Standing::After if !step.is_new || self.is_marked(found) => return Ok(found.clone()),
                Standing::Elsewhere { .. } => {
                    edits = edit::forced(&edits, found).ok_or_else(|| Trip::one(moved(&subject)))?;
                }
                Standing::Before | Standing::After => {}
            }
            self.is_free(step, found).await?;
            self.leads_to_ready_pods(step, &edits, found).await?;
        }
        let made = if let Some(manifest) = &step.apply {
            let version = found.as_ref().and_then(|found| found["metadata"]["resourceVersion"].as_str());
            let mut manifest = manifest.clone();
            mark::write(&mut manifest, &self.journal.mark(), version);
            let ownership = if self.force { Ownership::Take } else { Ownership::Respect };
            apply(&self.cluster, &manifest, ownership).await
        } else {
            let found = found.unwrap_or_default();
            let patch = mark::left(&found, &self.journal.mark(), edit::forward(&edits));
            self.cluster.patch_object(&kind, &step.name, &patch).await
        };
        Ok(made.map_err(tripped)?.into())
    }

    pub(super) fn is_marked(&self, object: &Value) -> bool {
        mark::of(object) == Some(&self.journal.mark())
    }

    /// Before a Service is sent elsewhere, a pod must be ready there: whichever way it goes, someone answers.
    pub(super) async fn leads_to_ready_pods(
        &self,
        step: &Step,
        edits: &[Edit],
        found: &Value,
    ) -> Result<(), Trip> {
        if !step.moves_traffic() {
            return Ok(());
        }
        let selector = colours::labels(&edit::made(found, edits), "/spec/selector");
        let labels: Vec<String> = selector.iter().map(|(key, value)| format!("{key}={value}")).collect();
        let labels = labels.join(",");
        let pods = self.cluster.list::<Pod>(&Selector::labels(labels.as_str())).await;
        let pods = pods.map_err(|error| Trip::of(&step.object(), error))?.items;
        let stays = |pod: &&Pod| pod.metadata.deletion_timestamp.is_none();
        if pods.iter().filter(stays).any(is_ready) {
            return Ok(());
        }
        let why = format!("no pod with {labels} is ready: the traffic stays where it is");
        let help = "`rollout switch --back` scales the other colour up first";
        Err(Trip::one(Failure { help: Some(help.to_owned()), ..Failure::new(step.object(), why) }))
    }
}
