//! HTTP: takes requests in, lets them take effect or fail, and sends replies out.

use std::{net::TcpListener, sync::Arc};

use bytes::Bytes;
use futures_util::stream;
use http_body_util::{BodyExt as _, Full, StreamBody, combinators::UnsyncBoxBody};
use hyper::{
    Response,
    body::{Frame, Incoming},
    rt::{Read, Write},
    server::conn::{http1, http2},
    service::service_fn,
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio_rustls::TlsAcceptor;

use crate::{
    Asked, Service,
    message::{Answer, Fault, Reply, Request},
};

type Body = UnsyncBoxBody<Bytes, Broken>;

/// The connection is to break.
type Broken = std::io::Error;

/// Takes connections, for as long as it is waited for.
pub(crate) async fn accept<S: Service>(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    service: &Arc<S>,
    asked: &Arc<Asked>,
) {
    let listener = tokio::net::TcpListener::from_std(listener).unwrap();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let (service, asked, tls) = (Arc::clone(service), Arc::clone(asked), tls.clone());
        tokio::spawn(async move {
            let Some(tls) = tls else { return converse(TokioIo::new(stream), false, service, asked).await };
            if let Ok(stream) = tls.accept(stream).await {
                let is_h2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
                converse(TokioIo::new(stream), is_h2, service, asked).await;
            }
        });
    }
}

async fn converse<S: Service>(
    stream: impl Read + Write + Unpin + Send + 'static,
    is_h2: bool,
    service: Arc<S>,
    asked: Arc<Asked>,
) {
    let serve = service_fn(move |request| serve(Arc::clone(&service), Arc::clone(&asked), request));
    // A client that goes away, and a fault that breaks the connection, end here.
    if is_h2 {
        let _ = http2::Builder::new(TokioExecutor::new()).serve_connection(stream, serve).await;
    } else {
        let _ = http1::Builder::new().serve_connection(stream, serve).await;
    }
}

async fn serve<S: Service>(
    service: Arc<S>,
    asked: Arc<Asked>,
    request: hyper::Request<Incoming>,
) -> Result<Response<Body>, Broken> {
    let mut request = read(request).await?;
    let fault = asked.take(&mut request);
    match &fault {
        Some(Fault::Delay(time)) => tokio::time::sleep(*time).await,
        Some(Fault::Answer(reply)) => return Ok(whole(service.answer_instead(&request, reply.clone()))),
        Some(Fault::Reset) => return Err(Broken::other("the connection breaks")),
        _ => {}
    }
    let (of_effect, asking) = (Arc::clone(&service), request.clone());
    let answer = tokio::task::spawn_blocking(move || of_effect.answer(&asking)).await?;
    let reply = match answer {
        Answer::Whole(reply) => reply,
        Answer::Stream { kind, .. } if matches!(fault, Some(Fault::Silence)) => {
            return Ok(send(silence(kind)));
        }
        Answer::Stream { .. } => return Ok(send(answer)),
    };
    match fault {
        Some(Fault::AnswerAfter(other)) => Ok(whole(service.answer_instead(&request, other))),
        Some(Fault::LoseReply) => Err(Broken::other("the reply is lost")),
        Some(Fault::CutReply) => Ok(send(cut(&reply))),
        Some(Fault::HalfReply) => Ok(whole(Reply { body: half(&reply), ..reply })),
        _ => Ok(whole(reply)),
    }
}

async fn read(request: hyper::Request<Incoming>) -> Result<Request, Broken> {
    let (parts, body) = request.into_parts();
    let headers = parts.headers.iter();
    Ok(Request {
        number: 0,
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: headers
            .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect(),
        body: body.collect().await.map_err(Broken::other)?.to_bytes().to_vec(),
    })
}

fn half(reply: &Reply) -> Vec<u8> {
    reply.body[..reply.body.len() / 2].to_vec()
}

/// The first half of a reply, and the end of the connection once that is on its way.
fn cut(reply: &Reply) -> Answer {
    let (out, answer) = Answer::stream("application/json");
    let half = half(reply);
    tokio::spawn(async move {
        // Who does not read any more needs no end.
        let _ = out.send(Ok(half.into()));
        tokio::task::yield_now().await;
        let _ = out.send(Err(Broken::other("the connection breaks")));
    });
    answer
}

/// A stream without an event and without an end.
fn silence(kind: &'static str) -> Answer {
    let (out, answer) = Answer::stream(kind);
    tokio::spawn(async move { out.closed().await });
    answer
}

fn whole(reply: Reply) -> Response<Body> {
    send(reply.into())
}

fn send(answer: Answer) -> Response<Body> {
    match answer {
        Answer::Whole(reply) => {
            let mut response = Response::builder().status(reply.status);
            for (name, value) in &reply.headers {
                response = response.header(name, value);
            }
            response
                .body(Full::new(reply.body.into()).map_err(|never| match never {}).boxed_unsync())
                .unwrap()
        }
        Answer::Stream { kind, chunks } => {
            let frames = stream::unfold(chunks, |mut chunks| async move {
                let chunk = chunks.recv().await?;
                Some((chunk.map(Frame::data), chunks))
            });
            let response = Response::builder().header("content-type", kind);
            response.body(StreamBody::new(frames).boxed_unsync()).unwrap()
        }
    }
}
