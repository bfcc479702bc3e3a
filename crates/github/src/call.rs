//! One request: what it is for, which permission it needs, and what is sent.

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde::Serialize;
use sluice_http::Method;

/// How many bytes of a reply are read: a tree of 100,000 entries, the most that GitHub sends, has some 30 MB.
const REPLY_LIMIT: usize = 64 << 20;

/// A request to the REST API.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    /// What could not be done if it fails, as in "could not ...".
    pub(crate) doing: String,
    /// The permission that it needs, as a workflow writes it.
    pub(crate) permission: &'static str,
    pub(crate) method: Method,
    /// Path and query below the endpoint, encoded, with the slash in front; empty for GraphQL.
    pub(crate) path: String,
    pub(crate) accept: &'static str,
    pub(crate) body: Option<Vec<u8>>,
    pub(crate) reply_limit: usize,
}

/// What JSON of the API is asked for as.
const JSON: &str = "application/vnd.github+json";
/// A file's bytes instead of JSON about it.
pub(crate) const RAW: &str = "application/vnd.github.raw+json";
/// A commit's name instead of JSON about it.
pub(crate) const SHA: &str = "application/vnd.github.sha";

impl Call {
    pub(crate) fn get(doing: impl Into<String>, permission: &'static str) -> Self {
        Self::new(Method::GET, doing, permission)
    }

    pub(crate) fn new(method: Method, doing: impl Into<String>, permission: &'static str) -> Self {
        Self {
            doing: doing.into(),
            permission,
            method,
            path: String::new(),
            accept: JSON,
            body: None,
            reply_limit: REPLY_LIMIT,
        }
    }

    /// Appends segments to the path. A slash in one of them stays a part of it: it is sent as `%2F`.
    pub(crate) fn path<'a>(mut self, segments: impl IntoIterator<Item = &'a str>) -> Self {
        for segment in segments {
            self.path.push('/');
            self.path.push_str(&encoded(segment));
        }
        self
    }

    /// Appends a parameter to the query.
    pub(crate) fn query(mut self, name: &str, value: &str) -> Self {
        let separator = if self.path.contains('?') { '&' } else { '?' };
        self.path.push(separator);
        self.path.push_str(name);
        self.path.push('=');
        self.path.push_str(&encoded(value));
        self
    }

    pub(crate) fn accept(mut self, media_type: &'static str) -> Self {
        self.accept = media_type;
        self
    }

    /// Sends a value as JSON. Values of this crate have no key that JSON can't hold.
    pub(crate) fn body(mut self, value: &impl Serialize) -> Self {
        self.body = Some(serde_json::to_vec(value).unwrap_or_default());
        self
    }

    pub(crate) fn reply_limit(mut self, bytes: usize) -> Self {
        self.reply_limit = bytes;
        self
    }
}

/// Everything but the unreserved characters of RFC 3986, so that no text can end its segment.
const RESERVED: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'!')
    .add(b'"')
    .add(b'#')
    .add(b'$')
    .add(b'%')
    .add(b'&')
    .add(b'\'')
    .add(b'(')
    .add(b')')
    .add(b'*')
    .add(b'+')
    .add(b',')
    .add(b'/')
    .add(b':')
    .add(b';')
    .add(b'<')
    .add(b'=')
    .add(b'>')
    .add(b'?')
    .add(b'@')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// A segment of a path, or a value of a query. A segment of dots alone would be read as a step between folders.
fn encoded(text: &str) -> String {
    match text {
        "." => "%2E".to_owned(),
        ".." => "%2E%2E".to_owned(),
        _ => utf8_percent_encode(text, RESERVED).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_strangers_stay_in_their_segment() {
        let call = Call::get("x", "contents: read").path(["repos", "a/../b", "..", "é?x#y%00"]);
        assert_eq!(call.path, "/repos/a%2F..%2Fb/%2E%2E/%C3%A9%3Fx%23y%2500");
        let call = call.path(["x"]).query("ref", "a&b=c").query("page", "2");
        assert!(call.path.ends_with("/x?ref=a%26b%3Dc&page=2"), "{}", call.path);
    }
}
