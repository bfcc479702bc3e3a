//! Exchanges, kept for judgement by Kubernetes' own schemas.

use serde_json::{Value, json};
use sluice_faulty_server::{Exchanges, Request};

use crate::world::Key;

/// Records one object that was sent to a client, and what it was asked by. What a fault made is no word of this
/// stand-in: it is not recorded.
pub(crate) fn record(request: &Request, status: u16, body: &Value) {
    let exchange = json!({
        "request": {
            "method": request.method,
            "path": request.path,
            "query": request.query,
            "body": serde_json::from_slice::<Value>(&request.body).ok(),
        },
        "reply": {"status": status, "body": body},
    });
    write(&exchange);
}

/// Records an object as it is at the end, whether it was sent or not.
pub(crate) fn record_state(key: &Key, object: &Value) {
    let request =
        json!({"method": "GET", "path": format!("the end of {}", key.plural), "query": "", "body": null});
    write(&json!({"request": request, "reply": {"status": 200, "body": object}}));
}

fn write(exchange: &Value) {
    if let Some(exchanges) = Exchanges::at("SLUICE_KUBERNETES_EXCHANGES") {
        exchanges.keep(exchange);
    }
}
