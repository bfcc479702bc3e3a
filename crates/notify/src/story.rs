//! One story out of reports, jobs and the run: what every channel tells in its own way.

use std::time::Duration;

use sluice_config::Event;
use sluice_core::{Finding, Problem, Report, Subject, SubjectKind, Verdict};

use crate::{
    jobs::{JobResult, Jobs},
    progress::{self, Stage},
    reports::Found,
    untrusted::Untrusted,
};

/// What a pipeline did.
#[derive(Clone, Debug)]
pub(crate) struct Story {
    pub(crate) event: Event,
    /// The worst verdict of the steps.
    pub(crate) verdict: Verdict,
    pub(crate) environment: Option<Untrusted>,
    /// What ran, in order, then what is missing or failed without a report.
    pub(crate) steps: Vec<Step>,
    /// The images that got another version.
    pub(crate) changes: Vec<Change>,
    /// The images that the reports are about.
    pub(crate) images: Vec<Untrusted>,
    /// The commits that the reports are about, else the one that the run is about.
    pub(crate) commits: Vec<Commit>,
    /// How far the pipeline is, where its stages are known.
    pub(crate) progress: Vec<Stage>,
    pub(crate) run: Run,
}

/// The workflow run, as far as it is one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Run {
    pub(crate) repository: Option<Untrusted>,
    pub(crate) workflow: Option<Untrusted>,
    pub(crate) number: Option<String>,
    pub(crate) attempt: Option<String>,
    pub(crate) actor: Option<Untrusted>,
    pub(crate) commit: Option<Commit>,
    pub(crate) url: Option<String>,
}

/// One thing that ran, or should have.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Step {
    pub(crate) name: Untrusted,
    pub(crate) verdict: Verdict,
    pub(crate) title: Untrusted,
    pub(crate) duration: Option<Duration>,
    /// What the verdict rests on, where it is not a good one.
    pub(crate) reasons: Vec<Reason>,
}

/// One finding that is not fine.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Reason {
    pub(crate) subject: Untrusted,
    pub(crate) text: Untrusted,
}

/// The version of an image, before and after.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Change {
    pub(crate) image: Untrusted,
    pub(crate) before: Untrusted,
    pub(crate) after: Untrusted,
}

/// A commit and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Commit {
    pub(crate) branch: Option<Untrusted>,
    pub(crate) id: Untrusted,
}

/// What the story is made of besides the run.
#[derive(Debug)]
pub(crate) struct Sources<'a> {
    pub(crate) event: Option<Event>,
    pub(crate) environment: Option<String>,
    pub(crate) found: Found,
    pub(crate) jobs: &'a Jobs,
    /// The actions whose report must be there.
    pub(crate) expected: &'a [String],
    /// The stages of the pipeline, in order.
    pub(crate) stages: &'a [String],
}

impl Story {
    /// Tells the story. Without a report and a job there is nothing to tell, unless the input names the event;
    /// and a success is told on nobody's mere word.
    pub(crate) fn tell(sources: Sources<'_>, run: Run) -> Result<Self, Problem> {
        let Sources { event, environment, found, jobs, expected, stages } = sources;
        let mut steps: Vec<Step> = found.reports.iter().map(Step::of_report).collect();
        steps.extend(found.unreadable.iter().map(Step::of_problem));
        steps.extend(missing(expected, &found.reports).map(Step::missing));
        steps.extend(job_steps(jobs, &found));
        let worst = steps.iter().map(|step| step.verdict).max();
        let verdict = worst.or(event.and_then(verdict_of)).ok_or_else(|| {
            Problem::undecided("nothing to tell: there is no report and no job")
                .why("no action left a report where notify looks, and `needs` names no job")
                .help("give `needs: ${{ toJSON(needs) }}`, and the reports of the jobs before in `reports`")
        })?;
        let mut commits: Vec<Commit> =
            distinct(subjects(&found.reports, SubjectKind::Commit).filter_map(Commit::of_subject));
        if commits.is_empty() {
            commits.extend(run.commit.clone());
        }
        let event = settle(event, verdict);
        let progress = progress::of(stages, event, jobs, &found.reports);
        Ok(Self {
            event,
            verdict,
            environment: environment.map(Untrusted::new),
            steps,
            changes: distinct(found.reports.iter().flat_map(changes)),
            images: distinct(
                subjects(&found.reports, SubjectKind::Image).map(|image| Untrusted::new(&image.name)),
            ),
            commits,
            progress,
            run,
        })
    }

