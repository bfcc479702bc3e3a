//! What must not be seen: secrets in every form that they are sent in.

use std::sync::{PoisonError, RwLock};

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sluice_core::{Context, Secret};

/// Shorter values can't be struck out: they stand in every other word.
pub(crate) const SHORTEST: usize = 4;

/// The secrets of a run, each with the name of what holds it.
#[derive(Debug, Default)]
pub(crate) struct Secrets(RwLock<Vec<Form>>);

/// A secret as it may be met.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Form {
    text: String,
    name: String,
}

/// What stays as it is in a URL: <https://www.rfc-editor.org/rfc/rfc3986#section-2.3>.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// What JavaScript's `encodeURIComponent` changes.
const COMPONENT: &AsciiSet = &RESERVED.remove(b'!').remove(b'*').remove(b'\'').remove(b'(').remove(b')');

impl Secrets {
    /// Remembers a secret that goes by this name, as it is and as it is written in URLs, forms, JSON and base64.
    pub(crate) fn add(&self, secret: &str, name: &str) {
        if secret.len() < SHORTEST {
            return;
        }
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        for text in forms(secret) {
            let form = Form { text, name: name.to_owned() };
            if form.text.len() >= SHORTEST && !known.iter().any(|known| known.text == form.text) {
                known.push(form);
            }
        }
        // A secret that holds another one goes first, else a part of it would stay behind.
        known.sort_by_key(|form| std::cmp::Reverse(form.text.len()));
    }

    /// Has the run keep all of them out of whatever it says.
    pub(crate) fn mask(&self, cx: &Context) {
        for form in &*self.0.read().unwrap_or_else(PoisonError::into_inner) {
            cx.mask(&Secret::new(&form.text));
        }
    }

    /// The text without secrets: `***` stands for each. So it does for the beginning of one that `…` cuts off.
    pub(crate) fn strike(&self, text: &str) -> String {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let mut text =
            if known.is_empty() { return text.to_owned() } else { without_beginnings(&known, text) };
        for form in known.iter() {
            if text.contains(&form.text) {
                text = text.replace(&form.text, "***");
            }
        }
        text
    }

    /// The first secret in a text: where it begins, where it ends, and its name.
    pub(crate) fn find(&self, text: &str) -> Option<(usize, usize, String)> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        known
            .iter()
            .filter_map(|form| {
                let start = text.find(&form.text)?;
                Some((start, start + form.text.len(), form.name.clone()))
            })
            .min_by_key(|(start, end, _)| (*start, std::cmp::Reverse(*end)))
    }
}

/// The text without the beginnings of secrets that `…` cuts off.
fn without_beginnings(known: &[Form], text: &str) -> String {
    let mut parts: Vec<&str> = text.split('…').collect();
    let last = parts.pop().unwrap_or_default();
    let struck = parts.into_iter().map(|part| match beginning(known, part) {
        0 => format!("{part}…"),
        length => format!("{}***…", &part[..part.len() - length]),
    });
    struck.chain([last.to_owned()]).collect()
}

/// How many bytes at the end of a text are the beginning of a secret.
fn beginning(known: &[Form], text: &str) -> usize {
    let lengths = known.iter().map(|form| {
        let most = form.text.len().min(text.len());
        let is_beginning =
            |length: &usize| form.text.is_char_boundary(*length) && text.ends_with(&form.text[..*length]);
        (SHORTEST..=most).rev().find(is_beginning).unwrap_or(0)
    });
    lengths.max().unwrap_or(0)
}

fn forms(secret: &str) -> Vec<String> {
    let percent = |set| utf8_percent_encode(secret, set).to_string();
    let encoded = [percent(NON_ALPHANUMERIC), percent(RESERVED), percent(COMPONENT)];
    let lower = encoded.clone().map(|text| lower_case(&text));
    let form = form_urlencoded::byte_serialize(secret.as_bytes()).collect::<String>();
    let json = serde_json::Value::from(secret).to_string();
    let base64 = [BASE64_STANDARD.encode(secret), BASE64_URL_SAFE_NO_PAD.encode(secret)];
    let mut forms = vec![secret.to_owned(), form, json[1..json.len() - 1].to_owned()];
    forms.extend(encoded.into_iter().chain(lower).chain(base64));
    forms.extend(secret.lines().map(str::trim).map(str::to_owned));
    forms
}

/// `%2B` is `%2b`, too: <https://www.rfc-editor.org/rfc/rfc3986#section-2.1>.
fn lower_case(encoded: &str) -> String {
    let mut text = String::with_capacity(encoded.len());
    let mut parts = encoded.split('%');
    text.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let (digits, after) = part.split_at(part.len().min(2));
        text.push('%');
        text.push_str(&digits.to_ascii_lowercase());
        text.push_str(after);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets(all: &[&str]) -> Secrets {
        let secrets = Secrets::default();
        for secret in all {
            secrets.add(secret, "TOKEN");
        }
        secrets
    }

    #[test]
    fn a_secret_is_struck_out_in_every_form() {
        let secrets = secrets(&["p+s/w\"rd é"]);
        for form in [
            "p+s/w\"rd é",
            "p%2Bs%2Fw%22rd%20%C3%A9",
            "p%2bs%2fw%22rd%20%c3%a9",
            "p%2Bs%2Fw%22rd+%C3%A9",
            "p+s/w\\\"rd é",
            "cCtzL3cicmQgw6k=",
        ] {
            assert_eq!(secrets.strike(&format!("a {form} b")), "a *** b", "{form}");
        }
    }

    #[test]
    fn the_beginning_of_a_secret_goes_where_it_is_cut_off() {
        let secrets = secrets(&["correct horse", "correct horse battery"]);
        assert_eq!(secrets.strike("x correct horse bat… (of 300 bytes)"), "x ***… (of 300 bytes)");
        assert_eq!(secrets.strike("x corr… and corr"), "x ***… and corr");
        assert_eq!(secrets.strike("x cor…"), "x cor…");
        assert_eq!(secrets.strike("correct horse battery, correct horse"), "***, ***");
    }

    #[test]
    fn the_first_secret_of_a_text_is_found() {
        let secrets = secrets(&["abcd"]);
        secrets.add("abcdef", "LONG");
        assert_eq!(secrets.find("x abcdef"), Some((2, 8, "LONG".to_owned())));
        assert_eq!(secrets.find("x abc"), None);
    }
}
