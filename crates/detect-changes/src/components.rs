//! The components of the configuration, ready to be asked about a path.

use sluice_config::{Components, Placed};
use sluice_core::{Place, Problem, Problems, nearest};
use sluice_glob::{Captures, Glob};

use crate::{changes::File, needs};

/// What one cell of a component captured, in the order of the component's dimensions.
pub(crate) type Cell = Vec<Vec<u8>>;

/// The key of a cell in a matrix that names its component.
pub(crate) const COMPONENT: &str = "component";

/// The components of a configuration.
#[derive(Debug)]
pub(crate) struct Catalog {
    /// In the order of the configuration.
    pub(crate) components: Vec<Component>,
    /// The positions, each behind all that it needs.
    pub(crate) order: Vec<usize>,
}

/// A component of the configuration.
#[derive(Debug)]
pub(crate) struct Component {
    pub(crate) name: String,
    /// Where its files are named.
    pub(crate) place: Place,
    /// What its paths capture. Without dimensions it has one cell.
    pub(crate) dimensions: Vec<String>,
    /// The components that it needs, by position.
    pub(crate) needs: Vec<usize>,
    paths: Patterns,
    shared: Patterns,
    /// For each pattern of `shared` the dimensions that it captures, by position, in its own order.
    shared_dimensions: Vec<Vec<usize>>,
}

/// Patterns, and those with `!` that take files out again.
#[derive(Debug, Default)]
struct Patterns {
    taken: Vec<Pattern>,
    left_out: Vec<Glob>,
}

/// A pattern that may capture.
#[derive(Debug)]
pub(crate) struct Pattern {
    pub(crate) glob: Glob,
    /// Where it is written.
    pub(crate) place: Place,
    /// For `.../{name}/**`, which also matches the folder itself: what matches inside of it only. Else a
    /// plain file that lies beside the folders would be taken for one: a README for an environment.
    inside: Option<Glob>,
}

impl Catalog {
    /// Compiles all components, or tells everything that is wrong with them.
    pub(crate) fn compile(
        written: &Components,
        place: impl Fn(&Placed<String>) -> Place,
    ) -> Result<Self, Problems> {
        let mut problems = Problems::default();
        let mut components = Vec::with_capacity(written.len());
        for (name, component) in written {
            let mut reader = Reader { name, components: written, place: &place, problems: &mut problems };
            components.push(reader.component(component));
        }
        let catalog = Self { components, order: Vec::new() };
        match needs::order(&catalog.needs()) {
            Ok(order) => problems.or(Self { order, ..catalog }),
            Err(circle) => {
                problems.0.push(circular(written, &circle, place));
                Err(problems)
            }
        }
    }

    /// What each component needs, by position.
    pub(crate) fn needs(&self) -> Vec<&[usize]> {
        self.components.iter().map(|component| &*component.needs).collect()
    }
}

impl Component {
    /// The first pattern of `paths` that matches, with the cells that the path belongs to.
    pub(crate) fn cells_of(&self, file: File<'_>) -> Option<(&Glob, Vec<Cell>)> {
        let mut takes = self.takes(file);
        let (_, first, cell) = takes.next()?;
        let mut cells = vec![cell];
        if !self.dimensions.is_empty() {
            for (_, _, cell) in takes {
                if !cells.contains(&cell) {
                    cells.push(cell);
                }
            }
        }
        Some((first, cells))
    }

    /// The patterns of `paths` that take a file in, by position, each with the cell that it captures.
    pub(crate) fn takes(&self, file: File<'_>) -> impl Iterator<Item = (usize, &Glob, Cell)> {
        self.paths.taken.iter().enumerate().filter_map(move |(index, pattern)| {
            let captures = pattern.captures(file)?;
            let value = |name: &String| captures.get(name).unwrap_or_default().to_vec();
            let cell = || self.dimensions.iter().map(value).collect();
            (!self.paths.leaves_out(file)).then(|| (index, &pattern.glob, cell()))
        })
    }

