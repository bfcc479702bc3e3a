//! Why a pattern cannot be used: what, where, and what to do.

use std::fmt;

/// A pattern that is refused.
///
/// It displays as one line: the pattern, the place as a byte offset, what is wrong and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    pattern: String,
    offset: usize,
    problem: Problem,
}

impl Error {
    pub(crate) fn new(pattern: &str, offset: usize, problem: Problem) -> Self {
        Self { pattern: pattern.to_owned(), offset, problem }
    }

    /// Where the problem lies: a byte offset into the pattern.
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// What is wrong.
    pub fn problem(&self) -> &Problem {
        &self.problem
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 120;
        // Only what does not show is escaped: a backslash in a pattern is there to be seen.
        let shown: String = self
            .pattern
            .chars()
            .take(SHOWN)
            .map(|c| if c == '\\' { c.to_string() } else { c.escape_debug().to_string() })
            .collect();
        let cut = if self.pattern.chars().nth(SHOWN).is_some() { "..." } else { "" };
        write!(f, "glob \"{shown}{cut}\", byte {}: {}", self.offset, self.problem)
    }
}

impl std::error::Error for Error {}

/// What is wrong with a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Problem {
    /// The pattern has no characters.
    Empty,
    /// The pattern is longer than [`Problem::MAX_LENGTH`] bytes.
    TooLong,
    /// Groups lie deeper in each other than [`Problem::MAX_DEPTH`].
    TooDeep,
    /// A `{` or an extended group, such as `+(`, has no end.
    Unclosed(&'static str),
    /// A range runs backwards, such as `[z-a]`.
    BackwardRange(char, char),
    /// A brace holds `..` and something that is not a plain end of a range.
    BadRange,
    /// A `+` or `?` after a group has nothing before it that could repeat.
    NothingToRepeat(char),
    /// `\1` and its like.
    BackReference,
    /// `(?=`, `(?!`, `(?<`.
    LookAround,
    /// `{...}` that is neither a capture nor a choice, where captures are wanted.
    NotACapture(String),
    /// A capture inside a group, a choice or a negated pattern, where it might hold nothing.
    CaptureInGroup(String),
    /// More captures than [`Problem::MAX_CAPTURES`].
    TooManyCaptures,
    /// More names that occur twice than [`Problem::MAX_REPEATED`].
    TooManyRepeated,
}

impl Problem {
    /// The longest pattern, in bytes: picomatch's own limit.
    pub const MAX_LENGTH: usize = 64 * 1024;
    /// How deep groups may lie in each other.
    pub const MAX_DEPTH: usize = 64;
    /// How many captures a pattern may hold.
    pub const MAX_CAPTURES: usize = 32;
    /// How many names may occur more than once: each multiplies the work of a match.
    pub const MAX_REPEATED: usize = 3;
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => write!(f, "the pattern is empty; write `**` to match every path"),
            Self::TooLong => {
                write!(f, "the pattern is longer than {} bytes; split it into several", Self::MAX_LENGTH)
            }
            Self::TooDeep => {
                write!(f, "groups lie more than {} deep in each other; write it flatter", Self::MAX_DEPTH)
            }
            Self::Unclosed(open) if *open == "{" => {
                write!(f, "`{{` is never closed; close it with `}}`, or write `\\{{` for the character")
            }
            Self::Unclosed(open) => {
                write!(f, "`{open}` is never closed; close it with `)`, or write `\\(` for the character")
            }
            Self::BackwardRange(low, high) => {
                let (low, high) = (low.escape_debug(), high.escape_debug());
                write!(f, "the range `{low}-{high}` runs backwards; write `{high}-{low}`")
            }
            Self::BadRange => write!(
                f,
                "`..` in braces makes a range of two plain ends, as in `{{1..3}}`; write `\\.` for a dot, or a \
                 choice without `..`"
            ),
            Self::NothingToRepeat(sign) => {
                write!(f, "nothing before `{sign}` can repeat; write `\\{sign}` for the character")
            }
            Self::BackReference => write!(
                f,
                "a backslash before a digit would refer back to a group, which is not supported; leave the \
                 backslash out, or use the same `{{name}}` twice where captures are allowed"
            ),
            Self::LookAround => {
                write!(f, "look-around, such as `(?=` and `(?<`, is not supported; use `!(...)` to exclude")
            }
            Self::NotACapture(text) => write!(
                f,
                "`{{{}}}` is neither a capture (a lower-case letter, then `a-z`, `0-9`, `_`, `-`) nor a choice \
                 (`{{a,b}}`); write `\\{{` for the character",
                text.escape_debug()
            ),
            Self::CaptureInGroup(name) => write!(
                f,
                "the capture `{{{name}}}` lies in a group, a choice or a negated pattern, where it might hold \
                 nothing; move it out, or write one pattern for each choice"
            ),
            Self::TooManyCaptures => {
                write!(f, "the pattern has more than {} captures; use `*` for some", Self::MAX_CAPTURES)
            }
            Self::TooManyRepeated => {
                write!(f, "more than {} names occur twice; give some another name", Self::MAX_REPEATED)
            }
        }
    }
}
