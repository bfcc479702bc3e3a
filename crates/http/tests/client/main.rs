//! The client against real servers on this machine.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot be set up has failed")]

mod answers;
mod failures;
mod proxy;
mod redirects;
mod retries;
mod server;
mod tls;
mod ways;

use std::time::Duration;

use sluice_http::{Client, Error, Options, Proxies, Request, Response, Url};

/// A client without CA file and proxy, that waits for connections as briefly as tests can afford.
fn client() -> Client {
    Client::new(&Options::default(), &Proxies::none(), Duration::from_secs(5)).unwrap()
}

fn get(url: &str) -> Request {
    Request::get(Url::parse(url).unwrap())
}

async fn failure(client: &Client, request: Request) -> Error {
    client.send(request).await.unwrap_err()
}

fn text(response: &Response) -> &str {
    std::str::from_utf8(&response.body).unwrap()
}

/// A message with the ports of this run taken out.
fn without_ports(error: &Error) -> String {
    let message = error.to_string();
    let mut parts = message.split("127.0.0.1:");
    let mut steady = parts.next().unwrap().to_owned();
    for part in parts {
        steady.push_str("127.0.0.1:PORT");
        steady.push_str(part.trim_start_matches(|character: char| character.is_ascii_digit()));
    }
    steady
}
