//! Requests that go through a proxy.

use std::net::SocketAddr;
use std::time::Duration;

use sluice_http::{Client, Error, Options, Phase, Proxies};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::server::{accept, answer, read_request, serve};
use crate::tls::Authority;
use crate::{failure, get, text, without_ports};

fn client(proxy: SocketAddr, no_proxy: &str, options: &Options) -> Client {
    let proxies = Proxies::from_lookup(|name| match name {
        "ALL_PROXY" => Some(format!("http://me:pass@{proxy}")),
        "NO_PROXY" => Some(no_proxy.to_owned()),
        _ => None,
    });
    Client::new(options, &proxies.unwrap(), Duration::from_millis(500)).unwrap()
}

/// A proxy that opens tunnels for those who know its password.
async fn tunnelling_proxy() -> SocketAddr {
    accept(|mut stream| async move {
        let request = read_request(&mut stream).await.unwrap();
        let target = request.strip_prefix("connect ").unwrap().split(' ').next().unwrap();
        assert!(request.contains(&format!("\r\nhost: {target}\r\n")), "{request}");
        assert!(request.contains("\r\nproxy-authorization: basic bwu6cgfzcw==\r\n"), "{request}");
        let mut target = TcpStream::connect(target).await.unwrap();
        stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await.unwrap();
        let _ = tokio::io::copy_bidirectional(&mut stream, &mut target).await;
    })
    .await
}

#[tokio::test]
async fn https_goes_through_a_tunnel() {
    let authority = Authority::new();
    let server = authority.serve(|_| answer("200 OK", "", "through")).await;
    let client = client(tunnelling_proxy().await, "", &Options { ca_file: Some(authority.file()) });
    let url = format!("https://{}/path", server.address);

    let first = client.send(get(&url)).await.unwrap();
    assert_eq!(text(&first), "through");
    assert!(first.timings.connect.is_some() && first.timings.tls.is_some());
    assert_eq!(client.send(get(&url)).await.unwrap().timings.connect, None);

    assert_eq!(server.connections(), 1);
    for request in server.requests() {
        assert!(request.starts_with("get /path http/1.1\r\n") && !request.contains("proxy-"), "{request}");
    }
}

#[tokio::test]
async fn http_is_asked_of_the_proxy_by_its_whole_url() {
    let proxy = serve(|_| answer("200 OK", "", "from the proxy")).await;
    let client = client(proxy.address, "", &Options::default());
    // The name is the proxy's to resolve.
    let response = client.send(get("http://nowhere.invalid/path?query")).await.unwrap();
    assert_eq!(text(&response), "from the proxy");
    let request = &proxy.requests()[0];
    assert!(request.starts_with("get http://nowhere.invalid/path?query http/1.1\r\n"), "{request}");
    assert!(request.contains("\r\nhost: nowhere.invalid\r\n"), "{request}");
    assert!(request.contains("\r\nproxy-authorization: basic bwu6cgfzcw==\r\n"), "{request}");
}

#[tokio::test]
async fn a_host_in_no_proxy_is_reached_straight() {
    let proxy = serve(|_| answer("502 Bad Gateway", "", "")).await;
    let server = serve(|_| answer("200 OK", "", "straight")).await;
    let client = client(proxy.address, "127.0.0.1", &Options::default());
    let response = client.send(get(&server.url("/path"))).await.unwrap();
    assert_eq!(text(&response), "straight");
    assert_eq!(proxy.connections(), 0);
    let request = &server.requests()[0];
    assert!(request.starts_with("get /path http/1.1\r\n") && !request.contains("proxy-"), "{request}");
}

#[tokio::test]
async fn a_proxy_that_refuses() {
    for (status, retryable) in
        [("407 Proxy Authentication Required", false), ("503 Service Unavailable", true)]
    {
        let proxy = serve(move |_| answer(status, "", "")).await;
        let client = client(proxy.address, "", &Options::default());
        let error = failure(&client, get("https://shop.example.com/SECRET")).await;
        let origin = proxy.url("");
        assert_eq!(
            error.to_string(),
            format!(
                "the proxy {origin} opens no tunnel to https://shop.example.com: {status}; check its rules and credentials"
            )
        );
        assert!(error.could_not_reach());
        assert_eq!(error.is_retryable(), retryable);
    }
}

#[tokio::test]
async fn a_proxy_that_is_not_there_or_says_nothing() {
    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let error = failure(&client(free, "", &Options::default()), get("https://shop.example.com/")).await;
    insta::assert_snapshot!(without_ports(&error), @"cannot connect to the proxy 127.0.0.1:PORT: connection refused; is the service up and listening on this port?");

    let mute = accept(|stream| async move {
        let _open = stream;
        std::future::pending::<()>().await;
    })
    .await;
    let error = failure(&client(mute, "", &Options::default()), get("https://shop.example.com/")).await;
    assert!(matches!(error, Error::Timeout { phase: Phase::Connect, .. }), "{error}");
}
