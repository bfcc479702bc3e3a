//! `reports`: the findings in the reports of scanners and linters are within limits.
//!
//! `severity` is the one model of how bad a finding is. A report that should be there and is not, and one
//! that can't be read, tells nothing: the answer is undecided, unless what the others tell is a no already.

mod severity;

use std::fmt;

use serde::{Deserialize, Serialize};

use self::severity::Counts;
pub use self::severity::{Limits, Severity};
use crate::{Outcome, Policy, Question, State};

/// How many findings there may be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reports {
    /// The glob of the reports, for people.
    pub path: String,
    /// The limits.
    pub limits: Limits,
}

/// What was read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// The reports, in the order of their names.
    pub readings: Vec<Reading>,
}

/// One report: its name, and what it tells or why it tells nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    /// The file's path from the repository's root.
    pub name: String,
    /// What it tells; or why it tells nothing, to be read after the name: "is empty".
    pub scan: Result<Scan, String>,
}

/// What a report tells.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scan {
    /// The tools that wrote it.
    pub tools: Vec<String>,
    /// What was found.
    pub found: Vec<Found>,
    /// What was found, and accepted by someone.
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

/// What was counted, and by which tools.
impl fmt::Display for Scan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = Counts::of(self.found.iter().map(|found| found.severity));
        write!(f, "{counts} by {}", self.tools.join(", "))
    }
}

impl Policy for Reports {
    type Facts = Facts;

    fn judge(&self, facts: &Facts, _: &Question) -> Outcome {
        judge(&self.path, &self.limits, &facts.readings)
    }
}

/// How many lines of one kind are shown.
const SHOWN: usize = 5;

/// Decides from what was read: too many findings are a no, whatever else a silent report may hold.
fn judge(path: &str, limits: &Limits, readings: &[Reading]) -> Outcome {
    if readings.is_empty() {
        return Outcome::new(State::Undecided, format!("no file matches {path}"))
            .help("let the step that writes the report run before the gate, in the same job or with its artifact downloaded");
    }
    let told = || readings.iter().filter_map(|reading| Some((&reading.name, reading.scan.as_ref().ok()?)));
    let silent: Vec<String> = readings
        .iter()
        .filter_map(|reading| Some(format!("{} {}", reading.name, reading.scan.as_ref().err()?)))
        .collect();
    let mut found: Vec<&Found> = told().flat_map(|(_, scan)| &scan.found).collect();
    found.sort_by_key(|found| found.severity);
    let counts = Counts::of(found.iter().map(|found| found.severity));
    let exceeded = limits.exceeded_by(&counts);

    let outcome = if !exceeded.is_empty() {
        found.retain(|found| exceeded.contains(&found.severity));
        Outcome::new(State::Rejected, format!("{path}: {}", limits.measure(&counts, &exceeded)))
            .evidence(list(&found))
            .evidence(first(&silent))
            .help("fix them, or have the scanner suppress what is accepted, with its justification")
    } else if let [one] = silent.as_slice() {
        Outcome::new(State::Undecided, one).help(RUN_AGAIN)
    } else if !silent.is_empty() {
        let reason = format!("{path}: {} of {} reports tell nothing", silent.len(), readings.len());
        Outcome::new(State::Undecided, reason).evidence(first(&silent)).help(RUN_AGAIN)
    } else {
        Outcome::new(State::Approved, format!("{path}: {}", limits.measure(&counts, &limits.severities())))
    };
    let summaries: Vec<String> = told().map(|(name, scan)| format!("{name}: {scan}")).collect();
    let suppressed: Vec<&Found> = told().flat_map(|(_, scan)| &scan.suppressed).collect();
    outcome
        .evidence(first(&summaries))
        .evidence(list(&suppressed).map(|line| format!("suppressed, not counted: {line}")))
}

const RUN_AGAIN: &str = "see why the scanner wrote no whole report, and run it again";

/// The first lines, and how many more there are.
fn first(lines: &[String]) -> impl Iterator<Item = String> {
    lines.iter().take(SHOWN).cloned().chain(more(lines.len()))
}

/// The first findings in columns, and how many more there are.
fn list(found: &[&Found]) -> impl Iterator<Item = String> {
    let shown = &found[..found.len().min(SHOWN)];
    let width =
        |cell: fn(&Found) -> &str| shown.iter().map(|found| cell(found).chars().count()).max().unwrap_or(0);
    let (rules, locations) = (width(|found| &found.rule), width(|found| &found.location));
    let line = move |Found { severity, rule, location, message }: &Found| {
        format!("{severity:8}  {rule:rules$}  {location:locations$}  {message}").trim_end().to_owned()
    };
    shown.iter().map(move |found| line(found)).chain(more(found.len()))
}

fn more(all: usize) -> Option<String> {
    (all > SHOWN).then(|| format!("… and {} more", all - SHOWN))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SOME: [Severity; 4] = [Severity::High, Severity::Medium, Severity::Low, Severity::Unknown];

    proptest! {
        /// Findings, and reports that tell nothing, only ever close the gate.
        #[test]
        fn one_more_finding_or_one_more_silent_report_never_turns_to_yes(
            severities in prop::collection::vec(prop::sample::select(&SOME[..]), 0..8),
            more in prop::sample::select(&SOME[..]),
            limits in prop::array::uniform4(prop::option::of(0_u32..4)),
            silent in any::<bool>(),
        ) {
            let [high, medium, low, unknown] = limits;
            let limits = Limits { critical: None, high, medium, low, unknown };
            let found = |severity: &Severity| Found { severity: *severity, rule: "R".into(), message: "bad".into(), location: "x:1".into() };
            let reading = |severities: &[Severity]| Reading {
                name: "a".into(),
                scan: Ok(Scan { tools: vec!["scanner".into()], found: severities.iter().map(found).collect(), suppressed: vec![] }),
            };
            let before = judge("x", &limits, &[reading(&severities)]);
            let mut with_more = vec![reading(&[&severities[..], &[more]].concat())];
            if silent {
                with_more.push(Reading { name: "b".into(), scan: Err("is empty".into()) });
            }
            let after = judge("x", &limits, &with_more);
            prop_assert!(after.state >= before.state);
            prop_assert!(!silent || after.state != State::Approved);
        }
    }
}
