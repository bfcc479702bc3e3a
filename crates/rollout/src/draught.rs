//! What a run would change: each object as it is, and as it shall be.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use sluice_core::{Context, Problem};
use sluice_kubernetes::{Cluster, Error, Kind, api::batch::v1::Job};

use crate::{
    colours::Colours,
    edit::{self, Edit},
    gitops,
    journal::{Journal, Step, interrupted},
    mark,
    reference::WorkloadKind,
    run::at_work,
};

/// What a run would change.
pub(crate) struct Draught {
    pub(crate) journal: Journal,
    /// The objects as they are, by name: `deployment/web`.
    pub(crate) before: BTreeMap<String, Value>,
    /// As they shall be.
    pub(crate) after: BTreeMap<String, Value>,
    /// What this run must be allowed to do beside what every run must.
    pub(crate) needs: Vec<(String, String)>,
    pub(crate) colours: Option<Colours>,
    pub(crate) idle_host: Option<String>,
}

impl Draught {
    pub(crate) fn new(command: &str, cluster: &Cluster, cx: &Context) -> Result<Self, Problem> {
        Ok(Self {
            journal: Journal::new(command, cluster, cx)?,
            before: BTreeMap::new(),
            after: BTreeMap::new(),
            needs: Vec::new(),
            colours: None,
            idle_host: None,
        })
    }

    /// An object that is there, and as it shall be; where both are equal it is only waited for.
    pub(crate) fn add(&mut self, before: &Value, after: Value, stage: usize) {
        let step = Step::of(before, stage, edits(before, &after));
        match step.workload() {
            Some(kind) => self.need(&["get", "patch"], &kind.api()),
            None => self.need(&["get", "patch"], "services"),
        }
        self.put(step, Some(before.clone()), after);
    }

    /// An object that must stay as it is while the change is made: the run is about it, too.
    pub(crate) fn watch_over(&mut self, service: &Value) {
        let selector = service.pointer("/spec/selector").cloned();
        let step = Step::of(service, 0, vec![Edit::new("/spec/selector", selector.clone(), selector)]);
        self.need(&["get"], "services");
        self.journal.steps.insert(0, step);
    }

    /// Notes what the run must be allowed to do.
    pub(crate) fn need(&mut self, verbs: &[&str], resource: &(impl ToString + ?Sized)) {
        self.needs.extend(verbs.iter().map(|verb| ((*verb).to_owned(), resource.to_string())));
    }

    pub(crate) fn put(&mut self, step: Step, before: Option<Value>, after: Value) {
        if let Some(kind) = step.workload() {
            self.need(&["list", "watch"], &kind.api());
            if kind == WorkloadKind::StatefulSet {
                self.need(&["delete"], "pods");
            }
        }
        if let Some(before) = before {
            self.before.insert(step.object(), before);
        }
        self.after.insert(step.object(), after);
        self.journal.steps.push(step);
        self.journal.steps.sort_by_key(|step| step.stage);
        self.needs.sort();
        self.needs.dedup();
    }

    pub(crate) fn changes_something(&self) -> bool {
        self.journal.steps.iter().any(Step::changes_something)
    }

    /// Refuses what must not be changed, or would never be done.
    pub(crate) async fn check(&self, allow_gitops: bool, cluster: &Cluster) -> Result<(), Problem> {
        for step in self.journal.steps.iter().filter(|step| step.changes_something()) {
            let subject = step.object();
            let Some(object) = self.before.get(&subject) else { continue };
            if let Some(owner) = gitops::owner(object).filter(|_| !allow_gitops) {
                return Err(Problem::failed(format!("{subject} belongs to {owner}"))
                    .why("it would be changed back to what the repository says")
                    .help("change it in the repository (bump-image-tag does); `allow-gitops` changes it all the same"));
            }
            if step.workload().is_some() {
                check_that_it_moves(&subject, self.after.get(&subject).unwrap_or(object))?;
            }
            if let Some(other) = mark::of_another(object, &self.journal, cluster).await? {
                cluster.is_free(other).await.map_err(at_work)?;
                return Err(interrupted(other));
            }
        }
        Ok(())
    }

    /// Asks the API server what it would make of the change: then that is what is shown.
    pub(crate) async fn rehearse(&mut self, cluster: &Cluster) -> Result<(), Problem> {
        let cluster = cluster.rehearsing();
        for step in self.journal.steps.iter().filter(|step| step.apply.is_none() && !step.edits.is_empty()) {
            let kind = step.kind(&cluster).await?;
            let made = cluster.patch_object(&kind, &step.name, &edit::forward(&step.edits)).await;
            let made = made.map_err(|error| match error {
                Error::Rejected { .. } => Problem::misconfigured("the cluster refuses the change").why(error),
                other => other.into(),
            })?;
            self.after.insert(step.object(), made.into());
        }
        for (_, job) in self.journal.jobs.all() {
            let kind = Kind::of::<Job>();
            cluster.create_object(&kind, job).await.map_err(|error| match error {
                Error::Rejected { .. } => {
                    Problem::misconfigured(format!("the cluster refuses job/{}", job.name())).why(error)
                }
                other => other.into(),
            })?;
        }
        Ok(())
    }
}

/// Refuses a workload that would not run the new version before someone does something.
fn check_that_it_moves(subject: &str, after: &Value) -> Result<(), Problem> {
    if after["spec"]["paused"] == true {
        return Err(Problem::failed(format!("{subject} is paused"))
            .why("nothing that is set now would run before someone resumes it")
            .help(format!("resume it first: `kubectl rollout resume {subject}`")));
    }
    if after["spec"]["updateStrategy"]["type"] == "OnDelete" {
        return Err(Problem::failed(format!("{subject} replaces pods only when someone deletes them"))
            .why("its updateStrategy is OnDelete: the new version would not run")
            .help("set its updateStrategy to RollingUpdate"));
    }
    Ok(())
}

/// What leads from one state of an object to another.
pub(crate) fn edits(before: &Value, after: &Value) -> Vec<Edit> {
    edit::between(&with_annotations(before), &with_annotations(after))
}

/// An object whose annotations can be told one by one.
fn with_annotations(object: &Value) -> Value {
    let mut object = object.clone();
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.entry("annotations").or_insert_with(|| json!({}));
    }
    object
}
