//! Deploys to Kubernetes, says done only when it is true, and comes back when it fails.
//!
//! Each command looks at the cluster and makes a draught (in `deploy`) of what would change: for each object
//! its values before and after. That is written down (`journal`) before the first change, as a record beside the run
//! and as a ConfigMap in the namespace, and then worked off (`run`): a stage at a time, each object in one write that
//! is held to what stood there, waited for until `sluice_kubernetes::progress` finds it done for long enough. When that
//! fails, the same journal is worked off backwards. A run that was killed is taken up by `resume` in the same way.
//!
//! The modules, top-down:
//! - `inputs`, `sections`, `outputs`, `report`, `voice` (on a terminal by `screen`): what a run is told, what it hands on,
//!   what it says;
//! - `deploy`, `switch`, `undo`, `decommission`, `status`, `resume`: the commands; `place`: which cluster, and what it
//!   must allow; `draught`: what a command would change;
//! - `run`: a journal worked off; `journal`: what is written down; `edit`: what a change is made of; `mark`: what a run
//!   leaves at each object; `view`: what is seen of the namespace; `jobs`: migrations and the like; `failure`: why
//!   something did not come to be;
//! - `images`, `manifests`, `apply`: what is deployed; `order`: in which order; `gitops`: who owns it; `colours`,
//!   `pair`: which of two Deployments gets the traffic; `reference`, `workloads`: workloads by name and by label.
//!
//! # Verdicts
//!
//! `passed`: it runs, and only it. `skipped`: it ran already. `failed`: it did not come to be, and all is as before
//! (or kept, where that was asked for). `broken`: it could not be put back. `undecided`: the cluster gave no answer, or
//! the run was ended; what it was about is written down in the namespace, and `resume` takes it up.

mod apply;
mod colours;
mod decommission;
mod deploy;
mod draught;
mod edit;
mod failure;
mod gitops;
mod images;
mod inputs;
mod jobs;
mod journal;
mod manifests;
mod mark;
mod order;
mod outputs;
mod pair;
mod place;
mod reference;
mod report;
mod resume;
mod run;
mod screen;
mod sections;
mod status;
mod switch;
mod undo;
mod view;
mod voice;
mod workloads;

use std::{
    future::Future,
    path::{Path, PathBuf},
    time::Duration,
};

use sluice_config::File;
use sluice_core::{Action, Context, Done, Problem};
use sluice_kubernetes::Cluster;

pub use crate::inputs::{
    Change, Colours, Decommission, Deploy, DryRun, Inputs, Location, OnFailure, Patience, Rehearsal, Resume,
    Status, Switch, Undo, WayBack,
};
pub use crate::outputs::{Outputs, WorkloadResult};
pub use crate::sections::Sections;

use crate::{
    draught::Draught,
    journal::Journal,
    run::{Begins, Limits, Run},
};

/// The action `rollout`.
#[derive(Debug)]
pub struct Rollout;

impl Action for Rollout {
    const NAME: &'static str = "rollout";
    const DEFAULT_COMMAND: Option<&'static str> = Some("deploy");

    type Inputs = Inputs;
    type Config = File<Sections>;
    type Outputs = Outputs;

    fn run(inputs: Inputs, config: File<Sections>, cx: &Context) -> anyhow::Result<Done<Outputs>> {
        match &inputs {
            Inputs::Deploy(inputs) => deploy::run(inputs, &config, cx),
            Inputs::Switch(inputs) => switch::run(inputs, &config, cx),
            Inputs::Undo(inputs) => undo::run(inputs, &config, cx),
            Inputs::Decommission(inputs) => decommission::run(inputs, &config, cx),
            Inputs::Status(inputs) => status::run(inputs, &config, cx),
            Inputs::Resume(inputs) => resume::run(inputs, &config, cx),
        }
    }
}

/// What a run that was told to end may take for the write that is under way, and to give its lease back.
const GRACE: Duration = Duration::from_millis(3_500);

/// Runs a command to its end. Told to end, it ends by itself, with its lease given back.
fn steer(
    cx: &Context,
    work: impl Future<Output = Result<Done<Outputs>, Problem>>,
) -> anyhow::Result<Done<Outputs>> {
    if let Some(done) = cx.block_on_to_the_end(GRACE, work)? {
        return Ok(done?);
    }
    cx.cancellation().check().map_err(Problem::from)?;
    Err(Problem::undecided("the run was ended before it had an answer").into())
}

/// Makes the change of a draught, or finds that there is none to make.
async fn carry_out(
    mut draught: Draught,
    cluster: &Cluster,
    limits: Limits,
    force: bool,
    record: Option<&Path>,
    cx: &Context,
) -> Result<Done<Outputs>, Problem> {
    if !draught.changes_something() {
        // It has been as it is for longer than this run looks.
        let limits = Limits { stable_for: Duration::ZERO, ..limits };
        let mut run = Run::new(cx, cluster, draught.journal.clone(), limits, force);
        let ending = run.only_wait().await?;
        return Ok(report::unchanged(&draught, cluster, &run, &ending));
    }
    place::check_permissions(cluster, &draught.needs).await?;
    let file = record_file(&draught.journal, record, cx);
    draught.journal.write(&cx.folder().join(&file))?;
    let mut run = Run::new(cx, cluster, draught.journal.clone(), limits, force);
    let ending = run.alone(Begins::New).await;
    if draught.journal.steps != run.journal.steps {
        // What admission has made of it: `undo` is held to that.
        draught.journal.steps.clone_from(&run.journal.steps);
        draught.journal.write(&cx.folder().join(&file))?;
    }
    Ok(report::ended(&draught, cluster, &run, &ending?, Some(told_file(&file, cx))))
}

/// Where the record goes.
fn record_file(journal: &Journal, given: Option<&Path>, cx: &Context) -> PathBuf {
    let name = format!("rollout-{}-{}.json", journal.started.strftime("%Y%m%dT%H%M%S"), journal.id);
    match (given, cx.variable("RUNNER_TEMP")) {
        (Some(given), _) => given.to_path_buf(),
        (None, Some(temporary)) => Path::new(temporary).join(RECORDS).join(name),
        (None, None) => PathBuf::from(name),
    }
}

/// The folder for records inside the runner's folder for temporary files.
const RECORDS: &str = "sluice-records";

/// The record as later steps name it: the runner's folder has another name outside of a container.
fn told_file(file: &Path, cx: &Context) -> String {
    let temporary = cx.variable("RUNNER_TEMP").unwrap_or_default();
    let told = if temporary.is_empty() { file } else { file.strip_prefix(temporary).unwrap_or(file) };
    told.display().to_string()
}
