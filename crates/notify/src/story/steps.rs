//! What ran, and what should have: one step for each action, and one for all the cells of a matrix.

use std::time::Duration;

use indexmap::{IndexMap, IndexSet};
use sluice_core::{Finding, Problem, Report, Verdict};

use crate::{
    background::Ended,
    jobs::{JobResult, Jobs},
    reports::Found,
    untrusted::Untrusted,
};

/// One thing that ran, or should have.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Step {
    pub(crate) name: Untrusted,
    pub(crate) verdict: Verdict,
    pub(crate) title: Untrusted,
    pub(crate) duration: Option<Duration>,
    /// The log of its job.
    pub(crate) url: Option<String>,
    /// What the verdict rests on, where it is not a good one.
    pub(crate) reasons: Vec<Reason>,
}

/// One finding that is not fine.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Reason {
    pub(crate) subject: Untrusted,
    pub(crate) text: Untrusted,
}

/// What ran, in the order in which it started; then what could not be read, what is missing, and the jobs that add to it.
pub(super) fn of(found: &Found, expected: &[String], jobs: &Jobs, ended: &[Ended]) -> Vec<Step> {
    let mut steps = merged(found);
    steps.extend(found.unreadable.iter().map(Step::of_problem));
    // What was never begun leaves no report.
    if !was_never_begun(jobs, ended) {
        steps.extend(missing(expected, &found.reports).map(Step::missing));
    }
    steps.extend(job_steps(jobs, found, ended));
    steps
}

/// Whether a job was cancelled, and GitHub knows of no cancelled job of this run that had begun a step. A job that waits
/// for its turn is cancelled so when a newer run comes to wait there:
/// <https://docs.github.com/en/actions/concepts/workflows-and-actions/concurrency>.
///
/// All that were cancelled are looked at: which one of them `needs` means, their names do not surely tell.
pub(super) fn was_never_begun(jobs: &Jobs, ended: &[Ended]) -> bool {
    let mut cancelled = ended.iter().filter(|job| job.conclusion == "cancelled").peekable();
    jobs.count(JobResult::Cancelled) > 0 && cancelled.peek().is_some() && cancelled.all(|job| !job.has_begun)
}

/// The worst of all steps. One that had nothing to do takes nothing away from one that was done.
pub(super) fn together(steps: &[Step]) -> Option<Verdict> {
    let worst = steps.iter().map(|step| step.verdict).max()?;
    let was_done = worst == Verdict::Skipped && steps.iter().any(|step| step.verdict == Verdict::Passed);
    Some(if was_done { Verdict::Passed } else { worst })
}

/// The expected actions that left no report.
fn missing<'a>(expected: &'a [String], reports: &[Report]) -> impl Iterator<Item = &'a String> {
    expected.iter().filter(|action| !reports.iter().any(|report| report.action == **action))
}

/// The jobs that add to the story: those that did not end well, and all of them where no report tells more.
///
/// A gate that waits for people ends its job with exit code 1, so a job that failed is no failure while at
/// least as many reports say "pending" as jobs failed, and nothing worse was found.
fn job_steps(jobs: &Jobs, found: &Found, ended: &[Ended]) -> Vec<Step> {
    let failed = jobs.count(JobResult::Failure);
    let was_never_begun = was_never_begun(jobs, ended);
    let waits = jobs.count(JobResult::Cancelled) == 0
        && failed <= found.count(Verdict::Pending)
        && found.reports.iter().all(|report| report.verdict <= Verdict::Pending);
    let no_reports = found.reports.is_empty();
    let is_explained = found.reports.iter().any(|report| !report.verdict.is_good());
    let told = jobs.iter().filter_map(|(name, result)| {
        let (verdict, title) = match result {
            JobResult::Failure if waits => {
                (Verdict::Pending, "ended without success, as a job that waits does")
            }
            JobResult::Failure if is_explained => (Verdict::Failed, "failed"),
            JobResult::Failure => (Verdict::Failed, "failed, and no report says why"),
            JobResult::Cancelled if was_never_begun => (
                Verdict::Skipped,
                "was cancelled before it began, by a person or by a newer run in its place",
            ),
            JobResult::Cancelled => (Verdict::Undecided, "was cancelled"),
            JobResult::Success if no_reports => (Verdict::Passed, "succeeded"),
            JobResult::Skipped if no_reports => (Verdict::Skipped, "was skipped"),
            JobResult::Success | JobResult::Skipped => return None,
        };
        let parts: Vec<&Ended> = ended.iter().filter(|job| job.is_part_of(name)).collect();
        Some(Step::new(format!("job {name}"), verdict, title).detailed(&parts))
    });
    told.collect()
}

