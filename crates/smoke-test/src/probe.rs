//! One check, ready to be tried, and what a try shows.

use std::time::Duration;

use sluice_core::{Place, Verdict, escape};
use sluice_http::{Client, Error, Response, StatusCode, Timings, TlsProblem, Url};

use crate::excerpt::{excerpt, quoted, seconds};
use crate::expect::{Expect, Mismatch};
use crate::http::Http;

/// A check, ready to be tried.
#[derive(Clone, Debug)]
pub(crate) struct Probe {
    /// What reports call it.
    pub(crate) name: String,
    /// Where it stands; none for a quick check.
    pub(crate) place: Option<Place>,
    pub(crate) http: Http,
    /// The whole URL.
    pub(crate) url: Url,
    pub(crate) expect: Expect,
    /// How long it may go on failing, from its first try on.
    pub(crate) patience: Duration,
    /// Whether the request may be sent again when the server may have acted on it.
    pub(crate) is_repeatable: bool,
}

/// What one try showed.
#[derive(Clone, Debug)]
pub(crate) struct Attempt {
    /// Passed; failed, when the host answered; undecided, when it could not be reached.
    pub(crate) verdict: Verdict,
    /// Why, in one line.
    pub(crate) reason: String,
    /// What to do.
    pub(crate) help: Option<String>,
    /// The expectations that were not met.
    pub(crate) mismatches: Vec<Mismatch>,
    /// The beginning of the answer, for a person to see.
    pub(crate) answer: Option<String>,
    /// How long the phases took, when an answer came.
    pub(crate) timings: Option<Timings>,
    pub(crate) next: Next,
}

/// What follows a try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Nothing: it passed.
    Done,
    /// Nothing, for this reason.
    Final(&'static str),
    /// Another try while there is patience, after the time that the server asked for.
    Again(Option<Duration>),
}

impl Probe {
    /// Sends the request once and judges the answer.
    pub(crate) async fn attempt(&self, client: &Client) -> Attempt {
        match client.send(self.http.request(self.url.clone())).await {
            Ok(answer) => self.judge(&answer),
            Err(error) => self.explain(&error),
        }
    }

    pub(crate) fn judge(&self, answer: &Response) -> Attempt {
        let mismatches = self.expect.judge(answer);
        let status = answer.status.as_u16();
        let attempt = Attempt {
            verdict: Verdict::Passed,
            reason: format!("{status} in {}", seconds(answer.timings.total)),
            help: None,
            mismatches: Vec::new(),
            answer: None,
            timings: Some(answer.timings),
            next: Next::Done,
        };
        let Some(first) = mismatches.first() else { return attempt };
        let more = match mismatches.len() - 1 {
            0 => String::new(),
            more => format!(", and {more} more"),
        };
        Attempt {
            verdict: Verdict::Failed,
            reason: format!("{}{more}", first.reason),
            help: self.advice(answer),
            next: self.after(answer),
            answer: Some(excerpt(&answer.body, answer.truncated)),
            mismatches,
            ..attempt
        }
    }

    /// What to do about a wrong answer, where that is plain.
    fn advice(&self, answer: &Response) -> Option<String> {
        let location = answer.headers.get("location").filter(|_| answer.status.is_redirection())?;
        let is_wanted = self.http.follow == 0 && self.expect.judge_status(answer).is_some();
        let location = quoted(&escape::bytes(location.as_bytes()));
        is_wanted.then(|| format!("it redirects to {location}: set `follow: 1` to go along"))
    }

    /// A new version may still come up behind any wrong answer but one: that the request itself is wrong.
    fn after(&self, answer: &Response) -> Next {
        const LATER: [StatusCode; 3] =
            [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_EARLY, StatusCode::TOO_MANY_REQUESTS];
        let status = answer.status;
        let is_later = LATER.contains(&status);
        if status.is_client_error() && !is_later && self.expect.judge_status(answer).is_some() {
            return Next::Final("a status of 4xx that is not expected is not tried again");
        }
        if !self.is_repeatable && status != StatusCode::TOO_MANY_REQUESTS {
            return NOT_REPEATABLE;
        }
        Next::Again(answer.asked_wait())
    }

    fn explain(&self, error: &Error) -> Attempt {
        let message = error.to_string();
        // The client's messages say what, then what to do.
        let (reason, help) = match message.split_once("; ") {
            Some((reason, help)) => (reason.to_owned(), Some(help.to_owned())),
            None => (message, None),
        };
        let never_left = error.could_not_reach();
        Attempt {
            verdict: if is_unreachable(error) { Verdict::Undecided } else { Verdict::Failed },
            reason,
            help,
            mismatches: Vec::new(),
            answer: None,
            timings: None,
            next: if never_left || self.is_repeatable { Next::Again(None) } else { NOT_REPEATABLE },
        }
    }
}

const NOT_REPEATABLE: Next =
    Next::Final("a POST or PATCH is not repeated unless the check has a retry-timeout");

/// Whether the way to the host may be to blame.
///
/// A certificate that has expired, or is for another host, is wrong for whoever asks.
fn is_unreachable(error: &Error) -> bool {
    let is_certain =
        matches!(error, Error::Tls { problem: TlsProblem::Expired | TlsProblem::WrongName(_), .. });
    error.could_not_reach() && !is_certain
}

#[cfg(test)]
mod tests {
    use sluice_http::Phase;

    use super::*;
    use crate::plan::tests::plan;

    fn explained(check: &str, error: &Error) -> (Verdict, Next) {
        let probe = plan(&format!("checks: [{check}]"), "https://shop.example.com").probes.remove(0);
        let attempt = probe.explain(error);
        (attempt.verdict, attempt.next)
    }

    fn tls(problem: TlsProblem) -> Error {
        Error::Tls { origin: "https://shop.example.com".to_owned(), problem }
    }

    fn timeout(phase: Phase) -> Error {
        Error::Timeout {
            origin: "https://shop.example.com".to_owned(),
            phase,
            limit: Duration::from_secs(10),
        }
    }

    #[test]
    fn what_may_be_the_network_s_fault_is_undecided() {
        let again = Next::Again(None);
        for error in [tls(TlsProblem::Untrusted), timeout(Phase::Dns), timeout(Phase::Connect)] {
            assert_eq!(explained("{http: /}", &error), (Verdict::Undecided, again), "{error}");
        }
        for error in [
            tls(TlsProblem::Expired),
            tls(TlsProblem::WrongName(vec![])),
            timeout(Phase::Answer),
            timeout(Phase::Body),
        ] {
            assert_eq!(explained("{http: /}", &error), (Verdict::Failed, again), "{error}");
        }
    }

    #[test]
    fn a_post_that_never_left_may_be_sent_again() {
        let post = "{http: {url: /, method: POST}}";
        assert_eq!(explained(post, &timeout(Phase::Connect)).1, Next::Again(None));
        assert_eq!(explained(post, &timeout(Phase::Answer)).1, NOT_REPEATABLE);
    }

    #[test]
    fn a_message_is_split_into_what_and_what_to_do() {
        let probe = plan("checks: [{http: /}]", "https://shop.example.com").probes.remove(0);
        let attempt = probe.explain(&tls(TlsProblem::Expired));
        assert_eq!(
            attempt.reason,
            "no secure connection to https://shop.example.com: its certificate has expired"
        );
        assert_eq!(attempt.help.unwrap(), "renew it");
    }
}
