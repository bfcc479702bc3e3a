//! What only GitHub knows of the pipeline: how its jobs went, what changed between two versions, and how the run
//! before this one ended.
//!
//! None of it is needed to tell the story. What can't be found out is said in the report, and holds no message.

use std::time::Duration;

use serde_json::Value;
use sluice_core::{Context, Finding, Problem, Verdict};
use sluice_github::{Error, RunJob};
use tokio::time::{Instant, timeout_at};

use crate::{
    github::{Current, Github},
    story::{ChangeCommit, Range},
    untrusted::Untrusted,
};

/// How long all questions may take together: a message is not held for longer.
const PATIENCE: Duration = Duration::from_secs(30);

/// What is known beyond reports and `needs`.
#[derive(Debug, Default)]
pub(crate) struct Background {
    pub(crate) jobs: Vec<Ended>,
    /// How long ago the first job began.
    pub(crate) duration: Option<Duration>,
    pub(crate) range: Option<Range>,
    pub(crate) before: Before,
    /// What could not be found out.
    pub(crate) notes: Vec<Finding>,
}

/// How the run before this one ended, of the same workflow and for the same environment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Before {
    Good,
    Bad,
    /// There was none, or it is not known.
    #[default]
    Unknown,
}

/// A job that has ended.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Ended {
    pub(crate) name: String,
    pub(crate) conclusion: String,
    pub(crate) duration: Option<Duration>,
    /// Its log.
    pub(crate) url: Option<String>,
    pub(crate) failed_steps: Vec<String>,
    /// Whether it had begun a step.
    pub(crate) has_begun: bool,
}

/// What is asked for.
pub(crate) struct Question<'a> {
    pub(crate) environment: Option<&'a str>,
    /// Two versions of an image, as its tags say.
    pub(crate) versions: Option<(&'a str, &'a str)>,
    /// The environments of the configuration.
    pub(crate) environments: &'a [&'a str],
}

impl Background {
    pub(crate) async fn ask(github: &Github, question: &Question<'_>, cx: &Context) -> Self {
        let deadline = Instant::now() + PATIENCE;
        let mut background = Self::default();
        if let Some(current) = &github.run {
            let jobs = github.api.run_jobs(&github.repository, current.id, current.attempt);
            match in_time(deadline, jobs).await {
                Ok(jobs) => {
                    let started = jobs.iter().filter_map(|job| job.started_at).min();
                    background.duration =
                        started.and_then(|started| Duration::try_from(cx.now().duration_since(started)).ok());
                    background.jobs = jobs.into_iter().filter_map(Ended::of).collect();
                }
                Err(problem) => background.note("jobs", problem),
            }
            match in_time(deadline, before(github, current, question)).await {
                Ok(before) => background.before = before,
                Err(problem) => background.note("recovery", problem),
            }
        }
        if let Some((base, head)) = question.versions {
            let range = async {
                match github.api.range(&github.repository, base, head).await {
                    // Most versions are no revision of this repository.
                    Err(error) if error.is_not_found() => Ok(None),
                    range => range.map(Some),
                }
            };
            match in_time(deadline, range).await {
                Ok(range) => background.range = range.map(Range::of),
                Err(problem) => background.note("commits", problem),
            }
        }
        if background.range.is_none() {
            background.range = cx.event().ok().flatten().and_then(|event| pushed(&event));
        }
        background
    }

    /// What the payload of the event tells, where no API is at hand.
    pub(crate) fn of_event(cx: &Context) -> Self {
        Self { range: cx.event().ok().flatten().and_then(|event| pushed(&event)), ..Self::default() }
    }

    fn note(&mut self, subject: &str, problem: Problem) {
        let mut finding = Finding::from(problem);
        subject.clone_into(&mut finding.subject);
        // The message is told without it.
        finding.verdict = Verdict::Skipped;
        self.notes.push(finding);
    }
}

async fn in_time<T>(deadline: Instant, answer: impl Future<Output = Result<T, Error>>) -> Result<T, Problem> {
    match timeout_at(deadline, answer).await {
        Ok(answer) => answer.map_err(Problem::from),
        Err(_) => Err(Problem::undecided("GitHub took too long to tell")
            .why(format!("{} seconds are kept for all that is asked", PATIENCE.as_secs()))),
    }
}

