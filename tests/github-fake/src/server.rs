//! HTTP: takes requests in, lets them take effect or fail, and sends replies out.

use std::{net::TcpListener, sync::Arc, thread::JoinHandle};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::sync::oneshot;

use crate::{
    Shared, grants, graphql,
    message::{Fault, Reply, Request},
    record::record,
    rest, smart_http,
    world::http_date,
};

/// The thread that serves.
pub(crate) struct Server {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    pub(crate) fn start(listener: TcpListener, shared: Arc<Shared>) -> Self {
        let (stop, stopped) = oneshot::channel();
        let serve = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                tokio::select! {
                    () = accept(listener, shared) => (),
                    _ = stopped => (),
                }
            });
            runtime.shutdown_background();
        };
        Self { stop: Some(stop), thread: Some(std::thread::spawn(serve)) }
    }

    /// Ends it, and waits until it has ended.
    pub(crate) fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // Its panic was shown where it happened.
            let _ = thread.join();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end();
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    listener.set_nonblocking(true).unwrap();
    let listener = tokio::net::TcpListener::from_std(listener).unwrap();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let shared = Arc::clone(&shared);
        tokio::spawn(async move {
            let service = service_fn(|request| serve(&shared, request));
            // A client that goes away, and a fault that breaks the connection, end here.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

/// The connection is to break.
type Broken = Box<dyn std::error::Error + Send + Sync>;

async fn serve(
    shared: &Arc<Shared>,
    request: hyper::Request<Incoming>,
) -> Result<hyper::Response<Full<Bytes>>, Broken> {
    let (parts, body) = request.into_parts();
    let headers = parts.headers.iter();
    let mut request = Request {
        number: 0,
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: headers
            .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect(),
        body: body.collect().await?.to_bytes().to_vec(),
    };
    let fault = {
        let mut requests = shared.requests.lock().unwrap();
        request.number = requests.len();
        requests.push(request.clone());
        (shared.faults.lock().unwrap())(&request)
    };
    if let Some(Fault::Delay(time)) = fault {
        tokio::time::sleep(time).await;
    }
    if let Some(Fault::Answer(reply)) = fault {
        record(&request, None);
        return Ok(send(complete(shared, reply)));
    }
    let reply = {
        let shared = Arc::clone(shared);
        // Git is waited for, and others are not to wait for it.
        tokio::task::spawn_blocking(move || take_effect(&shared, &request)).await?
    };
    match fault {
        Some(Fault::LoseReply) => Err("the reply is lost".into()),
        Some(Fault::AnswerAfter(other)) => Ok(send(complete(shared, other))),
        Some(Fault::CutReply) => {
            let half = reply.body[..reply.body.len() / 2].to_vec();
            Ok(send(Reply { body: half, ..reply }))
        }
        _ => Ok(send(reply)),
    }
}

/// Lets a request take effect, and records what is answered.
fn take_effect(shared: &Shared, request: &Request) -> Reply {
    let only = shared.world().grants_only;
    if let Some(refusal) = grants::refusal(request, only) {
        record(request, None);
        return complete(shared, refusal);
    }
    let answered = match request.path.strip_prefix("/api/v3") {
        Some(path) => Some(rest::answer(&mut shared.world(), path, request)),
        None if request.path == "/api/graphql" => Some(graphql::answer(&mut shared.world(), request)),
        None => None,
    };
    if let Some(reply) = answered {
        let reply = complete(shared, reply);
        record(request, Some(&reply));
        return unless_known(request, reply);
    }
    let found = smart_http::find(&shared.world(), request);
    match found {
        Ok(fetch) => smart_http::answer(&fetch, request),
        Err(reply) => reply,
    }
}

/// Leaves out what the client has already, as it says by a tag: <https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api#use-conditional-requests-if-appropriate>.
fn unless_known(request: &Request, reply: Reply) -> Reply {
    if request.method != "GET" || reply.status != 200 {
        return reply;
    }
    let hash =
        reply.body.iter().fold(7_u64, |hash, byte| hash.wrapping_mul(31).wrapping_add(u64::from(*byte)));
    let tag = format!("W/\"{hash:x}\"");
    if request.header("if-none-match") == Some(&tag) {
        return Reply { status: 304, body: Vec::new(), ..reply };
    }
    reply.header("etag", &tag)
}

/// Adds the headers that each reply of the API has.
fn complete(shared: &Shared, reply: Reply) -> Reply {
    let date = http_date(shared.world().now());
    let has = |name: &str| reply.headers.iter().any(|(header, _)| header == name);
    let limits = if has("x-ratelimit-remaining") {
        vec![]
    } else {
        vec![("x-ratelimit-limit", "5000"), ("x-ratelimit-remaining", "4999")]
    };
    let more = [("date", date.as_str()), ("x-github-request-id", "0000:1111:222222:333333:44444444")];
    more.into_iter().chain(limits).fold(reply, |reply, (name, value)| reply.header(name, value))
}

fn send(reply: Reply) -> hyper::Response<Full<Bytes>> {
    let mut response = hyper::Response::builder().status(reply.status);
    for (name, value) in &reply.headers {
        response = response.header(name, value);
    }
    response.body(Full::new(reply.body.into())).unwrap()
}
