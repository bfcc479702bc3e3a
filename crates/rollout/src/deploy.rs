//! `deploy`: images are set or manifests applied, and it is waited until that is true.

use std::path::PathBuf;

use serde_json::Value;
use sluice_config::{Component, File};
use sluice_core::{Context, Done, Problem, Problems};
use sluice_kubernetes::{Cluster, Object, Ownership};

use crate::{
    Outputs, Sections, apply,
    draught::Draught,
    edit,
    images::{self, Asked},
    inputs::{Deploy, DryRun},
    jobs,
    journal::Jobs,
    manifests::{self, Manifest},
    order,
    pair::Pair,
    place::Place,
    reference::Reference,
    report,
    run::Limits,
    workloads,
};

/// What is deployed, from inputs and configuration.
struct Plan {
    images: Vec<Asked>,
    /// In the order in which they are deployed: those of a stage at once.
    workloads: Vec<(Reference, usize)>,
    /// More workloads, by their labels.
    selector: Option<String>,
    manifests: Vec<Manifest>,
    service: Option<String>,
    jobs: Jobs,
    allow_gitops: bool,
    force: bool,
}

pub(crate) fn run(inputs: &Deploy, config: &File<Sections>, cx: &Context) -> anyhow::Result<Done<Outputs>> {
    let place = Place::new(&inputs.place, config, cx)?;
    let plan = Plan::new(inputs, config, cx)?;
    let limits = Limits::new(&inputs.patience);
    let dry_run = inputs.dry_run.unwrap_or(DryRun::Off);
    let record = inputs.change.record.as_deref();
    crate::steer(cx, async {
        let cluster = place.connect(cx).await?;
        let mut draught = plan.draft(&cluster, cx).await?;
        draught.journal.on_failure = inputs.on_failure.unwrap_or_default();
        match dry_run {
            DryRun::Off => crate::carry_out(draught, &cluster, limits, plan.force, record, cx).await,
            DryRun::Client => Ok(report::dry_run(&draught, &cluster)),
            DryRun::Server => {
                draught.rehearse(&cluster).await?;
                Ok(report::dry_run(&draught, &cluster))
            }
        }
    })
}

/// Refuses what says nothing, and what says it twice.
fn check_that_there_is_something(inputs: &Deploy) -> Result<(), Problem> {
    if inputs.image.is_empty() && inputs.manifest.is_empty() {
        return Err(Problem::misconfigured("there is nothing to deploy")
            .help("give `image`: `registry/name:tag`, or `manifest`: a file of manifests"));
    }
    let names_images = !inputs.image.is_empty() || !inputs.workload.is_empty() || inputs.service.is_some();
    if !inputs.manifest.is_empty() && names_images {
        return Err(Problem::misconfigured("`manifest` is given beside `image`, `workload` or `service`")
            .why("manifests say themselves which images run where")
            .help("write the images into the manifests (bump-image-tag does), or give no manifests"));
    }
    Ok(())
}

impl Plan {
    fn new(inputs: &Deploy, config: &File<Sections>, cx: &Context) -> anyhow::Result<Self> {
        let images = Problems::all(inputs.image.iter().map(|text| text.parse::<Asked>()))?;
        let named = Problems::all(inputs.workload.iter().map(|text| text.parse::<Reference>()))?;
        check_that_there_is_something(inputs)?;
        let components = &config.sections.components;
        let is_asked = |component: &Component| {
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
            allow_gitops: inputs.change.allow_gitops,
            force: inputs.force,
        })
    }

    /// Looks at what is there, and makes out what would change.
    async fn draft(&self, cluster: &Cluster, cx: &Context) -> Result<Draught, Problem> {
        let mut draught = Draught::new("deploy", cluster, cx)?;
        let id = draught.journal.id.clone();
        let named = |job: &Option<Object>| {
            job.clone().map(|job| jobs::named(job, &id, cluster.namespace())).transpose()
        };
        draught.journal.jobs = Jobs {
            before: named(&self.jobs.before)?,
            migrations: named(&self.jobs.migrations)?,
            on_rollback: named(&self.jobs.on_rollback)?,
        };
        jobs::check_names(&draught.journal.jobs)?;
        if !draught.journal.jobs.is_empty() {
            draught.need(&["create", "get", "delete"], "jobs.batch");
            draught.need(&["get"], "pods/log");
        }
        if let Some(service) = &self.service {
            self.draft_idle_colour(service, &mut draught, cluster).await?;
        } else if self.manifests.is_empty() {
            self.draft_images(&mut draught, cluster).await?;
        } else {
            let ownership = if self.force { Ownership::Take } else { Ownership::Respect };
            for manifest in &self.manifests {
                apply::draft(manifest, ownership, &mut draught, cluster).await?;
            }
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
            found.push((reference.clone(), *stage, workloads::get(cluster, reference).await?));
        }
        if let Some(selector) = &self.selector {
            for (reference, object) in workloads::with_labels(cluster, selector).await? {
                if found.iter().all(|(known, ..)| *known != reference) {
                    found.push((reference, 0, object));
                }
            }
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
        let named: Vec<Reference> = self.workloads.iter().map(|(reference, _)| reference.clone()).collect();
        let pair = Pair::find(service, &named, cluster).await?;
        let asked: Vec<&Asked> = self.images.iter().collect();
        let object = [(format!("deployment/{}", pair.colours.idle.deployment), pair.idle.clone())];
        if let Some(asked) =
            self.images.iter().find(|asked| !images::containers(&pair.idle).iter().any(|one| asked.fits(one)))
        {
            return Err(images::unused(asked, &object));
        }
        let mut after = images::set(&pair.idle, &asked);
        edit::set(&mut after, edit::REPLICAS, pair.size(cluster).await?);
        draught.add(&pair.idle, after, 0);
        draught.watch_over(&pair.service);
        draught.idle_host = pair.idle_host(cluster);
        draught.colours = Some(pair.colours);
        Ok(())
    }
}
