//! Channels against a server that fails in every way.

mod server;

use std::{collections::VecDeque, num::NonZeroU32};

use sluice_core::retry::Jitter;
use sluice_http::{CONNECT_TIMEOUT, Options, Proxies};
use tokio::{io::AsyncWriteExt as _, net::TcpListener};

use self::server::{Act, Server};
use super::*;
use crate::{outputs::Delivery, sections::tests::file, story::tests::failure};

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
        place: &|_| Place::file("sluice.yml"),
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
    let (outcome, sends) = slack([busy, Act::Answer("500 Internal Server Error", "rollup_error"), OK]).await;
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
    for (head, body) in [("200 OK", "<html>"), ("403 Forbidden", "invalid_token"), ("400 Bad Request", "x")] {
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
    let limits = Limits { one: Duration::from_secs(2), ..limits() };
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
        Server::start([Act::Answer("503 Service Unavailable", ""), Act::Answer("204 No Content", "")]).await;
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
    let says = |error: &str| Act::Answer("200 OK", format!("{{\"ok\":false,\"error\":\"{error}\"}}").leak());
    let table: Vec<Fault> = vec![
        ("bot", "taken", vec![bot_ok.clone()], Delivered, 1),
        ("bot", "429, a date that has come", vec![Act::Answer(soon, ""), bot_ok.clone()], Delivered, 2),
        ("bot", "429, a date past the deadline", vec![Act::Answer(late, ""), bot_ok.clone()], Unreachable, 1),
        ("bot", "200, ok: false", vec![says("channel_not_found"), bot_ok.clone()], Refused, 1),
        ("bot", "200, ok: false, for now", vec![says("ratelimited"), bot_ok.clone()], Delivered, 2),
        ("bot", "200, ok: false, for good", vec![says("ratelimited")], Unreachable, 3),
        ("bot", "200, a page", vec![Act::Answer("200 OK", "<html>")], Refused, 1),
        ("bot", "redirect", vec![Act::Answer("307 X\r\nlocation: /x", ""), bot_ok.clone()], Refused, 1),
        ("bot", "reset", vec![Act::Close, bot_ok.clone()], Unreachable, 1),
        ("bot", "hang", vec![Act::Hang], Unreachable, 1),
        ("bot", "504", vec![Act::Answer("504 Gateway Timeout", ""), bot_ok.clone()], Unreachable, 1),
        ("bot", "502", vec![Act::Answer("502 Bad Gateway", ""), bot_ok.clone()], Unreachable, 1),
        ("bot", "500", vec![Act::Answer("500 Internal Server Error", ""), bot_ok.clone()], Delivered, 2),
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
        ("pagerduty", "504", vec![Act::Answer("504 Gateway Timeout", ""), accepted.clone()], Delivered, 2),
        // The key of the incident is the same in every try: nobody is paged twice.
        ("pagerduty", "reset", vec![Act::Close, accepted.clone()], Delivered, 2),
        ("pagerduty", "slow body", vec![Act::Slow, accepted], Delivered, 2),
        ("datadog", "taken", vec![Act::Answer("202 Accepted", r#"{"status":"ok"}"#)], Delivered, 1),
        ("datadog", "no key", vec![Act::Answer("403 Forbidden", r#"{"errors":["Forbidden"]}"#)], Refused, 1),
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
    // Long enough for a machine that is busy to ask at all.
    let limits = Limits { one: Duration::from_secs(1), ..limits() };
    for (channel, fault, acts, delivery, sends) in table {
        let server = Server::start(acts).await;
        let outcome = tell(channel, &server.address, None, &limits).await;
        assert_eq!((outcome.delivery, server.sends()), (delivery, sends), "{channel}, {fault}: {outcome:?}");
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
    let mut file = channels::tests::all();
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
    assert!(reply.contains(r#""reply_broadcast":true"#) && reply.contains(r#""thread_ts":"1.2""#), "{reply}");

    let gone = Act::Answer("200 OK", r#"{"ok":false,"error":"message_not_found"}"#);
    let server = Server::start([gone, ok]).await;
    let outcome = tell("bot", &server.address, Some("C1/1.2"), &limits()).await;
    assert_eq!((outcome.message_id.as_deref(), server.sends()), (Some("C1/9.9"), 2));
}

#[test]
fn a_secret_that_can_not_be_used_is_told_with_its_place_and_without_what_it_holds() {
    let from: FromEnvironment = serde_json::from_value(serde_json::json!({"env": "SLACK"})).unwrap();
    let (client, limits) = (client(), limits());
    let with = |secret: &'static str| {
        let secret = move |_: &FromEnvironment| Ok(Secret::new(secret));
        let post = post(&client, &secret, &limits);
        (post.address(&from).map(|url| url.reveal()), post.header(&from, "Bearer ").map(drop))
    };
    assert_eq!(with("https://hooks.example.com/T0\r\n").0.unwrap(), "https://hooks.example.com/T0");
    assert!(with("http://127.0.0.1:8080/T0").0.is_ok() && with("xoxb-1\n").1.is_ok());
    let problems = [
        with("http://hooks.example.com/sEcReT").0.unwrap_err(),
        with("hooks.example.com/sEcReT").0.unwrap_err(),
        with("sEcReT\nxoxb-2").1.unwrap_err(),
    ];
    for problem in problems {
        assert_eq!(problem.place.as_ref().unwrap().to_string(), "sluice.yml");
        assert!(problem.why.is_some() && problem.help.is_some(), "{problem:?}");
        assert!(problem.what.contains("SLACK") && !format!("{problem:?}").contains("sEcReT"), "{problem:?}");
    }
}
