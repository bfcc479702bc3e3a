//! smoke-test against servers that do all the wrong things: each is named, and bounded in time and memory.
#![allow(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    time::{Duration, Instant},
};

use sluice_end_to_end::{Outcome, Repository};

/// How long a try may take in these tests.
const TRY: &str = "2s";
/// Long enough for a machine that does much else, and far below what any of these servers would take.
const BOUNDED: Duration = Duration::from_secs(30);
/// The binaries of tests are larger than those that are shipped.
const MEGABYTES: u64 = 150;

/// A server that treats each connection so, once its request has come; gives its address.
fn server(treat: impl Fn(&mut TcpStream, &str) + Send + Clone + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let treat = treat.clone();
            std::thread::spawn(move || {
                let mut request = Vec::new();
                let mut bytes = [0; 1024];
                while !request.windows(4).any(|end| end == b"\r\n\r\n") {
                    match stream.read(&mut bytes) {
                        Ok(read) if read > 0 => request.extend_from_slice(&bytes[..read]),
                        _ => return,
                    }
                }
                treat(&mut stream, &String::from_utf8_lossy(&request));
            });
        }
    });
    address
}

fn check(check: &str) -> Outcome {
    let repository = Repository::new();
    repository.write("smoke.yml", format!("checks: [{check}]\n"));
    let started = Instant::now();
    let outcome = repository
        .run("smoke-test")
        .argument("smoke.yml")
        .argument("--retry-timeout=0s")
        .starts()
        .ends_within(MEGABYTES);
    assert!(started.elapsed() < BOUNDED, "took {:?}", started.elapsed());
    outcome
}

fn get(address: &str) -> Outcome {
    check(&format!("{{http: {{url: 'http://{address}/', timeout: {TRY}}}}}"))
}

#[test]
fn a_server_that_never_answers() {
    get(&server(|_, _| std::thread::park())).exits(1).says("no answer from").says("within 2s");
}

#[test]
fn a_server_that_never_lets_tls_begin() {
    let address = server(|_, _| std::thread::park());
    check(&format!("{{tls: '{address}'}}"))
        .exits(1)
        .says("no TLS handshake with")
        .says("is it an https port?");
}

#[test]
fn a_server_that_resets() {
    // Bytes that were never read make the system send a reset.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            while stream.peek(&mut [0]).is_ok_and(|peeked| peeked == 0) {}
        }
    });
    get(&address.to_string()).exits(1).says("closed the connection before its answer was complete");
}

#[test]
fn a_server_that_hangs_up() {
    get(&server(|_, _| ())).exits(1).says("closed the connection before its answer was complete");
}

#[test]
fn a_server_that_drips_a_byte_a_second() {
    let drip = |head: &'static [u8]| {
        server(move |stream, _| {
            let _ = stream.write_all(head);
            while stream.write_all(b"x").is_ok() {
                std::thread::sleep(Duration::from_secs(1));
            }
        })
    };
    get(&drip(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n"))
        .exits(1)
        .says("began, but was not complete within 2s");
    get(&drip(b"HTTP/1.1 200 OK\r\nx-drip: ")).exits(1).says("no answer from").says("within 2s");
}

#[test]
fn a_body_without_end() {
    let address = server(|stream, _| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
        while stream.write_all(&[b'x'; 1 << 14]).is_ok() {}
    });
    // That it answers is all that was asked.
    get(&address).exits(0);
    let url = format!("url: 'http://{address}/', timeout: {TRY}");
    check(&format!("{{http: {{{url}}}, expect: {{json: {{$.a: 1}}}}}}"))
        .exits(1)
        .says("too large to be read as JSON");
    check(&format!("{{http: {{{url}}}, expect: {{size: {{less-than: 3MB}}}}}}"))
        .exits(1)
        .says("body has at least");
}

#[test]
fn a_gigabyte_of_headers() {
    let one_header = |piece: &'static [u8]| {
        server(move |stream, _| {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n");
            for _ in 0..(1 << 30) / piece.len() {
                if stream.write_all(piece).is_err() {
                    return;
                }
            }
        })
    };
    get(&one_header(&[b'x'; 1 << 14])).exits(1).says("headers or");
    get(&one_header(b"x-header: value\r\n")).exits(1).says("headers or");
}

#[test]
fn redirects_without_end() {
    let circle = server(|stream, _| {
        let _ = stream.write_all(
            b"HTTP/1.1 302 Found\r\nlocation: /\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
        );
    });
    check(&format!("{{http: {{url: 'http://{circle}/', follow: 255}}}}"))
        .exits(1)
        .says("redirects in a circle");
    let onward = server(|stream, request| {
        let path = request.split(' ').nth(1).unwrap_or("/");
        let head = format!(
            "HTTP/1.1 302 Found\r\nlocation: {path}x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
        );
        let _ = stream.write_all(head.as_bytes());
    });
    check(&format!("{{http: {{url: 'http://{onward}/', follow: 50}}}}"))
        .exits(1)
        .says("more redirects than the 50 allowed");
}

#[test]
fn gzip_that_is_none() {
    let gzip = |body: &'static [u8]| {
        server(move |stream, _| {
            let head = format!(
                "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\n\r\n",
                body.len()
            );
            let _ = stream.write_all(&[head.as_bytes(), body].concat());
        })
    };
    get(&gzip(b"plain text")).exits(1).says("is not what its content-encoding says: its bytes are no gzip");
    get(&gzip(b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03")).exits(1).says("it is cut short");
}

#[test]
fn servers_of_other_protocols() {
    let ssh = server(|stream, _| {
        let _ = stream.write_all(b"SSH-2.0-OpenSSH_9.2\r\n");
    });
    get(&ssh).exits(1).says("did not answer in HTTP").says("is it the right port?");
    let silent = server(|_, _| std::thread::park());
    for kind in [
        format!("redis: '{silent}'"),
        format!("postgres: {{address: '{silent}', user: smoke, tls: false}}"),
        format!("grpc: '{silent}'"),
    ] {
        check(&format!("{{{kind}}}")).exits(1).says("within 10");
    }
    // It speaks first, and does not stop.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endless = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            while stream.write_all(&[b'+'; 1 << 14]).is_ok() {}
        }
    });
    check(&format!("{{redis: '{endless}'}}")).exits(1).says("it sent more than 65536 bytes");
}
