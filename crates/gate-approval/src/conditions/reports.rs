//! `reports`: the findings in the reports of scanners and linters are within limits.
//!
//! `files` finds the reports, `sarif` reads one, `severity` is the one model of how bad a finding
//! is; the judgement here is pure. A report that should be there and is not, and one that can't be read,
//! tells nothing: the answer is undecided, unless what the others tell is a no already.

mod files;
mod sarif;
mod severity;

use sluice_config::Placed;
use sluice_core::{Place, Problem};
use sluice_glob::Glob;

use self::{
    sarif::{Found, Scan},
    severity::{Counts, Limits},
};
use crate::{
    State,
    condition::{Condition, Outcome, World},
};

pub(crate) struct Reports {
    glob: Glob,
    limits: Limits,
    place: Place,
}

impl Reports {
    pub(super) fn new(
        rule: &sluice_config::Reports,
        place: Place,
        place_of: impl Fn(&Placed<String>) -> Place,
    ) -> Result<Self, Problem> {
        let wrong = |what: &str| Problem::misconfigured(what);
        let path = rule.path.as_str();
        let glob = Glob::new(path).map_err(|error| {
            wrong("the path of the reports is no glob").why(error).at(place_of(&rule.path))
        })?;
        if glob.is_negated() {
            return Err(wrong("the path of the reports is negated")
                .why("it would name every file but the reports")
                .help("name the reports, as `reports/*.sarif`")
                .at(place_of(&rule.path)));
        }
        if path.starts_with('/') || path.split('/').any(|part| part == "..") {
            return Err(wrong("the path of the reports leads out of the repository")
                .help("name it from the repository's root, as `reports/*.sarif`")
                .at(place_of(&rule.path)));
        }
        let limits = Limits::of(rule);
        if limits.is_empty() {
            return Err(wrong("the reports have no limit")
                .why("without one every report would do")
                .help("say how many findings there may be, as `critical: 0`")
                .at(place));
        }
        Ok(Self { glob, limits, place })
    }
}

impl Condition for Reports {
    fn name(&self) -> &'static str {
        "reports"
    }

    fn place(&self) -> &Place {
        &self.place
    }

    fn evaluate(&self, world: &World<'_>) -> Outcome {
        let files = match files::matching(world.root, &self.glob) {
            Ok(files) => files,
            Err(problem) => return problem.into(),
        };
        let readings: Vec<Reading> = files
            .iter()
            .map(|file| Reading {
                name: file.name(),
                scan: file
                    .read(world.root)
                    .and_then(|bytes| sarif::read(&bytes).map_err(|error| error.to_string())),
            })
            .collect();
        judge(self.glob.as_str(), &self.limits, &readings)
    }
}

/// One report: its name, and what it tells or why it tells nothing.
struct Reading {
    name: String,
    scan: Result<Scan, String>,
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
    use std::fs;

    use proptest::prelude::*;
    use serde_json::json;
    use sluice_config::File;
    use sluice_core::{Configuration as _, Problems};

    use super::*;
    use crate::Policy;

    /// The reports condition of a configuration.
    fn condition(rule: &str) -> Result<Reports, Problems> {
        let text = format!("version: 1\nenvironments:\n  x:\n    gate:\n      reports:\n        - {rule}\n");
        let file: File<Policy> = File::parse(text.as_bytes(), "f")?;
        let rule = &crate::policy::gate(&file, "x")?.reports[0];
        Ok(Reports::new(rule, file.place_of(rule), |text| file.place_of(text))?)
    }

