//! The cluster, against the stand-in for its API.

mod reading;
mod support;
mod writing;
