//! "The deployment", and the receiver of messages: one small HTTP service on loopback.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// How long a deployment takes: some answers of the old version come after it was asked for.
const ROLLOUT: Duration = Duration::from_millis(300);

/// The service. It ends with the process.
pub(crate) struct Service {
    port: u16,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    version: String,
    messages: Vec<Message>,
}

/// A message that was received.
#[derive(Clone)]
pub(crate) struct Message {
    pub(crate) path: String,
    pub(crate) body: String,
}

impl Service {
    pub(crate) fn start() -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let port = listener.local_addr()?.port();
        let state = Arc::new(Mutex::new(State { version: "first".to_owned(), ..State::default() }));
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let state = Arc::clone(&shared);
                std::thread::spawn(move || answer(stream, &state));
            }
        });
        Ok(Self { port, state })
    }

    /// The address of a path of the service.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// Replaces the running version, in a while.
    pub(crate) fn deploy(&self, version: &str) {
        let (state, version) = (Arc::clone(&self.state), version.to_owned());
        std::thread::spawn(move || {
            std::thread::sleep(ROLLOUT);
            state.lock().unwrap_or_else(PoisonError::into_inner).version = version;
        });
    }

    /// What was received so far.
    pub(crate) fn messages(&self) -> Vec<Message> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).messages.clone()
    }
}

/// Answers requests of one connection until it closes. A request that can't be read ends it.
fn answer(mut stream: TcpStream, state: &Mutex<State>) {
    let Ok(clone) = stream.try_clone() else { return };
    let mut reader = BufReader::new(clone);
    while let Some((path, body)) = request(&mut reader) {
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        let (kind, answer) = match path.as_str() {
            "/healthz" => ("application/json", r#"{"status":"ok"}"#.to_owned()),
            "/version" => ("application/json", format!(r#"{{"version":"{}"}}"#, state.version)),
            _ => {
                state.messages.push(Message { path, body });
                ("text/plain", "ok".to_owned())
            }
        };
        drop(state);
        let head =
            format!("HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n", answer.len());
        if stream.write_all((head + &answer).as_bytes()).is_err() {
            return;
        }
    }
}

fn request(reader: &mut BufReader<TcpStream>) -> Option<(String, String)> {
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let path = line.split(' ').nth(1)?.to_owned();
    let mut length = 0;
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        match header.trim().split_once(':') {
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                length = value.trim().parse().ok()?;
            }
            Some(_) => {}
            None => break,
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((path, String::from_utf8_lossy(&body).into_owned()))
}