/// A report, and the folder that it lay in.
type Cell<'a> = (&'a str, &'a Report);

/// One step for each action and command of each job, and one for all the jobs of a matrix.
///
/// Reports of the same action in different folders are those of a matrix's cells; in one folder they are different
/// steps of one job.
fn merged(found: &Found) -> Vec<Step> {
    let mut groups: IndexMap<(&str, Option<&str>), Vec<Cell<'_>>> = IndexMap::new();
    let cells = found.cells.iter().map(String::as_str).chain(std::iter::repeat(""));
    for (report, cell) in std::iter::zip(&found.reports, cells) {
        groups.entry((&report.action, report.command.as_deref())).or_default().push((cell, report));
    }
    let is_matrix = |group: &[Cell<'_>]| {
        let cells: IndexSet<&str> = group.iter().map(|(cell, _)| *cell).collect();
        group.len() > 1 && cells.len() == group.len()
    };
    let (matrices, single): (Vec<_>, Vec<_>) = groups.into_values().partition(|group| is_matrix(group));
    let mut steps: Vec<_> =
        single.into_iter().flatten().map(|(_, one)| (one.started_at, Step::of_report(one))).collect();
    steps.extend(matrices.iter().map(|cells| (cells[0].1.started_at, Step::of_matrix(cells))));
    steps.sort_by_key(|(started_at, _)| *started_at);
    steps.into_iter().map(|(_, step)| step).collect()
}

impl Step {
    fn new(name: impl Into<String>, verdict: Verdict, title: impl Into<String>) -> Self {
        Self {
            name: Untrusted::new(name),
            verdict,
            title: Untrusted::new(title),
            duration: None,
            url: None,
            reasons: Vec::new(),
        }
    }

    fn of_report(report: &Report) -> Self {
        let bad = |finding: &&Finding| !finding.verdict.is_good();
        Self {
            duration: Duration::try_from_secs_f64(report.duration).ok(),
            reasons: report.findings.iter().filter(bad).map(Reason::of_finding).collect(),
            ..Self::new(name_of(report), report.verdict, &report.title)
        }
    }

    /// The cells of a matrix as one: the worst verdict, and which cells are not fine.
    fn of_matrix(cells: &[Cell<'_>]) -> Self {
        let bad: Vec<_> = cells.iter().filter(|(_, report)| !report.verdict.is_good()).collect();
        let titles: IndexSet<&str> = cells.iter().map(|(_, report)| report.title.as_str()).collect();
        let all = cells.len();
        let title = match (bad.len(), titles.len()) {
            (0, 1) => format!("{} in all {all} jobs", titles[0]),
            (0, _) => format!("all {all} jobs are fine"),
            (bad, _) => {
                format!("{bad} of {all} jobs {}", if bad == 1 { "is not fine" } else { "are not fine" })
            }
        };
        let reason = |(cell, report): &&Cell<'_>| Reason {
            subject: Untrusted::new(*cell),
            text: Untrusted::new(&report.title),
        };
        let longest =
            cells.iter().filter_map(|(_, report)| Duration::try_from_secs_f64(report.duration).ok()).max();
        let verdict = cells.iter().map(|(_, report)| report.verdict).max().unwrap_or(Verdict::Undecided);
        let name = cells.first().map(|(_, report)| name_of(report)).unwrap_or_default();
        Self {
            duration: longest,
            reasons: bad.iter().map(reason).collect(),
            ..Self::new(name, verdict, title)
        }
    }

    /// With what GitHub knows of the job: how long it took, where its log is, at which steps it failed.
    fn detailed(self, parts: &[&Ended]) -> Self {
        let failed: Vec<&&Ended> = parts.iter().filter(|job| job.failed()).collect();
        let steps = failed.iter().flat_map(|job| {
            job.failed_steps.iter().map(|step| Reason {
                subject: Untrusted::new(&job.name),
                text: Untrusted::new(format!("the step \"{step}\" failed")),
            })
        });
        Self {
            duration: parts.iter().filter_map(|job| job.duration).max(),
            url: failed.first().or(parts.first().as_ref()).and_then(|job| job.url.clone()),
            reasons: steps.collect(),
            ..self
        }
    }

