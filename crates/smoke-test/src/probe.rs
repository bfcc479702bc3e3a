//! One check, ready to be tried, and what a try shows.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use sluice_core::{Place, Problem, Verdict, escape};
use sluice_http::{Response, StatusCode, Timings};

use crate::checks::Template;
use crate::excerpt::{excerpt, quoted, seconds};
use crate::expect::{Expect, Expectation, Mismatch, Statuses};
use crate::http::looks_secret;
use crate::kind::{Answer, Kind, Seen};
use crate::network::Network;
use crate::plan::Settings;
use crate::samples::Samples;
use crate::secrets::Secrets;
use crate::source::{Capture, Source};
use crate::trouble::{Reach, Trouble};

/// A check, ready to be tried.
#[derive(Clone, Debug)]
pub(crate) struct Probe {
    /// What reports call it.
    pub(crate) name: String,
    /// Where it stands; none for a quick check.
    pub(crate) place: Option<Place>,
    pub(crate) kind: Kind,
    pub(crate) expectation: Expectation,
    pub(crate) version: Option<Version>,
    pub(crate) samples: Option<Samples>,
    /// What is kept of its answer, by name.
    pub(crate) captures: Vec<(String, Capture)>,
    /// Statuses after which it is tried again all the same.
    pub(crate) retry_on: Option<Statuses>,
    /// How long it may go on failing, from its first try on.
    pub(crate) patience: Duration,
    /// Whether the request may be sent again when the server may have acted on it.
    pub(crate) is_repeatable: bool,
    /// The checks that must have passed before, by position.
    pub(crate) needs: Vec<usize>,
    /// The file that it stands in, by number: captures are known within one file.
    pub(crate) file: usize,
    /// How it is made once the captures that it uses are known; none when it is whole already.
    pub(crate) template: Option<(Template, Arc<Settings>)>,
}

/// The version that must answer.
#[derive(Clone, Debug)]
pub(crate) struct Version {
    pub(crate) source: Source,
    pub(crate) wanted: String,
    /// How many answers in a row must tell it.
    pub(crate) consecutive: u32,
    pub(crate) place: sluice_yaml::Place,
}

