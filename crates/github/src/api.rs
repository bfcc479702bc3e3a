//! The client: sends a call, and sends it again until an answer stands.

use std::{
    collections::HashMap,
    num::NonZeroU32,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use serde::de::DeserializeOwned;
use sluice_core::{
    Secret,
    retry::{Decision, Policy},
};
use sluice_http::{
    BodyLimit, Client, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Url,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, DATE, ETAG, IF_NONE_MATCH},
};

use crate::{
    Endpoints, Error, Kind, Trace,
    call::Call,
    reply::{Fault, judge},
};

/// How long one call may take with all its tries, unless the [`Api`] says otherwise. A secondary limit asks for a
/// minute.
pub const PATIENCE: Duration = Duration::from_mins(3);

/// How long one try may take. GitHub itself ends a request after 10 s; large replies take their time to arrive.
const ONE_TRY: Duration = Duration::from_mins(1);
/// A repository that was renamed redirects those who read.
const REDIRECTS: usize = 3;
/// <https://docs.github.com/en/rest/about-the-rest-api/api-versions>
const API_VERSION: HeaderName = HeaderName::from_static("x-github-api-version");
const VERSION: &str = "2022-11-28";

/// The GitHub API, spoken to with one token or none.
#[derive(Clone, Debug)]
pub struct Api {
    client: Client,
    endpoints: Endpoints,
    token: Option<Secret>,
    patience: Duration,
    policy: Policy,
    at_most_once: bool,
    memory: Option<Memory>,
    trace: Trace,
}

