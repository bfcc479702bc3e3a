//! `replay`: repeats decisions from what their records hold, and nothing else.
//!
//! It ends as the decision did: a record of a no is a no again. One that says something else than what comes
//! out is a no, whatever it says.

use sluice_core::{Context, Done, Draft, Finding, Problem, SubjectKind, Verdict};
use sluice_gate::{
    Outcome,
    record::{Record, Replay, Sealed},
};

use crate::{
    Outputs, Records, State,
    records::{self, Read},
    report,
};

pub(crate) fn run(inputs: &Records, cx: &Context) -> Result<Done<Outputs>, Problem> {
    let mut records = records::read(inputs, cx)?;
    if let [Read { sealed: Ok(sealed), .. }] = records.as_slice() {
        return Ok(one(sealed));
    }
    let count = records.len();
    let mut draft = Draft::new(Verdict::Passed, String::new());
    let mut reproduced = 0;
    let mut outputs = Outputs::default();
    for Read { name, sealed } in records.drain(..) {
        cx.cancellation().check()?;
        let finding = match sealed {
            Ok(sealed) => {
                let Replay { state, differences, .. } = sealed.record.replay();
                outputs.record_hash = Some(sealed.hash);
                if differences.is_empty() {
                    reproduced += 1;
                    Finding::new(name, Verdict::Passed, format!("{} again", word(state)))
                } else {
                    Finding::new(name, Verdict::Failed, differences.join("; "))
                }
            }
            Err(error) => records::unreadable(&name, &error),
        };
        draft.verdict = draft.verdict.max(finding.verdict);
        draft.finding(finding);
    }
    draft.title = format!("{reproduced} of {count} decisions come out as recorded");
    Ok(Done { outputs, report: draft })
}

/// One record: told as the decision was.
fn one(sealed: &Sealed) -> Done<Outputs> {
    let Sealed { record, hash, .. } = sealed;
    let Replay { state, outcomes, differences } = record.replay();
    let names: Vec<&str> = record.conditions.iter().map(|answered| answered.condition.name()).collect();
    let all: Vec<&Outcome> = outcomes.iter().collect();
    let is_same = differences.is_empty();
    let mut draft = if is_same {
        Draft::new(state.verdict(), format!("{}, as recorded", report::title(state, &all)))
    } else {
        let title = format!("the record says {}, and what comes out is another thing", word(record.state));
        let mut draft = Draft::new(Verdict::Failed, title);
        let mut different =
            Finding::new("record", Verdict::Failed, "it does not say what comes out of what it holds");
        different.evidence = differences;
        draft.finding(different);
        draft
    };
    for ((name, outcome), answered) in names.iter().zip(&outcomes).zip(&record.conditions) {
        let mut finding = Finding::new(*name, outcome.state.verdict(), &outcome.reason);
        finding.evidence.clone_from(&outcome.evidence);
        finding.place = (outcome.state != State::Approved).then(|| answered.place.clone());
        draft.finding(finding);
    }
    tell(&mut draft, record, hash);
    let environment = record.question.environment.clone();
    let mut outputs = Outputs::of(if is_same { state } else { State::Rejected }, environment)
        .conditions(names.into_iter().zip(&outcomes));
    outputs.record_hash = Some(hash.clone());
    Done { outputs, report: draft }
}

/// What the decision was about.
fn tell(draft: &mut Draft, record: &Record, hash: &str) {
    let question = &record.question;
    draft.fact("environment", &question.environment);
    if let Some(repository) = &question.repository {
        draft.fact("repository", repository);
    }
    if let Some(commit) = &question.commit {
        draft.fact("commit", commit);
        draft.subject(SubjectKind::Commit, commit, Some(commit.clone()));
    }
    if let Some(image) = &question.image {
        draft.fact("image", image);
        draft.subject(SubjectKind::Image, image, question.digest.clone());
    }
    draft.fact("evaluated", question.now.strftime("%Y-%m-%d %H:%M:%S UTC").to_string());
    draft.fact("record", format!("number {}, {hash}", record.number));
}

fn word(state: State) -> String {
    format!("{state:?}").to_lowercase()
}
