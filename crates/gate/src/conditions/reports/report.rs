//! What a report tells, in one shape for all tools.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{
    about::About,
    severity::{Counts, Severity},
};

/// How many things of one kind a report is kept with: the numbers decide, these are for people.
const KEPT: usize = 5;

/// What a report tells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The tools that wrote it, as far as it tells.
    pub tools: Vec<String>,
    /// What it is about, as far as it tells: a part for each run that it holds.
    pub about: Vec<About>,
    /// What it says.
    pub told: Told,
}

/// What a report says. Which of these it is, is the tool's; which of these decide, is the rule's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Told {
    /// What a scanner or linter found.
    Findings(Scan),
    /// What tests came to.
    Tests(Tests),
    /// How much of the code the tests went through.
    Coverage(Coverage),
    /// What a load test came to.
    Thresholds(Thresholds),
}

/// What a scanner or linter found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scan {
    /// How many findings there are.
    pub counts: Counts,
    /// The first of each severity.
    pub found: Vec<Found>,
    /// How many were found, and accepted by someone.
    pub accepted: Counts,
    /// The first of these of each severity.
    pub suppressed: Vec<Found>,
}

/// One thing that was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// How bad it is.
    pub severity: Severity,
    /// The rule's id.
    pub rule: String,
    /// The start of the message.
    pub message: String,
    /// `file:line`, as far as the report tells.
    pub location: String,
}

impl Scan {
    /// Counts a finding.
    pub fn find(&mut self, found: Found) {
        keep(&mut self.counts, &mut self.found, found);
    }

    /// Counts a finding that someone accepted: it is told, and not limited.
    pub fn accept(&mut self, found: Found) {
        keep(&mut self.accepted, &mut self.suppressed, found);
    }
}

fn keep(counts: &mut Counts, list: &mut Vec<Found>, found: Found) {
    counts.add(found.severity);
    if counts.get(found.severity) <= KEPT as u64 {
        list.push(found);
    }
}

/// What tests came to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tests {
    /// How many tests ran to an end, good or bad.
    pub ran: u64,
    /// How many were skipped.
    pub skipped: u64,
    /// How many failed, or could not be run.
    pub failed: u64,
    /// The first of these, a line each.
    pub failures: Vec<String>,
}

impl Tests {
    /// Counts a test that failed.
    pub fn fail(&mut self, line: String) {
        self.failed += 1;
        if self.failures.len() < KEPT {
            self.failures.push(line);
        }
    }
}

/// How much of the code the tests went through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage {
    /// How many lines they went through; never more than `lines`.
    pub covered: u64,
    /// How many lines there are; never 0.
    pub lines: u64,
}

impl Coverage {
    /// The covered part in hundredths of a percent, cut off: 99.999 % is not 100 %.
    pub fn hundredths(self) -> u64 {
        let part = u128::from(self.covered) * 10_000 / u128::from(self.lines.max(1));
        u64::try_from(part).unwrap_or(0)
    }
}

/// What a load test came to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Thresholds {
    /// How many thresholds it has; never 0.
    pub all: u64,
    /// How many of them were crossed.
    pub crossed: u64,
    /// The first of these, a line each.
    pub lines: Vec<String>,
}

impl Thresholds {
    /// Counts a threshold that was crossed.
    pub fn cross(&mut self, line: String) {
        self.crossed += 1;
        if self.lines.len() < KEPT {
            self.lines.push(line);
        }
    }
}

/// What was told, in one line, and by which tools.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.told {
            Told::Findings(scan) => write!(f, "{}", scan.counts)?,
            Told::Tests(Tests { ran, skipped, failed, .. }) => {
                write!(f, "{ran} ran, {failed} failed, {skipped} skipped")?;
            }
            Told::Coverage(coverage) => {
                write!(f, "{} % of {} lines covered", Percent(coverage.hundredths()), coverage.lines)?;
            }
            Told::Thresholds(Thresholds { all, crossed, .. }) => {
                write!(f, "{crossed} of {all} thresholds crossed")?;
            }
        }
        if self.tools.is_empty() { Ok(()) } else { write!(f, " by {}", self.tools.join(", ")) }
    }
}

/// Hundredths of a percent, as people write percents: `80`, `79.5`.
pub(super) struct Percent(pub(super) u64);

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0 / 100, self.0 % 100) {
            (whole, 0) => write!(f, "{whole}"),
            (whole, part) if part % 10 == 0 => write!(f, "{whole}.{}", part / 10),
            (whole, part) => write!(f, "{whole}.{part:02}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentage_is_cut_off_and_never_rounded_up() {
        let shown = |covered, lines| Percent(Coverage { covered, lines }.hundredths()).to_string();
        assert_eq!(shown(99_999, 100_000), "99.99");
        assert_eq!(shown(2, 3), "66.66");
        assert_eq!(shown(159, 200), "79.5");
        assert_eq!(shown(401, 500), "80.2");
        assert_eq!(shown(4_001, 5_000), "80.02");
        assert_eq!(shown(5, 5), "100");
        assert_eq!(shown(0, 5), "0");
        assert_eq!(shown(u64::MAX, u64::MAX), "100");
        assert_eq!(shown(0, 0), "0");
    }

    #[test]
    fn numbers_are_whole_where_lists_are_short() {
        let found =
            |severity| Found { severity, rule: "R".into(), message: String::new(), location: String::new() };
        let mut scan = Scan::default();
        for severity in [[Severity::Low; 40], [Severity::High; 40]].concat() {
            scan.find(found(severity));
            scan.accept(found(severity));
        }
        assert_eq!(scan.counts.to_string(), "40 high, 40 low");
        assert_eq!(scan.accepted, scan.counts);
        assert_eq!((scan.found.len(), scan.suppressed.len()), (10, 10));
        let mut tests = Tests::default();
        let mut thresholds = Thresholds::default();
        for _ in 0..9 {
            tests.fail("x".into());
            thresholds.cross("x".into());
        }
        assert_eq!((tests.failed, tests.failures.len()), (9, 5));
        assert_eq!((thresholds.crossed, thresholds.lines.len()), (9, 5));
    }
}