    /// The answer in a few words, to be followed by "in" and the environment.
    pub(crate) fn outcome(&self) -> &'static str {
        match (self.event, self.verdict) {
            (Event::Start, _) => "Started",
            (Event::Success, _) => "Succeeded",
            (Event::Recovery, _) => "Recovered",
            (Event::Rollback, _) => "Rolled back",
            (Event::Pending, _) => "Waiting for people",
            (Event::Failure, Verdict::Broken) => "Broken: a person is needed",
            (Event::Failure, Verdict::Undecided) => "Undecided",
            (Event::Failure, Verdict::Misconfigured) => "Misconfigured",
            (Event::Failure, _) => "Failed",
        }
    }

    /// The step that the outcome rests on, where it is not a good one.
    pub(crate) fn cause(&self) -> Option<&Step> {
        self.steps.iter().find(|step| step.verdict == self.verdict && !step.verdict.is_good())
    }
}

/// The event to tell. No input turns what is not good into a success.
fn settle(asked: Option<Event>, verdict: Verdict) -> Event {
    let found = match verdict {
        Verdict::Passed | Verdict::Skipped => Event::Success,
        Verdict::Pending => Event::Pending,
        Verdict::Failed | Verdict::Misconfigured | Verdict::Undecided | Verdict::Broken => Event::Failure,
    };
    match asked {
        Some(Event::Success | Event::Recovery) if !verdict.is_good() => found,
        Some(event) => event,
        None => found,
    }
}

/// What an event says by itself; nothing where it wants to be borne out.
fn verdict_of(event: Event) -> Option<Verdict> {
    match event {
        Event::Start => Some(Verdict::Passed),
        Event::Pending => Some(Verdict::Pending),
        Event::Failure | Event::Rollback => Some(Verdict::Failed),
        Event::Success | Event::Recovery => None,
    }
}

/// The expected actions that left no report.
fn missing<'a>(expected: &'a [String], reports: &[Report]) -> impl Iterator<Item = &'a String> {
    expected.iter().filter(|action| !reports.iter().any(|report| report.action == **action))
}

/// The jobs that add to the story: those that did not end well, and all of them where no report tells more.
///
/// A gate that waits for people ends its job with exit code 1, so a job that failed is no failure while at
/// least as many reports say "pending" as jobs failed, and nothing worse was found.
fn job_steps(jobs: &Jobs, found: &Found) -> Vec<Step> {
    let failed = jobs.count(JobResult::Failure);
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
            JobResult::Cancelled => (Verdict::Undecided, "was cancelled"),
            JobResult::Success if no_reports => (Verdict::Passed, "succeeded"),
            JobResult::Skipped if no_reports => (Verdict::Skipped, "was skipped"),
            JobResult::Success | JobResult::Skipped => return None,
        };
        Some(Step::new(format!("job {name}"), verdict, title))
    });
    told.collect()
}

fn subjects(reports: &[Report], kind: SubjectKind) -> impl Iterator<Item = &Subject> {
    reports.iter().flat_map(|report| &report.subjects).filter(move |subject| subject.kind == kind)
}

/// The versions that an action changed, wherever it did.
fn changes(report: &Report) -> impl Iterator<Item = Change> {
    report.changes.iter().map(|sluice_core::Change { name, before, after, .. }| Change {
        image: name.as_str().into(),
        before: before.as_str().into(),
        after: after.as_str().into(),
    })
}

fn distinct<T: PartialEq>(all: impl Iterator<Item = T>) -> Vec<T> {
    all.fold(Vec::new(), |mut kept, one| {
        if !kept.contains(&one) {
            kept.push(one);
        }
        kept
    })
}

impl Step {
    fn new(name: impl Into<String>, verdict: Verdict, title: impl Into<String>) -> Self {
        Self {
            name: Untrusted::new(name),
            verdict,
            title: Untrusted::new(title),
            duration: None,
            reasons: Vec::new(),
        }
    }

