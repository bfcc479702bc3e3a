//! What was asked, and when GitHub answered.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};
use sluice_core::retry::http_date;
use sluice_http::Response;

/// The calls of one client that were answered, oldest first. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Trace(Arc<Mutex<Vec<Answered>>>);

/// A call that was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// The address that was asked.
    pub url: String,
    /// When it was answered, by GitHub's clock; `None` when it did not say.
    pub at: Option<Timestamp>,
    /// When the token ends; `None` when GitHub does not say, as of the job's token.
    pub token_ends: Option<Timestamp>,
}

impl Trace {
    /// The calls so far.
    pub fn answered(&self) -> Vec<Answered> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The time on GitHub's clock when it answered last; `None` when it never said.
    pub fn clock(&self) -> Option<Timestamp> {
        self.answered().iter().filter_map(|answered| answered.at).max()
    }

    pub(crate) fn add(&self, url: String, reply: &Response) {
        let at = reply.header("date").and_then(http_date);
        let token_ends = reply.header("github-authentication-token-expiration").and_then(moment);
        let mut answered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        answered.push(Answered { url, at, token_ends });
    }
}

/// A moment as the header writes it: `2026-11-21 19:00:00 UTC`, or with an offset.
fn moment(text: &str) -> Option<Timestamp> {
    if let Some(utc) = text.strip_suffix(" UTC") {
        let time = DateTime::strptime("%Y-%m-%d %H:%M:%S", utc).ok()?;
        return Some(time.to_zoned(TimeZone::UTC).ok()?.timestamp());
    }
    Timestamp::strptime("%Y-%m-%d %H:%M:%S %z", text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_token_is_read_in_both_forms() {
        let end = "2026-11-21T19:00:00Z".parse().ok();
        assert_eq!(moment("2026-11-21 19:00:00 UTC"), end);
        assert_eq!(moment("2026-11-21 20:00:00 +0100"), end);
        assert_eq!(moment("tomorrow"), None);
    }
}
