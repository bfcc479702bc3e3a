//! How far redirects are followed, and what they carry.

use sluice_http::{Error, HeaderName, Method, Request, Url, header};

use crate::server::{Server, answer, serve};
use crate::{client, failure, get, text};

/// Answers with the redirect that the path names, `/302/to` leading to `/to`.
async fn redirecting() -> Server {
    serve(|request| {
        let path = request.split(' ').nth(1).unwrap().trim_start_matches('/');
        match path.split_once('/') {
            Some((status, to)) => answer(&format!("{status} Elsewhere"), &format!("location: /{to}\r\n"), ""),
            None => answer("200 OK", "", path),
        }
    })
    .await
}

#[tokio::test]
async fn no_redirect_is_followed_unasked() {
    let server = redirecting().await;
    let response = client().send(get(&server.url("/302/end"))).await.unwrap();
    assert_eq!(response.status, 302);
    assert_eq!(response.url.reveal(), server.url("/302/end"));
}

#[tokio::test]
async fn redirects_are_followed_to_their_end() {
    let server = redirecting().await;
    let response = client().send(get(&server.url("/301/302/303/307/308/end")).redirects(5)).await.unwrap();
    assert_eq!((response.status.as_u16(), text(&response)), (200, "end"));
    assert_eq!(response.url.reveal(), server.url("/end"));
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn one_redirect_too_many_is_an_error() {
    let server = redirecting().await;
    let error = failure(&client(), get(&server.url("/302/302/end")).redirects(1)).await;
    assert_eq!(error, Error::TooManyRedirects { origin: server.url(""), limit: 1 });
    assert_eq!(
        error.to_string(),
        format!("more redirects than the 1 allowed, the last one from {}", server.url(""))
    );
}

#[tokio::test]
async fn a_circle_is_seen() {
    let server = serve(|request| {
        let to = if request.starts_with("get /a ") { "/b" } else { "/a" };
        answer("302 Found", &format!("location: {to}\r\n"), "")
    })
    .await;
    let error = failure(&client(), get(&server.url("/a")).redirects(50)).await;
    assert_eq!(error, Error::RedirectLoop { origin: server.url("") });
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn a_post_becomes_a_get_where_the_standard_says_so() {
    for (status, expected) in [(301, "get"), (302, "get"), (303, "get"), (307, "post"), (308, "post")] {
        let server = redirecting().await;
        let url = Url::parse(&server.url(&format!("/{status}/end"))).unwrap();
        let request = Request::post(url, "body").header(header::CONTENT_TYPE, "text/plain".parse().unwrap());
        client().send(request.redirects(1)).await.unwrap();
        let second = &server.requests()[1];
        assert!(second.starts_with(&format!("{expected} /end ")), "{status}: {second}");
        assert_eq!(second.ends_with("\r\n\r\nbody"), expected == "post", "{status}: {second}");
        assert_eq!(second.contains("content-type"), expected == "post", "{status}: {second}");
    }
    let server = redirecting().await;
    let head = Request::new(Method::HEAD, Url::parse(&server.url("/303/end")).unwrap());
    client().send(head.redirects(1)).await.unwrap();
    assert!(server.requests()[1].starts_with("head /end "));
}

#[tokio::test]
async fn credentials_stay_with_their_origin() {
    let elsewhere = serve(|_| answer("200 OK", "", "")).await;
    let target = elsewhere.url("/end");
    let home = serve(move |request| {
        let to = if request.starts_with("get /start ") { "/home" } else { &target };
        answer("302 Found", &format!("location: {to}\r\n"), "")
    })
    .await;
    let mut key: header::HeaderValue = "SECRET".parse().unwrap();
    key.set_sensitive(true);
    let request = get(&home.url("/start"))
        .header(header::AUTHORIZATION, "Bearer SECRET".parse().unwrap())
        .header(header::COOKIE, "session=SECRET".parse().unwrap())
        .header(HeaderName::from_static("x-api-key"), key)
        .header(HeaderName::from_static("x-trace"), "kept".parse().unwrap());
    client().send(request.redirects(2)).await.unwrap();

    for request in home.requests() {
        assert_eq!(request.matches("secret").count() + request.matches("SECRET").count(), 3, "{request}");
    }
    let request = &elsewhere.requests()[0];
    assert!(!request.contains("secret"), "{request}");
    assert!(request.contains("x-trace: kept"), "{request}");
    assert!(request.contains(&format!("host: {}", elsewhere.address)), "{request}");
}

#[tokio::test]
async fn a_location_that_is_no_url_is_an_error() {
    for location in
        ["http://", "ftp://127.0.0.1/", "http://me:pass@127.0.0.1/", "/a b", "http://[/", "/\u{7f}"]
    {
        let server = serve(move |_| answer("302 Found", &format!("location: {location}\r\n"), "")).await;
        let error = failure(&client(), get(&server.url("/")).redirects(1)).await;
        assert!(matches!(error, Error::BadRedirect { .. } | Error::Protocol { .. }), "{location}: {error}");
    }
}

#[tokio::test]
async fn a_redirect_without_a_location_is_an_answer() {
    let server = serve(|_| answer("302 Found", "", "")).await;
    assert_eq!(client().send(get(&server.url("/")).redirects(1)).await.unwrap().status, 302);
}
