//! The inputs, command by command.

use std::{convert::Infallible, path::PathBuf};

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use sluice_core::Period;

/// Deploy to Kubernetes, say done only when it is true, and come back when it fails
#[derive(Debug, clap::Parser)]
pub enum Inputs {
    /// Set images or apply manifests, wait until it is true, roll back when it fails
    Deploy(Deploy),
    /// Send the traffic of a Service to its other colour
    Switch(Switch),
    /// Put back what a deployment changed, from its record
    Undo(Undo),
    /// Scale the colour that gets no traffic down to zero
    Decommission(Decommission),
    /// Show what runs, and how far it is
    Status(Status),
    /// Finish or roll back what an interrupted run has left
    Resume(Resume),
}

/// The inputs of `deploy`.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Deploy {
    /// The images to run, one a line: `registry/name:tag`, or `container=registry/name:tag`
    ///
    /// Without `container=` it is set in every container of the workloads that runs an image of this name. A digest
    /// may follow or replace the tag.
    #[arg(long, value_name = "IMAGE")]
    pub image: Vec<String>,

    /// What runs them: `deployment/web`, `statefulset/db`, `daemonset/agent`. Default: the `workloads` of the components whose `image` is given; with `service`, those that its selector fits but for the colour
    #[arg(long, value_delimiter = ',', value_parser = trimmed, value_name = "KIND/NAME")]
    pub workload: Vec<String>,

    /// What runs them, by labels instead of names: `app=shop,tier!=cache`
    #[arg(long, value_name = "LABELS")]
    pub selector: Option<String>,

    /// Files of manifests to apply, one a line: what `kubectl kustomize` prints, say
    #[arg(long, value_name = "PATH")]
    pub manifest: Vec<PathBuf>,

    /// The Service that switches between two Deployments (blue-green): the one without traffic is deployed
    #[arg(long, value_name = "NAME")]
    pub service: Option<String>,

    /// The manifest of a Job that migrates the database, run before anything else changes
    #[arg(long, value_name = "PATH")]
    pub migrations: Option<PathBuf>,

    /// The manifest of a Job that runs before the migrations: a snapshot of the database, say
    #[arg(long, value_name = "PATH")]
    pub before: Option<PathBuf>,

    /// The manifest of a Job that runs after a rollback: the snapshot's restore, say
    #[arg(long, value_name = "PATH")]
    pub on_rollback: Option<PathBuf>,

    /// What a failure does: `rollback` or `keep`. Default: `rollback`
    #[arg(long, value_name = "POLICY")]
    pub on_failure: Option<OnFailure>,

    /// Take over fields that others own, and what was changed meanwhile. Default: `false`, it is refused
    #[arg(long)]
    pub force: bool,

    /// How it is changed.
    #[command(flatten)]
    pub change: Change,

    /// How long it may take.
    #[command(flatten)]
    pub patience: Patience,

    /// Change nothing: `true` shows what would change, `server` what the cluster would make of it. Default: `false`
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_parser = dry_run(), value_name = "true|server")]
    pub dry_run: Option<DryRun>,

    /// Where it runs.
    #[command(flatten)]
    pub place: Location,
}

/// The inputs of `switch`.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Switch {
    /// What is switched.
    #[command(flatten)]
    pub pair: Colours,

    /// The colour that shall get the traffic. Default: the one that gets none; a step that may run twice should say it
    #[arg(long, value_name = "NAME")]
    pub colour: Option<String>,

    /// Switch to the colour that had the traffic before; it is scaled up first where it must be
    #[arg(long)]
    pub back: bool,

    /// How it is changed.
    #[command(flatten)]
    pub change: Change,

    /// How long it may take.
    #[command(flatten)]
    pub patience: Patience,

    /// Whether it is only tried.
    #[command(flatten)]
    pub rehearsal: Rehearsal,

    /// Where it runs.
    #[command(flatten)]
    pub place: Location,
}

/// The inputs of `undo`.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Undo {
    /// The record that the deployment has written
    #[arg(long, required = true, value_name = "PATH")]
    pub record: Option<PathBuf>,

    /// What it may overwrite.
    #[command(flatten)]
    pub way_back: WayBack,

    /// How long it may take.
    #[command(flatten)]
    pub patience: Patience,

    /// Whether it is only tried.
    #[command(flatten)]
    pub rehearsal: Rehearsal,

    /// Where it runs.
    #[command(flatten)]
    pub place: Location,
}

/// The inputs of `decommission`.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Decommission {
    /// What is scaled down.
    #[command(flatten)]
    pub pair: Colours,

    /// Wait until the switch is this long ago. Default: `0s`
    #[arg(long, value_name = "TIME")]
    pub after: Option<Period>,

    /// How it is changed.
    #[command(flatten)]
    pub change: Change,

    /// How long it may take.
    #[command(flatten)]
    pub patience: Patience,

    /// Whether it is only tried.
    #[command(flatten)]
    pub rehearsal: Rehearsal,

    /// Where it runs.
    #[command(flatten)]
    pub place: Location,
}

/// The inputs of `status`.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Status {
    /// The workloads to show. Default: all of the namespace
    #[arg(long, value_delimiter = ',', value_parser = trimmed, value_name = "KIND/NAME")]
    pub workload: Vec<String>,

    /// The workloads to show, by labels
    #[arg(long, value_name = "LABELS")]
    pub selector: Option<String>,

    /// The Service whose two colours are shown
    #[arg(long, value_name = "NAME")]
    pub service: Option<String>,

    /// Where it runs.
    #[command(flatten)]
    pub place: Location,
}

