//! What a Secret holds, hidden from all that is said of it.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::Value;

/// What stands for a value.
const HIDDEN: &str = "***";
/// Where a Secret has its values.
const FIELDS: [&str; 2] = ["data", "stringData"];

/// Replaces the values of a Secret's two states by whether they differ.
pub(crate) fn states(now: &mut Value, then: &mut Value) {
    for field in FIELDS {
        let (before, after) = (now[field].clone(), then[field].clone());
        mask(now.get_mut(field), &after, "*** (of the cluster)");
        mask(then.get_mut(field), &before, "*** (of the backup)");
    }
}

fn mask(fields: Option<&mut Value>, others: &Value, text: &str) {
    for (key, value) in fields.and_then(Value::as_object_mut).into_iter().flatten() {
        let differs = others.get(key) != Some(&*value);
        *value = Value::from(if differs { text } else { HIDDEN });
    }
}

/// Replaces the values of a Secret in the words of a cluster: a refusal may quote them, encoded or not.
pub(crate) fn words(words: &str, secret: &Value) -> String {
    let mut quoted: Vec<String> = FIELDS
        .iter()
        .flat_map(|field| secret[field].as_object().into_iter().flat_map(|fields| fields.values()))
        .flat_map(quotable)
        .collect();
    // The longest first: what is within another is gone with it.
    quoted.sort_by_key(|text| std::cmp::Reverse(text.len()));
    quoted.iter().fold(words.to_owned(), |words, text| words.replace(text, HIDDEN))
}

/// A value as it stands, decoded, and each of its lines: words are one line.
fn quotable(value: &Value) -> Vec<String> {
    // What is no text there is quoted as JSON has it: it is why the cluster refuses.
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let decoded = BASE64_STANDARD.decode(&text).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let lines =
        decoded.iter().chain([&text]).flat_map(|text| text.lines()).map(|line| line.trim().to_owned());
    lines.filter(|line| !line.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn no_words_quote_a_value() {
        let secret = json!({"data": {"password": "aHVudGVyMg==", "key": "bGluZSBvbmUKbGluZSB0d28=", "n": 4711}, "stringData": {"user": "octocat"}});
        let said = words(
            r#"invalid: data[password]: "aHVudGVyMg==" (hunter2), key: "line one\nline two", got 4711 of octocat"#,
            &secret,
        );
        assert_eq!(said, r#"invalid: data[password]: "***" (***), key: "***\n***", got *** of ***"#);
        assert_eq!(words("exceeded quota", &json!({"data": {"empty": ""}})), "exceeded quota");
        assert_eq!(words("no data", &json!({"data": null})), "no data");
    }
}
