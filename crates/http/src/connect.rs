//! Opening a connection, phase by phase: name, TCP, tunnel, TLS.
//!
//! The phases are taken apart here, rather than left to ready-made connectors, so that each can be timed and each
//! failure names its own.

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::header::{HOST, PROXY_AUTHORIZATION};
use http::{Extensions, Uri};
use http_body_util::Empty;
use hyper::rt::ReadBufCursor;
use hyper_util::client::legacy::connect::dns::Name;
use hyper_util::client::legacy::connect::{Connected, HttpConnector};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;
use tower_service::Service;

use crate::proxy::{Proxies, Proxy, Route};
use crate::{Certificate, Connections, Error, Phase, Protocol, Timings, TlsProblem, Url, tls};

/// Opens the connections of a client.
#[derive(Clone)]
pub(crate) struct Connector {
    tls: Arc<ClientConfig>,
    proxies: Proxies,
    connections: Arc<Connections>,
    timeout: Duration,
}

impl Connector {
    pub(crate) fn new(
        tls: Arc<ClientConfig>,
        proxies: Proxies,
        connections: Connections,
        timeout: Duration,
    ) -> Self {
        Self { tls, proxies, connections: connections.into(), timeout }
    }

    /// Connects by TCP alone; tells how long that took.
    pub(crate) async fn tcp(&self, target: &Target) -> Result<(Stream, Timings), Error> {
        let mut attempt = Attempt::begin(self, target);
        let stream = attempt.reach(target).await?;
        let Timings { dns, connect, .. } = attempt.setup.phases;
        let total = [dns, connect].into_iter().flatten().sum();
        Ok((stream, Timings { total, ..attempt.setup.phases }))
    }

    /// Speaks TLS over a connection; tells how long the handshake took.
    pub(crate) async fn tls(
        &self,
        stream: Stream,
        target: &Target,
    ) -> Result<(Stream, Duration, Option<Certificate>), Error> {
        let mut attempt = Attempt::begin(self, target);
        let (stream, _) = attempt.secure(stream).await?;
        let certificate = attempt.setup.certificate.map(Arc::unwrap_or_clone);
        Ok((stream, attempt.setup.phases.tls.unwrap_or_default(), certificate))
    }
}

/// Whom to connect to.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    /// The host, an IPv6 address without its brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
    /// What messages call it.
    origin: String,
}

impl Target {
    pub(crate) fn new(host: &str, port: u16) -> Self {
        let target = Self { host: host.to_owned(), port, origin: String::new() };
        Self { origin: target.authority(), ..target }
    }

    fn of(url: &Url) -> Self {
        Self { host: url.host().to_owned(), port: url.port(), origin: url.origin() }
    }

    /// Host and port as a URL has them.
    pub(crate) fn authority(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

impl Service<Uri> for Connector {
    type Response = Connection;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Connection, Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, target: Uri) -> Self::Future {
        let connector = self.clone();
        Box::pin(async move {
            let url = Url::from_uri(&target)?;
            Attempt::begin(&connector, &Target::of(&url)).run(&url).await
        })
    }
}

/// One connection on its way.
struct Attempt<'a> {
    connector: &'a Connector,
    target: &'a Target,
    deadline: Instant,
    setup: Setup,
}

impl<'a> Attempt<'a> {
    fn begin(connector: &'a Connector, target: &'a Target) -> Self {
        let began = Instant::now();
        let setup = Setup { began, phases: Timings::default(), certificate: None, told: Arc::default() };
        Self { connector, target, deadline: began + connector.timeout, setup }
    }

    async fn run(mut self, url: &Url) -> Result<Connection, Error> {
        let target = self.target;
        let has_detour = self.connector.connections.detour(&target.host, target.port).is_some();
        let route = if has_detour { Route::Direct } else { self.connector.proxies.route(url)? };
        let (stream, forwarded) = match route {
            Route::Direct => (self.reach(target).await?, false),
            Route::Forward(proxy) => (self.reach_proxy(&proxy).await?, true),
            Route::Tunnel(proxy) => (self.tunnel(&proxy).await?, false),
        };
        let (stream, h2) = if url.is_https() { self.secure(stream).await? } else { (stream, false) };
        if url.is_https() && !h2 && self.connector.connections.protocol == Protocol::Http2 {
            let why = "it does not offer HTTP/2".to_owned();
            return Err(Error::Protocol { origin: url.origin(), why });
        }
        Ok(Connection { stream: TokioIo::new(stream), h2, forwarded, setup: self.setup })
    }

