//! Exchanges, kept for judgement by Kubernetes' own schemas.

use std::{io::Write as _, path::PathBuf};

use serde_json::{Value, json};

use crate::{message::Request, world::Key};

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
    #[expect(clippy::disallowed_methods, reason = "a part of tests, which have no context")]
    let Some(folder) = std::env::var_os("SLUICE_KUBERNETES_EXCHANGES").map(PathBuf::from) else { return };
    std::fs::create_dir_all(&folder).expect("a folder for exchanges");
    let file = folder.join(format!("{}.jsonl", std::process::id()));
    let mut file =
        std::fs::OpenOptions::new().create(true).append(true).open(file).expect("a file for exchanges");
    // One write, so that the lines of several servers do not mix.
    file.write_all(format!("{exchange}\n").as_bytes()).expect("to record an exchange");
}
