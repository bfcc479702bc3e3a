//! One request, with its tries.

use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{HeaderMap, Method, Request, StatusCode, header};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use kube::{client::Body, core::Status};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::de::DeserializeOwned;
use serde_json::Value;
use sluice_core::retry::{Decision, Jitter, Policy, retry_after};
use sluice_http::jitter;
use tokio::time::{Instant, sleep, timeout};

use crate::{
    Error, Kind,
    transport::{Lost, Transport},
};

/// What a name may hold in a path as it is.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b':');
/// How long a body may take. The bodies of watches and of logs that are followed take what they take.
const BODY_TIMEOUT: Duration = Duration::from_mins(1);
/// The largest body that is read unless less is asked for, in bytes.
pub(crate) const BODY_LIMIT: usize = 256 << 20;
const BACKOFF: Policy = Policy {
    first: Duration::from_millis(400),
    factor: 2,
    cap: Duration::from_secs(10),
    jitter: Jitter::Full,
    attempts: None,
};

/// A request.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    method: Method,
    verb: &'static str,
    path: String,
    query: Vec<(&'static str, String)>,
    content_type: &'static str,
    accept: Option<&'static str>,
    body: Bytes,
    kind: Option<Kind>,
    namespace: Option<String>,
    name: Option<String>,
    subresource: Option<&'static str>,
    /// Whether a conflict is only that of others writing at the same moment.
    conflict_passes: bool,
    patience: Option<Duration>,
    body_limit: usize,
}

impl Call {
    /// Of a path.
    pub(crate) fn get(path: impl Into<String>) -> Self {
        Self {
            method: Method::GET,
            verb: "get",
            path: path.into(),
            query: Vec::new(),
            content_type: "application/json",
            accept: None,
            body: Bytes::new(),
            kind: None,
            namespace: None,
            name: None,
            subresource: None,
            conflict_passes: false,
            patience: None,
            body_limit: BODY_LIMIT,
        }
    }

    /// Of the objects of a kind.
    pub(crate) fn of(method: Method, verb: &'static str, kind: &Kind, namespace: &str) -> Self {
        Self {
            method,
            verb,
            kind: Some(kind.clone()),
            namespace: kind.is_namespaced.then(|| namespace.to_owned()),
            ..Self::get(kind.path(&escaped(namespace)))
        }
    }

    /// Of one object.
    pub(crate) fn named(mut self, name: &str) -> Self {
        self.path = format!("{}/{}", self.path, escaped(name));
        self.name = Some(name.to_owned());
        self
    }

    pub(crate) fn subresource(mut self, name: &'static str) -> Self {
        self.path = format!("{}/{name}", self.path);
        self.subresource = Some(name);
        self
    }

    pub(crate) fn with(mut self, parameter: &'static str, value: impl Into<String>) -> Self {
        self.query.push((parameter, value.into()));
        self
    }

    pub(crate) fn body(mut self, content_type: &'static str, body: Vec<u8>) -> Self {
        self.content_type = content_type;
        self.body = body.into();
        self
    }

    pub(crate) const fn accept(mut self, accept: &'static str) -> Self {
        self.accept = Some(accept);
        self
    }

    pub(crate) const fn repeat_on_conflict(mut self) -> Self {
        self.conflict_passes = true;
        self
    }

    /// For what is not worth the whole patience.
    pub(crate) const fn patience(mut self, patience: Duration) -> Self {
        self.patience = Some(patience);
        self
    }

    /// The largest answer that is read, in bytes; a larger one is [`Error::TooLarge`].
    pub(crate) const fn body_limit(mut self, bytes: usize) -> Self {
        self.body_limit = bytes;
        self
    }

    /// What it is about, for messages: `deployments.apps "web" in namespace "shop"`.
    pub(crate) fn what(&self) -> String {
        let Some(kind) = &self.kind else { return self.path.clone() };
        let name = self.name.as_ref().map_or(String::new(), |name| format!(" {name:?}"));
        let namespace =
            self.namespace.as_ref().map_or(String::new(), |name| format!(" in namespace {name:?}"));
        format!("{kind}{name}{namespace}")
    }

    pub(crate) const fn verb(&self) -> &str {
        self.verb
    }

    pub(crate) const fn kind(&self) -> Option<&Kind> {
        self.kind.as_ref()
    }

    /// As a Role writes it: `deployments.apps`, `pods/log`.
    pub(crate) fn resource(&self) -> String {
        let kind = self.kind.as_ref().map_or_else(|| self.path.clone(), ToString::to_string);
        self.subresource.map_or_else(|| kind.clone(), |subresource| format!("{kind}/{subresource}"))
    }

