//! Globs as GitHub users know them, on bytes, with captures.
//!
//! A [`Glob`] means what it means to picomatch 2 with `dot: true`, case-sensitive
//! (<https://github.com/micromatch/picomatch>), which dorny/paths-filter hands its patterns to. Paths are bytes:
//! any name matches, be it UTF-8 or not. A character is a valid UTF-8 sequence; any other byte is one of its own.
//!
//! | pattern | matches |
//! |---|---|
//! | `*` | any part of a segment (what stands between slashes) |
//! | `?` | one character of a segment |
//! | `**` as a whole segment | any number of segments; `docs/**` also matches `docs` |
//! | `[a-z]`, `[^a-z]`, `[[:alpha:]]` | one character of a class; `[!a]` is not negation |
//! | `{a,b}`, `(a\|b)` | one of several; `{1..3}` is the class `[1-3]` |
//! | `?(a)`, `+(a)`, `*(a)`, `@(a)`, `!(a)` | at most once, once or more, any number of times, once, not this |
//! | `!a` | what `a` does not match |
//! | `{name}` | a part of a segment, captured: [`Glob::with_captures`] only |
//!
//! ```
//! use sluice_glob::Glob;
//!
//! let glob = Glob::with_captures("regions/{region}/layers/{layer}/**")?;
//! let captures = glob.captures(b"regions/eu-west-1/layers/network/main.tf").unwrap();
//! assert_eq!(captures.get("region"), Some(&b"eu-west-1"[..]));
//! # Ok::<(), sluice_glob::Error>(())
//! ```
//!
//! # How it works
//!
//! `parse` makes a tree of the text (`syntax`, with `shorthand` for the short patterns that picomatch
//! treats apart, `groups` for what belongs together and `class` for sets of characters). `shape` answers
//! for the common patterns, captures included, by comparing bytes. For the others, `program` compiles the
//! tree to an automaton and `matcher` runs it over a `path`, in time at most the product of their sizes,
//! whatever they hold; `captures` tells what each name holds.
//!
//! # Where it differs from picomatch
//!
//! The conformance test lists every difference on picomatch's own test table (22 of 6,691 rows):
//!
//! - A pattern that refers back to a group (`(*)/\1`) is an error, as is look-around (`(?<!a)`): regular
//!   expressions that show through, and no globs. Captures do what the former did.
//! - `\b` is the letter b, not the edge of a word (nor, in brackets, a backspace).
//! - Four and more backslashes in a row are two and more characters, not one.
//! - A group or brace without an end is an error. In picomatch such a pattern silently never matches (but for
//!   a lone `(`, which is plain text, here too).
//!
//! And beyond that table:
//!
//! - `*` and `**` match a name with a line break; picomatch's `**` does not.
//! - A range keeps the text around it: picomatch drops letters of `v{1..3}/a.js` (it looks for `v1/.js`). The
//!   same holds for `***` and `[[:alpha:]]` next to a dot or an escaped character.
//! - `..` in a brace that is no plain range (`{../a,b}`) is an error; picomatch makes a class of the pieces.
//! - `+(+(a))` means what it says; picomatch from 2.3.2 on takes such groups as plain text, since its regular
//!   expressions could take exponential time.
//! - A pattern with captures does not match a path merely because it is spelled alike.

mod captures;
mod class;
mod error;
mod groups;
mod matcher;
mod parse;
mod path;
mod program;
mod shape;
mod shorthand;
mod syntax;
#[cfg(test)]
mod tests;

pub use captures::Captures;
pub use error::{Error, Problem};

use captures::Capturing;
use program::Program;
use shape::{Answer, Shape};

/// A compiled pattern.
#[derive(Debug)]
pub struct Glob {
    source: String,
    negated: bool,
    shape: Shape,
    program: Program,
    names: Vec<String>,
    capturing: Option<Capturing>,
    literal_prefix: String,
}

impl Glob {
    /// Compiles a pattern in which `{name}` is plain text, as in picomatch.
    pub fn new(pattern: &str) -> Result<Self, Error> {
        Self::compile(pattern, false)
    }

    /// Compiles a pattern in which `{name}` captures a part of a segment: at least one character, no `/`.
    /// A name is a lower-case letter, then `a-z`, `0-9`, `_`, `-`. Where a name occurs twice, both hold the
    /// same bytes.
    pub fn with_captures(pattern: &str) -> Result<Self, Error> {
        Self::compile(pattern, true)
    }

    fn compile(source: &str, captures: bool) -> Result<Self, Error> {
        let pattern = parse::parse(source, captures)?;
        Ok(Self {
            source: source.to_owned(),
            negated: pattern.negated,
            shape: Shape::of(&pattern.node),
            program: Program::new(pattern.node.parts()),
            capturing: Capturing::of(&pattern),
            literal_prefix: pattern.literal_prefix(source).to_owned(),
            names: pattern.names,
        })
    }

    /// Whether the whole path matches. A path that is spelled like the pattern does, too; the empty path never
    /// does. With a leading `!`, a path matches that does not match the rest of the pattern.
    pub fn is_match(&self, path: &[u8]) -> bool {
        if path.is_empty() {
            return false;
        }
        let spelled_alike = self.capturing.is_none() && path == self.source.as_bytes();
        spelled_alike || self.matches_body(path) != self.negated
    }

    /// Whether the pattern has a leading `!` (an odd number of them).
    pub fn is_negated(&self) -> bool {
        self.negated
    }

    /// Whether the pattern has a leading `!` and the path matches what follows it: for lists in which such a
    /// pattern takes paths out again.
    pub fn excludes(&self, path: &[u8]) -> bool {
        self.negated && !path.is_empty() && self.matches_body(path)
    }

    /// Whether the path matches, the leading `!` aside.
    fn matches_body(&self, path: &[u8]) -> bool {
        match self.shape.answer(path) {
            Answer::Yes => true,
            Answer::No => false,
            Answer::Run => {
                let captures_agree = || match &self.capturing {
                    Some(capturing) if capturing.is_decisive() => capturing.find(&self.names, path).is_some(),
                    _ => true,
                };
                matcher::is_match(&self.program, path) && captures_agree()
            }
        }
    }

    /// What the captures hold, if the path matches (nothing, if the pattern has none). They take as much as
    /// they can, from left to right; globs take as little as they can.
    pub fn captures<'p>(&self, path: &'p [u8]) -> Option<Captures<'_, 'p>> {
        let Some(capturing) = &self.capturing else {
            return self.is_match(path).then(Captures::none);
        };
        match self.shape.answer(path) {
            _ if path.is_empty() => None,
            Answer::Yes => Some(Captures::new(&self.names, self.shape.captured(path))),
            Answer::No => None,
            Answer::Run => capturing.find(&self.names, path),
        }
    }

    /// The names of the captures, each once, in the order in which they first occur.
    pub fn capture_names(&self) -> &[String] {
        &self.names
    }

    /// The folder that every matching path lies in (or is), as far as the pattern spells it in whole segments
    /// without any sign: `a/b` of `a/b/*.c`. Empty if there is none, and for a negated pattern.
    pub fn literal_prefix(&self) -> &str {
        &self.literal_prefix
    }

    /// The pattern as it was given.
    pub fn as_str(&self) -> &str {
        &self.source
    }
}
