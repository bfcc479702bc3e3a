//! `checks`: what tests the commit is green.
//!
//! A check is told apart by its app, its suite and its name: where several have one name, all of them must
//! be green, so that a twin that was skipped hides none that failed. A check that is not there is waited
//! for. Checks of the gate's own run are never looked at: they would speak for themselves.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sluice_core::Problem;

use crate::{Outcome, Policy, Question, State};

/// Which checks must be green.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checks {
    /// Whether those count that branch protection and rulesets require.
    pub required: bool,
    /// Others.
    pub names: Vec<Named>,
    /// Whether a check that was skipped is as good as a green one.
    pub skipped: bool,
    /// Whether a neutral one is.
    pub neutral: bool,
}

/// A check by its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named {
    /// The name.
    pub name: String,
    /// The app that it must come from, by its short name: `github-actions`.
    pub app: Option<String>,
}

/// What was seen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Facts {
    /// What the rules of the branch require.
    pub required: Vec<Required>,
    /// The check runs of the commit, all of them.
    pub runs: Vec<Run>,
    /// The newest status of each context.
    pub statuses: Vec<Status>,
    /// The suite of the gate's own run.
    pub own_suite: Option<u64>,
}

/// A check that the rules of a branch require.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Required {
    /// Its name.
    pub name: String,
    /// The number of the app that it must come from.
    pub app: Option<u64>,
}

/// A check run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Its number.
    pub id: u64,
    /// Its name.
    pub name: String,
    /// The number of its app; `None` when the app is gone.
    pub app: Option<u64>,
    /// The short name of its app.
    pub slug: Option<String>,
    /// The number of its suite.
    pub suite: Option<u64>,
    /// The commit that it is for.
    pub commit: String,
    /// `queued`, `in_progress`, `completed`.
    pub status: String,
    /// `success`, `failure`, `skipped`, ...
    pub conclusion: Option<String>,
    /// When it started.
    pub started: Option<Timestamp>,
}

/// A commit status.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// Its name.
    pub context: String,
    /// `success`, `pending`, `failure`, `error`.
    pub state: String,
}

impl Checks {
    /// What is wrong with the rule, whatever the world is like.
    pub fn check(&self) -> Result<(), Problem> {
        if !self.required && self.names.is_empty() {
            return Err(Problem::misconfigured("the checks ask for nothing")
                .why("without a check every commit would do")
                .help("write `required: true`, or name them under `names`"));
        }
        Ok(())
    }
}

/// One check that must be green, however it came to be asked for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Wanted<'a> {
    name: &'a str,
    slug: Option<&'a str>,
    app: Option<u64>,
}

impl Policy for Checks {
    type Facts = Facts;

    fn judge(&self, facts: &Facts, question: &Question) -> Outcome {
        if let Err(problem) = self.check() {
            return Outcome::new(State::Misconfigured, problem.what);
        }
        let Some(commit) = question.commit.as_deref() else {
            return Outcome::new(State::Misconfigured, "no commit is named that could be looked at");
        };
        let wanted = self.wanted(facts);
        if self.required && facts.required.is_empty() {
            return Outcome::new(State::Misconfigured, "the rules of the branch require no check")
                .help("require checks in the branch's protection or a ruleset, or name them under `names`");
        }
        let newest = newest(facts, commit);
        let answers: Vec<(State, String)> =
            wanted.iter().map(|wanted| self.answer(wanted, &newest, facts)).collect();
        let state = answers.iter().map(|(state, _)| *state).max().unwrap_or(State::Misconfigured);
        let count = answers.iter().filter(|(own, _)| *own == state).count();
        let all = answers.len();
        let lines =
            |of: State| answers.iter().filter(move |(state, _)| *state == of).map(|(_, line)| line.clone());
        match state {
            State::Approved => Outcome::new(state, format!("{all} of {all} checks are green")),
            State::Pending => Outcome::new(state, format!("{count} of {all} checks have not ended")).help(
                "run the gate again when they have; a check that never ran for this commit must run first",
            ),
            State::Rejected => Outcome::new(state, format!("{count} of {all} checks are not green"))
                .help("see why, mend it, and run them again"),
            State::Undecided | State::Misconfigured => {
                Outcome::new(state, format!("{count} of {all} checks could not be told"))
            }
        }
        .evidence(lines(State::Rejected))
        .evidence(lines(State::Undecided))
        .evidence(lines(State::Pending))
    }
}

