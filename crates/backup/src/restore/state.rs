//! What is known of an object that is put back, and what is said of it.

use sluice_core::{Finding, Problem, Verdict};
use sluice_kubernetes::{Contested, Error, Object};

use super::items::Item;
use crate::{What, export::counted, hidden};

/// How many paths are told of what an object keeps.
const PATHS: usize = 5;

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
            Error::NotFound { what } => Self::no(
                Finding::new(item.subject(), Verdict::Misconfigured, format!("{what} is not there"))
                    .help("does the namespace exist?"),
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
        let finding = Finding::new(
            item.subject(),
            Verdict::Failed,
            format!("the cluster refuses it: {}", said(item, why)),
        );
        Self::no(if why.contains("immutable") || why.contains("Forbidden: updates to") {
            finding.help("what differs can't be changed in place: delete the object, then restore again")
        } else {
            finding
        })
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

/// The words of the cluster. Those on a Secret may quote what it holds.
fn said(item: &Item, words: &str) -> String {
    if item.is_secret() { hidden::words(words, &item.object) } else { words.to_owned() }
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
