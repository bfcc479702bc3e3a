//! Reads the reports that `reports` judges.
//!
//! `files` finds them, `format` tells whose each is, and the files named for the tools read one: all of
//! them pure, from bytes to what the report tells, or to why it tells nothing (`silent`).

mod checkov;
mod cobertura;
mod conftest;
mod files;
mod format;
mod grype;
mod junit;
mod k6;
mod lcov;
mod sarif;
mod silent;
mod trivy;
mod trufflehog;
mod xml;

use sluice_config::Placed;
use sluice_core::{Place, Problem};
use sluice_gate::{
    Gathered, Source,
    reports::{Content, Facts, Limits, Reading, Reports},
};
use sluice_glob::Glob;

use crate::condition::{Gather, World};

pub(crate) struct Gatherer {
    glob: Glob,
    policy: Reports,
}

impl Gatherer {
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
        let policy = policy(rule);
        if policy.is_empty() {
            return Err(wrong("the reports have no limit")
                .why("without one every report would do")
                .help("say how many findings there may be, as `critical: 0`; for tests `failures: 0`")
                .at(place));
        }
        Ok(Self { glob, policy })
    }
}

fn policy(rule: &sluice_config::Reports) -> Reports {
    let sluice_config::Reports { path, critical, high, medium, low, unknown, failures, coverage, thresholds } =
        rule;
    Reports {
        path: path.value.clone(),
        limits: Limits { critical: *critical, high: *high, medium: *medium, low: *low, unknown: *unknown },
        failures: *failures,
        coverage: coverage.map(sluice_config::Percent::hundredths),
        thresholds: *thresholds,
    }
}

impl Gather for Gatherer {
    type Policy = Reports;

    fn policy(&self) -> Reports {
        self.policy.clone()
    }

