//! The shapes that most patterns have, matched by comparing bytes, without memory.

use crate::path::{has_dots, holds};
use crate::syntax::{Check, Node};

/// How a pattern is matched without its program.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// `README.md`: exactly this text.
    Text(Vec<u8>),
    /// `**`.
    Everything,
    /// `docs/**`: this text, or what lies below it.
    Below(Vec<u8>),
    /// `*.rs`, `src/*.rs`, `src/**/*.rs`: a file of a folder or, if `deep`, below it.
    File { folder: Vec<u8>, deep: bool, ending: Vec<u8>, maybe_slash: bool },
    /// `regions/*/layers/**`, `regions/{region}/**`: pieces that end where a segment does, so that there is one
    /// way at most to match them, and a shape for what is left of the path.
    Behind { front: Vec<Piece>, rest: Box<Self> },
    /// `{a,b}/**`: any of these.
    Any(Vec<Self>),
    /// Anything else: the program decides, for paths that start with one of these, contain this, and end with
    /// one of these.
    Other { starts: Vec<String>, middle: String, ends: Vec<String> },
}

/// A part of what stands in front.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    Text(Vec<u8>),
    Check(Check),
    /// What is left of a segment.
    Star,
    /// What is left of a segment, which is something.
    Capture,
}

/// What a shape says of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    Yes,
    No,
    /// The program decides.
    Run,
}

impl From<bool> for Answer {
    fn from(yes: bool) -> Self {
        if yes { Self::Yes } else { Self::No }
    }
}

impl Shape {
    pub(crate) fn of(node: &Node) -> Self {
        let nodes = node.parts();
        Self::certain(nodes).or_else(|| Self::any(nodes)).unwrap_or_else(|| Self::other(node))
    }

    fn certain(nodes: &[Node]) -> Option<Self> {
        Self::whole(nodes).or_else(|| Self::behind(nodes))
    }

    fn any(nodes: &[Node]) -> Option<Self> {
        let shapes: Option<_> = alternatives(nodes)?.iter().map(|nodes| Self::certain(nodes)).collect();
        shapes.map(Self::Any)
    }

    fn whole(nodes: &[Node]) -> Option<Self> {
        let (start, rest) = match nodes {
            [Node::Text(text), rest @ ..] => (text.as_str(), rest),
            nodes => ("", nodes),
        };
        match rest {
            [] => Some(Self::Text(start.into())),
            [Node::Globstar] if start.is_empty() => Some(Self::Everything),
            [Node::Check(Check::NoDots), Node::Globstar, slash]
                if start.is_empty() && is_maybe_slash(slash) =>
            {
                Some(Self::Everything)
            }
            [Node::Below] => Some(Self::Below(start.into())),
            _ => Self::file(start, rest),
        }
    }

    fn behind(nodes: &[Node]) -> Option<Self> {
        let mut front = Vec::new();
        let mut captured = Vec::new();
        let mut left = nodes;
        while let [node, behind @ ..] = left {
            left = behind;
            front.push(match node {
                Node::Text(text) => Piece::Text(text.as_bytes().to_vec()),
                Node::Check(check) => Piece::Check(*check),
                Node::Star if at_segment_end(left) => Piece::Star,
                Node::Capture(name) if at_segment_end(left) && !captured.contains(name) => {
                    captured.push(*name);
                    Piece::Capture
                }
                _ => return None,
            });
            let may_end = matches!(front.last(), Some(Piece::Star | Piece::Capture));
            if let Some(rest) = may_end.then(|| Self::whole(left)).flatten() {
                return Some(Self::Behind { front, rest: Box::new(rest) });
            }
        }
        None
    }

