//! Reads files of records, for the commands that look at them.

use sluice_core::{Context, Finding, Problem, Verdict};
use sluice_gate::record::{Sealed, Unreadable};

use crate::Records;

/// A record of a file, or why it is none.
pub(crate) struct Read {
    /// The file, with the line where it holds several.
    pub(crate) name: String,
    pub(crate) sealed: Result<Sealed, Unreadable>,
}

/// The records of all files, in their order; never none.
pub(crate) fn read(inputs: &Records, cx: &Context) -> Result<Vec<Read>, Problem> {
    let mut records = Vec::new();
    for file in &inputs.records {
        let name = cx.name_of(file);
        let bytes = std::fs::read(cx.folder().join(file))
            .map_err(|error| Problem::undecided(format!("could not read {name}")).why(error))?;
        let lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
        if lines.is_empty() {
            return Err(Problem::undecided(format!("{name} holds no record")).why("it is empty"));
        }
        for (number, line) in (1..).zip(&lines) {
            let name = if lines.len() == 1 { name.clone() } else { format!("{name}:{number}") };
            records.push(Read { name, sealed: Sealed::read(line) });
        }
    }
    if records.is_empty() {
        return Err(Problem::misconfigured("no file of records is given").help("give `records`"));
    }
    Ok(records)
}

/// What is told of a record that can't be read.
pub(crate) fn unreadable(name: &str, error: &Unreadable) -> Finding {
    let verdict = match error {
        // Another version of this action can read it.
        Unreadable::OtherSchema(_) => Verdict::Undecided,
        _ => Verdict::Failed,
    };
    Finding::new(name, verdict, error.to_string())
}
