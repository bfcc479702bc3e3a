//! Whom to trust, and what a failed handshake means.

use std::path::{Path, PathBuf};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{CertificateError, ClientConfig, RootCertStore};

use crate::{Connections, Error, Identity, TlsProblem};

/// The configuration of all connections: Mozilla's roots, those of the CA files, the client certificate, and what to
/// agree on speaking (ALPN).
pub(crate) fn config(connections: &Connections, alpn: Vec<Vec<u8>>) -> Result<ClientConfig, Error> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    for path in &connections.ca_files {
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
    let builder = builder.with_root_certificates(roots);
    let mut config = match &connections.identity {
        None => builder.with_no_client_auth(),
        Some(identity) => {
            let (certificates, key) = read_identity(identity)?;
            builder
                .with_client_auth_cert(certificates, key)
                .map_err(|error| Error::Identity { path: identity.key.clone(), why: error.to_string() })?
        }
    };
    config.alpn_protocols = alpn;
    Ok(config)
}

fn read_identity(
    identity: &Identity,
) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), Error> {
    let failed = |path: &PathBuf, why: String| Error::Identity { path: path.clone(), why };
    let read = |path: &PathBuf| std::fs::read(path).map_err(|error| failed(path, error.to_string()));
    let (certificate, key) = (&identity.certificate, &identity.key);
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(&read(certificate)?)
        .collect::<Result<_, _>>()
        .map_err(|_| failed(certificate, "a certificate in it is cut short or damaged".to_owned()))?;
    if certificates.is_empty() {
        return Err(failed(certificate, "it holds no certificate (-----BEGIN CERTIFICATE-----)".to_owned()));
    }
    let key = PrivateKeyDer::from_pem_slice(&read(key)?)
        .map_err(|_| failed(key, "it holds no private key without a password".to_owned()))?;
    Ok((certificates, key))
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
