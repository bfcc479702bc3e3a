//! Filters in the format of dorny/paths-filter.
//!
//! A map from a name to rules: a pattern, or statuses with patterns (`added|modified: "src/**"`), in lists
//! that may hold lists, as YAML anchors make them. What a rule means is described at
//! <https://github.com/dorny/paths-filter#filter-rules-syntax>.

use std::fmt;

use indexmap::IndexMap;
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor},
};
use sluice_config::Placed;
use sluice_core::{Place, Problem, Problems, nearest};
use sluice_glob::Glob;

use crate::{changes::Change, inputs::Quantifier, status::Status};

/// A filter: a name and rules.
#[derive(Debug)]
pub(crate) struct Filter {
    pub(crate) name: String,
    rules: Vec<Rule>,
    quantifier: Quantifier,
}

/// A rule: a file matches it by its status and by any of its patterns.
#[derive(Debug)]
struct Rule {
    /// The statuses that count; none means all.
    statuses: Option<Vec<Status>>,
    /// The patterns, and where they are written.
    globs: Vec<(Glob, Place)>,
}

impl Filter {
    /// Reads filters; `file` is the name that problems give as their place.
    pub(crate) fn read_all(yaml: &[u8], file: &str, quantifier: Quantifier) -> Result<Vec<Self>, Problems> {
        let written: IndexMap<Placed<String>, Placed<Item>> =
            sluice_yaml::from_slice(yaml).map_err(|error| {
                let problem = Problem::misconfigured(error.what);
                let problem = problem.at(Place::at(file, error.place.line, error.place.column));
                match error.suggestion {
                    Some(name) => problem.help(format!("did you mean \"{name}\"?")),
                    None => problem.help("see https://github.com/dorny/paths-filter#filter-rules-syntax"),
                }
            })?;
        let mut reader = Reader { file, quantifier, problems: Problems::default() };
        let filters = written
            .into_iter()
            .map(|(name, item)| Self { rules: reader.rules(&name, item), name: name.value, quantifier })
            .collect();
        reader.problems.or(filters)
    }

    /// The patterns, and where they are written.
    pub(crate) fn patterns(&self) -> impl Iterator<Item = (&Glob, &Place)> {
        self.rules.iter().flat_map(|rule| &rule.globs).map(|(glob, place)| (glob, place))
    }

    /// The pattern by which a file matches; none if it does not.
    pub(crate) fn matching(&self, change: &Change<'_>) -> Option<&Glob> {
        let mut rules = self.rules.iter();
        match self.quantifier {
            Quantifier::Some => rules.find_map(|rule| rule.matching(change)),
            Quantifier::Every => {
                let first = rules.next()?.matching(change)?;
                rules.all(|rule| rule.matching(change).is_some()).then_some(first)
            }
            Quantifier::SomeWithExcludes => {
                let first = rules.find_map(|rule| rule.taking(change))?;
                (!self.rules.iter().any(|rule| rule.excludes(change))).then_some(first)
            }
        }
    }
}

impl Rule {
    fn matching(&self, change: &Change<'_>) -> Option<&Glob> {
        self.globs_for(change).find(|glob| glob.is_match(change.file.path))
    }

    /// The pattern without `!` that matches.
    fn taking(&self, change: &Change<'_>) -> Option<&Glob> {
        self.globs_for(change).find(|glob| !glob.is_negated() && glob.is_match(change.file.path))
    }

    /// Whether a pattern with `!` takes the file out.
    fn excludes(&self, change: &Change<'_>) -> bool {
        self.globs_for(change).any(|glob| glob.excludes(change.file.path))
    }

    fn globs_for(&self, change: &Change<'_>) -> impl Iterator<Item = &Glob> {
        let counts = self.statuses.as_ref().is_none_or(|statuses| statuses.contains(&change.status));
        self.globs.iter().map(|(glob, _)| glob).filter(move |_| counts)
    }
}

/// What stands for a filter, or for a part of one.
#[derive(Debug)]
enum Item {
    /// Nothing is written; or what YAML takes for a tag: a pattern with `!` that is not in quotes.
    Nothing,
    Pattern(String),
    List(Vec<Placed<Item>>),
    Statuses(IndexMap<Placed<String>, Placed<Item>>),
}

impl<'de> Deserialize<'de> for Item {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ItemVisitor)
    }
}

struct ItemVisitor;

impl<'de> Visitor<'de> for ItemVisitor {
    type Value = Item;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a pattern, a list of patterns, or `status: pattern`")
    }

    fn visit_str<E>(self, pattern: &str) -> Result<Item, E> {
        Ok(Item::Pattern(pattern.to_owned()))
    }

    fn visit_unit<E>(self) -> Result<Item, E> {
        Ok(Item::Nothing)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Item, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        Ok(Item::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Item, A::Error> {
        let mut entries = IndexMap::new();
        while let Some((status, patterns)) = map.next_entry()? {
            entries.insert(status, patterns);
        }
        Ok(Item::Statuses(entries))
    }
}

/// Turns what is written into rules and collects what is wrong with it.
struct Reader<'a> {
    file: &'a str,
    quantifier: Quantifier,
    problems: Problems,
}

