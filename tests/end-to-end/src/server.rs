//! A small HTTP server on loopback: what a service or a receiver of messages answers is the test's.

use std::{sync::Arc, time::Duration};

use sluice_faulty_server::{Answer, Fault, Reply, Request, Service};

/// A server that ends with the process: what it serves may outlive who started it.
pub struct Server {
    server: &'static sluice_faulty_server::Server<Answering>,
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

struct Answering(Box<Answers>);

type Answers = dyn Fn(&Received) -> (u16, String) + Send + Sync;

impl Service for Answering {
    fn answer(self: &Arc<Self>, request: &Request) -> Answer {
        let (status, body) = (self.0)(&request.into());
        Reply { status, headers: Vec::new(), body: body.into_bytes() }.into()
    }
}

impl Server {
    /// A server that answers each request with what `answer` makes of it: a status and a body.
    pub fn answering(answer: impl Fn(&Received) -> (u16, String) + Send + Sync + 'static) -> Self {
        let server = sluice_faulty_server::Server::start(Answering(Box::new(answer)));
        Self { server: Box::leak(Box::new(server)) }
    }

    /// A server that takes requests and does not answer for longer than a test takes.
    pub fn hanging() -> Self {
        let server = Self::answering(|_| (200, String::new()));
        server.server.faults(|_| Some(Fault::Delay(Duration::from_hours(1))));
        server
    }

    /// The address of a path.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.server.address())
    }

    /// The requests that came so far.
    pub fn received(&self) -> Vec<Received> {
        self.server.requests().iter().map(Received::from).collect()
    }

    /// Waits until a request came.
    pub fn wait_for_a_request(&self) {
        while self.server.requests().is_empty() {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl From<&Request> for Received {
    fn from(request: &Request) -> Self {
        let query = if request.query.is_empty() { String::new() } else { format!("?{}", request.query) };
        Self {
            target: format!("{} {}{query}", request.method, request.path),
            headers: request.headers.clone(),
            body: String::from_utf8_lossy(&request.body).into_owned(),
        }
    }
}
