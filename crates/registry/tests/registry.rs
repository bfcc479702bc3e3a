//! The ways of registries that ask for a token, and of those that answer wrongly.

#![allow(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    time::Duration,
};

use sluice_core::Problem;
use sluice_http::{Client, Options, Proxies};
use sluice_registry::{Error, Keyring, Location, Manifest, Registry, Which, digest_of};

const IMAGE: &str = r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2},"layers":[]}"#;

/// A request's first line and its `Authorization`.
type Asked = Arc<Mutex<Vec<(String, String)>>>;
/// Status, headers and body for a first line and an `Authorization`.
type Answers = fn(&str, &str, u16) -> (u16, String, String);

struct Server {
    port: u16,
    asked: Asked,
}

fn serve(answers: Answers) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let asked = Asked::default();
    let told = asked.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            answer(stream, answers, port, &told);
        }
    });
    Server { port, asked }
}

fn answer(mut stream: TcpStream, answers: Answers, port: u16, told: &Asked) {
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
    let Some(first) = lines.next() else { return };
    let mut authorization = String::new();
    for line in lines.take_while(|line| !line.is_empty()) {
        if let Some((name, value)) = line.split_once(": ")
            && name.eq_ignore_ascii_case("authorization")
        {
            value.clone_into(&mut authorization);
        }
    }
    let first = first.trim_end_matches(" HTTP/1.1").to_owned();
    let (status, headers, body) = answers(&first, &authorization, port);
    told.lock().unwrap().push((first, authorization));
    let head = format!(
        "HTTP/1.1 {status} X\r\nContent-Length: {}\r\nConnection: close\r\n{headers}\r\n",
        body.len()
    );
    let _ = stream.write_all(format!("{head}{body}").as_bytes());
}

fn ask(server: &Server, which: Which<'_>, keyring: &Keyring) -> Result<(String, Manifest), Error> {
    let image = format!("127.0.0.1:{}/shop/backend", server.port).parse().unwrap();
    let client = Client::new(&Options::default(), &Proxies::none(), Duration::from_secs(2)).unwrap();
    let registry = Registry::new(client, Location::of(&image), keyring);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(registry.manifest(which))
}