/// The replies that a call may be answered with again, by the path and the form that was asked for.
type Memory = Arc<Mutex<HashMap<(String, &'static str), (HeaderValue, Response)>>>;

impl Api {
    /// Speaks to GitHub at these addresses. Without a token only public repositories answer, and rarely.
    pub fn new(client: Client, endpoints: Endpoints, token: Option<Secret>) -> Self {
        let policy = Policy { attempts: NonZeroU32::new(8), ..Policy::default() };
        let (memory, trace) = (None, Trace::default());
        Self { client, endpoints, token, patience: PATIENCE, policy, at_most_once: false, memory, trace }
    }

    /// Sets how a call is repeated, and how long it may take with all its tries.
    #[must_use]
    pub fn retry(self, policy: Policy, patience: Duration) -> Self {
        Self { patience, policy, ..self }
    }

    /// Sends a call a second time only when the first one certainly had no effect, as where a limit was met. Whether one
    /// whose reply was lost had its effect is the caller's to find out ([`Error::is_open`]).
    #[must_use]
    pub fn at_most_once(self) -> Self {
        Self { at_most_once: true, ..self }
    }

    /// Remembers what was read, and asks GitHub only whether it changed: that does not count against the limit.
    ///
    /// <https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api#use-conditional-requests-if-appropriate>
    #[must_use]
    pub fn remembering(self) -> Self {
        Self { memory: Some(Memory::default()), ..self }
    }

    /// The same client with a trace of its own: what is asked through it stands there.
    pub fn traced(&self) -> (Self, Trace) {
        let trace = Trace::default();
        (Self { trace: trace.clone(), ..self.clone() }, trace)
    }

    /// Sends a call and reads its answer.
    pub(crate) async fn json<T: DeserializeOwned>(&self, call: Call) -> Result<T, Error> {
        self.ask(call, read_json).await.map(|(answer, _)| answer)
    }

    /// Sends a call and gives back the reply as it came.
    pub(crate) async fn raw(&self, call: Call) -> Result<Response, Error> {
        self.ask(call, |_| Ok(())).await.map(|((), reply)| reply)
    }

    /// Sends a call until GitHub answers and `read` understands the answer.
    pub(crate) async fn ask<T>(
        &self,
        call: Call,
        read: impl Fn(&Response) -> Result<T, Fault>,
    ) -> Result<(T, Response), Error> {
        let Call { doing, permission, method, path, accept, body, reply_limit } = call;
        let url = if path.is_empty() {
            Ok(self.endpoints.graphql.clone())
        } else {
            Url::parse(&format!("{}{path}", self.endpoints.rest))
        };
        let key = (path, accept);
        let remembered = self.remembered(&key, &method);
        let answer = async {
            let mut request = Request::new(method.clone(), url?)
                .header(ACCEPT, HeaderValue::from_static(accept))
                .header(API_VERSION, HeaderValue::from_static(VERSION))
                .body_limit(BodyLimit::Fail(reply_limit));
            if method == Method::GET {
                request = request.redirects(REDIRECTS);
            }
            if let Some(token) = &self.token {
                request = request.header(AUTHORIZATION, bearer(token)?);
            }
            if let Some((tag, _)) = &remembered {
                request = request.header(IF_NONE_MATCH, tag.clone());
            }
            if let Some(body) = body {
                request =
                    request.header(CONTENT_TYPE, HeaderValue::from_static("application/json")).body(body);
            }
            let last = remembered.map(|(_, reply)| reply);
            let answered =
                self.send(request, last.as_ref(), |reply| judge(reply).and_then(|()| read(reply))).await?;
            self.remember(key, &method, &answered.1);
            Ok(answered)
        };
        answer.await.map_err(|kind| Error { doing, permission, kind })
    }

    fn remembered(&self, key: &(String, &'static str), method: &Method) -> Option<(HeaderValue, Response)> {
        let memory = self.memory.as_ref().filter(|_| method == Method::GET)?;
        memory.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
    }

    fn remember(&self, key: (String, &'static str), method: &Method, reply: &Response) {
        let (Some(memory), Some(tag)) = (&self.memory, reply.headers.get(ETAG)) else { return };
        if method == Method::GET {
            let mut memory = memory.lock().unwrap_or_else(PoisonError::into_inner);
            memory.insert(key, (tag.clone(), reply.clone()));
        }
    }

    /// The path and query of an address of the REST API.
    pub(crate) fn below_rest<'a>(&self, address: &'a str) -> Option<&'a str> {
        address.strip_prefix(&self.endpoints.rest).filter(|path| path.starts_with('/'))
    }

    /// Sends a request until its reply is an answer, the fault is one that stands, or the patience ends.
    ///
    /// Not [`Client::send_with_retry`], which reads statuses and headers only: GitHub tells of limits and outages in
    /// bodies, too.
    ///
    /// `last` is the reply that "not modified" stands for.
    async fn send<T>(
        &self,
        request: Request,
        last: Option<&Response>,
        judge: impl Fn(&Response) -> Result<T, Fault>,
    ) -> Result<(T, Response), Kind> {
        let deadline = Instant::now() + self.patience;
        let mut tries = 0;
        loop {
            tries += 1;
            let time_left = deadline.saturating_duration_since(Instant::now());
            let fault = match self.client.send(request.clone().timeout(ONE_TRY.min(time_left))).await {
                Ok(reply) => {
                    let reply = unchanged(reply, last);
                    match judge(&reply) {
                        Ok(answer) => {
                            self.trace.add(reply.url.reveal(), &reply);
                            return Ok((answer, reply));
                        }
                        Err(fault) => fault,
                    }
                }
                Err(error) => Fault { is_transient: error.is_retryable(), ..Kind::from(error).into() },
            };
            if !fault.is_transient || self.at_most_once && fault.kind.is_open() {
                return Err(fault.kind);
            }
            let time_left = deadline.saturating_duration_since(Instant::now());
            match self.policy.decide(tries, random(), fault.asked, time_left) {
                Decision::Wait(wait) => tokio::time::sleep(wait).await,
                Decision::GiveUp(_) => return Err(fault.kind),
            }
        }
    }
}

/// What a reply stands for: when nothing changed, the last one, at the time of this one.
fn unchanged(reply: Response, last: Option<&Response>) -> Response {
    let Some(last) = last.filter(|_| reply.status == StatusCode::NOT_MODIFIED) else { return reply };
    let mut again = last.clone();
    if let Some(date) = reply.headers.get(DATE) {
        again.headers.insert(DATE, date.clone());
    }
    again
}

impl From<sluice_http::Error> for Kind {
    fn from(error: sluice_http::Error) -> Self {
        use sluice_http::Error::{BodyTooLarge, HeadersTooLarge, Protocol};
        match error {
            BodyTooLarge { .. } | HeadersTooLarge { .. } | Protocol { .. } => {
                Self::Malformed { why: error.to_string() }
            }
            _ => Self::Unreachable(error),
        }
    }
}

/// Reads an answer in JSON.
pub(crate) fn read_json<T: DeserializeOwned>(reply: &Response) -> Result<T, Fault> {
    serde_json::from_slice(&reply.body).map_err(|error| Kind::Malformed { why: error.to_string() }.into())
}

fn bearer(token: &Secret) -> Result<HeaderValue, Kind> {
    let mut value = HeaderValue::from_str(&format!("Bearer {}", token.expose()))
        .map_err(|_| Kind::Unauthorized { message: "it holds a character that no token has".to_owned() })?;
    value.set_sensitive(true);
    Ok(value)
}

/// A number in `[0, 1)` for the jitter, which needs no secrecy: without a source of randomness the middle will do.
fn random() -> f64 {
    getrandom::u32().map_or(0.5, |drawn| f64::from(drawn) / (f64::from(u32::MAX) + 1.0))
}
