//! Which cells the head tree has.

use std::collections::BTreeSet;

use sluice_core::Problem;

use crate::{
    changes::{self, File, Visitor},
    components::{Cell, Component},
    repository::{Repository, Revision},
};

/// The cells of the components `in_question` that have a file in `head`, found in one walk.
pub(crate) fn cells(
    repository: &Repository,
    head: Revision,
    components: &[Component],
    in_question: &[bool],
    go_on: impl Fn() -> Result<(), Problem>,
) -> Result<Vec<BTreeSet<Cell>>, Problem> {
    let mut cells = vec![BTreeSet::new(); components.len()];
    let asked = components.iter().zip(&mut cells).zip(in_question).filter(|(_, asked)| **asked);
    let mut census = Census { open: asked.map(|(pair, _)| pair).collect(), go_on };
    if !census.open.is_empty() {
        changes::files(repository, head, &mut census)?;
    }
    Ok(cells)
}

struct Census<'a, G> {
    /// The components whose cells are not all found yet.
    open: Vec<(&'a Component, &'a mut BTreeSet<Cell>)>,
    go_on: G,
}

impl<G: Fn() -> Result<(), Problem>> Visitor for Census<'_, G> {
    fn enters(&mut self, folder: &[u8]) -> Result<bool, Problem> {
        (self.go_on)()?;
        Ok(self.open.iter().any(|(component, _)| component.may_lie_below(folder)))
    }

    fn file(&mut self, file: File<'_>) {
        self.open.retain_mut(|(component, cells)| {
            if let Some((_, found)) = component.cells_of(file) {
                cells.extend(found);
            }
            // A component without dimensions has one cell: its first file answers the question.
            cells.is_empty() || !component.dimensions.is_empty()
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        components::tests::{LAYERS, catalog, cell},
        sandbox::Sandbox,
    };

    #[test]
    fn every_cell_of_what_is_in_question_is_found() {
        let sandbox = Sandbox::new();
        sandbox.write_all(&[
            "regions/eu/layers/01-foundation/dev/a.tf",
            "regions/eu/layers/01-foundation/prod/a.tf",
            "regions/us/layers/01-foundation/prod/a.tf",
            "regions/us/layers/03-databases/prod/clients/one/a.tf",
            "libs/a",
            "libs/b",
        ]);
        sandbox.commit();
        let repository = Repository::open(sandbox.path()).unwrap();
        let head = repository.named("HEAD").unwrap();
        let components = catalog(LAYERS).components;
        let cells = |asked: &[bool]| cells(&repository, head, &components, asked, || Ok(())).unwrap();
        let foundation = [cell(&["eu", "dev"]), cell(&["eu", "prod"]), cell(&["us", "prod"])];
        let found = [BTreeSet::from(foundation), BTreeSet::new(), BTreeSet::from([cell(&[])])];
        assert_eq!(cells(&[true, false, true]), found);
        assert_eq!(cells(&[false; 3]), [const { BTreeSet::new() }; 3]);
    }

    #[test]
    fn a_walk_ends_when_it_may_not_go_on() {
        let sandbox = Sandbox::new();
        sandbox.write_all(&["libs/a"]);
        sandbox.commit();
        let repository = Repository::open(sandbox.path()).unwrap();
        let head = repository.named("HEAD").unwrap();
        let components = catalog(LAYERS).components;
        let stop = || Err(Problem::undecided("enough"));
        assert_eq!(
            cells(&repository, head, &components, &[true; 3], stop),
            Err(Problem::undecided("enough"))
        );
    }
}
