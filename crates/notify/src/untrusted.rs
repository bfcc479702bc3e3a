//! Text of strangers: carried as it is, shown only through a door that makes it inert.

use sluice_core::escape;

/// Text that anyone may have written: commit subjects, branch names, findings, replies.
///
/// It has no `Display`: whoever shows it says how. Each channel escapes it once, for its own syntax.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Untrusted(String);

impl Untrusted {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.trim().is_empty()
    }

    /// The text as it was written, for machines and for comparing.
    pub(crate) fn raw(&self) -> &str {
        &self.0
    }

    /// The text on one line: white space of any kind becomes one space, what does not show becomes an
    /// escape that does. At most `most` long, see [`cut`].
    pub(crate) fn line(&self, most: usize) -> String {
        let mut line = String::new();
        for word in self.0.split_whitespace() {
            if !line.is_empty() {
                line.push(' ');
            }
            // Escaping makes nothing shorter: what is past the end stays past it, and need not be read.
            line.extend(word.chars().take(most + 1));
            if length(&line) > most {
                break;
            }
        }
        cut(&escape::line(&line), most)
    }
}

impl From<&str> for Untrusted {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

/// The length of a text in UTF-16 code units: no way to count characters gives more.
pub(crate) fn length(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}

/// The text, or as much of its beginning as fits with a sign that it goes on.
pub(crate) fn cut(text: &str, most: usize) -> String {
    const MORE: char = '…';
    if length(text) <= most {
        return text.to_owned();
    }
    let mut room = most.saturating_sub(MORE.len_utf16());
    let kept = text.chars().take_while(|c| {
        let fits = c.len_utf16() <= room;
        room = room.saturating_sub(c.len_utf16());
        fits
    });
    kept.chain((most > 0).then_some(MORE)).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_text_is_shown_on_one_line_and_hides_nothing() {
        assert_eq!(Untrusted::from(" a\r\n\t b\u{2028}c ").line(99), "a b c");
        assert_eq!(Untrusted::from("a\u{202e}b\u{1b}[1m\0").line(99), "a\\u{202e}b\\u{1b}[1m\\u{0}");
    }

    #[test]
    fn what_is_too_long_is_cut_and_says_so() {
        assert_eq!(cut("abcd", 4), "abcd");
        assert_eq!(cut("abcde", 4), "abc…");
        assert_eq!(cut("😀😀😀", 5), "😀😀…");
        assert_eq!(cut("😀😀😀", 4), "😀…");
        assert_eq!(cut("abc", 0), "");
    }

    proptest! {
        #[test]
        fn no_line_is_longer_than_asked(text in any::<String>(), most in 0..50_usize) {
            let line = Untrusted::new(text).line(most);
            prop_assert!(length(&line) <= most);
            prop_assert!(!line.chars().any(char::is_control));
        }
    }
}
