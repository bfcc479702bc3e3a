//! One story out of reports, jobs and the run: what every channel tells in its own way.

use std::time::Duration;

use indexmap::{IndexMap, IndexSet};
use sluice_config::Event;
use sluice_core::{DeploymentPayload, Finding, Problem, Report, Subject, SubjectKind, Verdict};

use crate::{
    background::{Background, Before, Ended},
    jobs::{JobResult, Jobs},
    mention::Mention,
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
    /// The commits between the version before and the one now.
    pub(crate) range: Option<Range>,
    /// Who approved, as the gate says.
    pub(crate) approvers: Vec<Untrusted>,
    /// Where to look further: a chart, a pull request.
    pub(crate) links: Vec<Link>,
    /// How long the pipeline has taken so far.
    pub(crate) duration: Option<Duration>,
    /// What was deployed.
    pub(crate) deployed: Vec<DeploymentPayload>,
    /// The conditions of gates that look for security findings, and what each of them said.
    pub(crate) scans: Vec<Scan>,
    /// Whom the message mentions.
    pub(crate) mentions: Vec<Mention>,
    /// How far the pipeline is, where its stages are known.
    pub(crate) progress: Vec<Stage>,
    pub(crate) run: Run,
}

/// Commits that one version has and the one before it has not.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Range {
    /// How many there are.
    pub(crate) total: u64,
    /// Some of them, the newest first.
    pub(crate) newest: Vec<ChangeCommit>,
    /// The page that shows them all.
    pub(crate) url: Option<String>,
}

/// A commit of a range.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ChangeCommit {
    /// The first seven digits.
    pub(crate) id: String,
    pub(crate) subject: Untrusted,
    pub(crate) author: Untrusted,
    /// The pull request that it came by.
    pub(crate) pull: Option<u64>,
}

/// A page to look at.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Link {
    pub(crate) label: Untrusted,
    pub(crate) url: String,
}

/// What a gate's condition said of security findings.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Scan {
    /// `findings` or `reports`.
    pub(crate) condition: &'static str,
    pub(crate) verdict: Verdict,
    pub(crate) reason: Untrusted,
    pub(crate) evidence: Vec<Untrusted>,
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

/// The version of an image, before and after.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Change {
    pub(crate) image: Untrusted,
    pub(crate) before: Untrusted,
    pub(crate) after: Untrusted,
}

/// A commit and where it stands.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
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
    pub(crate) background: Background,
    /// The component that is built into an image, by the image's name.
    pub(crate) components: &'a IndexMap<String, String>,
    pub(crate) mentions: Vec<Mention>,
}

