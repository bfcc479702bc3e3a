//! Whom to trust, and what a failed handshake means.

use std::path::PathBuf;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{CertificateError, ClientConfig, RootCertStore};

use crate::{Connections, Error, Identity, TlsProblem};

/// The configuration of all connections: Mozilla's roots, those of the CA files, the client certificate, and what to
/// agree on speaking (ALPN).
pub(crate) fn config(connections: &Connections, alpn: Vec<Vec<u8>>) -> Result<ClientConfig, Error> {
    let roots = roots(connections)?;
    let provider = rustls::crypto::ring::default_provider().into();
    #[expect(
        clippy::expect_used,
        reason = "ring speaks the versions that are built in; every test goes through here"
    )]
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring has cipher suites for TLS 1.2 and 1.3");
    let builder = builder.with_root_certificates(roots);
    let private = connections.private.as_ref().and_then(|private| private.identity.as_ref());
    let mut config = match (private, &connections.identity) {
        (None, None) => builder.with_no_client_auth(),
        (Some(pem), _) => {
            let failed = |why: String| Error::PrivateIdentity { why };
            let (certificates, key) = (certificates(pem).map_err(failed)?, key(pem).map_err(failed)?);
            builder.with_client_auth_cert(certificates, key).map_err(|error| failed(error.to_string()))?
        }
        (None, Some(identity)) => {
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
    let certificates = certificates(&read(certificate)?).map_err(|why| failed(certificate, why))?;
    let key = self::key(&read(key)?).map_err(|why| failed(key, why))?;
    Ok((certificates, key))
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<_, _>>()
        .map_err(|_| "a certificate in it is cut short or damaged".to_owned())?;
    if certificates.is_empty() {
        return Err("it holds no certificate (-----BEGIN CERTIFICATE-----)".to_owned());
    }
    Ok(certificates)
}

fn key(pem: &[u8]) -> Result<PrivateKeyDer<'static>, String> {
    PrivateKeyDer::from_pem_slice(pem).map_err(|_| "it holds no private key without a password".to_owned())
}

/// Whom to trust: Mozilla's roots and those of the CA files, or only the server's own authority.
fn roots(connections: &Connections) -> Result<RootCertStore, Error> {
    if let Some(authority) = connections.private.as_ref().and_then(|private| private.authority.as_ref()) {
        let mut roots = RootCertStore::empty();
        add_authorities(&mut roots, authority).map_err(|why| Error::Authority { why })?;
        return Ok(roots);
    }
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    for path in &connections.ca_files {
        std::fs::read(path)
            .map_err(|error| error.to_string())
            .and_then(|text| add_authorities(&mut roots, &text))
            .map_err(|why| Error::CaFile { path: path.clone(), why })?;
    }
    Ok(roots)
}

fn add_authorities(roots: &mut RootCertStore, text: &[u8]) -> Result<(), String> {
    let mut count = 0;
    for certificate in CertificateDer::pem_slice_iter(text) {
        count += 1;
        let damaged = || format!("certificate {count} in it is cut short or damaged");
        roots.add(certificate.map_err(|_| damaged())?).map_err(|_| damaged())?;
    }
    if count == 0 {
        return Err("it holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)".to_owned());
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
            CertificateError::Other(other) => of_verifier(&other.to_string()),
            other => TlsProblem::Certificate(other.to_string()),
        },
        rustls::Error::InvalidMessage(_) => TlsProblem::NotTls,
        other => TlsProblem::Handshake(other.to_string()),
    }
}

/// What webpki says against a certificate and rustls has no case for: it can be told by its words only.
fn of_verifier(words: &str) -> TlsProblem {
    match words {
        "CaUsedAsEndEntity" => TlsProblem::Authority,
        other => TlsProblem::Certificate(other.to_owned()),
    }
}

/// The name in rustls' `DnsName("example.com")`.
fn bare(presented: &str) -> String {
    let inner = presented.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')'));
    inner.unwrap_or(presented).trim_matches('"').to_owned()
}
