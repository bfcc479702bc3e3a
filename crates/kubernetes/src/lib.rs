//! The cluster as rollout and backup need it.

pub mod progress;