    /// The patterns of `shared` that match, by position, each with what it captures.
    pub(crate) fn shares(&self, file: File<'_>) -> impl Iterator<Item = (usize, &Glob, Cell)> {
        self.shared.taken.iter().enumerate().filter_map(move |(index, pattern)| {
            let captured = pattern.captures(file)?.iter().map(|(_, value)| value.to_vec()).collect();
            (!self.shared.leaves_out(file)).then_some((index, &pattern.glob, captured))
        })
    }

    /// The dimensions that a pattern of `shared` captures, by position.
    pub(crate) fn shared_dimensions(&self, pattern: usize) -> &[usize] {
        self.shared_dimensions.get(pattern).map_or(&[], |dimensions| dimensions)
    }

    /// Whether a file is left out by a pattern with `!`.
    pub(crate) fn leaves_out(&self, file: File<'_>) -> bool {
        self.paths.leaves_out(file) || self.shared.leaves_out(file)
    }

    /// Whether the configuration says what a file is to this component, be it nothing.
    pub(crate) fn knows(&self, file: File<'_>) -> bool {
        self.patterns().any(|pattern| pattern.captures(file).is_some())
    }

    /// The patterns of `paths` that take files in.
    pub(crate) fn paths(&self) -> &[Pattern] {
        &self.paths.taken
    }

    /// Whether a file of this component, or one that its cells share, may lie somewhere below `folder`.
    pub(crate) fn may_share_below(&self, folder: &[u8]) -> bool {
        self.patterns().any(|pattern| pattern.may_match_below(folder))
    }

    /// The patterns of `paths` and `shared` that take files in.
    pub(crate) fn patterns(&self) -> impl Iterator<Item = &Pattern> {
        self.paths.taken.iter().chain(&self.shared.taken)
    }

    /// The pairs of equal dimensions of this component and another, by position.
    pub(crate) fn dimensions_shared_with(&self, other: &Self) -> (Vec<usize>, Vec<usize>) {
        let position = |name: &String| other.dimensions.iter().position(|known| known == name);
        self.dimensions
            .iter()
            .enumerate()
            .filter_map(|(ours, name)| position(name).map(|theirs| (ours, theirs)))
            .unzip()
    }
}

impl Patterns {
    fn leaves_out(&self, file: File<'_>) -> bool {
        self.left_out.iter().any(|glob| glob.excludes(file.path))
    }
}

impl Pattern {
    fn new(glob: Glob, place: Place) -> Result<Self, sluice_glob::Error> {
        let takes_folder = !glob.capture_names().is_empty() && glob.as_str().ends_with("/**");
        let inside = takes_folder.then(|| Glob::with_captures(&format!("{}/*", glob.as_str())));
        Ok(Self { inside: inside.transpose()?, glob, place })
    }

    /// Whether a file that it matches may lie somewhere below `folder`.
    pub(crate) fn may_match_below(&self, folder: &[u8]) -> bool {
        let prefix = self.glob.literal_prefix().as_bytes();
        lies_in(folder, prefix) || lies_in(prefix, folder)
    }

    pub(crate) fn captures<'p>(&self, file: File<'p>) -> Option<Captures<'_, 'p>> {
        match &self.inside {
            Some(inside) if file.is_plain => inside.captures(file.path),
            _ => self.glob.captures(file.path),
        }
    }
}

/// Reads one component and collects what is wrong with it.
struct Reader<'a, P> {
    name: &'a Placed<String>,
    components: &'a Components,
    place: &'a P,
    problems: &'a mut Problems,
}

