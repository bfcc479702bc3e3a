//! Writes a text as a scalar that every reader takes for that text.

use crate::Style;

/// Whether `text`, written plain, would be read as something else than this text.
///
/// Readers follow YAML 1.1 (`PyYAML`, go-yaml, and through it kubectl and kustomize) or the core schema of YAML 1.2;
/// what either of them resolves to a number, a boolean, a null, a date or a merge key needs quotes. So does what is
/// not one plain line in every context, between brackets too.
///
/// Sources: <https://yaml.org/type/> for 1.1, <https://yaml.org/spec/1.2.2/#103-core-schema> for 1.2,
/// <https://yaml.org/spec/1.2.2/#733-plain-style> for plain scalars.
pub fn needs_quotes(text: &str) -> bool {
    !is_one_plain_line(text) || is_word_of_a_type(text) || is_number(text) || is_date(text)
}

/// Whether `text` can be written plain, whatever it is read as.
pub(crate) fn is_one_plain_line(text: &str) -> bool {
    let starts_well = text.starts_with(|first: char| !"-?:,[]{}#&*!|>'\"%@`".contains(first));
    starts_well
        && !text.starts_with("...")
        && text.trim() == text
        && !text.ends_with(':')
        && !text.contains(": ")
        && !text.contains(" #")
        && !text.contains([',', '[', ']', '{', '}'])
        && text.chars().all(is_printable)
}

/// The characters that can stand in a line as they are: neither control characters, nor line breaks of YAML 1.1, nor a
/// byte order mark, nor what is no character.
/// <https://yaml.org/spec/1.2.2/#51-character-set>
fn is_printable(character: char) -> bool {
    match character {
        '\u{2028}' | '\u{2029}' | '\u{feff}' => false,
        ' '..='~' | '\u{a0}'..='\u{fffd}' => true,
        _ => character >= '\u{10000}',
    }
}

fn is_word_of_a_type(text: &str) -> bool {
    const WORDS: [&str; 15] = [
        "~", "null", "true", "false", "yes", "no", "on", "off", "y", "n", ".inf", "+.inf", "-.inf", ".nan",
        "<<",
    ];
    text == "=" || WORDS.contains(&text.to_lowercase().as_str())
}

/// Integers and floats of both versions, with `_` anywhere as in 1.1, and sexagesimals (`190:20:30`). Some readers
/// ask for no digits before an exponent (`e05`) or behind a prefix (`0x_`): quotes do no harm there.
fn is_number(text: &str) -> bool {
    let text = text.replace('_', "").to_ascii_lowercase();
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(&text);
    let in_base = |prefix: &str, base: u32| {
        unsigned.strip_prefix(prefix).is_some_and(|digits| digits.chars().all(|digit| digit.is_digit(base)))
    };
    in_base("0x", 16)
        || in_base("0o", 8)
        || in_base("0b", 2)
        || is_float(unsigned)
        || is_sexagesimal(unsigned)
}

/// Digits with at most one point, then perhaps an exponent: a superset of both versions' integers and floats.
fn is_float(unsigned: &str) -> bool {
    let (mantissa, exponent) = unsigned.split_once('e').unwrap_or((unsigned, "0"));
    let exponent = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    !exponent.is_empty() && [whole, fraction, exponent].iter().all(are_digits)
}

fn is_sexagesimal(unsigned: &str) -> bool {
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    whole.contains(':')
        && are_digits(&fraction)
        && whole.split(':').all(|part| !part.is_empty() && are_digits(&part))
}

