//! JSON, read as the API server reads what is applied: as YAML 1.1.

use serde_json::Value;

/// Reads JSON. Between quotes some letters end a line there, and spaces around them are lost; others are refused:
/// <https://yaml.org/spec/1.1/#id868524>.
pub(crate) fn read(body: &[u8]) -> Result<Value, String> {
    let text = std::str::from_utf8(body).map_err(|error| error.to_string())?;
    if text.contains(is_control) {
        return Err("yaml: control characters are not allowed".to_owned());
    }
    let mut read = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(ends_line) {
        read.push_str(rest[..at].trim_end_matches([' ', '\t']));
        let end = rest[at..].chars().next().unwrap_or_default();
        read.push(if end == '\u{85}' { ' ' } else { end });
        rest = rest[at + end.len_utf8()..].trim_start_matches([' ', '\t']);
    }
    read.push_str(rest);
    serde_json::from_str(&read).map_err(|error| error.to_string())
}

fn ends_line(letter: char) -> bool {
    matches!(letter, '\u{85}' | '\u{2028}' | '\u{2029}')
}

fn is_control(letter: char) -> bool {
    matches!(letter, '\u{7f}'..='\u{84}' | '\u{86}'..='\u{9f}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}