    fn file(start: &str, rest: &[Node]) -> Option<Self> {
        let (folder, deep, name) = match rest {
            [Node::Between { ends: true }, name @ ..] => (format!("{start}/"), true, name),
            [Node::Leading, name @ ..] if start.is_empty() => (String::new(), true, name),
            [folders, name @ ..] if start.is_empty() && are_folders(folders) => (String::new(), true, name),
            name => (start.to_owned(), false, name),
        };
        let [Node::Check(Check::NoDots), Node::Check(Check::NotEnd), Node::Star, ending @ ..] = name else {
            return None;
        };
        let (ending, maybe_slash) = match ending {
            [] => ("", false),
            [Node::Text(ending)] => (ending.as_str(), false),
            [slash] => ("", is_maybe_slash(slash).then_some(true)?),
            [Node::Text(ending), slash] => (ending.as_str(), is_maybe_slash(slash).then_some(true)?),
            _ => return None,
        };
        let ending = ending.as_bytes().to_vec();
        (!ending.contains(&b'/')).then_some(Self::File {
            folder: folder.into_bytes(),
            deep,
            ending,
            maybe_slash,
        })
    }

    fn other(node: &Node) -> Self {
        let texts = node.parts().iter().filter_map(|part| match part {
            Node::Text(text) => Some(text.clone()),
            _ => None,
        });
        let middle = texts.max_by_key(String::len).unwrap_or_default();
        let any = || vec![String::new()];
        Self::Other {
            starts: starts(node).unwrap_or_else(any),
            middle,
            ends: ends(node.parts()).unwrap_or_else(any),
        }
    }

    /// What the captures hold of a path that this matches, in the order of the pattern.
    pub(crate) fn captured<'p>(&self, path: &'p [u8]) -> Vec<&'p [u8]> {
        let mut held = Vec::new();
        if let Self::Behind { front, .. } = self {
            left_behind(front, path, |value| held.push(value));
        }
        held
    }

    pub(crate) fn answer(&self, path: &[u8]) -> Answer {
        match self {
            Self::Text(text) => (path == text).into(),
            Self::Everything => (!has_dots(path)).into(),
            Self::Below(folder) => match path.strip_prefix(folder.as_slice()) {
                Some([]) => Answer::Yes,
                Some([b'/', below @ ..]) => (!has_dots(below)).into(),
                _ => Answer::No,
            },
            Self::File { folder, deep, ending, maybe_slash } => match path.strip_prefix(folder.as_slice()) {
                Some(below) => is_file(below, *deep, ending, *maybe_slash).into(),
                None => Answer::No,
            },
            Self::Behind { front, rest } => match left_behind(front, path, |_| {}) {
                Some(left) => rest.answer(left),
                None => Answer::No,
            },
            Self::Any(shapes) => shapes.iter().any(|shape| shape.answer(path) == Answer::Yes).into(),
            Self::Other { starts, middle, ends } => {
                let starts = starts.iter().any(|start| path.starts_with(start.as_bytes()));
                let ends = starts && ends.iter().any(|end| path.ends_with(end.as_bytes()));
                if ends && contains(path, middle.as_bytes()) { Answer::Run } else { Answer::No }
            }
        }
    }
}

