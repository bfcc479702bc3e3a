//! Text of strangers, made inert for the place where it is shown.
//!
//! File names, branch names and replies of servers are written by strangers. Each function here
//! turns such text into text that means only itself: on one line of a log, in Markdown, in HTML and XML,
//! in a workflow command.

use std::fmt::Write as _;

/// Bytes as text: valid UTF-8 stays, every other byte becomes `\xNN`.
pub fn bytes(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
    text
}

/// One line for a terminal or a log: nothing in it can end the line, move the cursor, turn the
/// reading direction or be taken for a workflow command.
///
/// The runner takes a line for a command when it starts with `::` after white space, or holds `##[`
/// anywhere: <https://github.com/actions/runner/blob/main/src/Runner.Common/ActionCommand.cs>.
pub fn line(text: &str) -> String {
    let mut line = visible(text, |_| false).replace("##[", "#\\#[");
    let start = line.len() - line.trim_start().len();
    if line[start..].starts_with("::") {
        line.insert(start, '\\');
    }
    line
}

/// Text inside Markdown: every character shows as itself, on one line.
pub fn markdown(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    let text = visible(text, |_| false);
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        match c {
            // Only inside a word a colon means something: an address, an emoji.
            ':' if characters.peek().is_none_or(|next| next.is_whitespace()) => escaped.push(c),
            '&' | '<' | '>' | '"' | '\'' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '(' | ')' | '#'
            | '+' | '!' | '|' | '~' | '$' | '@' | '\\' | ':' => {
                let _ = write!(escaped, "&#{};", u32::from(c));
            }
            _ => escaped.push(c),
        }
    }
    escaped
}

/// A name in Markdown: inside `<code>`, where GitHub links no mention, number or address.
pub fn markdown_code(text: &str) -> String {
    format!("<code>{}</code>", markdown(text))
}

/// Text inside HTML and XML, between tags and in quoted attributes: every character shows as itself, and one that
/// XML can't hold as an escape (<https://www.w3.org/TR/xml/#charsets>).
pub fn markup(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            // In an attribute a line's end would be read as a space.
            '\n' => escaped.push_str("&#10;"),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => {
                let _ = write!(escaped, "\\u{{{:x}}}", u32::from(c));
            }
            c => escaped.push(c),
        }
    }
    escaped
}

/// A label in a Mermaid graph, between double quotes: only letters, digits and what has no meaning there
/// stand for themselves. <https://mermaid.js.org/syntax/flowchart.html#entity-codes-to-escape-characters>
pub(crate) fn mermaid(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in visible(text, |_| false).chars() {
        if c.is_alphanumeric() || matches!(c, ' ' | '-' | '_' | '.' | '/') {
            escaped.push(c);
        } else {
            let _ = write!(escaped, "#{};", u32::from(c));
        }
    }
    escaped
}

/// Several lines inside a fenced block: the fence to use, longer than any in the text, and the text.
pub(crate) fn markdown_fenced(text: &str) -> (String, String) {
    let text = visible(text, |c| c == '\n');
    let mut longest = 0;
    let mut run = 0;
    for c in text.chars() {
        run = if c == '`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    ("`".repeat(longest.max(2) + 1), text)
}

/// Replaces what does not show, or shows in disguise, by an escape that does.
pub(crate) fn visible(text: &str, keep: impl Fn(char) -> bool) -> String {
    let mut line = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            c if keep(c) => line.push(c),
            '\n' => line.push_str("\\n"),
            '\r' => line.push_str("\\r"),
            '\t' => line.push_str("\\t"),
            c if c.is_control() || is_disguise(c) => {
                let _ = write!(line, "\\u{{{:x}}}", u32::from(c));
            }
            c => line.push(c),
        }
    }
    line
}

/// Characters that end a line, turn the reading direction or take no room.
const fn is_disguise(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{61c}' | '\u{200b}' | '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_line_stays_one_line_and_no_command() {
        assert_eq!(line("a\n::error::x"), "a\\n::error::x");
        assert_eq!(line("  ::set-output name=x::y"), "  \\::set-output name=x::y");
        assert_eq!(line("x ##[add-mask]y"), "x #\\#[add-mask]y");
        assert_eq!(line("\u{1b}[31mred\u{202e}"), "\\u{1b}[31mred\\u{202e}");
        assert_eq!(line("naïve 日本"), "naïve 日本");
    }

    #[test]
    fn bytes_that_are_no_text_are_shown() {
        assert_eq!(bytes(b"caf\xc3\xa9/\xff\xfe"), "café/\\xff\\xfe");
    }

    #[test]
    fn markdown_is_dead() {
        assert_eq!(
            markdown("<img> [x](y) | @me `z`"),
            "&#60;img&#62; &#91;x&#93;&#40;y&#41; &#124; &#64;me &#96;z&#96;"
        );
        assert_eq!(markdown_fenced("a\n````\nb"), ("`````".to_owned(), "a\n````\nb".to_owned()));
    }

    #[test]
    fn markup_is_dead() {
        assert_eq!(
            markup("<b a=\"'\">&amp;\n\u{1b}\u{ffff}日本"),
            "&lt;b a=&quot;&#39;&quot;&gt;&amp;amp;&#10;\\u{1b}\\u{ffff}日本"
        );
    }

    proptest! {
        #[test]
        fn no_markup_is_left_alive(text in any::<String>()) {
            prop_assert!(!markup(&text).contains(|c: char| c.is_control() || "<>\"'".contains(c)));
        }

        #[test]
        fn no_line_is_ever_a_command(text in any::<String>()) {
            let line = line(&text);
            prop_assert!(!line.chars().any(char::is_control));
            prop_assert!(!line.trim_start().starts_with("::"));
            prop_assert!(!line.contains("##["));
        }

        #[test]
        fn no_label_leaves_its_quotes(text in any::<String>()) {
            let leaves = |c: char| c.is_control() || "\"`[](){}<>|&%\\".contains(c);
            prop_assert!(!mermaid(&text).contains(leaves));
        }

        #[test]
        fn a_fence_is_never_closed_from_within(text in any::<String>()) {
            let (fence, text) = markdown_fenced(&text);
            prop_assert!(!text.contains(&fence));
        }
    }
}
