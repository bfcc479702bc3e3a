//! Replies, as the API server words them.

use serde_json::{Value, json};
use sluice_faulty_server::Reply;

/// Replies of Kubernetes, for faults too: `Reply::too_many_requests(1)`.
pub trait KubernetesReply {
    /// A refusal: a `Status`.
    fn refusal(code: u16, reason: &str, message: &str) -> Self;

    /// A refusal with details, an object; with none where that is empty.
    fn refusal_with(code: u16, reason: &str, message: &str, details: &Value) -> Self;

    /// Too many requests: to be left alone for this many seconds.
    fn too_many_requests(seconds: u32) -> Self;

    /// An error within the API server.
    fn internal_error() -> Self;

    /// A token that is expired.
    fn unauthorized() -> Self;

    /// The error of a load balancer, which speaks HTML.
    fn bad_gateway() -> Self;
}

impl KubernetesReply for Reply {
    fn refusal(code: u16, reason: &str, message: &str) -> Self {
        Self::refusal_with(code, reason, message, &json!({}))
    }

    fn refusal_with(code: u16, reason: &str, message: &str, details: &Value) -> Self {
        let mut status = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": message, "reason": reason, "details": details, "code": code,
        });
        if details.as_object().is_some_and(serde_json::Map::is_empty) {
            status.as_object_mut().unwrap().remove("details");
        }
        Self::json(code, &status)
    }

    fn too_many_requests(seconds: u32) -> Self {
        Self::refusal_with(
            429,
            "TooManyRequests",
            "the server has received too many requests and has asked us to try again later",
            &json!({"retryAfterSeconds": seconds}),
        )
        .header("retry-after", &seconds.to_string())
    }

    fn internal_error() -> Self {
        let cause = json!({"causes": [{"message": "etcdserver: request timed out"}]});
        Self::refusal_with(
            500,
            "InternalError",
            "Internal error occurred: etcdserver: request timed out",
            &cause,
        )
    }

    fn unauthorized() -> Self {
        Self::refusal(401, "Unauthorized", "Unauthorized")
    }

    fn bad_gateway() -> Self {
        Self::html(502, "<html><body>Bad Gateway</body></html>")
    }
}
