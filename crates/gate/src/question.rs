//! What a gate is asked.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What a decision is about: it holds for exactly this, and for nothing else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Question {
    /// The environment to go to.
    pub environment: String,
    /// The repository, `owner/name`; `None` on a terminal.
    pub repository: Option<String>,
    /// The commit, by its full name.
    pub commit: Option<String>,
    /// The image as it was named.
    pub image: Option<String>,
    /// The image's digest, `sha256:...`, whichever way it was found out.
    pub digest: Option<String>,
    /// The digest of the Terraform plan that is applied, `sha256:...`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
    /// The digest of the policies of all conditions, `sha256:...`.
    pub policy: String,
    /// When it is asked: one time for all conditions.
    pub now: Timestamp,
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A question asked at a time.
    pub(crate) fn question(now: &str) -> Question {
        Question {
            environment: "production".into(),
            repository: Some("acme/shop".into()),
            commit: Some("a".repeat(40)),
            image: None,
            digest: None,
            plan: None,
            policy: "sha256:0".into(),
            now: now.parse().unwrap(),
        }
    }
}
