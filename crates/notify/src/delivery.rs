//! Sending: all channels at once, each with its own tries, all under one deadline.

mod outcome;

use std::{
    path::Path,
    pin::Pin,
    task::Poll,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use serde_json::Value;
use sluice_config::FromEnvironment;
use sluice_core::{Place, Problem, Secret, retry::Policy};
use sluice_http::{Client, Error, HeaderValue, Request, Response, StatusCode, Url, header};

pub(crate) use self::outcome::Outcome;
use crate::{
    channels::{self, Refusal, Taken},
    github::Github,
};

/// How long sending may take.
#[derive(Clone, Debug)]
pub(crate) struct Limits {
    /// One try.
    pub(crate) one: Duration,
    /// All tries of all channels. Slack asks for half a minute or a minute when it is asked too often.
    pub(crate) all: Duration,
    pub(crate) policy: Policy,
}

impl Default for Limits {
    fn default() -> Self {
        Self { one: sluice_http::REQUEST_TIMEOUT, all: Duration::from_secs(90), policy: Policy::default() }
    }
}

/// What a channel is given to send with.
pub(crate) struct Post<'a> {
    pub(crate) client: &'a Client,
    /// GitHub; nothing without a token.
    pub(crate) github: Option<&'a Github>,
    /// Finds the secret that the configuration names.
    pub(crate) secret: &'a dyn Fn(&FromEnvironment) -> Result<Secret, Problem>,
    /// Tells where the configuration names it.
    pub(crate) place: &'a dyn Fn(&FromEnvironment) -> Place,
    /// Finds what the environment says of AWS. Its secrets are masked.
    pub(crate) variable: &'a dyn Fn(&str) -> Option<String>,
    /// Trusted besides Mozilla's roots.
    pub(crate) ca_file: Option<&'a Path>,
    /// The time, now.
    pub(crate) now: Timestamp,
    /// The same for the same message, so that a receiver can tell a repetition.
    pub(crate) idempotency_key: String,
    /// The message of this channel that a run before posted, and that is to be updated.
    pub(crate) message_id: Option<&'a str>,
    pub(crate) limits: &'a Limits,
    /// When all sending ends.
    pub(crate) deadline: Instant,
}

/// Whether a request may be sent again although it may have arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// The receiver knows no repetition: what may have been shown is not risked to be told twice.
    NotArrived,
    /// The receiver does the same thing once, however often it is asked.
    Always,
}

/// A sending that ends in an outcome, whatever happens.
pub(crate) type Ending<'a> = Pin<Box<dyn Future<Output = Outcome> + 'a>>;

/// Does all at once, and tells of each as soon as it has ended: one that hangs holds no other.
pub(crate) async fn at_once<'a>(
    sendings: impl IntoIterator<Item = (usize, Ending<'a>)>,
    mut ended: impl FnMut(usize, Outcome),
) {
    let mut sendings: Vec<_> = sendings.into_iter().collect();
    std::future::poll_fn(|task| {
        sendings.retain_mut(|(index, sending)| match sending.as_mut().poll(task) {
            Poll::Ready(outcome) => {
                ended(*index, outcome);
                false
            }
            Poll::Pending => true,
        });
        if sendings.is_empty() { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

impl Post<'_> {
    /// Sends a request, again where that is right and worth it, and has the channel judge the last answer.
    ///
    /// `judge` tells that the channel took the message, or what it has against it. It is not asked about redirects,
    /// 429 and 5xx: they mean the same everywhere.
    pub(crate) async fn request(
        &self,
        kind: &str,
        request: Request,
        repeat: Repeat,
        judge: impl Fn(&Response) -> Result<Taken, Refusal>,
    ) -> Outcome {
        let began = Instant::now();
        // What is sent again, and when, is said by `is_worth_another_try`.
        let request = request.timeout(self.limits.one).idempotent(true);
        let again = |outcome: &Result<Response, Error>| is_worth_another_try(outcome, repeat, &judge);
        let tried = self.client.send_with_retry(request, &self.limits.policy, self.deadline, again).await;
        Outcome::of(kind, tried, began.elapsed(), repeat, judge)
    }

    /// Sends JSON with these headers.
    pub(crate) fn json(url: Url, body: &Value) -> Request {
        Request::post(url, body.to_string())
            .header(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))
    }

    /// A secret that is to stand in a header, as `Bearer` does before a token.
    pub(crate) fn header(&self, from: &FromEnvironment, before: &str) -> Result<HeaderValue, Problem> {
        let secret = (self.secret)(from)?;
        let mut value =
            HeaderValue::from_str(&format!("{before}{}", secret.expose().trim())).map_err(|_| {
                Problem::misconfigured(format!("the variable {} holds what no header can", from.env.value))
                    .why("a line ends inside of it, or a character is not of ASCII")
                    .help("update the secret: it is one line, as the service shows it")
                    .at((self.place)(from))
            })?;
        value.set_sensitive(true);
        Ok(value)
    }

    /// An address that is a secret. White space around it is nobody's intent.
    pub(crate) fn address(&self, from: &FromEnvironment) -> Result<Url, Problem> {
        let secret = (self.secret)(from)?;
        let unusable = || {
            Problem::misconfigured(format!("the variable {} holds no address to send to", from.env.value))
                .help("update the secret: it is a whole address, `https://...`, as the service shows it")
                .at((self.place)(from))
        };
        let url = Url::parse(secret.expose().trim()).map_err(|error| unusable().why(error))?;
        if channels::keeps_secrets(&url) {
            return Ok(url);
        }
        Err(unusable().why("it is not encrypted: whoever is on the way could read it, and send as we do"))
    }
}

/// A webhook knows no repetition, so a message is sent again only when it was surely not shown: the channel
/// was not reached, or said that it could not take it. A connection that broke, and an answer that did not
/// come, be it to us or to a gateway, leave open whether it was: it is not risked to tell it twice, unless the
/// receiver knows repetitions.
fn is_worth_another_try(
    outcome: &Result<Response, Error>,
    repeat: Repeat,
    judge: impl Fn(&Response) -> Result<Taken, Refusal>,
) -> bool {
    match outcome {
        Ok(answer) if answer.status.is_redirection() => false,
        Ok(answer) if is_of_a_gateway(answer.status) => repeat == Repeat::Always,
        Ok(answer) => {
            can_not_take_it_now(answer.status) || judge(answer).is_err_and(|refusal| refusal.is_temporary)
        }
        Err(error) if repeat == Repeat::Always => error.is_retryable(),
        // A certificate that is not trusted will not be a moment later.
        Err(error) => error.could_not_reach() && error.is_retryable(),
    }
}

fn can_not_take_it_now(status: StatusCode) -> bool {
    status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error()
}

/// Whether it is the word of a gateway that got no answer, or none that it understood.
///
/// <https://www.rfc-editor.org/rfc/rfc9110#name-502-bad-gateway>
fn is_of_a_gateway(status: StatusCode) -> bool {
    matches!(status, StatusCode::BAD_GATEWAY | StatusCode::GATEWAY_TIMEOUT)
}

#[cfg(test)]
pub(crate) mod tests;
