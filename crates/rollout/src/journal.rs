//! What a run is about to do and how it is undone, written down before the first change.
//!
//! The same text is the record that `undo` takes, and, for as long as the run goes on, a ConfigMap in the namespace: whoever
//! comes after a run that was killed finds out from it what was meant. Each object that is changed carries, in the
//! same write, an annotation with the journal's name: two runs can't change one object.

use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sluice_core::{Context, Problem};
use sluice_kubernetes::{
    Cluster, Error, Kind, Object, Preconditions, Selector,
    api::core::v1::{ConfigMap, Service},
};

use crate::{edit::Edit, inputs::OnFailure, reference::WorkloadKind};

/// The version of what is written down.
const SCHEMA: u32 = 1;
/// The annotation of an object that a run is changing: the name of its journal, and its id.
pub(crate) const MARK: &str = "sluice-actions.github.io/rollout";
/// Which journals there are.
const LABEL: &str = "app.kubernetes.io/managed-by";
/// Who writes, as managed fields name it.
pub(crate) const MANAGER: &str = "sluice-rollout";
/// The key in the ConfigMap.
const KEY: &str = "journal.json";
/// An object may have 1 MiB: <https://kubernetes.io/docs/concepts/configuration/configmap/#motivation>
const LONGEST: usize = 900 * 1024;

/// What a run does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Journal {
    pub(crate) schema: u32,
    pub(crate) id: String,
    pub(crate) command: String,
    /// The API server, by scheme, host and port.
    pub(crate) server: String,
    pub(crate) namespace: String,
    pub(crate) started: Timestamp,
    /// The address of the workflow run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) run: Option<String>,
    pub(crate) direction: Direction,
    pub(crate) on_failure: OnFailure,
    #[serde(default)]
    pub(crate) jobs: Jobs,
    pub(crate) steps: Vec<Step>,
}

/// Which way a run goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Direction {
    Forward,
    Back,
}

/// The Jobs beside a deployment, ready to be created.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Jobs {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) before: Option<Object>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) migrations: Option<Object>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) on_rollback: Option<Object>,
}

impl Jobs {
    /// Each with when it runs.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&'static str, &Object)> {
        [("before", &self.before), ("migrations", &self.migrations), ("on rollback only", &self.on_rollback)]
            .into_iter()
            .filter_map(|(when, job)| Some((when, job.as_ref()?)))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.all().next().is_none()
    }
}

/// One object: what changes, and that it is waited for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Step {
    /// Steps of a lower stage are done before this one begins.
    pub(crate) stage: usize,
    pub(crate) api_version: String,
    pub(crate) kind: String,
    pub(crate) name: String,
    /// Empty where the object is only waited for.
    pub(crate) edits: Vec<Edit>,
    /// What is applied to make the edits, where they are not patched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) apply: Option<Object>,
    /// Whether the object is made by this: then it is removed on the way back.
    #[serde(default)]
    pub(crate) is_new: bool,
    /// Whether it did not run before either: then it can't be asked to on the way back.
    #[serde(default)]
    pub(crate) was_failing: bool,
}

impl Step {
    /// A step for an object that is there.
    pub(crate) fn of(object: &Value, stage: usize, edits: Vec<Edit>) -> Self {
        let word = |pointer| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        Self {
            stage,
            api_version: word("/apiVersion"),
            kind: word("/kind"),
            name: word("/metadata/name"),
            edits,
            apply: None,
            is_new: false,
            was_failing: false,
        }
    }

    /// `deployment/web`.
    pub(crate) fn object(&self) -> String {
        format!("{}/{}", self.kind.to_lowercase(), self.name)
    }

    /// Whether the object is changed; else it is only made sure of, or waited for.
    pub(crate) fn changes_something(&self) -> bool {
        self.is_new || self.edits.iter().any(|edit| edit.before != edit.after)
    }

    /// Whether a Service is sent elsewhere.
    pub(crate) fn moves_traffic(&self) -> bool {
        let moves = |edit: &Edit| edit.path.starts_with("/spec/selector") && edit.before != edit.after;
        self.kind == "Service" && self.api_version == "v1" && self.edits.iter().any(moves)
    }

    pub(crate) fn workload(&self) -> Option<WorkloadKind> {
        WorkloadKind::of(&self.kind).filter(|_| self.api_version == "apps/v1")
    }

    /// Where the API has it.
    pub(crate) async fn kind(&self, cluster: &Cluster) -> Result<Kind, Error> {
        match (self.workload(), self.api_version.as_str(), self.kind.as_str()) {
            (Some(kind), ..) => Ok(kind.api()),
            (None, "v1", "Service") => Ok(Kind::of::<Service>()),
            (None, api_version, kind) => cluster.kind(api_version, kind).await,
        }
    }
}

