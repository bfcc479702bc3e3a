//! Which cluster and which namespace.

use std::time::Duration;

use sluice_config::{Environments, File};
use sluice_core::{Context, Problem, nearest};
use sluice_kubernetes::{Access, Cluster, Permission, Setup};

use crate::{Sections, inputs::Location, journal::MANAGER};

/// How long what may pass is tried again.
const PATIENCE: Duration = Duration::from_secs(30);

/// The way to the cluster, from inputs and configuration.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    access: Access,
    namespace: Option<String>,
    options: sluice_http::Options,
}

impl Place {
    pub(crate) fn new(inputs: &Location, config: &File<Sections>, cx: &Context) -> Result<Self, Problem> {
        let environment = environment(inputs.environment.as_deref(), &config.sections.environments)?;
        let of_environment = environment.and_then(|environment| environment.cluster.as_ref());
        let configured =
            |value: Option<&sluice_config::Placed<String>>| value.map(|value| value.value.clone());
        let names_kubeconfig = inputs.kubeconfig.is_some() || inputs.context.is_some();
        let eks = inputs.cluster.clone().or_else(|| {
            configured(of_environment.and_then(|cluster| cluster.eks.as_ref())).filter(|_| !names_kubeconfig)
        });
        let access = match eks {
            Some(name) => {
                let region = inputs
                    .region
                    .clone()
                    .or_else(|| configured(of_environment.and_then(|cluster| cluster.region.as_ref())))
                    .or_else(|| {
                        cx.variable("AWS_REGION").or(cx.variable("AWS_DEFAULT_REGION")).map(str::to_owned)
                    });
                let region = region.ok_or_else(|| {
                    Problem::misconfigured(format!("the region of the EKS cluster \"{name}\" is not known"))
                        .help("give `region`, or write it beside `eks` in the environment's `cluster`")
                })?;
                Access::Eks { name, region }
            }
            None => Access::Kubeconfig {
                path: inputs.kubeconfig.as_ref().map(|file| cx.folder().join(file)),
                context: inputs.context.clone(),
            },
        };
        let namespace = inputs
            .namespace
            .clone()
            .or_else(|| configured(of_environment.and_then(|cluster| cluster.namespace.as_ref())));
        if let Some(name) = &namespace {
            crate::reference::check_name(name)
                .map_err(|why| Problem::misconfigured(format!("\"{name}\" names no namespace")).why(why))?;
        }
        Ok(Self { access, namespace, options: inputs.network.clone() })
    }

    pub(crate) async fn connect(&self, cx: &Context) -> Result<Cluster, Problem> {
        let variable = |name: &str| cx.variable(name).map(str::to_owned);
        let mask = |secret: &sluice_core::Secret| cx.mask(secret);
        let setup = Setup {
            options: &self.options,
            variable: &variable,
            folder: cx.folder(),
            now: cx.now(),
            mask: &mask,
            manager: MANAGER,
            patience: PATIENCE,
        };
        Ok(Cluster::connect(&self.access, self.namespace.as_deref(), setup).await?)
    }
}

fn environment<'a>(
    name: Option<&str>,
    all: &'a Environments,
) -> Result<Option<&'a sluice_config::Environment>, Problem> {
    let Some(name) = name else { return Ok(None) };
    if let Some(found) = all.get(name) {
        return Ok(Some(found));
    }
    let problem = Problem::misconfigured(format!("no environment is called \"{name}\""));
    let known = all.keys().map(String::as_str);
    Err(match nearest(name, known) {
        Some(meant) => problem.help(format!("did you mean \"{meant}\"?")),
        None => problem.help("declare it below `environments` in the configuration"),
    })
}

/// What every run that changes something needs, beside what it changes.
const ALWAYS: [(&str, &str); 17] = [
    ("list", "pods"),
    ("watch", "pods"),
    ("list", "services"),
    ("watch", "services"),
    ("list", "endpointslices.discovery.k8s.io"),
    ("watch", "endpointslices.discovery.k8s.io"),
    ("list", "replicasets.apps"),
    ("watch", "replicasets.apps"),
    ("list", "events"),
    ("get", "configmaps"),
    ("list", "configmaps"),
    ("create", "configmaps"),
    ("update", "configmaps"),
    ("delete", "configmaps"),
    ("get", "leases.coordination.k8s.io"),
    ("create", "leases.coordination.k8s.io"),
    ("update", "leases.coordination.k8s.io"),
];

/// Fails when the caller may not do something that the run needs: before anything changes, and with all that is
/// missing at once.
pub(crate) async fn check_permissions(cluster: &Cluster, more: &[(String, String)]) -> Result<(), Problem> {
    let needs: Vec<Permission> = ALWAYS
        .iter()
        .map(|(verb, resource)| Permission::new(verb, resource))
        .chain([Permission::new("delete", "leases.coordination.k8s.io")])
        .chain(more.iter().map(|(verb, resource)| Permission::new(verb, resource)))
        .collect();
    let missing = cluster.missing(&needs).await?;
    if missing.is_empty() {
        return Ok(());
    }
    let told: Vec<String> = missing.iter().map(ToString::to_string).collect();
    Err(Problem::undecided("the cluster does not let this job do what a rollout needs")
        .why(format!("in the namespace {} it lacks: {}", cluster.namespace(), told.join(", ")))
        .help("add these to its Role: actions/rollout/README.md shows a whole one"))
}