/// The inputs of `resume`.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Resume {
    /// Roll back instead of finishing
    #[arg(long)]
    pub back: bool,

    /// What it may overwrite.
    #[command(flatten)]
    pub way_back: WayBack,

    /// How long it may take.
    #[command(flatten)]
    pub patience: Patience,

    /// Whether it is only tried.
    #[command(flatten)]
    pub rehearsal: Rehearsal,

    /// Where it runs.
    #[command(flatten)]
    pub place: Location,
}

/// The Service of two colours.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Colours {
    /// The Service that switches between the two colours
    #[arg(long, required = true, value_name = "NAME")]
    pub service: Option<String>,

    /// The two Deployments. Default: those that its selector fits but for the colour
    #[arg(long, value_delimiter = ',', value_parser = trimmed, value_name = "KIND/NAME")]
    pub workload: Vec<String>,
}

/// How something new is made of what is there.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Change {
    /// Change what Argo CD or Flux owns; they may change it back. Default: `false`, it is refused
    #[arg(long)]
    pub allow_gitops: bool,

    /// Where the record for `undo` is written. Default: below `sluice-records` in the runner's folder for temporary files, on a terminal in this folder
    #[arg(long, value_name = "PATH")]
    pub record: Option<PathBuf>,
}

/// What the way back may overwrite.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct WayBack {
    /// Put back also what someone else has changed since. Default: `false`, it is refused
    #[arg(long)]
    pub force: bool,
}

/// Whether a change is only tried.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Rehearsal {
    /// Say exactly what would change, and change nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// How long it may take.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Patience {
    /// How long one step may take: a workload until it is done, a Job until it ends; on the way back it is 5 minutes at least. Default: `10m`
    #[arg(long, value_name = "TIME")]
    pub timeout: Option<Period>,

    /// How long all must stay as it should be before it counts as done. Default: `10s`
    #[arg(long, value_name = "TIME")]
    pub stable_for: Option<Period>,
}

/// Where it runs.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Location {
    /// The environment of the configuration: it gives the cluster and the namespace
    #[arg(long, value_name = "NAME")]
    pub environment: Option<String>,

    /// The namespace. Default: the environment's, else the kubeconfig's, else `default`
    #[arg(long, value_name = "NAME")]
    pub namespace: Option<String>,

    /// The kubeconfig file. Default: the environment's EKS cluster, else `KUBECONFIG`, `~/.kube/config`, or the pod's own account
    #[arg(long, value_name = "PATH", conflicts_with = "cluster")]
    pub kubeconfig: Option<PathBuf>,

    /// The context of the kubeconfig. Default: its current one
    #[arg(long, value_name = "NAME", conflicts_with = "cluster")]
    pub context: Option<String>,

    /// The EKS cluster, reached with the AWS credentials of the job. Default: the environment's
    #[arg(long, value_name = "NAME")]
    pub cluster: Option<String>,

    /// The AWS region of the EKS cluster. Default: the environment's, else `AWS_REGION`
    #[arg(long, value_name = "NAME")]
    pub region: Option<String>,

    /// What holds for every connection.
    #[command(flatten)]
    pub network: sluice_http::Options,
}

/// What a failure does.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum OnFailure {
    /// All is put back as it was.
    #[default]
    Rollback,
    /// All stays as it is, for people to look at.
    Keep,
}

/// What of a deployment is only tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DryRun {
    /// It is done.
    Off,
    /// What would be sent is shown.
    Client,
    /// What the cluster would make of it is shown.
    Server,
}

fn dry_run() -> impl TypedValueParser<Value = DryRun> {
    // The words of kubectl are taken too.
    let values = [
        PossibleValue::new("true").alias("client"),
        PossibleValue::new("false").alias("none"),
        PossibleValue::new("server"),
    ];
    PossibleValuesParser::new(values).map(|word| match word.as_str() {
        "false" | "none" => DryRun::Off,
        "server" => DryRun::Server,
        _ => DryRun::Client,
    })
}

/// A name out of `deployment/web, deployment/api`.
#[expect(clippy::unnecessary_wraps, reason = "clap takes parsers that may fail")]
fn trimmed(name: &str) -> Result<String, Infallible> {
    Ok(name.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    fn deploy(words: &[&str]) -> Result<Deploy, clap::Error> {
        match Inputs::try_parse_from(["rollout", "deploy"].iter().chain(words))? {
            Inputs::Deploy(inputs) => Ok(inputs),
            _ => panic!("not asked for"),
        }
    }

    #[test]
    fn a_dry_run_has_two_depths() {
        let dry_run = |words: &[&str]| deploy(words).map(|inputs| inputs.dry_run);
        assert_eq!(dry_run(&[]).unwrap(), None);
        assert_eq!(dry_run(&["--dry-run"]).unwrap(), Some(DryRun::Client));
        assert_eq!(dry_run(&["--dry-run=client"]).unwrap(), Some(DryRun::Client));
        assert_eq!(dry_run(&["--dry-run=server"]).unwrap(), Some(DryRun::Server));
        assert_eq!(dry_run(&["--dry-run=false"]).unwrap(), Some(DryRun::Off));
        assert!(dry_run(&["--dry-run=yes"]).is_err());
    }

    #[test]
    fn a_cluster_is_named_in_one_way() {
        assert!(deploy(&["--cluster=shop", "--context=shop"]).is_err());
        assert!(deploy(&["--cluster=shop", "--kubeconfig=kubeconfig"]).is_err());
    }

    #[test]
    fn workloads_are_split_and_trimmed() {
        assert_eq!(
            deploy(&["--workload=deployment/web, deployment/api"]).unwrap().workload,
            ["deployment/web", "deployment/api"]
        );
    }
}
