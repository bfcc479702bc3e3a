//! Servers that answer as they are told, byte by byte.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A server and what it was sent, one list a connection.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    received: Arc<Mutex<Vec<Vec<String>>>>,
}

impl Server {
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// All requests, in the order of their connections.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.received.lock().unwrap().concat()
    }

    pub(crate) fn connections(&self) -> usize {
        self.received.lock().unwrap().len()
    }
}

/// Hands each connection to `handle`.
pub(crate) async fn accept<F>(handle: impl Fn(TcpStream) -> F + Send + 'static) -> SocketAddr
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(handle(stream));
        }
    });
    address
}

/// Answers each request with what `answer` makes of its text.
pub(crate) async fn serve(answer: impl Fn(&str) -> String + Send + Sync + 'static) -> Server {
    serve_over(answer, |stream| async { Some(stream) }).await
}

/// As [`serve`], over connections that `wrap` makes of the bare ones.
pub(crate) async fn serve_over<S, F>(
    answer: impl Fn(&str) -> String + Send + Sync + 'static,
    wrap: impl Fn(TcpStream) -> F + Send + Sync + Clone + 'static,
) -> Server
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
    F: Future<Output = Option<S>> + Send + 'static,
{
    let received: Arc<Mutex<Vec<Vec<String>>>> = Arc::default();
    let log = received.clone();
    let answer = Arc::new(answer);
    let address = accept(move |stream| {
        let (log, answer, wrap) = (log.clone(), answer.clone(), wrap.clone());
        async move {
            let Some(mut stream) = wrap(stream).await else { return };
            let connection = {
                let mut log = log.lock().unwrap();
                log.push(Vec::new());
                log.len() - 1
            };
            while let Some(request) = read_request(&mut stream).await {
                let text = answer(&request);
                log.lock().unwrap()[connection].push(request);
                stream.write_all(text.as_bytes()).await.unwrap();
                if text.contains("\r\nhang-up: now\r\n") {
                    return;
                }
            }
        }
    })
    .await;
    Server { address, received }
}

/// Reads one request, body included; `None` at the end of the connection.
pub(crate) async fn read_request(stream: &mut (impl AsyncRead + Unpin)) -> Option<String> {
    let mut request = Vec::new();
    loop {
        let byte = stream.read_u8().await.ok()?;
        request.push(byte);
        if request.ends_with(b"\r\n\r\n") {
            break;
        }
    }
    let head = String::from_utf8(request).unwrap().to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
    stream.read_exact(&mut body).await.ok()?;
    Some(head + std::str::from_utf8(&body).unwrap())
}

/// A whole answer with a body.
pub(crate) fn answer(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n{headers}\r\n{body}", body.len())
}
