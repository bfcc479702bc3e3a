//! Which cells the head tree has.

use std::collections::{BTreeSet, HashSet};

use sluice_core::Problem;

use crate::{
    changes::{self, File, Visitor},
    components::{Cell, Component, Pattern},
    levels::Levels,
    repository::{Repository, Revision},
    tree::split,
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
    let open = asked.map(|((component, cells), _)| Search::new(component, cells)).collect();
    let mut census = Census { open, exhausted: None, go_on };
    if !census.open.is_empty() {
        changes::files(repository, head, &mut census)?;
    }
    Ok(cells)
}

struct Census<'a, G> {
    /// The components whose cells are not all found yet.
    open: Vec<Search<'a>>,
    /// The last folder that had nothing new any more.
    exhausted: Option<Vec<u8>>,
    go_on: G,
}

/// The search for the cells of one component.
struct Search<'a> {
    component: &'a Component,
    cells: &'a mut BTreeSet<Cell>,
    paths: Vec<Path<'a>>,
}

/// A pattern of a component, and what is known of it.
struct Path<'a> {
    pattern: &'a Pattern,
    levels: Option<Levels>,
    /// The folders in which a file was found that tells the cell of all others.
    found: HashSet<Vec<u8>>,
}

impl<G: Fn() -> Result<(), Problem>> Visitor for Census<'_, G> {
    fn enters(&mut self, folder: &[u8]) -> Result<bool, Problem> {
        (self.go_on)()?;
        Ok(self.has_new(folder))
    }

    fn file(&mut self, file: File<'_>) {
        let folder = split(file.path).0;
        if self.exhausted.as_deref() == Some(folder) {
            return;
        }
        let mut is_found = false;
        self.open.retain_mut(|search| {
            is_found |= search.look_at(file);
            // A component without dimensions has one cell: its first file answers the question.
            search.cells.is_empty() || !search.component.dimensions.is_empty()
        });
        if is_found && !self.has_new(folder) {
            self.exhausted = Some(folder.to_vec());
        }
    }
}

impl<G> Census<'_, G> {
    /// Whether a file below a folder may be of a cell that is not found yet.
    fn has_new(&self, folder: &[u8]) -> bool {
        self.open.iter().flat_map(|search| &search.paths).any(|path| path.has_new(folder))
    }
}

impl<'a> Search<'a> {
    fn new(component: &'a Component, cells: &'a mut BTreeSet<Cell>) -> Self {
        let path = |pattern: &'a Pattern| Path {
            pattern,
            levels: Levels::of(pattern.glob.as_str()),
            found: HashSet::new(),
        };
        Self { component, cells, paths: component.paths().iter().map(path).collect() }
    }

    /// Whether a file is one of the component.
    fn look_at(&mut self, file: File<'_>) -> bool {
        let mut is_taken = false;
        for (index, _, cell) in self.component.takes(file) {
            is_taken = true;
            self.cells.insert(cell);
            if let Some(path) = self.paths.get_mut(index) {
                path.remember(file.path);
            }
        }
        is_taken
    }
}