/// What is left of a path behind the front of a pattern, if that matches. Tells what each capture holds.
fn left_behind<'p>(front: &[Piece], path: &'p [u8], mut holding: impl FnMut(&'p [u8])) -> Option<&'p [u8]> {
    let mut left = path;
    for piece in front {
        match piece {
            Piece::Text(text) => left = left.strip_prefix(text.as_slice())?,
            Piece::Check(check) => holds(*check, path, path.len() - left.len()).then_some(())?,
            Piece::Star => left = split_segment(left).1,
            Piece::Capture => {
                let (held, behind) = split_segment(left);
                if held.is_empty() {
                    return None;
                }
                holding(held);
                left = behind;
            }
        }
    }
    Some(left)
}

/// The path up to its first slash, and from there on.
fn split_segment(path: &[u8]) -> (&[u8], &[u8]) {
    path.split_at(path.iter().position(|&byte| byte == b'/').unwrap_or(path.len()))
}

/// Whether what these nodes match starts where a segment ends.
fn at_segment_end(nodes: &[Node]) -> bool {
    match nodes {
        [] | [Node::Below | Node::Between { .. }, ..] => true,
        [Node::Text(text), ..] => text.starts_with('/'),
        _ => false,
    }
}

/// A pattern with choices of few texts, as that many patterns. Not with captures: what they hold could
/// depend on the choice.
fn alternatives(nodes: &[Node]) -> Option<Vec<Vec<Node>>> {
    if nodes.len() > LONGEST {
        return None;
    }
    let mut all = vec![Vec::new()];
    for node in nodes {
        let choices = match node {
            Node::Choice(choices) if choices.len() * all.len() <= MOST => choices.as_slice(),
            Node::Choice(_) | Node::Capture(_) => return None,
            node => std::slice::from_ref(node),
        };
        let longer = all.iter().flat_map(|so_far| choices.iter().map(|choice| joined(so_far, choice)));
        all = longer.collect::<Option<_>>()?;
    }
    Some(all)
}

/// These nodes with one more; a text becomes part of the text before it.
fn joined(nodes: &[Node], next: &Node) -> Option<Vec<Node>> {
    let mut nodes = nodes.to_vec();
    match (nodes.last_mut(), next.parts()) {
        (_, []) => {}
        (Some(Node::Text(text)), [Node::Text(more)]) => text.push_str(more),
        (_, [next]) => nodes.push(next.clone()),
        _ => return None,
    }
    Some(nodes)
}

/// Whether this path, relative to the folder, is one of its files (`deep`: or of a folder in it) with this
/// ending.
fn is_file(below: &[u8], deep: bool, ending: &[u8], maybe_slash: bool) -> bool {
    let path = if maybe_slash { below.strip_suffix(b"/").unwrap_or(below) } else { below };
    if !path.ends_with(ending) {
        return false;
    }
    let (folders, name) = match path.iter().rposition(|&byte| byte == b'/') {
        Some(slash) => (Some(&path[..slash]), &path[slash + 1..]),
        None => (None, path),
    };
    // Only the slash that may follow it makes an empty name of something.
    let something = !name.is_empty() || path.len() < below.len();
    let in_folder = folders.is_none_or(|folders| deep && !has_dots(folders));
    something && in_folder && name.len() >= ending.len() && name != b"." && name != b".."
}

/// The texts of which a match starts with one, if they are few.
fn starts(node: &Node) -> Option<Vec<String>> {
    match node {
        Node::Text(text) => Some(vec![text.clone()]),
        Node::Sequence(nodes) => starts(nodes.first()?),
        Node::Choice(nodes) if nodes.len() <= MOST => few(nodes.iter().map(starts)),
        _ => None,
    }
}

/// The texts of which a match ends with one, if they are few.
fn ends(nodes: &[Node]) -> Option<Vec<String>> {
    match nodes {
        [.., Node::Text(text)] => Some(vec![text.clone()]),
        [.., Node::Sequence(nodes)] => ends(nodes),
        [.., Node::Choice(nodes)] if nodes.len() <= MOST => few(nodes.iter().map(|node| ends(node.parts()))),
        [before @ .., slash] if is_maybe_slash(slash) => {
            few(ends(before)?.into_iter().map(|end| Some(vec![format!("{end}/"), end])))
        }
        _ => None,
    }
}

/// How many nodes a pattern may have that is taken for several: each of them is copied.
const LONGEST: usize = 32;

/// How many texts are compared before the program is run instead.
const MOST: usize = 16;

fn few(texts: impl Iterator<Item = Option<Vec<String>>>) -> Option<Vec<String>> {
    let texts = texts.collect::<Option<Vec<_>>>()?.concat();
    (texts.len() <= MOST).then_some(texts)
}

/// Whether the text occurs in the path.
fn contains(path: &[u8], text: &[u8]) -> bool {
    let Some((first, rest)) = text.split_first() else { return true };
    let mut left = path;
    while let Some(at) = left.iter().position(|byte| byte == first) {
        left = &left[at + 1..];
        if left.starts_with(rest) {
            return true;
        }
    }
    false
}

fn is_maybe_slash(node: &Node) -> bool {
    matches!(node, Node::Repeat { node, min: 0, many: false } if is_slash(node))
}

fn is_slash(node: &Node) -> bool {
    matches!(node, Node::Text(text) if text == "/")
}

/// Whether this is "any folders, with the slash behind them, or none".
fn are_folders(node: &Node) -> bool {
    let Node::Repeat { node, min: 0, many: false } = node else { return false };
    matches!(node.parts(), [Node::Check(Check::NoDots), Node::Globstar, slash] if is_slash(slash))
}
