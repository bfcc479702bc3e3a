//! What the agents beside containers and machines have in common.

use std::time::Duration;

use serde::Deserialize;
use sluice_http::{Client, Options, Proxies, Request, Response};

use super::Issued;
use crate::Error;

/// They are near: they answer at once, or are not there.
const PATIENCE: Duration = Duration::from_secs(1);

/// Their answer, in the form that they share:
/// <https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html>.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    access_key_id: String,
    secret_access_key: String,
    token: String,
    expiration: String,
}

/// A client that goes past every proxy: what is link-local no proxy reaches.
pub(super) fn direct() -> Result<Client, String> {
    Client::new(&Options::default(), &Proxies::none(), PATIENCE).map_err(|error| error.to_string())
}

/// Asks once, and takes nothing but success.
pub(super) async fn ask(client: &Client, request: Request) -> Result<Response, String> {
    let answer = client.send(request.timeout(PATIENCE)).await.map_err(|error| error.to_string())?;
    if answer.status.is_success() { Ok(answer) } else { Err(format!("it answered {}", answer.status)) }
}

/// Reads credentials. What is wrong with them is told without them.
pub(super) fn issued(answer: &Response) -> Result<Issued, String> {
    let odd = |what: &str| format!("its answer holds no {what}");
    let answer: Answer = serde_json::from_slice(&answer.body).map_err(|_| odd("credentials"))?;
    let expires = answer.expiration.parse().map_err(|_| odd("time at which they end"))?;
    Ok(Issued::new(&answer.access_key_id, &answer.secret_access_key, &answer.token, expires))
}

/// Says which agent it was that did not give any.
pub(super) fn failed(agent: &str, why: &str, help: &str) -> Error {
    Error::no_credentials(format!("{agent}: {why}"), help)
}
