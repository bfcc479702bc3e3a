//! Requests and replies, and what can go wrong between them.

use std::time::Duration;

use serde_json::{Value, json};

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Request {
    /// How many came before it.
    pub number: usize,
    /// `GET`, `POST`, `PATCH`.
    pub method: String,
    /// The path, with its encoding: `/api/v3/repos/acme/shop`.
    pub path: String,
    /// The query, with its encoding and without the `?`.
    pub query: String,
    /// The headers, their names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Request {
    /// The value of a header, its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(header, _)| header == name).map(|(_, value)| value.as_str())
    }

    /// The body, read as JSON; null when it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// A parameter of the query, decoded.
    pub(crate) fn parameter(&self, name: &str) -> Option<String> {
        let mut parameters = form_urlencoded::parse(self.query.as_bytes());
        parameters.find(|(parameter, _)| parameter == name).map(|(_, value)| value.into_owned())
    }

    /// The page that is asked for: its number from 1, and how many entries it has.
    pub(crate) fn page(&self) -> (usize, usize) {
        let number = |name| self.parameter(name).and_then(|value| value.parse().ok());
        (number("page").unwrap_or(1).max(1), number("per_page").unwrap_or(30).clamp(1, 100))
    }
}

/// A reply.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The headers, their names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// What goes wrong with a request.
#[derive(Clone, Debug)]
pub enum Fault {
    /// It takes effect, and the connection breaks before the reply.
    LoseReply,
    /// It takes effect, and this is answered instead.
    AnswerAfter(Reply),
    /// It takes no effect, and this is answered.
    Answer(Reply),
    /// It takes effect, and only the first half of the body comes back.
    CutReply,
    /// It takes effect, after this time.
    Delay(Duration),
}

impl Reply {
    /// A reply with JSON.
    pub fn json(status: u16, body: &Value) -> Self {
        let kind = ("content-type".to_owned(), "application/json; charset=utf-8".to_owned());
        Self { status, headers: vec![kind], body: body.to_string().into_bytes() }
    }

    /// An error as GitHub words it.
    pub fn error(status: u16, message: &str) -> Self {
        let page = "https://docs.github.com/rest";
        Self::json(
            status,
            &json!({"message": message, "documentation_url": page, "status": status.to_string()}),
        )
    }

    /// An error of GitHub's load balancers, which speak HTML.
    pub fn server_error(status: u16) -> Self {
        let kind = ("content-type".to_owned(), "text/html".to_owned());
        Self { status, headers: vec![kind], body: b"<html><body>Unicorn!</body></html>".to_vec() }
    }

    /// The primary rate limit, used up. `reset` is in seconds since 1970.
    ///
    /// <https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api#exceeding-the-rate-limit>
    pub fn rate_limit(reset: u64) -> Self {
        Self::error(403, "API rate limit exceeded for installation.")
            .header("x-ratelimit-remaining", "0")
            .header("x-ratelimit-reset", &reset.to_string())
    }

    /// A secondary rate limit, to be left alone for this many seconds.
    pub fn secondary_limit(seconds: u64) -> Self {
        Self::error(
            403,
            "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.",
        )
        .header("retry-after", &seconds.to_string())
    }

    /// An error of the GraphQL API, which comes with status 200.
    pub fn graphql_error(kind: &str, message: &str) -> Self {
        Self::json(200, &json!({"data": null, "errors": [{"type": kind, "message": message}]}))
    }

    /// Adds a header, its name in lower case.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// A reply with bytes as they are.
    pub(crate) fn bytes(kind: &str, body: impl Into<Vec<u8>>) -> Self {
        Self { status: 200, headers: vec![("content-type".to_owned(), kind.to_owned())], body: body.into() }
    }

    /// A list, of which the page that was asked for is answered, with links to the others.
    pub(crate) fn list(
        request: &Request,
        address: &str,
        all: &[Value],
        wrap: impl Fn(Vec<Value>) -> Value,
    ) -> Self {
        let (page, size) = request.page();
        let from = (page - 1).saturating_mul(size).min(all.len());
        let to = from.saturating_add(size).min(all.len());
        let reply = Self::json(200, &wrap(all[from..to].to_vec()));
        if to >= all.len() {
            return reply;
        }
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(
            form_urlencoded::parse(request.query.as_bytes()).filter(|(name, _)| name != "page"),
        );
        query.append_pair("page", &(page + 1).to_string());
        reply.header("link", &format!("<{address}{}?{}>; rel=\"next\"", request.path, query.finish()))
    }
}