    fn of_report(report: &Report) -> Self {
        let name = match &report.command {
            Some(command) => format!("{} {command}", report.action),
            None => report.action.clone(),
        };
        let bad = |finding: &&Finding| !finding.verdict.is_good();
        Self {
            duration: Duration::try_from_secs_f64(report.duration).ok(),
            reasons: report.findings.iter().filter(bad).map(Reason::of_finding).collect(),
            ..Self::new(name, report.verdict, &report.title)
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

impl Reason {
    fn of_finding(finding: &Finding) -> Self {
        Self { subject: Untrusted::new(&finding.subject), text: Untrusted::new(&finding.reason) }
    }
}

impl Commit {
    fn of_subject(subject: &Subject) -> Option<Self> {
        let branch = Some(Untrusted::new(&subject.name)).filter(|name| !name.is_empty());
        Some(Self { branch, id: Untrusted::new(subject.digest.as_ref()?) })
    }
}

impl Run {
    /// The run that this process is a step of.
    pub(crate) fn of(cx: &sluice_core::Context) -> Self {
        let untrusted = |name: &str| cx.variable(name).map(Untrusted::from);
        Self {
            repository: untrusted("GITHUB_REPOSITORY"),
            workflow: untrusted("GITHUB_WORKFLOW"),
            number: cx.variable("GITHUB_RUN_NUMBER").map(str::to_owned),
            attempt: cx.variable("GITHUB_RUN_ATTEMPT").map(str::to_owned),
            actor: untrusted("GITHUB_ACTOR"),
            commit: untrusted("GITHUB_SHA").map(|id| Commit {
                branch: untrusted("GITHUB_HEAD_REF").or(untrusted("GITHUB_REF_NAME")),
                id,
            }),
            url: cx.run_url(),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A report as an action leaves it.
    pub(crate) fn report(action: &str, verdict: Verdict, title: &str) -> Report {
        Report {
            schema: sluice_core::SCHEMA,
            action: action.into(),
            command: None,
            verdict,
            title: title.into(),
            findings: Vec::new(),
            facts: Vec::new(),
            links: Vec::new(),
            subjects: Vec::new(),
            changes: Vec::new(),
            blocks: Vec::new(),
            started_at: "2026-01-02T03:04:05Z".parse().unwrap(),
            duration: 1.24,
        }
    }

    pub(crate) fn run() -> Run {
        Run {
            repository: Some("acme/shop".into()),
            workflow: Some("Deploy".into()),
            number: Some("42".into()),
            attempt: Some("2".into()),
            actor: Some("octocat".into()),
            commit: Some(Commit {
                branch: Some("main".into()),
                id: "1a2b3c4d5e6f7a8b9c0d1a2b3c4d5e6f7a8b9c0d".into(),
            }),
            url: Some("https://github.com/acme/shop/actions/runs/7/attempts/2".into()),
        }
    }

    /// A deployment that a smoke test says no to, with everything that a story can hold.
    pub(crate) fn failure() -> Story {
        let gate = report("gate-approval", Verdict::Passed, "approved: 6 of 6 conditions hold");
        let bump = bump("1 image set in 1 overlay");
        let mut smoke = report("smoke-test", Verdict::Failed, "2 of 12 checks failed");
        smoke.duration = 94.3;
        smoke.findings = vec![
            Finding::new("GET /", Verdict::Passed, "status 200"),
            Finding::new("GET /healthz", Verdict::Failed, "status 503, expected 200"),
            Finding::new("GET /orders", Verdict::Failed, "no answer within 10s"),
        ];
        tell(None, vec![gate, bump, smoke], "{}", &[]).unwrap()
    }

    fn bump(title: &str) -> Report {
        let mut bump = report("bump-image-tag", Verdict::Passed, title);
        let backend = "registry.example.com:5000/shop/backend";
        bump.changes = ["production", "production-eu"]
            .map(|place| sluice_core::Change {
                name: backend.to_owned(),
                place: place.to_owned(),
                before: "v1.4.1".to_owned(),
                after: "v1.4.2".to_owned(),
            })
            .to_vec();
        bump
    }

    pub(crate) fn tell(
        event: Option<Event>,
        reports: Vec<Report>,
        needs: &str,
        expected: &[&str],
    ) -> Result<Story, Problem> {
        let expected: Vec<String> = expected.iter().map(ToString::to_string).collect();
        let sources = Sources {
            event,
            environment: Some("production".into()),
            found: Found { reports, ..Found::default() },
            jobs: &Jobs::parse(needs).unwrap(),
            expected: &expected,
            stages: &[],
        };
        Story::tell(sources, run())
    }

    fn event(verdicts: &[Verdict], needs: &str) -> Event {
        let reports = verdicts.iter().map(|verdict| report("x", *verdict, "x")).collect();
        tell(None, reports, needs, &[]).unwrap().event
    }

    #[test]
    fn the_worst_verdict_is_the_event() {
        use Verdict::*;
        assert_eq!(event(&[Passed, Skipped], "{}"), Event::Success);
        assert_eq!(event(&[Passed, Pending], "{}"), Event::Pending);
        for bad in [Failed, Misconfigured, Undecided, Broken] {
            assert_eq!(event(&[Passed, bad, Pending], "{}"), Event::Failure);
        }
    }

    #[test]
    fn a_job_that_failed_makes_a_failure_whatever_the_reports_say() {
        use Verdict::*;
        let one = |result: &str| format!(r#"{{"build": {{"result": "{result}"}}}}"#);
        assert_eq!(event(&[], &one("success")), Event::Success);
        assert_eq!(event(&[], &one("skipped")), Event::Success);
        assert_eq!(event(&[Passed], &one("failure")), Event::Failure);
        assert_eq!(event(&[Passed], &one("cancelled")), Event::Failure);
        assert_eq!(event(&[Pending], &one("cancelled")), Event::Failure);
    }

    #[test]
    fn a_job_that_waits_is_no_failure_and_one_more_is() {
        let gate = r#"{"gate": {"result": "failure"}}"#;
        let two = r#"{"gate": {"result": "failure"}, "build": {"result": "failure"}}"#;
        assert_eq!(event(&[Verdict::Pending], gate), Event::Pending);
        assert_eq!(event(&[Verdict::Pending], two), Event::Failure);
        assert_eq!(event(&[Verdict::Passed, Verdict::Failed], gate), Event::Failure);
    }

    #[test]
    fn an_expected_report_that_is_missing_is_told_and_is_no_success() {
        let story = tell(
            Some(Event::Success),
            vec![report("a", Verdict::Passed, "done")],
            "{}",
            &["a", "smoke-test"],
        )
        .unwrap();
        assert_eq!((story.event, story.verdict), (Event::Failure, Verdict::Undecided));
        assert_eq!(story.cause().unwrap().name.raw(), "smoke-test");
    }

    #[test]
    fn an_input_names_the_event_but_makes_no_success() {
        let told =
            |event, verdict| tell(Some(event), vec![report("a", verdict, "x")], "{}", &[]).unwrap().event;
        assert_eq!(told(Event::Rollback, Verdict::Failed), Event::Rollback);
        assert_eq!(told(Event::Recovery, Verdict::Passed), Event::Recovery);
        assert_eq!(told(Event::Recovery, Verdict::Broken), Event::Failure);
        assert_eq!(told(Event::Success, Verdict::Pending), Event::Pending);
    }

    #[test]
    fn without_report_and_job_only_what_needs_no_proof_is_told() {
        for event in [None, Some(Event::Success), Some(Event::Recovery)] {
            assert_eq!(tell(event, vec![], "{}", &[]).unwrap_err().verdict, Verdict::Undecided);
        }
        let told = |event| {
            let story = tell(Some(event), vec![], "{}", &[]).unwrap();
            (story.event, story.verdict)
        };
        assert_eq!(told(Event::Start), (Event::Start, Verdict::Passed));
        assert_eq!(told(Event::Failure), (Event::Failure, Verdict::Failed));
        assert_eq!(told(Event::Rollback), (Event::Rollback, Verdict::Failed));
        assert_eq!(told(Event::Pending), (Event::Pending, Verdict::Pending));
    }

    #[test]
    fn versions_are_read_where_they_changed() {
        let story = failure();
        let [change] = story.changes.as_slice() else { panic!("{:?}", story.changes) };
        assert_eq!(change.image.raw(), "registry.example.com:5000/shop/backend");
        assert_eq!((change.before.raw(), change.after.raw()), ("v1.4.1", "v1.4.2"));
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
