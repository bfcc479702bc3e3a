//! The seven answers of a run, and the exit code of each.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a run, or one finding of it, concludes.
///
/// The order is from best to worst: the worst verdict of many is their `max()`.
/// The exit codes are an interface: scripts and workflows may rely on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Yes, done.
    Passed,
    /// There was nothing to do, and that is certain.
    Skipped,
    /// The answer waits for people.
    Pending,
    /// The answer is no: rejected, unhealthy, undone.
    Failed,
    /// An input or the configuration is wrong.
    Misconfigured,
    /// The answer could not be found out: API, network, permission.
    Undecided,
    /// What was changed could not be undone: the world needs a person.
    Broken,
}

impl Verdict {
    /// The exit code of a run that ends with this verdict.
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Passed | Self::Skipped => 0,
            Self::Pending | Self::Failed => 1,
            Self::Misconfigured => 2,
            Self::Undecided => 3,
            Self::Broken => 4,
        }
    }

    /// Whether the run, or the finding, is fine as it is.
    pub const fn is_good(self) -> bool {
        matches!(self, Self::Passed | Self::Skipped)
    }

    /// The verdict as reports and outputs spell it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Skipped => "skipped",
            Self::Pending => "pending",
            Self::Failed => "failed",
            Self::Misconfigured => "misconfigured",
            Self::Undecided => "undecided",
            Self::Broken => "broken",
        }
    }

    /// One sign for a terminal and for messages.
    pub const fn sign(self) -> &'static str {
        match self {
            Self::Passed => "✓",
            Self::Skipped => "–",
            Self::Pending => "…",
            Self::Failed | Self::Misconfigured => "✗",
            Self::Undecided => "?",
            Self::Broken => "‼",
        }
    }
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::Verdict::*;

    #[test]
    fn exit_codes_are_the_documented_interface() {
        let codes = [Passed, Skipped, Pending, Failed, Misconfigured, Undecided, Broken]
            .map(super::Verdict::exit_code);
        assert_eq!(codes, [0, 0, 1, 1, 2, 3, 4]);
    }

    #[test]
    fn worse_verdicts_are_greater() {
        assert_eq!([Passed, Undecided, Failed].into_iter().max(), Some(Undecided));
        assert_eq!([Skipped, Passed].into_iter().max(), Some(Skipped));
    }
}
