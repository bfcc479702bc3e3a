//! Workflows, run as GitHub runs them.
#![allow(clippy::panic, clippy::unwrap_used, reason = "these are tests")]

mod build_once;
mod examples;
mod registry;
mod semantics;
mod terraform_layers;

/// A window of an hour, some days away.
fn far_from_now() -> String {
    let then = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(72);
    let day = then.strftime("%a");
    format!("{{from: \"{day} 15:00\", until: \"{day} 16:00\",")
}
