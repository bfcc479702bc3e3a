//! `deploy`: images are set or manifests applied, and it is waited until that is true.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use serde_json::{Value, json};
use sluice_config::File;
use sluice_core::{Context, Done, Problem, Problems};
use sluice_kubernetes::{
    Cluster, Error, Kind, Object, Ownership, Selector,
    api::{
        apps::v1::{DaemonSet, Deployment, StatefulSet},
        autoscaling::v2::HorizontalPodAutoscaler,
        core::v1::Service,
    },
};

use crate::{
    Outputs, Sections,
    colours::{Colours, own_service, pod_labels},
    edit, gitops,
    images::{self, Asked},
    inputs::{Deploy, DryRun, Patience},
    jobs,
    journal::{Jobs, Journal, MANAGER, Step, interrupted},
    manifests::{self, Manifest},
    order,
    place::Place,
    reference::{Reference, WorkloadKind},
    report,
    run::{self, Limits},
};

const TIMEOUT: Duration = Duration::from_mins(10);
const STABLE_FOR: Duration = Duration::from_secs(10);

impl Limits {
    pub(crate) fn new(patience: &Patience) -> Self {
        Self {
            timeout: patience.timeout.map_or(TIMEOUT, |period| period.0),
            stable_for: patience.stable_for.map_or(STABLE_FOR, |period| period.0),
        }
    }
}

/// What is deployed, from inputs and configuration.
struct Plan {
    images: Vec<Asked>,
    /// In the order in which they are deployed: those of a stage at once.
    workloads: Vec<(Reference, usize)>,
    selector: Option<String>,
    manifests: Vec<Manifest>,
    service: Option<String>,
    jobs: Jobs,
    allow_gitops: bool,
    force: bool,
}

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

pub(crate) fn run(inputs: &Deploy, config: &File<Sections>, cx: &Context) -> anyhow::Result<Done<Outputs>> {
    let place = Place::new(&inputs.place, config, cx)?;
    let plan = Plan::new(inputs, config, cx)?;
    let limits = Limits::new(&inputs.patience);
    let dry_run = inputs.dry_run.unwrap_or(DryRun::Off);
    crate::steer(cx, async {
        let cluster = place.connect(cx).await?;
        let mut draught = plan.draft(&cluster, cx).await?;
        draught.journal.on_failure = inputs.on_failure.unwrap_or_default();
        match dry_run {
            DryRun::Off => {
                crate::carry_out(draught, &cluster, limits, plan.force, inputs.record.as_deref(), cx).await
            }
            DryRun::Client => Ok(report::dry_run(&draught, &cluster)),
            DryRun::Server => {
                draught.rehearse(&cluster).await?;
                Ok(report::dry_run(&draught, &cluster))
            }
        }
    })
}

impl Plan {
    fn new(inputs: &Deploy, config: &File<Sections>, cx: &Context) -> anyhow::Result<Self> {
        let images = Problems::all(inputs.image.iter().map(|text| text.parse::<Asked>()))?;
        let named = Problems::all(inputs.workload.iter().map(|text| text.parse::<Reference>()))?;
        if images.is_empty() && inputs.manifest.is_empty() {
            return Err(Problem::misconfigured("there is nothing to deploy")
                .help("give `image`: `registry/name:tag`, or `manifest`: a file of manifests")
                .into());
        }
        let names_images = !images.is_empty() || !named.is_empty() || inputs.service.is_some();
        if !inputs.manifest.is_empty() && names_images {
            return Err(Problem::misconfigured(
                "`manifest` is given beside `image`, `workload` or `service`",
            )
            .why("manifests say themselves which images run where")
            .help("write the images into the manifests (bump-image-tag does), or give no manifests")
            .into());
        }
        let components = &config.sections.components;
        let is_asked = |component: &sluice_config::Component| {
            let runs = component.image.as_ref().map(|image| image.value.name());
            images.iter().any(|asked| runs == Some(asked.image.name()))
        };
        let chosen: Vec<_> = components.values().filter(|component| is_asked(component)).collect();
        let service = inputs.service.clone().or_else(|| {
            let services = chosen.iter().filter_map(|component| component.service.as_ref());
            services.map(|service| service.value.clone()).next().filter(|_| named.is_empty())
        });
        // A Service that is asked for tells its colours itself: elsewhere the component may be one workload.
        let workloads = if named.is_empty() && inputs.selector.is_none() && inputs.service.is_none() {
            let written = chosen.iter().flat_map(|component| &component.workloads);
            Problems::all(written.map(|name| name.value.parse::<Reference>()))?
        } else {
            named
        };
        if inputs.manifest.is_empty()
            && workloads.is_empty()
            && inputs.selector.is_none()
            && service.is_none()
        {
            return Err(Problem::misconfigured("it is not known which workloads run the image")
                .why("neither `workload` nor `selector` is given, and no component of the configuration has this `image` and `workloads`")
                .help("give `workload`: `deployment/web`, or write `workloads` beside the component's `image`")
                .into());
        }
        let job = |file: Option<&PathBuf>| file.map(|file| manifests::one(file, cx)).transpose();
        Ok(Self {
            workloads: order::stages(workloads, components)?,
            images,
            selector: inputs.selector.clone(),
            manifests: if inputs.manifest.is_empty() {
                Vec::new()
            } else {
                manifests::all(&inputs.manifest, cx)?
            },
            service,
            jobs: Jobs {
                before: job(inputs.before.as_ref())?,
                migrations: job(inputs.migrations.as_ref())?,
                on_rollback: job(inputs.on_rollback.as_ref())?,
            },
            allow_gitops: inputs.allow_gitops,
            force: inputs.force,
        })
    }

