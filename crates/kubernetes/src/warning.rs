//! What the API server warns of beside its answers: deprecated fields, a policy that lets pass but not without a word.
//! <https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/#validation-actions>

use std::sync::{Arc, Mutex, PoisonError};

use http::{HeaderMap, header::WARNING};

/// The most warnings that are kept: what comes after them says hardly more.
const MOST: usize = 50;

/// The warnings that were heard, each once, in the order in which they came. Clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Warnings(Arc<Mutex<Vec<String>>>);

impl Warnings {
    /// Takes those of an answer.
    pub(crate) fn hear(&self, headers: &HeaderMap) {
        for value in headers.get_all(WARNING) {
            let value = String::from_utf8_lossy(value.as_bytes());
            let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            for text in texts(&value) {
                if known.len() < MOST && !known.contains(&text) {
                    known.push(text);
                }
            }
        }
    }

    /// Those heard so far.
    pub(crate) fn heard(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The texts of one header: `299 - "first", 299 - "second"`. <https://www.rfc-editor.org/rfc/rfc7234#section-5.5>
fn texts(header: &str) -> Vec<String> {
    let mut texts = Vec::new();
    let mut letters = header.chars();
    while letters.any(|letter| letter == '"') {
        let mut text = String::new();
        while let Some(letter) = letters.next().filter(|letter| *letter != '"') {
            text.extend(if letter == '\\' { letters.next() } else { Some(letter) });
        }
        texts.push(text);
    }
    texts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_holds_one_text_or_several() {
        assert_eq!(texts(r#"299 - "first""#), ["first"]);
        assert_eq!(texts(r#"299 - "a \"b\" \\ c", 299 - "second""#), [r#"a "b" \ c"#, "second"]);
        assert_eq!(texts("299 - none"), [""; 0]);
        assert_eq!(texts(r#"299 - "not closed"#), ["not closed"]);
    }

    #[test]
    fn each_is_kept_once_and_not_without_end() {
        let warnings = Warnings::default();
        for number in 0..100 {
            let mut headers = HeaderMap::new();
            headers.append(WARNING, format!(r#"299 - "{number}""#).parse().unwrap());
            headers.append(WARNING, r#"299 - "again""#.parse().unwrap());
            warnings.hear(&headers);
        }
        let heard = warnings.heard();
        assert_eq!(
            (heard.len(), heard[0].as_str(), heard[1].as_str(), heard[2].as_str()),
            (50, "0", "again", "1")
        );
    }
}
