//! Exchanges, kept for judgement by GitHub's own description of its API.

use serde_json::{Value, json};
use sluice_faulty_server::{Exchanges, Reply, Request};

/// Records one exchange. A reply that a fault made is no word of this stand-in: then only the request is.
pub(crate) fn record(request: &Request, reply: Option<&Reply>) {
    let Some(exchanges) = Exchanges::at("SLUICE_GITHUB_EXCHANGES") else { return };
    exchanges.keep(&json!({
        "request": {
            "method": request.method,
            "path": request.path,
            "query": request.query,
            "headers": headers(&request.headers),
            "body": text(&request.body),
        },
        "reply": reply.map(|reply| json!({
            "status": reply.status,
            "headers": headers(&reply.headers),
            "body": text(&reply.body),
        })),
    }));
}

fn headers(headers: &[(String, String)]) -> Value {
    let told = headers.iter().filter(|(name, _)| name != "authorization");
    told.map(|(name, value)| (name.clone(), Value::from(value.as_str())))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

/// A body, as far as it is text.
fn text(body: &[u8]) -> Option<&str> {
    std::str::from_utf8(body).ok()
}
