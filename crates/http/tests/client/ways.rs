//! Connections made in other ways, and answers out of their encoding.

use std::io::Write as _;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use sluice_http::{BodyLimit, Client, Connections, Detour, Dialer, Error, Identity, Protocol, Proxies};
use tokio::io::AsyncWriteExt as _;

use crate::server::{accept, answer, read_request, serve};
use crate::tls::Authority;
use crate::{client, failure, get, text};

const FIVE: Duration = Duration::from_secs(5);

fn with(connections: &Connections) -> Client {
    Client::with(connections, &Proxies::none(), FIVE).unwrap()
}

/// A server that answers with these bytes, in gzip.
async fn zipped(body: &[u8]) -> String {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(body).unwrap();
    let zipped = encoder.finish().unwrap();
    let length = zipped.len();
    let head = format!("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {length}\r\n\r\n");
    let whole = [head.as_bytes(), &zipped].concat();
    let address = accept(move |mut stream| {
        let whole = whole.clone();
        async move {
            read_request(&mut stream).await;
            let _ = stream.write_all(&whole).await;
        }
    })
    .await;
    format!("http://{address}/")
}

#[tokio::test]
async fn gzip_is_undone_where_that_is_asked_for() {
    let url = zipped(b"hello").await;
    let response = client().send(get(&url).gzip()).await.unwrap();
    assert_eq!((text(&response), response.size, response.truncated), ("hello", 5, false));
    let response = client().send(get(&url)).await.unwrap();
    assert!(response.body.starts_with(b"\x1f\x8b"));
    let server = serve(|request| answer("200 OK", "", request)).await;
    let asked = client().send(get(&server.url("/")).gzip()).await.unwrap();
    assert!(text(&asked).contains("accept-encoding: gzip"));
}

#[tokio::test]
async fn a_small_answer_that_becomes_a_large_one_is_cut_at_the_limit() {
    let url = zipped(&vec![b' '; 50 << 20]).await;
    let limited = |limit| get(&url).gzip().body_limit(limit);
    let cut = client().send(limited(BodyLimit::Cut(1000))).await.unwrap();
    assert_eq!((cut.body.len(), cut.truncated), (1000, true));
    assert!(cut.size < 100_000, "{}", cut.size);
    let counted = client().send(limited(BodyLimit::Cut(1000)).count_to(1 << 30)).await.unwrap();
    assert_eq!((counted.body.len(), counted.size, counted.truncated), (1000, 50 << 20, true));
    let error = failure(&client(), limited(BodyLimit::Fail(1000))).await;
    assert!(matches!(error, Error::BodyTooLarge { limit: 1000, .. }), "{error}");
}

#[tokio::test]
async fn a_detour_leads_elsewhere_under_the_same_name() {
    let server = serve(|request| answer("200 OK", "", request)).await;
    let detour = Detour {
        host: "shop.example.com".to_owned(),
        port: Some(8080),
        to: "127.0.0.1".to_owned(),
        to_port: Some(server.address.port()),
    };
    let client = with(&Connections { detours: vec![detour], ..Connections::default() });
    let response = client.send(get("http://shop.example.com:8080/x")).await.unwrap();
    assert!(text(&response).contains("host: shop.example.com:8080"), "{}", text(&response));
}

#[tokio::test]
async fn each_request_has_a_connection_of_its_own_where_that_is_asked_for() {
    for (is_fresh, connections) in [(false, 1), (true, 3)] {
        let server = serve(|_| answer("200 OK", "", "")).await;
        let client = with(&Connections { is_fresh, ..Connections::default() });
        for _ in 0..3 {
            client.send(get(&server.url("/"))).await.unwrap();
        }
        assert_eq!(server.connections(), connections);
    }
}

#[tokio::test]
async fn a_server_shows_its_certificate() {
    let authority = Authority::new();
    let server = authority.serve(|_| answer("200 OK", "", "")).await;
    let connections = Connections { ca_files: vec![authority.file()], ..Connections::default() };
    let url = format!("https://{}/", server.address);
    let response = with(&connections).send(get(&url)).await.unwrap();
    assert_eq!(response.certificate.unwrap().names, ["127.0.0.1"]);
    let dialer = Dialer::new(&connections, FIVE).unwrap();
    let bare = dialer.tcp("127.0.0.1", server.address.port()).await.unwrap();
    let secure = dialer.tls(bare).await.unwrap();
    assert_eq!(secure.certificate.unwrap().names, ["127.0.0.1"]);
    assert!(secure.timings.tls.is_some());
}

#[tokio::test]
async fn only_http_2_is_spoken_where_that_is_asked_for() {
    let authority = Authority::new();
    let server = authority.serve(|_| answer("200 OK", "", "")).await;
    let connections =
        Connections { ca_files: vec![authority.file()], protocol: Protocol::Http2, ..Connections::default() };
    let error = failure(&with(&connections), get(&format!("https://{}/", server.address))).await;
    assert!(matches!(error, Error::Tls { .. } | Error::Protocol { .. }), "{error}");
}

#[test]
fn a_client_certificate_that_is_none_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let (certificate, key) = (folder.path().join("a.pem"), folder.path().join("a.key"));
    let identity = Identity { certificate: certificate.clone(), key: key.clone() };
    let connections = Connections { identity: Some(identity), ..Connections::default() };
    let told = || Client::with(&connections, &Proxies::none(), FIVE).unwrap_err().to_string();
    assert!(told().contains("No such file"), "{}", told());
    std::fs::write(&certificate, "x").unwrap();
    std::fs::write(&key, "x").unwrap();
    assert!(told().contains("holds no certificate"), "{}", told());
}
