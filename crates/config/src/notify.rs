//! `notify`: which message goes where.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sluice_yaml::Placed;

/// The routes, each on its own: a message goes to the channels of every route that fits.
pub type Routes = Vec<Route>;

/// Which message goes where.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Route {
    /// The events that are told.
    pub on: Vec<Placed<Event>>,
    /// The environments that they are about. Default: all.
    #[serde(default)]
    pub environments: Vec<Placed<String>>,
    /// The channels, by name.
    pub channels: Vec<Placed<String>>,
    /// Whether it opens an incident, which recovery closes: in its channels that hold incidents (`pagerduty`, `issue`).
    pub incident: Option<Placed<bool>>,
    /// Whom the messages mention, by the ids of their channels: `here` or a member's id in Slack, a login on GitHub.
    #[serde(default)]
    pub mention: Vec<Placed<String>>,
    /// When its channels are left alone.
    pub quiet_hours: Option<QuietHours>,
}

/// The hours of each day in which channels are left alone. What happens then is not told later: the next message is
/// that of the next event.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct QuietHours {
    /// When they begin: `22:00`.
    pub from: Placed<String>,
    /// When they end, on the next day where that is not later: `07:00`.
    pub until: Placed<String>,
    /// The time zone, by its IANA name: `Europe/Berlin`.
    pub zone: Placed<String>,
    /// The events that are not told then. Default: `start`, `success`, `recovery` and `pending`. What needs a person
    /// because it could not be undone is always told.
    pub hold: Option<Vec<Placed<Event>>>,
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
    /// It was cancelled before it began, by a person or by a newer run in its place: nothing was done.
    Cancelled,
}
