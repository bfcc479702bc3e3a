//! Why something did not come to be, with all that the cluster knows of it.

use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use sluice_core::{Finding, Problem, Verdict, escape};
use sluice_kubernetes::{
    Cluster, Error, Log, Selector,
    progress::{Culprit, Event, Trouble, time_of},
};
use tokio::time::{Instant, timeout, timeout_at};

/// Why something did not come to be.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Failure {
    /// `deployment/web`.
    pub(crate) subject: String,
    pub(crate) reason: String,
    pub(crate) evidence: Vec<String>,
    pub(crate) help: Option<String>,
}

/// What ends a way before its end.
#[derive(Debug)]
pub(crate) enum Trip {
    /// It is certain that it can't be done: for these reasons, never empty.
    Failed(Vec<Failure>),
    /// The cluster gave no answer.
    Lost(Error),
}

/// How many lines of a log are shown.
const LINES: u32 = 10;
/// How many characters of each.
const LONGEST: usize = 400;
/// How long all logs may take together, and how many are read at once.
const MOMENT: Duration = Duration::from_secs(6);
const AT_ONCE: usize = 8;
/// How many events.
const EVENTS: usize = 3;
/// How long the events of a namespace may take.
const LATENCY: Duration = Duration::from_secs(3);

impl Failure {
    pub(crate) fn new(subject: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { subject: subject.into(), reason: reason.into(), evidence: Vec::new(), help: None }
    }

    /// A problem, in one line.
    pub(crate) fn of_problem(subject: impl Into<String>, problem: Problem) -> Self {
        Self::new(subject, format!("{}: {}", problem.what, problem.why.unwrap_or_default()))
    }

    /// A trouble of a workload, with the last events.
    pub(crate) fn of(trouble: &Trouble, subject: &str, events: &[Event]) -> Self {
        let at = if trouble.object == subject { String::new() } else { format!("{}: ", trouble.object) };
        let mut failure = Self::new(subject, format!("{at}{}: {}", trouble.reason, trouble.message));
        let name = trouble.object.split_once('/').map_or(trouble.object.as_str(), |(_, name)| name);
        failure.evidence = warnings(name, events);
        failure
    }

    pub(crate) fn finding(&self, verdict: Verdict) -> Finding {
        let mut finding = Finding::new(&self.subject, verdict, &self.reason);
        finding.evidence.clone_from(&self.evidence);
        finding.help.clone_from(&self.help);
        finding
    }
}

/// The troubles of workloads, with the last words of their containers and the last events. They explain and decide
/// nothing: what can't be had within a moment is left out, and the way back waits no longer.
pub(crate) async fn explained(
    troubles: Vec<(String, Trouble)>,
    cluster: &Cluster,
    events: &[Event],
) -> Vec<Failure> {
    let ends = Instant::now() + MOMENT;
    let explained = troubles.into_iter().map(|(subject, trouble)| async move {
        let mut failure = Failure::of(&trouble, &subject, events);
        if let Some(Culprit { pod, container, has_restarted }) = &trouble.culprit
            && let Ok(words) = timeout_at(ends, last_words(cluster, pod, container, *has_restarted)).await
        {
            failure.evidence.splice(..0, words);
        }
        failure
    });
    stream::iter(explained).buffered(AT_ONCE).collect().await
}

/// The events of the namespace, the oldest first. They explain: who can't have them goes on, and does not wait for them.
pub(crate) async fn events(cluster: &Cluster) -> Option<Vec<Event>> {
    let listed = cluster.with_patience(Duration::ZERO);
    let listed = timeout(LATENCY, listed.list::<Event>(&Selector::all())).await;
    let mut events = listed.ok()?.ok()?.items;
    events.sort_by_key(time_of);
    Some(events)
}

/// The end of a container's log, in lines that are not too long; nothing where it can't be had.
pub(crate) async fn last_words(cluster: &Cluster, pod: &str, container: &str, previous: bool) -> Vec<String> {
    let Ok(log) = cluster.log(pod, Some(container), Log { tail: LINES, previous }).await else {
        return Vec::new();
    };
    let lines = log.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| format!("{container} | {}", shortened(&escape::bytes(line)))).collect()
}

fn shortened(line: &str) -> String {
    match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}

/// The last warnings about an object, the newest last.
fn warnings(name: &str, events: &[Event]) -> Vec<String> {
    let is_meant = |event: &&Event| event.involved_object.name == name && event.kind == "Warning";
    let found: Vec<&Event> = events.iter().filter(is_meant).collect();
    let skip = found.len().saturating_sub(EVENTS);
    let told = found.into_iter().skip(skip);
    let told = told.map(|event| format!("event {}: {}", event.reason, event.message));
    told.collect()
}

impl Trip {
    pub(crate) fn one(failure: Failure) -> Self {
        Self::Failed(vec![failure])
    }

    /// What an error of the cluster means for a step: a no, or no answer.
    pub(crate) fn of(subject: &str, error: Error) -> Self {
        match error {
            Error::Unreachable { .. }
            | Error::CouldNotTell { .. }
            | Error::Unauthorized { .. }
            | Error::Gone { .. }
            | Error::TooLarge { .. }
            | Error::Held { .. }
            | Error::Access { .. } => Self::Lost(error),
            Error::Denied { ref verb, ref resource, .. } => {
                let help = format!("allow `{verb}` on `{resource}` to this job");
                Self::one(Failure { help: Some(help), ..Failure::new(subject, error.to_string()) })
            }
            error => Self::one(Failure::new(subject, error.to_string())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_is_long_is_cut_between_characters() {
        assert_eq!(shortened("short"), "short");
        let cut = shortened(&"ü".repeat(LONGEST + 1));
        assert_eq!(cut.chars().count(), LONGEST + 1);
        assert!(cut.ends_with('…'));
    }
}