/// How the environment was left: by the newest Deployment to it of another run of this workflow; where there is
/// none, by the run of the workflow before this one, when it surely was about this environment.
async fn before(github: &Github, current: &Current, question: &Question<'_>) -> Result<Before, Error> {
    if let Some(environment) = question.environment {
        let known = by_deployments(github, current, environment).await;
        // A job without `deployments: read` has the runs left to go by.
        if let Ok(Before::Good | Before::Bad) = known {
            return known;
        }
    }
    let Github { api, repository, .. } = github;
    let run = api.ended_run_before(repository, &current.workflow, &current.branch, current.id).await?;
    let Some(run) = run else { return Ok(Before::Unknown) };
    match run.conclusion.as_str() {
        "success" => return Ok(Before::Good),
        "failure" | "timed_out" | "startup_failure" => {}
        _ => return Ok(Before::Unknown),
    }
    let Some(environment) = question.environment.filter(|_| question.environments.len() > 1) else {
        return Ok(Before::Bad);
    };
    // It failed: for this environment only if one of the jobs that failed names it.
    let jobs = api.run_jobs(repository, run.id, 1).await?;
    let failed = jobs.iter().filter(|job| job.conclusion.as_deref() == Some("failure"));
    let names_it = failed.into_iter().any(|job| words(&job.name).any(|word| word == environment));
    Ok(if names_it { Before::Bad } else { Before::Unknown })
}

/// How many Deployments are looked at.
const DEPLOYMENTS: usize = 10;

async fn by_deployments(github: &Github, current: &Current, environment: &str) -> Result<Before, Error> {
    let Github { api, repository, .. } = github;
    let all = api.deployments(repository, environment).await?;
    let own = format!("/actions/runs/{}/", current.id);
    let mut workflow = None;
    for deployment in all.iter().filter(|one| one.environment == environment).take(DEPLOYMENTS) {
        let statuses = api.deployment_statuses(repository, deployment.id).await?;
        let word = |state: &str| match state {
            "success" => Some(Before::Good),
            "failure" | "error" => Some(Before::Bad),
            _ => None,
        };
        // "inactive" comes after a success, when a newer one took its place.
        let told = statuses.iter().find_map(|status| Some((word(&status.state)?, &status.log_url)));
        let Some((word, log)) = told else { continue };
        if format!("{log}/").contains(&own) {
            continue;
        }
        let Some(run) = run_of(log) else { continue };
        let ours = match workflow {
            Some(ours) => ours,
            None => *workflow.insert(api.run(repository, current.id).await?.workflow_id),
        };
        if api.run(repository, run).await?.workflow_id == ours {
            return Ok(word);
        }
    }
    Ok(Before::Unknown)
}

/// The run in `https://github.com/acme/shop/actions/runs/7/job/9`.
fn run_of(url: &str) -> Option<u64> {
    let (_, rest) = url.split_once("/actions/runs/")?;
    rest.split('/').next()?.parse().ok()
}

fn words(name: &str) -> impl Iterator<Item = &str> {
    name.split(|c: char| !(c.is_alphanumeric() || matches!(c, '-' | '_' | '.')))
        .filter(|word| !word.is_empty())
}

impl Ended {
    fn of(job: RunJob) -> Option<Self> {
        let time = |started, ended: jiff::Timestamp| Duration::try_from(ended.duration_since(started)).ok();
        let failed = |conclusion: Option<&str>| matches!(conclusion, Some("failure" | "timed_out"));
        let has_begun = !job.steps.is_empty();
        let steps = job.steps.into_iter().filter(|step| failed(step.conclusion.as_deref()));
        Some(Self {
            has_begun,
            name: job.name,
            conclusion: job.conclusion?,
            duration: job.started_at.zip(job.completed_at).and_then(|(from, to)| time(from, to)),
            url: job.html_url,
            failed_steps: steps.map(|step| step.name).collect(),
        })
    }

    pub(crate) fn failed(&self) -> bool {
        matches!(self.conclusion.as_str(), "failure" | "timed_out" | "startup_failure")
    }

    /// Whether it is the job that `needs` calls so, or a part of it: a cell of its matrix, a job of the workflow
    /// that it calls.
    pub(crate) fn is_part_of(&self, id: &str) -> bool {
        self.name
            .strip_prefix(id)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(" (") || rest.starts_with(" / "))
    }
}

impl Range {
    fn of(range: sluice_github::Range) -> Self {
        let newest = range
            .newest
            .into_iter()
            .rev()
            .map(|commit| ChangeCommit::new(commit.sha.as_str(), &commit.message, &commit.author));
        Self { total: range.total, newest: newest.collect(), url: Some(range.html_url) }
    }
}

