//! The cluster, against the stand-in for its API.

mod access;
mod discovering;
mod faults;
mod following;
mod leases;
mod reading;
mod support;
mod watching;
mod writing;
