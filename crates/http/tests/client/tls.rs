//! Whom the client trusts.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivatePkcs8KeyDer;
use sluice_http::{Client, Error, Options, Proxies, Version};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::server::{Server, accept, answer, serve_over};
use crate::{client, failure, get, text, without_ports};

/// An authority of our own, and the file that says to trust it.
pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: tempfile::TempDir,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ca.pem"), issuer.pem()).unwrap();
        Self { issuer, folder }
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// A client that trusts this authority.
    fn client(&self) -> Client {
        let options = Options { ca_file: Some(self.file()) };
        Client::new(&options, &Proxies::none(), Duration::from_secs(5)).unwrap()
    }

    /// What a server needs to present a certificate for `name`, changed by `change`.
    fn server(&self, name: &str, alpn: &[&str], change: impl Fn(&mut CertificateParams)) -> TlsAcceptor {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        change(&mut params);
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let mut config = ServerConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
            )
            .unwrap();
        config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        TlsAcceptor::from(Arc::new(config))
    }

    /// A server with a certificate for 127.0.0.1.
    pub(crate) async fn serve(&self, answer: impl Fn(&str) -> String + Send + Sync + 'static) -> Server {
        secure(self.server("127.0.0.1", &["http/1.1"], |_| {}), answer).await
    }
}

async fn secure(acceptor: TlsAcceptor, answer: impl Fn(&str) -> String + Send + Sync + 'static) -> Server {
    serve_over(answer, move |stream| {
        let acceptor = acceptor.clone();
        async move { shake_hands(acceptor, stream).await }
    })
    .await
}

async fn shake_hands(acceptor: TlsAcceptor, stream: TcpStream) -> Option<TlsStream<TcpStream>> {
    acceptor.accept(stream).await.ok()
}

fn https(server: &Server) -> String {
    format!("https://{}/SECRET", server.address)
}

#[tokio::test]
async fn an_authority_in_the_ca_file_is_trusted() {
    let authority = Authority::new();
    let server = authority.serve(|_| answer("200 OK", "", "secure")).await;
    let client = authority.client();

    let first = client.send(get(&https(&server))).await.unwrap();
    assert_eq!(text(&first), "secure");
    assert_eq!(first.version, Version::HTTP_11);
    assert!(first.timings.tls.is_some());

    let second = client.send(get(&https(&server))).await.unwrap();
    assert_eq!(second.timings.tls, None);
    assert_eq!(server.connections(), 1);
}

/// Answers each request on an HTTP/2 connection with `two`.
async fn serve_http_2(stream: TlsStream<TcpStream>) {
    let mut connection = h2::server::handshake(stream).await.unwrap();
    while let Some(Ok((request, mut respond))) = connection.accept().await {
        assert_eq!(request.uri().path(), "/SECRET");
        let mut body = respond.send_response(http::Response::new(()), false).unwrap();
        body.send_data("two".into(), true).unwrap();
    }
}

#[tokio::test]
async fn http_2_is_spoken_where_offered() {
    let authority = Authority::new();
    let acceptor = authority.server("127.0.0.1", &["h2", "http/1.1"], |_| {});
    let address = accept(move |stream| {
        let acceptor = acceptor.clone();
        async move { serve_http_2(acceptor.accept(stream).await.unwrap()).await }
    })
    .await;
    let client = authority.client();
    let request = || get(&format!("https://{address}/SECRET"));
    let first = client.send(request()).await.unwrap();
    assert_eq!((first.version, text(&first)), (Version::HTTP_2, "two"));
    let second = client.send(request()).await.unwrap();
    assert_eq!((second.version, second.timings.tls), (Version::HTTP_2, None));
}

#[tokio::test]
async fn requests_at_once_share_one_http_2_connection() {
    let authority = Authority::new();
    let acceptor = authority.server("127.0.0.1", &["h2"], |_| {});
    let accepted = Arc::new(AtomicUsize::new(0));
    let address = accept(move |stream| {
        let (acceptor, accepted) = (acceptor.clone(), accepted.clone());
        async move {
            // Only the first connection ever stands.
            if accepted.fetch_add(1, Ordering::Relaxed) > 0 {
                std::future::pending::<()>().await;
            }
            serve_http_2(acceptor.accept(stream).await.unwrap()).await;
        }
    })
    .await;
    let client = authority.client();
    let requests: Vec<_> = (0..4)
        .map(|_| {
            let (client, request) = (client.clone(), get(&format!("https://{address}/SECRET")));
            tokio::spawn(async move { client.send(request).await })
        })
        .collect();
    let mut told = 0;
    for request in requests {
        let response = request.await.unwrap().unwrap();
        assert_eq!(response.version, Version::HTTP_2);
        told += usize::from(response.timings.tls.is_some());
    }
    assert_eq!(told, 1);
}

