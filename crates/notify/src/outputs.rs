//! The outputs of notify.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Serialize;
use sluice_config::Event;
use sluice_core::Verdict;

/// What the steps after it can read.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Outputs {
    /// What was told: `start`, `success`, `failure`, `rollback`, `recovery`, `pending` or `cancelled`
    pub event: Event,
    /// How it went, a JSON object from channel to `delivered`, `refused`, `unreachable`, `misconfigured` or `skipped`
    pub delivered: IndexMap<String, Delivery>,
    /// What to give a later run as its input `message-id`, so that it updates the messages: a JSON object from channel to id
    pub message_id: IndexMap<String, String>,
}

/// What became of the message to one channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Delivery {
    /// The channel took it.
    Delivered,
    /// The channel said no.
    Refused,
    /// The channel did not answer, or could not take it now.
    Unreachable,
    /// It could not be sent: a secret is missing or wrong.
    Misconfigured,
    /// It was not sent, as asked.
    Skipped,
}

impl Delivery {
    /// What it means for the run.
    pub(crate) const fn verdict(self) -> Verdict {
        match self {
            Self::Delivered => Verdict::Passed,
            Self::Refused => Verdict::Failed,
            Self::Unreachable => Verdict::Undecided,
            Self::Misconfigured => Verdict::Misconfigured,
            Self::Skipped => Verdict::Skipped,
        }
    }
}
