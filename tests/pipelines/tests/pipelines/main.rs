//! Workflows, run as GitHub runs them.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "these are tests")]

mod approve;
mod blue_green;
mod build_once;
mod clusters;
mod examples;
mod first_pipeline;
mod multi_region;
mod registry;
mod semantics;
mod terraform_layers;
mod three_environments;

/// A freeze of two days around a day so many days away, which is now or surely not: the clock is the machine's.
#[expect(clippy::disallowed_methods, reason = "a freeze is of the real time")]
fn around(days: i64) -> String {
    let day = |days: i64| {
        (jiff::Timestamp::now() + jiff::SignedDuration::from_hours(24 * days)).strftime("%a").to_string()
    };
    format!("from: \"{} 12:00\", until: \"{} 12:00\"", day(days - 1), day(days + 1))
}
