//! Servers that are not there, break off, babble or dawdle.

use std::time::Duration;

use sluice_http::{Client, Error, Options, Phase, Proxies};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

use crate::server::{accept, answer, read_request, serve};
use crate::{client, failure, get, without_ports};

const BRIEF: Duration = Duration::from_millis(100);

#[tokio::test]
async fn a_port_that_nobody_listens_on() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let error = failure(&client(), get(&format!("http://{free}/hook/SECRET?SECRET"))).await;
    insta::assert_snapshot!(without_ports(&error), @"cannot connect to 127.0.0.1:PORT: connection refused; is the service up and listening on this port?");
    assert!(error.could_not_reach() && error.is_retryable());

    let error = failure(&client(), get(&format!("http://localhost:{}/SECRET", free.port()))).await;
    let message = error.to_string().replace(&free.port().to_string(), "PORT").replace("::1, ", "");
    insta::assert_snapshot!(message, @"cannot connect to localhost:PORT (127.0.0.1): connection refused; is the service up and listening on this port?");
}

#[tokio::test]
async fn a_name_that_does_not_exist() {
    let error = failure(&client(), get("https://nowhere.invalid/SECRET")).await;
    let Error::Dns { host, why } = &error else { panic!("{error}") };
    assert_eq!(host, "nowhere.invalid");
    // What the resolver says depends on the network.
    insta::assert_snapshot!(error.to_string().replace(why, "WHY"), @"host not found: nowhere.invalid (WHY); check the spelling, and that the name is known where this runs");
    assert!(error.could_not_reach() && error.is_retryable());
}

#[tokio::test]
async fn a_server_that_never_answers() {
    let address =
        accept(|mut stream| async move { while read_request(&mut stream).await.is_some() {} }).await;
    let error = failure(&client(), get(&format!("http://{address}/SECRET")).timeout(BRIEF)).await;
    insta::assert_snapshot!(without_ports(&error), @"no answer from http://127.0.0.1:PORT within 100ms");
    assert!(!error.could_not_reach() && error.is_retryable());
}

