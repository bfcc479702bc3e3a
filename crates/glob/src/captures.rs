//! What the `{name}`s of a pattern hold: as much as they can, from left to right, while globs take as little
//! as they can.

use std::collections::{BTreeSet, HashSet};
use std::ops::Range;

use crate::matcher::nearest_ends;
use crate::path::{Unit, unit_before};
use crate::program::Program;
use crate::syntax::{Node, Pattern};

/// The names of a pattern with what each holds of a path, in the order in which the names first occur.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Captures<'g, 'p> {
    names: &'g [String],
    values: Vec<&'p [u8]>,
}

impl<'g, 'p> Captures<'g, 'p> {
    pub(crate) fn new(names: &'g [String], values: Vec<&'p [u8]>) -> Self {
        Self { names, values }
    }

    /// Those of a pattern without names.
    pub(crate) fn none() -> Self {
        Self { names: &[], values: Vec::new() }
    }

    /// Each name with what it holds.
    pub fn iter(&self) -> impl Iterator<Item = (&'g str, &'p [u8])> + '_ {
        self.names.iter().map(String::as_str).zip(self.values.iter().copied())
    }

    /// What this name holds; `None` if the pattern has no such name.
    pub fn get(&self, name: &str) -> Option<&'p [u8]> {
        self.iter().find_map(|(known, value)| (known == name).then_some(value))
    }
}

/// A pattern cut at its captures.
#[derive(Debug)]
pub(crate) struct Capturing {
    parts: Vec<Part>,
    repeated: BTreeSet<usize>,
}

#[derive(Debug)]
enum Part {
    Text(Vec<u8>),
    Glob(Program),
    Capture(usize),
}

impl Capturing {
    /// `None`: the pattern has no captures.
    pub(crate) fn of(pattern: &Pattern) -> Option<Self> {
        let mut parts = Vec::new();
        let is_capture = |node: &Node| matches!(node, Node::Capture(_));
        for nodes in pattern.node.parts().chunk_by(|one, other| !is_capture(one) && !is_capture(other)) {
            parts.push(match nodes {
                [Node::Capture(name)] => Part::Capture(*name),
                [Node::Text(text)] => Part::Text(text.clone().into_bytes()),
                nodes => Part::Glob(Program::new(nodes)),
            });
        }
        (!pattern.names.is_empty()).then(|| Self { parts, repeated: pattern.repeated.clone() })
    }

    /// Whether a name occurs twice, so that a match depends on what it holds.
    pub(crate) fn is_decisive(&self) -> bool {
        !self.repeated.is_empty()
    }

    /// What the captures hold, if the pattern matches.
    pub(crate) fn find<'g, 'p>(&self, names: &'g [String], path: &'p [u8]) -> Option<Captures<'g, 'p>> {
        let mut search = Search {
            capturing: self,
            path,
            matches: Vec::new(),
            values: vec![None; names.len()],
            failed: HashSet::new(),
        };
        search.matches = search.matches();
        if !search.from(0, 0) {
            return None;
        }
        let values: Option<Vec<_>> = search.values.iter().map(|value| path.get(value.clone()?)).collect();
        Some(Captures { names, values: values? })
    }
}

/// A part, a position, and what the repeated names hold.
type Place<'p> = (usize, usize, Vec<Option<&'p [u8]>>);

struct Search<'s, 'p> {
    capturing: &'s Capturing,
    path: &'p [u8],
    /// For each part and position, whether this part and those behind it match there, if each capture may
    /// hold anything.
    matches: Vec<Vec<bool>>,
    values: Vec<Option<Range<usize>>>,
    /// Where the search has been in vain. Without repeated names it never is.
    failed: HashSet<Place<'p>>,
}

impl<'p> Search<'_, 'p> {
    /// See the field of this name.
    fn matches(&self) -> Vec<Vec<bool>> {
        let length = self.path.len();
        let mut behind: Vec<bool> = (0..=length).map(|at| at == length).collect();
        let mut matches = vec![behind.clone()];
        for part in self.capturing.parts.iter().rev() {
            behind = match part {
                Part::Text(text) => (0..=length)
                    .map(|at| self.path[at..].starts_with(text) && behind[at + text.len()])
                    .collect(),
                Part::Glob(program) => {
                    let ends = nearest_ends(program, self.path, |end| behind[end]);
                    ends.iter().map(Option::is_some).collect()
                }
                Part::Capture(_) => self.capture_starts(&behind),
            };
            matches.push(behind.clone());
        }
        matches.reverse();
        matches
    }

    /// Where a capture may start that ends where `behind` says.
    fn capture_starts(&self, behind: &[bool]) -> Vec<bool> {
        let mut starts = vec![false; behind.len()];
        let mut at = self.path.len();
        while at > 0 {
            let (unit, start) = unit_before(self.path, at);
            starts[start] = unit != SLASH && (behind[at] || starts[at]);
            at = start;
        }
        starts
    }

    /// Whether the parts from this one on match from this position on; notes what the captures hold.
    fn from(&mut self, part: usize, at: usize) -> bool {
        if !self.matches[part][at] {
            return false;
        }
        let Some(this) = self.capturing.parts.get(part) else { return true };
        let place = self.place(part, at);
        if self.failed.contains(&place) {
            return false;
        }
        let found = match this {
            Part::Text(text) => self.from(part + 1, at + text.len()),
            Part::Glob(program) => self.glob(program, part, at),
            Part::Capture(name) => self.capture(*name, part, at),
        };
        if !found {
            self.failed.insert(place);
        }
        found
    }

    fn place(&self, part: usize, at: usize) -> Place<'p> {
        let path = self.path;
        let held = |name: &usize| self.values[*name].clone().and_then(|value| path.get(value));
        (part, at, self.capturing.repeated.iter().map(held).collect())
    }

    /// Tries each end of the glob, the nearest first.
    fn glob(&mut self, program: &Program, part: usize, at: usize) -> bool {
        let mut least = at;
        loop {
            let behind = &self.matches[part + 1];
            let ends = nearest_ends(program, self.path, |end| end >= least && behind[end]);
            let Some(end) = ends[at] else { return false };
            if self.from(part + 1, end) {
                return true;
            }
            least = end + 1;
        }
    }

    /// Tries what the name holds already, or else each end in the segment, the farthest first.
    fn capture(&mut self, name: usize, part: usize, at: usize) -> bool {
        let path = self.path;
        if let Some(held) = self.values[name].clone() {
            let end = at + held.len();
            return path[at..].starts_with(&path[held]) && self.from(part + 1, end);
        }
        let segment =
            path[at..].iter().position(|&byte| byte == b'/').map_or(path.len(), |length| at + length);
        for end in (at + 1..=segment).rev().filter(|&end| self.matches[part + 1][end]).collect::<Vec<_>>() {
            self.values[name] = Some(at..end);
            if self.from(part + 1, end) {
                return true;
            }
        }
        self.values[name] = None;
        false
    }
}

const SLASH: Unit = b'/' as Unit;
