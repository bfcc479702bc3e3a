//! Sending again, under a policy, until an answer stands or the deadline comes.

use std::time::Duration;

use http::StatusCode;
use sluice_core::retry::{Decision, GiveUp, Policy, http_date, rate_limit_reset, retry_after};
use tokio::time::Instant;

use crate::{Client, Error, Request, Response};

/// The last outcome of a request, and how it came to be the last.
#[derive(Debug)]
pub struct Tried {
    /// The last outcome.
    pub outcome: Result<Response, Error>,
    /// How many times the request was sent.
    pub tries: u32,
    /// Why it was not sent again.
    pub stop: Stop,
}

/// Why a request is not sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// The outcome is one that stands.
    Settled,
    /// The server may have acted on the request, and it is not [`idempotent`](Request::idempotent).
    NotRepeatable,
    /// The policy or the deadline allows no further try.
    GaveUp(GiveUp),
}

/// Whether an outcome may well be another one a little later: errors that are
/// [retryable](Error::is_retryable), and the statuses 408, 429, 500, 502, 503 and 504.
pub fn is_transient(outcome: &Result<Response, Error>) -> bool {
    match outcome {
        Ok(response) => matches!(response.status.as_u16(), 408 | 429 | 500 | 502 | 503 | 504),
        Err(error) => error.is_retryable(),
    }
}

impl Client {
    /// Sends a request until `should_retry` says that its outcome stands, [`is_transient`] being the usual judge.
    ///
    /// A request that is not idempotent is repeated only when it surely had no effect: it never left, or the answer
    /// was 429. Between tries the client waits as `policy` decides, at least as long as the server asks for
    /// (`Retry-After`, `X-RateLimit-Reset`). No try lasts past `deadline`.
    pub async fn send_with_retry(
        &self,
        request: Request,
        policy: &Policy,
        deadline: std::time::Instant,
        mut should_retry: impl FnMut(&Result<Response, Error>) -> bool,
    ) -> Tried {
        let deadline = Instant::from_std(deadline);
        let mut tries = 0;
        loop {
            tries += 1;
            let time_left = deadline.saturating_duration_since(Instant::now());
            let timeout = request.timeout.min(time_left);
            let outcome = self.send(request.clone().timeout(timeout)).await;

            if !should_retry(&outcome) {
                return Tried { outcome, tries, stop: Stop::Settled };
            }
            if !request.idempotent && !had_no_effect(&outcome) {
                return Tried { outcome, tries, stop: Stop::NotRepeatable };
            }
            let asked = outcome.as_ref().ok().and_then(Response::asked_wait);
            let time_left = deadline.saturating_duration_since(Instant::now());
            match policy.decide(tries, jitter(), asked, time_left) {
                Decision::Wait(wait) => tokio::time::sleep(wait).await,
                Decision::GiveUp(reason) => return Tried { outcome, tries, stop: Stop::GaveUp(reason) },
            }
        }
    }
}

fn had_no_effect(outcome: &Result<Response, Error>) -> bool {
    match outcome {
        Ok(response) => response.status == StatusCode::TOO_MANY_REQUESTS,
        Err(error) => error.could_not_reach(),
    }
}

impl Response {
    /// How long the server asks to be left alone, by `Retry-After` or by a rate limit that is used up. Its dates are
    /// held against its own clock.
    pub fn asked_wait(&self) -> Option<Duration> {
        let now = self.header("date").and_then(http_date);
        if let Some(asked) = self.header("retry-after").and_then(|value| retry_after(value, now)) {
            return Some(asked);
        }
        let spent = self.header("x-ratelimit-remaining") == Some("0");
        let reset = self.header("x-ratelimit-reset").filter(|_| spent)?;
        rate_limit_reset(reset, now?)
    }
}

/// A number in `[0, 1)` for [`Policy::decide`]. It needs no secrecy: without a source of randomness the middle will do.
pub fn jitter() -> f64 {
    getrandom::u32().map_or(0.5, |drawn| f64::from(drawn) / (f64::from(u32::MAX) + 1.0))
}