    /// Looks at what is there, and makes out what would change.
    async fn draft(&self, cluster: &Cluster, cx: &Context) -> Result<Draught, Problem> {
        let mut draught = Draught::new("deploy", cluster, cx)?;
        let id = draught.journal.id.clone();
        let named = |job: &Option<Object>| job.clone().map(|job| jobs::named(job, &id)).transpose();
        draught.journal.jobs = Jobs {
            before: named(&self.jobs.before)?,
            migrations: named(&self.jobs.migrations)?,
            on_rollback: named(&self.jobs.on_rollback)?,
        };
        if [&self.jobs.before, &self.jobs.migrations, &self.jobs.on_rollback].into_iter().any(Option::is_some)
        {
            for verb in ["create", "get", "delete"] {
                draught.needs.push((verb.to_owned(), "jobs.batch".to_owned()));
            }
            draught.needs.push(("get".to_owned(), "pods/log".to_owned()));
        }
        if let Some(service) = &self.service {
            self.draft_idle_colour(service, &mut draught, cluster).await?;
        } else if self.manifests.is_empty() {
            self.draft_images(&mut draught, cluster).await?;
        } else {
            self.draft_manifests(&mut draught, cluster).await?;
        }
        draught.check(self.allow_gitops, cluster).await?;
        Ok(draught)
    }

    async fn draft_images(&self, draught: &mut Draught, cluster: &Cluster) -> Result<(), Problem> {
        let found = self.find(cluster).await?;
        let all: Vec<(String, Value)> =
            found.iter().map(|(reference, _, object)| (reference.to_string(), object.clone())).collect();
        if let Some(asked) = self.images.iter().find(|asked| {
            !all.iter().any(|(_, object)| images::containers(object).iter().any(|one| asked.fits(one)))
        }) {
            return Err(images::unused(asked, &all));
        }
        let asked: Vec<&Asked> = self.images.iter().collect();
        for (_, stage, object) in found {
            let after = images::set(&object, &asked);
            draught.add(&object, after, stage);
        }
        Ok(())
    }

    /// The workloads that are named, or that have the labels.
    async fn find(&self, cluster: &Cluster) -> Result<Vec<(Reference, usize, Value)>, Problem> {
        let mut found = Vec::new();
        for (reference, stage) in &self.workloads {
            let object = get(cluster, reference).await?;
            found.push((reference.clone(), *stage, object));
        }
        if let Some(selector) = &self.selector {
            let selector = Selector::labels(selector.as_str());
            for kind in [WorkloadKind::Deployment, WorkloadKind::StatefulSet, WorkloadKind::DaemonSet] {
                for object in cluster.list_objects(&api_kind(kind), &selector).await?.items {
                    let reference = Reference { kind, name: object.name().to_owned() };
                    if found.iter().all(|(known, ..)| *known != reference) {
                        found.push((reference, 0, object.into()));
                    }
                }
            }
        }
        if found.is_empty() {
            let labels = self.selector.as_deref().unwrap_or_default();
            return Err(Problem::misconfigured(format!(
                "no workload of {} has the labels {labels}",
                cluster.namespace()
            ))
            .help("check `selector` and the namespace: to deploy nothing is never a success"));
        }
        Ok(found)
    }

