//! Sending: all channels at once, each with its own tries, all under one deadline.

use std::{
    path::Path,
    pin::Pin,
    task::Poll,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use serde_json::Value;
use sluice_config::FromEnvironment;
use sluice_core::{Problem, Secret, retry::Policy};
use sluice_http::{Client, Error, HeaderValue, Request, Response, StatusCode, Tried, Url, header};

use crate::{
    channels::{Refusal, Taken},
    github::Github,
    outputs::Delivery,
    story::took,
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

/// What became of the messages to one channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) delivery: Delivery,
    /// In one line.
    pub(crate) reason: String,
    /// How many tries it took, and how long.
    pub(crate) effort: Option<String>,
    pub(crate) help: Option<String>,
    pub(crate) place: Option<sluice_core::Place>,
    /// What a later run of the pipeline updates the message by.
    pub(crate) message_id: Option<String>,
    /// Whether the message that was to be updated is there no more.
    pub(crate) is_gone: bool,
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
            })?;
        value.set_sensitive(true);
        Ok(value)
    }

    /// An address that is a secret. White space around it is nobody's intent.
    pub(crate) fn address(&self, from: &FromEnvironment) -> Result<Url, Problem> {
        let secret = (self.secret)(from)?;
        Url::parse(secret.expose().trim()).map_err(|error| {
            Problem::misconfigured(format!("the variable {} holds no address to send to", from.env.value))
                .why(error)
        })
    }
}

