//! One story out of reports, jobs and the run: what every channel tells in its own way.
//!
//! What ran is in `steps`, which version went where in `versions`; what it all amounts to is the `event`.

mod event;
mod steps;
mod versions;

use std::time::Duration;

use indexmap::{IndexMap, IndexSet};
use sluice_config::Event;
use sluice_core::{DeploymentPayload, Problem, Report, Subject, SubjectKind, Verdict};

pub(crate) use self::{
    steps::{Reason, Step, took},
    versions::Change,
};
use crate::{
    background::Background,
    jobs::Jobs,
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

impl ChangeCommit {
    /// The pull request, where the subject does not name it already.
    pub(crate) fn untold_pull(&self) -> Option<u64> {
        self.pull.filter(|number| !self.subject.raw().ends_with(&format!("(#{number})")))
    }
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
        let steps = steps::of(&found, expected, jobs, &background.jobs);
        let verdict = steps::together(&steps)
            .or(event.and_then(event::verdict_of))
            .ok_or_else(|| nothing_to_tell(&found))?;
        let mut commits: Vec<Commit> =
            distinct(subjects(&found.reports, SubjectKind::Commit).filter_map(Commit::of_subject));
        if commits.is_empty() {
            commits.extend(run.commit.clone());
        }
        let was_never_begun = steps::was_never_begun(jobs, &background.jobs);
        let event = event::settle(event, verdict, &found.reports, background.before, was_never_begun);
        let progress = progress::of(stages, event, jobs, &found.reports);
        Ok(Self {
            event,
            verdict,
            environment: environment.map(Untrusted::new),
            steps,
            changes: distinct(found.reports.iter().flat_map(versions::changes)),
            images: distinct(
                subjects(&found.reports, SubjectKind::Image).map(|image| Untrusted::new(&image.name)),
            ),
            commits,
            range: background.range,
            approvers: approvers(&found.reports),
            links: links(&found.reports),
            duration: background.duration,
            deployed: versions::deployed(&found.reports, components),
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
            (Event::Cancelled, _) => "Cancelled",
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

fn nothing_to_tell(found: &Found) -> Problem {
    let no_report = match &found.looked_in {
        None => "no folder of reports is given".to_owned(),
        Some((folder, true)) => format!("no action left a report in {folder}"),
        Some((folder, false)) => format!("there is no folder {folder}"),
    };
    Problem::undecided("nothing to tell: there is no report and no job")
        .why(format!("{no_report}, and `needs` names no job"))
        .help("give `needs: ${{ toJSON(needs) }}`, and the reports of the jobs before in `reports`")
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

fn distinct<T: Eq + std::hash::Hash>(all: impl Iterator<Item = T>) -> Vec<T> {
    all.collect::<IndexSet<T>>().into_iter().collect()
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
    use sluice_core::Finding;

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

    pub(crate) fn told_of(found: Found, needs: &str, background: Background) -> Story {
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
}