    /// The colour without traffic gets the images, and the size of the other.
    async fn draft_idle_colour(
        &self,
        service: &str,
        draught: &mut Draught,
        cluster: &Cluster,
    ) -> Result<(), Problem> {
        let pair = Pair::find(service, &self.workloads, cluster).await?;
        let asked: Vec<&Asked> = self.images.iter().collect();
        let object = [(format!("deployment/{}", pair.colours.idle.deployment), pair.idle.clone())];
        if let Some(asked) =
            self.images.iter().find(|asked| !images::containers(&pair.idle).iter().any(|one| asked.fits(one)))
        {
            return Err(images::unused(asked, &object));
        }
        let mut after = images::set(&pair.idle, &asked);
        after["spec"]["replicas"] = pair.size(cluster).await?.into();
        draught.add(&pair.idle, after, 0);
        draught.watch_over(&pair.service);
        draught.idle_host = pair.idle_host(cluster);
        draught.colours = Some(pair.colours);
        Ok(())
    }

    /// What the API server would make of the manifests is what they change.
    async fn draft_manifests(&self, draught: &mut Draught, cluster: &Cluster) -> Result<(), Problem> {
        let ownership = if self.force { Ownership::Take } else { Ownership::Respect };
        for manifest in &self.manifests {
            let object = &manifest.object;
            let refused = |problem: Problem| problem.at(manifest.place.clone());
            if object.kind() == "Secret" {
                return Err(refused(Problem::misconfigured(format!("secret/{} is among the manifests", object.name()))
                    .why("the record of a rollout would hold what it holds")
                    .help("bring Secrets into the cluster in another way, by External Secrets say, and leave them out here")));
            }
            if object.namespace().is_some_and(|namespace| namespace != cluster.namespace()) {
                return Err(refused(
                    Problem::misconfigured(format!(
                        "{}/{} is of another namespace",
                        object.kind().to_lowercase(),
                        object.name()
                    ))
                    .why(format!("a rollout changes one namespace: {}", cluster.namespace()))
                    .help("give `namespace`, and the manifests of each namespace in a run of its own"),
                ));
            }
            let kind = cluster.kind_of(object).await.map_err(|error| refused(error.into()))?;
            let found = match cluster.get_object(&kind, object.name()).await {
                Ok(found) => Some(Value::from(found)),
                Err(Error::NotFound { .. }) => None,
                Err(error) => return Err(refused(error.into())),
            };
            let after =
                rehearse(cluster, object, ownership).await.map_err(|error| refused(contested(error)))?;
            let mut step = match &found {
                Some(found) => {
                    Step::of(found, 0, edit::between(&with_annotations(found), &with_annotations(&after)))
                }
                None => Step { is_new: true, ..Step::of(&after, 0, Vec::new()) },
            };
            // What workloads need is there before them; traffic moves when they are done.
            step.stage = match step.workload() {
                Some(_) => 1,
                None if step.moves_traffic() => 2,
                None => 0,
            };
            if step.changes_something() {
                step.apply = Some(object.clone());
            }
            draught.needs.extend(["get", "patch"].map(|verb| (verb.to_owned(), kind.to_string())));
            if step.is_new {
                draught.needs.extend(["create", "delete"].map(|verb| (verb.to_owned(), kind.to_string())));
            }
            draught.put(step, found, after);
        }
        Ok(())
    }
}

/// What the API server would make of a manifest. What only we ourselves own is ours to take.
async fn rehearse(cluster: &Cluster, object: &Object, ownership: Ownership) -> Result<Value, Error> {
    let cluster = cluster.rehearsing();
    match cluster.apply(object, ownership).await {
        Err(Error::Conflict { fields, .. })
            if !fields.is_empty() && fields.iter().all(|field| field.manager == MANAGER) =>
        {
            cluster.apply(object, Ownership::Take).await.map(Value::from)
        }
        other => other.map(Value::from),
    }
}

