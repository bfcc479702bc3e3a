//! What is sent again, when, and when no more.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use sluice_core::retry::{GiveUp, Jitter, Policy};
use sluice_http::{Error, Phase, Request, Stop, Tried, Url, is_transient};
use tokio::net::TcpListener;

use crate::server::{Server, accept, answer, read_request, serve};
use crate::{client, get};

/// Answers with each of `answers` in turn, and with the last of them for ever.
async fn in_turn(answers: &'static [(&str, &str)]) -> Server {
    let next = AtomicUsize::new(0);
    serve(move |_| {
        let turn = next.fetch_add(1, Ordering::Relaxed).min(answers.len() - 1);
        answer(answers[turn].0, answers[turn].1, "")
    })
    .await
}

fn post(server: &Server) -> Request {
    Request::post(Url::parse(&server.url("/")).unwrap(), "body")
}

/// Three tries, hardly apart, within a minute.
async fn send(request: Request) -> Tried {
    let policy = Policy {
        first: Duration::from_millis(1),
        factor: 1,
        cap: Duration::from_millis(1),
        jitter: Jitter::None,
        attempts: NonZeroU32::new(3),
    };
    let deadline = Instant::now() + Duration::from_mins(1);
    client().send_with_retry(request, &policy, deadline, is_transient).await
}

fn status(tried: &Tried) -> u16 {
    tried.outcome.as_ref().unwrap().status.as_u16()
}

#[tokio::test]
async fn a_server_that_recovers() {
    let server = in_turn(&[("503 Busy", "retry-after: 0\r\n"), ("500 Oops", ""), ("200 OK", "")]).await;
    let tried = send(get(&server.url("/"))).await;
    assert_eq!((status(&tried), tried.tries, tried.stop), (200, 3, Stop::Settled));
}

#[tokio::test]
async fn a_server_that_does_not_recover() {
    let server = in_turn(&[("503 Busy", "")]).await;
    let tried = send(get(&server.url("/"))).await;
    assert_eq!((status(&tried), tried.tries, tried.stop), (503, 3, Stop::GaveUp(GiveUp::Attempts(3))));
    assert_eq!(server.requests().len(), 3);
}

#[tokio::test]
async fn an_answer_that_stands_is_not_asked_for_again() {
    let server = in_turn(&[("404 Not Found", "retry-after: 1\r\n")]).await;
    let tried = send(get(&server.url("/"))).await;
    assert_eq!((status(&tried), tried.tries, tried.stop), (404, 1, Stop::Settled));
}

#[tokio::test]
async fn a_post_that_may_have_had_its_effect_is_not_repeated() {
    let server = in_turn(&[("503 Busy", ""), ("200 OK", "")]).await;
    let tried = send(post(&server)).await;
    assert_eq!((status(&tried), tried.tries, tried.stop), (503, 1, Stop::NotRepeatable));

    let address = accept(|mut stream| async move {
        read_request(&mut stream).await;
    })
    .await;
    let request = Request::post(Url::parse(&format!("http://{address}/")).unwrap(), "");
    let tried = send(request).await;
    assert!(matches!(tried.outcome, Err(Error::Reset { .. })));
    assert_eq!((tried.tries, tried.stop), (1, Stop::NotRepeatable));
}

#[tokio::test]
async fn a_post_that_had_no_effect_is_repeated() {
    let server = in_turn(&[("429 Too Many", "retry-after: 0\r\n"), ("200 OK", "")]).await;
    let tried = send(post(&server)).await;
    assert_eq!((status(&tried), tried.tries), (200, 2));

    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let tried = send(Request::post(Url::parse(&format!("http://{free}/")).unwrap(), "")).await;
    assert!(matches!(tried.outcome, Err(Error::Connect { .. })));
    assert_eq!(tried.tries, 3);
}

#[tokio::test]
async fn a_post_that_is_declared_idempotent_is_repeated() {
    let server = in_turn(&[("503 Busy", ""), ("200 OK", "")]).await;
    let tried = send(post(&server).idempotent(true)).await;
    assert_eq!((status(&tried), tried.tries), (200, 2));
    assert!(server.requests().iter().all(|request| request.ends_with("\r\n\r\nbody")));
}

#[tokio::test]
async fn what_the_server_asks_for_is_told_when_there_is_no_time_for_it() {
    let cases: [(&'static [(&str, &str)], &str); 4] = [
        (&[("429 Too Many", "retry-after: 3600\r\n")], "seconds"),
        (
            &[(
                "503 Busy",
                "date: Sun, 06 Nov 1994 08:49:37 GMT\r\nretry-after: Sun, 06 Nov 1994 09:49:37 GMT\r\n",
            )],
            "a date, by the server's clock",
        ),
        (
            &[(
                "429 Too Many",
                "date: Sun, 06 Nov 1994 08:49:37 GMT\r\nx-ratelimit-remaining: 0\r\nx-ratelimit-reset: 784115377\r\n",
            )],
            "a reset, by the server's clock",
        ),
        (
            &[(
                "429 Too Many",
                "x-ratelimit-remaining: 0\r\nretry-after: 3600\r\nx-ratelimit-reset: 784115377\r\n",
            )],
            "both",
        ),
    ];
    for (answers, case) in cases {
        let server = in_turn(answers).await;
        let tried = send(get(&server.url("/"))).await;
        assert_eq!(tried.tries, 1, "{case}");
        let Stop::GaveUp(GiveUp::Deadline { wait, .. }) = tried.stop else {
            panic!("{case}: {:?}", tried.stop)
        };
        assert_eq!(wait, Duration::from_hours(1), "{case}");
    }
}

#[tokio::test]
async fn a_limit_that_is_not_spent_asks_for_nothing() {
    let headers =
        "date: Sun, 06 Nov 1994 08:49:37 GMT\r\nx-ratelimit-remaining: 9\r\nx-ratelimit-reset: 784115377\r\n";
    let server = serve(move |_| answer("503 Busy", headers, "")).await;
    let tried = send(get(&server.url("/"))).await;
    assert_eq!(tried.stop, Stop::GaveUp(GiveUp::Attempts(3)));
}

#[tokio::test]
async fn no_try_lasts_past_the_deadline() {
    let address =
        accept(|mut stream| async move { while read_request(&mut stream).await.is_some() {} }).await;
    let request = get(&format!("http://{address}/")).timeout(Duration::from_mins(1));
    let deadline = Instant::now() + Duration::from_millis(100);
    let tried = client().send_with_retry(request, &Policy::default(), deadline, is_transient).await;
    let Err(Error::Timeout { phase: Phase::Answer, limit, .. }) = tried.outcome else { panic!("{tried:?}") };
    assert!(limit <= Duration::from_millis(100));
    assert!(matches!(tried.stop, Stop::GaveUp(GiveUp::Deadline { .. })));
}
