//! What a reply means: the one place that judges.

use std::time::Duration;

use jiff::Timestamp;
use serde::Deserialize;
use sluice_core::retry::{http_date, rate_limit_reset, retry_after};
use sluice_http::{Response, StatusCode};

use crate::error::{Kind, Refusal};

/// Why a reply is no answer, and how long GitHub wants to be left alone before the next try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) kind: Kind,
    /// Whether the same request may well be answered later.
    pub(crate) is_transient: bool,
    pub(crate) asked: Option<Duration>,
}

/// How long to wait where a limit is told without a time: "wait for at least one minute".
///
/// <https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api#handle-rate-limit-errors-appropriately>
const A_MINUTE: Duration = Duration::from_mins(1);

/// The body of an error, as far as it tells one error from another.
#[derive(Default, Deserialize)]
struct Body {
    #[serde(default)]
    message: String,
    #[serde(default)]
    errors: serde_json::Value,
}

/// Judges the reply to a REST call: `Ok` when it is an answer.
pub(crate) fn judge(reply: &Response) -> Result<(), Fault> {
    if reply.status.is_success() {
        return Ok(());
    }
    let message = message(reply);
    Err(match reply.status {
        StatusCode::FORBIDDEN | StatusCode::TOO_MANY_REQUESTS if is_limit(reply, &message) => limited(reply),
        StatusCode::UNAUTHORIZED => Kind::Unauthorized { message }.into(),
        StatusCode::FORBIDDEN | StatusCode::CONFLICT | StatusCode::UNPROCESSABLE_ENTITY => {
            refused(reply.status, message).into()
        }
        StatusCode::NOT_FOUND | StatusCode::GONE => Kind::NotFound.into(),
        status if status.is_redirection() => Kind::Refused { refusal: Refusal::Moved, message }.into(),
        status if status.is_server_error() || status == StatusCode::REQUEST_TIMEOUT => {
            Fault { is_transient: true, asked: asked(reply), ..Kind::Server { message }.into() }
        }
        _ => Kind::Refused { refusal: Refusal::Invalid, message }.into(),
    })
}

/// One error of a GraphQL reply. Its `type` is no part of the GraphQL standard, but GitHub's own.
#[derive(Debug, Deserialize)]
pub(crate) struct GraphqlError {
    #[serde(rename = "type")]
    kind: Option<String>,
    #[serde(default)]
    message: String,
}

/// Judges the errors of a GraphQL reply, whose status is 200 as a rule: `Ok` when there are none.
///
/// What went wrong stands in `type`: the words of a message vary.
pub(crate) fn judge_graphql(reply: &Response, errors: &[GraphqlError]) -> Result<(), Fault> {
    let Some(error) = errors.first() else { return Ok(()) };
    let message = one_line(&error.message);
    Err(match error.kind.as_deref() {
        Some("NOT_FOUND") => Kind::NotFound.into(),
        Some("STALE_DATA") => Kind::Conflict { message }.into(),
        Some("RATE_LIMITED" | "RATE_LIMIT") => limited(reply),
        _ if is_limit(reply, &message) => limited(reply),
        Some("INSUFFICIENT_SCOPES") => Kind::Forbidden { message }.into(),
        Some("FORBIDDEN") => refused(StatusCode::FORBIDDEN, message).into(),
        Some("INTERNAL" | "SERVICE_UNAVAILABLE" | "TIMEOUT") => {
            Fault { is_transient: true, asked: asked(reply), ..Kind::Server { message }.into() }
        }
        // An error of GitHub's own making has no type: "Something went wrong while executing your query".
        None if message.starts_with("Something went wrong") => {
            Fault { is_transient: true, asked: asked(reply), ..Kind::Server { message }.into() }
        }
        _ => refused(StatusCode::UNPROCESSABLE_ENTITY, message).into(),
    })
}

impl From<Kind> for Fault {
    fn from(kind: Kind) -> Self {
        Self { kind, is_transient: false, asked: None }
    }
}

