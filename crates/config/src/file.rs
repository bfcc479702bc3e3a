//! Reading the sections that an action asks for.

use serde::de::DeserializeOwned;
use sluice_core::{Configuration, Place, Problem, Problems, nearest};
use sluice_yaml::{Node, Placed, Source};

use crate::SECTIONS;

/// The version of the file's format that this crate reads.
pub const VERSION: u32 = 1;

/// The sections that one action reads.
pub trait Sections: DeserializeOwned + Default {
    /// Their names at the top of the file.
    const NAMES: &'static [&'static str];

    /// Checks what one value alone can't show: a name that must be declared elsewhere, say.
    fn check(&self, _: &Places<'_>) -> Problems {
        Problems::default()
    }
}

/// The sections of one file.
#[derive(Clone, Debug, Default)]
pub struct File<S> {
    /// The file's name, relative to the repository's root.
    pub name: String,
    /// What was read.
    pub sections: S,
}

/// Makes places of the file that is read.
#[derive(Clone, Copy, Debug)]
pub struct Places<'a>(&'a str);

impl Places<'_> {
    /// The place of a value.
    pub fn of<T>(&self, value: &Placed<T>) -> Place {
        Place::at(self.0, value.place.line, value.place.column)
    }
}

impl<S> File<S> {
    /// The place of a value of this file.
    pub fn place_of<T>(&self, value: &Placed<T>) -> Place {
        Places(&self.name).of(value)
    }
}

impl<S: Sections> Configuration for File<S> {
    fn parse(bytes: &[u8], name: &str) -> Result<Self, Problems> {
        let source = Source::parse(bytes).map_err(|error| problem(error, name))?;
        check_version(&source, name)?;
        check_names::<S>(&source, name)?;
        let sections: S = source.read().map_err(|error| problem(error, name))?;
        sections.check(&Places(name)).or(Self { name: name.to_owned(), sections })
    }

    fn absent() -> Self {
        Self { name: sluice_core::CONFIG_FILE.to_owned(), sections: S::default() }
    }
}

fn problem(error: sluice_yaml::Error, name: &str) -> Problem {
    let mut problem = Problem::misconfigured(error.what).at(place(error.place, name));
    problem.help = error.suggestion.map(|name| format!("did you mean \"{name}\"?"));
    problem
}

fn place(place: sluice_yaml::Place, name: &str) -> Place {
    Place::at(name, place.line, place.column)
}

fn check_version(source: &Source, name: &str) -> Result<(), Problem> {
    let first_line = format!("write `version: {VERSION}` as its first line");
    let version = match source.root() {
        Some(root) if !root.is_mapping() => {
            return Err(Problem::misconfigured("the configuration is not a mapping")
                .help(format!("{first_line}, and its sections below"))
                .at(place(root.place(), name)));
        }
        Some(root) => root.get("version").map_err(|error| problem(error, name))?,
        None => None,
    };
    let Some(version) = version else {
        return Err(Problem::misconfigured("the configuration does not say its version")
            .help(first_line)
            .at(Place::at(name, 1, 1)));
    };
    let problem = match version.as_str().map(str::parse) {
        Some(Ok(VERSION)) => return Ok(()),
        Some(Ok(other)) => Problem::misconfigured(format!("the configuration has version {other}"))
            .why(format!("this version of Sluice reads version {VERSION}"))
            .help("use the version of Sluice that the file was written for"),
        _ => Problem::misconfigured("the version of the configuration is not a whole number")
            .help(format!("write `version: {VERSION}`")),
    };
    Err(problem.at(place(version.place(), name)))
}