    fn of_problem(problem: &Problem) -> Self {
        let title = match &problem.why {
            Some(why) => format!("{}: {why}", problem.what),
            None => problem.what.clone(),
        };
        Self::new("report", problem.verdict, title)
    }

    fn missing(action: &String) -> Self {
        Self::new(action, Verdict::Undecided, "left no report, and one is expected")
    }

    /// How long it took, as people say it.
    pub(crate) fn took(&self) -> Option<String> {
        self.duration.map(took)
    }
}

/// A length of time as people say it: no more digits than matter.
pub(crate) fn took(duration: Duration) -> String {
    let milliseconds = duration.as_millis();
    if milliseconds < 1000 {
        format!("{milliseconds}ms")
    } else if milliseconds < 9_950 {
        format!("{:.1}s", duration.as_secs_f64())
    } else {
        let rounded = duration.as_secs().saturating_add(u64::from(duration.subsec_millis() >= 500));
        sluice_core::Period(Duration::from_secs(rounded)).to_string()
    }
}

fn name_of(report: &Report) -> String {
    match &report.command {
        Some(command) => format!("{} {command}", report.action),
        None => report.action.clone(),
    }
}

impl Reason {
    fn of_finding(finding: &Finding) -> Self {
        Self { subject: Untrusted::new(&finding.subject), text: Untrusted::new(&finding.reason) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        background::Background,
        story::tests::{report, told_of},
    };

    #[test]
    fn the_cells_of_a_matrix_are_one_step() {
        let cell = |verdict, title| report("smoke-test", verdict, title);
        let reports = vec![
            report("gate-approval", Verdict::Passed, "approved"),
            cell(Verdict::Passed, "12 of 12 checks passed"),
            cell(Verdict::Failed, "1 of 12 checks failed"),
            report("bump-image-tag", Verdict::Passed, "dev"),
            report("bump-image-tag", Verdict::Passed, "production"),
        ];
        let cells = ["", "reports-eu", "reports-us", "one", "one"].map(str::to_owned).to_vec();
        let story = told_of(Found { reports, cells, ..Found::default() }, "{}", Background::default());
        let steps: Vec<_> = story.steps.iter().map(|step| (step.name.raw(), step.title.raw())).collect();
        assert_eq!(
            steps,
            [
                ("gate-approval", "approved"),
                ("bump-image-tag", "dev"),
                ("bump-image-tag", "production"),
                ("smoke-test", "1 of 2 jobs is not fine"),
            ]
        );
        let [reason] = story.steps[3].reasons.as_slice() else { panic!("{:?}", story.steps) };
        assert_eq!((reason.subject.raw(), reason.text.raw()), ("reports-us", "1 of 12 checks failed"));
        assert_eq!(story.verdict, Verdict::Failed);
    }

    #[test]
    fn a_job_that_failed_tells_its_steps_and_its_log() {
        let job = Ended {
            name: "smoke (eu)".into(),
            conclusion: "failure".into(),
            duration: Some(Duration::from_secs(94)),
            url: Some("https://github.com/acme/shop/actions/runs/7/job/9".into()),
            failed_steps: vec!["Check".into()],
            has_begun: true,
        };
        let background = Background { jobs: vec![job], ..Background::default() };
        let story = told_of(Found::default(), r#"{"smoke": {"result": "failure"}}"#, background);
        let step = &story.steps[0];
        assert_eq!((step.took().as_deref(), step.name.raw()), (Some("1m 34s"), "job smoke"));
        assert!(step.url.as_deref().unwrap().ends_with("/job/9"));
        assert_eq!(step.reasons[0].text.raw(), "the step \"Check\" failed");
    }

    #[test]
    fn a_length_of_time_is_said_shortly() {
        let said = [0.04, 9.94, 9.96, 94.3, 3723.0].map(|seconds| took(Duration::from_secs_f64(seconds)));
        assert_eq!(said, ["40ms", "9.9s", "10s", "1m 34s", "1h 2m 3s"]);
        let mut odd = report("x", Verdict::Passed, "x");
        for seconds in [-1.0, 1e300, f64::NAN] {
            odd.duration = seconds;
            assert_eq!(Step::of_report(&odd).took(), None);
        }
    }
}
