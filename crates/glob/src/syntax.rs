//! The tree of a pattern: what [`parse`](crate::parse) makes and [`program`](crate::program) compiles.

use std::collections::BTreeSet;

use crate::class::Class;

/// A parsed pattern.
#[derive(Debug)]
pub(crate) struct Pattern {
    /// Whether an odd number of `!` stands in front.
    pub(crate) negated: bool,
    pub(crate) node: Node,
    /// The names of the captures, each once, in the order of their first occurrence.
    pub(crate) names: Vec<String>,
    /// Which of them occur more than once.
    pub(crate) repeated: BTreeSet<usize>,
}

impl Pattern {
    /// The whole segments that stand in front of all signs. They are spelled so in the source itself: a path
    /// that is spelled like the source matches, too.
    pub(crate) fn literal_prefix<'s>(&self, source: &'s str) -> &'s str {
        let (text, whole) = match self.node.parts() {
            [Node::Text(text)] | [Node::Text(text), Node::Below | Node::Between { .. }, ..] => (text, true),
            [Node::Text(text), ..] => (text, false),
            _ => return "",
        };
        let spelled = source.trim_start_matches("./");
        let same = text.bytes().zip(spelled.bytes()).take_while(|(one, other)| one == other).count();
        let prefix = spelled.get(..same).unwrap_or_default();
        if self.negated {
            ""
        } else if whole && same == text.len() {
            prefix.trim_end_matches('/')
        } else {
            prefix.rsplit_once('/').map_or("", |(folders, _)| folders)
        }
    }
}

/// A part of a pattern. "Segment" is the part of a path between slashes.
#[derive(Debug, Clone)]
pub(crate) enum Node {
    /// These characters.
    Text(String),
    /// One character of a set.
    Class(Class),
    /// Any characters but `/`, or none.
    Star,
    /// Any characters, or none, that do not enter a segment `.` or `..`.
    Globstar,
    /// `/**` at the end: everything below what precedes it, and that itself.
    Below,
    /// `/**/`: any number of segments. `ends` tells that the path may end here.
    Between { ends: bool },
    /// `**/` at the start: any number of segments.
    Leading,
    /// A condition on a position; takes no characters.
    Check(Check),
    /// One after the other.
    Sequence(Vec<Node>),
    /// Any one of them.
    Choice(Vec<Node>),
    /// `min` times (0 or 1), up to once or without end.
    Repeat { node: Box<Node>, min: u8, many: bool },
    /// The rest of the path does not start with this (`to_end`: is not exactly this); takes no characters.
    Not { node: Box<Node>, to_end: bool },
    /// At least one character of a segment, remembered under the name of this index.
    Capture(usize),
}

/// A condition on a position in a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Check {
    /// The path starts here.
    Start,
    /// The path ends here.
    End,
    /// The path goes on.
    NotEnd,
    /// No segment `.` or `..` starts here.
    NoDots,
    /// Neither a segment's end nor a last dot follows: what `*` after a leading dot needs.
    NoDotEnd,
}

impl Node {
    pub(crate) fn text(text: &str) -> Self {
        Self::Text(text.to_owned())
    }

    pub(crate) fn maybe_slash() -> Self {
        Self::Repeat { node: Box::new(Self::text("/")), min: 0, many: false }
    }

    /// The nodes of a sequence; any other node alone.
    pub(crate) fn parts(&self) -> &[Node] {
        match self {
            Self::Sequence(nodes) => nodes,
            node => std::slice::from_ref(node),
        }
    }
}