/// What one try showed.
#[derive(Clone, Debug)]
pub(crate) struct Attempt {
    /// Passed; failed, when the host is wrong; undecided, when the way to it may be to blame.
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
    /// How far it came.
    pub(crate) reach: Reach,
    /// The version that answered.
    pub(crate) version: Option<String>,
    /// What was kept of the answer.
    pub(crate) captured: Vec<(String, String)>,
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
    /// The check with what was captured before filled in.
    pub(crate) fn with<'a>(
        &self,
        captured: impl Iterator<Item = (&'a String, &'a String)>,
    ) -> Result<Self, Problem> {
        let Some((template, settings)) = &self.template else { return Ok(self.clone()) };
        let file = self.place.as_ref().map_or("", |place| &place.file);
        let filled = settings.probe(template.read(captured, file)?, file)?;
        let (name, needs, patience) = (self.name.clone(), self.needs.clone(), self.patience);
        Ok(Self { name, needs, patience, file: self.file, ..filled })
    }

    /// Remembers what must not be seen of it.
    pub(crate) fn learn_secrets(&self, secrets: &Secrets) {
        let http = match &self.kind {
            Kind::Http(http, _) => Some(http.as_ref()),
            Kind::Websocket(websocket, _) => Some(&websocket.http),
            _ => None,
        };
        if let Some(auth) = http.and_then(|http| http.auth.as_ref()) {
            secrets.add(&auth.credentials(), "AUTHORIZATION");
        }
    }

    /// Asks once and judges what comes back.
    pub(crate) async fn attempt(&self, network: &Network, secrets: &Secrets) -> Attempt {
        let attempt = match (self.kind.ask(network).await, &self.expectation) {
            (Ok(answer), Expectation::Unreachable) => self.reachable(&answer),
            (Ok(Answer::Http(answer)), Expectation::Answer(expect)) => {
                let mut attempt = self.judge(expect, &answer, network.now);
                self.capture(&mut attempt, &answer, secrets);
                attempt
            }
            (Ok(Answer::Other(seen)), Expectation::Answer(expect)) => {
                self.judge_seen(expect, *seen, network.now)
            }
            (Err(trouble), Expectation::Unreachable) => self.unreachable(trouble),
            (Err(trouble), Expectation::Answer(_)) => self.explain(trouble),
        };
        attempt.without(secrets)
    }

    /// Judges an answer over HTTP.
    pub(crate) fn judge(&self, expect: &Expect, answer: &Response, now: Timestamp) -> Attempt {
        let mut mismatches = expect.judge(answer, now);
        let mut version = None;
        if let Some(wanted) = self.version.as_ref().filter(|_| mismatches.is_empty()) {
            match wanted.source.find(answer) {
                Ok(found) => {
                    mismatches.extend((found != wanted.wanted).then(|| wanted.mismatch(&found)));
                    version = Some(found);
                }
                Err(why) => mismatches.push(wanted.missing(why)),
            }
        }
        let status = answer.status.as_u16();
        let passed = format!("{status} in {}", seconds(answer.timings.total));
        let attempt = Attempt { timings: Some(answer.timings), version, ..Attempt::passed(passed) };
        if mismatches.is_empty() {
            return attempt;
        }
        Attempt {
            help: self.advice(expect, answer),
            next: self.after(expect, answer),
            answer: Some(excerpt(&answer.body, answer.truncated)),
            ..attempt.failed(mismatches)
        }
    }

    /// Judges what was seen of a server that does not speak HTTP.
    fn judge_seen(&self, expect: &Expect, seen: Seen, now: Timestamp) -> Attempt {
        let mismatches = expect.judge_seen(&seen, now);
        // That a name server answers says nothing of the way to hosts.
        let reach = if matches!(self.kind, Kind::Dns(_)) { Reach::Silent } else { Reach::Reached };
        let attempt = Attempt { timings: Some(seen.timings), reach, ..Attempt::passed(seen.what) };
        if mismatches.is_empty() { attempt } else { attempt.failed(mismatches) }
    }

    /// Keeps values of an answer that passed.
    fn capture(&self, attempt: &mut Attempt, answer: &Response, secrets: &Secrets) {
        if attempt.verdict != Verdict::Passed {
            return;
        }
        for (name, Capture { source, secret }) in &self.captures {
            match source.find(answer) {
                Ok(value) => {
                    if secret.unwrap_or_else(|| looks_secret(name)) {
                        secrets.add(&value, name);
                    }
                    attempt.captured.push((name.clone(), value));
                }
                Err(why) => {
                    attempt.verdict = Verdict::Failed;
                    attempt.reason = format!("could not capture {name}: {why}");
                    attempt.answer = Some(excerpt(&answer.body, answer.truncated));
                    attempt.next = if self.is_repeatable { Next::Again(None) } else { NOT_REPEATABLE };
                    return;
                }
            }
        }
    }

    /// What to do about a wrong answer, where that is plain.
    fn advice(&self, expect: &Expect, answer: &Response) -> Option<String> {
        let (http, _) = self.kind.http()?;
        let location = answer.headers.get("location").filter(|_| answer.status.is_redirection())?;
        let is_wanted = http.follow == 0 && expect.judge_status(answer).is_some();
        let location = quoted(&escape::bytes(location.as_bytes()));
        is_wanted.then(|| format!("it redirects to {location}: set `follow: 1` to go along"))
    }

    /// A new version may still come up behind any wrong answer but one: that the request itself is wrong.
    fn after(&self, expect: &Expect, answer: &Response) -> Next {
        const LATER: [StatusCode; 3] =
            [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_EARLY, StatusCode::TOO_MANY_REQUESTS];
        let status = answer.status;
        let is_asked_for = self.retry_on.as_ref().is_some_and(|statuses| statuses.judge(status).is_none());
        let is_later = LATER.contains(&status) || is_asked_for;
        if status.is_client_error() && !is_later && expect.judge_status(answer).is_some() {
            return Next::Final("a status of 4xx that is not expected is not tried again");
        }
        if !self.is_repeatable && status != StatusCode::TOO_MANY_REQUESTS {
            return NOT_REPEATABLE;
        }
        Next::Again(answer.asked_wait())
    }

    fn explain(&self, trouble: Trouble) -> Attempt {
        let Trouble { reach, verdict, reason, help, is_final, never_left } = trouble;
        let next = match is_final {
            Some(why) => Next::Final(why),
            None if never_left || self.is_repeatable => Next::Again(None),
            None => NOT_REPEATABLE,
        };
        Attempt { verdict, help, reach, next, ..Attempt::passed(reason) }
    }

    /// No connection was wanted, and none came about.
    ///
    /// That a host has no name here says nothing about the way to it; that it let the connection in says all.
    fn unreachable(&self, trouble: Trouble) -> Attempt {
        let is_dns = matches!(self.kind, Kind::Dns(_));
        match trouble.reach {
            Reach::Refused | Reach::Silent => {
                let passed = Attempt::passed(format!("unreachable, as expected: {}", trouble.reason));
                Attempt { reach: trouble.reach, ..passed }
            }
            Reach::Unknown => Attempt {
                verdict: Verdict::Undecided,
                reach: trouble.reach,
                help: Some(if is_dns {
                    "is a name server reachable from here?".to_owned()
                } else {
                    "without its address nothing is known of the way to it: give the address itself"
                        .to_owned()
                }),
                next: Next::Again(None),
                ..Attempt::passed(trouble.reason)
            },
            Reach::Reached => self.let_in(trouble.reason),
        }
    }

    fn reachable(&self, answer: &Answer) -> Attempt {
        let what = match answer {
            Answer::Http(answer) => format!("it answered with status {}", answer.status.as_u16()),
            Answer::Other(seen) => seen.what.clone(),
        };
        self.let_in(what)
    }

    fn let_in(&self, what: String) -> Attempt {
        Attempt {
            verdict: Verdict::Failed,
            mismatches: vec![Mismatch {
                reason: String::new(),
                expected: "no connection".to_owned(),
                actual: what,
                place: None,
            }],
            help: Some("close the way: network policy, security group, or what listens there".to_owned()),
            next: if self.is_repeatable { Next::Again(None) } else { NOT_REPEATABLE },
            ..Attempt::passed("it can be reached, and must not be")
        }
    }
}

