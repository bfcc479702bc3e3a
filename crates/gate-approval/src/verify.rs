//! `verify`: walks a chain of records, and names the first link that is broken.
//!
//! Files may come in any order: a record's number is its place.

use sluice_core::{Context, Done, Draft, Finding, Problem, Verdict};
use sluice_gate::record::{BrokenLink, Sealed, broken_link};

use crate::{
    Outputs, Records,
    records::{self, Read},
};

pub(crate) fn run(inputs: &Records, cx: &Context) -> Result<Done<Outputs>, Problem> {
    let records = records::read(inputs, cx)?;
    let count = records.len();
    let mut numbered: Vec<(String, Sealed)> = Vec::new();
    for Read { name, sealed } in records {
        match sealed {
            Ok(sealed) => numbered.push((name, sealed)),
            Err(error) => return Ok(broken(records::unreadable(&name, &error))),
        }
    }
    numbered.sort_by_key(|(_, sealed)| sealed.record.number);
    let (names, chain): (Vec<String>, Vec<Sealed>) = numbered.into_iter().unzip();
    if let Some(BrokenLink { index, why }) = broken_link(&chain) {
        let name = names.get(index).cloned().unwrap_or_default();
        return Ok(broken(Finding::new(name, Verdict::Failed, format!("the record {why}"))));
    }

    let records = if count == 1 { "record" } else { "records" };
    let mut draft = Draft::new(Verdict::Passed, format!("{count} {records}, and no link is broken"));
    if let (Some(first), Some(last)) = (chain.first(), chain.last()) {
        if first.record.number > 1 {
            let before = first.record.number - 1;
            draft.fact("before", format!("{before} more, which were not given"));
        }
        draft.fact("first", format!("number {}, {}", first.record.number, first.hash));
        draft.fact("last", format!("number {}, {}", last.record.number, last.hash));
    }
    let record_hash = chain.last().map(|last| last.hash.clone());
    Ok(Done { outputs: Outputs { record_hash, ..Outputs::default() }, report: draft })
}

fn broken(finding: Finding) -> Done<Outputs> {
    let title = match finding.verdict {
        Verdict::Failed => format!("the chain is broken at {}", finding.subject),
        _ => format!("the chain can't be read at {}", finding.subject),
    };
    let mut draft = Draft::new(finding.verdict, title);
    draft.finding(finding);
    Done { outputs: Outputs::default(), report: draft }
}
