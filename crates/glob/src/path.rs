//! A path as characters: each valid UTF-8 sequence is one, each other byte is one of its own.

use crate::syntax::Check;

/// A character of a path: a Unicode scalar value, or [`STRAY`] plus a byte that is not UTF-8.
pub(crate) type Unit = u32;

/// The first unit that is no Unicode scalar value.
const STRAY: Unit = 0x11_0000;

/// The character that ends at `end` (which is not 0), and where it starts.
pub(crate) fn unit_before(path: &[u8], end: usize) -> (Unit, usize) {
    let last = path[end - 1];
    if last.is_ascii() {
        return (last.into(), end - 1);
    }
    for start in (end.saturating_sub(4)..end - 1).rev() {
        if let Ok(text) = std::str::from_utf8(&path[start..end]) {
            let mut chars = text.chars();
            if let (Some(only), None) = (chars.next(), chars.next()) {
                return (only.into(), start);
            }
        }
    }
    (STRAY + Unit::from(last), end - 1)
}

/// Whether the condition holds at this position.
pub(crate) fn holds(check: Check, path: &[u8], at: usize) -> bool {
    let rest = &path[at..];
    match check {
        Check::Start => at == 0,
        Check::End => rest.is_empty(),
        Check::NotEnd => !rest.is_empty(),
        Check::NoDots => !starts_with_dots(rest),
        Check::NoDotEnd => !matches!(rest, [] | [b'/', ..] | [b'.'] | [b'.', b'/', ..]),
    }
}

/// Whether a `**` may take the character that starts here: it never enters a segment `.` or `..`.
pub(crate) fn globstar_takes(path: &[u8], at: usize) -> bool {
    !(at == 0 && starts_with_dots(path) || path[at] == b'/' && starts_with_dots(&path[at + 1..]))
}

/// Whether any segment is `.` or `..`.
pub(crate) fn has_dots(path: &[u8]) -> bool {
    starts_with_dots(path)
        || path.windows(2).enumerate().any(|(at, pair)| pair == b"/." && starts_with_dots(&path[at + 1..]))
}

/// Whether the first segment is `.` or `..`.
fn starts_with_dots(path: &[u8]) -> bool {
    matches!(path, [b'.'] | [b'.', b'/', ..] | [b'.', b'.'] | [b'.', b'.', b'/', ..])
}
