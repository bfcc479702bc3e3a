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
    /// The path, with its encoding: `/apis/apps/v1/namespaces/shop/deployments/web`.
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
    pub fn parameter(&self, name: &str) -> Option<String> {
        let mut parameters = form_urlencoded::parse(self.query.as_bytes());
        parameters.find(|(parameter, _)| parameter == name).map(|(_, value)| value.into_owned())
    }

    /// Whether a flag of the query is set.
    pub(crate) fn is_set(&self, name: &str) -> bool {
        self.parameter(name).is_some_and(|value| matches!(value.as_str(), "true" | "1"))
    }

    /// Whether it is one that changes nothing.
    pub fn is_read(&self) -> bool {
        self.method == "GET"
    }

    /// Whether it begins a watch.
    pub fn is_watch(&self) -> bool {
        self.is_read() && self.is_set("watch")
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
    /// It takes no effect, and this is answered.
    Answer(Reply),
    /// It takes effect, and this is answered instead.
    AnswerAfter(Reply),
    /// It takes no effect, and the connection breaks.
    Reset,
    /// It takes effect, and the connection breaks before the reply.
    LoseReply,
    /// It takes effect, and the connection breaks in the middle of the body.
    CutReply,
    /// It takes effect, after this time.
    Delay(Duration),
    /// It is answered, and then nothing more is said on this connection: a watch on it never tells anything, nor ends.
    Silence,
}

impl Reply {
    /// A reply with JSON.
    pub fn json(status: u16, body: &Value) -> Self {
        let kind = ("content-type".to_owned(), "application/json".to_owned());
        Self { status, headers: vec![kind], body: body.to_string().into_bytes() }
    }

    /// A refusal, as the API server words it: a `Status`.
    pub fn refusal(code: u16, reason: &str, message: &str) -> Self {
        Self::refusal_with(code, reason, message, &json!({}))
    }

    pub(crate) fn refusal_with(code: u16, reason: &str, message: &str, details: &Value) -> Self {
        let mut status = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": message, "reason": reason, "details": details, "code": code,
        });
        if details.as_object().is_some_and(serde_json::Map::is_empty) {
            status.as_object_mut().unwrap().remove("details");
        }
        Self::json(code, &status)
    }

    /// Too many requests: to be left alone for this many seconds.
    pub fn too_many_requests(seconds: u32) -> Self {
        Self::refusal_with(
            429,
            "TooManyRequests",
            "the server has received too many requests and has asked us to try again later",
            &json!({"retryAfterSeconds": seconds}),
        )
        .header("retry-after", &seconds.to_string())
    }

    /// An error within the API server.
    pub fn internal_error() -> Self {
        let cause = json!({"causes": [{"message": "etcdserver: request timed out"}]});
        Self::refusal_with(
            500,
            "InternalError",
            "Internal error occurred: etcdserver: request timed out",
            &cause,
        )
    }

    /// A token that is expired.
    pub fn unauthorized() -> Self {
        Self::refusal(401, "Unauthorized", "Unauthorized")
    }

    /// The error of a load balancer, which speaks HTML.
    pub fn bad_gateway() -> Self {
        let kind = ("content-type".to_owned(), "text/html".to_owned());
        Self { status: 502, headers: vec![kind], body: b"<html><body>Bad Gateway</body></html>".to_vec() }
    }

    /// Adds a header, its name in lower case.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// A reply with text.
    pub(crate) fn text(status: u16, body: impl Into<Vec<u8>>) -> Self {
        let kind = ("content-type".to_owned(), "text/plain".to_owned());
        Self { status, headers: vec![kind], body: body.into() }
    }
}
