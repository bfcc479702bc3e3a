//! What people are told.

use std::collections::HashMap;

use sluice_core::{Block, Draft, Emphasis, Finding, Node, SubjectKind, Verdict, escape};

use super::Answer;
use crate::{
    components::{Cell, Component},
    decision::{Cause, Decision},
    everything::Everything,
    matrix::{self, MOST_JOBS},
    outputs::{Named, Outputs},
    revisions::Revisions,
    status::Status,
    tally::{Hits, Reason},
};

/// How many cells of a component the report names.
pub(super) const CELLS_SHOWN: usize = 10;

/// How many of the things that are wrong with dependencies the report names.
const FOUND_SHOWN: usize = 20;

/// The largest graph that can still be looked at, in components.
const LARGEST_GRAPH: usize = 50;

impl Answer {
    /// What people are told; `branch` is what the commit is called.
    pub(crate) fn report(&self, branch: &str) -> Draft {
        let mut draft = Draft::new(self.verdict(), self.title());
        draft.findings.extend(self.everything.as_ref().map(Everything::finding));
        for (name, hits) in self.filters() {
            let why = self.why(hits, |node| self.web.path(node));
            draft.finding(match why.or_else(|| Some(self.everything.as_ref()?.reason().to_owned())) {
                Some(why) => Finding::new(name, Verdict::Passed, why),
                None => Finding::new(name, Verdict::Skipped, "no changed file matches"),
            });
        }
        for index in &self.plan.asked {
            draft.finding(self.finding(*index));
        }
        let cells: usize = self.components().map(|(_, decision, _)| decision.changed.len()).sum();
        if cells > MOST_JOBS {
            let reason = format!(
                "{cells} cells: a job takes at most {MOST_JOBS}, so `matrix-1` to `matrix-{}` hold them in parts",
                cells.div_ceil(MOST_JOBS)
            );
            draft.finding(Finding::new("matrix", Verdict::Skipped, reason));
        }
        let found = &self.web.findings;
        draft.findings.extend(found.iter().take(FOUND_SHOWN).chain(&self.warnings).cloned());
        let more = found.len().saturating_sub(FOUND_SHOWN);
        if more > 0 {
            draft.finding(Finding::new("discover", Verdict::Skipped, format!("+{more} more like these")));
        }
        draft.blocks.extend(self.plan.explain.then(|| self.explanation()));
        draft.blocks.extend(self.graph());
        let Revisions { base, head, base_is, head_is, .. } = &self.revisions;
        draft.fact("base", format!("{} ({base_is})", base.short()));
        draft.fact("head", format!("{} ({head_is})", head.short()));
        draft.fact("files", self.files());
        if head.id != head.tree {
            draft.subject(SubjectKind::Commit, branch, Some(head.id.to_string()));
        }
        draft
    }

    /// The lists among the outputs that were too long.
    pub(crate) fn spilled(outputs: &Outputs) -> impl Iterator<Item = Finding> {
        outputs.named.iter().filter(|(name, _)| name.ends_with("_files")).filter_map(|(name, list)| {
            let Named::Value(list) = list else { return None };
            let (count, file) = (list.get("count")?, list.get("file")?);
            let place = file.as_str().map_or_else(String::new, |file| format!(": they are in {file}"));
            let reason = format!("`{name}` is too long to hand on with {count} files{place}");
            Some(Finding::new("list-files", Verdict::Skipped, reason))
        })
    }

    fn verdict(&self) -> Verdict {
        let is_hit = self.filters().any(|(_, hits)| hits.count > 0)
            || self.components().any(|(_, decision, _)| *decision != Decision::default());
        if is_hit || self.everything.is_some() { Verdict::Passed } else { Verdict::Skipped }
    }

    /// `2 of 3 components changed (14 files)`.
    fn title(&self) -> String {
        let mut parts = Vec::new();
        if self.everything.is_some() {
            return format!("everything counts as changed ({})", counted(self.tally.total(), "file"));
        }
        if !self.plan.asked.is_empty() {
            let changed = self.components().filter(|(_, decision, _)| decision.is_changed()).count();
            parts.push(portion(changed, self.plan.asked.len(), "component", "changed"));
            let is_gone = |decision: &Decision| !decision.is_changed() && !decision.deleted.is_empty();
            match self.components().filter(|(_, decision, _)| is_gone(decision)).count() {
                0 => {}
                gone => parts.push(format!("{gone} deleted")),
            }
        }
        if !self.plan.filters.is_empty() {
            let matched = self.filters().filter(|(_, hits)| hits.count > 0).count();
            parts.push(portion(matched, self.plan.filters.len(), "filter", "matched"));
        }
        format!("{} ({})", parts.join(", "), counted(self.tally.total(), "file"))
    }

    /// The first file that hit, and why; none where what changed is not known: then every file seems new.
    fn why(&self, hits: &Hits, chain: impl FnMut(usize) -> String) -> Option<String> {
        let is_known = self.everything.as_ref().is_none_or(Everything::is_known);
        hits.why(&self.tally.moves, chain).filter(|_| is_known)
    }

