//! A small HTTP server on loopback: what a service or a receiver of messages answers is the test's.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
};

/// A server that ends with the process.
pub struct Server {
    port: u16,
    received: Arc<Mutex<Vec<Received>>>,
}

/// A request that came.
#[derive(Clone, Debug)]
pub struct Received {
    /// The method and the path: `POST /hook`.
    pub target: String,
    /// The headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
}

impl Server {
    /// A server that answers each request with what `answer` makes of it: a status and a body.
    pub fn answering(answer: impl Fn(&Received) -> (u16, String) + Send + Sync + 'static) -> Self {
        Self::serving(move |mut stream: &TcpStream, request| {
            let (status, body) = answer(request);
            let head = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n\r\n", body.len());
            stream.write_all((head + &body).as_bytes()).is_ok()
        })
    }

    /// A server that takes requests and never answers.
    pub fn hanging() -> Self {
        Self::serving(|_, _| {
            std::thread::park();
            false
        })
    }

    fn serving(serve: impl Fn(&TcpStream, &Received) -> bool + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let received = Arc::new(Mutex::new(Vec::new()));
        let (all, serve) = (Arc::clone(&received), Arc::new(serve));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (all, serve) = (Arc::clone(&all), Arc::clone(&serve));
                std::thread::spawn(move || {
                    let mut reader = BufReader::new(stream.try_clone().unwrap());
                    while let Some(request) = read(&mut reader) {
                        all.lock().unwrap().push(request.clone());
                        if !serve(&stream, &request) {
                            return;
                        }
                    }
                });
            }
        });
        Self { port, received }
    }

    /// The address of a path.
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// The requests that came so far.
    pub fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }

    /// Waits until a request came.
    pub fn wait_for_a_request(&self) {
        while self.received.lock().unwrap().is_empty() {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
    }
}

fn read(reader: &mut BufReader<TcpStream>) -> Option<Received> {
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let target = line.rsplit_once(' ')?.0.to_owned();
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim().split_once(':') else { break };
        headers.push((name.to_lowercase(), value.trim().to_owned()));
    }
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let mut body = vec![0; length.map_or(0, |(_, length)| length.parse().unwrap())];
    reader.read_exact(&mut body).ok()?;
    Some(Received { target, headers, body: String::from_utf8_lossy(&body).into_owned() })
}
