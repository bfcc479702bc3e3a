//! `switch`: the traffic of a Service goes to its other colour.

use jiff::Timestamp;
use serde_json::Value;
use sluice_config::File;
use sluice_core::{Context, Done, Draft, Problem, Problems, Verdict};
use sluice_kubernetes::{Cluster, JsonPatch};

use crate::{
    Outputs, Sections,
    draught::Draught,
    edit::{self, annotation},
    images,
    inputs::Switch,
    pair::Pair,
    place::Place,
    reference::Reference,
    report,
    run::Limits,
};

/// The colour that gets the traffic.
pub(crate) const COLOUR: &str = "sluice-actions.github.io/colour";
/// Its version.
pub(crate) const VERSION: &str = "sluice-actions.github.io/version";
/// The colour that got the traffic before.
pub(crate) const PREVIOUS: &str = "sluice-actions.github.io/previous-colour";
/// Since when it gets none.
pub(crate) const SWITCHED: &str = "sluice-actions.github.io/switched-at";

pub(crate) fn run(inputs: &Switch, config: &File<Sections>, cx: &Context) -> anyhow::Result<Done<Outputs>> {
    let place = Place::new(&inputs.place, config, cx)?;
    let service = inputs.pair.service.clone().unwrap_or_default();
    let named = Problems::all(inputs.pair.workload.iter().map(|text| text.parse::<Reference>()))?;
    let limits = Limits::new(&inputs.patience);
    crate::steer(cx, async {
        let cluster = place.connect(cx).await?;
        let pair = Pair::find(&service, &named, &cluster).await?;
        let meant = meant(inputs, &pair)?;
        if meant == pair.colours.live.name {
            return Ok(there_already(&pair, &cluster));
        }
        let draught = draft(&pair, &cluster, cx).await?;
        draught.check(inputs.change.allow_gitops, &cluster).await?;
        if inputs.rehearsal.dry_run {
            return Ok(report::dry_run(&draught, &cluster));
        }
        crate::carry_out(draught, &cluster, limits, false, inputs.change.record.as_deref(), cx).await
    })
}

/// The colour that shall get the traffic: a run that is repeated means the same one.
fn meant(inputs: &Switch, pair: &Pair) -> Result<String, Problem> {
    let colours = &pair.colours;
    let known = [colours.live.name.as_str(), colours.idle.name.as_str()];
    let recorded = |name: &str| pair.service.pointer(&annotation(name)).and_then(Value::as_str);
    let colour = match (&inputs.colour, inputs.back) {
        (Some(colour), false) => colour.as_str(),
        (None, false) => return Ok(colours.idle.name.clone()),
        (Some(_), true) => {
            return Err(Problem::misconfigured("`colour` and `back` are given").help("give one of them"));
        }
        // Recorded by the switch: what had the traffic before it.
        (None, true) if recorded(COLOUR) == Some(colours.live.name.as_str()) => recorded(PREVIOUS)
            .ok_or_else(|| {
                Problem::failed(format!("service/{} was switched back already", service_name(&pair.service)))
                    .why(format!(
                        "{} gets the traffic, and it is not recorded what did before",
                        colours.live.name
                    ))
                    .help("`rollout switch` without `back` switches on")
            })?,
        (None, true) => {
            return Err(Problem::failed("it is not recorded which colour got the traffic before")
                .why(format!("service/{} was switched by someone else", service_name(&pair.service)))
                .help(format!("say it: `colour: {}`", colours.idle.name)));
        }
    };
    if known.contains(&colour) {
        return Ok(colour.to_owned());
    }
    let problem = Problem::misconfigured(format!(
        "no colour of service/{} is called \"{colour}\"",
        service_name(&pair.service)
    ));
    Err(problem.help(format!("its colours are {} and {}", known[0], known[1])))
}

fn service_name(service: &Value) -> &str {
    service["metadata"]["name"].as_str().unwrap_or_default()
}

/// First the colour that gets the traffic is at the other's size and ready, then the Service leads to it.
async fn draft(pair: &Pair, cluster: &Cluster, cx: &Context) -> Result<Draught, Problem> {
    let mut draught = Draught::new("switch", cluster, cx)?;
    let mut ready = pair.idle.clone();
    let size = pair.size(cluster).await?;
    if ready["spec"]["replicas"].as_i64().unwrap_or(1) < size {
        edit::set(&mut ready, edit::REPLICAS, size);
    }
    let version = images::version_of(&pair.idle);
    draught.add(&pair.idle, ready, 0);
    let service = switched(pair, version, cx.now());
    draught.add(&pair.service, service, 1);
    draught.colours = Some(pair.colours.clone());
    Ok(draught)
}

/// The Service as it shall be. A label may not hold every version: it is an annotation.
fn switched(pair: &Pair, version: Option<String>, now: Timestamp) -> Value {
    let mut service = pair.service.clone();
    let (live, idle) = (pair.colours.live.name.as_str(), pair.colours.idle.name.as_str());
    let key = |map: &str, name: &str| format!("{map}/{}", JsonPatch::escape(name));
    edit::set(&mut service, &key("/spec/selector", &pair.colours.key), idle);
    edit::set(&mut service, &key("/metadata/labels", COLOUR), idle);
    edit::set(&mut service, &annotation(COLOUR), idle);
    edit::set(&mut service, &annotation(VERSION), version.unwrap_or_default());
    edit::set(&mut service, &annotation(PREVIOUS), live);
    edit::set(&mut service, &annotation(SWITCHED), now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
    service
}

fn there_already(pair: &Pair, cluster: &Cluster) -> Done<Outputs> {
    let colours = &pair.colours;
    let title =
        format!("{} gets the traffic of service/{} already", colours.live.name, service_name(&pair.service));
    let mut draft = Draft::new(Verdict::Skipped, title);
    report::place(&mut draft, cluster);
    let outputs = Outputs {
        changed: Some(false),
        live: Some(colours.live.name.clone()),
        idle: Some(colours.idle.name.clone()),
        version: images::version_of(&pair.live),
        ..Outputs::default()
    };
    Done { outputs, report: draft }
}
