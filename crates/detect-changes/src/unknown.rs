//! What is told when there was no telling what to compare with, and everything counts as changed.

use sluice_core::{Draft, Finding, Problem, Verdict};

use crate::outputs::Outputs;

/// Says so in the outputs. All files counted as new; but a `filter` that asks for deleted files, say, hits
/// none of them, and may not be told as unchanged for that.
pub(crate) fn tell_steps<'a>(outputs: &mut Outputs, filters: impl Iterator<Item = &'a str>) {
    outputs.complete = false;
    for filter in filters {
        if outputs.named.insert(filter.to_owned(), true.into()) != Some(true.into()) {
            outputs.changes.push(filter.to_owned());
        }
    }
    outputs.any = !outputs.changes.is_empty();
}

/// Says so to people, with the reason first.
pub(crate) fn tell_people(report: &mut Draft, why: Problem) {
    report.verdict = Verdict::Passed;
    report.title = format!("everything counts as changed: {}", report.title);
    let why = Finding::from(why);
    report.findings.insert(0, Finding { subject: "base".to_owned(), verdict: Verdict::Skipped, ..why });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_stands_first_and_the_run_goes_on() {
        let mut report = Draft::new(Verdict::Skipped, "no filter matched (0 files)");
        report.finding(Finding::new("docs", Verdict::Skipped, "no changed file matches"));
        tell_people(&mut report, Problem::undecided("the commit before the push is gone").why("why"));
        assert_eq!(report.verdict, Verdict::Passed);
        assert_eq!(report.title, "everything counts as changed: no filter matched (0 files)");
        assert_eq!(report.findings[0].reason, "the commit before the push is gone: why");
    }
}