fn with_login(server: &Server) -> Keyring {
    let config = format!(r#"{{"auths": {{"127.0.0.1:{}": {{"auth": "bWU6cGFzcw=="}}}}}}"#, server.port);
    Keyring::of_docker_config(&config).unwrap()
}

/// Asks for a token, gives it for the login, and the manifest for it.
fn with_tokens(first: &str, authorization: &str, port: u16) -> (u16, String, String) {
    match (first, authorization) {
        (first, "Basic bWU6cGFzcw==") if first.starts_with("GET /token?") => {
            (200, String::new(), r#"{"token": "a-token"}"#.into())
        }
        (_, "Bearer a-token") => (200, String::new(), IMAGE.into()),
        (first, _) if first.starts_with("GET /token?") => (401, String::new(), "{}".into()),
        _ => {
            let challenge = format!(
                "WWW-Authenticate: Bearer realm=\"http://127.0.0.1:{port}/token\",service=\"the registry\",scope=\"repository:shop/backend:pull\"\r\n"
            );
            (401, challenge, r#"{"errors": [{"code": "UNAUTHORIZED"}]}"#.into())
        }
    }
}

#[test]
fn a_token_is_fetched_for_the_login() {
    let server = serve(with_tokens);
    let (digest, _) = ask(&server, Which::Tag("v1"), &with_login(&server)).unwrap();
    assert_eq!(digest, digest_of(IMAGE.as_bytes()));
    let asked = server.asked.lock().unwrap();
    let told: Vec<String> =
        asked.iter().map(|(first, authorization)| format!("{first} [{authorization}]")).collect();
    insta::assert_snapshot!(told.join("\n"), @"
    GET /v2/shop/backend/manifests/v1 []
    GET /token?service=the+registry&scope=repository%3Ashop%2Fbackend%3Apull [Basic bWU6cGFzcw==]
    GET /v2/shop/backend/manifests/v1 [Bearer a-token]
    ");
}

#[test]
fn whoever_pushes_asks_for_a_token_that_may() {
    let server = serve(with_tokens);
    let image = format!("127.0.0.1:{}/shop/backend", server.port).parse().unwrap();
    let client = Client::new(&Options::default(), &Proxies::none(), Duration::from_secs(2)).unwrap();
    let registry = Registry::new(client, Location::of(&image), &with_login(&server));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let shown = runtime.block_on(registry.authorization("pull,push")).unwrap().unwrap();
    assert!(shown.is_sensitive() && shown == "Bearer a-token");
    let asked = server.asked.lock().unwrap();
    let told: Vec<String> =
        asked.iter().map(|(first, authorization)| format!("{first} [{authorization}]")).collect();
    insta::assert_snapshot!(told.join("\n"), @"
    GET /v2/shop/backend/tags/list []
    GET /token?service=the+registry&scope=repository%3Ashop%2Fbackend%3Apull%2Cpush [Basic bWU6cGFzcw==]
    ");
}

#[test]
fn without_a_login_it_is_not_known_whether_it_is_there() {
    let server = serve(with_tokens);
    let error = ask(&server, Which::Tag("v1"), &Keyring::default()).unwrap_err();
    assert!(matches!(error, Error::Denied { has_login: false, .. }), "{error}");
    assert_eq!(
        Problem::from(error).help.unwrap(),
        "check the image's name; if the image is private, give `registry-auth`"
    );
}

#[test]
fn answers_that_are_none() {
    let digest = digest_of(IMAGE.as_bytes());
    let told = |answers: Answers, which: Which<'_>| {
        let server = serve(answers);
        ask(&server, which, &Keyring::default())
            .unwrap_err()
            .to_string()
            .replace(&server.port.to_string(), "PORT")
    };
    let cases = [
        told(|_, _, _| (200, String::new(), IMAGE.replace("[]", "[ ]")), Which::Digest(&digest)),
        told(
            |_, _, _| (200, "Docker-Content-Digest: sha256:0000\r\n".into(), IMAGE.into()),
            Which::Tag("v1"),
        ),
        told(
            |_, _, _| (404, String::new(), r#"{"errors": [{"code": "MANIFEST_UNKNOWN"}]}"#.into()),
            Which::Tag("v1"),
        ),
        told(|_, _, _| (404, String::new(), "<html>".into()), Which::Tag("v1")),
        told(
            |_, _, _| (403, String::new(), r#"{"errors": [{"code": "MANIFEST_UNKNOWN"}]}"#.into()),
            Which::Tag("v1"),
        ),
        told(|_, _, _| (200, String::new(), IMAGE[..40].into()), Which::Tag("v1")),
        told(|_, _, _| (200, String::new(), "{}".into()), Which::Tag("v1")),
        told(|_, _, _| (200, String::new(), "[]".into()), Which::Tag("v1")),
        told(|_, _, _| (302, "Location: /elsewhere\r\n".into(), String::new()), Which::Tag("v1")),
    ];
    insta::assert_snapshot!(cases.join("\n"), @"
        127.0.0.1:PORT answers with other bytes than sha256:f20c43161d73848408ef247f0ec7111b19fe58ffebc0cbcaa0d2c8bda4967268
        127.0.0.1:PORT answers with other bytes than sha256:0000
        127.0.0.1:PORT answers MANIFEST_UNKNOWN
        127.0.0.1:PORT: 404 Not Found, not in a registry's words
        127.0.0.1:PORT does not let us read shop/backend: 403 Forbidden, and no login was given
        127.0.0.1:PORT: it is no manifest of an image: EOF while parsing a string at line 1 column 40
        127.0.0.1:PORT: it is no manifest of an image: missing field `schemaVersion` at line 1 column 2
        127.0.0.1:PORT: it is no manifest of an image: invalid length 0, expected struct Kind with 4 elements at line 1 column 2
        127.0.0.1:PORT: http://127.0.0.1:PORT redirects in a circle
        ");
}
