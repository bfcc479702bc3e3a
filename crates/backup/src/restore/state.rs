//! What is known of an object that is put back, and what is said of it.

use sluice_core::{Finding, Problem, Verdict};
use sluice_kubernetes::{Contested, Error, Object};

use super::{items::Item, unchangeable};
use crate::{What, export::counted, hidden};

/// How many paths are told of what an object keeps.
const PATHS: usize = 5;
/// How many letters of long words are told, from their start and from their end.
const WORDS: (usize, usize) = (300, 200);

/// What is known of an object.
pub(super) struct State {
    pub(super) what: What,
    /// The object as it is applied.
    pub(super) object: Option<Object>,
    /// What differs between now and then, as a diff.
    pub(super) difference: String,
    /// What is to be said of it.
    pub(super) finding: Option<Finding>,
}

impl State {
    /// What an object becomes that the cluster takes. `beyond` is what it keeps of what is there.
    pub(super) fn foreseen(
        item: &Item,
        what: What,
        object: Object,
        difference: String,
        beyond: &[String],
    ) -> Self {
        Self { what, object: Some(object), difference, finding: kept_beyond(item, beyond) }
    }

    /// What could not be tried before.
    pub(super) fn untried(item: &Item, what: What, object: Object, error: &Error) -> Self {
        let finding = Finding::new(item.subject(), Verdict::Skipped, "it could not be tried before")
            .evidence(said(item, &error.to_string()));
        Self { what, object: Some(object), difference: String::new(), finding: Some(finding) }
    }

    /// The cluster's "no" to an object, or that it gave no answer.
    pub(super) fn of(item: &Item, error: Error) -> Self {
        match error {
            Error::Conflict { fields, why, .. } => Self::no(contested(item, &fields, &why)),
            // Nothing says what it is that is missing.
            Error::NotFound { .. } => Self::no(
                Finding::new(item.subject(), Verdict::Misconfigured, "what it takes is not there").help(
                    item.role().map_or_else(
                        || "does the namespace exist?".to_owned(),
                        |role| format!("do the namespace and {role}, which it binds, exist?"),
                    ),
                ),
            ),
            Error::Rejected { why, .. } => Self::refused(item, &why),
            other => {
                let finding = Finding::from(Problem::from(other));
                let (verdict, reason) =
                    (finding.verdict.max(Verdict::Undecided), said(item, &finding.reason));
                Self::unknown(Some(Finding { subject: item.subject(), verdict, reason, ..finding }))
            }
        }
    }

    pub(super) fn refused(item: &Item, why: &str) -> Self {
        let reason = format!("the cluster refuses it: {}", said(item, why));
        let finding = Finding::new(item.subject(), Verdict::Failed, reason);
        Self::no(match unchangeable::advice(item, why) {
            Some(advice) => finding.help(advice),
            None => finding,
        })
    }

    /// Both stand against it.
    pub(super) fn besides(mut self, other: Self) -> Self {
        if let (Some(finding), Some(other)) = (self.finding.take(), other.finding) {
            let finding = finding.evidence(other.reason);
            self.finding = Some(other.evidence.into_iter().fold(finding, Finding::evidence));
        }
        self
    }

    /// What is refused may be so for what is there: a port that was added since stays beside that of the backup.
    /// <https://kubernetes.io/docs/reference/using-api/server-side-apply/#merge-strategy>
    pub(super) fn beside_what_is_there(mut self) -> Self {
        let help = "what was added since stays, entries of lists too: if it is in the way, take it out or delete the object, then restore again";
        if let (What::Refused, Some(finding)) = (self.what, &mut self.finding) {
            finding.help.get_or_insert_with(|| help.to_owned());
        }
        self
    }

    pub(super) fn unknown(finding: Option<Finding>) -> Self {
        Self { what: What::Unknown, object: None, difference: String::new(), finding }
    }

    fn no(finding: Finding) -> Self {
        Self { what: What::Refused, object: None, difference: String::new(), finding: Some(finding) }
    }

    /// It came otherwise than it was foreseen; what differs stays told.
    pub(super) fn became(&mut self, other: Self) {
        *self = Self { difference: std::mem::take(&mut self.difference), ..other };
    }
}

/// The words of the cluster. Those on a Secret may quote what it holds, and those on a template all of it.
fn said(item: &Item, words: &str) -> String {
    shortened(if item.is_secret() { hidden::words(words, &item.object) } else { words.to_owned() })
}

/// Words begin with the field and end with what is wrong with it.
fn shortened(words: String) -> String {
    let letters: Vec<char> = words.chars().collect();
    match letters.len().checked_sub(WORDS.0 + WORDS.1) {
        None | Some(0) => words,
        Some(_) => {
            let (start, end) = (&letters[..WORDS.0], &letters[letters.len() - WORDS.1..]);
            start.iter().chain(&[' ', '…', ' ']).chain(end).collect()
        }
    }
}

/// Who holds fields that would change.
fn contested(item: &Item, fields: &[Contested], why: &str) -> Finding {
    let mut managers: Vec<String> = fields.iter().map(|field| format!("\"{}\"", field.manager)).collect();
    managers.sort();
    managers.dedup();
    let by = if managers.is_empty() { said(item, why) } else { format!("by {}", managers.join(", ")) };
    let finding =
        Finding::new(item.subject(), Verdict::Failed, format!("it was changed since the export {by}"))
            .help("see what differs; `force: true` takes these fields over");
    fields.iter().fold(finding, |finding, field| {
        finding.evidence(format!("{} belongs to \"{}\"", field.field, field.manager))
    })
}

/// Says what of an object that is there the backup does not hold, and so does not change.
fn kept_beyond(item: &Item, beyond: &[String]) -> Option<Finding> {
    if beyond.is_empty() {
        return None;
    }
    let mut finding = Finding::new(
        item.subject(),
        Verdict::Passed,
        format!("{} of the cluster's that the backup does not say stay", counted(beyond.len(), "field")),
    );
    for path in beyond.iter().take(PATHS) {
        finding = finding.evidence(path);
    }
    if beyond.len() > PATHS {
        finding = finding.evidence(format!("and {} more", beyond.len() - PATHS));
    }
    Some(finding)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_words_keep_their_start_and_their_end() {
        let words = format!("spec.template: Invalid value: {}: field is immutable", "ä".repeat(9000));
        let short = shortened(words);
        assert_eq!(short.chars().count(), 503);
        assert!(
            short.starts_with("spec.template: Invalid value: ä") && short.ends_with("ä: field is immutable")
        );
        assert_eq!(shortened("x".repeat(500)).len(), 500);
    }
}
