//! A server for tests that keeps what it was asked and fails on purpose.
//!
//! What it answers is told by a [`Service`]: the stand-ins for GitHub and for Kubernetes are two. What goes wrong is told
//! by the test, for each request as it comes.
//!
//! ```
//! use std::sync::Arc;
//!
//! use sluice_faulty_server::{Answer, Fault, Reply, Request, Server, Service};
//!
//! struct Greeter;
//!
//! impl Service for Greeter {
//!     fn answer(self: &Arc<Self>, request: &Request) -> Answer {
//!         Reply::text(200, format!("hello, {}", request.path)).into()
//!     }
//! }
//!
//! let server = Server::start(Greeter);
//! server.faults(|request| (request.number == 0).then_some(Fault::LoseReply));
//! println!("it is asked at {}", server.address());
//! assert!(server.requests().is_empty());
//! ```
//!
//! `message` has requests, replies and faults; `http` takes the ones in and sends the others out; `exchanges` keeps what
//! was said for the judges that run behind the tests.

#![expect(clippy::missing_panics_doc, reason = "in a test a panic is the way to fail")]
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a part of tests")]

mod exchanges;
mod http;
mod message;

use std::{
    net::TcpListener,
    sync::{Arc, Mutex},
    thread::JoinHandle,
};

use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;

pub use self::{
    exchanges::Exchanges,
    message::{Answer, Chunk, Fault, Reply, Request},
};

/// What a server answers.
pub trait Service: Send + Sync + 'static {
    /// Lets a request take effect. It may block: others are answered meanwhile.
    fn answer(self: &Arc<Self>, request: &Request) -> Answer;

    /// What a fault answers, with what each reply of this service has.
    fn answer_instead(&self, _request: &Request, reply: Reply) -> Reply {
        reply
    }

    /// What it does by itself for as long as it serves.
    fn live(&self) -> impl Future<Output = ()> + Send {
        std::future::pending()
    }
}

/// A running server. It ends when it is dropped.
pub struct Server<S> {
    service: Arc<S>,
    address: String,
    asked: Arc<Asked>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// What a server was asked, and what goes wrong then.
struct Asked {
    requests: Mutex<Vec<Request>>,
    faults: Mutex<Faults>,
}

type Faults = Box<dyn FnMut(&Request) -> Option<Fault> + Send>;

impl<S: Service> Server<S> {
    /// Starts one over plain HTTP on a free port of this machine.
    pub fn start(service: S) -> Self {
        Self::start_at(None, |_| service)
    }

    /// Starts one whose service knows its address (`http://127.0.0.1:4711`). Over TLS it speaks HTTP/2 where the client
    /// takes it, else HTTP/1.1.
    pub fn start_at(tls: Option<TlsAcceptor>, service: impl FnOnce(&str) -> S) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let scheme = if tls.is_some() { "https" } else { "http" };
        let address = format!("{scheme}://{}", listener.local_addr().unwrap());
        let service = Arc::new(service(&address));
        let asked = Arc::new(Asked { requests: Mutex::default(), faults: Mutex::new(Box::new(|_| None)) });
        let (stop, stopped) = oneshot::channel();
        let (serving, asking) = (Arc::clone(&service), Arc::clone(&asked));
        let serve = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                tokio::select! {
                    () = http::accept(listener, tls, &serving, &asking) => (),
                    () = serving.live() => (),
                    _ = stopped => (),
                }
            });
            runtime.shutdown_background();
        };
        Self { service, address, asked, stop: Some(stop), thread: Some(std::thread::spawn(serve)) }
    }

    /// What it answers by.
    pub fn service(&self) -> &Arc<S> {
        &self.service
    }

    /// Where it answers.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Asks this function before each request whether something goes wrong with it.
    pub fn faults(&self, faults: impl FnMut(&Request) -> Option<Fault> + Send + 'static) {
        *self.asked.faults.lock().unwrap() = Box::new(faults);
    }

    /// The requests that came so far, those included that met a fault.
    pub fn requests(&self) -> Vec<Request> {
        self.asked.requests.lock().unwrap().clone()
    }
}

impl<S> Drop for Server<S> {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // Its panic was shown where it happened.
            let _ = thread.join();
        }
    }
}

impl Asked {
    /// Numbers a request, keeps it, and tells what goes wrong with it.
    fn take(&self, request: &mut Request) -> Option<Fault> {
        let mut requests = self.requests.lock().unwrap();
        request.number = requests.len();
        requests.push(request.clone());
        (self.faults.lock().unwrap())(request)
    }
}