/// The commits of a push, as its event tells them: at most 2,048.
///
/// <https://docs.github.com/webhooks/webhook-events-and-payloads#push>
fn pushed(event: &Value) -> Option<Range> {
    let commits = event.get("commits")?.as_array()?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let newest: Vec<ChangeCommit> = commits
        .iter()
        .rev()
        .map(|commit| {
            let author = &commit["author"];
            let by = author.get("username").unwrap_or(&author["name"]);
            ChangeCommit::new(&text(&commit["id"]), &text(&commit["message"]), &text(by))
        })
        .collect();
    let url = event.get("compare").and_then(Value::as_str).map(str::to_owned);
    (!newest.is_empty()).then_some(Range { total: newest.len() as u64, newest, url })
}

impl ChangeCommit {
    /// A commit by what its author wrote: the first line is its subject, and may tell the pull request.
    fn new(id: &str, message: &str, author: &str) -> Self {
        let subject = message.lines().next().unwrap_or_default();
        let (subject, pull) = match merged(message) {
            Some(told) => told,
            None => (subject, squashed(subject)),
        };
        Self {
            id: id.chars().take(7).collect(),
            subject: Untrusted::new(subject),
            author: Untrusted::new(author),
            pull,
        }
    }
}

/// `Merge pull request #7 from acme/feature`, whose title stands below it.
fn merged(message: &str) -> Option<(&str, Option<u64>)> {
    let rest = message.strip_prefix("Merge pull request #")?;
    let number = rest.split(' ').next()?.parse().ok()?;
    let title = message.lines().skip(1).find(|line| !line.trim().is_empty());
    Some((title.unwrap_or_else(|| message.lines().next().unwrap_or_default()), Some(number)))
}

/// `Add a basket (#7)`
fn squashed(subject: &str) -> Option<u64> {
    subject.trim_end().strip_suffix(')')?.rsplit_once("(#")?.1.parse().ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_commit_tells_its_pull_request() {
        let told = |message: &str| {
            let commit = ChangeCommit::new("1a2b3c4d5e6f", message, "octocat");
            (commit.id, commit.subject.raw().to_owned(), commit.pull)
        };
        let id = || "1a2b3c4".to_owned();
        assert_eq!(told("Add a basket (#7)\n\nwhy"), (id(), "Add a basket (#7)".into(), Some(7)));
        assert_eq!(
            told("Merge pull request #8 from acme/x\n\nSell more"),
            (id(), "Sell more".into(), Some(8))
        );
        assert_eq!(told("Fix (#x)"), (id(), "Fix (#x)".into(), None));
        assert_eq!(told(""), (id(), String::new(), None));
    }

    #[tokio::test]
    async fn what_github_does_not_tell_in_time_is_a_note() {
        let never = std::future::pending::<Result<u64, Error>>();
        let problem = in_time(Instant::now(), never).await.unwrap_err();
        let mut background = Background::default();
        background.note("jobs", problem);
        assert_eq!(
            (background.notes[0].subject.as_str(), background.notes[0].verdict),
            ("jobs", Verdict::Skipped)
        );
        assert_eq!(in_time(Instant::now() + PATIENCE, async { Ok(7) }).await.unwrap(), 7);
    }

    #[test]
    fn a_push_tells_its_commits_newest_first() {
        let event = json!({
            "compare": "https://github.com/acme/shop/compare/a...b",
            "commits": [
                {"id": "aaaaaaaaaa", "message": "One", "author": {"name": "The Octocat", "username": "octocat"}},
                {"id": "bbbbbbbbbb", "message": "Two", "author": {"name": "Hubot"}},
            ],
        });
        let range = pushed(&event).unwrap();
        let told: Vec<_> = range.newest.iter().map(|one| (one.subject.raw(), one.author.raw())).collect();
        assert_eq!(told, [("Two", "Hubot"), ("One", "octocat")]);
        assert_eq!(pushed(&json!({"commits": []})).map(|range| range.total), None);
    }

    #[test]
    fn a_job_is_found_by_what_needs_calls_it() {
        let job = |name: &str| Ended {
            name: name.into(),
            conclusion: "failure".into(),
            duration: None,
            url: None,
            failed_steps: Vec::new(),
            has_begun: true,
        };
        assert!(job("smoke").is_part_of("smoke"));
        assert!(job("smoke (eu, 1)").is_part_of("smoke"));
        assert!(job("smoke / check").is_part_of("smoke"));
        assert!(!job("smoke-eu").is_part_of("smoke"));
        assert_eq!(run_of("https://github.com/acme/shop/actions/runs/7/job/9"), Some(7));
        assert!(words("deploy (production)").any(|word| word == "production"));
        assert!(!words("deploy-production-eu").any(|word| word == "production"));
    }
}