impl Version {
    fn mismatch(&self, found: &str) -> Mismatch {
        Mismatch {
            reason: format!("version {} answered", quoted(found)),
            expected: format!("version {}", quoted(&self.wanted)),
            actual: format!("version {}", quoted(found)),
            place: Some(self.place),
        }
    }

    fn missing(&self, why: String) -> Mismatch {
        Mismatch {
            reason: format!("the answer tells no version: {why}"),
            expected: format!("version {}", quoted(&self.wanted)),
            actual: why,
            place: Some(self.place),
        }
    }
}

impl Attempt {
    /// A try that shows what was wanted.
    pub(crate) fn passed(reason: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Passed,
            reason: reason.into(),
            help: None,
            mismatches: Vec::new(),
            answer: None,
            timings: None,
            reach: Reach::Reached,
            version: None,
            captured: Vec::new(),
            next: Next::Done,
        }
    }

    /// The same try, but with an answer that is not as expected.
    pub(crate) fn failed(self, mismatches: Vec<Mismatch>) -> Self {
        let more = match mismatches.len().saturating_sub(1) {
            0 => String::new(),
            more => format!(", and {more} more"),
        };
        let first = mismatches.first().map_or("", |first| &first.reason);
        let reason = format!("{first}{more}");
        Self { verdict: Verdict::Failed, reason, mismatches, next: Next::Again(None), ..self }
    }

    /// The same without the secrets that a stranger's answer, or our own words, may hold.
    fn without(mut self, secrets: &Secrets) -> Self {
        let strike = |text: &mut String| *text = secrets.strike(text);
        strike(&mut self.reason);
        self.help.iter_mut().chain(&mut self.answer).chain(&mut self.version).for_each(strike);
        for mismatch in &mut self.mismatches {
            for text in [&mut mismatch.reason, &mut mismatch.expected, &mut mismatch.actual] {
                strike(text);
            }
        }
        self
    }
}

const NOT_REPEATABLE: Next =
    Next::Final("a POST or PATCH is not repeated unless the check has a retry-timeout");

#[cfg(test)]
mod tests {
    use sluice_http::{Error, Phase};

    use super::*;
    use crate::plan::tests::plan;

    fn probe(check: &str) -> Probe {
        (*plan(&format!("checks: [{check}]"), "https://shop.example.com").probes.remove(0)).clone()
    }

    fn timeout(phase: Phase) -> Trouble {
        let origin = "https://shop.example.com".to_owned();
        Error::Timeout { origin, phase, limit: Duration::from_secs(10) }.into()
    }

    #[test]
    fn a_post_that_never_left_may_be_sent_again() {
        let post = probe("{http: {url: /, method: POST}}");
        assert_eq!(post.explain(timeout(Phase::Connect)).next, Next::Again(None));
        assert_eq!(post.explain(timeout(Phase::Answer)).next, NOT_REPEATABLE);
    }

    #[test]
    fn a_status_that_is_asked_for_is_tried_again() {
        let answer = crate::server::answer(404, &[], b"");
        let next = |check: &str| {
            let probe = probe(check);
            let Expectation::Answer(expect) = &probe.expectation else { panic!("an answer is expected") };
            probe.judge(expect, &answer, Timestamp::UNIX_EPOCH).next
        };
        assert!(matches!(next("{http: /}"), Next::Final(_)));
        assert_eq!(next("{http: /, retry-on: [404, 403]}"), Next::Again(None));
        assert!(matches!(next("{http: /, retry-on: 403}"), Next::Final(_)));
    }

    #[test]
    fn what_must_not_be_reached_passes_when_nothing_lets_us_in() {
        let probe = probe("{tcp: 'db.example.com:5432', expect: unreachable}");
        let verdict = |reach| probe.unreachable(Trouble { reach, ..Trouble::failed("why") }).verdict;
        assert_eq!(verdict(Reach::Refused), Verdict::Passed);
        assert_eq!(verdict(Reach::Silent), Verdict::Passed);
        assert_eq!(verdict(Reach::Unknown), Verdict::Undecided);
        assert_eq!(verdict(Reach::Reached), Verdict::Failed);
    }
}
