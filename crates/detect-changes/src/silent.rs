//! Patterns that match no file: a typo in one is otherwise never seen.

use sluice_core::{Finding, Place, Problem, Verdict};
use sluice_glob::Glob;

use crate::{
    changes::{self, File, Visitor},
    plan::Plan,
    repository::{Repository, Revision},
    tree::Tree,
};

/// How many patterns are told.
const TOLD: usize = 10;

/// The patterns that no file of either tree has matched yet.
pub(crate) struct Silent<'a> {
    patterns: Vec<Pattern<'a>>,
    /// Whether the files of the head tree are still to be looked at.
    is_open: bool,
}

struct Pattern<'a> {
    owner: String,
    glob: &'a Glob,
    place: &'a Place,
}

impl<'a> Silent<'a> {
    /// The patterns whose folder the head tree lacks, which costs a look at a few folders; with `explain` all
    /// of them, which costs a walk over the files.
    pub(crate) fn new(plan: &'a Plan, repository: &Repository, head: Revision) -> Result<Self, Problem> {
        let components = plan.catalog.components.iter().flat_map(|component| {
            let owner = format!("component {}", component.name);
            component.patterns().map(move |pattern| (owner.clone(), &pattern.glob, &pattern.place))
        });
        let filters = plan.filters.iter().flat_map(|filter| {
            let owner = format!("filter {}", filter.name);
            filter.patterns().map(move |(glob, place)| (owner.clone(), glob, place))
        });
        let mut tree = Tree::new(repository, head);
        let mut patterns = Vec::new();
        for (owner, glob, place) in filters.chain(components) {
            let folder = glob.literal_prefix().as_bytes();
            let is_silent = plan.explain || (!folder.is_empty() && tree.entry(folder)?.is_none());
            if is_silent && !glob.is_negated() {
                patterns.push(Pattern { owner, glob, place });
            }
        }
        Ok(Self { patterns, is_open: plan.explain })
    }

    /// Looks at a file of either tree.
    pub(crate) fn look_at(&mut self, path: &[u8]) {
        if !self.patterns.is_empty() {
            self.patterns.retain(|pattern| !pattern.glob.is_match(path));
        }
    }

    /// What is left once all that differs was looked at.
    pub(crate) fn findings(
        mut self,
        repository: &Repository,
        head: Revision,
        go_on: impl Fn() -> Result<(), Problem>,
    ) -> Result<Vec<Finding>, Problem> {
        if self.is_open && !self.patterns.is_empty() {
            changes::files(repository, head, &mut Walk { silent: &mut self, go_on })?;
        }
        let mut findings: Vec<Finding> = self.patterns.iter().take(TOLD).map(Pattern::finding).collect();
        let more = self.patterns.len().saturating_sub(TOLD);
        if more > 0 {
            findings.push(Finding::new("patterns", Verdict::Skipped, format!("+{more} more match no file")));
        }
        Ok(findings)
    }
}

impl Pattern<'_> {
    fn finding(&self) -> Finding {
        let reason = format!("{} ({}) matches no file of either tree", self.glob.as_str(), self.owner);
        Finding::new("patterns", Verdict::Skipped, reason).at(self.place.clone())
    }
}

struct Walk<'a, 'b, G> {
    silent: &'b mut Silent<'a>,
    go_on: G,
}

impl<G: Fn() -> Result<(), Problem>> Visitor for Walk<'_, '_, G> {
    fn enters(&mut self, _: &[u8]) -> Result<bool, Problem> {
        (self.go_on)()?;
        Ok(!self.silent.patterns.is_empty())
    }

    fn file(&mut self, file: File<'_>) {
        self.silent.look_at(file.path);
    }
}
