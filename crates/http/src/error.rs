//! What can go wrong on the way, told apart by what a caller does about it.

use std::error::Error as StdError;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use http::StatusCode;

use crate::connect::Target;
use crate::{HEADER_COUNT_LIMIT, HEADER_LIMIT, Url};

/// Why there is no answer. Messages name the origin of a URL at most, for the rest of it may be a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The text is no URL that can be requested.
    #[error("not a usable URL: {why}")]
    InvalidUrl {
        /// What is wrong with it.
        why: String,
    },
    /// The CA file can't be used.
    #[error("cannot use the CA file {path:?}: {why}; ca-file wants a file of CA certificates in PEM form")]
    CaFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The CA certificates that alone are to be trusted can't be used.
    #[error("cannot use the CA certificates given: {why}")]
    Authority {
        /// What is wrong with it.
        why: String,
    },
    /// The file of the client certificate or of its key can't be used.
    #[error(
        "cannot use {path:?} as client certificate: {why}; it wants PEM files, one with the certificates, one with the key"
    )]
    Identity {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The client certificate that was given, or its key, can't be used.
    #[error("cannot use the client certificate given: {why}")]
    PrivateIdentity {
        /// What is wrong with it.
        why: String,
    },
    /// A proxy is set that can't be used.
    #[error(
        "cannot use the proxy in {variable}: it is not of the form http://[user:password@]host[:port]; set such a one, or exempt hosts with NO_PROXY"
    )]
    ProxySetting {
        /// The name of the variable.
        variable: &'static str,
    },
    /// The host's name has no address.
    #[error("host not found: {host} ({why}); check the spelling, and that the name is known where this runs")]
    Dns {
        /// The host.
        host: String,
        /// What the resolver said.
        why: String,
    },
    /// No TCP connection came about.
    #[error("cannot connect to {address}: {why}")]
    Connect {
        /// Host and port, and the addresses tried where the host is a name.
        address: String,
        /// The system's reason, and what to look at.
        why: String,
        /// Whether the host itself said no: it can be reached, and nothing listens there.
        refused: bool,
    },
    /// No TLS connection came about.
    #[error("no secure connection to {origin}: {problem}")]
    Tls {
        /// Whom we wanted to talk to.
        origin: String,
        /// What stopped it.
        problem: TlsProblem,
    },
    /// The proxy would not open a tunnel.
    #[error("the proxy {proxy} opens no tunnel to {target}: {status}; check its rules and credentials")]
    ProxyRefused {
        /// The proxy.
        proxy: String,
        /// Whom we wanted to talk to.
        target: String,
        /// The proxy's answer.
        status: StatusCode,
    },
    /// Time ran out.
    #[error("{}", timeout_message(.origin, *.phase, *.limit))]
    Timeout {
        /// Whom we waited for.
        origin: String,
        /// What we waited for.
        phase: Phase,
        /// The time-out that was set.
        limit: Duration,
    },
    /// The connection broke before the answer was complete.
    #[error("{origin} closed the connection before its answer was complete: {why}")]
    Reset {
        /// Who answered.
        origin: String,
        /// How it broke.
        why: String,
    },
    /// The body is larger than allowed.
    #[error("the body of the answer from {origin} is larger than the {limit} bytes allowed")]
    BodyTooLarge {
        /// Who answered.
        origin: String,
        /// The limit in bytes.
        limit: usize,
    },
    /// The body is not in the encoding that the answer names.
    #[error("the body of the answer from {origin} is not what its content-encoding says: {why}")]
    Encoding {
        /// Who answered.
        origin: String,
        /// What is wrong with it.
        why: String,
    },
    /// The head of the answer is larger than [`HEADER_LIMIT`] or [`HEADER_COUNT_LIMIT`].
    #[error(
        "the answer from {origin} has more than {HEADER_COUNT_LIMIT} headers or {HEADER_LIMIT} bytes of them"
    )]
    HeadersTooLarge {
        /// Who answered.
        origin: String,
    },
    /// There were more redirects than allowed.
    #[error("more redirects than the {limit} allowed, the last one from {origin}")]
    TooManyRedirects {
        /// Who redirected last.
        origin: String,
        /// How many were allowed.
        limit: usize,
    },
    /// A redirect led to where it came from.
    #[error("{origin} redirects in a circle")]
    RedirectLoop {
        /// Who redirected last.
        origin: String,
    },
    /// A redirect led from `https` to `http`.
    #[error("{from} redirects to {to}: not followed, because the request would go on unencrypted")]
    Downgrade {
        /// Who redirected.
        from: String,
        /// Where to.
        to: String,
    },
    /// A redirect led to no usable URL.
    #[error("{origin} redirects to nowhere: {why}")]
    BadRedirect {
        /// Who redirected.
        origin: String,
        /// What is wrong with the URL.
        why: String,
    },
    /// What came back is not HTTP.
    #[error("{origin} did not answer in HTTP: {why}; is it the right port?")]
    Protocol {
        /// Who answered.
        origin: String,
        /// What is wrong with the answer.
        why: String,
    },
}

/// What time ran out on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Resolving the name.
    Dns,
    /// Connecting, through a proxy if there is one.
    Connect,
    /// The TLS handshake.
    Tls,
    /// Waiting for the head of the answer.
    Answer,
    /// Reading the body.
    Body,
}

