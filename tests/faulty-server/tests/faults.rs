//! What a client sees of each fault, and what takes effect of it.

#![expect(clippy::unwrap_used, reason = "a part of tests")]

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use sluice_faulty_server::{Answer, Fault, Reply, Request, Server, Service};

/// Counts what takes effect.
#[derive(Default)]
struct Counter(AtomicUsize);

impl Service for Counter {
    fn answer(self: &Arc<Self>, _: &Request) -> Answer {
        self.0.fetch_add(1, Ordering::SeqCst);
        Reply::text(200, "all of it!").into()
    }

    fn answer_instead(&self, _: &Request, reply: Reply) -> Reply {
        reply.header("x-service", "counter")
    }
}

/// What comes back, and how often it took effect.
fn seen(fault: Option<Fault>) -> (String, usize) {
    let server = Server::start(Counter::default());
    server.faults(move |_| fault.clone());
    let mut stream = TcpStream::connect(server.address().trim_start_matches("http://")).unwrap();
    stream
        .write_all(
            b"POST /a?watch=1 HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\nconnection: close\r\n\r\nbody",
        )
        .unwrap();
    let mut said = String::new();
    // A broken connection may be told as an error: what came before it counts.
    let _ = stream.read_to_string(&mut said);
    let requests = server.requests();
    assert_eq!((requests.len(), requests[0].body.as_slice()), (1, b"body".as_slice()));
    assert!(requests[0].is_set("watch") && !requests[0].is_read());
    (said, server.service().0.load(Ordering::SeqCst))
}

#[test]
fn without_a_fault_the_service_answers() {
    let (said, effects) = seen(None);
    assert!(said.starts_with("HTTP/1.1 200") && said.ends_with("\r\n\r\nall of it!"), "{said}");
    assert_eq!(effects, 1);
}

#[test]
fn another_answer_comes_with_or_without_effect() {
    let no = Reply::text(503, "no");
    for (fault, expected) in [(Fault::Answer(no.clone()), 0), (Fault::AnswerAfter(no), 1)] {
        let (said, effects) = seen(Some(fault));
        assert!(said.starts_with("HTTP/1.1 503") && said.ends_with("\r\n\r\nno"), "{said}");
        assert!(said.contains("x-service: counter"), "{said}");
        assert_eq!(effects, expected);
    }
}

#[test]
fn a_connection_breaks_with_or_without_effect() {
    for (fault, expected) in [(Fault::Reset, 0), (Fault::LoseReply, 1)] {
        assert_eq!(seen(Some(fault)), (String::new(), expected));
    }
}

#[test]
fn half_a_reply_is_told_from_a_cut_one_by_its_end() {
    let (half, effects) = seen(Some(Fault::HalfReply));
    assert!(half.contains("content-length: 5") && half.ends_with("\r\n\r\nall o"), "{half}");
    assert_eq!(effects, 1);
    let (cut, effects) = seen(Some(Fault::CutReply));
    // The chunk that would end it is missing.
    assert!(cut.contains("transfer-encoding: chunked") && cut.ends_with("\r\n5\r\nall o\r\n"), "{cut}");
    assert_eq!(effects, 1);
}

#[test]
fn a_delayed_request_takes_effect() {
    let (said, effects) = seen(Some(Fault::Delay(Duration::from_millis(1))));
    assert!(said.ends_with("all of it!"), "{said}");
    assert_eq!(effects, 1);
}
