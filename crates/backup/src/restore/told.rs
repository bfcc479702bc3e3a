//! What came of a restore, for people and for the steps after it.

use sluice_core::{Block, Draft, Finding, Problem, Verdict};
use sluice_kubernetes::Cluster;

use super::{items::Item, state::State};
use crate::{Change, Outputs, What, export::counted, kept::Kept, verify};

/// How many differences, and lines of one, are shown.
const SHOWN: (usize, usize) = (40, 300);

/// A restore that came to an end, or was ended.
pub(super) struct Restored<'a> {
    pub(super) kept: &'a Kept,
    pub(super) cluster: &'a Cluster,
    pub(super) items: &'a [Item],
    /// One an item.
    pub(super) states: &'a [State],
    pub(super) is_rehearsal: bool,
    /// Whether the rehearsal said no.
    pub(super) was_refused: bool,
}

impl Restored<'_> {
    pub(super) fn outputs(&self) -> Outputs {
        let changes = self.all().map(|(item, state)| Change {
            kind: item.kind.to_string(),
            name: item.entry.name.clone(),
            change: state.what,
        });
        Outputs {
            namespace: Some(self.cluster.namespace().to_owned()),
            changes: Some(changes.collect()),
            ..verify::outputs(self.kept)
        }
    }

    /// `interrupted` is why the run was told to end.
    pub(super) fn report(&self, interrupted: Option<Problem>) -> Draft {
        let mut draft = Draft::new(self.verdict(), self.title());
        draft.findings = self.states.iter().filter_map(|state| state.finding.clone()).collect();
        for warning in self.cluster.warnings() {
            draft.finding(Finding::new("the cluster warns", Verdict::Skipped, warning));
        }
        draft.fact("cluster", self.cluster.name());
        draft.fact("namespace", self.cluster.namespace());
        draft.fact("backup", &self.kept.location);
        draft.fact("exported", self.kept.manifest.created.strftime("%Y-%m-%d %H:%M:%S UTC").to_string());
        draft.fact("manifest", &self.kept.digest);
        self.tell_objects(&mut draft);
        self.tell_differences(&mut draft);
        // What ended it matters only where something was not come to.
        if let Some(problem) = interrupted.filter(|_| self.count(What::Unknown) > 0) {
            draft.finding(problem.into());
            draft.verdict = draft.verdict.max(Verdict::Undecided);
        }
        draft
    }

    fn all(&self) -> impl Iterator<Item = (&Item, &State)> {
        self.items.iter().zip(self.states)
    }

    fn count(&self, what: What) -> usize {
        self.states.iter().filter(|state| state.what == what).count()
    }

    /// What could not be tried before counts for nothing: it was tried since, or will be.
    fn verdict(&self) -> Verdict {
        if self.count(What::Unknown) > 0 && self.count(What::Refused) == 0 {
            return Verdict::Undecided;
        }
        let findings = self.states.iter().filter_map(|state| state.finding.as_ref());
        let verdicts = findings.map(|finding| finding.verdict);
        verdicts.filter(|verdict| *verdict != Verdict::Skipped).max().unwrap_or(Verdict::Passed)
    }

    fn title(&self) -> String {
        let [created, changed, same, refused, unknown] =
            [What::Created, What::Changed, What::Unchanged, What::Refused, What::Unknown]
                .map(|what| self.count(what));
        let all = counted(self.items.len(), "object");
        if self.was_refused {
            let verb = if self.is_rehearsal { "would be" } else { "was" };
            let unknown =
                if unknown > 0 { format!(", {unknown} could not be found out") } else { String::new() };
            format!("nothing {verb} restored: {refused} of {all} refused{unknown}")
        } else if self.is_rehearsal {
            format!("{created} would be created, {changed} changed, {same} are the same")
        } else if refused + unknown > 0 {
            let done = created + changed + same;
            format!("{done} of {all} restored, then it stopped: run it again to go on")
        } else {
            format!("{all} restored: {created} created, {changed} changed, {same} were the same")
        }
    }

    fn tell_objects(&self, draft: &mut Draft) {
        let told = [
            (What::Created, "created"),
            (What::Changed, "changed"),
            (What::Refused, "refused"),
            (What::Unknown, "unknown"),
        ];
        let rows: Vec<Vec<String>> = told
            .iter()
            .flat_map(|(what, word)| {
                let of_it = self.all().filter(|(_, state)| state.what == *what);
                of_it
                    .map(|(item, _)| vec![(*word).to_owned(), item.kind.to_string(), item.entry.name.clone()])
            })
            .collect();
        if !rows.is_empty() {
            let header = ["change", "kind", "name"].map(str::to_owned).to_vec();
            draft.block(Block::Table { title: "objects".to_owned(), header, rows });
        }
    }

    fn tell_differences(&self, draft: &mut Draft) {
        let differences: Vec<_> = self.all().filter(|(_, state)| !state.difference.is_empty()).collect();
        for (item, state) in differences.iter().take(SHOWN.0) {
            draft.block(Block::Diff { title: item.subject(), text: shortened(&state.difference) });
        }
        if let Some(more) = differences.len().checked_sub(SHOWN.0).filter(|more| *more > 0) {
            draft.fact("not shown", format!("{more} more differences"));
        }
    }
}

fn shortened(difference: &str) -> String {
    let lines = difference.lines().count();
    if lines <= SHOWN.1 {
        return difference.to_owned();
    }
    let shown: String = difference.split_inclusive('\n').take(SHOWN.1).collect();
    format!("{shown}@@ {} more lines @@\n", lines - SHOWN.1)
}