impl Story {
    /// Tells the story. Without a report and a job there is nothing to tell, unless the input names the event;
    /// and a success is told on nobody's mere word.
    pub(crate) fn tell(sources: Sources<'_>, run: Run) -> Result<Self, Problem> {
        let Sources { event, environment, found, jobs, expected, stages, background, components, mentions } =
            sources;
        let mut steps = merged(&found);
        steps.extend(found.unreadable.iter().map(Step::of_problem));
        steps.extend(missing(expected, &found.reports).map(Step::missing));
        steps.extend(job_steps(jobs, &found, &background.jobs));
        let worst = together(&steps);
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
        let event = settle(event, verdict, was_undone(&found.reports), background.before);
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
            range: background.range,
            approvers: approvers(&found.reports),
            links: links(&found.reports),
            duration: background.duration,
            deployed: deployed(&found.reports, components),
            scans: found.reports.iter().flat_map(scans).collect(),
            mentions,
            progress,
            run,
        })
    }

    /// The story, told to these as well.
    pub(crate) fn mentioning(&self, more: Vec<Mention>) -> Self {
        let mut story = self.clone();
        for mention in more {
            if !story.mentions.contains(&mention) {
                story.mentions.push(mention);
            }
        }
        story
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
fn settle(asked: Option<Event>, verdict: Verdict, was_undone: bool, before: Before) -> Event {
    let found = match verdict {
        // Where nothing was done, nothing recovered.
        Verdict::Passed if before == Before::Bad => Event::Recovery,
        Verdict::Passed | Verdict::Skipped => Event::Success,
        Verdict::Pending => Event::Pending,
        Verdict::Failed if was_undone => Event::Rollback,
        Verdict::Failed | Verdict::Misconfigured | Verdict::Undecided | Verdict::Broken => Event::Failure,
    };
    match asked {
        Some(Event::Success | Event::Recovery) if !verdict.is_good() => found,
        Some(event) => event,
        None => found,
    }
}

/// The worst of all steps. One that had nothing to do takes nothing away from one that was done.
fn together(steps: &[Step]) -> Option<Verdict> {
    let worst = steps.iter().map(|step| step.verdict).max()?;
    let was_done = worst == Verdict::Skipped && steps.iter().any(|step| step.verdict == Verdict::Passed);
    Some(if was_done { Verdict::Passed } else { worst })
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
fn job_steps(jobs: &Jobs, found: &Found, ended: &[Ended]) -> Vec<Step> {
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

/// Whether the last word was that something was put back as it had been.
fn was_undone(reports: &[Report]) -> bool {
    let undid = |report: &Report| {
        comes_back_by_itself(report) || goes_back(report) && report.verdict == Verdict::Passed
    };
    let failed = reports.iter().rposition(|report| !report.verdict.is_good());
    failed.is_some_and(|failed| reports[failed..].iter().any(undid))
}

/// Whether a rollout failed and put back itself what it had changed.
fn comes_back_by_itself(report: &Report) -> bool {
    report.action == "rollout" && report.facts.iter().any(|fact| fact.name == "rolled back")
}

/// Whether an action put back what had been before.
fn goes_back(report: &Report) -> bool {
    matches!(report.command.as_deref(), Some("rollback" | "undo"))
}

/// Who approved: the gate names them in one fact.
fn approvers(reports: &[Report]) -> Vec<Untrusted> {
    let facts =
        reports.iter().filter(|report| report.action == "gate-approval").flat_map(|report| &report.facts);
    let names = facts.filter(|fact| fact.name == "approved by").flat_map(|fact| fact.value.split(", "));
    distinct(names.filter(|name| !name.trim().is_empty()).map(Untrusted::from))
}

fn links(reports: &[Report]) -> Vec<Link> {
    let links = reports.iter().flat_map(|report| &report.links).filter(|link| link.label != "run");
    let unique: IndexMap<&str, &str> = links.map(|link| (link.url.as_str(), link.label.as_str())).collect();
    unique.into_iter().map(|(url, label)| Link { label: label.into(), url: url.to_owned() }).collect()
}

/// What the reports say was deployed: each image once, with its component and its digest.
///
/// Of a run that went back it is what was tried: what runs again ran before, and a failure told of it would be no truth.
/// The digest is empty where no report tells it, or several do: no soak time counts for it, and a quota does.
fn deployed(reports: &[Report], components: &IndexMap<String, String>) -> Vec<DeploymentPayload> {
    let (back, there): (Vec<&Report>, Vec<&Report>) = reports.iter().partition(|report| goes_back(report));
    let is_tried = there.iter().any(|report| !report.changes.is_empty());
    let versions: IndexMap<&str, &str> = if is_tried { there } else { back }
        .iter()
        .flat_map(|report| &report.changes)
        .map(|change| (change.name.as_str(), change.after.split('@').next().unwrap_or_default()))
        .collect();
    // An image is named with its tag, where it has one.
    let digest = |image: &str, tag: &str| {
        let is_it = |name: &str| {
            name.strip_prefix(image).is_some_and(|rest| rest.is_empty() || rest == format!(":{tag}"))
        };
        let of_image = subjects(reports, SubjectKind::Image).filter(|subject| is_it(&subject.name));
        let digests: IndexSet<&String> = of_image.filter_map(|subject| subject.digest.as_ref()).collect();
        if digests.len() == 1 { digests[0].clone() } else { String::new() }
    };
    let last = |image: &str| image.rsplit('/').next().unwrap_or_default().to_owned();
    versions
        .into_iter()
        .map(|(image, version)| DeploymentPayload {
            component: components.get(image).cloned().unwrap_or_else(|| last(image)),
            image: image.to_owned(),
            digest: digest(image, version),
            version: version.to_owned(),
        })
        .collect()
}

/// What a gate's conditions on security findings said.
fn scans(report: &Report) -> impl Iterator<Item = Scan> {
    let findings = report.findings.iter().filter(|_| report.action == "gate-approval");
    findings.filter_map(|finding| {
        let condition = ["findings", "reports"].into_iter().find(|name| *name == finding.subject)?;
        Some(Scan {
            condition,
            verdict: finding.verdict,
            reason: Untrusted::new(&finding.reason),
            evidence: finding.evidence.iter().map(Untrusted::new).collect(),
        })
    })
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

fn distinct<T: Eq + std::hash::Hash>(all: impl Iterator<Item = T>) -> Vec<T> {
    all.collect::<IndexSet<T>>().into_iter().collect()
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

impl Commit {
    /// Whether it is of another repository than the run: then its branch is named with it, `owner/name:branch`.
    pub(crate) fn is_elsewhere(&self) -> bool {
        self.branch.as_ref().is_some_and(|branch| branch.raw().contains(':'))
    }

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
            background: Background::default(),
            components: &IndexMap::new(),
            mentions: Vec::new(),
        };
        Story::tell(sources, run())
    }

    fn told_of(found: Found, needs: &str, background: Background) -> Story {
        let components = [("registry.example.com/shop/backend".to_owned(), "shop".to_owned())];
        let sources = Sources {
            event: None,
            environment: Some("production".into()),
            found,
            jobs: &Jobs::parse(needs).unwrap(),
            expected: &[],
            stages: &[],
            background,
            components: &components.into_iter().collect(),
            mentions: Vec::new(),
        };
        Story::tell(sources, run()).unwrap()
    }

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
    fn a_good_run_after_a_bad_one_is_a_recovery() {
        let told = |verdict, before| {
            let found = Found { reports: vec![report("x", verdict, "x")], ..Found::default() };
            told_of(found, "{}", Background { before, ..Background::default() }).event
        };
        assert_eq!(told(Verdict::Passed, Before::Bad), Event::Recovery);
        assert_eq!(told(Verdict::Passed, Before::Good), Event::Success);
        assert_eq!(told(Verdict::Passed, Before::Unknown), Event::Success);
        assert_eq!(told(Verdict::Skipped, Before::Bad), Event::Success);
        let reports = vec![report("x", Verdict::Skipped, "x"), report("y", Verdict::Passed, "y")];
        let found = Found { reports, ..Found::default() };
        let background = Background { before: Before::Bad, ..Background::default() };
        assert_eq!(told_of(found, "{}", background).event, Event::Recovery);
        assert_eq!(told(Verdict::Failed, Before::Bad), Event::Failure);
    }

    #[test]
    fn a_rollout_that_put_itself_back_is_a_rollback() {
        let mut deploy = report("rollout", Verdict::Failed, "rolled back: deployment/web");
        assert!(!was_undone(&[deploy.clone()]));
        deploy.facts.push(sluice_core::Fact { name: "rolled back".into(), value: "yes".into() });
        assert!(was_undone(&[deploy]));
    }

    #[test]
    fn what_failed_and_was_put_back_is_a_rollback() {
        let mut undo = report("bump-image-tag", Verdict::Passed, "back to v1.4.1");
        undo.command = Some("rollback".into());
        let failed = report("smoke-test", Verdict::Failed, "1 of 2 checks failed");
        let event = |reports| tell(None, reports, "{}", &[]).unwrap().event;
        assert_eq!(event(vec![failed.clone(), undo.clone()]), Event::Rollback);
        assert_eq!(event(vec![undo.clone(), failed.clone()]), Event::Failure);
        let broken = report("rollout", Verdict::Broken, "could not undo");
        assert_eq!(event(vec![broken, undo]), Event::Failure);
    }

    #[test]
    fn a_job_that_failed_tells_its_steps_and_its_log() {
        let job = Ended {
            name: "smoke (eu)".into(),
            conclusion: "failure".into(),
            duration: Some(Duration::from_secs(94)),
            url: Some("https://github.com/acme/shop/actions/runs/7/job/9".into()),
            failed_steps: vec!["Check".into()],
        };
        let background = Background { jobs: vec![job], ..Background::default() };
        let story = told_of(Found::default(), r#"{"smoke": {"result": "failure"}}"#, background);
        let step = &story.steps[0];
        assert_eq!((step.took().as_deref(), step.name.raw()), (Some("1m 34s"), "job smoke"));
        assert!(step.url.as_deref().unwrap().ends_with("/job/9"));
        assert_eq!(step.reasons[0].text.raw(), "the step \"Check\" failed");
    }

    #[test]
    fn who_approved_and_what_was_deployed_is_read() {
        let mut gate = report("gate-approval", Verdict::Passed, "approved");
        gate.facts.push(sluice_core::Fact { name: "approved by".into(), value: "hubot, monalisa".into() });
        gate.findings.push(Finding::new("reports", Verdict::Passed, "r/*: 0 critical (0 allowed)"));
        let mut bump = report("bump-image-tag", Verdict::Passed, "1 image set");
        let image = "registry.example.com/shop/backend";
        bump.changes.push(sluice_core::Change {
            name: image.into(),
            place: "production".into(),
            before: "v1".into(),
            after: "v2@sha256:1".into(),
        });
        bump.subjects.push(Subject {
            kind: SubjectKind::Image,
            name: image.into(),
            digest: Some("sha256:1".into()),
        });
        let story =
            told_of(Found { reports: vec![gate, bump], ..Found::default() }, "{}", Background::default());
        assert_eq!(story.approvers.iter().map(Untrusted::raw).collect::<Vec<_>>(), ["hubot", "monalisa"]);
        let [deployed] = story.deployed.as_slice() else { panic!("{:?}", story.deployed) };
        assert_eq!((deployed.component.as_str(), deployed.digest.as_str()), ("shop", "sha256:1"));
        assert_eq!(deployed.version, "v2");
        assert_eq!((story.scans[0].condition, story.scans[0].verdict), ("reports", Verdict::Passed));
    }

    #[test]
    fn of_a_run_that_went_back_what_was_tried_is_told() {
        let image = "registry.example.com/shop/backend";
        let bump = |command: &str, after: &str, digest: &str| {
            let mut bump = report("bump-image-tag", Verdict::Passed, "1 image set");
            bump.command = Some(command.into());
            let (name, place, before) = (image.into(), "dev".into(), "v0".into());
            bump.changes.push(sluice_core::Change {
                name,
                place,
                before,
                after: format!("{after}@{digest}"),
            });
            let name = format!("{image}:{after}");
            bump.subjects.push(Subject { kind: SubjectKind::Image, name, digest: Some(digest.into()) });
            bump
        };
        let told = |reports: &[Report]| {
            let told = deployed(reports, &IndexMap::new()).into_iter();
            told.map(|one| (one.version, one.digest)).collect::<Vec<_>>()
        };
        let (set, back) = (bump("set", "v2", "sha256:2"), bump("rollback", "v1", "sha256:1"));
        assert_eq!(told(&[set.clone(), back.clone()]), [("v2".into(), "sha256:2".into())]);
        assert_eq!(told(&[back]), [("v1".into(), "sha256:1".into())]);
        let again = bump("set", "v2", "sha256:3");
        assert_eq!(told(&[set, again]), [("v2".into(), String::new())]);
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
