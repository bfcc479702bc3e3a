//! The one error of this crate: what is wrong and where.

use std::fmt;

/// A place in a file, as editors count: lines and columns from 1, columns in characters.
///
/// A byte order mark at the start of the file takes no column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The line, from 1; 0 where the place is not known.
    pub line: usize,
    /// The column in characters, from 1; 0 where the place is not known.
    pub column: usize,
}

impl Place {
    /// The first character of a file.
    pub(crate) const START: Self = Self { line: 1, column: 1 };

    /// The place of the byte at `offset` in `text`.
    pub(crate) fn at(text: &str, offset: usize) -> Self {
        let before = text.get(..offset).unwrap_or(text);
        let line_start = before.rfind(['\n', '\r']).map_or(0, |index| index + 1);
        let breaks = before.matches(['\n', '\r']).count() - before.matches("\r\n").count();
        Self { line: breaks + 1, column: before[line_start..].chars().count() + 1 }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.line, self.column)
    }
}

/// What is wrong with a file, and where.
///
/// It reads as `12:5: unknown key "pathz", did you mean "paths"?`, so a caller only puts the file's name in front.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// What is wrong, in one line. Text from the file stands in quotes, with control characters escaped.
    pub what: String,
    /// Where it is wrong.
    pub place: Place,
    /// The valid name that was probably meant.
    pub suggestion: Option<String>,
    /// Why an edit was refused; none for a file that can't be read.
    pub refusal: Option<Refusal>,
}

/// Why an edit is refused: making it would change more than is meant, or less.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The value is an alias (`*name`); the text stands at its anchor.
    Alias,
    /// The value comes through a merge key (`<<`); the place is the merge key.
    Merged,
    /// The value, or a collection that it is in, is used through an alias too; the place is that alias.
    Shared,
    /// The value is a literal or folded block (`|`, `>`).
    BlockScalar,
    /// The value has a tag of another type than text (`!!int`).
    Typed,
    /// The node is not a scalar, or not a value.
    NotAScalar,
    /// The value is not written, and where it would stand can't be told.
    Unwritten,
    /// The key is there already, or two edits write to one value.
    Taken,
    /// The edit was made for other bytes than those it is applied to.
    Stale,
    /// The file holds a character that readers disagree on, such as one that ends a line to some of them only.
    Character,
    /// What stands behind the value can't stand behind one in quotes, to some readers.
    Tab,
    /// The result, parsed again, would not differ in exactly the values that are meant.
    Unfaithful,
}

impl Error {
    pub(crate) fn new(place: Place, what: impl Into<String>) -> Self {
        Self { what: what.into(), place, suggestion: None, refusal: None }
    }

    pub(crate) fn refused(place: Place, refusal: Refusal, what: impl Into<String>) -> Self {
        Self { refusal: Some(refusal), ..Self::new(place, what) }
    }

    /// `given` is none of the `known` names; `kind` says what they name (`key`, `value`).
    pub(crate) fn unknown(place: Place, kind: &str, given: &str, known: &[&str]) -> Self {
        let what = format!("unknown {kind} {}", quoted(given));
        match nearest(given, known) {
            Some(suggestion) => Self { suggestion: Some(suggestion.to_owned()), ..Self::new(place, what) },
            None if known.is_empty() => Self::new(place, format!("{what}, no {kind} is known here")),
            None => Self::new(place, format!("{what}, the known {kind}s are {}", known.join(", "))),
        }
    }
}

impl std::error::Error for Error {}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.place, self.what)?;
        match &self.suggestion {
            Some(suggestion) => write!(formatter, ", did you mean {}?", quoted(suggestion)),
            None => Ok(()),
        }
    }
}

/// `text` from a file, fit for one line of a message: quoted, escaped, and cut when long.
pub(crate) fn quoted(text: &str) -> String {
    const LONGEST: usize = 60;
    match text.char_indices().nth(LONGEST) {
        Some((cut, _)) => format!("{:?}", format!("{}...", &text[..cut])),
        None => format!("{text:?}"),
    }
}

/// The known name that `given` was probably meant to be: one slip in three characters away, or one in a short name.
fn nearest<'a>(given: &str, known: &[&'a str]) -> Option<&'a str> {
    let plain = |name: &str| name.to_lowercase().replace('_', "-");
    let length = given.chars().count();
    let allowed = (length / 3).max(1).min(length / 2);
    known
        .iter()
        .map(|name| (strsim::osa_distance(&plain(given), &plain(name)), *name))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_lines_and_columns_as_editors_do() {
        let text = "a\r\nä: b\rc\n\nd";
        let place = |needle: &str| Place::at(text, text.find(needle).unwrap()).to_string();
        assert_eq!(place("a"), "1:1");
        assert_eq!(place("b"), "2:4");
        assert_eq!(place("c"), "3:1");
        assert_eq!(place("d"), "5:1");
        assert_eq!(Place::at(text, text.len()).to_string(), "5:2");
    }

    #[test]
    fn suggests_only_what_is_near() {
        let known = ["paths", "image", "source-branch", "id"];
        assert_eq!(nearest("pathz", &known), Some("paths"));
        assert_eq!(nearest("Paths", &known), Some("paths"));
        assert_eq!(nearest("source_branch", &known), Some("source-branch"));
        assert_eq!(nearest("imgae", &known), Some("image"));
        assert_eq!(nearest("ix", &known), Some("id"));
        assert_eq!(nearest("xy", &known), None);
        assert_eq!(nearest("x", &["a", "X"]), Some("X"));
        assert_eq!(nearest("x", &["a", "b"]), None);
        assert_eq!(nearest("needs", &known), None);
    }

    #[test]
    fn long_and_hostile_text_stays_on_one_short_line() {
        assert_eq!(quoted("a\n::error::\u{1b}[31m"), r#""a\n::error::\u{1b}[31m""#);
        assert_eq!(quoted(&"ü".repeat(100)), format!("\"{}...\"", "ü".repeat(60)));
    }
}