/// A key near to a section that the action reads, and that the file lacks, is a typo. Any other
/// unknown key may be a section of a newer version.
fn check_names<S: Sections>(source: &Source, name: &str) -> Result<(), Problems> {
    let entries = source.root().into_iter().flat_map(Node::entries);
    let keys: Vec<(&str, Node<'_>)> =
        entries.filter_map(|entry| Some((entry.key.as_str()?, entry.key))).collect();
    let is_there = |section: &str| keys.iter().any(|(key, _)| *key == section);
    let missing: Vec<&str> = S::NAMES.iter().copied().filter(|section| !is_there(section)).collect();
    let typos = keys.iter().filter(|(key, _)| *key != "version" && !SECTIONS.contains(key));
    let problems = typos.filter_map(|(key, node)| {
        let meant = nearest(key, missing.iter().copied())?;
        Some(
            Problem::misconfigured(format!("unknown key \"{key}\""))
                .help(format!("did you mean \"{meant}\"?"))
                .at(place(node.place(), name)),
        )
    });
    Problems(problems.collect()).or(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Components, Environments, Gate, Sluice};

    #[derive(Debug, Default, serde::Deserialize)]
    struct Some {
        #[serde(default)]
        components: Components,
        #[serde(default)]
        environments: Environments,
    }

    impl Sections for Some {
        const NAMES: &'static [&'static str] = &["components", "environments"];
    }

    fn problems(text: &str) -> String {
        let Err(problems) = File::<Some>::parse(text.as_bytes(), "sluice.yml") else {
            panic!("nothing is wrong")
        };
        let lines = problems.0.iter().map(|problem| {
            let place = problem.place.as_ref().map(ToString::to_string).unwrap_or_default();
            format!("{place}: {} ({})", problem.what, problem.help.as_deref().unwrap_or_default())
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn a_typo_in_a_section_that_is_read_names_the_nearest_key() {
        insta::assert_snapshot!(problems("version: 1\ncomponents:\n  api:\n    pathz: [a]\n"), @r#"sluice.yml:4:5: unknown key "pathz" (did you mean "paths"?)"#);
        insta::assert_snapshot!(problems("version: 1\ncomponets: {}\n"), @r#"sluice.yml:2:1: unknown key "componets" (did you mean "components"?)"#);
        insta::assert_snapshot!(problems("version: 1\nenvironments: {dev: {stategy: commit}}\n"), @r#"sluice.yml:2:22: unknown key "stategy" (did you mean "strategy"?)"#);
        insta::assert_snapshot!(problems("version: 1\nenvironments: {dev: {strategy: comit}}\n"), @r#"sluice.yml:2:32: unknown value "comit" (did you mean "commit"?)"#);
    }

    #[test]
    fn the_version_must_be_there_and_be_known() {
        insta::assert_snapshot!(problems("components: {}\n"), @"sluice.yml:1:1: the configuration does not say its version (write `version: 1` as its first line)");
        insta::assert_snapshot!(problems("# new\nversion: 2\n"), @"sluice.yml:2:10: the configuration has version 2 (use the version of Sluice that the file was written for)");
        insta::assert_snapshot!(problems(""), @"sluice.yml:1:1: the configuration does not say its version (write `version: 1` as its first line)");
        insta::assert_snapshot!(problems("version: one\n"), @"sluice.yml:1:10: the version of the configuration is not a whole number (write `version: 1`)");
        insta::assert_snapshot!(problems("version: [1]\n"), @"sluice.yml:1:10: the version of the configuration is not a whole number (write `version: 1`)");
        insta::assert_snapshot!(problems("version:\n"), @"sluice.yml:1:8: the version of the configuration is not a whole number (write `version: 1`)");
        insta::assert_snapshot!(problems("version: 1\nversion: 1\n"), @r#"sluice.yml:2:1: the key "version" is given twice, first at 1:1 ()"#);
        insta::assert_snapshot!(problems("- version: 1\n"), @"sluice.yml:1:1: the configuration is not a mapping (write `version: 1` as its first line, and its sections below)");
    }

    #[test]
    fn a_file_of_a_newer_version_is_not_read_any_further() {
        insta::assert_snapshot!(problems("version: 2\ncomponents: {api: {pathz: [a]}}\n"), @"sluice.yml:1:10: the configuration has version 2 (use the version of Sluice that the file was written for)");
    }

    #[test]
    fn what_nobody_reads_is_yaml_still() {
        insta::assert_snapshot!(problems("version: 1\nbudgets: {a: 1, a: 2}\n"), @r#"sluice.yml:2:17: the key "a" is given twice, first at 2:11 ()"#);
        insta::assert_snapshot!(problems("version: 1\nbudgets: [1\n"), @r#"sluice.yml:2:10: "[" is not closed ()"#);
        insta::assert_snapshot!(problems("version: 1\n---\nversion: 1\n"), @"sluice.yml:2:1: the file holds 2 documents, expected one: the second starts here ()");
    }

    #[test]
    fn other_sections_and_gates_are_passed_over() {
        let text = "version: 1\nbudgets: [1]\nnotify: {strange: true}\nenvironments: {dev: {gate: {from-the-future: 1}}}\n";
        let file = File::<Some>::parse(text.as_bytes(), "sluice.yml").unwrap();
        assert!(file.sections.environments.contains_key("dev"));
        assert!(file.sections.components.is_empty());
    }

    /// The example of the README reads as the whole file, and so as every part of it.
    #[test]
    fn the_whole_example_is_read() {
        let sluice: Sluice = sluice_yaml::from_slice(include_bytes!("../tests/sluice.yml")).unwrap();
        assert_eq!(sluice.version, VERSION);
        let gate: &Gate = sluice.environments["production"].gate.as_ref().unwrap();
        assert_eq!(gate.freeze[0].zone.value, "Europe/Berlin");
        assert_eq!(gate.freeze[0].place.line, 40);
        assert_eq!(sluice.components.len(), 3);
    }
}
