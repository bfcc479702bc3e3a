//! Requests and replies, and what can go wrong between them.

use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

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
    pub fn parameter(&self, name: &str) -> Option<String> {
        let mut parameters = form_urlencoded::parse(self.query.as_bytes());
        parameters.find(|(parameter, _)| parameter == name).map(|(_, value)| value.into_owned())
    }

    /// Whether a flag of the query is set.
    pub fn is_set(&self, name: &str) -> bool {
        self.parameter(name).is_some_and(|value| matches!(value.as_str(), "true" | "1"))
    }

    /// Whether it is one that changes nothing.
    pub fn is_read(&self) -> bool {
        self.method == "GET"
    }

    /// Whether it begins a watch, as Kubernetes has them.
    pub fn is_watch(&self) -> bool {
        self.is_read() && self.is_set("watch")
    }
}

/// What is answered.
pub enum Answer {
    /// All at once.
    Whole(Reply),
    /// What happens from here on, as it happens.
    Stream {
        /// The type of its content.
        kind: &'static str,
        /// Its parts.
        chunks: UnboundedReceiver<Chunk>,
    },
}

/// A part of a body, or the end of the connection.
pub type Chunk = Result<Bytes, std::io::Error>;

impl Answer {
    /// An answer in parts, and where to send them.
    pub fn stream(kind: &'static str) -> (UnboundedSender<Chunk>, Self) {
        let (out, chunks) = unbounded_channel();
        (out, Self::Stream { kind, chunks })
    }
}

impl From<Reply> for Answer {
    fn from(reply: Reply) -> Self {
        Self::Whole(reply)
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

impl Reply {
    /// A reply with JSON.
    pub fn json(status: u16, body: &Value) -> Self {
        Self::of_kind("application/json; charset=utf-8", status, body.to_string())
    }

    /// A reply with text.
    pub fn text(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self::of_kind("text/plain", status, body)
    }

    /// A reply with a page, as load balancers send them.
    pub fn html(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self::of_kind("text/html", status, body)
    }

    /// A reply with bytes of this type.
    pub fn of_kind(kind: &str, status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, headers: Vec::new(), body: body.into() }.header("content-type", kind)
    }

    /// Adds a header, its name in lower case.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }
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
    /// It takes effect, and the first half of the body comes back as if it were all.
    HalfReply,
    /// It takes effect, after this time.
    Delay(Duration),
    /// It is answered, and then nothing more is said on this connection: a watch on it never tells anything, nor ends.
    Silence,
}
