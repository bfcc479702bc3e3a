//! The one HTTP client: roots, CA file, proxy, time-outs, retries.
//!
//! ```no_run
//! # async fn run(options: sluice_http::Options, variable: impl Fn(&str) -> Option<String>)
//! # -> Result<(), sluice_http::Error> {
//! use sluice_http::{CONNECT_TIMEOUT, Client, Proxies, Request, Url};
//!
//! let client = Client::new(&options, &Proxies::from_lookup(variable)?, CONNECT_TIMEOUT)?;
//! let url = Url::parse("https://dev.shop.example.com/healthz")?;
//! let response = client.send(Request::get(url).redirects(3)).await?;
//! assert_eq!(response.status, 200);
//! # Ok(())
//! # }
//! ```
//!
//! # What a caller may rely on
//!
//! - **Bounds.** Each request ends within its time-out, body and redirects included ([`REQUEST_TIMEOUT`] unless the
//!   request says otherwise), each connection stands within [`CONNECT_TIMEOUT`] or the one given. Bodies end at
//!   [`BODY_LIMIT`] or the request's own limit, headers at [`HEADER_LIMIT`] and [`HEADER_COUNT_LIMIT`].
//! - **Trust.** Mozilla's roots are bundled; [`Options::ca_file`] adds to them. Nothing turns verification off.
//! - **Redirects** are followed only as far as the request allows. `Authorization`, `Cookie` and every header whose
//!   value is marked sensitive stay with the origin they were meant for; a step from `https` to `http` is refused.
//! - **Secrets.** A URL may hold one (webhooks do): errors and `Debug` tell its origin only.
//! - **Reuse.** Connections are kept and shared, HTTP/2 ones by several requests at once: make one client a run, on one
//!   runtime, and clone it (cheaply) where needed.
//! - **Bytes as sent.** No encoding is asked for and none is undone, unless a request says [`Request::gzip`].
//! - **Retries.** [`Client::send`] tries once; [`Client::send_with_retry`] repeats what is safe to repeat.
//!
//! # How it is laid out
//!
//! `url`, `request` and `response` are what goes in and comes out; `connections` says how connections are made, and
//! `connect` opens them phase by phase, over `proxy` and `tls`; `dial` gives them bare, `certificate` is what they show;
//! `body` reads what comes; `redirect` decides where to go next; `retry` runs the policy of [`sluice_core::retry`]; `error`
//! says what went wrong.

mod body;
mod certificate;
mod connect;
mod connections;
mod dial;
mod error;
mod proxy;
mod redirect;
mod request;
mod response;
mod retry;
mod tls;
mod url;

use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, PROXY_AUTHORIZATION, USER_AGENT};
use http_body_util::Full;
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::capture_connection;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::time::{Instant, timeout_at};

use crate::connect::{Connector, Setup};
use crate::redirect::Hop;

pub use crate::certificate::Certificate;
pub use crate::connect::{ReadWrite, Stream};
pub use crate::connections::{Connections, Detour, Identity, Private, Protocol};
pub use crate::dial::{Connection, Dialer};
pub use crate::error::{Error, Phase, TlsProblem};
pub use crate::proxy::Proxies;
pub use crate::request::{BodyLimit, Request};
pub use crate::response::{Response, Timings};
pub use crate::retry::{Stop, Tried, is_transient, jitter};
pub use crate::url::Url;
pub use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Version, header};
pub use hyper::body::Incoming;

/// How long a connection may take to stand, name resolution and TLS included, unless the client says otherwise.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a request may take as a whole unless it says otherwise.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// How many bytes of a body are read unless the request says otherwise.
pub const BODY_LIMIT: usize = 1 << 20;
/// How many bytes the names and values of a response's headers may have together.
pub const HEADER_LIMIT: u32 = 64 << 10;
/// How many headers a response may have.
pub const HEADER_COUNT_LIMIT: usize = 100;

/// How often a server is asked for a sign of life while an answer over HTTP/2 is awaited: a connection that a firewall
/// forgot would look like a server with nothing to say.
const PING_INTERVAL: Duration = Duration::from_secs(20);
/// How long it may take to give one.
const PING_TIMEOUT: Duration = Duration::from_secs(10);
/// No time-out is longer, so that clocks can be added to.
const A_DAY: Duration = Duration::from_hours(24);
const USER_AGENT_VALUE: HeaderValue = HeaderValue::from_static(concat!("sluice/", env!("CARGO_PKG_VERSION")));

/// What users may say about the network, to be flattened into an action's inputs.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Options {
    /// PEM file with CA certificates to trust besides Mozilla's
    #[arg(long, value_name = "PATH")]
    pub ca_file: Option<PathBuf>,
}

/// The HTTP client. Clones share their connections.
#[derive(Debug, Clone)]
pub struct Client {
    transport: legacy::Client<Connector, Full<Bytes>>,
    proxies: Proxies,
}

impl Client {
    /// Makes a client. `connect_timeout` is usually [`CONNECT_TIMEOUT`].
    ///
    /// Fails with [`Error::CaFile`] when the CA file can't be read or holds no certificate.
    pub fn new(options: &Options, proxies: &Proxies, connect_timeout: Duration) -> Result<Self, Error> {
        Self::with(&options.into(), proxies, connect_timeout)
    }

