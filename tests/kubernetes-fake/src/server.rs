//! HTTP: takes requests in, lets them take effect or fail, and sends replies out.

use std::{net::TcpListener, sync::Arc, thread::JoinHandle};

use bytes::Bytes;
use futures_util::stream;
use http_body_util::{BodyExt as _, Full, StreamBody, combinators::UnsyncBoxBody};
use hyper::{
    body::{Frame, Incoming},
    rt::{Read, Write},
    server::conn::{http1, http2},
    service::service_fn,
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use jiff::Timestamp;
use tokio::sync::{mpsc, oneshot};
use tokio_rustls::TlsAcceptor;

use crate::{
    Shared, controllers,
    message::{Fault, Reply, Request},
    record::record,
    rest::{self, Answer},
    watches::Chunk,
    world::Here as _,
};

/// The thread that serves.
pub(crate) struct Server {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

type Body = UnsyncBoxBody<Bytes, std::io::Error>;

impl Server {
    pub(crate) fn start(listener: TcpListener, tls: Option<TlsAcceptor>, shared: Arc<Shared>) -> Self {
        let (stop, stopped) = oneshot::channel();
        let serve = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                tokio::select! {
                    () = accept(listener, tls, Arc::clone(&shared)) => (),
                    () = controllers::run(shared) => (),
                    _ = stopped => (),
                }
            });
            runtime.shutdown_background();
        };
        Self { stop: Some(stop), thread: Some(std::thread::spawn(serve)) }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // Its panic was shown where it happened.
            let _ = thread.join();
        }
    }
}

async fn accept(listener: TcpListener, tls: Option<TlsAcceptor>, shared: Arc<Shared>) {
    listener.set_nonblocking(true).unwrap();
    let listener = tokio::net::TcpListener::from_std(listener).unwrap();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let (shared, tls) = (Arc::clone(&shared), tls.clone());
        tokio::spawn(async move {
            // A client that goes away, and a fault that breaks the connection, end here.
            let Some(tls) = tls else { return converse(TokioIo::new(stream), false, &shared).await };
            if let Ok(stream) = tls.accept(stream).await {
                let is_h2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
                converse(TokioIo::new(stream), is_h2, &shared).await;
            }
        });
    }
}

async fn converse(stream: impl Read + Write + Unpin + Send + 'static, is_h2: bool, shared: &Arc<Shared>) {
    let of_connection = Arc::clone(shared);
    let service = service_fn(move |request| {
        let shared = Arc::clone(&of_connection);
        async move { serve(&shared, request).await }
    });
    if is_h2 {
        let _ = http2::Builder::new(TokioExecutor::new()).serve_connection(stream, service).await;
    } else {
        let _ = http1::Builder::new().serve_connection(stream, service).await;
    }
}

/// The connection is to break.
type Broken = std::io::Error;

async fn serve(
    shared: &Arc<Shared>,
    request: hyper::Request<Incoming>,
) -> Result<hyper::Response<Body>, Broken> {
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
        body: body.collect().await.map_err(Broken::other)?.to_bytes().to_vec(),
    };
    let fault = {
        let mut requests = shared.requests.lock().unwrap();
        request.number = requests.len();
        requests.push(request.clone());
        (shared.faults.lock().unwrap())(&request)
    };
    match &fault {
        Some(Fault::Delay(time)) => tokio::time::sleep(*time).await,
        Some(Fault::Answer(reply)) => return Ok(whole(reply.clone())),
        Some(Fault::Reset) => return Err(Broken::other("the connection breaks")),
        _ => {}
    }
    if !shared.lets_in(&request) {
        return Ok(whole(Reply::unauthorized()));
    }
    let answer = rest::answer(&mut shared.world(), &request);
    let reply = match answer {
        Answer::Now(reply) => reply,
        Answer::Watch(_) if matches!(fault, Some(Fault::Silence)) => {
            let (out, chunks) = mpsc::unbounded_channel();
            tokio::spawn(async move { out.closed().await });
            return Ok(streamed("application/json", chunks));
        }
        Answer::Watch(watch) => {
            let (out, chunks) = mpsc::unbounded_channel();
            tokio::spawn(watch.run(Arc::clone(shared), out));
            return Ok(streamed("application/json", chunks));
        }
        Answer::Log(log) => {
            let (out, chunks) = mpsc::unbounded_channel();
            tokio::spawn(log.run(Arc::clone(shared), out));
            return Ok(streamed("text/plain", chunks));
        }
    };
    if let Ok(body) = serde_json::from_slice(&reply.body) {
        record(&request, reply.status, &body);
    }
    match fault {
        Some(Fault::LoseReply) => Err(Broken::other("the reply is lost")),
        Some(Fault::AnswerAfter(other)) => Ok(whole(other)),
        Some(Fault::CutReply) => {
            let (out, chunks) = mpsc::unbounded_channel();
            let half = reply.body[..reply.body.len() / 2].to_vec();
            let _ = out.send(Ok(half.into()));
            let _ = out.send(Err(std::io::Error::other("the connection breaks")));
            Ok(streamed("application/json", chunks))
        }
        _ => Ok(whole(reply)),
    }
}

fn whole(reply: Reply) -> hyper::Response<Body> {
    let mut response = hyper::Response::builder().status(reply.status);
    for (name, value) in &reply.headers {
        response = response.header(name, value);
    }
    dated(response.body(Full::new(reply.body.into()).map_err(|never| match never {}).boxed_unsync()).unwrap())
}

fn streamed(kind: &str, chunks: mpsc::UnboundedReceiver<Chunk>) -> hyper::Response<Body> {
    let frames = stream::unfold(chunks, |mut chunks| async move {
        let chunk = chunks.recv().await?;
        Some((chunk.map(Frame::data), chunks))
    });
    let response = hyper::Response::builder().status(200).header("content-type", kind);
    dated(response.body(StreamBody::new(frames).boxed_unsync()).unwrap())
}

fn dated(mut response: hyper::Response<Body>) -> hyper::Response<Body> {
    let date = Timestamp::now_here().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    response.headers_mut().insert("date", date.parse().unwrap());
    response
}
