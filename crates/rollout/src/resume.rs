//! `resume`: what an interrupted run has left is finished or rolled back.

use sluice_config::File;
use sluice_core::{Context, Done, Draft, Finding, Problem, Verdict};

use crate::{
    Outputs, Sections,
    draught::Draught,
    inputs::Resume,
    journal::{Direction, Journal, Step},
    place::Place,
    report,
    run::{Begins, Limits, Run},
};

pub(crate) fn run(inputs: &Resume, config: &File<Sections>, cx: &Context) -> anyhow::Result<Done<Outputs>> {
    let place = Place::new(&inputs.place, config, cx)?;
    let limits = Limits::new(&inputs.patience);
    crate::steer(cx, async {
        let cluster = place.connect(cx).await?;
        let journals = Journal::all(&cluster).await?;
        if journals.is_empty() {
            let mut draft = Draft::new(Verdict::Skipped, "nothing was interrupted");
            report::place(&mut draft, &cluster);
            return Ok(Done {
                outputs: Outputs { changed: Some(false), ..Outputs::default() },
                report: draft,
            });
        }
        if inputs.rehearsal.dry_run {
            return Ok(told(&journals, inputs.back));
        }
        let mut all: Option<Done<Outputs>> = None;
        for mut journal in journals {
            let turns = inputs.back && journal.direction == Direction::Forward;
            if turns {
                journal.direction = Direction::Back;
            }
            let mut draught = Draught::new(&journal.command, &cluster, cx)?;
            draught.journal = journal.clone();
            let mut run = Run::new(cx, &cluster, journal, limits, inputs.way_back.force);
            let ending = run.alone(Begins::LeftByAnother).await?;
            let done = report::ended(&draught, &cluster, &run, &ending, None);
            all = Some(match all {
                None => done,
                Some(before) => joined(before, done),
            });
        }
        all.ok_or_else(|| Problem::undecided("nothing was interrupted"))
    })
}

fn told(journals: &[Journal], back: bool) -> Done<Outputs> {
    let count = journals.len();
    let runs = if count == 1 { "run was" } else { "runs were" };
    let mut draft = Draft::new(Verdict::Passed, format!("dry run: {count} {runs} interrupted"));
    for journal in journals {
        let objects: Vec<String> =
            journal.steps.iter().filter(|step| step.changes_something()).map(Step::object).collect();
        let way = if back || journal.direction == Direction::Back { "rolled back" } else { "finished" };
        let reason =
            format!("{} of {} ({}) would be {way}", journal.command, objects.join(", "), journal.started);
        draft.finding(Finding::new(format!("configmap/{}", journal.name()), Verdict::Passed, reason));
    }
    Done { outputs: Outputs { changed: Some(true), ..Outputs::default() }, report: draft }
}

/// Two runs told as one: the worse decides.
fn joined(mut one: Done<Outputs>, other: Done<Outputs>) -> Done<Outputs> {
    let title = format!("{}; {}", one.report.title, other.report.title);
    if other.report.verdict > one.report.verdict {
        one.report.verdict = other.report.verdict;
    }
    one.report.title = title;
    one.report.findings.extend(other.report.findings);
    one.report.changes.extend(other.report.changes);
    one.outputs.workloads.extend(other.outputs.workloads);
    one.outputs.rolled_back = one.outputs.rolled_back.max(other.outputs.rolled_back);
    one
}