impl Journal {
    pub(crate) fn new(command: &str, cluster: &Cluster, cx: &Context) -> Result<Self, Problem> {
        let mut bytes = [0; 4];
        getrandom::fill(&mut bytes)
            .map_err(|error| Problem::undecided("the system gives no random numbers").why(error))?;
        Ok(Self {
            schema: SCHEMA,
            id: format!("{:08x}", u32::from_be_bytes(bytes)),
            command: command.to_owned(),
            server: cluster.server(),
            namespace: cluster.namespace().to_owned(),
            started: cx.now(),
            run: cx.run_url(),
            direction: Direction::Forward,
            on_failure: OnFailure::Rollback,
            jobs: Jobs::default(),
            steps: Vec::new(),
        })
    }

    /// The name of the lease and of the ConfigMap: that of the object that the run is about.
    pub(crate) fn name(&self) -> String {
        let object =
            self.steps.iter().max_by_key(|step| (step.kind == "Service", std::cmp::Reverse(step.stage)));
        let object = object.map(Step::object).unwrap_or_default();
        let word: String = object
            .chars()
            .map(|letter| if letter.is_ascii_lowercase() || letter.is_ascii_digit() { letter } else { '-' })
            .take(200)
            .collect();
        format!("sluice-rollout-{}", word.trim_matches('-'))
    }

    /// What objects carry while the run changes them.
    pub(crate) fn mark(&self) -> String {
        format!("{}/{}", self.name(), self.id)
    }

    fn text(&self) -> Result<String, Problem> {
        let text = serde_json::to_string_pretty(self)
            .map_err(|error| Problem::undecided("could not write down what is to be done").why(error))?;
        if text.len() > LONGEST {
            return Err(Problem::misconfigured("what is to be changed is too much for one rollout")
                .why(format!("its record has {} KiB of at most {}", text.len() / 1024, LONGEST / 1024))
                .help("deploy in several steps"));
        }
        Ok(text)
    }

    fn config_map(&self) -> Result<ConfigMap, Problem> {
        let object = json!({
            "metadata": {"name": self.name(), "labels": {LABEL: MANAGER}},
            "data": {KEY: self.text()?},
        });
        serde_json::from_value(object)
            .map_err(|error| Problem::undecided("could not write the journal").why(error))
    }

    /// Writes it into the cluster: from now on the run can be taken up by another.
    pub(crate) async fn begin(&self, cluster: &Cluster) -> Result<(), Problem> {
        match cluster.create(&self.config_map()?).await {
            Ok(_) => Ok(()),
            // The answer to our own try may have been lost.
            Err(Error::AlreadyExists { .. }) if self.is_there(cluster).await? => Ok(()),
            Err(Error::AlreadyExists { .. }) => Err(interrupted(&self.name())),
            Err(error) => Err(error.into()),
        }
    }

    /// Takes up what another run has left, now that this one is alone: that one may have turned round since, or ended.
    pub(crate) async fn take_up(&mut self, cluster: &Cluster) -> Result<(), Problem> {
        let Some(map) = self.own(cluster).await? else {
            return Err(Problem::failed("the rollout was not interrupted: it went on, and has ended")
                .why(format!("configmap/{} is gone, or is another run's", self.name()))
                .help("run `rollout status`: what runs now?"));
        };
        if Self::read(written(&map), &self.name())?.direction == Direction::Back {
            self.direction = Direction::Back;
        }
        Ok(())
    }

    /// Writes down that the run turned round; `false` where another has taken it up meanwhile.
    pub(crate) async fn save(&self, cluster: &Cluster) -> Result<bool, Problem> {
        let Some(mut map) = self.own(cluster).await? else { return Ok(false) };
        map.data.get_or_insert_default().insert(KEY.to_owned(), self.text()?);
        cluster.replace(&map).await?;
        Ok(true)
    }

    /// The run is over.
    pub(crate) async fn end(&self, cluster: &Cluster) -> Result<(), Error> {
        let Some(map) = self.own(cluster).await? else { return Ok(()) };
        let this = Preconditions { uid: map.metadata.uid, resource_version: map.metadata.resource_version };
        match cluster.delete::<ConfigMap>(&self.name(), &this).await {
            Err(Error::NotFound { .. }) => Ok(()),
            other => other,
        }
    }

    /// Whether it is written down in the cluster.
    pub(crate) async fn is_there(&self, cluster: &Cluster) -> Result<bool, Error> {
        Ok(self.own(cluster).await?.is_some())
    }

