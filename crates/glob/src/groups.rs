//! Which `(` and `{` belong to which `)` and `}`: found once, before parsing.

use std::collections::BTreeMap;

use crate::class::bracket_end;

/// A group that is closed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Group {
    /// The offset of its closing character.
    pub(crate) close: usize,
    /// A brace with a comma of its own: a choice.
    pub(crate) comma: bool,
    /// A brace with `..` of its own: a range.
    pub(crate) dots: bool,
}

/// The closed groups of a pattern, by the offset of their opening character.
pub(crate) fn groups(source: &str) -> BTreeMap<usize, Group> {
    let bytes = source.as_bytes();
    let mut groups = BTreeMap::new();
    let mut open: Vec<(usize, Group)> = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let next = after_token(source, at);
        match bytes[at] {
            b'(' | b'{' => open.push((at, Group { close: at, comma: false, dots: false })),
            b')' | b'}' => {
                let opener = if bytes[at] == b')' { b'(' } else { b'{' };
                if let Some(index) = open.iter().rposition(|&(start, _)| bytes[start] == opener) {
                    let (start, group) = open[index];
                    // What opened since has no end of its own.
                    open.truncate(index);
                    groups.insert(start, Group { close: at, ..group });
                }
            }
            b',' | b'.' => {
                if let Some((_, group)) = open.last_mut().filter(|(start, _)| bytes[*start] == b'{') {
                    group.comma |= bytes[at] == b',';
                    group.dots |= bytes[at..].starts_with(b"..");
                }
            }
            _ => {}
        }
        at = next;
    }
    groups
}

/// The offset behind the token that starts here: an escaped character, a bracket, a quoted string, a run of
/// plain text, or one character.
pub(crate) fn after_token(source: &str, at: usize) -> usize {
    let bytes = source.as_bytes();
    match bytes[at] {
        b'\\' => at + 1 + source[at + 1..].chars().next().map_or(0, char::len_utf8),
        b'[' if !source[at..].contains(']') => at + 1,
        b'[' => bracket_end(source, at).unwrap_or(bytes.len()),
        b'"' => after_quoted(source, at),
        b']' | b'{' | b'}' | b'(' | b')' | b'|' | b',' | b'/' | b'.' | b'?' | b'+' | b'@' | b'*' | b'!' => {
            at + 1
        }
        _ => after_text(source, at),
    }
}

/// The offset behind the quoted string that opens here; it may end with the pattern.
fn after_quoted(source: &str, open: usize) -> usize {
    let mut at = open + 1;
    while at < source.len() {
        match source.as_bytes()[at] {
            b'"' => return at + 1,
            b'\\' => at = after_token(source, at),
            _ => at += 1,
        }
    }
    source.len()
}

/// The offset behind the plain text that starts here. A quote inside of it is a plain character.
pub(crate) fn after_text(source: &str, at: usize) -> usize {
    let first = source[at..].chars().next().map_or(0, char::len_utf8);
    let rest = &source[at + first..];
    let length = rest.find(|c: char| "@![].,$*+?^{}()|\\/".contains(c)).unwrap_or(rest.len());
    at + first + length
}
