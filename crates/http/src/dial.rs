//! Bare connections, for what answers but does not speak HTTP.

use std::time::Duration;

use crate::connect::{Connector, Stream, Target};
use crate::{A_DAY, Certificate, Connections, Error, Proxies, Timings, tls};

/// Opens bare connections: TCP, and TLS over it. Proxies are for HTTP, so none is used.
#[derive(Clone)]
pub struct Dialer(Connector);

/// A bare connection.
pub struct Connection {
    /// The bytes in both directions.
    pub stream: Stream,
    /// How long the phases so far took; `total` is their sum.
    pub timings: Timings,
    /// The certificate of the server, once TLS is spoken.
    pub certificate: Option<Certificate>,
    target: Target,
}

impl Dialer {
    /// Makes a dialer whose connections stand within `timeout`, each of TCP and TLS.
    pub fn new(connections: &Connections, timeout: Duration) -> Result<Self, Error> {
        let tls = tls::config(connections, Vec::new())?;
        Ok(Self(Connector::new(tls.into(), Proxies::none(), connections.clone(), timeout.min(A_DAY))))
    }

    /// Connects by TCP.
    pub async fn tcp(&self, host: &str, port: u16) -> Result<Connection, Error> {
        let target = Target::new(host, port);
        let (stream, timings) = self.0.tcp(&target).await?;
        Ok(Connection { stream, timings, certificate: None, target })
    }

    /// Goes over to TLS on a connection.
    pub async fn tls(&self, connection: Connection) -> Result<Connection, Error> {
        let Connection { stream, timings, target, .. } = connection;
        let (stream, took, certificate) = self.0.tls(stream, &target).await?;
        let timings = Timings { tls: Some(took), total: timings.total + took, ..timings };
        Ok(Connection { stream, timings, certificate, target })
    }
}

impl std::fmt::Debug for Dialer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Dialer")
    }
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection").field("timings", &self.timings).finish_non_exhaustive()
    }
}