impl Path<'_> {
    fn has_new(&self, folder: &[u8]) -> bool {
        match &self.levels {
            None => self.pattern.may_match_below(folder),
            Some(levels) => {
                levels.lead_into(folder)
                    && levels.decisive(folder).is_none_or(|decisive| !self.found.contains(decisive))
            }
        }
    }

    fn remember(&mut self, path: &[u8]) {
        let decisive = self.levels.as_ref().and_then(|levels| levels.decisive(path));
        if let Some(decisive) = decisive.filter(|decisive| !self.found.contains(*decisive)) {
            self.found.insert(decisive.to_vec());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use proptest::prelude::*;

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

    /// A visitor that counts what another one enters.
    struct Counting<'a, V>(V, &'a mut Vec<String>);

    impl<V: Visitor> Visitor for Counting<'_, V> {
        fn enters(&mut self, folder: &[u8]) -> Result<bool, Problem> {
            let enters = self.0.enters(folder)?;
            self.1.extend(enters.then(|| String::from_utf8(folder.to_vec()).unwrap()));
            Ok(enters)
        }

        fn file(&mut self, file: File<'_>) {
            self.0.file(file);
        }
    }

    #[test]
    fn a_walk_goes_only_where_there_may_be_another_cell() {
        let sandbox = Sandbox::new();
        sandbox.write_all(&[
            "apps/one/a",
            "apps/one/deep/b",
            "apps/two/README.md",
            "apps/two/z/a",
            "apps/two/z/deep/a",
            "apps/x.md",
            "jobs/one/src/a",
            "jobs/one/test/a",
            "other/a",
        ]);
        sandbox.commit();
        let repository = Repository::open(sandbox.path()).unwrap();
        let head = repository.named("HEAD").unwrap();
        let yaml =
            "version: 1\ncomponents: {a: {paths: ['apps/{name}/**', 'jobs/{name}/src/**', '!**/*.md']}}\n";
        let catalog = catalog(yaml);
        let (mut cells, mut entered) = (BTreeSet::new(), Vec::new());
        let open = vec![Search::new(&catalog.components[0], &mut cells)];
        let census = Census { open, exhausted: None, go_on: || Ok(()) };
        changes::files(&repository, head, &mut Counting(census, &mut entered)).unwrap();
        assert_eq!(cells, BTreeSet::from([cell(&["one"]), cell(&["two"])]));
        let expected = ["apps", "jobs", "apps/one", "apps/two", "jobs/one", "apps/two/z", "jobs/one/src"];
        assert_eq!(entered, expected);
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

    /// Walks over files as over a tree: folder by folder from the top.
    fn walk(files: &BTreeSet<String>, visitor: &mut impl Visitor) {
        let mut folders = VecDeque::from([String::new()]);
        while let Some(folder) = folders.pop_front() {
            let inside = files.iter().filter_map(|file| file.strip_prefix(&*folder));
            let names: BTreeSet<&str> =
                inside.map(|rest| rest.split_inclusive('/').next().unwrap()).collect();
            for name in names {
                let path = format!("{folder}{name}");
                match path.strip_suffix('/') {
                    Some(below) if visitor.enters(below.as_bytes()).unwrap() => folders.push_back(path),
                    Some(_) => {}
                    None => visitor.file(File { path: path.as_bytes(), is_plain: true }),
                }
            }
        }
    }

    proptest! {
        /// A walk that leaves folders out finds what one over all files does.
        #[test]
        fn no_cell_is_missed(
            patterns in prop::collection::vec(
                "(a|b|\\*|\\{x\\})/(\\{x\\}|a|\\*|\\*\\*|a\\{x\\})/(\\*\\*|b/\\*\\*|\\*\\.md|\\{x\\}/\\*\\*)", 1..4
            ),
            left_out in prop::option::of("!(\\*\\*/\\*\\.md|a/\\*\\*|\\*\\*/b/\\*\\*)"),
            files in prop::collection::btree_set("([ab]{1,2}/){0,4}f[ab](\\.md)?", 0..40),
        ) {
            let patterns = patterns.iter().filter(|pattern| pattern.contains("{x}")).chain(&left_out);
            let patterns: Vec<String> = patterns.map(|pattern| format!("'{pattern}'")).collect();
            let yaml = format!("version: 1\ncomponents: {{c: {{paths: [{}]}}}}\n", patterns.join(", "));
            prop_assume!(patterns.iter().any(|pattern| pattern.contains("{x}")));
            let catalog = catalog(&yaml);
            let component = &catalog.components[0];
            let mut found = BTreeSet::new();
            let open = vec![Search::new(component, &mut found)];
            walk(&files, &mut Census { open, exhausted: None, go_on: || Ok(()) });
            let of = |file: &String| component.cells_of(File { path: file.as_bytes(), is_plain: true });
            let all: BTreeSet<Cell> = files.iter().filter_map(of).flat_map(|(_, cells)| cells).collect();
            prop_assert_eq!(found, all);
        }
    }
}