#[tokio::test]
async fn a_stream_that_http_2_resets_is_a_broken_connection() {
    let authority = Authority::new();
    let acceptor = authority.server("127.0.0.1", &["h2"], |_| {});
    let address = accept(move |stream| {
        let acceptor = acceptor.clone();
        async move {
            let stream = acceptor.accept(stream).await.unwrap();
            let mut connection = h2::server::handshake(stream).await.unwrap();
            while let Some(Ok((_, mut respond))) = connection.accept().await {
                respond.send_reset(h2::Reason::INTERNAL_ERROR);
            }
        }
    })
    .await;
    let error = failure(&authority.client(), get(&format!("https://{address}/SECRET"))).await;
    insta::assert_snapshot!(without_ports(&error), @"https://127.0.0.1:PORT closed the connection before its answer was complete: stream error received: unexpected internal error encountered");
    assert!(!error.could_not_reach() && error.is_retryable());
}

#[tokio::test]
async fn an_unknown_authority_is_not_trusted() {
    let server = Authority::new().serve(|_| answer("200 OK", "", "")).await;
    let error = failure(&client(), get(&https(&server))).await;
    insta::assert_snapshot!(without_ports(&error), @"no secure connection to https://127.0.0.1:PORT: its certificate is not trusted, no known authority signed it; if it is from an authority of your own, add that with ca-file");
    assert!(error.could_not_reach() && !error.is_retryable());
    assert_eq!(server.requests(), [""; 0]);
}

/// As `openssl req -x509` makes it.
#[tokio::test]
async fn the_certificate_of_an_authority_is_none_of_a_host() {
    let authority = Authority::new();
    let acceptor = authority.server("127.0.0.1", &[], |params| {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    });
    let server = secure(acceptor, |_| answer("200 OK", "", "")).await;
    let error = failure(&authority.client(), get(&https(&server))).await;
    insta::assert_snapshot!(without_ports(&error), @"no secure connection to https://127.0.0.1:PORT: its certificate is one of an authority (CA:TRUE), and none of a host; give it one of its own, signed by that authority, and add the authority's with ca-file");
}

#[tokio::test]
async fn a_certificate_must_be_of_this_time_and_for_this_host() {
    let authority = Authority::new();
    let expired = authority.server("127.0.0.1", &[], |params| {
        params.not_after = rcgen::date_time_ymd(2020, 1, 1);
    });
    let early = authority.server("127.0.0.1", &[], |params| {
        params.not_before = rcgen::date_time_ymd(2999, 1, 1);
    });
    let foreign = authority.server("other.example.com", &[], |_| {});
    let mut messages = Vec::new();
    for acceptor in [expired, early, foreign] {
        let server = secure(acceptor, |_| answer("200 OK", "", "")).await;
        let error = failure(&authority.client(), get(&https(&server))).await;
        assert!(error.could_not_reach() && !error.is_retryable());
        messages.push(without_ports(&error));
    }
    insta::assert_snapshot!(messages.join("\n"), @r#"
    no secure connection to https://127.0.0.1:PORT: its certificate has expired; renew it
    no secure connection to https://127.0.0.1:PORT: its certificate is not valid yet; check its dates, and the clock where this runs
    no secure connection to https://127.0.0.1:PORT: its certificate is not for this host, but for other.example.com; check the host, or have the name added
    "#);
}

#[tokio::test]
async fn a_plain_server_is_no_tls_server() {
    let plain = accept(|mut stream| async move {
        tokio::io::AsyncWriteExt::write_all(&mut stream, b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        std::future::pending::<()>().await;
    })
    .await;
    let error = failure(&client(), get(&format!("https://{plain}/SECRET"))).await;
    insta::assert_snapshot!(without_ports(&error), @"no secure connection to https://127.0.0.1:PORT: it does not speak TLS on this port; is it http instead of https?");
}

#[tokio::test]
async fn a_handshake_that_breaks_off_may_be_tried_again() {
    let address = accept(|stream| async move { drop(stream) }).await;
    let error = failure(&client(), get(&format!("https://{address}/SECRET"))).await;
    assert!(matches!(error, Error::Tls { .. }), "{error}");
    assert!(error.could_not_reach() && error.is_retryable());
}

#[tokio::test]
async fn a_redirect_out_of_https_is_refused() {
    let authority = Authority::new();
    let server =
        authority.serve(|_| answer("302 Found", "location: http://127.0.0.1:1/SECRET\r\n", "")).await;
    let error = failure(&authority.client(), get(&https(&server)).redirects(1)).await;
    insta::assert_snapshot!(without_ports(&error), @"https://127.0.0.1:PORT redirects to http://127.0.0.1:PORT: not followed, because the request would go on unencrypted");
}
