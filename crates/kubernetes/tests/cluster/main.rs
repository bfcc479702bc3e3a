//! The cluster, against the stand-in for its API.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests are tests, too")]

mod access;
mod discovering;
mod faults;
mod following;
mod leases;
mod reading;
mod support;
mod watching;
mod writing;
