//! Whom to trust, and what a failed handshake means.

use std::path::Path;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{CertificateError, ClientConfig, RootCertStore};

use crate::{Error, TlsProblem};

/// The configuration of all connections: Mozilla's roots, those of the CA file, HTTP/2 before HTTP/1.1.
pub(crate) fn config(ca_file: Option<&Path>) -> Result<ClientConfig, Error> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    if let Some(path) = ca_file {
        add_ca_file(&mut roots, path)?;
    }
    let provider = rustls::crypto::ring::default_provider().into();
    #[expect(
        clippy::expect_used,
        reason = "ring speaks the versions that are built in; every test goes through here"
    )]
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring has cipher suites for TLS 1.2 and 1.3");
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

fn add_ca_file(roots: &mut RootCertStore, path: &Path) -> Result<(), Error> {
    let failed = |why: String| Error::CaFile { path: path.to_owned(), why };
    let text = std::fs::read(path).map_err(|error| failed(error.to_string()))?;
    let mut count = 0;
    for certificate in CertificateDer::pem_slice_iter(&text) {
        count += 1;
        let damaged = || failed(format!("certificate {count} in it is cut short or damaged"));
        roots.add(certificate.map_err(|_| damaged())?).map_err(|_| damaged())?;
    }
    if count == 0 {
        return Err(failed("it holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)".to_owned()));
    }
    Ok(())
}

/// What stopped a handshake.
pub(crate) fn problem(error: &std::io::Error) -> TlsProblem {
    let Some(tls) = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) else {
        return TlsProblem::Handshake(error.to_string());
    };
    match tls {
        rustls::Error::InvalidCertificate(certificate) => match certificate {
            CertificateError::UnknownIssuer => TlsProblem::Untrusted,
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => TlsProblem::Expired,
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                TlsProblem::NotValidYet
            }
            CertificateError::NotValidForName => TlsProblem::WrongName(Vec::new()),
            CertificateError::NotValidForNameContext { presented, .. } => {
                TlsProblem::WrongName(presented.iter().map(|name| bare(name)).collect())
            }
            other => TlsProblem::Certificate(other.to_string()),
        },
        rustls::Error::InvalidMessage(_) => TlsProblem::NotTls,
        other => TlsProblem::Handshake(other.to_string()),
    }
}

/// The name in rustls' `DnsName("example.com")`.
fn bare(presented: &str) -> String {
    let inner = presented.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')'));
    inner.unwrap_or(presented).trim_matches('"').to_owned()
}
