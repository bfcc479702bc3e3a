//! The way that all requests go: kube's client over our HTTP client.

use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::{
    Request, Response, StatusCode, Uri,
    header::{AUTHORIZATION, WARNING},
};
use jiff::Timestamp;
use kube::client::Body;
use sluice_core::retry::http_date;
use sluice_http::{Client, Incoming, Url};
use tokio::time::Instant;
use tower_service::Service;

use crate::{Error, credential::Credential};

/// How long the head of an answer may take. A list of a large namespace takes the API server seconds.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);

/// How many warnings are kept.
const MOST_WARNINGS: usize = 20;

/// Sends the requests of kube's client to the cluster, and says who asks.
#[derive(Clone)]
pub(crate) struct Transport {
    client: Client,
    server: Url,
    credential: Credential,
    time: Arc<Mutex<(Timestamp, Instant)>>,
    warnings: Arc<Mutex<Vec<String>>>,
}

/// What did not come back from a request.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Lost {
    /// The network's fault.
    #[error(transparent)]
    Http(#[from] sluice_http::Error),
    /// There was nothing to show to the cluster.
    #[error(transparent)]
    Credential(#[from] Error),
}

impl Transport {
    /// `now` is the time until the server has told its own.
    pub(crate) fn new(client: Client, server: Url, credential: Credential, now: Timestamp) -> Self {
        let time = Arc::new(Mutex::new((now, Instant::now())));
        Self { client, server, credential, time, warnings: Arc::default() }
    }

    /// The address of the API server.
    pub(crate) const fn server(&self) -> &Url {
        &self.server
    }

    /// The time by the clock of the API server, as its last answer told it.
    pub(crate) fn server_time(&self) -> Timestamp {
        let (told, at) = *self.time.lock().unwrap_or_else(PoisonError::into_inner);
        told.saturating_add(at.elapsed()).unwrap_or(told)
    }

    /// What the API server has warned of so far, each once.
    pub(crate) fn warnings(&self) -> Vec<String> {
        self.warnings.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note_warnings(&self, answer: &Response<Incoming>) {
        let mut known = self.warnings.lock().unwrap_or_else(PoisonError::into_inner);
        for told in answer.headers().get_all(WARNING).iter().filter_map(|value| warning(value.to_str().ok()?))
        {
            if known.len() < MOST_WARNINGS && !known.contains(&told) {
                known.push(told);
            }
        }
    }

    async fn send(self, request: Request<Body>) -> Result<Response<Incoming>, Lost> {
        let (mut parts, body) = request.into_parts();
        parts.uri = self.address(&parts.uri)?;
        // It is at hand: nothing that we send is streamed.
        let body = body.collect_bytes().await.map_err(|error| sluice_http::Error::Protocol {
            origin: self.server.origin(),
            why: error.to_string(),
        })?;
        let answer = self.try_once(parts.clone(), body.clone()).await?;
        if answer.status() == StatusCode::UNAUTHORIZED && self.credential.renew().await {
            return self.try_once(parts, body).await;
        }
        Ok(answer)
    }

    async fn try_once(
        &self,
        mut parts: http::request::Parts,
        body: Bytes,
    ) -> Result<Response<Incoming>, Lost> {
        if let Some(who) = self.credential.header().await? {
            parts.headers.insert(AUTHORIZATION, who);
        }
        let answer = self.client.stream(Request::from_parts(parts, body), HEAD_TIMEOUT).await?;
        self.note_warnings(&answer);
        let date = answer.headers().get("date").and_then(|date| http_date(date.to_str().ok()?));
        if let Some(date) = date {
            *self.time.lock().unwrap_or_else(PoisonError::into_inner) = (date, Instant::now());
        }
        Ok(answer)
    }

    /// The whole address of a path: the server may be behind a path of its own.
    fn address(&self, path: &Uri) -> Result<Uri, sluice_http::Error> {
        let path = path.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
        let server = self.server.reveal();
        format!("{}{path}", server.trim_end_matches('/'))
            .parse()
            .map_err(|error: http::uri::InvalidUri| sluice_http::Error::InvalidUrl { why: error.to_string() })
    }
}

impl Service<Request<Body>> for Transport {
    type Response = Response<Incoming>;
    type Error = Lost;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Incoming>, Lost>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Lost>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        Box::pin(self.clone().send(request))
    }
}

/// The text of a warning (`299 - "text"`): a deprecated API, a policy that would refuse the pods.
/// <https://kubernetes.io/blog/2020/09/03/warnings/>
fn warning(header: &str) -> Option<String> {
    let (_, quoted) = header.split_once('"')?;
    let (text, _) = quoted.rsplit_once('"')?;
    Some(text.replace("\\\"", "\"").replace("\\\\", "\\"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_warning_is_what_stands_between_its_quotes() {
        assert_eq!(
            warning(r#"299 - "would violate PodSecurity \"restricted:latest\"""#).unwrap(),
            r#"would violate PodSecurity "restricted:latest""#
        );
        assert_eq!(warning("299 - none"), None);
    }
}