    /// Resolves a host and connects to it by TCP.
    async fn reach(&mut self, target: &Target) -> Result<Stream, Error> {
        let detour = self.connector.connections.detour(&target.host, target.port);
        let (host, port) = detour.unwrap_or((&target.host, target.port));
        let addresses = match host.parse::<IpAddr>() {
            Ok(address) => vec![SocketAddr::new(address, port)],
            Err(_) => self.resolve(host, port).await?,
        };
        let began = Instant::now();
        // The addresses of both families are raced (RFC 8305), and each gets its share of the time.
        let mut tcp = HttpConnector::new_with_resolver(Resolved(addresses.clone()));
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(self.deadline - began));
        // It takes only the port from the URL: the addresses are known.
        let uri = format!("http://known.invalid:{port}/").parse().unwrap_or_default();
        let stream = self.within(Phase::Connect, tcp.call(uri)).await?;
        *self.setup.phases.connect.get_or_insert_default() += began.elapsed();
        match stream {
            Ok(stream) => Ok(Box::new(stream.into_inner())),
            Err(error) => match crate::error::io_cause(&error) {
                Some(cause) if cause.kind() == io::ErrorKind::TimedOut => Err(self.ran_out(Phase::Connect)),
                cause => Err(Error::of_connect(target, &addresses, cause)),
            },
        }
    }

    async fn resolve(&mut self, host: &str, port: u16) -> Result<Vec<SocketAddr>, Error> {
        let began = Instant::now();
        let found = self.within(Phase::Dns, tokio::net::lookup_host((host, port))).await?;
        self.setup.phases.dns = Some(began.elapsed());
        let not_found = |why: String| Error::Dns { host: host.to_owned(), why };
        let addresses: Vec<_> = found.map_err(|error| not_found(error.to_string()))?.collect();
        if addresses.is_empty() {
            return Err(not_found("the name has no address".to_owned()));
        }
        Ok(addresses)
    }

    async fn reach_proxy(&mut self, proxy: &Proxy) -> Result<Stream, Error> {
        self.reach(&Target::of(&proxy.url)).await.map_err(|error| match error {
            Error::Dns { host, why } => Error::Dns { host: format!("the proxy {host}"), why },
            Error::Connect { address, why, .. } => {
                Error::Connect { address: format!("the proxy {address}"), why, refused: false }
            }
            other => other,
        })
    }

    /// Connects to a proxy and has it open a tunnel to the target.
    async fn tunnel(&mut self, proxy: &Proxy) -> Result<Stream, Error> {
        let stream = self.reach_proxy(proxy).await?;
        let began = Instant::now();
        let tunnel = self.within(Phase::Connect, open_tunnel(stream, self.target, proxy)).await?;
        *self.setup.phases.connect.get_or_insert_default() += began.elapsed();
        tunnel
    }

    /// Speaks TLS with the target; tells whether HTTP/2 was agreed on.
    async fn secure(&mut self, stream: Stream) -> Result<(Stream, bool), Error> {
        let failed = |problem| Error::Tls { origin: self.target.origin.clone(), problem };
        let name =
            self.connector.connections.private.as_ref().and_then(|private| private.server_name.as_ref());
        let name = name.unwrap_or(&self.target.host);
        let name = ServerName::try_from(name.clone()).map_err(|_| {
            failed(TlsProblem::Certificate("no certificate can be for this host name".to_owned()))
        })?;
        let began = Instant::now();
        let handshake = TlsConnector::from(self.connector.tls.clone()).connect(name, stream);
        let stream =
            self.within(Phase::Tls, handshake).await?.map_err(|error| failed(tls::problem(&error)))?;
        self.setup.phases.tls = Some(began.elapsed());
        let tls = stream.get_ref().1;
        let certificate = tls.peer_certificates().and_then(|chain| Certificate::parse(chain.first()?));
        self.setup.certificate = certificate.map(Arc::new);
        let h2 = tls.alpn_protocol() == Some(b"h2");
        Ok((Box::new(stream), h2))
    }

    async fn within<T>(&self, phase: Phase, future: impl Future<Output = T>) -> Result<T, Error> {
        timeout_at(self.deadline, future).await.map_err(|_| self.ran_out(phase))
    }

    fn ran_out(&self, phase: Phase) -> Error {
        Error::Timeout { origin: self.target.origin.clone(), phase, limit: self.connector.timeout }
    }
}