/// What stopped a TLS handshake.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TlsProblem {
    /// No known authority vouches for the certificate.
    #[error(
        "its certificate is not trusted, no known authority signed it; if it is from an authority of your own, add that with ca-file"
    )]
    Untrusted,
    /// The certificate is that of an authority, as `openssl req -x509` makes it: one can sign others, and stands for no
    /// host itself.
    #[error(
        "its certificate is one of an authority (CA:TRUE), and none of a host; give it one of its own, signed by that authority, and add the authority's with ca-file"
    )]
    Authority,
    /// The certificate's time is over.
    #[error("its certificate has expired; renew it")]
    Expired,
    /// The certificate's time has not come.
    #[error("its certificate is not valid yet; check its dates, and the clock where this runs")]
    NotValidYet,
    /// The certificate is for other names, which are listed.
    #[error("its certificate is not for this host{}; check the host, or have the name added", names(.0))]
    WrongName(Vec<String>),
    /// The certificate is bad in another way.
    #[error("its certificate cannot be accepted: {0}")]
    Certificate(String),
    /// What came back is not TLS.
    #[error("it does not speak TLS on this port; is it http instead of https?")]
    NotTls,
    /// The handshake failed.
    #[error("the TLS handshake failed: {0}")]
    Handshake(String),
}

impl Error {
    /// Whether the same request may well succeed a little later.
    ///
    /// A certificate that is refused is no such case: it stays what it is until someone replaces it.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Dns { .. } | Self::Connect { .. } | Self::Timeout { .. } | Self::Reset { .. } => true,
            Self::Tls { problem, .. } => matches!(problem, TlsProblem::Handshake(_)),
            Self::ProxyRefused { status, .. } => status.is_server_error(),
            _ => false,
        }
    }

    /// Whether the network between us and the host is to blame: the request never left, so nothing is known about
    /// the host, and repeating is safe.
    pub fn could_not_reach(&self) -> bool {
        match self {
            Self::Dns { .. } | Self::Connect { .. } | Self::Tls { .. } | Self::ProxyRefused { .. } => true,
            Self::Timeout { phase, .. } => matches!(phase, Phase::Dns | Phase::Connect | Phase::Tls),
            _ => false,
        }
    }

    /// What went wrong while the body of an answer from `url` came.
    pub fn of_body(url: &Url, error: &(dyn StdError + 'static)) -> Self {
        Self::of_transport(url, error)
    }

    /// What went wrong with a request on its way, from what the layers below report.
    pub(crate) fn of_transport(url: &Url, error: &(dyn StdError + 'static)) -> Self {
        let origin = url.origin();
        if let Some(ours) = find::<Self>(error) {
            return ours.clone();
        }
        let Some(cause) = find::<hyper::Error>(error) else {
            return Self::Reset { origin, why: innermost(error).to_string() };
        };
        let why = innermost(error).to_string();
        if cause.is_parse() {
            // hyper tells this case apart by its words only.
            if cause.to_string() == "message head is too large" {
                return Self::HeadersTooLarge { origin };
            }
            return Self::Protocol { origin, why };
        }
        match find::<h2::Error>(error) {
            Some(h2) if h2.is_library() => Self::Protocol { origin, why },
            _ => Self::Reset { origin, why },
        }
    }

    /// What went wrong with a TCP connection.
    pub(crate) fn of_connect(target: &Target, addresses: &[SocketAddr], cause: Option<&io::Error>) -> Self {
        let tried: Vec<_> = addresses.iter().map(|address| address.ip().to_string()).collect();
        let is_name = !tried.contains(&target.host);
        let authority = target.authority();
        let address = if is_name { format!("{authority} ({})", tried.join(", ")) } else { authority };
        let refused = cause.is_some_and(|cause| cause.kind() == io::ErrorKind::ConnectionRefused);
        let why = match cause.map(io::Error::kind) {
            Some(io::ErrorKind::ConnectionRefused) => {
                "connection refused; is the service up and listening on this port?".to_owned()
            }
            Some(io::ErrorKind::NetworkUnreachable | io::ErrorKind::HostUnreachable) => {
                "no route there; is a VPN, a proxy or a private network needed?".to_owned()
            }
            _ => cause.map_or_else(|| "unknown reason".to_owned(), ToString::to_string),
        };
        Self::Connect { address, why, refused }
    }
}

/// The I/O error among the causes of an error.
pub(crate) fn io_cause<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a io::Error> {
    find(error)
}

fn find<'a, T: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a T> {
    causes(error).find_map(|cause| cause.downcast_ref())
}

fn innermost<'a>(error: &'a (dyn StdError + 'static)) -> &'a (dyn StdError + 'static) {
    causes(error).last().unwrap_or(error)
}

fn causes<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |error| (*error).source())
}

fn timeout_message(origin: &str, phase: Phase, limit: Duration) -> String {
    match phase {
        Phase::Dns => format!("the name of {origin} was not resolved within {limit:?}; is DNS reachable?"),
        Phase::Connect => format!("no connection to {origin} within {limit:?}; does a firewall drop it?"),
        Phase::Tls => format!("no TLS handshake with {origin} within {limit:?}; is it an https port?"),
        Phase::Answer => format!("no answer from {origin} within {limit:?}"),
        Phase::Body => format!("the answer from {origin} began, but was not complete within {limit:?}"),
    }
}

fn names(presented: &[String]) -> String {
    const SHOWN: usize = 5;
    if presented.is_empty() {
        return String::new();
    }
    let shown = presented[..presented.len().min(SHOWN)].join(", ");
    let more = if presented.len() > SHOWN { " and others" } else { "" };
    format!(", but for {shown}{more}")
}
