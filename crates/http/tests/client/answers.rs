//! What comes back, and over which connection.

use std::time::Duration;

use sluice_http::{BodyLimit, Error, Request, Url, Version, header};

use crate::server::{answer, serve};
use crate::{client, failure, get, text};

#[tokio::test]
async fn any_status_is_an_answer() {
    let server = serve(|request| {
        let status = request.split([' ', '/']).nth(2).unwrap();
        answer(&format!("{status} Whatever"), "x-one: 1\r\n", "body")
    })
    .await;
    for status in [200, 204, 302, 404, 500, 503, 599] {
        let response = client().send(get(&server.url(&format!("/{status}")))).await.unwrap();
        assert_eq!(response.status, status);
        assert_eq!(response.version, Version::HTTP_11);
        assert_eq!(response.header("x-one"), Some("1"));
        assert_eq!(text(&response), if status == 204 { "" } else { "body" });
    }
}

#[tokio::test]
async fn a_request_is_sent_as_it_was_made() {
    let server = serve(|_| answer("200 OK", "", "")).await;
    let request = Request::post(Url::parse(&server.url("/hook?x=1")).unwrap(), "{}")
        .header(header::CONTENT_TYPE, "application/json".parse().unwrap());
    client().send(request).await.unwrap();
    let mut lines: Vec<_> = server.requests()[0].lines().map(str::to_owned).collect();
    assert_eq!(lines.remove(0), "post /hook?x=1 http/1.1");
    lines.sort();
    let version = env!("CARGO_PKG_VERSION");
    let host = server.address;
    assert_eq!(
        lines,
        [
            "",
            "content-length: 2",
            "content-type: application/json",
            &format!("host: {host}"),
            &format!("user-agent: sluice/{version}"),
            "{}"
        ]
    );
}

#[tokio::test]
async fn a_user_agent_of_the_callers_own_stands() {
    let server = serve(|_| answer("200 OK", "", "")).await;
    client().send(get(&server.url("/")).header(header::USER_AGENT, "mine".parse().unwrap())).await.unwrap();
    assert!(server.requests()[0].contains("\r\nuser-agent: mine\r\n"));
}

#[tokio::test]
async fn a_connection_is_kept_and_tells_its_phases_once() {
    let server = serve(|_| answer("200 OK", "", "ok")).await;
    let client = client();
    let url = format!("http://localhost:{}/", server.address.port());

    let first = client.send(get(&url)).await.unwrap().timings;
    let second = client.send(get(&url)).await.unwrap().timings;

    assert_eq!(server.connections(), 1);
    assert!(first.dns.is_some() && first.connect.is_some() && first.tls.is_none());
    assert_eq!((second.dns, second.connect, second.tls), (None, None, None));
    assert!(first.first_byte > Duration::ZERO && second.first_byte > Duration::ZERO);
    assert!(first.total >= first.dns.unwrap() + first.connect.unwrap() + first.first_byte);
}

#[tokio::test]
async fn an_address_needs_no_name_resolution() {
    let server = serve(|_| answer("200 OK", "", "")).await;
    let timings = client().send(get(&server.url("/"))).await.unwrap().timings;
    assert_eq!(timings.dns, None);
    assert!(timings.connect.is_some());
}

#[tokio::test]
async fn a_kept_connection_that_was_closed_is_replaced() {
    let server = serve(|_| answer("200 OK", "hang-up: now\r\n", "")).await;
    let client = client();
    for _ in 0..3 {
        client.send(get(&server.url("/"))).await.unwrap();
        // Lets the client see the end of the connection.
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(server.connections(), 3);
}

#[tokio::test]
async fn requests_at_once_have_a_connection_each() {
    let server = serve(|_| answer("200 OK", "", "ok")).await;
    let client = client();
    let requests: Vec<_> = (0..8)
        .map(|_| {
            let (client, request) = (client.clone(), get(&server.url("/")));
            tokio::spawn(async move { client.send(request).await })
        })
        .collect();
    for request in requests {
        assert_eq!(request.await.unwrap().unwrap().status, 200);
    }
}

#[tokio::test]
async fn a_body_may_be_as_large_as_the_limit() {
    let server = serve(|_| answer("200 OK", "", &"x".repeat(100))).await;
    let request = || get(&server.url("/"));
    for limit in [BodyLimit::Fail(100), BodyLimit::Cut(100)] {
        let response = client().send(request().body_limit(limit)).await.unwrap();
        assert_eq!((response.body.len(), response.truncated), (100, false));
    }

    let cut = client().send(request().body_limit(BodyLimit::Cut(99))).await.unwrap();
    assert_eq!((cut.body.len(), cut.truncated), (99, true));

    let error = failure(&client(), request().body_limit(BodyLimit::Fail(99))).await;
    let origin = server.url("");
    assert_eq!(error, Error::BodyTooLarge { origin, limit: 99 });
}

#[tokio::test]
async fn a_body_without_end_meets_the_limit_too() {
    let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x10000));
    let server =
        serve(move |_| format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{}", chunk.repeat(17)))
            .await;
    let error = failure(&client(), get(&server.url("/"))).await;
    assert_eq!(error, Error::BodyTooLarge { origin: server.url(""), limit: 1 << 20 });
}

#[tokio::test]
async fn an_encoding_is_neither_asked_for_nor_undone() {
    let server = serve(|_| answer("200 OK", "content-encoding: gzip\r\n", "not gzip at all")).await;
    let response = client().send(get(&server.url("/"))).await.unwrap();
    assert_eq!(text(&response), "not gzip at all");
    assert!(!server.requests()[0].contains("accept-encoding"));
}

#[tokio::test]
async fn debug_output_keeps_secrets() {
    let server = serve(|_| answer("200 OK", "set-cookie: SECRET\r\n", "SECRET")).await;
    let request = get(&server.url("/SECRET?token=SECRET"))
        .header(header::AUTHORIZATION, "Bearer SECRET".parse().unwrap())
        .body("SECRET");
    let shown = format!("{request:?} {:?}", client().send(request.clone()).await.unwrap());
    assert!(!shown.contains("SECRET"), "{shown}");
}