fn contested(error: Error) -> Problem {
    match &error {
        Error::Conflict { fields, .. } if !fields.is_empty() => {
            let problem = Problem::failed("fields of a manifest belong to others").why(&error);
            let replicas = fields.iter().any(|field| field.field == ".spec.replicas");
            problem.help(if replicas {
                "leave `replicas` out of the manifest where an autoscaler sets it; `force` takes fields over"
            } else {
                "leave these fields out of the manifest, or take them over with `force`"
            })
        }
        Error::Rejected { .. } => {
            Problem::misconfigured("the cluster refuses a manifest").why(&error).help("correct the manifest")
        }
        _ => error.into(),
    }
}

/// An object whose annotations can be told one by one.
fn with_annotations(object: &Value) -> Value {
    let mut object = object.clone();
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.entry("annotations").or_insert_with(|| json!({}));
    }
    object
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
        let edits = edit::between(&with_annotations(before), &with_annotations(&after));
        let step = Step::of(before, stage, edits);
        let kind = match step.workload() {
            Some(kind) => api_kind(kind).to_string(),
            None => "services".to_owned(),
        };
        self.needs.extend(["get", "patch"].map(|verb| (verb.to_owned(), kind.clone())));
        self.put(step, Some(before.clone()), after);
    }

    /// An object that must stay as it is while the change is made: the run is about it, too.
    pub(crate) fn watch_over(&mut self, service: &Value) {
        let selector = service.pointer("/spec/selector").cloned();
        let step = Step::of(service, 0, vec![edit::Edit::new("/spec/selector", selector.clone(), selector)]);
        self.needs.push(("get".to_owned(), "services".to_owned()));
        self.journal.steps.insert(0, step);
    }

    fn put(&mut self, step: Step, before: Option<Value>, after: Value) {
        if let Some(kind) = step.workload() {
            self.needs.extend(["list", "watch"].map(|verb| (verb.to_owned(), api_kind(kind).to_string())));
            if kind == WorkloadKind::StatefulSet {
                self.needs.push(("delete".to_owned(), "pods".to_owned()));
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
            let Some(object) = self.before.get(&step.object()) else { continue };
            let subject = step.object();
            if let Some(owner) = gitops::owner(object).filter(|_| !allow_gitops) {
                return Err(Problem::failed(format!("{subject} belongs to {owner}"))
                    .why("it would be changed back to what the repository says")
                    .help("change it in the repository (bump-image-tag does); `allow-gitops` changes it all the same"));
            }
            let after = self.after.get(&subject).unwrap_or(object);
            if after["spec"]["paused"] == true && step.workload().is_some() {
                return Err(Problem::failed(format!("{subject} is paused"))
                    .why("nothing that is set now would run before someone resumes it")
                    .help(format!("resume it first: `kubectl rollout resume {subject}`")));
            }
            if after["spec"]["updateStrategy"]["type"] == "OnDelete" {
                return Err(Problem::failed(format!(
                    "{subject} replaces pods only when someone deletes them"
                ))
                .why("its updateStrategy is OnDelete: the new version would not run")
                .help("set its updateStrategy to RollingUpdate"));
            }
            if let Some(mark) = run::mark(object)
                && run::is_alive(cluster, mark).await?
            {
                return Err(interrupted(mark.split('/').next().unwrap_or_default()));
            }
        }
        Ok(())
    }

    /// Asks the API server what it would make of the change: then that is what is shown.
    async fn rehearse(&mut self, cluster: &Cluster) -> Result<(), Problem> {
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
        for job in [&self.journal.jobs.before, &self.journal.jobs.migrations, &self.journal.jobs.on_rollback]
            .into_iter()
            .flatten()
        {
            let kind = Kind::of::<sluice_kubernetes::api::batch::v1::Job>();
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

/// The two Deployments of a Service, as they are.
pub(crate) struct Pair {
    pub(crate) service: Value,
    pub(crate) colours: Colours,
    pub(crate) live: Value,
    pub(crate) idle: Value,
    services: Vec<Value>,
}

impl Pair {
    /// Finds them, among those that are named if any are.
    pub(crate) async fn find(
        service: &str,
        named: &[(Reference, usize)],
        cluster: &Cluster,
    ) -> Result<Self, Problem> {
        crate::reference::check_name(service)
            .map_err(|why| Problem::misconfigured(format!("\"{service}\" names no Service")).why(why))?;
        if let Some((other, _)) =
            named.iter().find(|(reference, _)| reference.kind != WorkloadKind::Deployment)
        {
            return Err(Problem::misconfigured(format!("{other} is no Deployment"))
                .help("the colours of a Service are two Deployments"));
        }
        let services: Vec<Value> = cluster
            .list_objects(&Kind::of::<Service>(), &Selector::all())
            .await?
            .items
            .into_iter()
            .map(Value::from)
            .collect();
        let of_name = |one: &&Value| one["metadata"]["name"] == service;
        let found = services.iter().find(of_name).cloned().ok_or_else(|| {
            let known = services.iter().filter_map(|one| one["metadata"]["name"].as_str());
            let problem =
                Problem::misconfigured(format!("there is no service/{service} in {}", cluster.namespace()));
            match sluice_core::nearest(service, known) {
                Some(meant) => problem.help(format!("did you mean \"{meant}\"?")),
                None => problem.help("check the name, the namespace and the cluster"),
            }
        })?;
        let all = cluster
            .list_objects(&Kind::of::<Deployment>(), &Selector::all())
            .await?
            .items
            .into_iter()
            .map(Value::from);
        let is_meant = |one: &Value| {
            named.is_empty() || named.iter().any(|(reference, _)| one["metadata"]["name"] == *reference.name)
        };
        let deployments: Vec<Value> = all.filter(is_meant).collect();
        let colours = Colours::find(&found, &deployments)?;
        let of = |name: &str| {
            deployments.iter().find(|one| one["metadata"]["name"] == name).cloned().unwrap_or_default()
        };
        Ok(Self {
            live: of(&colours.live.deployment),
            idle: of(&colours.idle.deployment),
            service: found,
            colours,
            services,
        })
    }

    /// The size that the other colour needs to take over: that of the live one, as its autoscaler has it by now, within
    /// what the other's own autoscaler allows.
    pub(crate) async fn size(&self, cluster: &Cluster) -> Result<i64, Problem> {
        let live = self.live["spec"]["replicas"].as_i64().unwrap_or(1).max(1);
        let scalers =
            match cluster.list_objects(&Kind::of::<HorizontalPodAutoscaler>(), &Selector::all()).await {
                Ok(scalers) => scalers.items,
                // Without the right to see them there may be some: the size of the live colour is right in any case.
                Err(Error::Denied { .. } | Error::NotServed { .. }) => Vec::new(),
                Err(error) => return Err(error.into()),
            };
        let own = scalers.iter().find(|scaler| {
            scaler.at("/spec/scaleTargetRef/kind") == Some(&"Deployment".into())
                && scaler.at("/spec/scaleTargetRef/name")
                    == Some(&self.colours.idle.deployment.as_str().into())
        });
        let bound = |pointer| own.and_then(|scaler| scaler.at(pointer)).and_then(Value::as_i64);
        let least = bound("/spec/minReplicas").unwrap_or(1);
        let most = bound("/spec/maxReplicas").unwrap_or(i64::MAX);
        Ok(live.max(least).min(most))
    }

    /// The host name that reaches only the idle colour.
    pub(crate) fn idle_host(&self, cluster: &Cluster) -> Option<String> {
        let name = own_service(&self.services, &pod_labels(&self.idle), &pod_labels(&self.live))?;
        Some(format!("{name}.{}.svc", cluster.namespace()))
    }
}

/// Where the API has a kind of workloads.
pub(crate) fn api_kind(kind: WorkloadKind) -> Kind {
    match kind {
        WorkloadKind::Deployment => Kind::of::<Deployment>(),
        WorkloadKind::StatefulSet => Kind::of::<StatefulSet>(),
        WorkloadKind::DaemonSet => Kind::of::<DaemonSet>(),
    }
}

async fn get(cluster: &Cluster, reference: &Reference) -> Result<Value, Problem> {
    match cluster.get_object(&api_kind(reference.kind), &reference.name).await {
        Ok(object) => Ok(object.into()),
        Err(Error::NotFound { .. }) => {
            let problem =
                Problem::misconfigured(format!("there is no {reference} in {}", cluster.namespace()));
            let all = cluster
                .list_objects(&api_kind(reference.kind), &Selector::all())
                .await
                .map(|listed| listed.items);
            let all = all.unwrap_or_default();
            Err(match sluice_core::nearest(&reference.name, all.iter().map(Object::name)) {
                Some(meant) => problem.help(format!("did you mean \"{meant}\"?")),
                None => problem.help("check the name, the namespace and the cluster"),
            })
        }
        Err(error) => Err(error.into()),
    }
}
