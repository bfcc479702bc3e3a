//! The kinds of checks: what is asked of whom, one file a kind.

pub(crate) mod dns;
pub(crate) mod grpc;
pub(crate) mod postgres;
pub(crate) mod redis;
pub(crate) mod tcp;
pub(crate) mod websocket;

use std::time::Duration;

use sluice_http::{Certificate, Error, REQUEST_TIMEOUT, Response, Timings, Url};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use self::dns::Dns;
use self::grpc::Grpc;
use self::postgres::Postgres;
use self::redis::Redis;
use self::tcp::{Tcp, Tls};
use self::websocket::Websocket;
use crate::http::Http;
use crate::network::Network;
use crate::trouble::Trouble;

/// What a check asks, and whom.
#[derive(Clone, Debug)]
pub(crate) enum Kind {
    /// With the whole URL.
    Http(Box<Http>, Url),
    Websocket(Box<Websocket>, Url),
    Grpc(Grpc),
    Postgres(Postgres),
    Redis(Redis),
    Tcp(Tcp),
    Tls(Tls),
    Dns(Dns),
}

/// What came back.
#[derive(Debug)]
pub(crate) enum Answer {
    /// From HTTP.
    Http(Box<Response>),
    /// From anything else.
    Other(Box<Seen>),
}

/// What was seen of a server that does not speak HTTP.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// In a few words.
    pub(crate) what: String,
    pub(crate) timings: Timings,
    pub(crate) certificate: Option<Certificate>,
    /// What DNS answered.
    pub(crate) records: Vec<String>,
}

impl Kind {
    /// Asks once.
    pub(crate) async fn ask(&self, network: &Network) -> Result<Answer, Trouble> {
        let other = |seen: Seen| Answer::Other(Box::new(seen));
        match self {
            Self::Http(http, url) => {
                http.ask(url, network).await.map(|answer| Answer::Http(Box::new(answer)))
            }
            Self::Websocket(websocket, url) => websocket.ask(url, network).await.map(other),
            Self::Grpc(grpc) => grpc.ask(network).await.map(other),
            Self::Postgres(postgres) => within(postgres.ask(network), &postgres.server()).await.map(other),
            Self::Redis(redis) => within(redis.ask(network), &redis.server()).await.map(other),
            Self::Tcp(tcp) => tcp.ask(network).await.map(other),
            Self::Tls(tls) => within(tls.ask(network), &tls.address.to_string()).await.map(other),
            Self::Dns(dns) => dns.ask().await.map(other),
        }
    }

    /// Makes its clients, so that files that can't be used are told of before anything is asked.
    pub(crate) fn prepare(&self, network: &Network) -> Result<(), Error> {
        match self {
            Self::Http(http, _) => network.client(&http.way).map(drop),
            Self::Websocket(websocket, _) => network.client(&websocket.way()).map(drop),
            Self::Grpc(grpc) => network.client(&grpc.way()).map(drop),
            Self::Postgres(postgres) => network.dialer(&postgres.connections()).map(drop),
            Self::Redis(redis) => network.dialer(&redis.connections()).map(drop),
            Self::Tls(tls) => network.dialer(&tls.connections()).map(drop),
            Self::Tcp(_) | Self::Dns(_) => Ok(()),
        }
    }

    /// Whether asking twice is the same as asking once.
    pub(crate) fn is_idempotent(&self) -> bool {
        match self {
            Self::Http(http, _) => http.is_idempotent(),
            _ => true,
        }
    }

    /// The request, for a check over HTTP.
    pub(crate) fn http(&self) -> Option<(&Http, &Url)> {
        match self {
            Self::Http(http, url) => Some((http, url)),
            _ => None,
        }
    }
}

/// Bounds what has no time-out of its own.
async fn within<T>(ask: impl Future<Output = Result<T, Trouble>>, whom: &str) -> Result<T, Trouble> {
    match tokio::time::timeout(REQUEST_TIMEOUT, ask).await {
        Ok(answer) => answer,
        Err(_) => Err(Trouble::failed(format!(
            "{whom} let the connection in, but did not answer within {}s",
            REQUEST_TIMEOUT.as_secs()
        ))),
    }
}

/// A connection to a server that speaks a protocol of its own, with the bytes that came and are not read yet.
pub(crate) struct Line {
    connection: sluice_http::Connection,
    whom: String,
    pub(crate) received: bytes::BytesMut,
}

/// No greeting of a server is longer.
const LONGEST_GREETING: usize = 64 << 10;

impl Line {
    pub(crate) fn new(connection: sluice_http::Connection, whom: String) -> Self {
        Self { connection, whom, received: bytes::BytesMut::new() }
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) -> Result<(), Trouble> {
        let sent = async {
            self.connection.stream.write_all(bytes).await?;
            self.connection.stream.flush().await
        };
        let sent = sent.await;
        sent.map_err(|error| self.broke(&error.to_string()))
    }

    /// Waits for more bytes.
    pub(crate) async fn receive(&mut self) -> Result<(), Trouble> {
        if self.received.len() > LONGEST_GREETING {
            return Err(self.not(&format!("it sent more than {LONGEST_GREETING} bytes")));
        }
        match self.connection.stream.read_buf(&mut self.received).await {
            Ok(0) => Err(self.broke("end of file")),
            Ok(_) => Ok(()),
            Err(error) => Err(self.broke(&error.to_string())),
        }
    }

    /// What was seen when all went well.
    pub(crate) fn seen(self, what: impl Into<String>, took: Duration) -> Seen {
        let sluice_http::Connection { timings, certificate, .. } = self.connection;
        Seen {
            what: what.into(),
            timings: Timings { total: took, ..timings },
            certificate,
            records: Vec::new(),
        }
    }

    fn broke(&self, why: &str) -> Trouble {
        Trouble::failed(format!("{} closed the connection before it answered: {why}", self.whom))
    }

    /// The server does not speak the protocol.
    pub(crate) fn not(&self, why: &str) -> Trouble {
        Trouble::failed(format!("{} did not answer as it should: {why}", self.whom))
            .help("is it the right port?")
    }
}
