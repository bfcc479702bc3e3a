//! `notify`: which message goes where.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sluice_yaml::Placed;

/// The routes, each on its own: a message goes to the channels of every route that fits.
pub type Routes = Vec<Route>;

/// Which message goes where.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// The events that are told.
    pub on: Vec<Placed<Event>>,
    /// The environments that they are about. Default: all.
    #[serde(default)]
    pub environments: Vec<Placed<String>>,
    /// The channels, by name.
    pub channels: Vec<Placed<String>>,
    /// Whether it opens an incident, which recovery closes.
    pub incident: Option<Placed<bool>>,
}

/// What happened to a pipeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Event {
    /// It began.
    Start,
    /// It did what it was for.
    Success,
    /// It did not.
    Failure,
    /// It did not, and what it had changed was undone.
    Rollback,
    /// It did, after a time in which it did not.
    Recovery,
    /// It waits for people.
    Pending,
}
