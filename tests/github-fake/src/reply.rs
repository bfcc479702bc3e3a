//! Replies, as GitHub words them.

use serde_json::{Value, json};
use sluice_faulty_server::{Reply, Request};

/// Replies of GitHub, for faults too: `Reply::error(403, "no")`.
pub trait GitHubReply {
    /// An error.
    fn error(status: u16, message: &str) -> Self;

    /// An error of the load balancers, which speak HTML.
    fn server_error(status: u16) -> Self;

    /// The primary rate limit, used up. `reset` is in seconds since 1970.
    ///
    /// <https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api#exceeding-the-rate-limit>
    fn rate_limit(reset: u64) -> Self;

    /// A secondary rate limit, to be left alone for this many seconds.
    fn secondary_limit(seconds: u64) -> Self;

    /// An error of the GraphQL API, which comes with status 200.
    fn graphql_error(kind: &str, message: &str) -> Self;
}

impl GitHubReply for Reply {
    fn error(status: u16, message: &str) -> Self {
        let page = "https://docs.github.com/rest";
        Self::json(
            status,
            &json!({"message": message, "documentation_url": page, "status": status.to_string()}),
        )
    }

    fn server_error(status: u16) -> Self {
        Self::html(status, "<html><body>Unicorn!</body></html>")
    }

    fn rate_limit(reset: u64) -> Self {
        Self::error(403, "API rate limit exceeded for installation.")
            .header("x-ratelimit-remaining", "0")
            .header("x-ratelimit-reset", &reset.to_string())
    }

    fn secondary_limit(seconds: u64) -> Self {
        Self::error(
            403,
            "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.",
        )
        .header("retry-after", &seconds.to_string())
    }

    fn graphql_error(kind: &str, message: &str) -> Self {
        Self::json(200, &json!({"data": null, "errors": [{"type": kind, "message": message}]}))
    }
}

/// A list, of which the page that was asked for is answered, with links to the others.
pub(crate) fn list(
    request: &Request,
    address: &str,
    all: &[Value],
    wrap: impl Fn(Vec<Value>) -> Value,
) -> Reply {
    let (page, size) = page(request);
    let from = (page - 1).saturating_mul(size).min(all.len());
    let to = from.saturating_add(size).min(all.len());
    let reply = Reply::json(200, &wrap(all[from..to].to_vec()));
    if to >= all.len() {
        return reply;
    }
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(form_urlencoded::parse(request.query.as_bytes()).filter(|(name, _)| name != "page"));
    query.append_pair("page", &(page + 1).to_string());
    reply.header("link", &format!("<{address}{}?{}>; rel=\"next\"", request.path, query.finish()))
}

/// The page that is asked for: its number from 1, and how many entries it has.
pub(crate) fn page(request: &Request) -> (usize, usize) {
    let number = |name| request.parameter(name).and_then(|value| value.parse().ok());
    (number("page").unwrap_or(1).max(1), number("per_page").unwrap_or(30).clamp(1, 100))
}
