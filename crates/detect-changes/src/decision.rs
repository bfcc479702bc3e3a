//! Which cells of which components changed: pure, from what was hit and what exists.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    components::{Catalog, Cell},
    discover::{Owners, Web},
    tally::ComponentHits,
};

/// The answer for one component.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Decision {
    /// The cells that changed and exist, each with why.
    pub(crate) changed: BTreeMap<Cell, Cause>,
    /// The cells whose files are all gone.
    pub(crate) deleted: BTreeSet<Cell>,
}

/// Why a cell changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// One of its own files did.
    Own,
    /// A file did that it shares with other cells.
    Shared,
    /// Something did that its files use: from this node of the web to that one.
    Uses(usize, usize),
    /// A component did that it needs: this one, by position.
    Needs(usize),
    /// A file did that nobody names: everything counts as changed.
    Everything,
}

/// What there is to decide on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Case<'a> {
    pub(crate) catalog: &'a Catalog,
    pub(crate) hits: &'a [ComponentHits],
    pub(crate) web: &'a Web,
    /// Whether a component changes when one that it needs does.
    pub(crate) dependents: bool,
    /// Whether everything that exists counts as changed.
    pub(crate) everything: bool,
}

impl Case<'_> {
    /// The components for which it matters which cells the head tree has: all others can be decided on
    /// the changed files alone.
    pub(crate) fn in_question(&self) -> Vec<bool> {
        let mut touched = vec![self.everything; self.catalog.components.len()];
        let mut in_question = touched.clone();
        for &index in &self.catalog.order {
            let hits = &self.hits[index];
            let by_need =
                self.dependents && self.catalog.components[index].needs.iter().any(|need| touched[*need]);
            let by_share = !hits.shared.is_empty() || !hits.used.is_empty();
            touched[index] = by_need || by_share || !hits.cells.is_empty();
            in_question[index] =
                self.everything || by_need || by_share || hits.cells.values().any(|is_there| !is_there);
        }
        in_question
    }

    /// Decides on every component; `existing` holds the cells of those that were in question.
    pub(crate) fn decide(&self, existing: &[BTreeSet<Cell>]) -> Vec<Decision> {
        let mut decisions: Vec<Decision> =
            self.catalog.components.iter().map(|_| Decision::default()).collect();
        let users = self.users();
        for &index in &self.catalog.order {
            decisions[index] = self.decide_one(index, &existing[index], &users[index], &decisions);
        }
        decisions
    }

    /// For each component the parts of it that use something which was hit, with the way there.
    fn users(&self) -> Vec<Vec<(Cause, &Owners)>> {
        let mut users = vec![Vec::new(); self.hits.len()];
        let hit: BTreeSet<usize> = self.hits.iter().flat_map(|hits| &hits.used).copied().collect();
        for node in hit {
            let ways = self.web.ways_to(node);
            for (component, users) in users.iter_mut().enumerate() {
                if self.hits[component].used.contains(&node) {
                    let roots = self.web.roots(component).filter(|(root, _)| ways.lead_from(*root));
                    users.extend(roots.map(|(root, owners)| (Cause::Uses(root, node), owners)));
                }
            }
        }
        users
    }

    fn decide_one(
        &self,
        index: usize,
        existing: &BTreeSet<Cell>,
        users: &[(Cause, &Owners)],
        decided: &[Decision],
    ) -> Decision {
        let (component, hits) = (&self.catalog.components[index], &self.hits[index]);
        let mut decision = Decision::default();
        for (cell, is_there) in &hits.cells {
            if *is_there || existing.contains(cell) {
                decision.changed.insert(cell.clone(), Cause::Own);
            } else {
                decision.deleted.insert(cell.clone());
            }
        }
        for (pattern, captured) in &hits.shared {
            decision.touch(existing, component.shared_dimensions(*pattern), captured, Cause::Shared);
        }
        for (cause, owners) in users {
            for cell in &owners.cells {
                decision.changed.entry(cell.clone()).or_insert(*cause);
            }
            for (pattern, captured) in &owners.shared {
                let captured = BTreeSet::from([captured.clone()]);
                let dimensions = component.shared_dimensions(*pattern);
                decision.touch(existing, dimensions, &captured, *cause);
            }
        }
        for &need in component.needs.iter().filter(|_| self.dependents) {
            let (ours, theirs) = component.dimensions_shared_with(&self.catalog.components[need]);
            let needed = &decided[need];
            // A cell that is gone has changed for those that still need it.
            let cells = needed.changed.keys().chain(&needed.deleted);
            let values = cells.map(|cell| project(cell, &theirs)).collect();
            decision.touch(existing, &ours, &values, Cause::Needs(need));
        }
        if self.everything {
            decision.touch(existing, &[], &BTreeSet::from([Cell::new()]), Cause::Everything);
        }
        decision
    }
}