impl Checks {
    fn wanted<'a>(&'a self, facts: &'a Facts) -> Vec<Wanted<'a>> {
        let named = self.names.iter().map(|named| Wanted {
            name: &named.name,
            slug: named.app.as_deref(),
            app: None,
        });
        let required = facts.required.iter().filter(|_| self.required);
        let required =
            required.map(|required| Wanted { name: &required.name, slug: None, app: required.app });
        let mut wanted: Vec<Wanted<'_>> = named.chain(required).collect();
        wanted.sort();
        wanted.dedup();
        wanted
    }

    fn answer(&self, wanted: &Wanted<'_>, runs: &[&Run], facts: &Facts) -> (State, String) {
        let is_pinned = wanted.app.is_some() || wanted.slug.is_some();
        let from_runs = runs.iter().filter(|run| run.is(wanted)).map(|run| self.answer_of_run(run));
        // A status does not tell which app it is from.
        let statuses = facts.statuses.iter().filter(|status| !is_pinned && status.context == wanted.name);
        let from_statuses = statuses.map(answer_of_status);
        let worst = from_runs.chain(from_statuses).max_by_key(|(state, _)| *state);
        worst.unwrap_or_else(|| (State::Pending, wanted.missing(facts)))
    }

    fn answer_of_run(&self, run: &Run) -> (State, String) {
        let name = &run.name;
        if run.status != "completed" {
            return (State::Pending, format!("{name}: {}", run.status));
        }
        let conclusion = run.conclusion.as_deref();
        let state = match conclusion {
            Some("success") => State::Approved,
            Some("skipped") if self.skipped => State::Approved,
            Some("neutral") if self.neutral => State::Approved,
            Some(
                "skipped" | "neutral" | "failure" | "cancelled" | "timed_out" | "action_required" | "stale"
                | "startup_failure",
            ) => State::Rejected,
            _ => State::Undecided,
        };
        (state, format!("{name}: {}", conclusion.unwrap_or("ended without a conclusion")))
    }
}

fn answer_of_status(status: &Status) -> (State, String) {
    let state = match status.state.as_str() {
        "success" => State::Approved,
        "pending" => State::Pending,
        "failure" | "error" => State::Rejected,
        _ => State::Undecided,
    };
    (state, format!("{}: {}", status.context, status.state))
}

/// The newest run of each check of the commit, without those of the gate's own run.
fn newest<'a>(facts: &'a Facts, commit: &str) -> Vec<&'a Run> {
    let mut newest: BTreeMap<(Option<u64>, Option<u64>, &str), &Run> = BTreeMap::new();
    let is_own = |run: &&Run| run.suite.is_some() && run.suite == facts.own_suite;
    for run in facts.runs.iter().filter(|run| run.commit == commit && !is_own(run)) {
        let key = (run.app, run.suite, run.name.as_str());
        let last = newest.entry(key).or_insert(run);
        if run.id > last.id {
            *last = run;
        }
    }
    newest.into_values().collect()
}

impl Run {
    fn is(&self, wanted: &Wanted<'_>) -> bool {
        self.name == wanted.name
            && wanted.app.is_none_or(|app| self.app == Some(app))
            && wanted.slug.is_none_or(|slug| self.slug.as_deref() == Some(slug))
    }
}

impl Wanted<'_> {
    fn missing(&self, facts: &Facts) -> String {
        let name = self.name;
        let mut same_name = facts.runs.iter().filter(|run| run.name == name);
        if same_name.clone().any(|run| run.is(self) && run.suite == facts.own_suite) {
            return format!("{name}: only in this very run, where it does not count");
        }
        match same_name.find_map(|run| run.slug.as_deref()) {
            Some(slug) => format!("{name}: there is one of the app {slug} only"),
            None => format!("{name}: did not run for this commit"),
        }
    }
}
