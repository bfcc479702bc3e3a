//! Servers for tests, on loopback, that answer as they are told.

use sluice_http::header::{HeaderMap, HeaderValue};
use sluice_http::{HeaderName, Response, StatusCode, Timings, Url, Version};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// An answer as the client hands it over.
pub(crate) fn answer(status: u16, headers: &[(&'static str, &str)], body: &[u8]) -> Response {
    let headers = headers
        .iter()
        .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap()));
    Response {
        status: StatusCode::from_u16(status).unwrap(),
        version: Version::HTTP_11,
        headers: headers.collect::<HeaderMap>(),
        body: body.to_vec().into(),
        truncated: false,
        size: body.len() as u64,
        trailers: HeaderMap::new(),
        certificate: None,
        timings: Timings::default(),
        url: Url::parse("http://127.0.0.1/").unwrap(),
    }
}

/// Hands the head of the `n`th request (from 1) and its connection to `handle`; gives the base URL.
pub(crate) async fn serve<F>(handle: impl Fn(usize, String, TcpStream) -> F + Send + 'static) -> String
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        for n in 1.. {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                match stream.read_u8().await {
                    Ok(byte) => head.push(byte),
                    Err(_) => break,
                }
            }
            tokio::spawn(handle(n, String::from_utf8(head).unwrap(), stream));
        }
    });
    base
}

/// Sends a whole answer and closes the connection.
pub(crate) async fn send(mut stream: TcpStream, status: u16, body: &[u8]) {
    let length = body.len();
    let head = format!("HTTP/1.1 {status} x\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
    let _ = stream.write_all(&[head.as_bytes(), body].concat()).await;
}