impl Decision {
    /// Whether the component is to be built, planned, deployed: a cell of it changed and exists.
    pub(crate) fn is_changed(&self) -> bool {
        !self.changed.is_empty()
    }

    /// Whether nothing of the component itself changed, only what it needs.
    pub(crate) fn is_by_need_only(&self) -> bool {
        self.deleted.is_empty() && self.changed.values().all(|cause| matches!(cause, Cause::Needs(_)))
    }

    /// The components because of which a cell changed that had no change of its own, by position.
    pub(crate) fn needs(&self) -> Vec<usize> {
        let need = |cause: &Cause| if let Cause::Needs(need) = cause { Some(*need) } else { None };
        let needs: BTreeSet<usize> = self.changed.values().filter_map(need).collect();
        needs.into_iter().collect()
    }

    /// Adds the existing cells that have one of `values` in `dimensions`.
    fn touch(
        &mut self,
        existing: &BTreeSet<Cell>,
        dimensions: &[usize],
        values: &BTreeSet<Cell>,
        cause: Cause,
    ) {
        if values.is_empty() {
            return;
        }
        for cell in existing.iter().filter(|cell| values.contains(&project(cell, dimensions))) {
            self.changed.entry(cell.clone()).or_insert(cause);
        }
    }
}

/// What a cell holds in some dimensions.
fn project(cell: &Cell, dimensions: &[usize]) -> Cell {
    dimensions.iter().filter_map(|dimension| cell.get(*dimension)).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        changes::Change,
        components::tests::{LAYERS, catalog, cell, file},
        status::Status,
        tally::Keep,
    };

    fn hits(catalog: &Catalog, changed: &[(Status, &str)]) -> Vec<ComponentHits> {
        let mut hits: Vec<ComponentHits> =
            catalog.components.iter().map(|_| ComponentHits::default()).collect();
        for (status, path) in changed {
            for (component, hits) in catalog.components.iter().zip(&mut hits) {
                hits.count(
                    &Change { file: file(path), status: *status, id: None },
                    component,
                    Vec::new(),
                    Keep::default(),
                );
            }
        }
        hits
    }

    /// Decides on changed files and on those that the head tree has, both given as one path a line.
    fn decide(yaml: &str, changed: &[(Status, &str)], tree: &[&str], dependents: bool) -> Vec<Decision> {
        let catalog = catalog(yaml);
        let hits = hits(&catalog, changed);
        let web = Web::default();
        let case = Case { catalog: &catalog, hits: &hits, web: &web, dependents, everything: false };
        let cells_of = |component: &crate::components::Component| {
            tree.iter()
                .filter_map(|path| component.cells_of(file(path)))
                .flat_map(|(_, cells)| cells)
                .collect()
        };
        let existing: Vec<BTreeSet<Cell>> = catalog.components.iter().map(cells_of).collect();
        // What is not in question must not need the tree.
        let asked: Vec<BTreeSet<Cell>> = existing
            .iter()
            .zip(case.in_question())
            .map(|(cells, asked)| if asked { cells.clone() } else { BTreeSet::new() })
            .collect();
        let decisions = case.decide(&existing);
        assert_eq!(case.decide(&asked), decisions);
        decisions
    }

    const TREE: [&str; 6] = [
        "regions/eu/layers/01-foundation/dev/main.tf",
        "regions/eu/layers/01-foundation/prod/main.tf",
        "regions/us/layers/01-foundation/prod/main.tf",
        "regions/eu/layers/03-databases/prod/clients/one/main.tf",
        "regions/eu/layers/03-databases/prod/clients/two/main.tf",
        "regions/us/layers/03-databases/prod/clients/one/main.tf",
    ];

    fn changed(decision: &Decision) -> Vec<(Cell, Cause)> {
        decision.changed.iter().map(|(cell, cause)| (cell.clone(), *cause)).collect()
    }

    #[test]
    fn a_changed_file_is_a_changed_cell_and_the_cells_that_need_it() {
        let decisions = decide(LAYERS, &[(Status::Modified, TREE[1])], &TREE, true);
        assert_eq!(changed(&decisions[0]), [(cell(&["eu", "prod"]), Cause::Own)]);
        assert_eq!(
            changed(&decisions[1]),
            [
                (cell(&["eu", "prod", "one"]), Cause::Needs(0)),
                (cell(&["eu", "prod", "two"]), Cause::Needs(0))
            ]
        );
        assert_eq!(decisions[1].needs(), [0]);
        assert_eq!(decisions[2], Decision::default());
    }

    #[test]
    fn without_dependents_only_its_own_files_count() {
        let decisions = decide(LAYERS, &[(Status::Modified, TREE[1])], &TREE, false);
        assert!(decisions[0].is_changed());
        assert_eq!(decisions[1], Decision::default());
    }

    #[test]
    fn a_shared_file_touches_every_cell_that_exists() {
        let decisions = decide(LAYERS, &[(Status::Deleted, "modules/foundation/x.tf")], &TREE, true);
        let cells = [cell(&["eu", "dev"]), cell(&["eu", "prod"]), cell(&["us", "prod"])];
        assert_eq!(changed(&decisions[0]), cells.map(|cell| (cell, Cause::Shared)));
        assert_eq!(decisions[1].changed.len(), 3);
        let nowhere = decide(LAYERS, &[(Status::Added, "modules/foundation/x.tf")], &[], true);
        assert_eq!(nowhere[0], Decision::default());
    }

    #[test]
    fn a_shared_file_that_captures_touches_the_cells_with_the_same_value() {
        let yaml = "version: 1\ncomponents: {a: {paths: ['{region}/{environment}/**'], shared: ['vars/{environment}.tf']}}\n";
        let decisions =
            decide(yaml, &[(Status::Added, "vars/prod.tf")], &["eu/dev/x", "eu/prod/x", "us/prod/x"], true);
        let cells = [cell(&["eu", "prod"]), cell(&["us", "prod"])];
        assert_eq!(changed(&decisions[0]), cells.map(|cell| (cell, Cause::Shared)));
    }

    #[test]
    fn a_cell_is_deleted_when_no_file_of_it_is_left() {
        let gone = "regions/us/layers/01-foundation/prod/main.tf";
        let partly = "regions/eu/layers/01-foundation/prod/old.tf";
        let tree: Vec<&str> = TREE.into_iter().filter(|path| *path != gone).collect();
        let decisions = decide(LAYERS, &[(Status::Deleted, gone), (Status::Deleted, partly)], &tree, true);
        assert_eq!(decisions[0].deleted, BTreeSet::from([cell(&["us", "prod"])]));
        assert_eq!(changed(&decisions[0]), [(cell(&["eu", "prod"]), Cause::Own)]);
        // What still needs the deleted cell is touched by that.
        assert!(decisions[1].changed.contains_key(&cell(&["us", "prod", "one"])));
    }

    #[test]
    fn a_component_without_dimensions_is_one_cell() {
        let (gone, kept) = ("services/backend/a", "libs/b");
        let decisions = decide(LAYERS, &[(Status::Deleted, gone)], &[kept], true);
        assert_eq!(changed(&decisions[2]), [(cell(&[]), Cause::Own)]);
        let decisions = decide(LAYERS, &[(Status::Deleted, gone)], &[], true);
        assert!(!decisions[2].is_changed());
        assert_eq!(decisions[2].deleted, BTreeSet::from([cell(&[])]));
    }

    #[test]
    fn dependents_of_dependents_change_too() {
        let yaml = "version: 1\ncomponents:\n  c: {paths: [c/**], needs: [b]}\n  b: {paths: ['b/{x}/**'], needs: [a]}\n  a: {paths: [a/**]}\n";
        let decisions = decide(yaml, &[(Status::Added, "a/1")], &["a/1", "b/1/x", "b/2/x", "c/1"], true);
        assert_eq!(changed(&decisions[0]), [(cell(&[]), Cause::Needs(1))]);
        assert_eq!(decisions[1].changed.len(), 2);
    }

    #[test]
    fn nothing_is_nothing() {
        assert!(decide(LAYERS, &[], &TREE, true).iter().all(|decision| *decision == Decision::default()));
    }

    #[test]
    fn the_tree_is_asked_only_where_it_matters() {
        let in_question = |status, path, dependents| {
            let catalog = catalog(LAYERS);
            let hits = hits(&catalog, &[(status, path)]);
            let web = Web::default();
            Case { catalog: &catalog, hits: &hits, web: &web, dependents, everything: false }.in_question()
        };
        assert_eq!(in_question(Status::Added, "README.md", true), [false, false, false]);
        assert_eq!(in_question(Status::Modified, TREE[0], false), [false, false, false]);
        assert_eq!(in_question(Status::Modified, TREE[0], true), [false, true, false]);
        assert_eq!(in_question(Status::Deleted, TREE[0], false), [true, false, false]);
        assert_eq!(in_question(Status::Added, "modules/foundation/x", true), [true, true, false]);
    }
}