impl<P: Fn(&Placed<String>) -> Place> Reader<'_, P> {
    fn component(&mut self, component: &sluice_config::Component) -> Component {
        self.check_name();
        let paths = self.patterns(&component.paths);
        if paths.left_out.len() == component.paths.len() {
            self.problem(format!("the component \"{}\" has no paths", self.name.value), self.name).help =
                Some("write at least one pattern that takes files in".to_owned());
        }
        let dimensions = self.dimensions(&component.paths, &paths);
        let shared = self.patterns(&component.shared);
        let shared_dimensions = self.shared_dimensions(&component.shared, &shared, &dimensions);
        Component {
            name: self.name.value.clone(),
            place: (self.place)(component.paths.first().unwrap_or(self.name)),
            needs: self.needs(&component.needs),
            dimensions,
            paths,
            shared,
            shared_dimensions,
        }
    }

    /// A name is part of the names of outputs.
    fn check_name(&mut self) {
        let name = &self.name.value;
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        if name.is_empty() || !name.chars().all(is_plain) {
            self.problem(format!("\"{name}\" is no name for a component"), self.name).help =
                Some("write letters, digits, `_` and `-` only: it names outputs".to_owned());
        }
    }

    fn patterns(&mut self, written: &[Placed<String>]) -> Patterns {
        let mut patterns = Patterns::default();
        for pattern in written {
            let compiled = Glob::with_captures(pattern).and_then(|glob| {
                if glob.is_negated() {
                    patterns.left_out.push(glob);
                } else {
                    patterns.taken.push(Pattern::new(glob, (self.place)(pattern))?);
                }
                Ok(())
            });
            if let Err(error) = compiled {
                self.problem(error.to_string(), pattern);
            }
        }
        patterns
    }

    /// All paths capture the same names: else a file of one would have no cell of the other.
    fn dimensions(&mut self, written: &[Placed<String>], paths: &Patterns) -> Vec<String> {
        let Some(first) = paths.taken.first() else { return Vec::new() };
        let dimensions = first.glob.capture_names().to_vec();
        for Pattern { glob, .. } in &paths.taken {
            let names = glob.capture_names();
            let Some(pattern) = written.iter().find(|pattern| pattern.value == glob.as_str()) else {
                continue;
            };
            if names.iter().any(|name| name == COMPONENT) {
                self.problem(format!("`{{{COMPONENT}}}` can't be captured"), pattern).why =
                    Some("in a matrix that key holds the component's name".to_owned());
            }
            let is_same =
                names.len() == dimensions.len() && names.iter().all(|name| dimensions.contains(name));
            if !is_same {
                let problem = self.problem(
                    format!("the pattern \"{}\" captures other names than the first one", pattern.value),
                    pattern,
                );
                problem.why = Some(format!("the first captures {}", listed(&dimensions)));
                problem.help = Some(
                    "capture the same names; files that all cells share stand under `shared`".to_owned(),
                );
            }
        }
        dimensions
    }

    fn shared_dimensions(
        &mut self,
        written: &[Placed<String>],
        shared: &Patterns,
        dimensions: &[String],
    ) -> Vec<Vec<usize>> {
        let mut all = Vec::with_capacity(shared.taken.len());
        for Pattern { glob, .. } in &shared.taken {
            let mut captured = Vec::new();
            for name in glob.capture_names() {
                if let Some(position) = dimensions.iter().position(|known| known == name) {
                    captured.push(position);
                } else if let Some(pattern) = written.iter().find(|pattern| pattern.value == glob.as_str()) {
                    let problem = self.problem(format!("`paths` does not capture `{{{name}}}`"), pattern);
                    problem.help = Some(match nearest(name, dimensions.iter().map(String::as_str)) {
                        Some(meant) => format!("did you mean `{{{meant}}}`?"),
                        None => "write `*`, or capture it in `paths` too".to_owned(),
                    });
                }
            }
            all.push(captured);
        }
        all
    }

    fn needs(&mut self, written: &[Placed<String>]) -> Vec<usize> {
        let mut needs = Vec::new();
        for need in written {
            let position = self.components.keys().position(|name| name.value == need.value);
            if let Some(position) = position {
                needs.push(position);
            } else {
                let names = self.components.keys().map(|name| name.value.as_str());
                let meant = nearest(need, names).map(|meant| format!("did you mean \"{meant}\"?"));
                self.problem(format!("no component is called \"{}\"", need.value), need).help = meant;
            }
        }
        needs
    }

    fn problem(&mut self, what: String, at: &Placed<String>) -> &mut Problem {
        let place = (self.place)(at);
        self.problems.0.push_mut(Problem::misconfigured(what).at(place))
    }
}

