//! `reports`: what the reports of scanners, linters and tests tell is within limits.
//!
//! `report` is what any report tells, whichever tool wrote it; `severity` is the one model of how bad a
//! finding is; `about` tells a report of something else.
//!
//! A file that holds no whole report (empty, cut off, of a run that failed), and a report about another image
//! or another commit, is a no: what was asked for is not there. A report that should be there and is not,
//! that can't be read, or that tells of nothing that the rule limits, leaves the answer open, unless what
//! the others tell is a no already.

mod about;
mod report;
mod severity;

use serde::{Deserialize, Serialize};

use self::{about::Relation, report::Percent};
pub use self::{
    about::{About, Image},
    report::{Coverage, Found, Report, Scan, Tests, Thresholds, Told},
    severity::{Counts, Limits, Severity},
};
use crate::{Outcome, Policy, Question, State, decide};

/// What the reports may tell.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reports {
    /// The glob of the reports, for people.
    pub path: String,
    /// How many findings there may be.
    pub limits: Limits,
    /// At most so many tests may fail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failures: Option<u32>,
    /// At least this part of the lines is covered, in hundredths of a percent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coverage: Option<u32>,
    /// At most so many thresholds may be crossed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thresholds: Option<u32>,
}

/// What was read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// The reports, in the order of their names.
    pub readings: Vec<Reading>,
}

/// One file: its name, and what it holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    /// The file's path from the repository's root.
    pub name: String,
    /// What it holds.
    pub content: Content,
}

/// What a file holds. The reasons are to be read after its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Content {
    /// A whole report.
    Report(Report),
    /// Something that is no whole report, and why: "is empty".
    NoReport(String),
    /// Nobody knows, and why: "could not be read: Permission denied".
    Unread(String),
}

impl Policy for Reports {
    type Facts = Facts;

    fn judge(&self, facts: &Facts, question: &Question) -> Outcome {
        if facts.readings.is_empty() {
            return Outcome::new(State::Undecided, format!("no file matches {}", self.path)).help(WRITE_IT);
        }
        let Sorted { told, silent, hollow, foreign } = Sorted::new(facts, question);
        let statements = if told.is_empty() { Vec::new() } else { self.statements(&told) };
        let state = decide(
            [
                (!silent.is_empty()).then_some(State::Undecided),
                (!hollow.is_empty() || !foreign.is_empty()).then_some(State::Rejected),
            ]
            .into_iter()
            .flatten()
            .chain(statements.iter().map(|statement| statement.state)),
        );

        let decisive: Vec<&Statement> =
            statements.iter().filter(|statement| statement.state == state).collect();
        let mut reasons = Vec::new();
        match state {
            State::Rejected => {
                reasons.extend(self.summary(&foreign, facts, "are about something else"));
                reasons.extend(self.summary(&hollow, facts, "are no whole reports"));
            }
            State::Undecided => reasons.extend(self.summary(&silent, facts, "tell nothing")),
            _ => {}
        }
        if !decisive.is_empty() {
            let texts: Vec<&str> = decisive.iter().map(|statement| statement.text.as_str()).collect();
            reasons.push(format!("{}: {}", self.path, texts.join(", ")));
        }

        let findings_are_too_many = decisive.iter().any(|statement| statement.is_of_findings);

        // What the reason says already is not said again.
        let silent_too = if state == State::Undecided && silent.len() == 1 { &[][..] } else { &silent };
        let foreign_too = if foreign.len() == 1 { &[][..] } else { &foreign };
        let hollow_too = if hollow.len() == 1 { &[][..] } else { &hollow };
        let mut outcome = Outcome::new(state, reasons.join("; "));
        for statement in decisive {
            outcome = outcome.evidence(statement.shown.iter().cloned());
        }
        let summaries: Vec<String> = told.iter().map(|(name, report)| format!("{name}: {report}")).collect();
        outcome = outcome
            .evidence(first(foreign_too))
            .evidence(first(hollow_too))
            .evidence(first(silent_too))
            .evidence(first(&summaries))
            .evidence(suppressed(&told));
        match state {
            State::Rejected if !foreign.is_empty() => outcome.help(SCAN_THIS),
            State::Rejected if !hollow.is_empty() => outcome.help(RUN_AGAIN),
            State::Rejected if findings_are_too_many => outcome.help(FIX),
            State::Rejected => outcome.help(MEND),
            State::Undecided if !silent.is_empty() => outcome.help(SEE_WHY),
            State::Undecided => outcome.help(LIMIT),
            _ => outcome,
        }
    }
}

