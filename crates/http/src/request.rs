//! What to send, and within which bounds.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};

use crate::{BODY_LIMIT, REQUEST_TIMEOUT, Url};

/// How much of a body is read, in bytes, and what more than that means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyLimit {
    /// More is [`Error::BodyTooLarge`](crate::Error::BodyTooLarge).
    Fail(usize),
    /// More is left unread, and [`Response::truncated`](crate::Response::truncated) says so.
    Cut(usize),
}

impl BodyLimit {
    pub(crate) fn bytes(self) -> usize {
        match self {
            Self::Fail(bytes) | Self::Cut(bytes) => bytes,
        }
    }
}

/// A request: made from method and URL, refined by the methods below, sent by [`Client`](crate::Client).
#[derive(Clone)]
pub struct Request {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) timeout: Duration,
    pub(crate) redirects: usize,
    pub(crate) body_limit: BodyLimit,
    pub(crate) idempotent: bool,
    pub(crate) gzip: bool,
    pub(crate) count_to: u64,
}

impl Request {
    /// A request without headers and body, that follows no redirect.
    pub fn new(method: Method, url: Url) -> Self {
        Self {
            // https://www.rfc-editor.org/rfc/rfc9110#section-9.2.2
            idempotent: method.is_idempotent(),
            method,
            url,
            headers: HeaderMap::new(),
            body: Bytes::new(),
            timeout: REQUEST_TIMEOUT,
            redirects: 0,
            body_limit: BodyLimit::Fail(BODY_LIMIT),
            gzip: false,
            count_to: 0,
        }
    }

    /// A GET request.
    pub fn get(url: Url) -> Self {
        Self::new(Method::GET, url)
    }

    /// A POST request with its body.
    pub fn post(url: Url, body: impl Into<Bytes>) -> Self {
        Self::new(Method::POST, url).body(body)
    }

    /// Adds a header. Mark a secret value with [`HeaderValue::set_sensitive`]: then no redirect carries it to another
    /// origin, as is always so for `Authorization` and `Cookie`.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.append(name, value);
        self
    }

    /// Sets the body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// Sets how long the request may take as a whole, a day at most.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets how many redirects are followed. With none (the default) a redirect is an answer like any other.
    #[must_use]
    pub fn redirects(mut self, most: usize) -> Self {
        self.redirects = most;
        self
    }

    /// Sets how much of the answer's body is read.
    #[must_use]
    pub fn body_limit(mut self, limit: BodyLimit) -> Self {
        self.body_limit = limit;
        self
    }

    /// Asks for gzip, unless there is an `Accept-Encoding` already, and undoes it. All limits are on what comes out.
    #[must_use]
    pub fn gzip(mut self) -> Self {
        self.gzip = true;
        self
    }

    /// Reads on to this many bytes to count them, though they are not kept: see
    /// [`Response::size`](crate::Response::size).
    #[must_use]
    pub fn count_to(mut self, bytes: u64) -> Self {
        self.count_to = bytes;
        self
    }

    /// Declares whether the request may be repeated though the server might have acted on it already. By default the
    /// method tells: GET, HEAD, OPTIONS, TRACE, PUT and DELETE may. A POST with an idempotency key may, too.
    #[must_use]
    pub fn idempotent(mut self, idempotent: bool) -> Self {
        self.idempotent = idempotent;
        self
    }

    /// Where the request goes.
    pub fn url(&self) -> &Url {
        &self.url
    }
}

impl fmt::Debug for Request {
    /// Tells neither headers nor body, which may hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}