    async fn gather(&self, world: &World<'_>) -> Result<Gathered<Facts>, Problem> {
        let root = world.cx.root();
        let mut readings = Vec::new();
        let mut sources = Vec::new();
        for file in files::matching(root, &self.glob)? {
            world.cx.cancellation().check()?;
            let content = match file.read(root) {
                Ok(bytes) => match format::read(&bytes) {
                    Ok(report) => Content::Report(report),
                    Err(silent) => Content::NoReport(silent.to_string()),
                },
                Err(why) => Content::Unread(why),
            };
            sources.push(Source { url: file.name(), at: world.cx.now() });
            readings.push(Reading { name: file.name(), content });
        }
        Ok(Gathered::read(Facts { readings }, sources))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use sluice_gate::reports::{Found, Told};

    use serde_json::json;
    use sluice_config::File;
    use sluice_core::{Configuration as _, Problems};

    use sluice_gate::{Outcome, State};

    use super::*;
    use crate::Policy;

    /// What a report tells, a line each; what is accepted stands in brackets.
    pub(super) fn told(bytes: &[u8]) -> String {
        let report = format::read(bytes).unwrap();
        let line = |found: &Found| {
            format!("{:8}  {}  {}  {}", found.severity, found.rule, found.location, found.message)
        };
        let lines: Vec<String> = match &report.told {
            Told::Findings(scan) => {
                let suppressed = scan.suppressed.iter().map(|found| format!("({})", line(found)));
                scan.found.iter().map(line).chain(suppressed).collect()
            }
            Told::Tests(tests) => tests.failures.clone(),
            Told::Thresholds(thresholds) => thresholds.lines.clone(),
            Told::Coverage(_) => Vec::new(),
        };
        std::iter::once(report.to_string()).chain(lines).collect::<Vec<_>>().join("\n")
    }

    /// The reports condition of a configuration.
    fn condition(rule: &str) -> Result<Gatherer, Problems> {
        let text = format!("version: 1\nenvironments:\n  x:\n    gate:\n      reports:\n        - {rule}\n");
        let file: File<Policy> = File::parse(text.as_bytes(), "f")?;
        let rule = &crate::policy::gate(&file, "x")?.reports[0];
        Ok(Gatherer::new(rule, file.place_of(rule), |text| file.place_of(text))?)
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
        crate::condition::tests::outcome(condition(rule).unwrap(), root.path())
    }

    fn shown(outcome: &Outcome) -> String {
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
        insta::assert_snapshot!(shown(&outcome), @r##"
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
        insta::assert_snapshot!(shown(&outcome), @r##"
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
        insta::assert_snapshot!(shown(&outcome), @r##"
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
    fn what_holds_no_whole_report_is_a_no() {
        let rule = "{path: 'r/*.sarif', high: 1}";
        insta::assert_snapshot!(shown(&ask(rule, &[("r/a.sarif", "")])), @"
Rejected: r/a.sarif is empty
help: see why the tool wrote no whole report, and run it again
");
        insta::assert_snapshot!(shown(&ask(rule, &[("r/a.sarif", ""), ("r/b.sarif", &sarif(&[])), ("r/c.sarif", "{}")])), @"
Rejected: r/*.sarif: 2 of 3 reports are no whole reports
r/a.sarif is empty
r/c.sarif is in no format that is read (SARIF, Trivy, Grype, Checkov, conftest, TruffleHog, JUnit, Cobertura, LCOV, k6)
r/b.sarif: nothing found by scanner
help: see why the tool wrote no whole report, and run it again
");
        insta::assert_snapshot!(shown(&ask(rule, &[("r/a.sarif", &sarif(&["error"])[..40])])), @"
Rejected: r/a.sarif is cut off: EOF while parsing a string at line 1 column 40
help: see why the tool wrote no whole report, and run it again
");
        insta::assert_snapshot!(shown(&ask(rule, &[("r/a.sarif", ""), ("r/b.sarif", &sarif(&["error", "error"]))])), @"
Rejected: r/a.sarif is empty; r/*.sarif: 2 high (1 allowed)
high      R  (no file)  bad
high      R  (no file)  bad
r/b.sarif: 2 high by scanner
help: see why the tool wrote no whole report, and run it again
");
    }

    #[test]
    fn what_is_not_there_or_can_t_be_read_is_neither_yes_nor_no() {
        let rule = "{path: 'r/*.sarif', high: 1}";
        insta::assert_snapshot!(shown(&ask(rule, &[("r/a.json", "")])), @"
Undecided: no file matches r/*.sarif
help: let the step that writes the report run before the gate, in the same job or with its artifact downloaded
");

        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("r")).unwrap();
        fs::write(root.path().join("r/a.sarif"), sarif(&[])).unwrap();
        std::os::unix::fs::symlink("nowhere", root.path().join("r/b.sarif")).unwrap();
        let outcome = crate::condition::tests::outcome(condition(rule).unwrap(), root.path());
        insta::assert_snapshot!(shown(&outcome), @"
Undecided: r/b.sarif could not be read: No such file or directory (os error 2)
r/a.sarif: nothing found by scanner
help: let the gate read the report, and let the report tell the digest of its image
");
    }

    #[test]
    fn a_severity_without_a_limit_is_not_limited_and_unknown_is_one_of_its_own() {
        let files = [("a.sarif", &*sarif(&["error", "error", "fatal"]))];
        // What nobody knows may be critical.
        assert_eq!(ask("{path: a.sarif, critical: 0}", &files).state, State::Undecided);
        assert_eq!(ask("{path: a.sarif, critical: 0, unknown: 1}", &files).state, State::Approved);
        assert_eq!(ask("{path: a.sarif, unknown: 0}", &files).state, State::Rejected);
    }

    #[test]
    fn what_is_suppressed_is_named_and_not_counted() {
        let checkov = include_str!("../../tests/fixtures/checkov.sarif");
        insta::assert_snapshot!(shown(&ask("{path: a.sarif, high: 8, medium: 0}", &[("a.sarif", checkov)])), @r##"
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

    #[test]
    fn the_configuration_s_keys_are_their_severities() {
        let rule: sluice_config::Reports = serde_json::from_value(
            json!({"path": "x", "critical": 1, "high": 2, "medium": 3, "low": 4, "unknown": 5}),
        )
        .unwrap();
        let limits = serde_json::to_value(policy(&rule).limits).unwrap();
        assert_eq!(limits, json!({"critical": 1, "high": 2, "medium": 3, "low": 4, "unknown": 5}));
    }
}
