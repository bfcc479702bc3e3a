//! `decommission`: the colour without traffic is scaled down to zero.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use sluice_config::File;
use sluice_core::{Context, Done, Draft, Problem, Problems, Verdict};

use crate::{
    Outputs, Sections,
    draught::Draught,
    edit::{self, annotation},
    inputs::Decommission,
    pair::Pair,
    place::Place,
    reference::Reference,
    report,
    run::Limits,
    switch::SWITCHED,
};

pub(crate) fn run(
    inputs: &Decommission,
    config: &File<Sections>,
    cx: &Context,
) -> anyhow::Result<Done<Outputs>> {
    let place = Place::new(&inputs.place, config, cx)?;
    let service = inputs.pair.service.clone().unwrap_or_default();
    let named = Problems::all(inputs.pair.workload.iter().map(|text| text.parse::<Reference>()))?;
    let limits = Limits::new(&inputs.patience);
    crate::steer(cx, async {
        let cluster = place.connect(cx).await?;
        let mut pair = Pair::find(&service, &named, &cluster).await?;
        let left = left(&pair, inputs.after.map(|after| after.0), cx.now())?;
        if !left.is_zero() && !inputs.rehearsal.dry_run {
            cx.say(&format!("{} stays for {} more", pair.colours.idle.name, sluice_core::Period(left)));
            tokio::select! {
                interrupted = cx.cancellation().cancelled() => return Err(interrupted.into()),
                () = tokio::time::sleep(left) => {}
            }
            // It may have been switched back meanwhile: then the other one is idle, and was not asked for.
            let was_idle = pair.colours.idle.clone();
            pair = Pair::find(&service, &named, &cluster).await?;
            if pair.colours.idle != was_idle {
                return Err(Problem::failed(format!("{} gets the traffic again", was_idle.name))
                    .why(format!("service/{service} was switched while the time ran"))
                    .help("nothing was scaled down"));
            }
        }
        let name = &pair.colours.idle.deployment;
        if pair.idle["spec"]["replicas"] == 0 {
            let mut draft = Draft::new(Verdict::Skipped, format!("deployment/{name} is scaled down already"));
            report::place(&mut draft, &cluster);
            return Ok(Done {
                outputs: Outputs { changed: Some(false), ..Outputs::default() },
                report: draft,
            });
        }
        let mut draught = Draught::new("decommission", &cluster, cx)?;
        let mut down = pair.idle.clone();
        edit::set(&mut down, edit::REPLICAS, 0);
        draught.add(&pair.idle, down, 0);
        draught.watch_over(&pair.service);
        draught.colours = Some(pair.colours.clone());
        draught.check(inputs.change.allow_gitops, &cluster).await?;
        if inputs.rehearsal.dry_run {
            return Ok(report::dry_run(&draught, &cluster));
        }
        crate::carry_out(draught, &cluster, limits, false, inputs.change.record.as_deref(), cx).await
    })
}

/// How much of the time is left that the colour stays after the switch.
fn left(pair: &Pair, after: Option<Duration>, now: Timestamp) -> Result<Duration, Problem> {
    let Some(after) = after.filter(|after| !after.is_zero()) else { return Ok(Duration::ZERO) };
    let switched = pair.service.pointer(&annotation(SWITCHED)).and_then(Value::as_str);
    let switched: Timestamp = switched.and_then(|time| time.parse().ok()).ok_or_else(|| {
        Problem::failed("it is not recorded when the traffic was switched")
            .why(format!("the Service has no annotation {SWITCHED}"))
            .help("leave `after` out, or switch with `rollout switch`")
    })?;
    let passed = Duration::try_from(now.duration_since(switched)).unwrap_or_default();
    Ok(after.saturating_sub(passed))
}
