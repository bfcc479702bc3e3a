//! The shapes that most patterns have, matched by comparing bytes, without memory.

use crate::path::has_dots;
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
    /// Anything else: the program decides, for paths that start with one of these, contain this, and end with
    /// one of these.
    Other { starts: Vec<String>, middle: String, ends: Vec<String> },
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
        let (start, rest) = match node.parts() {
            [Node::Text(text), rest @ ..] => (text.as_str(), rest),
            parts => ("", parts),
        };
        match rest {
            [] => Self::Text(start.into()),
            [Node::Globstar] if start.is_empty() => Self::Everything,
            [Node::Check(Check::NoDots), Node::Globstar, slash]
                if start.is_empty() && is_maybe_slash(slash) =>
            {
                Self::Everything
            }
            [Node::Below] => Self::Below(start.into()),
            _ => Self::file(start, rest).unwrap_or_else(|| Self::other(node)),
        }
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
            Self::Other { starts, middle, ends } => {
                let starts = starts.iter().any(|start| path.starts_with(start.as_bytes()));
                let ends = starts && ends.iter().any(|end| path.ends_with(end.as_bytes()));
                if ends && contains(path, middle.as_bytes()) { Answer::Run } else { Answer::No }
            }
        }
    }
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
