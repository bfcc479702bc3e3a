//! What came back, and how long it took.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode, Version};

use crate::{Certificate, Url};

/// The answer to a request, of whatever status.
#[derive(Clone)]
pub struct Response {
    /// The status.
    pub status: StatusCode,
    /// The HTTP version that was spoken.
    pub version: Version,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, as it was sent, or out of its encoding where the request says [`gzip`](crate::Request::gzip).
    pub body: Bytes,
    /// Whether the body went on past [`BodyLimit::Cut`](crate::BodyLimit::Cut).
    pub truncated: bool,
    /// How many bytes of the body came; the least there are when it is truncated.
    pub size: u64,
    /// The headers that came behind the body.
    pub trailers: HeaderMap,
    /// The certificate of the server; none without TLS.
    pub certificate: Option<Arc<Certificate>>,
    /// How long each phase took.
    pub timings: Timings,
    /// Where the answer came from, after redirects.
    pub url: Url,
}

impl Response {
    /// The text of a header; `None` when it is missing or not visible ASCII.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

impl fmt::Debug for Response {
    /// Tells neither headers nor body, which may hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status)
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

/// How long each phase of the last hop took, one after the other.
///
/// The phases of a connection are `None` where there were none: it was kept from an earlier request, the host is an
/// address, the scheme is `http`. With a proxy, `dns` and `connect` are those of the proxy, the tunnel included.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Timings {
    /// Resolving the host's name.
    pub dns: Option<Duration>,
    /// Connecting by TCP.
    pub connect: Option<Duration>,
    /// The TLS handshake.
    pub tls: Option<Duration>,
    /// From the connection being ready until the head of the answer had come.
    pub first_byte: Duration,
    /// The whole request: all phases of all redirects, and the body.
    pub total: Duration,
}
