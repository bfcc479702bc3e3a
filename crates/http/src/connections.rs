//! How the connections of one client are made.

use std::fmt;
use std::path::PathBuf;

use crate::Options;

/// How connections are made: whom to trust, who we are, what to speak, where a host is found.
///
/// The default is that of every action: Mozilla's roots, HTTP/2 where the server offers it, connections kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Connections {
    /// PEM files with CA certificates to trust besides Mozilla's.
    pub ca_files: Vec<PathBuf>,
    /// The certificate that is shown to a server that asks for one.
    pub identity: Option<Identity>,
    /// The version of HTTP.
    pub protocol: Protocol,
    /// Other places for hosts, the first that fits counts. A host that has one is reached past any proxy.
    pub detours: Vec<Detour>,
    /// Whether each request gets a connection of its own, so that a balancer may send each elsewhere.
    pub is_fresh: bool,
    /// Whom to trust instead, and who we are, where the server has an authority of its own.
    pub private: Option<Private>,
}

/// A client certificate.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Identity {
    /// A PEM file: the certificate, followed by those that lead to its authority.
    pub certificate: PathBuf,
    /// A PEM file with its private key.
    pub key: PathBuf,
}

/// How a server is met that lives outside the web's public names and authorities, as a cluster's API does.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Private {
    /// The only CA certificates to trust, in PEM form: then neither Mozilla's nor those of files are.
    pub authority: Option<Vec<u8>>,
    /// The certificate that we show and its private key, in PEM form, one after the other.
    pub identity: Option<Vec<u8>>,
    /// The name that its certificate must be for, and that it is told (SNI), where that is not the host's.
    pub server_name: Option<String>,
}

impl fmt::Debug for Private {
    /// Tells nothing of the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Private").field("server_name", &self.server_name).finish_non_exhaustive()
    }
}

/// Which version of HTTP is spoken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// HTTP/2 where TLS agrees on it (ALPN), else HTTP/1.1.
    #[default]
    Any,
    /// HTTP/1.1 only.
    Http1,
    /// HTTP/2 only; without TLS with prior knowledge
    /// (<https://www.rfc-editor.org/rfc/rfc9113#section-3.3>).
    Http2,
}

/// Where a host is found instead, as curl's `--connect-to` and `--resolve` say it. Names in the request and in TLS
/// stay those of the host.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Detour {
    /// The host.
    pub host: String,
    /// Its port; `None` for any.
    pub port: Option<u16>,
    /// The host or address to connect to.
    pub to: String,
    /// The port to connect to; `None` for the same.
    pub to_port: Option<u16>,
}

impl From<&Options> for Connections {
    fn from(options: &Options) -> Self {
        Self { ca_files: options.ca_file.iter().cloned().collect(), ..Self::default() }
    }
}

impl Connections {
    /// The host and port to connect to, when it is another one.
    pub(crate) fn detour(&self, host: &str, port: u16) -> Option<(&str, u16)> {
        let fits = |detour: &&Detour| {
            detour.host.eq_ignore_ascii_case(host) && detour.port.is_none_or(|only| only == port)
        };
        let detour = self.detours.iter().find(fits)?;
        Some((&detour.to, detour.to_port.unwrap_or(port)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_detour_that_fits_counts() {
        let detour = |port, to: &str, to_port| Detour {
            host: "shop.example.com".into(),
            port,
            to: to.into(),
            to_port,
        };
        let detours = vec![detour(Some(443), "10.0.0.1", Some(8443)), detour(None, "10.0.0.2", None)];
        let connections = Connections { detours, ..Connections::default() };
        assert_eq!(connections.detour("SHOP.example.com", 443), Some(("10.0.0.1", 8443)));
        assert_eq!(connections.detour("shop.example.com", 80), Some(("10.0.0.2", 80)));
        assert_eq!(connections.detour("example.com", 80), None);
    }
}