const WRITE_IT: &str = "let the step that writes the report run before the gate, in the same job or with its artifact downloaded";
const SCAN_THIS: &str =
    "write the report about what goes there: scan the image by its digest, check out the commit";
const FIX: &str = "fix them, or have the scanner suppress what is accepted, with its justification";
const MEND: &str = "mend what fails, and write the report again";
const RUN_AGAIN: &str = "see why the tool wrote no whole report, and run it again";
const SEE_WHY: &str = "let the gate read the report, and let the report tell the digest of its image";
const LIMIT: &str = "name in the rule what its reports tell, and only that";

/// How many lines of one kind are shown.
const SHOWN: usize = 5;

/// The reports, by what they are good for.
struct Sorted<'a> {
    told: Vec<(&'a str, &'a Report)>,
    /// Why nobody knows what others tell of this, a line each.
    silent: Vec<String>,
    /// Why others are no whole reports, a line each.
    hollow: Vec<String>,
    /// What others are about, a line each.
    foreign: Vec<String>,
}

impl<'a> Sorted<'a> {
    fn new(facts: &'a Facts, question: &Question) -> Self {
        let mut sorted =
            Self { told: Vec::new(), silent: Vec::new(), hollow: Vec::new(), foreign: Vec::new() };
        for Reading { name, content } in &facts.readings {
            match content {
                Content::Report(report) => sorted.sort(name, report, question),
                Content::NoReport(why) => sorted.hollow.push(format!("{name} {why}")),
                Content::Unread(why) => sorted.silent.push(format!("{name} {why}")),
            }
        }
        sorted
    }

    fn sort(&mut self, name: &'a str, report: &'a Report, question: &Question) {
        let relations = || report.about.iter().map(|about| about.relation_to(question));
        if let Some(what) = relations().find_map(Relation::foreign) {
            self.foreign.push(format!("{name} {what}"));
        } else if let Some(what) = relations().find_map(Relation::not_said) {
            self.silent.push(format!("{name} {what}"));
        } else {
            self.told.push((name, report));
        }
    }
}

/// What the reports say about one thing that the rule limits.
struct Statement {
    state: State,
    text: String,
    /// What it rests on, a line each.
    shown: Vec<String>,
    is_of_findings: bool,
}

impl Statement {
    fn new(state: State, text: impl Into<String>) -> Self {
        Self { state, text: text.into(), shown: Vec::new(), is_of_findings: false }
    }
}

impl Reports {
    /// Whether nothing is limited.
    pub fn is_empty(&self) -> bool {
        self.limits.is_empty()
            && self.failures.is_none()
            && self.coverage.is_none()
            && self.thresholds.is_none()
    }

