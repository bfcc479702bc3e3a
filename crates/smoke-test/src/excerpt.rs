//! Pieces of an answer, short enough to be shown.

use std::time::Duration;

use sluice_core::escape;

/// How many bytes of a text are shown.
const SHOWN: usize = 200;

/// The beginning of a body, and how much there is when that is more.
pub(crate) fn excerpt(body: &[u8], truncated: bool) -> String {
    if body.is_empty() {
        return "empty".to_owned();
    }
    let beginning = cut(body);
    match (truncated, body.len() > SHOWN) {
        (true, _) => format!("{beginning} (of more than {} bytes)", body.len()),
        (false, true) => format!("{beginning} (of {} bytes)", body.len()),
        (false, false) => beginning,
    }
}

/// At most the first 200 bytes of a text; bytes that are no UTF-8 are shown as `\xNN`.
pub(crate) fn cut(text: &[u8]) -> String {
    if text.len() <= SHOWN {
        return escape::bytes(text);
    }
    let is_inside_character = |end: usize| text[end] & 0xC0 == 0x80;
    let end = (SHOWN - 3..=SHOWN).rev().find(|end| !is_inside_character(*end)).unwrap_or(SHOWN);
    format!("{}…", escape::bytes(&text[..end]))
}

/// A text in quotes, cut when it is long.
pub(crate) fn quoted(text: &str) -> String {
    format!("\"{}\"", cut(text.as_bytes()))
}

/// A length of time to read at a glance: `12 ms`, `1.4 s`.
pub(crate) fn seconds(time: Duration) -> String {
    let ms = time.as_secs_f64() * 1e3;
    match ms {
        ..9.95 => format!("{ms:.1} ms"),
        ..999.5 => format!("{ms:.0} ms"),
        _ => format!("{:.1} s", ms / 1e3),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_text_is_cut_between_characters() {
        assert_eq!(cut("é".repeat(100).as_bytes()), "é".repeat(100));
        assert_eq!(cut(format!("a{}", "é".repeat(100)).as_bytes()), format!("a{}…", "é".repeat(99)));
        assert_eq!(cut(&[0x80; 300]), format!("{}…", "\\x80".repeat(200)));
        assert_eq!(excerpt(&[b'x'; 300], false), format!("{}… (of 300 bytes)", "x".repeat(200)));
        assert_eq!(excerpt(b"x", true), "x (of more than 1 bytes)");
        assert_eq!(excerpt(b"", false), "empty");
    }

    #[test]
    fn times_are_read_at_a_glance() {
        let shown = [40, 900, 9_940, 9_960, 999_400, 999_600, 61_000_000]
            .map(|microseconds| seconds(Duration::from_micros(microseconds)));
        assert_eq!(shown, ["0.0 ms", "0.9 ms", "9.9 ms", "10 ms", "999 ms", "1.0 s", "61.0 s"]);
    }
}
