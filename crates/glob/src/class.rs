//! One character of a set: `?`, `[a-z]`, `[^a]`, `[[:alpha:]]`, `\d`, and the range of `{1..3}`.

use crate::path::Unit;

/// A set of characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Class {
    negated: bool,
    ranges: Vec<(Unit, Unit)>,
    /// The answer for the first 128 characters, negation included.
    ascii: u128,
}

impl Class {
    pub(crate) fn new(negated: bool, ranges: Vec<(Unit, Unit)>) -> Self {
        let mut class = Self { negated, ranges, ascii: 0 };
        class.ascii =
            (0..128).filter(|&unit| class.search(unit)).fold(0, |ascii, unit| ascii | 1u128 << unit);
        class
    }

    /// `?`: any character but `/`.
    pub(crate) fn not_slash() -> Self {
        Self::new(true, vec![(SLASH, SLASH)])
    }

    /// `\d`, `\D`, `\w`, `\W`, `\s`, `\S`.
    pub(crate) fn escape(letter: char) -> Option<Self> {
        escape(letter).map(|ranges| Self::new(false, ranges))
    }

    pub(crate) fn contains(&self, unit: Unit) -> bool {
        if unit < 128 { self.ascii >> unit & 1 == 1 } else { self.search(unit) }
    }

    fn search(&self, unit: Unit) -> bool {
        self.ranges.iter().any(|&(low, high)| (low..=high).contains(&unit)) != self.negated
    }
}

const SLASH: Unit = b'/' as Unit;

/// What stands between the brackets, read with the rules of a JavaScript character class, which picomatch
/// hands it to.
pub(crate) struct Bracket {
    pub(crate) class: Class,
    /// The text with its brackets, if the whole bracket may also stand for itself (`[abc]` matches `[abc]`).
    pub(crate) literal: Option<String>,
    /// The offset behind the closing bracket.
    pub(crate) end: usize,
}

/// A member of a class: a character, which may start a range, or a set, which may not.
enum Member {
    One(char),
    Set(Vec<(Unit, Unit)>),
}

/// Where the bracket that opens at `open` ends (behind its `]`), if it does.
pub(crate) fn bracket_end(source: &str, open: usize) -> Option<usize> {
    read(source, open).map(|(_, _, end)| end)
}

/// Reads the bracket that opens at `open`. `Ok(None)`: it has no end and is plain text. `Err`: a range that
/// runs backwards.
pub(crate) fn bracket(source: &str, open: usize) -> Result<Option<Bracket>, (char, char)> {
    let Some((members, posix, end)) = read(source, open) else { return Ok(None) };
    let inner = &source[open + 1..end - 1];
    let negated = inner.starts_with('^');
    let mut ranges = ranges(members)?;
    if negated && !posix {
        ranges.push((SLASH, SLASH));
    }
    let plain = !inner.contains(|c: char| "-*+?.^${}(|)[]\\".contains(c));
    let literal = plain.then(|| source[open..end].to_owned());
    Ok(Some(Bracket { class: Class::new(negated, ranges), literal, end }))
}

/// The range of `{1..3}`: picomatch sorts the ends and makes `[1-3]` of them. `None`: they make no class.
pub(crate) fn range(ends: &[&str]) -> Option<Class> {
    let members = ends.join("-").chars().map(Member::One).collect();
    ranges(members).ok().map(|ranges| Class::new(false, ranges))
}

fn read(source: &str, open: usize) -> Option<(Vec<Member>, bool, usize)> {
    let mut at = open + 1;
    let mut members = Vec::new();
    let mut posix = false;
    if source[at..].starts_with('^') {
        at += 1;
    }
    loop {
        let rest = &source[at..];
        let mut chars = rest.chars();
        let c = chars.next()?;
        match c {
            ']' if !members.is_empty() => return Some((members, posix, at + 1)),
            '[' if rest.starts_with("[:") => {
                posix = true;
                let name = rest[2..].split_once(":]").map_or("", |(name, _)| name);
                if let Some(set) = posix_set(name) {
                    members.push(Member::Set(set));
                    at += "[::]".len() + name.len();
                    continue;
                }
                members.push(Member::One(c));
            }
            '\\' => {
                let escaped = chars.next()?;
                members.push(escape(escaped).map_or(Member::One(escaped), Member::Set));
                at += escaped.len_utf8();
            }
            _ => members.push(Member::One(c)),
        }
        at += c.len_utf8();
    }
}

fn ranges(members: Vec<Member>) -> Result<Vec<(Unit, Unit)>, (char, char)> {
    let mut ranges = Vec::new();
    let mut members = members.into_iter().peekable();
    while let Some(member) = members.next() {
        let low = match member {
            Member::Set(set) => {
                ranges.extend(set);
                continue;
            }
            Member::One(low) => low,
        };
        let Some(dash) = members.next_if(|next| matches!(next, Member::One('-'))) else {
            ranges.push((low.into(), low.into()));
            continue;
        };
        match members.next_if(|next| matches!(next, Member::One(_))) {
            Some(Member::One(high)) if low <= high => ranges.push((low.into(), high.into())),
            Some(Member::One(high)) => return Err((low, high)),
            _ => {
                ranges.push((low.into(), low.into()));
                if let Member::One(dash) = dash {
                    ranges.push((dash.into(), dash.into()));
                }
            }
        }
    }
    Ok(ranges)
}

fn set(text: &[(char, char)]) -> Vec<(Unit, Unit)> {
    text.iter().map(|&(low, high)| (low.into(), high.into())).collect()
}

/// The sets of `\d`, `\w` and `\s`, and their complements.
fn escape(letter: char) -> Option<Vec<(Unit, Unit)>> {
    let positive = match letter.to_ascii_lowercase() {
        'd' => posix_set("digit"),
        'w' => posix_set("word"),
        's' => posix_set("space"),
        _ => None,
    }?;
    Some(if letter.is_ascii_uppercase() { complement(positive) } else { positive })
}

fn complement(mut ranges: Vec<(Unit, Unit)>) -> Vec<(Unit, Unit)> {
    ranges.sort_unstable();
    let mut gaps = Vec::new();
    let mut next = 0;
    for (low, high) in ranges {
        if low > next {
            gaps.push((next, low - 1));
        }
        next = high + 1;
    }
    gaps.push((next, Unit::MAX));
    gaps
}

/// The POSIX classes, as <https://github.com/micromatch/picomatch#posix-brackets> lists them.
fn posix_set(name: &str) -> Option<Vec<(Unit, Unit)>> {
    Some(set(match name {
        "alnum" => &[('a', 'z'), ('A', 'Z'), ('0', '9')],
        "alpha" => &[('a', 'z'), ('A', 'Z')],
        "ascii" => &[('\0', '\x7f')],
        "blank" => &[(' ', ' '), ('\t', '\t')],
        "cntrl" => &[('\0', '\x1f'), ('\x7f', '\x7f')],
        "digit" => &[('0', '9')],
        "graph" => &[('!', '~')],
        "lower" => &[('a', 'z')],
        "print" => &[(' ', '~')],
        "punct" => &[('!', '/'), (':', '@'), ('[', '`'), ('{', '~')],
        "space" => &[(' ', ' '), ('\t', '\r')],
        "upper" => &[('A', 'Z')],
        "word" => &[('A', 'Z'), ('a', 'z'), ('0', '9'), ('_', '_')],
        "xdigit" => &[('A', 'F'), ('a', 'f'), ('0', '9')],
        _ => return None,
    }))
}
