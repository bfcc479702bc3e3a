//! How bad a finding is: one model for all reports.

use std::fmt;

/// How bad a finding is; the worst comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Severity {
    Critical,
    High,
    Medium,
    Low,
    /// The report does not tell.
    Unknown,
}

impl Severity {
    const ALL: [Self; 5] = [Self::Critical, Self::High, Self::Medium, Self::Low, Self::Unknown];

    /// The severity of a CVSS score; `None` for a score that has none (0, or no number).
    ///
    /// The bands are GitHub's for `security-severity`:
    /// <https://docs.github.com/code-security/code-scanning/integrating-with-code-scanning/sarif-support-for-code-scanning#reportingdescriptor-object>
    pub(super) fn of_score(score: f64) -> Option<Self> {
        match score {
            score if score >= 9.0 => Some(Self::Critical),
            score if score >= 7.0 => Some(Self::High),
            score if score >= 4.0 => Some(Self::Medium),
            score if score > 0.0 => Some(Self::Low),
            _ => None,
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Critical => "critical",
            Self::High => "high",
            Self::Medium => "medium",
            Self::Low => "low",
            Self::Unknown => "unknown",
        })
    }
}

/// How many findings there are of each severity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts([usize; 5]);

impl Counts {
    pub(super) fn of(severities: impl IntoIterator<Item = Severity>) -> Self {
        let mut counts = [0; 5];
        for severity in severities {
            counts[severity as usize] += 1;
        }
        Self(counts)
    }

    const fn get(self, severity: Severity) -> usize {
        self.0[severity as usize]
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<String> = Severity::ALL
            .iter()
            .filter(|severity| self.get(**severity) > 0)
            .map(|severity| format!("{} {severity}", self.get(*severity)))
            .collect();
        f.write_str(&if parts.is_empty() { "nothing found".to_owned() } else { parts.join(", ") })
    }
}

/// How many findings there may be of each severity; `None` is no limit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits([Option<u32>; 5]);

impl Limits {
    pub(super) const fn of(rule: &sluice_config::Reports) -> Self {
        Self([rule.critical, rule.high, rule.medium, rule.low, rule.unknown])
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.iter().all(Option::is_none)
    }

    const fn get(&self, severity: Severity) -> Option<u32> {
        self.0[severity as usize]
    }

    /// The severities that have a limit.
    pub(super) fn severities(&self) -> Vec<Severity> {
        Severity::ALL.into_iter().filter(|severity| self.get(*severity).is_some()).collect()
    }

    /// The severities of which there are more than allowed.
    pub(super) fn exceeded_by(&self, counts: &Counts) -> Vec<Severity> {
        Severity::ALL
            .into_iter()
            .filter(|severity| {
                self.get(*severity)
                    .is_some_and(|limit| counts.get(*severity) > usize::try_from(limit).unwrap_or(usize::MAX))
            })
            .collect()
    }

    /// What was found beside what is allowed: `2 critical (0 allowed)`.
    pub(super) fn measure(&self, counts: &Counts, severities: &[Severity]) -> String {
        let parts: Vec<String> = severities
            .iter()
            .filter_map(|severity| {
                Some(format!("{} {severity} ({} allowed)", counts.get(*severity), self.get(*severity)?))
            })
            .collect();
        parts.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::{Severity::*, *};

    #[test]
    fn scores_fall_into_github_s_bands() {
        let bands = [10.0, 9.0, 8.99, 7.0, 6.9, 4.0, 3.9, 0.1, 0.0, -1.0, f64::NAN].map(Severity::of_score);
        assert_eq!(
            bands,
            [
                Some(Critical),
                Some(Critical),
                Some(High),
                Some(High),
                Some(Medium),
                Some(Medium),
                Some(Low),
                Some(Low),
                None,
                None,
                None
            ]
        );
    }

    #[test]
    fn each_limit_is_for_its_own_severity_and_itself_is_allowed() {
        for severity in Severity::ALL {
            let mut limits = [None; 5];
            limits[severity as usize] = Some(2);
            let limits = Limits(limits);
            let others: Vec<Severity> = Severity::ALL
                .into_iter()
                .filter(|other| *other != severity)
                .flat_map(|other| [other; 9])
                .collect();
            let counts = |own| Counts::of(others.iter().copied().chain(std::iter::repeat_n(severity, own)));
            assert_eq!(limits.exceeded_by(&counts(2)), []);
            assert_eq!(limits.exceeded_by(&counts(3)), [severity]);
            assert_eq!(limits.severities(), [severity]);
        }
    }

    #[test]
    fn the_configuration_s_keys_are_their_severities() {
        let rule: sluice_config::Reports = serde_json::from_str(
            r#"{"path": "x", "critical": 1, "high": 2, "medium": 3, "low": 4, "unknown": 5}"#,
        )
        .unwrap();
        assert_eq!(
            Severity::ALL.map(|severity| Limits::of(&rule).get(severity)),
            [Some(1), Some(2), Some(3), Some(4), Some(5)]
        );
    }
}