    /// Makes a client whose connections are made in this way.
    ///
    /// Fails with [`Error::CaFile`] or [`Error::Identity`] when a file can't be read or does not hold what it should.
    pub fn with(
        connections: &Connections,
        proxies: &Proxies,
        connect_timeout: Duration,
    ) -> Result<Self, Error> {
        let alpn: &[&[u8]] = match connections.protocol {
            Protocol::Any => &[b"h2", b"http/1.1"],
            Protocol::Http1 => &[b"http/1.1"],
            Protocol::Http2 => &[b"h2"],
        };
        let tls = tls::config(connections, alpn.iter().map(|name| name.to_vec()).collect())?;
        let connector =
            Connector::new(tls.into(), proxies.clone(), connections.clone(), connect_timeout.min(A_DAY));
        let mut builder = legacy::Client::builder(TokioExecutor::new());
        if connections.is_fresh {
            builder.pool_max_idle_per_host(0);
        }
        let transport = builder
            .http2_only(connections.protocol == Protocol::Http2)
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .http1_max_buf_size(HEADER_LIMIT as usize)
            .http1_max_headers(HEADER_COUNT_LIMIT)
            .http2_max_header_list_size(HEADER_LIMIT)
            .http2_keep_alive_interval(PING_INTERVAL)
            .http2_keep_alive_timeout(PING_TIMEOUT)
            .build(connector);
        Ok(Self { transport, proxies: proxies.clone() })
    }

    /// Sends a request once and follows as many redirects as it allows.
    ///
    /// Any status is an answer, not an error. Needs a tokio runtime with time and I/O.
    pub async fn send(&self, request: Request) -> Result<Response, Error> {
        let clock = Clock::start(request.timeout);
        let mut trail = redirect::Trail::new(request.redirects);
        let mut hop = Hop::first(&request);
        if request.gzip {
            hop.headers.entry(ACCEPT_ENCODING).or_insert(HeaderValue::from_static("gzip"));
        }
        loop {
            let (head, setup) = self.exchange(&hop, &clock).await?;
            if let Some(next) = trail.follow(&hop, head.status(), head.headers())? {
                hop = next;
                continue;
            }
            let (parts, body) = head.into_parts();
            let body = body::read(&request, &hop.url, &parts.headers, body, &clock).await?;
            return Ok(Response {
                status: parts.status,
                version: parts.version,
                headers: parts.headers,
                body: body.bytes,
                truncated: body.truncated,
                size: body.size,
                trailers: body.trailers,
                certificate: Setup::certificate(&parts.extensions),
                timings: Timings { total: clock.started.elapsed(), ..setup },
                url: hop.url,
            });
        }
    }

    /// Sends a request once and hands its answer over as soon as the head is there, at most after `timeout`: the body
    /// is still to come, for as long and as much as the server sends.
    ///
    /// Any status is an answer; no redirect is followed. What goes wrong with the body is read by [`Error::of_body`].
    pub async fn stream(
        &self,
        request: http::Request<Bytes>,
        timeout: Duration,
    ) -> Result<http::Response<Incoming>, Error> {
        let (parts, body) = request.into_parts();
        let url = Url::from_uri(&parts.uri)?;
        let hop = Hop { method: parts.method, url, headers: parts.headers, body };
        let (answer, _) = self.exchange(&hop, &Clock::start(timeout)).await?;
        Ok(answer)
    }

    /// Sends one hop and waits for the head of its answer.
    async fn exchange(&self, hop: &Hop, clock: &Clock) -> Result<(http::Response<Incoming>, Timings), Error> {
        let mut request = http::Request::new(Full::new(hop.body.clone()));
        *request.method_mut() = hop.method.clone();
        *request.uri_mut() = hop.url.uri().clone();
        *request.headers_mut() = self.complete(hop);
        let connection = capture_connection(&mut request);

        let began = Instant::now();
        let Ok(outcome) = timeout_at(clock.deadline, self.transport.request(request)).await else {
            let connected = connection.connection_metadata().is_some();
            let phase = if connected { Phase::Answer } else { Phase::Connect };
            return Err(clock.ran_out(&hop.url, phase));
        };
        let head = outcome.map_err(|error| Error::of_transport(&hop.url, &error))?;
        check_size(&hop.url, head.headers())?;
        let timings = Setup::timings(head.extensions(), began, began.elapsed());
        Ok((head, timings))
    }

    /// The headers of a hop with those that the client adds.
    fn complete(&self, hop: &Hop) -> HeaderMap {
        let mut headers = hop.headers.clone();
        headers.entry(USER_AGENT).or_insert(USER_AGENT_VALUE);
        if let Some(credentials) = self.proxies.credentials_in_request(&hop.url) {
            headers.insert(PROXY_AUTHORIZATION, credentials);
        }
        headers
    }
}

/// The time that a request has, over all its hops.
struct Clock {
    started: Instant,
    deadline: Instant,
    limit: Duration,
}

impl Clock {
    fn start(limit: Duration) -> Self {
        let started = Instant::now();
        Self { started, deadline: started + limit.min(A_DAY), limit }
    }

    fn ran_out(&self, url: &Url, phase: Phase) -> Error {
        Error::Timeout { origin: url.origin(), phase, limit: self.limit }
    }
}

/// Holds headers to their limits. hyper's own only bound what it buffers: it reads on to the end of a packet.
fn check_size(url: &Url, headers: &HeaderMap) -> Result<(), Error> {
    let bytes: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    if headers.len() > HEADER_COUNT_LIMIT || bytes > HEADER_LIMIT as usize {
        return Err(Error::HeadersTooLarge { origin: url.origin() });
    }
    Ok(())
}
