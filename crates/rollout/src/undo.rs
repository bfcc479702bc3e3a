//! `undo`: what a record tells is put back.

use std::path::Path;

use serde_json::Value;
use sluice_config::File;
use sluice_core::{Context, Done, Problem};
use sluice_kubernetes::{Cluster, Error};

use crate::{
    Outputs, Sections,
    draught::Draught,
    edit::{self, Standing},
    inputs::Undo,
    journal::{Direction, Jobs, Journal, MANAGER, Step},
    place::{Place, check_permissions},
    report,
    run::{Begins, Limits, Run},
};

pub(crate) fn run(inputs: &Undo, config: &File<Sections>, cx: &Context) -> anyhow::Result<Done<Outputs>> {
    let place = Place::new(&inputs.place, config, cx)?;
    let limits = Limits::new(&inputs.patience);
    let given = inputs.record.clone().unwrap_or_default();
    let here = cx.folder().join(&given);
    // The output `record` names it below the runner's folder.
    let file = match cx.variable("RUNNER_TEMP") {
        Some(temporary) if !here.exists() => Path::new(temporary).join(&given),
        _ => here,
    };
    let record = Journal::from_file(&file)?;
    crate::steer(cx, async {
        let cluster = place.connect(cx).await?;
        if record.server != cluster.server() || record.namespace != cluster.namespace() {
            return Err(Problem::misconfigured("the record is of another place")
                .why(format!(
                    "it is of {} in {}; this is {} in {}",
                    record.namespace,
                    record.server,
                    cluster.namespace(),
                    cluster.server()
                ))
                .help("give the environment, the context or the namespace that it was made with"));
        }
        let mut draught = Draught::new("undo", &cluster, cx)?;
        draught.journal = Journal {
            id: draught.journal.id.clone(),
            command: "undo".to_owned(),
            started: draught.journal.started,
            run: draught.journal.run.clone(),
            direction: Direction::Back,
            // Data that was written since would be lost: a restore is a person's to run.
            jobs: Jobs::default(),
            steps: Vec::new(),
            ..record.clone()
        };
        look(&record.steps, &mut draught, &cluster, inputs.way_back.force).await?;
        if inputs.rehearsal.dry_run || !draught.changes_something() {
            return Ok(report::dry_run(&draught, &cluster));
        }
        check_permissions(&cluster, &draught.needs).await?;
        let mut run = Run::new(cx, &cluster, draught.journal.clone(), limits, inputs.way_back.force);
        let ending = run.alone(Begins::New).await?;
        Ok(report::ended(&draught, &cluster, &run, &ending, None))
    })
}

/// Looks at each object of the record, and refuses before anything changes when someone else changed one since.
async fn look(steps: &[Step], draught: &mut Draught, cluster: &Cluster, force: bool) -> Result<(), Problem> {
    for step in steps.iter().filter(|step| step.changes_something()) {
        let kind = step.kind(cluster).await?;
        let found = match cluster.get_object(&kind, &step.name).await {
            Ok(found) => Value::from(found),
            Err(Error::NotFound { .. }) if step.is_new => continue,
            Err(Error::NotFound { .. }) => {
                return Err(Problem::failed(format!("{} is gone", step.object()))
                    .why("someone removed it since")
                    .help("bring it back from a backup or its manifests, then undo the rest"));
            }
            Err(error) => return Err(error.into()),
        };
        match edit::standing(&step.edits, &found) {
            Standing::Before if !step.is_new => continue,
            _ if step.is_new && !force && !edit::is_managed_by(&found, MANAGER) => {
                return Err(Problem::failed(format!("{} is another one by now", step.object()))
                    .why("someone removed what the deployment made, and made it anew")
                    .help("look at what is there; `force` removes it"));
            }
            Standing::Elsewhere { path, found: value } if !force => {
                let who =
                    edit::owner_of(&found, &path).map_or_else(String::new, |who| format!(", last by {who}"));
                return Err(Problem::failed(format!("{} was changed since", step.object()))
                    .why(format!(
                        "{path} is {}, not what the deployment left there{who}",
                        value.map_or_else(|| "gone".to_owned(), |value| value.to_string())
                    ))
                    .help("look at what was changed; `force` overwrites it"));
            }
            _ => {}
        }
        let after = if step.is_new { Value::Null } else { edit::made(&found, &edit::reversed(&step.edits)) };
        let mut step = step.clone();
        step.apply = None;
        let verb = if step.is_new { "delete" } else { "patch" };
        draught.need(&["get", verb], &kind);
        draught.before.insert(step.object(), found);
        draught.after.insert(step.object(), after);
        draught.journal.steps.push(step);
    }
    Ok(())
}