    fn sarif(levels: &[&str]) -> String {
        let results: Vec<_> = levels
            .iter()
            .map(|level| json!({"ruleId": "R", "level": level, "message": {"text": "bad"}}))
            .collect();
        json!({"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "scanner"}}, "results": results}]})
            .to_string()
    }

    fn ask(rule: &str, files: &[(&str, &str)]) -> Outcome {
        let root = tempfile::tempdir().unwrap();
        for (name, content) in files {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        condition(rule).unwrap().evaluate(&World { now: jiff::Timestamp::UNIX_EPOCH, root: root.path() })
    }

    fn told(outcome: &Outcome) -> String {
        let lines = std::iter::once(format!("{:?}: {}", outcome.state, outcome.reason));
        let help = outcome.help.iter().map(|help| format!("help: {help}"));
        lines.chain(outcome.evidence.iter().cloned()).chain(help).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn findings_within_limits_are_a_yes_and_the_limit_itself_is_within() {
        let outcome = ask(
            "{path: 'r/*.sarif', high: 1, medium: 0}",
            &[("r/a.sarif", &sarif(&["error", "note"])), ("r/b.sarif", &sarif(&[]))],
        );
        insta::assert_snapshot!(told(&outcome), @r##"
Approved: r/*.sarif: 1 high (1 allowed), 0 medium (0 allowed)
r/a.sarif: 1 high, 1 low by scanner
r/b.sarif: nothing found by scanner
"##);
    }

    #[test]
    fn findings_of_all_reports_are_counted_together() {
        let outcome = ask(
            "{path: 'r/*.sarif', high: 1, low: 9}",
            &[("r/a.sarif", &sarif(&["note", "error"])), ("r/b.sarif", &sarif(&["error", "warning"]))],
        );
        insta::assert_snapshot!(told(&outcome), @r##"
Rejected: r/*.sarif: 2 high (1 allowed)
high      R  (no file)  bad
high      R  (no file)  bad
r/a.sarif: 1 high, 1 low by scanner
r/b.sarif: 1 high, 1 medium by scanner
help: fix them, or have the scanner suppress what is accepted, with its justification
"##);
    }

    #[test]
    fn many_findings_are_shown_in_few_lines() {
        let outcome = ask(
            "{path: a.sarif, high: 2, medium: 0}",
            &[("a.sarif", &sarif(&["warning", "error", "error", "error", "error", "error", "error"]))],
        );
        insta::assert_snapshot!(told(&outcome), @r##"
Rejected: a.sarif: 6 high (2 allowed), 1 medium (0 allowed)
high      R  (no file)  bad
high      R  (no file)  bad
high      R  (no file)  bad
high      R  (no file)  bad
high      R  (no file)  bad
… and 2 more
a.sarif: 6 high, 1 medium by scanner
help: fix them, or have the scanner suppress what is accepted, with its justification
"##);
    }

    #[test]
    fn a_report_that_is_missing_or_tells_nothing_is_no_yes() {
        insta::assert_snapshot!(told(&ask("{path: 'r/*.sarif', high: 1}", &[("r/a.json", "")])), @r##"
Undecided: no file matches r/*.sarif
help: let the step that writes the report run before the gate, in the same job or with its artifact downloaded
"##);
        insta::assert_snapshot!(told(&ask("{path: 'r/*.sarif', high: 1}", &[("r/a.sarif", "")])), @r##"
Undecided: r/a.sarif is empty
help: see why the scanner wrote no whole report, and run it again
"##);
        insta::assert_snapshot!(told(&ask("{path: 'r/*.sarif', high: 1}", &[("r/a.sarif", ""), ("r/b.sarif", &sarif(&[])), ("r/c.sarif", "{}")])), @r##"
Undecided: r/*.sarif: 2 of 3 reports tell nothing
r/a.sarif is empty
r/c.sarif is not SARIF 2.1.0, the only form that is read: it has no version
r/b.sarif: nothing found by scanner
help: see why the scanner wrote no whole report, and run it again
"##);
    }

    #[test]
    fn a_certain_no_is_a_no_beside_a_report_that_tells_nothing() {
        let outcome =
            ask("{path: 'r/*.sarif', high: 0}", &[("r/a.sarif", ""), ("r/b.sarif", &sarif(&["error"]))]);
        insta::assert_snapshot!(told(&outcome), @r##"
Rejected: r/*.sarif: 1 high (0 allowed)
high      R  (no file)  bad
r/a.sarif is empty
r/b.sarif: 1 high by scanner
help: fix them, or have the scanner suppress what is accepted, with its justification
"##);
    }

    #[test]
    fn a_severity_without_a_limit_is_not_limited_and_unknown_is_one_of_its_own() {
        let files = [("a.sarif", &*sarif(&["error", "error", "fatal"]))];
        assert_eq!(ask("{path: a.sarif, critical: 0}", &files).state, State::Approved);
        assert_eq!(ask("{path: a.sarif, critical: 0, unknown: 1}", &files).state, State::Approved);
        assert_eq!(ask("{path: a.sarif, unknown: 0}", &files).state, State::Rejected);
    }

    #[test]
    fn what_is_suppressed_is_named_and_not_counted() {
        let checkov = include_str!("../../tests/fixtures/checkov.sarif");
        insta::assert_snapshot!(told(&ask("{path: a.sarif, high: 8, medium: 0}", &[("a.sarif", checkov)])), @r##"
Approved: a.sarif: 8 high (8 allowed), 0 medium (0 allowed)
a.sarif: 8 high by Checkov 3.3.30
suppressed, not counted: medium    CKV_AWS_144  main.tf:1  Ensure that S3 bucket has cross-region replication enabled
"##);
    }

    #[test]
    fn what_can_t_be_meant_is_a_configuration_error() {
        let problem = |rule: &str| {
            let Err(problems) = condition(rule) else { panic!("taken: {rule}") };
            let problem = &problems.0[0];
            format!(
                "{}: {problem}: {}",
                problem.place.as_ref().unwrap(),
                problem.why.as_deref().or(problem.help.as_deref()).unwrap_or_default()
            )
        };
        insta::assert_snapshot!(problem("{path: 'r/*.sarif'}"), @"f:6:11: the reports have no limit: without one every report would do");
        insta::assert_snapshot!(problem("{path: 'r/[z-a].sarif', high: 0}"), @r##"f:6:18: the path of the reports is no glob: glob "r/[z-a].sarif", byte 2: the range `z-a` runs backwards; write `a-z`"##);
        insta::assert_snapshot!(problem("{path: '!r/*.sarif', high: 0}"), @"f:6:18: the path of the reports is negated: it would name every file but the reports");
        insta::assert_snapshot!(problem("{path: '../r/*.sarif', high: 0}"), @"f:6:18: the path of the reports leads out of the repository: name it from the repository's root, as `reports/*.sarif`");
        insta::assert_snapshot!(problem("{path: /etc/passwd, high: 0}"), @"f:6:18: the path of the reports leads out of the repository: name it from the repository's root, as `reports/*.sarif`");
        insta::assert_snapshot!(problem("{path: '', high: 0}"), @r##"f:6:18: the path of the reports is no glob: glob "", byte 0: the pattern is empty; write `**` to match every path"##);
        insta::assert_snapshot!(problem("{path: a, high: -1}"), @r##"f:6:27: expected a whole number from 0 to 4294967295, found "-1":"##);
    }

    proptest! {
        /// Findings, and reports that tell nothing, only ever close the gate.
        #[test]
        fn one_more_finding_or_one_more_silent_report_never_turns_to_yes(
            levels in prop::collection::vec(prop::sample::select(vec!["error", "warning", "note", "fatal"]), 0..8),
            more in prop::sample::select(vec!["error", "warning", "note", "fatal"]),
            limits in prop::array::uniform4(prop::option::of(0_u32..4)),
            silent in any::<bool>(),
        ) {
            let [high, medium, low, unknown] = limits;
            let rule: sluice_config::Reports = serde_json::from_value(json!({"path": "x", "high": high, "medium": medium, "low": low, "unknown": unknown})).unwrap();
            let limits = Limits::of(&rule);
            let reading = |levels: &[&str]| Reading { name: "a".into(), scan: sarif::read(sarif(levels).as_bytes()).map_err(|error| error.to_string()) };
            let before = judge("x", &limits, &[reading(&levels)]);
            let mut with_more = vec![reading(&[&levels[..], &[more]].concat())];
            if silent {
                with_more.push(Reading { name: "b".into(), scan: Err("is empty".into()) });
            }
            let after = judge("x", &limits, &with_more);
            prop_assert!(after.state >= before.state);
            prop_assert!(!silent || after.state != State::Approved);
        }
    }
}