    /// The ConfigMap, as long as it is this run's: another run may have ended this one and begun its own.
    async fn own(&self, cluster: &Cluster) -> Result<Option<ConfigMap>, Error> {
        let map = match cluster.get::<ConfigMap>(&self.name()).await {
            Err(Error::NotFound { .. }) => return Ok(None),
            found => found?,
        };
        let is_ours = Self::read(written(&map), "").is_ok_and(|journal| journal.id == self.id);
        Ok(is_ours.then_some(map))
    }

    /// What interrupted runs have left in the namespace.
    pub(crate) async fn all(cluster: &Cluster) -> Result<Vec<Self>, Problem> {
        let maps = cluster.list::<ConfigMap>(&Selector::labels(format!("{LABEL}={MANAGER}"))).await?;
        maps.items
            .iter()
            .map(|map| {
                let name = map.metadata.name.as_deref().unwrap_or_default();
                Self::read(written(map), &format!("configmap/{name}"))
            })
            .collect()
    }

    /// Whether there is a journal of this name, and of this run or of one that is not known.
    pub(crate) async fn exists(cluster: &Cluster, name: &str, id: &str) -> Result<bool, Error> {
        match cluster.get::<ConfigMap>(name).await {
            Ok(map) => Ok(Self::read(written(&map), name).map_or(true, |journal| journal.id == id)),
            Err(Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn read(text: &str, place: &str) -> Result<Self, Problem> {
        let unreadable = |why: String| {
            Problem::undecided(format!("could not read the record {place}"))
                .why(why)
                .help("give the file that `rollout` has written, as it is")
        };
        let journal: Self = serde_json::from_str(text).map_err(|error| unreadable(error.to_string()))?;
        if journal.schema != SCHEMA {
            return Err(unreadable(format!("its schema is {}, not {SCHEMA}", journal.schema)));
        }
        Ok(journal)
    }

    /// Writes the record beside the run: readable by its owner, as it may hold what is in objects.
    pub(crate) fn write(&self, file: &Path) -> Result<(), Problem> {
        let failed = |error: &std::io::Error| {
            Problem::undecided("could not write the record").why(format!("{}: {error}", file.display()))
        };
        if let Some(folder) = file.parent() {
            std::fs::create_dir_all(folder).map_err(|error| failed(&error))?;
        }
        sluice_core::file::replace(file, self.text()?.as_bytes()).map_err(|error| failed(&error))
    }

    /// The record in a file.
    pub(crate) fn from_file(file: &Path) -> Result<Self, Problem> {
        let text = std::fs::read_to_string(file).map_err(|error| {
            Problem::misconfigured("could not read the record")
                .why(format!("{}: {error}", file.display()))
                .help("give the file that the deployment has written: its output `record`")
        })?;
        Self::read(&text, &file.display().to_string())
    }
}

fn written(map: &ConfigMap) -> &str {
    map.data.as_ref().and_then(|data| data.get(KEY)).map_or("", String::as_str)
}

/// A run that ended before it was done.
pub(crate) fn interrupted(journal: &str) -> Problem {
    Problem::failed("a rollout before this one was interrupted")
        .why(format!("configmap/{journal} tells what it was about"))
        .help("run `rollout resume` to finish it, or `rollout resume --back` to roll it back")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn journal(steps: Vec<Step>) -> Journal {
        Journal {
            schema: SCHEMA,
            id: "0badcafe".into(),
            command: "deploy".into(),
            server: "https://k8s.example.com".into(),
            namespace: "shop".into(),
            started: Timestamp::UNIX_EPOCH,
            run: None,
            direction: Direction::Forward,
            on_failure: OnFailure::Rollback,
            jobs: Jobs::default(),
            steps,
        }
    }

    fn step(kind: &str, name: &str, stage: usize) -> Step {
        let api = if kind == "Service" { "v1" } else { "apps/v1" };
        let object = json!({"apiVersion": api, "kind": kind, "metadata": {"name": name}});
        Step::of(&object, stage, vec![Edit::new("/spec/x", None, Some(json!(1)))])
    }

    #[test]
    fn a_record_is_read_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a/record.json");
        let journal = journal(vec![step("Deployment", "web", 0)]);
        journal.write(&file).unwrap();
        assert_eq!(Journal::from_file(&file).unwrap(), journal);
        std::fs::write(&file, "{}").unwrap();
        assert!(Journal::from_file(&file).is_err());
    }

    #[test]
    fn a_run_is_named_for_what_it_is_about() {
        assert_eq!(journal(vec![step("Deployment", "web.v1", 0)]).name(), "sluice-rollout-deployment-web-v1");
        let switch = journal(vec![step("Deployment", "web-green", 0), step("Service", "web", 1)]);
        assert_eq!(switch.mark(), "sluice-rollout-service-web/0badcafe");
    }
}
