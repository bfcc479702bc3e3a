//! Findings that have a place, or more to tell than their reason, as annotations of the run.

use crate::{
    Finding, Report, Verdict, escape,
    workflow_command::{Level, annotation},
};

/// GitHub shows ten annotations of a level for a step, and drops the others without a word:
/// <https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands>
const SHOWN: usize = 10;

/// How much of the evidence an annotation holds: the first lines, each cut.
const LINES: usize = 6;
const CHARACTERS: usize = 200;

/// One annotation a finding that is not fine and has a place or evidence; one for the run when some have neither.
pub(crate) fn annotations(report: &Report) -> Vec<String> {
    let title = format!("{}: {}", report.action, report.verdict);
    let bad: Vec<_> = report.findings.iter().filter(|finding| !finding.verdict.is_good()).collect();
    let mut lines: Vec<String> = bad
        .iter()
        .filter(|finding| finding.place.is_some() || !finding.evidence.is_empty())
        .take(SHOWN - 1)
        .map(|finding| annotation(level(finding.verdict), &title, finding.place.as_ref(), &message(finding)))
        .collect();
    if !report.verdict.is_good() && lines.len() < bad.len().max(1) {
        lines.push(annotation(level(report.verdict), &title, None, &report.title));
    }
    lines
}

/// What the annotation says, where nothing else stands beside it.
fn message(finding: &Finding) -> String {
    let is_the_place = finding.place.as_ref().is_some_and(|place| place.file == finding.subject);
    let subject = if is_the_place { String::new() } else { format!("{}: ", finding.subject) };
    let evidence = finding.evidence.iter().take(LINES).map(|line| {
        let cut: String = escape::line(line).chars().take(CHARACTERS).collect();
        format!("\n{cut}")
    });
    let help = finding.help.as_ref().map_or_else(String::new, |help| format!("\n{help}"));
    format!("{subject}{}{}{help}", finding.reason, evidence.collect::<String>())
}

const fn level(verdict: Verdict) -> Level {
    if matches!(verdict, Verdict::Pending) { Level::Warning } else { Level::Error }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Place;

    #[test]
    fn a_finding_with_a_place_annotates_it() {
        insta::assert_snapshot!(annotations(&crate::report::tests::sample()).join("\n"), @"::error file=.github/sluice.yml,line=34,col=9,title=gate-approval%3A failed::reports: trivy.sarif: 2 critical, 0 allowed%0ACVE-2026-0001 in a\\n::error::x%0Afix them, or raise `critical`");
    }

    #[test]
    fn evidence_is_told_where_no_line_of_it_can_forge_another_command() {
        let mut report = crate::report::tests::sample();
        report.findings = vec![Finding::new("deployment/web", Verdict::Failed, "it crashes")];
        for line in ["web | no such host", "::warning::x\nforged", &"long".repeat(100)] {
            report.findings[0].evidence.push(line.to_owned());
        }
        let told = annotations(&report);
        assert_eq!(told.len(), 1);
        let lines: Vec<&str> = told[0].split("%0A").collect();
        assert_eq!(lines[1], "web | no such host");
        assert!(!lines[2].starts_with("::") && !told[0].contains('\n'), "{told:?}");
        assert_eq!(lines[3].chars().count(), CHARACTERS);
    }

    #[test]
    fn a_failure_is_never_without_an_annotation_nor_with_more_than_are_shown() {
        let mut report = crate::report::tests::sample();
        report.findings.clear();
        assert_eq!(annotations(&report).len(), 1);
        for line in 1..50 {
            report.findings.push(Finding::new("x", Verdict::Failed, "no").at(Place {
                file: "f".into(),
                line: Some(line),
                column: None,
            }));
        }
        assert_eq!(annotations(&report).len(), SHOWN);
        report.verdict = Verdict::Passed;
        report.findings.clear();
        assert_eq!(annotations(&report), [""; 0]);
    }
}