/// A refusal, by the words that GitHub has for it: the status alone does not tell.
fn refused(status: StatusCode, message: String) -> Kind {
    let words = message.to_lowercase();
    let says = |part: &str| words.contains(part);
    let refusal = if says("rule violations found") || says("protected branch") || says("protected ref") {
        Refusal::Rules
    } else if says("was archived") {
        Refusal::Archived
    } else if says("not permitted to create or approve pull requests") {
        Refusal::PullRequestsByActions
    } else if status == StatusCode::FORBIDDEN {
        return Kind::Forbidden { message };
    } else if says("not a fast forward")
        || says("already exists")
        || says("reference does not exist")
        || status == StatusCode::CONFLICT && !says("repository is empty")
    {
        return Kind::Conflict { message };
    } else {
        Refusal::Invalid
    };
    Kind::Refused { refusal, message }
}

/// Whether a reply tells of a limit: the primary one by its count, a secondary one by `Retry-After` or its words.
///
/// <https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api>
fn is_limit(reply: &Response, message: &str) -> bool {
    reply.status == StatusCode::TOO_MANY_REQUESTS
        || reply.header("x-ratelimit-remaining") == Some("0")
        || reply.header("retry-after").is_some()
        || message.to_lowercase().contains("rate limit")
}

fn limited(reply: &Response) -> Fault {
    let wait = asked(reply).unwrap_or(A_MINUTE);
    let until = date(reply).and_then(|now| now.checked_add(wait).ok());
    Fault { kind: Kind::RateLimited { until }, is_transient: true, asked: Some(wait) }
}

/// How long GitHub wants to be left alone: `Retry-After`, then the reset of a limit that is used up.
///
/// Its dates are held against its own clock.
fn asked(reply: &Response) -> Option<Duration> {
    if let Some(asked) = reply.header("retry-after").and_then(|value| retry_after(value, date(reply))) {
        return Some(asked);
    }
    let is_spent = reply.header("x-ratelimit-remaining") == Some("0");
    rate_limit_reset(reply.header("x-ratelimit-reset").filter(|_| is_spent)?, date(reply)?)
}

fn date(reply: &Response) -> Option<Timestamp> {
    reply.header("date").and_then(http_date)
}

/// What GitHub says of an error, or the status when it says nothing.
fn message(reply: &Response) -> String {
    let body: Body = serde_json::from_slice(&reply.body).unwrap_or_default();
    let details = match body.errors {
        serde_json::Value::Array(errors) => errors
            .iter()
            .filter_map(|error| error.as_str().or_else(|| error.get("message")?.as_str()))
            .collect::<Vec<_>>()
            .join("; "),
        serde_json::Value::String(error) => error,
        _ => String::new(),
    };
    let said: Vec<&str> =
        [body.message.trim(), &details].into_iter().filter(|text| !text.is_empty()).collect();
    if said.is_empty() { reply.status.to_string() } else { one_line(&said.join(": ")) }
}