fn are_digits(text: &&str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

/// `2001-01-01`, alone or followed by what may be a time.
fn is_date(text: &str) -> bool {
    let mut parts = text.splitn(3, '-');
    let mut digits = |longest: usize| {
        let part = parts.next().unwrap_or_default();
        let length = part.bytes().take_while(u8::is_ascii_digit).count();
        (1..=longest).contains(&length).then(|| (length, &part[length..]))
    };
    match (digits(4), digits(2), digits(2)) {
        (Some((4, "")), Some((_, "")), Some((_, rest))) => {
            rest.is_empty() || rest.starts_with(['T', 't', ' ', '\t'])
        }
        _ => false,
    }
}

/// `text` as a scalar in `style` where that style can hold it. A plain scalar that needs quotes gets double quotes, or
/// single ones where the file prefers them.
pub(crate) fn write(text: &str, style: Style, prefers_single: bool) -> String {
    let single_holds = text.chars().all(is_printable);
    match style {
        Style::Plain if !needs_quotes(text) => text.to_owned(),
        Style::Plain if prefers_single && single_holds => single_quoted(text),
        Style::SingleQuoted if single_holds => single_quoted(text),
        _ => double_quoted(text),
    }
}

fn single_quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn double_quoted(text: &str) -> String {
    let escaped = text.chars().map(|character| match character {
        '"' => "\\\"".to_owned(),
        '\\' => "\\\\".to_owned(),
        '\n' => "\\n".to_owned(),
        '\r' => "\\r".to_owned(),
        '\t' => "\\t".to_owned(),
        _ if is_printable(character) => character.to_string(),
        _ => format!("\\u{:04x}", u32::from(character)),
    });
    format!("\"{}\"", escaped.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_what_a_reader_takes_for_another_type() {
        let typed = "00123456 12345e7 1.10 0777 0o17 0x1F 0X1f 1_000 0b11 190:20:30 1:30 1:30.5 on off ON yes no y n Y N \
                     null Null ~ .inf -.INF +.inf .nan .NaN true FALSE = << 2001-01-01 2001-1-1 2001-01-01T10:20:30Z \
                     0 -1 +1 1. .5 1e3 1E+3 1.5e-3 0b1_0 -0x1f 685_230.15 _1 1__0 e05 +.e5 0x 0b_ . 123456789012345678901234567890";
        for text in typed.split_whitespace() {
            assert!(needs_quotes(text), "{text}");
        }
        assert!(needs_quotes("2001-12-14 21:59:43.10 -5"));
    }

    #[test]
    fn quotes_what_is_not_one_plain_line() {
        let texts = [
            "",
            " a",
            "a ",
            "a: b",
            "a:",
            "a #b",
            "#a",
            "- a",
            "-",
            "-a",
            "? a",
            ":a",
            "[a",
            "a]",
            "{a",
            "a}",
            "a,b",
            "&a",
            "*a",
            "!a",
            "|",
            ">",
            "'a",
            "\"a",
            "%a",
            "@a",
            "`a",
            "---",
            "...",
            "a\nb",
            "a\tb",
            "a\rb",
            "\u{0}",
            "a\u{7f}",
            "a\u{85}b",
            "a\u{2028}b",
            "a\u{2029}b",
            "\u{feff}a",
            "a\u{feff}",
            "a\u{9f}",
            "\u{a0}a",
            "\u{fffe}",
        ];
        for text in texts {
            assert!(needs_quotes(text), "{text:?}");
        }
    }

    #[test]
    fn leaves_plain_what_is_plain_to_every_reader() {
        let texts = "v1.10 1.2.3 1.2.3-rc.1 latest main-0a1b2c3 706798g 1e2f 12345e 0xg 0o8 0b2 e5f 2001-01 20010-01-01 \
                     2001-01-01-build.5 sha256:0123 registry:5000/shop/backend a:b a#b nul yess on-call 1-2 ü 日本 🦀 ._. 1.2.3.4 \
                     path/to/x a'b a\"b a&b x=y";
        for text in texts.split_whitespace() {
            assert!(!needs_quotes(text), "{text}");
        }
        assert!(!needs_quotes("two words"));
    }

    #[test]
    fn keeps_the_style_that_can_hold_the_text() {
        let write = |text, style| write(text, style, false);
        assert_eq!(write("v1", Style::Plain), "v1");
        assert_eq!(write("1.10", Style::Plain), "\"1.10\"");
        assert_eq!(super::write("1.10", Style::Plain, true), "'1.10'");
        assert_eq!(super::write("a\tb", Style::Plain, true), "\"a\\tb\"");
        assert_eq!(write("it's", Style::SingleQuoted), "'it''s'");
        assert_eq!(write("a\nb", Style::SingleQuoted), "\"a\\nb\"");
        assert_eq!(
            write("a\"\\\u{1b}\u{feff}\u{2028}ü🦀", Style::DoubleQuoted),
            "\"a\\\"\\\\\\u001b\\ufeff\\u2028ü🦀\""
        );
    }
}
