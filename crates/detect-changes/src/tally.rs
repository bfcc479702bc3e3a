//! What the changed files hit, counted while the two trees are compared.

use std::collections::{BTreeMap, BTreeSet};

use gix::ObjectId;
use sluice_core::escape;

use crate::{
    changes::Change,
    components::{Cell, Component},
    discover::Web,
    inputs::{ListFiles, Unclassified},
    moves::Moves,
    plan::Plan,
    status::Status,
};

/// How many of the files that nobody names are shown in a line.
const UNCLASSIFIED_SHOWN: usize = 10;

/// What all changed files hit.
#[derive(Debug)]
pub(crate) struct Tally {
    /// How many files have each status, in the order of [`Status::ALL`].
    pub(crate) statuses: [usize; Status::ALL.len()],
    /// What hit each filter.
    pub(crate) filters: Vec<Hits>,
    /// What hit each component.
    pub(crate) components: Vec<ComponentHits>,
    /// The files that no component or filter names, where these are asked for.
    pub(crate) unclassified: Vec<(Vec<u8>, Status)>,
    /// Which of the files were renamed.
    pub(crate) moves: Moves,
    keep: Keep,
}

/// What is kept of the files.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Keep {
    /// The names of those that hit something.
    names: bool,
    /// Why each of them does.
    reasons: bool,
    /// Those that hit nothing.
    unclassified: bool,
}

/// The files that hit one filter or component.
#[derive(Debug, Default)]
pub(crate) struct Hits {
    pub(crate) count: usize,
    /// The first one, and why.
    pub(crate) first: Option<Hit>,
    /// All of them, where they are asked for.
    pub(crate) files: Vec<Vec<u8>>,
    /// All of them and why, where that is asked for.
    pub(crate) explained: Vec<Hit>,
}

/// A file, and why it counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hit {
    pub(crate) path: Vec<u8>,
    pub(crate) status: Status,
    /// Its content, if it is new or gone.
    pub(crate) id: Option<ObjectId>,
    pub(crate) reason: Reason,
}

/// Why a file counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    /// It matches this pattern.
    Matches(String),
    /// It is, or is a part of, what is used: this node of the web.
    Used(usize),
}

/// The files that hit one component.
#[derive(Debug, Default)]
pub(crate) struct ComponentHits {
    pub(crate) hits: Hits,
    /// The cells with a changed file of their own: whether one of these files is still there.
    pub(crate) cells: BTreeMap<Cell, bool>,
    /// For each pattern of `shared` that was hit what it captured.
    pub(crate) shared: BTreeMap<usize, BTreeSet<Cell>>,
    /// The nodes of the web that were hit and that the component uses.
    pub(crate) used: BTreeSet<usize>,
}

impl Tally {
    pub(crate) fn new(plan: &Plan) -> Self {
        Self {
            statuses: [0; Status::ALL.len()],
            filters: plan.filters.iter().map(|_| Hits::default()).collect(),
            components: plan.catalog.components.iter().map(|_| ComponentHits::default()).collect(),
            unclassified: Vec::new(),
            moves: Moves::default(),
            keep: Keep {
                names: plan.list_files != ListFiles::None,
                reasons: plan.explain,
                unclassified: plan.explain || plan.unclassified != Unclassified::Ignore,
            },
        }
    }

    /// The first of the files that no component or filter names.
    pub(crate) fn unclassified(&self) -> String {
        let first = self.unclassified.iter().take(UNCLASSIFIED_SHOWN);
        let mut names: Vec<String> = first.map(|(path, _)| escape::bytes(path)).collect();
        let more = self.unclassified.len().saturating_sub(UNCLASSIFIED_SHOWN);
        names.extend((more > 0).then(|| format!("+{more} more")));
        names.join(", ")
    }

    /// How many files changed.
    pub(crate) fn total(&self) -> usize {
        self.statuses.iter().sum()
    }