    fn finding(&self, index: usize) -> Finding {
        let (component, decision, hits) = self.component(index);
        let name = |index: usize| self.plan.catalog.components[index].name.as_str();
        let verdict = if *decision == Decision::default() { Verdict::Skipped } else { Verdict::Passed };
        let why = self.why(hits, |node| self.web.chain_of(index, node));
        let reason = match &why {
            Some(why) if verdict == Verdict::Skipped => {
                format!("{why}, but no file of the component itself is left")
            }
            Some(why) if decision.is_changed() => why.clone(),
            Some(why) => format!("deleted: {why}"),
            None => match (decision.needs().as_slice(), &self.everything) {
                ([], Some(everything)) if decision.is_changed() => everything.reason().to_owned(),
                ([], Some(_)) => "no file of it is there".to_owned(),
                ([], None) => "none of its files changed".to_owned(),
                (needs, _) => {
                    format!("needs {}", needs.iter().map(|need| name(*need)).collect::<Vec<_>>().join(", "))
                }
            },
        };
        let because = |cause: &Cause| match cause {
            Cause::Needs(need) if why.is_some() => format!(" (needs {})", name(*need)),
            Cause::Uses(from, to) => format!(" ({})", self.web.chain(*from, *to)),
            _ => String::new(),
        };
        let changed = decision.changed.iter().map(|(cell, cause)| (cell, Some(cause)));
        let cells = changed.chain(decision.deleted.iter().map(|cell| (cell, None)));
        let shown = if component.dimensions.is_empty() { 0 } else { CELLS_SHOWN };
        let mut lines: Vec<String> = cells
            .take(shown)
            .map(|(cell, cause)| {
                let because = cause.map_or_else(|| " (deleted)".to_owned(), because);
                format!("{}{because}", coordinates(component, cell))
            })
            .collect();
        let more = (decision.changed.len() + decision.deleted.len()).saturating_sub(CELLS_SHOWN);
        lines.extend((more > 0).then(|| format!("+{more} more")));
        lines.into_iter().fold(Finding::new(&component.name, verdict, reason), Finding::evidence)
    }

    /// Every file, with what it counts for and why.
    fn explanation(&self) -> Block {
        let row = |file: &[u8], status: String, name: &str, why: String| {
            vec![escape::bytes(file), status, name.to_owned(), why]
        };
        let moves = &self.tally.moves;
        let mut rows = Vec::new();
        for (name, hits) in self.filters() {
            let why = |reason: &Reason| reason.shown(|node| self.web.path(node));
            rows.extend(
                hits.explained
                    .iter()
                    .map(|hit| row(&hit.path, hit.what_happened(moves), name, why(&hit.reason))),
            );
        }
        for &index in &self.plan.asked {
            let (component, _, hits) = self.component(index);
            let mut chains = HashMap::new();
            for hit in &hits.explained {
                let mut chain =
                    |node| chains.entry(node).or_insert_with(|| self.web.chain_of(index, node)).clone();
                rows.push(row(
                    &hit.path,
                    hit.what_happened(moves),
                    &component.name,
                    hit.reason.shown(&mut chain),
                ));
            }
        }
        let nobody = |(path, status): &(Vec<u8>, Status)| {
            row(path, status.as_str().to_owned(), "–", "is named by nobody".to_owned())
        };
        rows.extend(self.tally.unclassified.iter().map(nobody));
        let header = ["file", "status", "counts for", "because it"].map(str::to_owned).to_vec();
        Block::Table { title: "files".to_owned(), header, rows }
    }

    /// What needs what; none where nothing does, or where no eye could follow.
    fn graph(&self) -> Option<Block> {
        let asked = &self.plan.asked;
        let position = |index: usize| asked.iter().position(|asked| *asked == index);
        let mut arrows = Vec::new();
        for (to, index) in asked.iter().enumerate() {
            let needs = self.plan.catalog.components[*index].needs.iter();
            arrows.extend(needs.filter_map(|need| Some([position(*need)?, to])));
        }
        if arrows.is_empty() || asked.len() > LARGEST_GRAPH {
            return None;
        }
        let node = |(component, decision, _): (&Component, &Decision, &Hits)| Node {
            label: component.name.clone(),
            emphasis: match decision {
                decision if *decision == Decision::default() => Emphasis::Faint,
                decision if decision.is_by_need_only() => Emphasis::Normal,
                _ => Emphasis::Strong,
            },
        };
        let title = "components: changed (bold), touched by what they need (dashed), untouched (faint)";
        Some(Block::Mermaid { title: title.to_owned(), nodes: self.components().map(node).collect(), arrows })
    }

    /// `14: 2 added, 12 modified`.
    fn files(&self) -> String {
        let statuses = Status::ALL.iter().zip(self.tally.statuses).filter(|(_, count)| *count > 0);
        let parts: Vec<String> =
            statuses.map(|(status, count)| format!("{count} {}", status.as_str())).collect();
        if self.everything.as_ref().is_some_and(|everything| !everything.is_known()) {
            format!("all {}", self.tally.total())
        } else if parts.is_empty() {
            "0".to_owned()
        } else {
            format!("{}: {}", self.tally.total(), parts.join(", "))
        }
    }
}

/// `region=eu-west-1 environment=dev`.
fn coordinates(component: &Component, cell: &Cell) -> String {
    let entry = matrix::shown(component, cell);
    let pairs: Vec<String> = entry.iter().skip(1).map(|(name, value)| format!("{name}={value}")).collect();
    pairs.join(" ")
}

/// `2 of 3 components changed`, or `no component changed`.
fn portion(some: usize, all: usize, noun: &str, verb: &str) -> String {
    if some == 0 { format!("no {noun} {verb}") } else { format!("{some} of {} {verb}", counted(all, noun)) }
}

fn counted(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}
