//! What is answered: which way in a request takes, and what each reply has.

use std::sync::Arc;

use sluice_faulty_server::{Answer, Reply, Request, Service};

use crate::{Shared, grants, graphql, record::record, rest, smart_http, world::http_date};

impl Service for Shared {
    fn answer(self: &Arc<Self>, request: &Request) -> Answer {
        self.reply(request).into()
    }

    fn answer_instead(&self, request: &Request, reply: Reply) -> Reply {
        record(request, None);
        self.complete(reply)
    }
}

impl Shared {
    /// Lets a request take effect, and records what is answered.
    fn reply(&self, request: &Request) -> Reply {
        let only = self.world().grants_only;
        if let Some(refusal) = grants::refusal(request, only) {
            record(request, None);
            return self.complete(refusal);
        }
        let answered = match request.path.strip_prefix("/api/v3") {
            Some(path) => Some(rest::answer(&mut self.world(), path, request)),
            None if request.path == "/api/graphql" => Some(graphql::answer(&mut self.world(), request)),
            None => None,
        };
        if let Some(reply) = answered {
            let reply = self.complete(reply);
            record(request, Some(&reply));
            return unless_known(request, reply);
        }
        // Git is waited for, and others are not to wait for it.
        let found = smart_http::find(&self.world(), request);
        match found {
            Ok(fetch) => smart_http::answer(&fetch, request),
            Err(reply) => reply,
        }
    }

    /// Adds the headers that each reply of the API has.
    fn complete(&self, reply: Reply) -> Reply {
        let date = http_date(self.world().now());
        let has = |name: &str| reply.headers.iter().any(|(header, _)| header == name);
        let limits = if has("x-ratelimit-remaining") {
            vec![]
        } else {
            vec![("x-ratelimit-limit", "5000"), ("x-ratelimit-remaining", "4999")]
        };
        let more = [("date", date.as_str()), ("x-github-request-id", "0000:1111:222222:333333:44444444")];
        more.into_iter().chain(limits).fold(reply, |reply, (name, value)| reply.header(name, value))
    }
}

/// Leaves out what the client has already, as it says by a tag: <https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api#use-conditional-requests-if-appropriate>.
fn unless_known(request: &Request, reply: Reply) -> Reply {
    if request.method != "GET" || reply.status != 200 {
        return reply;
    }
    let hash =
        reply.body.iter().fold(7_u64, |hash, byte| hash.wrapping_mul(31).wrapping_add(u64::from(*byte)));
    let tag = format!("W/\"{hash:x}\"");
    if request.header("if-none-match") == Some(&tag) {
        return Reply { status: 304, body: Vec::new(), ..reply };
    }
    reply.header("etag", &tag)
}
