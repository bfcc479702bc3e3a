//! How bad a finding is: one model for all reports.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How bad a finding is; the worst comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// A CVSS score of 9.0 or more.
    Critical,
    /// 7.0 or more.
    High,
    /// 4.0 or more.
    Medium,
    /// Less.
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
    pub fn of_score(score: f64) -> Option<Self> {
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counts {
    critical: u64,
    high: u64,
    medium: u64,
    low: u64,
    unknown: u64,
}

impl Counts {
    /// Counts one more.
    pub fn add(&mut self, severity: Severity) {
        match severity {
            Severity::Critical => self.critical += 1,
            Severity::High => self.high += 1,
            Severity::Medium => self.medium += 1,
            Severity::Low => self.low += 1,
            Severity::Unknown => self.unknown += 1,
        }
    }

    /// How many there are.
    pub const fn get(&self, severity: Severity) -> u64 {
        match severity {
            Severity::Critical => self.critical,
            Severity::High => self.high,
            Severity::Medium => self.medium,
            Severity::Low => self.low,
            Severity::Unknown => self.unknown,
        }
    }
}

impl Counts {
    /// How many there are of all severities.
    pub(super) fn all(&self) -> u64 {
        Severity::ALL.into_iter().map(|severity| self.get(severity)).fold(0, u64::saturating_add)
    }
}

/// The counts of several reports together.
impl<'a> std::iter::Sum<&'a Self> for Counts {
    fn sum<I: Iterator<Item = &'a Self>>(all: I) -> Self {
        all.fold(Self::default(), |sum, one| Self {
            critical: sum.critical.saturating_add(one.critical),
            high: sum.high.saturating_add(one.high),
            medium: sum.medium.saturating_add(one.medium),
            low: sum.low.saturating_add(one.low),
            unknown: sum.unknown.saturating_add(one.unknown),
        })
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// At most so many critical ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub critical: Option<u32>,
    /// At most so many high ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub high: Option<u32>,
    /// At most so many medium ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub medium: Option<u32>,
    /// At most so many low ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub low: Option<u32>,
    /// At most so many whose severity is not told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unknown: Option<u32>,
}

impl Limits {
    /// Whether nothing is limited.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    const fn get(&self, severity: Severity) -> Option<u32> {
        match severity {
            Severity::Critical => self.critical,
            Severity::High => self.high,
            Severity::Medium => self.medium,
            Severity::Low => self.low,
            Severity::Unknown => self.unknown,
        }
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
                self.get(*severity).is_some_and(|limit| counts.get(*severity) > u64::from(limit))
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
            let limits: Limits =
                serde_json::from_value(serde_json::json!({severity.to_string(): 2})).unwrap();
            let others: Vec<Severity> = Severity::ALL
                .into_iter()
                .filter(|other| *other != severity)
                .flat_map(|other| [other; 9])
                .collect();
            let counts = |own| {
                let mut counts = Counts::default();
                others
                    .iter()
                    .copied()
                    .chain(std::iter::repeat_n(severity, own))
                    .for_each(|one| counts.add(one));
                counts
            };
            assert_eq!(limits.exceeded_by(&counts(2)), []);
            assert_eq!(limits.exceeded_by(&counts(3)), [severity]);
            assert_eq!(limits.severities(), [severity]);
        }
    }

    #[test]
    fn reports_are_counted_together() {
        let mut one = Counts::default();
        for (times, severity) in (1..).zip(Severity::ALL) {
            (0..times).for_each(|_| one.add(severity));
        }
        let sum: Counts = [one, one, Counts::default()].iter().sum();
        assert_eq!(Severity::ALL.map(|severity| sum.get(severity)), [2, 4, 6, 8, 10]);
        assert_eq!(sum.to_string(), "2 critical, 4 high, 6 medium, 8 low, 10 unknown");
        assert_eq!(Counts::default().to_string(), "nothing found");
    }
}