/// A webhook knows no repetition, so a message is sent again only when it was surely not shown: the channel
/// was not reached, or said that it could not take it. A connection that broke, and an answer that did not
/// come, leave open whether it was: it is not risked to tell it twice, unless the receiver knows repetitions.
fn is_worth_another_try(
    outcome: &Result<Response, Error>,
    repeat: Repeat,
    judge: impl Fn(&Response) -> Result<Taken, Refusal>,
) -> bool {
    match outcome {
        Ok(answer) if answer.status.is_redirection() => false,
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

impl Outcome {
    /// Judges the last try by the rules that all channels share, then by the channel's own.
    fn of(
        kind: &str,
        last: Tried,
        time: Duration,
        repeat: Repeat,
        judge: impl Fn(&Response) -> Result<Taken, Refusal>,
    ) -> Self {
        let tries = match last.tries {
            1 => "1 try".to_owned(),
            tries => format!("{tries} tries"),
        };
        let effort = format!("{tries}, {}", took(time));
        let outcome = match last.outcome {
            Err(error) if error.could_not_reach() => Self::new(Delivery::Unreachable, error.to_string()),
            Err(error) => {
                let outcome = Self::new(Delivery::Unreachable, error.to_string());
                match repeat {
                    Repeat::NotArrived => {
                        outcome.help("it may have arrived: it was not sent again, so as not to be told twice")
                    }
                    Repeat::Always => outcome.help("it may have arrived"),
                }
            }
            Ok(answer) if can_not_take_it_now(answer.status) => Self::new(
                Delivery::Unreachable,
                format!("it could not take the message now: {}", answer.status),
            ),
            Ok(answer) if answer.status.is_redirection() => Self::new(
                Delivery::Refused,
                format!("it redirects ({}), and the message was not handed on", answer.status),
            )
            .help("set the address to the one that it redirects to"),
            Ok(answer) => match judge(&answer) {
                Ok(Taken { message_id, note }) => {
                    let reason = note.map_or_else(|| format!("delivered to {kind}"), str::to_owned);
                    Self { message_id, ..Self::new(Delivery::Delivered, reason) }
                }
                Err(Refusal { why, help, is_temporary, is_gone }) => {
                    let delivery = if is_temporary { Delivery::Unreachable } else { Delivery::Refused };
                    Self { help, is_gone, ..Self::new(delivery, why) }
                }
            },
        };
        Self { effort: Some(effort), ..outcome }
    }

    /// The outcome of a message that could not be sent.
    pub(crate) fn of_problem(problem: Problem) -> Self {
        let reason = match problem.why {
            Some(why) => format!("{}: {why}", problem.what),
            None => problem.what,
        };
        Self { help: problem.help, place: problem.place, ..Self::new(Delivery::Misconfigured, reason) }
    }

    /// The outcome of a message that was on its way when the run was told to end.
    pub(crate) fn interrupted(why: &Problem) -> Self {
        Self::new(Delivery::Unreachable, why.what.clone()).help("it may have arrived")
    }

    pub(crate) fn new(delivery: Delivery, reason: impl Into<String>) -> Self {
        Self {
            delivery,
            reason: reason.into(),
            effort: None,
            help: None,
            place: None,
            message_id: None,
            is_gone: false,
        }
    }

    pub(crate) fn help(mut self, help: &str) -> Self {
        self.help = Some(help.to_owned());
        self
    }

    /// The outcome of two messages to one channel: the worse one is told, and no id is lost.
    pub(crate) fn and(self, other: Self) -> Self {
        let (mut worse, better) =
            if self.delivery.verdict() >= other.delivery.verdict() { (self, other) } else { (other, self) };
        worse.message_id = worse.message_id.or(better.message_id);
        worse
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::{
        collections::VecDeque,
        num::NonZeroU32,
        sync::{Arc, Mutex},
    };

    use sluice_core::retry::Jitter;
    use sluice_http::{CONNECT_TIMEOUT, Options, Proxies};
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::{TcpListener, TcpStream},
    };

    use super::*;
    use crate::{sections::tests::file, story::tests::failure};

    /// What a server does with one request.
    #[derive(Clone)]
    enum Act {
        /// Answers with a status line, headers and a body.
        Answer(&'static str, &'static str),
        /// Says nothing, and keeps the connection.
        Hang,
        /// Closes the connection without an answer.
        Close,
        /// Begins an answer, and never ends it.
        Slow,
        /// Answers `ok` once the other server was asked.
        Await(Arc<tokio::sync::Notify>),
    }

    /// A server on a free port of this machine. It acts as told, the last act again and again.
    struct Server {
        address: String,
        asked: Arc<tokio::sync::Notify>,
        requests: Arc<Mutex<Vec<String>>>,
    }

    impl Server {
        async fn start(acts: impl Into<VecDeque<Act>>) -> Self {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let server = Self {
                address: format!("http://{}/services/SECRET", listener.local_addr().unwrap()),
                asked: Arc::default(),
                requests: Arc::default(),
            };
            let (asked, requests, mut acts) = (server.asked.clone(), server.requests.clone(), acts.into());
            tokio::spawn(async move {
                let mut hanging = Vec::new();
                loop {
                    let (mut stream, _) = listener.accept().await.unwrap();
                    let request = read(&mut stream).await;
                    requests.lock().unwrap().push(request);
                    asked.notify_one();
                    let act = if acts.len() > 1 { acts.pop_front() } else { acts.front().cloned() };
                    match act.unwrap() {
                        Act::Answer(head, body) => answer(stream, head, body).await,
                        Act::Hang => hanging.push(stream),
                        Act::Close => drop(stream),
                        Act::Slow => {
                            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\no").await.unwrap();
                            hanging.push(stream);
                        }
                        Act::Await(other) => {
                            other.notified().await;
                            answer(stream, "200 OK", "ok").await;
                        }
                    }
                }
            });
            server
        }

        fn sends(&self) -> usize {
            self.requests.lock().unwrap().len()
        }
    }

    /// One request: its head, and as much body as it says.
    async fn read(stream: &mut TcpStream) -> String {
        let mut request = String::new();
        loop {
            let mut bytes = [0; 4096];
            let read = stream.read(&mut bytes).await.unwrap();
            request.push_str(std::str::from_utf8(&bytes[..read]).unwrap());
            let Some((head, body)) = request.split_once("\r\n\r\n") else { continue };
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
            if read == 0 || body.len() == length.parse::<usize>().unwrap() {
                return request;
            }
        }
    }

    async fn answer(mut stream: TcpStream, head: &str, body: &str) {
        let length = body.len();
        let text = format!("HTTP/1.1 {head}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}");
        stream.write_all(text.as_bytes()).await.unwrap();
    }

    pub(crate) fn limits() -> Limits {
        let policy = Policy {
            first: Duration::from_millis(1),
            factor: 1,
            cap: Duration::from_millis(1),
            jitter: Jitter::None,
            attempts: NonZeroU32::new(3),
        };
        Limits { one: Duration::from_secs(5), all: Duration::from_secs(20), policy }
    }

    /// What a channel is given in tests.
    pub(crate) fn post<'a>(
        client: &'a Client,
        secret: &'a dyn Fn(&FromEnvironment) -> Result<Secret, Problem>,
        limits: &'a Limits,
    ) -> Post<'a> {
        Post {
            client,
            github: None,
            secret,
            variable: &|_| None,
            ca_file: None,
            now: "2026-01-02T03:04:05Z".parse().unwrap(),
            idempotency_key: "0123".into(),
            message_id: None,
            limits,
            deadline: Instant::now() + limits.all,
        }
    }

    pub(crate) fn client() -> Client {
        Client::new(&Options::default(), &Proxies::none(), CONNECT_TIMEOUT).unwrap()
    }

    /// Sends one message to each address, and tells what became of it.
    async fn send_to(channel: &str, addresses: &[&str], limits: &Limits) -> Vec<Outcome> {
        let file = file("  []\n").unwrap();
        let channel = file.sections.channel(channel).unwrap();
        let messages = channel.render(&failure()).unwrap();
        let client = client();
        let secrets: Vec<_> =
            addresses.iter().map(|address| move |_: &FromEnvironment| Ok(Secret::new(*address))).collect();
        let posts: Vec<Post<'_>> = secrets.iter().map(|secret| post(&client, secret, limits)).collect();
        let sendings = posts.iter().enumerate().map(|(index, post)| {
            let sending = channel.send(&messages, post);
            let sending: Ending<'_> = Box::pin(async move { sending.await.unwrap() });
            (index, sending)
        });
        let mut outcomes = vec![None; addresses.len()];
        at_once(sendings, |index, outcome| outcomes[index] = Some(outcome)).await;
        outcomes.into_iter().map(Option::unwrap).collect()
    }

    async fn slack(acts: impl Into<VecDeque<Act>>) -> (Outcome, usize) {
        let server = Server::start(acts).await;
        let outcome = send_to("deployments", &[&server.address], &limits()).await.remove(0);
        assert!(!format!("{outcome:?}").contains("SECRET"), "{outcome:?}");
        (outcome, server.sends())
    }

    const OK: Act = Act::Answer("200 OK", "ok");

    #[tokio::test]
    async fn a_message_that_was_taken_is_sent_once() {
        let (outcome, sends) = slack([OK]).await;
        assert_eq!((outcome.delivery, sends), (Delivery::Delivered, 1));
        assert_eq!(outcome.reason, "delivered to slack");
    }

    #[tokio::test]
    async fn what_the_channel_could_not_take_is_sent_again() {
        let busy = Act::Answer("429 Too Many Requests\r\nretry-after: 0", "rate_limited");
        let (outcome, sends) =
            slack([busy, Act::Answer("500 Internal Server Error", "rollup_error"), OK]).await;
        assert_eq!((outcome.delivery, sends), (Delivery::Delivered, 3));
        assert!(outcome.effort.unwrap().starts_with("3 tries, "));
    }

    #[tokio::test]
    async fn a_server_that_stays_broken_is_unreachable() {
        let (outcome, sends) = slack([Act::Answer("503 Service Unavailable", "down")]).await;
        assert_eq!((outcome.delivery, sends), (Delivery::Unreachable, 3));
        assert_eq!(outcome.reason, "it could not take the message now: 503 Service Unavailable");
    }

    #[tokio::test]
    async fn a_wait_past_the_deadline_is_not_begun() {
        let (outcome, sends) = slack([Act::Answer("429 Too Many Requests\r\nretry-after: 3600", "")]).await;
        assert_eq!((outcome.delivery, sends), (Delivery::Unreachable, 1));
    }

    #[tokio::test]
    async fn a_refusal_is_final() {
        for (head, body) in
            [("200 OK", "<html>"), ("403 Forbidden", "invalid_token"), ("400 Bad Request", "x")]
        {
            let (outcome, sends) = slack([Act::Answer(head, body), OK]).await;
            assert_eq!((outcome.delivery, sends), (Delivery::Refused, 1), "{head}");
        }
    }

    #[tokio::test]
    async fn a_redirect_is_not_followed() {
        let other = Server::start([OK]).await;
        let head: &'static str = format!("302 Found\r\nlocation: {}", other.address).leak();
        let (outcome, sends) = slack([Act::Answer(head, "")]).await;
        assert_eq!((outcome.delivery, sends, other.sends()), (Delivery::Refused, 1, 0));
        assert_eq!(outcome.reason, "it redirects (302 Found), and the message was not handed on");
    }

    #[tokio::test]
    async fn what_may_have_arrived_is_not_sent_again() {
        let (outcome, sends) = slack([Act::Close, OK]).await;
        assert_eq!((outcome.delivery, sends), (Delivery::Unreachable, 1));
        assert!(outcome.help.unwrap().starts_with("it may have arrived"));

        let server = Server::start([Act::Hang]).await;
        let limits = Limits { one: Duration::from_millis(50), ..limits() };
        let outcome = send_to("deployments", &[&server.address], &limits).await.remove(0);
        assert_eq!((outcome.delivery, server.sends()), (Delivery::Unreachable, 1));
        assert!(outcome.reason.starts_with("no answer from http://127.0.0.1:"), "{}", outcome.reason);
    }

    #[tokio::test]
    async fn what_surely_did_not_arrive_is_sent_again() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        drop(listener);
        let outcome = send_to("deployments", &[&address], &limits()).await.remove(0);
        assert_eq!(outcome.delivery, Delivery::Unreachable);
        assert!(outcome.effort.unwrap().starts_with("3 tries, "));
        assert_eq!(outcome.help, None);
    }

    /// The first server answers only once the second one was asked: one after the other would end in time-outs.
    #[tokio::test]
    async fn a_channel_that_is_slow_holds_no_other() {
        let second = Server::start([OK]).await;
        let first = Server::start([Act::Await(second.asked.clone())]).await;
        let outcomes = send_to("deployments", &[&first.address, &second.address], &limits()).await;
        assert!(outcomes.iter().all(|outcome| outcome.delivery == Delivery::Delivered), "{outcomes:?}");
    }

    #[tokio::test]
    async fn a_receiver_can_check_who_sent_it_and_whether_it_did_before() {
        let server =
            Server::start([Act::Answer("503 Service Unavailable", ""), Act::Answer("204 No Content", "")])
                .await;
        let outcome = send_to("audit", &[&server.address], &limits()).await.remove(0);
        assert_eq!(outcome.delivery, Delivery::Delivered);
        let requests = server.requests.lock().unwrap().clone();
        let [first, second] = requests.as_slice() else { panic!("{requests:?}") };
        assert_eq!(first, second);
        for header in ["content-type: application/json", "x-timestamp: 1767323045", "idempotency-key: 0123"] {
            assert!(first.contains(&format!("{header}\r\n")), "{first}");
        }
        let signature = first.lines().find_map(|line| line.strip_prefix("x-signature-256: sha256=")).unwrap();
        assert_eq!(signature.len(), 64);
    }

    #[tokio::test]
    async fn faults_of_slack_end_as_designed() {
        use Delivery::{Delivered, Refused, Unreachable};
        let retry_at = "429 Too Many Requests\r\ndate: Fri, 02 Jan 2026 03:04:05 GMT\r\nretry-after: ";
        let soon: &'static str = format!("{retry_at}Fri, 02 Jan 2026 03:04:05 GMT").leak();
        let late: &'static str = format!("{retry_at}Fri, 02 Jan 2026 04:04:05 GMT").leak();
        let bot_ok = Act::Answer("200 OK", r#"{"ok":true,"channel":"C1","ts":"1.2"}"#);
        let says =
            |error: &str| Act::Answer("200 OK", format!("{{\"ok\":false,\"error\":\"{error}\"}}").leak());
        let table: Vec<Fault> = vec![
            ("bot", "taken", vec![bot_ok.clone()], Delivered, 1),
            ("bot", "429, a date that has come", vec![Act::Answer(soon, ""), bot_ok.clone()], Delivered, 2),
            (
                "bot",
                "429, a date past the deadline",
                vec![Act::Answer(late, ""), bot_ok.clone()],
                Unreachable,
                1,
            ),
            ("bot", "200, ok: false", vec![says("channel_not_found"), bot_ok.clone()], Refused, 1),
            ("bot", "200, ok: false, for now", vec![says("ratelimited"), bot_ok.clone()], Delivered, 2),
            ("bot", "200, ok: false, for good", vec![says("ratelimited")], Unreachable, 3),
            ("bot", "200, a page", vec![Act::Answer("200 OK", "<html>")], Refused, 1),
            ("bot", "redirect", vec![Act::Answer("307 X\r\nlocation: /x", ""), bot_ok.clone()], Refused, 1),
            ("bot", "reset", vec![Act::Close, bot_ok.clone()], Unreachable, 1),
            ("bot", "hang", vec![Act::Hang], Unreachable, 1),
            ("bot", "slow body", vec![Act::Slow], Unreachable, 1),
        ];
        hold(table).await;
    }

    #[tokio::test]
    async fn faults_of_other_channels_end_as_designed() {
        use Delivery::{Delivered, Refused};
        let accepted = Act::Answer("202 Accepted", r#"{"status":"success","dedup_key":"x"}"#);
        let table: Vec<Fault> = vec![
            ("teams", "accepted", vec![Act::Answer("202 Accepted", "")], Delivered, 1),
            (
                "teams",
                "200, but failed",
                vec![Act::Answer("200 OK", "Webhook message delivery failed with error: x")],
                Refused,
                1,
            ),
            ("teams", "gone", vec![Act::Answer("404 Not Found", "")], Refused, 1),
            ("pagerduty", "accepted", vec![accepted.clone()], Delivered, 1),
            ("pagerduty", "200 is no 202", vec![Act::Answer("200 OK", "")], Refused, 1),
            (
                "pagerduty",
                "500",
                vec![Act::Answer("500 Internal Server Error", ""), accepted.clone()],
                Delivered,
                2,
            ),
            (
                "pagerduty",
                "400",
                vec![Act::Answer("400 Bad Request", r#"{"errors":["bad"]}"#), accepted.clone()],
                Refused,
                1,
            ),
            // The key of the incident is the same in every try: nobody is paged twice.
            ("pagerduty", "reset", vec![Act::Close, accepted.clone()], Delivered, 2),
            ("pagerduty", "slow body", vec![Act::Slow, accepted], Delivered, 2),
            ("datadog", "taken", vec![Act::Answer("202 Accepted", r#"{"status":"ok"}"#)], Delivered, 1),
            (
                "datadog",
                "no key",
                vec![Act::Answer("403 Forbidden", r#"{"errors":["Forbidden"]}"#)],
                Refused,
                1,
            ),
            (
                "grafana",
                "taken",
                vec![Act::Answer("200 OK", r#"{"id":1,"message":"Annotation added"}"#)],
                Delivered,
                1,
            ),
            ("grafana", "200, a page", vec![Act::Answer("200 OK", "<html>")], Refused, 1),
            ("discord", "taken", vec![Act::Answer("200 OK", r#"{"id":"1"}"#)], Delivered, 1),
            (
                "discord",
                "gone",
                vec![Act::Answer("404 Not Found", r#"{"message":"Unknown Webhook"}"#)],
                Refused,
                1,
            ),
            ("sns", "taken", vec![Act::Answer("200 OK", "<MessageId>1</MessageId>")], Delivered, 1),
            (
                "sns",
                "throttled",
                vec![
                    Act::Answer("400 Bad Request", r#"{"__type":"ThrottlingException"}"#),
                    Act::Answer("200 OK", "<MessageId>1</MessageId>"),
                ],
                Delivered,
                2,
            ),
            (
                "eventbridge",
                "taken",
                vec![Act::Answer("200 OK", r#"{"FailedEntryCount":0,"Entries":[{"EventId":"1"}]}"#)],
                Delivered,
                1,
            ),
            (
                "eventbridge",
                "200, but failed",
                vec![Act::Answer(
                    "200 OK",
                    r#"{"FailedEntryCount":1,"Entries":[{"ErrorCode":"InternalFailure"}]}"#,
                )],
                Refused,
                1,
            ),
        ];
        hold(table).await;
    }

    /// The channel, what is wrong, what the server does, what becomes of the message, and how often it is sent.
    type Fault = (&'static str, &'static str, Vec<Act>, Delivery, usize);

    async fn hold(table: Vec<Fault>) {
        let limits = Limits { one: Duration::from_millis(300), ..limits() };
        for (channel, fault, acts, delivery, sends) in table {
            let server = Server::start(acts).await;
            let outcome = tell(channel, &server.address, None, &limits).await;
            assert_eq!(
                (outcome.delivery, server.sends()),
                (delivery, sends),
                "{channel}, {fault}: {outcome:?}"
            );
            assert!(!format!("{outcome:?}").contains("SECRET"), "{outcome:?}");
        }
    }

    #[tokio::test]
    async fn no_answer_to_tls_is_told() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("https://{}/", listener.local_addr().unwrap());
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
            }
        });
        let outcome = tell("teams", &address, None, &limits()).await;
        assert_eq!(outcome.delivery, Delivery::Unreachable);
        assert!(outcome.effort.unwrap().starts_with("1 try, "));
        assert!(outcome.reason.contains("TLS"), "{}", outcome.reason);
    }

    /// The address is the channel's, or its API's where the configuration would have it.
    async fn tell(channel: &str, address: &str, message_id: Option<&str>, limits: &Limits) -> Outcome {
        let mut file = crate::channels::limits::all();
        let url: sluice_config::Placed<String> = serde_json::from_value(address.into()).unwrap();
        match file.sections.channels.get_mut(channel).unwrap() {
            sluice_config::Channel::Slack(slack) => slack.url = Some(url),
            sluice_config::Channel::PagerDuty(pagerduty) => pagerduty.url = Some(url),
            sluice_config::Channel::Datadog(datadog) => datadog.url = Some(url),
            sluice_config::Channel::Grafana(grafana) => grafana.url = url,
            _ => {}
        }
        let client = client();
        let secret = |_: &FromEnvironment| Ok(Secret::new(address));
        let variable = |name: &str| match name {
            "AWS_ENDPOINT_URL" => Some(address.to_owned()),
            "AWS_REGION" => Some("eu-west-1".to_owned()),
            "AWS_ACCESS_KEY_ID" | "AWS_SECRET_ACCESS_KEY" => Some("SECRET".to_owned()),
            _ => None,
        };
        let post = Post { variable: &variable, message_id, ..post(&client, &secret, limits) };
        let channel = file.sections.channel(channel).unwrap();
        let messages = channel.render(&failure()).unwrap();
        channel.send(&messages, &post).await.unwrap()
    }

    #[tokio::test]
    async fn a_bot_updates_its_message_and_says_so_in_the_thread() {
        let ok = Act::Answer("200 OK", r#"{"ok":true,"channel":"C1","ts":"9.9"}"#);
        let server = Server::start([ok.clone()]).await;
        let outcome = tell("bot", &server.address, Some("C1/1.2"), &limits()).await;
        assert_eq!(outcome.message_id.as_deref(), Some("C1/1.2"));
        let requests = server.requests.lock().unwrap().clone();
        let [update, reply] = requests.as_slice() else { panic!("{requests:?}") };
        assert!(update.starts_with("POST /services/SECRET/chat.update "), "{update}");
        assert!(
            update.contains(r#""channel":"C1","ts":"1.2""#) && update.contains("authorization: Bearer "),
            "{update}"
        );
        assert!(reply.starts_with("POST /services/SECRET/chat.postMessage "), "{reply}");
        assert!(
            reply.contains(r#""reply_broadcast":true"#) && reply.contains(r#""thread_ts":"1.2""#),
            "{reply}"
        );

        let gone = Act::Answer("200 OK", r#"{"ok":false,"error":"message_not_found"}"#);
        let server = Server::start([gone, ok]).await;
        let outcome = tell("bot", &server.address, Some("C1/1.2"), &limits()).await;
        assert_eq!((outcome.message_id.as_deref(), server.sends()), (Some("C1/9.9"), 2));
    }
}
