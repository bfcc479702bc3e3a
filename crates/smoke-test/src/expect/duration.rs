//! How long an answer takes.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use sluice_core::Period;

use super::Mismatch;
use crate::excerpt::seconds;

/// A condition on a length of time.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct DurationCondition {
    /// It takes less than this, e.g. `500ms`.
    less_than: Period,
}

impl DurationCondition {
    pub(super) fn judge(&self, total: Duration) -> Option<Mismatch> {
        if total < self.less_than.0 {
            return None;
        }
        let actual = seconds(total);
        Some(Mismatch {
            reason: format!("took {actual}"),
            expected: format!("duration less than {}", self.less_than),
            actual,
            place: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_itself_is_too_long() {
        let condition: DurationCondition = sluice_yaml::from_slice(b"less-than: 500ms").unwrap();
        assert_eq!(condition.judge(Duration::from_millis(499)), None);
        let mismatch = condition.judge(Duration::from_millis(500)).unwrap();
        assert_eq!(mismatch.reason, "took 500 ms");
        assert_eq!(mismatch.expected, "duration less than 500ms");
    }
}
