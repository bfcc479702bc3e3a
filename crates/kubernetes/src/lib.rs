//! The cluster as rollout and backup need it.
