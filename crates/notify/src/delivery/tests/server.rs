//! A server that does with each request what a test wants.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

/// What a server does with one request.
#[derive(Clone)]
pub(super) enum Act {
    /// Answers with a status line, headers and a body.
    Answer(&'static str, &'static str),
    /// Says nothing, and keeps the connection.
    Hang,
    /// Closes the connection without an answer.
    Close,
    /// Begins an answer, and never ends it.
    Slow,
    /// Answers `ok` once the other server was asked.
    Await(Arc<tokio::sync::Notify>),
}

/// A server on a free port of this machine. It acts as told, the last act again and again.
pub(super) struct Server {
    pub(super) address: String,
    /// Told of each request.
    pub(super) asked: Arc<tokio::sync::Notify>,
    pub(super) requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    pub(super) async fn start(acts: impl Into<VecDeque<Act>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self {
            address: format!("http://{}/services/SECRET", listener.local_addr().unwrap()),
            asked: Arc::default(),
            requests: Arc::default(),
        };
        let (asked, requests, mut acts) = (server.asked.clone(), server.requests.clone(), acts.into());
        tokio::spawn(async move {
            let mut hanging = Vec::new();
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let request = read(&mut stream).await;
                requests.lock().unwrap().push(request);
                asked.notify_one();
                let act = if acts.len() > 1 { acts.pop_front() } else { acts.front().cloned() };
                match act.unwrap() {
                    Act::Answer(head, body) => answer(stream, head, body).await,
                    Act::Hang => hanging.push(stream),
                    Act::Close => drop(stream),
                    Act::Slow => {
                        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\no").await.unwrap();
                        hanging.push(stream);
                    }
                    Act::Await(other) => {
                        other.notified().await;
                        answer(stream, "200 OK", "ok").await;
                    }
                }
            }
        });
        server
    }

    pub(super) fn sends(&self) -> usize {
        self.requests.lock().unwrap().len()
    }
}

/// One request: its head, and as much body as it says.
async fn read(stream: &mut TcpStream) -> String {
    let mut request = String::new();
    loop {
        let mut bytes = [0; 4096];
        let read = stream.read(&mut bytes).await.unwrap();
        request.push_str(std::str::from_utf8(&bytes[..read]).unwrap());
        let Some((head, body)) = request.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
        if read == 0 || body.len() == length.parse::<usize>().unwrap() {
            return request;
        }
    }
}

async fn answer(mut stream: TcpStream, head: &str, body: &str) {
    let length = body.len();
    let text = format!("HTTP/1.1 {head}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}");
    stream.write_all(text.as_bytes()).await.unwrap();
}