impl Reader<'_> {
    fn rules(&mut self, name: &Placed<String>, item: Placed<Item>) -> Vec<Rule> {
        let mut rules = Vec::new();
        let known = self.problems.0.len();
        self.add_rules(item, &mut rules);
        let takes_none = || rules.iter().flat_map(|rule| &rule.globs).all(|(glob, _)| glob.is_negated());
        let is_new = self.problems.0.len() == known;
        if self.quantifier == Quantifier::SomeWithExcludes && is_new && !rules.is_empty() && takes_none() {
            let what = format!("the filter \"{}\" only takes files out", name.value);
            self.problem(Problem::misconfigured(what).help("write `**` before its patterns with `!`"), name);
        }
        if rules.is_empty() && is_new {
            let what = format!("the filter \"{}\" has no pattern", name.value);
            self.problem(Problem::misconfigured(what).help(ALL_FILES), name);
        }
        rules
    }

    fn add_rules(&mut self, item: Placed<Item>, rules: &mut Vec<Rule>) {
        match item.value {
            Item::Nothing => self.missing(&item),
            Item::Pattern(pattern) => {
                let globs = self.glob(&Placed { value: pattern, place: item.place });
                rules.push(Rule { statuses: None, globs: globs.into_iter().collect() });
            }
            Item::List(items) => items.into_iter().for_each(|item| self.add_rules(item, rules)),
            Item::Statuses(entries) => {
                for (written, patterns) in entries {
                    let statuses = self.statuses(&written);
                    let (mut globs, known) = (Vec::new(), self.problems.0.len());
                    self.add_globs(patterns, &mut globs);
                    if globs.is_empty() && self.problems.0.len() == known {
                        let what = format!("the status \"{}\" has no pattern", written.value);
                        self.problem(Problem::misconfigured(what).help(ALL_FILES), &written);
                    }
                    rules.push(Rule { statuses: Some(statuses), globs });
                }
            }
        }
    }

    fn add_globs(&mut self, item: Placed<Item>, globs: &mut Vec<(Glob, Place)>) {
        match item.value {
            Item::Nothing => self.missing(&item),
            Item::Pattern(pattern) => globs.extend(self.glob(&Placed { value: pattern, place: item.place })),
            Item::List(items) => items.into_iter().for_each(|item| self.add_globs(item, globs)),
            Item::Statuses(_) => {
                let problem = Problem::misconfigured("a status stands below a status")
                    .help("write patterns below a status, several statuses as `added|modified`");
                self.problem(problem, &item);
            }
        }
    }

    fn missing(&mut self, item: &Placed<Item>) {
        let problem = Problem::misconfigured("a pattern is missing");
        self.problem(problem.help("write one; a pattern that starts with `!` or `*` stands in quotes"), item);
    }

    fn glob(&mut self, pattern: &Placed<String>) -> Option<(Glob, Place)> {
        match Glob::new(pattern) {
            Ok(glob) => Some((glob, Place::at(self.file, pattern.place.line, pattern.place.column))),
            Err(error) => {
                self.problem(Problem::misconfigured(error.to_string()), pattern);
                None
            }
        }
    }

    /// `added|modified`.
    fn statuses(&mut self, written: &Placed<String>) -> Vec<Status> {
        let words = written.split('|').map(|word| word.trim().to_lowercase());
        let words: Vec<String> = words.filter(|word| !word.is_empty()).collect();
        if words.is_empty() {
            let problem = Problem::misconfigured("a status is missing");
            self.problem(problem.help(format!("write one of {}", STATUSES.join(", "))), written);
        }
        words.iter().flat_map(|word| self.status(word, written)).copied().collect()
    }

    fn status(&mut self, word: &str, written: &Placed<String>) -> &'static [Status] {
        match word {
            "added" => &[Status::Added],
            "deleted" => &[Status::Deleted],
            "type-changed" => &[Status::TypeChanged],
            // A file that became a link has no more the content that it had.
            "modified" => &[Status::Modified, Status::TypeChanged],
            // Both sides of a rename count, as added and deleted, and two trees hold no conflict.
            "renamed" | "copied" | "unmerged" => &[],
            _ => {
                let problem = Problem::misconfigured(format!("unknown status \"{word}\""));
                let problem = problem.help(match nearest(word, STATUSES) {
                    Some(meant) => format!("did you mean \"{meant}\"?"),
                    None => format!("write one of {}", STATUSES.join(", ")),
                });
                self.problem(problem, written);
                &[]
            }
        }
    }

    fn problem<T>(&mut self, problem: Problem, at: &Placed<T>) {
        self.problems.0.push(problem.at(Place::at(self.file, at.place.line, at.place.column)));
    }
}

const ALL_FILES: &str = "write `**` to match every file";

const STATUSES: [&str; 7] = ["added", "modified", "deleted", "type-changed", "renamed", "copied", "unmerged"];

#[cfg(test)]
mod tests;