    pub(crate) fn request(&self) -> Result<Request<Body>, Error> {
        let (parts, body) = self.raw_request()?.into_parts();
        Ok(Request::from_parts(parts, Body::from(body)))
    }

    /// As kube's client takes it.
    pub(crate) fn raw_request(&self) -> Result<Request<Vec<u8>>, Error> {
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.query).finish();
        let separator = if query.is_empty() { "" } else { "?" };
        let mut request = Request::builder()
            .method(self.method.clone())
            .uri(format!("{}{separator}{query}", self.path))
            .header(header::ACCEPT, self.accept.unwrap_or("application/json"));
        if !self.body.is_empty() {
            request = request.header(header::CONTENT_TYPE, self.content_type);
        }
        request
            .body(self.body.to_vec())
            .map_err(|error| Error::could_not_tell(format!("{}: {error}", self.what())))
    }
}

fn escaped(segment: &str) -> String {
    utf8_percent_encode(segment, SEGMENT).to_string()
}

/// The API of one cluster, as requests see it. Clones share everything.
#[derive(Clone)]
pub(crate) struct Api {
    pub(crate) client: kube::Client,
    pub(crate) transport: Transport,
    pub(crate) patience: Duration,
}

/// A try without an answer.
pub(crate) struct Failed {
    pub(crate) error: Error,
    /// Whether it may be gone a little later.
    pub(crate) may_pass: bool,
    /// Whether the request surely changed nothing.
    had_no_effect: bool,
    /// How long the server asks to be left alone.
    pub(crate) asked: Option<Duration>,
}

impl Failed {
    fn for_good(error: Error) -> Self {
        Self { error, may_pass: false, had_no_effect: true, asked: None }
    }

    /// What may be gone later, and changed nothing.
    pub(crate) fn passing(error: Error) -> Self {
        Self { may_pass: true, ..Self::for_good(error) }
    }

    fn of_http(error: &sluice_http::Error) -> Self {
        Self {
            may_pass: error.is_retryable(),
            had_no_effect: error.could_not_reach(),
            error: Error::of_http(error),
            asked: None,
        }
    }

    fn of_status(call: &Call, code: StatusCode, headers: &HeaderMap, body: &[u8]) -> Self {
        let status: Option<Status> = serde_json::from_slice(body)
            .ok()
            .filter(|status: &Status| !status.reason.is_empty() || !status.message.is_empty());
        let asked_by_status = status
            .as_ref()
            .and_then(|status| status.details.as_ref())
            .map(|details| details.retry_after_seconds)
            .filter(|seconds| *seconds > 0);
        let asked =
            headers.get(header::RETRY_AFTER).and_then(|value| retry_after(value.to_str().ok()?, None));
        let error = Error::of_status(call, code, status, body);
        let is_busy = code == StatusCode::TOO_MANY_REQUESTS;
        let is_race =
            call.conflict_passes && matches!(&error, Error::Conflict { fields, .. } if fields.is_empty());
        // A refusal stays one, whatever its code.
        let is_trouble = matches!(code.as_u16(), 408 | 500 | 502 | 503 | 504)
            && !(code.is_server_error() && matches!(&error, Error::Rejected { .. }));
        Self {
            may_pass: is_busy || is_race || is_trouble,
            had_no_effect: is_busy || is_race,
            asked: asked.or_else(|| asked_by_status.map(|seconds| Duration::from_secs(seconds.into()))),
            error,
        }
    }

