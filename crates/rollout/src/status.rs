//! `status`: what runs, and how far it is.

use serde_json::Value;
use sluice_config::File;
use sluice_core::{Block, Context, Done, Draft, Finding, Problem, Problems, Verdict};
use sluice_kubernetes::{
    Cluster, Selector,
    progress::{Around, Template, Workload, judge},
};

use crate::{
    Outputs, Sections, WorkloadResult,
    edit::annotation,
    images,
    inputs::Status,
    pair::Pair,
    place::Place,
    reference::{Reference, WorkloadKind},
    report,
    switch::{SWITCHED, VERSION},
    view::View,
    workloads,
};

pub(crate) fn run(inputs: &Status, config: &File<Sections>, cx: &Context) -> anyhow::Result<Done<Outputs>> {
    let place = Place::new(&inputs.place, config, cx)?;
    let named = Problems::all(inputs.workload.iter().map(|text| text.parse::<Reference>()))?;
    crate::steer(cx, async {
        let cluster = place.connect(cx).await?;
        let pair = match &inputs.service {
            Some(service) => Some(Pair::find(service, &named, &cluster).await?),
            None => None,
        };
        let meant = match &pair {
            Some(pair) => [&pair.colours.live, &pair.colours.idle]
                .map(|colour| Reference { kind: WorkloadKind::Deployment, name: colour.deployment.clone() })
                .to_vec(),
            None => named,
        };
        let selector = inputs.selector.as_deref().map_or_else(Selector::all, Selector::labels);
        let view = View::look(&cluster, &selector).await?;
        if view.workloads().next().is_none() {
            return Err(match &inputs.selector {
                Some(labels) => workloads::none_with(labels, &cluster),
                None => workloads::none(&cluster),
            });
        }
        tell(&view, &meant, pair.as_ref(), &cluster)
    })
}

fn tell(
    view: &View,
    named: &[Reference],
    pair: Option<&Pair>,
    cluster: &Cluster,
) -> Result<Done<Outputs>, Problem> {
    if let Some(missing) = named.iter().find(|reference| view.workload(reference).is_none()) {
        let all: Vec<String> = view.workloads().map(Workload::name).collect();
        let name = missing.to_string();
        return Err(workloads::unknown(&name, &name, all.iter().map(String::as_str), cluster));
    }
    let is_meant = |workload: &Workload<'_>| {
        named.is_empty() || named.iter().any(|reference| reference.to_string() == workload.name())
    };
    let around = view.around();
    let (workloads, findings): (Vec<_>, Vec<_>) =
        view.workloads().filter(is_meant).map(|workload| look(workload, &around)).unzip();
    let worst = workloads.iter().map(|one| one.verdict).max().unwrap_or(Verdict::Undecided);
    let mut draft = Draft::new(worst, title(&workloads, pair));
    draft.findings = findings.into_iter().flatten().collect();
    report::place(&mut draft, cluster);
    let mut outputs = Outputs { workloads, ..Outputs::default() };
    if let Some(pair) = pair {
        tell_colours(pair, cluster, &mut outputs, &mut draft);
    }
    draft.block(table(&outputs.workloads, pair));
    Ok(Done { outputs, report: draft })
}

/// How far one workload is, and what is wrong with it.
fn look(workload: Workload<'_>, around: &Around<'_>) -> (WorkloadResult, Option<Finding>) {
    let judgement = judge(workload, around);
    let trouble = judgement.troubles.first();
    let verdict = match (&judgement.waiting, trouble) {
        (None, _) => Verdict::Passed,
        (Some(_), Some(trouble)) if trouble.patience.is_some() => Verdict::Failed,
        _ => Verdict::Pending,
    };
    let finding = trouble.map(|trouble| {
        let reason = format!("{}: {}: {}", trouble.object, trouble.reason, trouble.message);
        Finding::new(workload.name(), verdict, reason)
    });
    let result = WorkloadResult {
        object: workload.name(),
        verdict,
        reason: judgement.waiting.unwrap_or_else(|| "done".to_owned()),
        replicas: Some(format!("{}/{}", judgement.ready, judgement.wanted)),
        before: Vec::new(),
        after: images_of(workload.template()),
    };
    (result, finding)
}

fn title(workloads: &[WorkloadResult], pair: Option<&Pair>) -> String {
    if let Some(pair) = pair {
        let service = pair.service["metadata"]["name"].as_str().unwrap_or_default();
        return format!("{} gets the traffic of service/{service}", pair.colours.live.name);
    }
    let done = workloads.iter().filter(|one| one.verdict.is_good()).count();
    format!("{done} of {} workloads are done", workloads.len())
}

/// Which colour is live, and since when.
fn tell_colours(pair: &Pair, cluster: &Cluster, outputs: &mut Outputs, draft: &mut Draft) {
    outputs.live = Some(pair.colours.live.name.clone());
    outputs.idle = Some(pair.colours.idle.name.clone());
    outputs.idle_host = pair.idle_host(cluster);
    outputs.version = images::version_of(&pair.live);
    for (name, written) in [("recorded version", VERSION), ("switched at", SWITCHED)] {
        if let Some(value) = pair.service.pointer(&annotation(written)).and_then(Value::as_str) {
            draft.fact(name, value);
        }
    }
    if let Some(host) = &outputs.idle_host {
        draft.fact(format!("reaches {} only", pair.colours.idle.name), host);
    }
}

/// A row a workload; of two colours each with its name, and which is live.
fn table(workloads: &[WorkloadResult], pair: Option<&Pair>) -> Block {
    let mut header = ["workload", "ready", "state", "images"].map(str::to_owned).to_vec();
    if let Some(pair) = pair {
        header.splice(0..0, ["live".to_owned(), pair.colours.key.clone()]);
    }
    let row = |one: &WorkloadResult| {
        let replicas = one.replicas.clone().unwrap_or_default();
        let mut row = vec![one.object.clone(), replicas, one.reason.clone(), one.after.join(" ")];
        if let Some(pair) = pair {
            let is_live = one.object == format!("deployment/{}", pair.colours.live.deployment);
            let colour = if is_live { &pair.colours.live } else { &pair.colours.idle };
            let sign = if is_live { "●" } else { "" };
            row.splice(0..0, [sign.to_owned(), colour.name.clone()]);
        }
        row
    };
    Block::Table { title: "workloads".to_owned(), header, rows: workloads.iter().map(row).collect() }
}

fn images_of(template: &Template) -> Vec<String> {
    template.containers.iter().map(|one| format!("{}={}", one.name, one.image)).collect()
}