#[tokio::test]
async fn a_server_that_drips() {
    let address = accept(|mut stream| async move {
        read_request(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n").await.unwrap();
        while stream.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    let error = failure(&client(), get(&format!("http://{address}/SECRET")).timeout(BRIEF)).await;
    insta::assert_snapshot!(without_ports(&error), @"the answer from http://127.0.0.1:PORT began, but was not complete within 100ms");
    assert!(!error.could_not_reach() && error.is_retryable());
}

#[tokio::test]
async fn a_server_that_never_shakes_hands() {
    let address = accept(|stream| async move {
        let _open = stream;
        std::future::pending::<()>().await;
    })
    .await;
    let hasty = Client::new(&Options::default(), &Proxies::none(), BRIEF).unwrap();
    let error = failure(&hasty, get(&format!("https://{address}/SECRET"))).await;
    insta::assert_snapshot!(without_ports(&error), @"no TLS handshake with https://127.0.0.1:PORT within 100ms; is it an https port?");
    assert!(error.could_not_reach() && error.is_retryable());

    let error = failure(&client(), get(&format!("https://{address}/SECRET")).timeout(BRIEF)).await;
    assert!(matches!(error, Error::Timeout { phase: Phase::Connect, limit: BRIEF, .. }), "{error}");
}

#[tokio::test]
async fn a_server_that_resets() {
    let address = accept(|mut stream| async move {
        read_request(&mut stream).await;
        stream.set_zero_linger().unwrap();
    })
    .await;
    let error = failure(&client(), get(&format!("http://{address}/SECRET"))).await;
    insta::assert_snapshot!(without_ports(&error), @"http://127.0.0.1:PORT closed the connection before its answer was complete: Connection reset by peer (os error 104)");
    assert!(!error.could_not_reach() && error.is_retryable());
}

#[tokio::test]
async fn a_server_that_hangs_up_before_it_answers() {
    let address = accept(|mut stream| async move {
        read_request(&mut stream).await;
    })
    .await;
    let error = failure(&client(), get(&format!("http://{address}/SECRET"))).await;
    insta::assert_snapshot!(without_ports(&error), @"http://127.0.0.1:PORT closed the connection before its answer was complete: connection closed before message completed");
    assert!(!error.could_not_reach() && error.is_retryable());
}

#[tokio::test]
async fn a_server_that_hangs_up_within_the_body() {
    let server =
        serve(|_| "HTTP/1.1 200 OK\r\ncontent-length: 9\r\nhang-up: now\r\n\r\nhalf".to_owned()).await;
    let error = failure(&client(), get(&server.url("/SECRET"))).await;
    insta::assert_snapshot!(without_ports(&error), @"http://127.0.0.1:PORT closed the connection before its answer was complete: end of file before message length reached");
    assert!(!error.could_not_reach() && error.is_retryable());
}

#[tokio::test]
async fn a_server_that_sends_headers_without_end() {
    let address = accept(|mut stream| async move {
        read_request(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\n").await.unwrap();
        while stream.write_all(b"x-more: and more and more and more\r\n").await.is_ok() {}
    })
    .await;
    let error = failure(&client(), get(&format!("http://{address}/SECRET"))).await;
    insta::assert_snapshot!(without_ports(&error), @"the answer from http://127.0.0.1:PORT has more than 100 headers or 65536 bytes of them");
    assert!(!error.could_not_reach() && !error.is_retryable());
}

#[tokio::test]
async fn headers_are_bounded_in_number_and_in_bytes() {
    let many = serve(|_| answer("200 OK", &"x: y\r\n".repeat(99), "")).await;
    assert_eq!(client().send(get(&many.url("/"))).await.unwrap().headers.len(), 100);

    let too_many = serve(|_| answer("200 OK", &"x: y\r\n".repeat(100), "")).await;
    let error = failure(&client(), get(&too_many.url("/"))).await;
    assert_eq!(error, Error::HeadersTooLarge { origin: too_many.url("") });

    let too_long = serve(|_| answer("200 OK", &format!("x: {}\r\n", "y".repeat(70_000)), "")).await;
    let error = failure(&client(), get(&too_long.url("/"))).await;
    assert_eq!(error, Error::HeadersTooLarge { origin: too_long.url("") });
}

#[tokio::test]
async fn a_server_that_does_not_speak_http() {
    let server = serve(|_| "220 mail.example.com ESMTP ready\r\n\r\n".to_owned()).await;
    let error = failure(&client(), get(&server.url("/SECRET"))).await;
    insta::assert_snapshot!(without_ports(&error), @"http://127.0.0.1:PORT did not answer in HTTP: invalid HTTP version parsed; is it the right port?");
    assert!(!error.could_not_reach() && !error.is_retryable());
}

#[test]
fn a_ca_file_that_cannot_be_used() {
    let folder = tempfile::tempdir().unwrap();
    let problem = |content: Option<&str>| {
        let path = folder.path().join("ca.pem");
        if let Some(content) = content {
            std::fs::write(&path, content).unwrap();
        }
        let options = Options { ca_file: Some(path) };
        let error = Client::new(&options, &Proxies::none(), BRIEF).unwrap_err();
        error.to_string().replace(folder.path().to_str().unwrap(), "")
    };
    let missing = problem(None);
    let empty = problem(Some(""));
    let garbage = problem(Some("not a certificate"));
    let key = problem(Some("-----BEGIN PRIVATE KEY-----\naGk=\n-----END PRIVATE KEY-----\n"));
    let unfinished = problem(Some("-----BEGIN CERTIFICATE-----\naGk=\n"));
    let nonsense = problem(Some("-----BEGIN CERTIFICATE-----\naGk=\n-----END CERTIFICATE-----\n"));
    insta::assert_snapshot!([missing, empty, garbage, key, unfinished, nonsense].join("\n"), @r#"
    cannot use the CA file "/ca.pem": No such file or directory (os error 2); ca-file wants a file of CA certificates in PEM form
    cannot use the CA file "/ca.pem": it holds no certificate in PEM form (-----BEGIN CERTIFICATE-----); ca-file wants a file of CA certificates in PEM form
    cannot use the CA file "/ca.pem": it holds no certificate in PEM form (-----BEGIN CERTIFICATE-----); ca-file wants a file of CA certificates in PEM form
    cannot use the CA file "/ca.pem": it holds no certificate in PEM form (-----BEGIN CERTIFICATE-----); ca-file wants a file of CA certificates in PEM form
    cannot use the CA file "/ca.pem": certificate 1 in it is cut short or damaged; ca-file wants a file of CA certificates in PEM form
    cannot use the CA file "/ca.pem": certificate 1 in it is cut short or damaged; ca-file wants a file of CA certificates in PEM form
    "#);
}