/// A message of strangers on one line, of bounded length.
fn one_line(message: &str) -> String {
    const LONGEST: usize = 500;
    let line = message.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= LONGEST {
        return line;
    }
    line.chars().take(LONGEST).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use sluice_http::{HeaderMap, HeaderName, HeaderValue, Timings, Url, Version};

    use super::*;

    fn reply(status: u16, headers: &[(&'static str, &'static str)], body: &str) -> Response {
        let headers = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect::<HeaderMap>();
        Response {
            status: StatusCode::from_u16(status).unwrap(),
            version: Version::HTTP_11,
            headers,
            body: body.to_owned().into(),
            truncated: false,
            size: body.len() as u64,
            trailers: HeaderMap::new(),
            certificate: None,
            timings: Timings::default(),
            url: Url::parse("https://api.github.com/x").unwrap(),
        }
    }

    fn judged(status: u16, message: &str) -> Kind {
        let body = serde_json::json!({ "message": message }).to_string();
        judge(&reply(status, &[], &body)).unwrap_err().kind
    }

    #[test]
    fn a_refusal_is_told_by_github_s_words() {
        let refused = |status, message| match judged(status, message) {
            Kind::Refused { refusal, .. } => refusal,
            other => panic!("{other:?}"),
        };
        let rules = "Repository rule violations found\n\nChanges must be made through a pull request.\n\n";
        assert_eq!(refused(422, rules), Refusal::Rules);
        assert_eq!(refused(409, rules), Refusal::Rules);
        assert_eq!(refused(403, "Cannot update this protected ref."), Refusal::Rules);
        assert_eq!(refused(422, "Cannot force-push to this protected branch"), Refusal::Rules);
        assert_eq!(refused(422, "Tree SHA does not exist"), Refusal::Invalid);
        assert_eq!(refused(409, "Git Repository is empty."), Refusal::Invalid);
        assert_eq!(refused(400, "Problems parsing JSON"), Refusal::Invalid);
        let pulls = "GitHub Actions is not permitted to create or approve pull requests.";
        assert_eq!(refused(403, pulls), Refusal::PullRequestsByActions);
        assert_eq!(refused(403, "Repository was archived so is read-only."), Refusal::Archived);
    }

    #[test]
    fn a_state_that_changed_is_a_conflict() {
        for (status, message) in [
            (422, "Update is not a fast forward"),
            (422, "Reference already exists"),
            (422, "Reference does not exist"),
            (409, "is at 1 but expected 2"),
        ] {
            assert!(matches!(judged(status, message), Kind::Conflict { .. }), "{message}");
        }
    }

    #[test]
    fn other_errors_are_told_by_their_status() {
        assert!(matches!(judged(401, "Bad credentials"), Kind::Unauthorized { .. }));
        assert!(matches!(judged(403, "Resource not accessible by integration"), Kind::Forbidden { .. }));
        assert_eq!(judged(404, "Not Found"), Kind::NotFound);
        assert!(matches!(judged(429, "slow down"), Kind::RateLimited { .. }));
        assert!(matches!(judged(500, ""), Kind::Server { .. }));
        assert!(matches!(judged(301, ""), Kind::Refused { refusal: Refusal::Moved, .. }));
        assert_eq!(judge(&reply(201, &[], "")), Ok(()));
    }

    #[test]
    fn the_wait_is_what_github_asks_for_by_its_own_clock() {
        let date = ("date", "Thu, 01 Jan 2026 00:00:00 GMT");
        let fault = |headers: &[(&'static str, &'static str)]| {
            judge(&reply(403, &[&[date], headers].concat(), r#"{"message": "rate limit"}"#)).unwrap_err()
        };
        let minutes = |fault: &Fault| fault.asked.map(|wait| wait.as_secs() / 60);
        let spent = fault(&[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1767226200")]);
        assert_eq!(minutes(&spent), Some(10));
        let until = Some("2026-01-01T00:10:00Z".parse().unwrap());
        assert_eq!((spent.kind, spent.is_transient), (Kind::RateLimited { until }, true));
        let both = fault(&[
            ("retry-after", "300"),
            ("x-ratelimit-remaining", "0"),
            ("x-ratelimit-reset", "1767226200"),
        ]);
        assert_eq!(minutes(&both), Some(5));
        // The count of a limit that is not used up says nothing.
        let secondary = fault(&[("x-ratelimit-remaining", "10"), ("x-ratelimit-reset", "1767226200")]);
        assert_eq!(minutes(&secondary), Some(1));
    }

    #[test]
    fn a_conflict_that_used_up_the_limit_is_a_conflict() {
        let errors: Vec<GraphqlError> =
            serde_json::from_str(r#"[{"type": "STALE_DATA", "message": "x"}]"#).unwrap();
        let reply = reply(200, &[("x-ratelimit-remaining", "0")], "");
        assert!(matches!(judge_graphql(&reply, &errors).unwrap_err().kind, Kind::Conflict { .. }));
    }

    #[test]
    fn words_of_strangers_are_one_line_of_bounded_length() {
        let body = r#"{"message": "Validation Failed\n", "errors": [{"message": "a\n::error::b"}, "c", 1, {"code": 2}]}"#;
        assert_eq!(message(&reply(422, &[], body)), "Validation Failed: a ::error::b; c");
        assert_eq!(message(&reply(502, &[], "<html>")), "502 Bad Gateway");
        let long = serde_json::json!({ "message": "é".repeat(10_000) }).to_string();
        assert_eq!(message(&reply(422, &[], &long)).chars().count(), 501);
    }

    proptest::proptest! {
        #[test]
        fn no_reply_panics(status in 100_u16..1000, body in ".*") {
            let reply = reply(status, &[("retry-after", "99999999999999999999")], &body);
            let _ = judge(&reply);
            let errors = [GraphqlError { kind: Some(body.clone()), message: body }];
            let _ = judge_graphql(&reply, &errors);
        }
    }
}