    /// Counts one changed file.
    pub(crate) fn count(&mut self, change: &Change<'_>, plan: &Plan, web: &Web) {
        let keep = self.keep;
        let mut is_named = !keep.unclassified;
        self.statuses[change.status as usize] += 1;
        self.moves.look_at(change);
        for (filter, hits) in plan.filters.iter().zip(&mut self.filters) {
            if let Some(pattern) = filter.matching(change) {
                hits.add(change, keep, || Reason::Matches(pattern.as_str().to_owned()));
                is_named = true;
            }
        }
        let nodes = web.nodes_of(change.file.path);
        for (index, (component, hits)) in plan.catalog.components.iter().zip(&mut self.components).enumerate()
        {
            let is_used = |node: &usize| web.components_using(*node).binary_search(&index).is_ok();
            let used: Vec<usize> = nodes.iter().copied().filter(is_used).collect();
            is_named = is_named || !used.is_empty() || component.knows(change.file);
            hits.count(change, component, used, keep);
        }
        if !is_named {
            self.unclassified.push((change.file.path.to_vec(), change.status));
        }
    }
}

impl ComponentHits {
    /// Counts one changed file; `used` holds the nodes of the web that it hits and the component uses.
    pub(crate) fn count(&mut self, change: &Change<'_>, component: &Component, used: Vec<usize>, keep: Keep) {
        let mut pattern = None;
        if let Some((glob, cells)) = component.cells_of(change.file) {
            let is_there = change.status != Status::Deleted;
            for cell in cells {
                *self.cells.entry(cell).or_default() |= is_there;
            }
            pattern = Some(glob);
        }
        for (index, glob, captured) in component.shares(change.file) {
            self.shared.entry(index).or_default().insert(captured);
            pattern.get_or_insert(glob);
        }
        let used = if used.is_empty() || component.leaves_out(change.file) { Vec::new() } else { used };
        if let Some(pattern) = pattern {
            self.hits.add(change, keep, || Reason::Matches(pattern.as_str().to_owned()));
        } else if let Some(node) = used.first() {
            self.hits.add(change, keep, || Reason::Used(*node));
        }
        self.used.extend(used);
    }
}

impl Hits {
    fn add(&mut self, change: &Change<'_>, keep: Keep, reason: impl FnOnce() -> Reason) {
        self.count += 1;
        if self.first.is_none() || keep.reasons {
            let hit = Hit {
                path: change.file.path.to_vec(),
                status: change.status,
                id: change.id,
                reason: reason(),
            };
            self.explained.extend(keep.reasons.then(|| hit.clone()));
            self.first.get_or_insert(hit);
        }
        if keep.names {
            self.files.push(change.file.path.to_vec());
        }
    }

    /// Why, in one line: `src/a.rs (modified) matches src/**, +13 more`. `chain` tells how a node of the web
    /// comes to be used.
    pub(crate) fn why(&self, moves: &Moves, chain: impl FnMut(usize) -> String) -> Option<String> {
        let first = self.first.as_ref()?;
        let path = escape::bytes(&first.path);
        let more = if self.count > 1 { format!(", +{} more", self.count - 1) } else { String::new() };
        Some(format!("{path} ({}) {}{more}", first.what_happened(moves), first.reason.shown(chain)))
    }
}

impl Hit {
    /// `modified`, or `added, renamed from src/b.rs`.
    pub(crate) fn what_happened(&self, moves: &Moves) -> String {
        let status = self.status.as_str();
        let before = moves.renamed_from(self.id).filter(|_| self.status == Status::Added);
        before.map_or_else(
            || status.to_owned(),
            |path| format!("{status}, renamed from {}", escape::bytes(path)),
        )
    }
}

impl Reason {
    /// `matches src/**`, `is used: layers/prod → modules/vpc`.
    pub(crate) fn shown(&self, mut chain: impl FnMut(usize) -> String) -> String {
        match self {
            Self::Matches(pattern) => format!("matches {pattern}"),
            Self::Used(node) => format!("is used: {}", chain(*node)),
        }
    }
}