    /// What kube's client makes of our transport's errors, and of a body that breaks.
    pub(crate) fn of_kube(api: &Api, call: &Call, error: kube::Error) -> Self {
        match error {
            kube::Error::Api(status) => {
                let code = StatusCode::from_u16(status.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
                let body = serde_json::to_vec(&status).unwrap_or_default();
                Self::of_status(call, code, &HeaderMap::new(), &body)
            }
            kube::Error::Service(error) => match error.downcast::<Lost>() {
                Ok(lost) => match *lost {
                    Lost::Http(error) => Self::of_http(&error),
                    Lost::Credential(error) => Self::for_good(error),
                },
                Err(error) => Self::of_body(api, &*error),
            },
            other => Self::of_body(api, &other),
        }
    }

    fn of_body(api: &Api, error: &(dyn std::error::Error + 'static)) -> Self {
        Self::of_http(&sluice_http::Error::of_body(api.transport.server(), error))
    }
}

impl Api {
    /// Reads something: what may pass is tried again.
    pub(crate) async fn read<T: DeserializeOwned>(&self, call: &Call) -> Result<T, Error> {
        decode(call, &self.read_bytes(call).await?)
    }

    /// Reads bytes.
    pub(crate) async fn read_bytes(&self, call: &Call) -> Result<Bytes, Error> {
        let answer: Answered = self.settle(call, &in_no_doubt).await?;
        match answer {
            Answered::Now(body) => Ok(body),
            Answered::Before(value) => Ok(value.to_string().into()),
        }
    }

    /// Writes something. Where the answer to a try was lost, `done` reads whether it took effect: then the object that
    /// it reads is the answer.
    pub(crate) async fn write(&self, call: &Call, done: Check<'_>) -> Result<Value, Error> {
        match self.settle(call, done).await? {
            Answered::Now(body) => decode(call, &body),
            Answered::Before(object) => Ok(object),
        }
    }

    async fn settle(&self, call: &Call, done: Check<'_>) -> Result<Answered, Error> {
        let mut waiting = Waiting::new(call.patience.unwrap_or(self.patience));
        let mut is_in_doubt = false;
        loop {
            let failed = match self.once(call).await {
                Ok(body) => return Ok(Answered::Now(body)),
                Err(failed) => failed,
            };
            is_in_doubt |= !failed.had_no_effect && failed.may_pass;
            let waited = failed.may_pass && waiting.wait(failed.asked).await;
            if is_in_doubt && call.method != Method::GET {
                // Also when the repetition is refused: it may be our own earlier try that it meets.
                if let Some(object) = done().await? {
                    return Ok(Answered::Before(object));
                }
            }
            if !waited {
                return Err(failed.error);
            }
        }
    }

    async fn once(&self, call: &Call) -> Result<Bytes, Failed> {
        let request = call.request().map_err(Failed::for_good)?;
        let answer = self.client.send(request).await.map_err(|error| Failed::of_kube(self, call, error))?;
        let (head, body) = answer.into_parts();
        let body = match timeout(BODY_TIMEOUT, whole(Limited::new(body, call.body_limit))).await {
            Ok(Ok(body)) => body,
            Ok(Err(error)) if error.is::<LengthLimitError>() => {
                return Err(Failed::for_good(Error::TooLarge { what: call.what(), limit: call.body_limit }));
            }
            Ok(Err(error)) => return Err(Failed::of_body(self, &*error)),
            Err(_) => {
                return Err(Failed::of_http(&sluice_http::Error::Timeout {
                    origin: self.transport.server().origin(),
                    phase: sluice_http::Phase::Body,
                    limit: BODY_TIMEOUT,
                }));
            }
        };
        if head.status.is_success() {
            return Ok(body);
        }
        Err(Failed::of_status(call, head.status, &head.headers, &body))
    }
}

/// A body in one piece: a page of a list has megabytes, and is never there twice.
async fn whole(mut body: Limited<Body>) -> Result<Bytes, Box<dyn std::error::Error + Send + Sync>> {
    let mut whole = Vec::new();
    while let Some(frame) = body.frame().await {
        whole.extend_from_slice(frame?.data_ref().map_or(&[], |data| &data[..]));
    }
    Ok(whole.into())
}

/// Reads whether a write took effect: the object if it did.
pub(crate) type Check<'a> = &'a (dyn Fn() -> BoxFuture<'a, Result<Option<Value>, Error>> + Sync);

/// For what may be repeated without a look: the same again changes nothing.
pub(crate) fn in_no_doubt<'a>() -> BoxFuture<'a, Result<Option<Value>, Error>> {
    Box::pin(async { Ok(None) })
}

enum Answered {
    /// By this answer.
    Now(Bytes),
    /// By an earlier try, whose answer was lost.
    Before(Value),
}

/// The waits between tries.
pub(crate) struct Waiting {
    since: Instant,
    patience: Duration,
    tries: u32,
}

impl Waiting {
    pub(crate) fn new(patience: Duration) -> Self {
        Self { since: Instant::now(), patience, tries: 0 }
    }

    /// Waits until the next try is due; `false` when none is.
    pub(crate) async fn wait(&mut self, asked: Option<Duration>) -> bool {
        self.tries += 1;
        let left = self.patience.saturating_sub(self.since.elapsed());
        match BACKOFF.decide(self.tries, jitter(), asked, left) {
            Decision::Wait(wait) => {
                sleep(wait).await;
                true
            }
            Decision::GiveUp(_) => false,
        }
    }
}

pub(crate) fn decode<T: DeserializeOwned>(call: &Call, body: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(body).map_err(|error| Error::unreadable(call.what(), error))
}