    /// One statement for each kind of thing that is limited, and one for each kind that reports tell of and
    /// nothing limits: such a report would do whatever it says.
    fn statements(&self, told: &[(&str, &Report)]) -> Vec<Statement> {
        let mut findings = Vec::new();
        let mut tests = Vec::new();
        let mut coverage = Vec::new();
        let mut thresholds = Vec::new();
        for (name, report) in told {
            match &report.told {
                Told::Findings(scan) => findings.push(scan),
                Told::Tests(one) => tests.push(one),
                Told::Coverage(one) => coverage.push((*name, *one)),
                Told::Thresholds(one) => thresholds.push(one),
            }
        }
        let limits = (!self.limits.is_empty()).then_some(&self.limits);
        [
            stated("findings", limits, &findings, of_findings),
            stated("tests", self.failures, &tests, of_tests),
            stated("coverage", self.coverage, &coverage, of_coverage),
            stated("thresholds", self.thresholds, &thresholds, of_thresholds),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// Why some of the reports are no good: the one reason, or how many there are.
    fn summary(&self, lines: &[String], facts: &Facts, what: &str) -> Option<String> {
        match lines {
            [] => None,
            [one] => Some(one.clone()),
            many => Some(format!("{}: {} of {} reports {what}", self.path, many.len(), facts.readings.len())),
        }
    }
}

/// The statement about one kind of thing.
fn stated<L, T>(
    kind: &str,
    limit: Option<L>,
    told: &[T],
    say: impl Fn(L, &[T]) -> Statement,
) -> Option<Statement> {
    match (limit, told) {
        (None, []) => None,
        (None, _) => Some(Statement::new(
            State::Undecided,
            format!("reports tell of {kind}, and the rule limits none"),
        )),
        (Some(_), []) => Some(Statement::new(State::Undecided, format!("no report tells of {kind}"))),
        (Some(limit), told) => Some(say(limit, told)),
    }
}

fn of_findings(limits: &Limits, scans: &[&Scan]) -> Statement {
    let counts: Counts = scans.iter().map(|scan| &scan.counts).sum();
    let exceeded = limits.exceeded_by(&counts);
    if !exceeded.is_empty() {
        let mut found: Vec<&Found> = scans.iter().flat_map(|scan| &scan.found).collect();
        found.retain(|found| exceeded.contains(&found.severity));
        found.sort_by_key(|found| found.severity);
        let all = exceeded.iter().map(|severity| counts.get(*severity)).fold(0, u64::saturating_add);
        return Statement {
            shown: list(&found, all).collect(),
            is_of_findings: true,
            ..Statement::new(State::Rejected, limits.measure(&counts, &exceeded))
        };
    }
    let unknown = counts.get(Severity::Unknown);
    if unknown > 0 && limits.unknown.is_none() {
        return Statement::new(
            State::Undecided,
            format!("{unknown} of unknown severity, which may be any: `unknown` says how many there may be"),
        );
    }
    Statement::new(State::Approved, limits.measure(&counts, &limits.severities()))
}

fn of_tests(limit: u32, all: &[&Tests]) -> Statement {
    let failed = all.iter().fold(0_u64, |sum, tests| sum.saturating_add(tests.failed));
    Statement {
        shown: shown(all.iter().flat_map(|tests| &tests.failures), failed),
        ..at_most(limit, failed, "failed")
    }
}

fn of_thresholds(limit: u32, all: &[&Thresholds]) -> Statement {
    let crossed = all.iter().fold(0_u64, |sum, thresholds| sum.saturating_add(thresholds.crossed));
    Statement {
        shown: shown(all.iter().flat_map(|thresholds| &thresholds.lines), crossed),
        ..at_most(limit, crossed, "crossed")
    }
}

fn at_most(limit: u32, number: u64, what: &str) -> Statement {
    let state = if number > u64::from(limit) { State::Rejected } else { State::Approved };
    Statement::new(state, format!("{number} {what} ({limit} allowed)"))
}

/// Every report has to reach the floor: a part that is well covered is no excuse for another.
fn of_coverage(floor: u32, all: &[(&str, Coverage)]) -> Statement {
    let least = all.iter().map(|(_, coverage)| coverage.hundredths()).min().unwrap_or(0);
    let state = if least < u64::from(floor) { State::Rejected } else { State::Approved };
    let text = format!("{} % covered ({} % required)", Percent(least), Percent(u64::from(floor)));
    Statement::new(state, text)
}

/// The first lines, and how many more there are.
fn first(lines: &[String]) -> Vec<String> {
    shown(lines, lines.len() as u64)
}

fn shown<'a>(lines: impl IntoIterator<Item = &'a String>, all: u64) -> Vec<String> {
    lines.into_iter().take(SHOWN).cloned().chain(more(all)).collect()
}

/// The first of so many findings in columns, and how many more there are.
fn list(found: &[&Found], all: u64) -> impl Iterator<Item = String> {
    let shown = &found[..found.len().min(SHOWN)];
    let width =
        |cell: fn(&Found) -> &str| shown.iter().map(|found| cell(found).chars().count()).max().unwrap_or(0);
    let (rules, locations) = (width(|found| &found.rule), width(|found| &found.location));
    let line = move |Found { severity, rule, location, message }: &Found| {
        format!("{severity:8}  {rule:rules$}  {location:locations$}  {message}").trim_end().to_owned()
    };
    shown.iter().map(move |found| line(found)).chain(more(all))
}

fn more(all: u64) -> Option<String> {
    (all > SHOWN as u64).then(|| format!("… and {} more", all - SHOWN as u64))
}

/// What was found, accepted by someone, and not counted.
fn suppressed(told: &[(&str, &Report)]) -> Vec<String> {
    let scans: Vec<&Scan> = told
        .iter()
        .filter_map(|(_, report)| match &report.told {
            Told::Findings(scan) => Some(scan),
            _ => None,
        })
        .collect();
    let counts: Counts = scans.iter().map(|scan| &scan.accepted).sum();
    let found: Vec<&Found> = scans.iter().flat_map(|scan| &scan.suppressed).collect();
    list(&found, counts.all()).map(|line| format!("suppressed, not counted: {line}")).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::question::tests::question;

    const ALL: [Severity; 5] =
        [Severity::Critical, Severity::High, Severity::Medium, Severity::Low, Severity::Unknown];

    fn report(told: Told) -> Report {
        Report { tools: vec!["tool".into()], about: vec![About::default()], told }
    }

    fn scan(severities: &[Severity]) -> Report {
        let mut scan = Scan::default();
        for severity in severities {
            scan.find(Found {
                severity: *severity,
                rule: "R".into(),
                message: "bad".into(),
                location: "x:1".into(),
            });
        }
        report(Told::Findings(scan))
    }

    fn tests(failed: u64) -> Report {
        let mut tests = Tests { ran: 9, ..Tests::default() };
        (0..failed).for_each(|number| tests.fail(format!("test {number}")));
        report(Told::Tests(tests))
    }

    fn coverage(covered: u64, lines: u64) -> Report {
        report(Told::Coverage(Coverage { covered, lines }))
    }

    fn thresholds(crossed: u64) -> Report {
        let mut thresholds = Thresholds { all: 9, ..Thresholds::default() };
        (0..crossed).for_each(|number| thresholds.cross(format!("threshold {number}")));
        report(Told::Thresholds(thresholds))
    }

    fn reading(report: Report) -> Reading {
        Reading { name: "a".into(), content: Content::Report(report) }
    }

    fn empty() -> Reading {
        Reading { name: "b".into(), content: Content::NoReport("is empty".into()) }
    }

    fn unread() -> Reading {
        Reading { name: "e".into(), content: Content::Unread("could not be read: Permission denied".into()) }
    }

    fn about(commit: &str) -> Reading {
        let mut report = scan(&[]);
        report.about.push(About { image: None, commits: vec![commit.into()] });
        Reading { name: "c".into(), content: Content::Report(report) }
    }

    /// A report of an image that does not tell its digest.
    fn vague() -> Reading {
        let mut report = scan(&[]);
        let names = vec!["shop/backend:v1".to_owned()];
        report.about.push(About { image: Some(Image { names, digests: vec![] }), commits: vec![] });
        Reading { name: "d".into(), content: Content::Report(report) }
    }

    fn rule(limits: &serde_json::Value) -> Reports {
        let mut rule = serde_json::json!({"path": "r/*", "limits": {}});
        for (key, value) in limits.as_object().unwrap() {
            let is_severity = ALL.iter().any(|severity| severity.to_string() == *key);
            if is_severity { rule["limits"][key] = value.clone() } else { rule[key] = value.clone() }
        }
        serde_json::from_value(rule).unwrap()
    }

    fn judge(rule: &Reports, readings: Vec<Reading>) -> Outcome {
        let mut question = question("2026-11-18T12:00:00Z");
        question.digest = Some(format!("sha256:{}", "1".repeat(64)));
        rule.judge(&Facts { readings }, &question)
    }

    #[expect(clippy::needless_pass_by_value, reason = "so that calls are short")]
    fn told(limits: serde_json::Value, readings: Vec<Reading>) -> String {
        let outcome = judge(&rule(&limits), readings);
        let answer = format!("{:?}: {}", outcome.state, outcome.reason);
        [answer].into_iter().chain(outcome.evidence).chain(outcome.help).collect::<Vec<_>>().join("; ")
    }

    #[test]
    fn what_every_tool_tells_is_limited_in_one_shape() {
        use serde_json::json;
        insta::assert_snapshot!(told(json!({"failures": 1}), vec![reading(tests(1)), reading(tests(0))]), @"Approved: r/*: 1 failed (1 allowed); test 0; a: 9 ran, 1 failed, 0 skipped by tool; a: 9 ran, 0 failed, 0 skipped by tool");
        insta::assert_snapshot!(told(json!({"failures": 1}), vec![reading(tests(1)), reading(tests(1))]), @"Rejected: r/*: 2 failed (1 allowed); test 0; test 0; a: 9 ran, 1 failed, 0 skipped by tool; a: 9 ran, 1 failed, 0 skipped by tool; mend what fails, and write the report again");
        insta::assert_snapshot!(told(json!({"thresholds": 0}), vec![reading(thresholds(0))]), @"Approved: r/*: 0 crossed (0 allowed); a: 0 of 9 thresholds crossed by tool");
        insta::assert_snapshot!(told(json!({"thresholds": 6}), vec![reading(thresholds(7))]), @"Rejected: r/*: 7 crossed (6 allowed); threshold 0; threshold 1; threshold 2; threshold 3; threshold 4; … and 2 more; a: 7 of 9 thresholds crossed by tool; mend what fails, and write the report again");
        insta::assert_snapshot!(told(json!({"coverage": 8000}), vec![reading(coverage(4, 5))]), @"Approved: r/*: 80 % covered (80 % required); a: 80 % of 5 lines covered by tool");
        insta::assert_snapshot!(told(json!({"coverage": 8000}), vec![reading(coverage(5, 5)), reading(coverage(79_999, 100_000))]), @"Rejected: r/*: 79.99 % covered (80 % required); a: 100 % of 5 lines covered by tool; a: 79.99 % of 100000 lines covered by tool; mend what fails, and write the report again");
        insta::assert_snapshot!(told(json!({"high": 0, "failures": 0}), vec![reading(scan(&[])), reading(tests(1))]), @"Rejected: r/*: 1 failed (0 allowed); test 0; a: nothing found by tool; a: 9 ran, 1 failed, 0 skipped by tool; mend what fails, and write the report again");
        insta::assert_snapshot!(told(json!({"high": 0, "failures": 0}), vec![reading(scan(&[Severity::High])), reading(tests(1))]), @"Rejected: r/*: 1 high (0 allowed), 1 failed (0 allowed); high      R  x:1  bad; test 0; a: 1 high by tool; a: 9 ran, 1 failed, 0 skipped by tool; fix them, or have the scanner suppress what is accepted, with its justification");
    }

    #[test]
    fn what_nothing_limits_and_what_nothing_tells_leaves_the_answer_open() {
        use serde_json::json;
        insta::assert_snapshot!(told(json!({"critical": 0}), vec![reading(tests(0))]), @"Undecided: r/*: no report tells of findings, reports tell of tests, and the rule limits none; a: 9 ran, 0 failed, 0 skipped by tool; name in the rule what its reports tell, and only that");
        insta::assert_snapshot!(told(json!({"critical": 0}), vec![reading(scan(&[])), reading(coverage(1, 1))]), @"Undecided: r/*: reports tell of coverage, and the rule limits none; a: nothing found by tool; a: 100 % of 1 lines covered by tool; name in the rule what its reports tell, and only that");
        insta::assert_snapshot!(told(json!({"failures": 0, "coverage": 1, "thresholds": 2}), vec![reading(tests(0))]), @"Undecided: r/*: no report tells of coverage, no report tells of thresholds; a: 9 ran, 0 failed, 0 skipped by tool; name in the rule what its reports tell, and only that");
        insta::assert_snapshot!(told(json!({"critical": 0}), vec![reading(scan(&[Severity::Unknown]))]), @"Undecided: r/*: 1 of unknown severity, which may be any: `unknown` says how many there may be; a: 1 unknown by tool; name in the rule what its reports tell, and only that");
        insta::assert_snapshot!(told(json!({"critical": 0, "unknown": 1}), vec![reading(scan(&[Severity::Unknown]))]), @"Approved: r/*: 0 critical (0 allowed), 1 unknown (1 allowed); a: 1 unknown by tool");
        insta::assert_snapshot!(told(json!({"critical": 0}), vec![unread()]), @"Undecided: e could not be read: Permission denied; let the gate read the report, and let the report tell the digest of its image");
        insta::assert_snapshot!(told(json!({"critical": 0}), vec![unread(), unread(), reading(scan(&[]))]), @"Undecided: r/*: 2 of 3 reports tell nothing; e could not be read: Permission denied; e could not be read: Permission denied; a: nothing found by tool; let the gate read the report, and let the report tell the digest of its image");
        insta::assert_snapshot!(told(json!({"critical": 0}), vec![vague()]), @"Undecided: d is about shop/backend:v1, and does not tell its digest; let the gate read the report, and let the report tell the digest of its image");
    }

    #[test]
    fn what_is_no_whole_report_is_a_no() {
        use serde_json::json;
        let limits = || json!({"critical": 0});
        insta::assert_snapshot!(told(limits(), vec![empty()]), @"Rejected: b is empty; see why the tool wrote no whole report, and run it again");
        insta::assert_snapshot!(told(limits(), vec![empty(), reading(scan(&[])), unread(), empty()]), @"Rejected: r/*: 2 of 4 reports are no whole reports; b is empty; b is empty; e could not be read: Permission denied; a: nothing found by tool; see why the tool wrote no whole report, and run it again");
        insta::assert_snapshot!(told(limits(), vec![empty(), about("bbbbbbb"), reading(scan(&[Severity::Critical]))]), @"Rejected: c is about the commit bbbbbbb, not aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa; b is empty; r/*: 1 critical (0 allowed); critical  R  x:1  bad; a: 1 critical by tool; write the report about what goes there: scan the image by its digest, check out the commit");
    }

    #[test]
    fn a_report_of_something_else_is_a_no() {
        use serde_json::json;
        let limits = || json!({"critical": 0});
        insta::assert_snapshot!(told(limits(), vec![about(&"a".repeat(40))]), @"Approved: r/*: 0 critical (0 allowed); c: nothing found by tool");
        insta::assert_snapshot!(told(limits(), vec![reading(scan(&[])), about(&"b".repeat(40))]), @"Rejected: c is about the commit bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb, not aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa; a: nothing found by tool; write the report about what goes there: scan the image by its digest, check out the commit");
        insta::assert_snapshot!(told(limits(), vec![about("bbbbbbb"), about("ccccccc"), unread()]), @"Rejected: r/*: 2 of 3 reports are about something else; c is about the commit bbbbbbb, not aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa; c is about the commit ccccccc, not aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa; e could not be read: Permission denied; write the report about what goes there: scan the image by its digest, check out the commit");
        insta::assert_snapshot!(told(limits(), vec![about("bbbbbbb"), reading(scan(&[Severity::Critical]))]), @"Rejected: c is about the commit bbbbbbb, not aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa; r/*: 1 critical (0 allowed); critical  R  x:1  bad; a: 1 critical by tool; write the report about what goes there: scan the image by its digest, check out the commit");
    }

    #[test]
    fn no_more_are_told_of_than_there_are() {
        let evidence =
            |failed| judge(&rule(&serde_json::json!({"failures": 0})), vec![reading(tests(failed))]).evidence;
        assert_eq!(evidence(5)[4..], ["test 4", "a: 9 ran, 5 failed, 0 skipped by tool"]);
        assert_eq!(evidence(6)[4..], ["test 4", "… and 1 more", "a: 9 ran, 6 failed, 0 skipped by tool"]);
    }

    #[test]
    fn a_rule_without_a_limit_is_empty() {
        use serde_json::json;
        assert!(rule(&json!({})).is_empty());
        for limit in ["critical", "unknown", "failures", "coverage", "thresholds"] {
            assert!(!rule(&json!({limit: 0})).is_empty(), "{limit}");
        }
    }

    #[test]
    fn what_is_accepted_is_told_and_not_counted() {
        let mut accepted = Scan::default();
        for _ in 0..7 {
            accepted.accept(Found {
                severity: Severity::Critical,
                rule: "R".into(),
                message: "bad".into(),
                location: "x:1".into(),
            });
        }
        let outcome = judge(
            &rule(&serde_json::json!({"critical": 0})),
            vec![reading(report(Told::Findings(accepted)))],
        );
        assert_eq!(outcome.state, State::Approved);
        assert_eq!(outcome.evidence.len(), 7);
        assert_eq!(outcome.evidence[1], "suppressed, not counted: critical  R  x:1  bad");
        assert_eq!(outcome.evidence[6], "suppressed, not counted: … and 2 more");
    }

    fn any_report() -> impl Strategy<Value = Reading> {
        prop_oneof![
            4 => prop::collection::vec(prop::sample::select(&ALL[..]), 0..4).prop_map(|severities| reading(scan(&severities))),
            1 => (0_u64..3).prop_map(|failed| reading(tests(failed))),
            1 => (0_u64..=10).prop_map(|covered| reading(coverage(covered, 10))),
            1 => (0_u64..3).prop_map(|crossed| reading(thresholds(crossed))),
            1 => Just(empty()),
            1 => Just(unread()),
            1 => Just(about("bbbbbbb")),
            1 => Just(vague()),
        ]
    }

    fn any_rule() -> impl Strategy<Value = Reports> {
        let limit = || prop::option::of(0_u32..4);
        let limits = (limit(), limit(), limit(), limit(), limit()).prop_map(
            |(critical, high, medium, low, unknown)| Limits { critical, high, medium, low, unknown },
        );
        (limits, limit(), prop::option::of(0_u32..=10_000), limit()).prop_map(
            |(limits, failures, coverage, thresholds)| Reports {
                path: "r/*".into(),
                limits,
                failures,
                coverage,
                thresholds,
            },
        )
    }

    /// Makes a report worse in one thing.
    fn worsen(reading: &mut Reading, severity: Severity) {
        let Content::Report(report) = &mut reading.content else { return };
        match &mut report.told {
            Told::Findings(scan) => scan.find(Found {
                severity,
                rule: "MORE".into(),
                message: String::new(),
                location: String::new(),
            }),
            Told::Tests(tests) => tests.fail("more".into()),
            Told::Coverage(coverage) => coverage.covered = coverage.covered.saturating_sub(1),
            Told::Thresholds(thresholds) => thresholds.cross("more".into()),
        }
    }

    proptest! {
        #[test]
        fn one_more_finding_never_improves_the_answer(
            rule in any_rule(),
            readings in prop::collection::vec(any_report(), 1..5),
            at in any::<prop::sample::Index>(),
            severity in prop::sample::select(&ALL[..]),
        ) {
            let before = judge(&rule, readings.clone());
            let mut worse = readings;
            worsen(at.get_mut(&mut worse), severity);
            prop_assert!(judge(&rule, worse).state >= before.state);
        }

        #[test]
        fn a_report_that_tells_nothing_or_of_something_else_never_lets_through(
            rule in any_rule(),
            readings in prop::collection::vec(any_report(), 0..5),
            more in prop::sample::select(vec![empty(), unread(), about("bbbbbbb"), vague()]),
        ) {
            let mut with_more = readings;
            with_more.push(more);
            prop_assert!(judge(&rule, with_more).state > State::Approved);
        }

        #[test]
        fn what_is_let_through_is_within_every_limit(
            rule in any_rule(),
            readings in prop::collection::vec(any_report(), 1..5),
        ) {
            if judge(&rule, readings.clone()).state != State::Approved {
                return Ok(());
            }
            let mut found = [0_u32; 5];
            let (mut failed, mut crossed) = (0, 0);
            for reading in &readings {
                let Content::Report(report) = &reading.content else { panic!("let through: {reading:?}") };
                match &report.told {
                    Told::Findings(scan) => {
                        for severity in ALL {
                            found[severity as usize] += u32::try_from(scan.counts.get(severity)).unwrap();
                        }
                    }
                    Told::Tests(tests) => failed += u32::try_from(tests.failed).unwrap(),
                    Told::Coverage(coverage) => prop_assert!(coverage.covered * 10_000 >= u64::from(rule.coverage.unwrap()) * coverage.lines),
                    Told::Thresholds(thresholds) => crossed += u32::try_from(thresholds.crossed).unwrap(),
                }
            }
            let Limits { critical, high, medium, low, unknown } = rule.limits;
            for (found, limit) in found.into_iter().zip([critical, high, medium, low, unknown]) {
                prop_assert!(limit.is_none_or(|limit| found <= limit));
            }
            prop_assert!(found[4] == 0 || unknown.is_some());
            prop_assert!(failed <= rule.failures.unwrap_or(0));
            prop_assert!(crossed <= rule.thresholds.unwrap_or(0));
        }
    }
}
