//! The client against the stand-in for GitHub.

#![expect(clippy::unwrap_used, reason = "in a test it is the way to fail")]

mod faults;
mod read;
mod review;
mod told;
mod write;

use std::{num::NonZeroU32, time::Duration};

use sluice_core::{
    Secret,
    retry::{Jitter, Policy},
};
use sluice_github::{Api, Endpoints, Repository, Sha};
use sluice_github_fake::GitHub;
use sluice_http::{CONNECT_TIMEOUT, Client, Options, Proxies};

const TOKEN: &str = "ghs_0123456789";

/// A client that tries four times, and does not wait in between.
fn api(github: &GitHub) -> Api {
    api_with(github, 4)
}

/// A client that tries this often, and does not wait in between.
fn api_with(github: &GitHub, attempts: u32) -> Api {
    let policy = Policy {
        first: Duration::ZERO,
        factor: 1,
        cap: Duration::ZERO,
        jitter: Jitter::None,
        attempts: NonZeroU32::new(attempts),
    };
    let client = Client::new(&Options::default(), &Proxies::none(), CONNECT_TIMEOUT).unwrap();
    let variables = github.variables();
    let endpoints = Endpoints::from_lookup(|name| {
        variables.iter().find(|(variable, _)| *variable == name).map(|(_, value)| value.clone())
    });
    Api::new(client, endpoints.unwrap(), Some(Secret::new(TOKEN))).retry(policy, Duration::from_secs(30))
}

fn shop() -> Repository {
    "acme/shop".parse().unwrap()
}

fn sha(text: &str) -> Sha {
    text.parse().unwrap()
}