/// The problem of components that need each other, at the first `needs` of the circle.
fn circular(components: &Components, circle: &[usize], place: impl Fn(&Placed<String>) -> Place) -> Problem {
    let entries: Vec<_> = circle.iter().filter_map(|index| components.get_index(*index)).collect();
    let mut names: Vec<&str> = entries.iter().map(|(name, _)| name.value.as_str()).collect();
    names.extend(names.first().copied());
    let problem = Problem::misconfigured(format!("components need each other: {}", names.join(" → ")))
        .why("none of them could be deployed first")
        .help("leave one of these `needs` out");
    let next = names.get(1).copied().unwrap_or_default();
    let need =
        entries.first().and_then(|(_, component)| component.needs.iter().find(|need| need.value == next));
    match need {
        Some(need) => problem.at(place(need)),
        None => problem,
    }
}

/// Whether a path is that of a folder, or of something in it.
fn lies_in(path: &[u8], folder: &[u8]) -> bool {
    folder.is_empty() || path.strip_prefix(folder).is_some_and(|rest| matches!(rest, [] | [b'/', ..]))
}

fn listed(names: &[String]) -> String {
    if names.is_empty() {
        return "nothing".to_owned();
    }
    names.iter().map(|name| format!("{{{name}}}")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
pub(crate) mod tests {
    use sluice_config::Placed;
    use sluice_core::Configuration as _;

    use super::*;
    use crate::config::Sections;

    /// Two layers of an infrastructure, and a service.
    pub(crate) const LAYERS: &str = "
version: 1
components:
  foundation:
    paths: ['regions/{region}/layers/01-foundation/{environment}/**']
    shared: ['modules/foundation/**', '!**/*.md']
  databases:
    paths: ['regions/{region}/layers/03-databases/{environment}/clients/{client}/**']
    needs: [foundation]
  backend:
    paths: ['services/backend/**', 'libs/**', '!**/*.md']
";

    pub(crate) fn config(yaml: &str) -> sluice_config::File<Sections> {
        sluice_config::File::parse(yaml.as_bytes(), ".github/sluice.yml").unwrap()
    }

    pub(crate) fn catalog(yaml: &str) -> Catalog {
        let config = config(yaml);
        Catalog::compile(&config.sections.components, |value: &Placed<String>| config.place_of(value))
            .unwrap()
    }

    pub(crate) fn file(path: &str) -> File<'_> {
        File { path: path.as_bytes(), is_plain: true }
    }

    pub(crate) fn cell(values: &[&str]) -> Cell {
        values.iter().map(|value| value.as_bytes().to_vec()).collect()
    }

    fn problems(components: &str) -> String {
        let yaml = format!("version: 1\ncomponents:\n{components}");
        let problems = sluice_config::File::<Sections>::parse(yaml.as_bytes(), "sluice.yml").unwrap_err();
        let lines = problems.0.iter().map(|problem| {
            let place = problem.place.as_ref().map(ToString::to_string).unwrap_or_default();
            format!("{place}: {} ({})", problem.what, problem.help.as_deref().unwrap_or_default())
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn a_path_belongs_to_the_cell_that_it_captures() {
        let catalog = catalog(LAYERS);
        let [foundation, databases, backend] = &*catalog.components else { panic!("three") };
        assert_eq!(foundation.dimensions, ["region", "environment"]);
        let path = file("regions/eu/layers/01-foundation/dev/main.tf");
        let (pattern, cells) = foundation.cells_of(path).unwrap();
        assert_eq!(pattern.as_str(), "regions/{region}/layers/01-foundation/{environment}/**");
        assert_eq!(cells, [cell(&["eu", "dev"])]);
        assert!(databases.cells_of(path).is_none());
        assert_eq!(backend.cells_of(file("libs/a.rs")).unwrap().1, [cell(&[])]);
        assert_eq!(backend.cells_of(file("libs/a.md")).map(|(_, cells)| cells), None);
        assert_eq!(databases.dimensions_shared_with(foundation), (vec![0, 1], vec![0, 1]));
        assert_eq!(backend.dimensions_shared_with(foundation), (vec![], vec![]));
        assert_eq!(foundation.shares(file("modules/foundation/main.tf")).count(), 1);
        assert_eq!(foundation.shares(file("modules/foundation/README.md")).count(), 0);
    }

    #[test]
    fn a_path_may_belong_to_several_cells() {
        let catalog = catalog("version: 1\ncomponents: {a: {paths: ['{x}/*/f', '*/{x}/f']}}\n");
        let (pattern, cells) = catalog.components[0].cells_of(file("one/two/f")).unwrap();
        assert_eq!((pattern.as_str(), cells), ("{x}/*/f", vec![cell(&["one"]), cell(&["two"])]));
    }

    #[test]
    fn a_plain_file_beside_the_folders_is_no_cell() {
        let catalog = catalog(LAYERS);
        let cells =
            |path, is_plain| catalog.components[0].cells_of(File { path, is_plain }).map(|(_, cells)| cells);
        let beside = b"regions/eu/layers/01-foundation/README.md";
        assert_eq!(cells(beside, true), None);
        assert_eq!(cells(b"regions/eu/layers/01-foundation/dev/.x", true), Some(vec![cell(&["eu", "dev"])]));
        // A submodule or a link stands for the folder.
        assert_eq!(cells(b"regions/eu/layers/01-foundation/dev", false), Some(vec![cell(&["eu", "dev"])]));
    }

    #[test]
    fn folders_without_files_of_a_component_are_passed_over() {
        let catalog = catalog(LAYERS);
        let [foundation, _, backend] = &*catalog.components else { panic!("three") };
        for (folder, foundation_may, backend_may) in [
            ("regions", true, false),
            ("regions/eu", true, false),
            ("regionsx", false, false),
            ("region", false, false),
            ("services", false, true),
            ("services/backend/x", false, true),
            ("services/frontend", false, false),
        ] {
            let folder = folder.as_bytes();
            let may =
                |component: &Component| component.paths().iter().any(|path| path.may_match_below(folder));
            assert_eq!((may(foundation), may(backend)), (foundation_may, backend_may));
        }
        let anywhere = self::catalog("version: 1\ncomponents: {a: {paths: ['*.rs']}}\n");
        assert!(anywhere.components[0].paths()[0].may_match_below(b"x"));
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        insta::assert_snapshot!(problems("  a: {paths: [a], needs: [foundaton]}\n  foundation: {paths: [b]}\n"), @r##"sluice.yml:3:27: no component is called "foundaton" (did you mean "foundation"?)"##);
        insta::assert_snapshot!(problems("  a: {paths: ['']}\n  b: {paths: ['{x']}\n"), @r##"
sluice.yml:3:15: glob "", byte 0: the pattern is empty; write `**` to match every path ()
sluice.yml:4:15: glob "{x", byte 0: `{` is never closed; close it with `}`, or write `\{` for the character ()
"##);
        insta::assert_snapshot!(problems("  a: {paths: []}\n"), @r##"sluice.yml:3:3: the component "a" has no paths (write at least one pattern that takes files in)"##);
        insta::assert_snapshot!(problems("  a: {paths: ['!x']}\n"), @r##"sluice.yml:3:3: the component "a" has no paths (write at least one pattern that takes files in)"##);
        insta::assert_snapshot!(problems("  a/b: {paths: [x]}\n"), @r##"sluice.yml:3:3: "a/b" is no name for a component (write letters, digits, `_` and `-` only: it names outputs)"##);
        insta::assert_snapshot!(problems("  a: {paths: ['{x}/**', 'y/**']}\n"), @r##"sluice.yml:3:25: the pattern "y/**" captures other names than the first one (capture the same names; files that all cells share stand under `shared`)"##);
        insta::assert_snapshot!(problems("  a: {paths: ['{component}/**']}\n"), @"sluice.yml:3:15: `{component}` can't be captured ()");
        insta::assert_snapshot!(problems("  a: {paths: ['{region}/**'], shared: ['m/{regoin}/**']}\n"), @"sluice.yml:3:40: `paths` does not capture `{regoin}` (did you mean `{region}`?)");
    }

    #[test]
    fn a_circle_is_shown() {
        insta::assert_snapshot!(problems(
            "  a: {paths: [a], needs: [b]}\n  b: {paths: [b], needs: [c]}\n  c: {paths: [c], needs: [d, b]}\n  d: {paths: [d]}\n"
        ), @"sluice.yml:4:27: components need each other: b → c → b (leave one of these `needs` out)");
        insta::assert_snapshot!(problems("  a: {paths: [a], needs: [a]}\n"), @"sluice.yml:3:27: components need each other: a → a (leave one of these `needs` out)");
    }
}