/// Asks a proxy for a tunnel (RFC 9110, section 9.3.6).
async fn open_tunnel(stream: Stream, target: &Target, proxy: &Proxy) -> Result<Stream, Error> {
    let failed = |error: &hyper::Error| Error::of_transport(&proxy.url, error);
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|error| failed(&error))?;
    tokio::spawn(connection.with_upgrades());

    let authority = target.authority();
    let mut request = http::Request::connect(&authority).header(HOST, &authority);
    if let Some(credentials) = &proxy.credentials {
        request = request.header(PROXY_AUTHORIZATION, credentials);
    }
    let request = request
        .body(Empty::<Bytes>::new())
        .map_err(|error| Error::Protocol { origin: target.origin.clone(), why: error.to_string() })?;
    let answer = sender.send_request(request).await.map_err(|error| failed(&error))?;
    if !answer.status().is_success() {
        return Err(Error::ProxyRefused {
            proxy: proxy.url.origin(),
            target: target.origin.clone(),
            status: answer.status(),
        });
    }
    let tunnel = hyper::upgrade::on(answer).await.map_err(|error| failed(&error))?;
    Ok(Box::new(TokioIo::new(tunnel)))
}

/// How long it took to open a connection. It goes with the connection into each response.
#[derive(Clone)]
pub(crate) struct Setup {
    began: Instant,
    phases: Timings,
    certificate: Option<Arc<Certificate>>,
    /// Whether a response has told of it: for those after, the connection is a kept one.
    told: Arc<AtomicBool>,
}

impl Setup {
    /// The timings of a request that began at `began` and had its answer's head after `elapsed`.
    ///
    /// A connection that another request had begun to open was not waited for from its start: it counts as kept.
    pub(crate) fn timings(extensions: &Extensions, began: Instant, elapsed: Duration) -> Timings {
        let fresh = extensions
            .get::<Self>()
            .filter(|setup| !setup.told.swap(true, Ordering::Relaxed) && setup.began >= began);
        let Some(setup) = fresh else { return Timings { first_byte: elapsed, ..Timings::default() } };
        let Timings { dns, connect, tls, .. } = setup.phases;
        let opening: Duration = [dns, connect, tls].into_iter().flatten().sum();
        Timings { first_byte: elapsed.saturating_sub(opening), ..setup.phases }
    }
}

impl Setup {
    /// The certificate that the server of a response has shown.
    pub(crate) fn certificate(extensions: &Extensions) -> Option<Arc<Certificate>> {
        extensions.get::<Self>()?.certificate.clone()
    }
}

/// Answers the connector with addresses that are known already.
#[derive(Clone)]
struct Resolved(Vec<SocketAddr>);

impl Service<Name> for Resolved {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = std::convert::Infallible;
    type Future = std::future::Ready<Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Name) -> Self::Future {
        std::future::ready(Ok(self.0.clone().into_iter()))
    }
}

/// Bytes in both directions, over whatever layers.
pub type Stream = Box<dyn ReadWrite>;

/// What can be read from and written to.
pub trait ReadWrite: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> ReadWrite for T {}

/// A connection that is ready for requests.
pub(crate) struct Connection {
    stream: TokioIo<Stream>,
    h2: bool,
    forwarded: bool,
    setup: Setup,
}

impl hyper_util::client::legacy::connect::Connection for Connection {
    fn connected(&self) -> Connected {
        let connected = Connected::new().proxy(self.forwarded).extra(self.setup.clone());
        if self.h2 { connected.negotiated_h2() } else { connected }
    }
}

impl hyper::rt::Read for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl hyper::rt::Write for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MILLISECOND: Duration = Duration::from_millis(1);

    fn with_setup(began: Instant) -> Extensions {
        let phases = Timings {
            dns: Some(MILLISECOND),
            connect: Some(MILLISECOND * 2),
            tls: Some(MILLISECOND * 3),
            ..Timings::default()
        };
        let mut extensions = Extensions::new();
        extensions.insert(Setup { began, phases, certificate: None, told: Arc::default() });
        extensions
    }

    #[test]
    fn a_connection_is_told_of_once() {
        let now = Instant::now();
        let extensions = with_setup(now);
        let first = Setup::timings(&extensions, now, MILLISECOND * 10);
        assert_eq!((first.tls, first.first_byte), (Some(MILLISECOND * 3), MILLISECOND * 4));
        let second = Setup::timings(&extensions.clone(), now, MILLISECOND * 10);
        assert_eq!((second.tls, second.first_byte), (None, MILLISECOND * 10));
    }

    #[test]
    fn a_connection_begun_for_another_request_counts_as_kept() {
        let now = Instant::now();
        let timings = Setup::timings(&with_setup(now), now + MILLISECOND, MILLISECOND * 10);
        assert_eq!((timings.dns, timings.first_byte), (None, MILLISECOND * 10));
    }
}
