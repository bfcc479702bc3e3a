//! How far a pipeline is: its stages in order, the current one marked.

use sluice_config::Event;
use sluice_core::{Report, Verdict};

use crate::{
    jobs::{JobResult, Jobs},
    untrusted::Untrusted,
};

/// One stage of a pipeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stage {
    pub(crate) name: Untrusted,
    pub(crate) state: State,
}

/// Where a stage stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Done,
    Skipped,
    /// It runs, or is the next to run.
    Current,
    /// It waits for people.
    Waiting,
    Failed,
    /// It has not begun.
    Ahead,
}

/// The stages by what is known of the jobs and actions of their names.
///
/// The first one that nothing is known of is the current one, unless the pipeline has ended before it.
pub(crate) fn of(names: &[String], event: Event, jobs: &Jobs, reports: &[Report]) -> Vec<Stage> {
    let known: Vec<Option<State>> = names.iter().map(|name| state(name, event, jobs, reports)).collect();
    let has_ended = !matches!(event, Event::Start | Event::Pending)
        || known.iter().flatten().any(|state| matches!(state, State::Failed | State::Waiting));
    let current = known.iter().position(Option::is_none).filter(|_| !has_ended);
    let states = known.into_iter().enumerate().map(|(index, state)| match state {
        Some(state) => state,
        None if current == Some(index) => State::Current,
        None => State::Ahead,
    });
    std::iter::zip(names, states).map(|(name, state)| Stage { name: Untrusted::new(name), state }).collect()
}

/// What is known of a stage: the worst of the reports of an action that is called so, else how the job ended.
fn state(name: &str, event: Event, jobs: &Jobs, reports: &[Report]) -> Option<State> {
    let of_action = reports.iter().filter(|report| report.action == name).map(|report| report.verdict).max();
    let of_job = jobs.iter().find(|(job, _)| *job == name).map(|(_, result)| match result {
        JobResult::Success => State::Done,
        JobResult::Skipped => State::Skipped,
        JobResult::Cancelled if event == Event::Cancelled => State::Ahead,
        JobResult::Failure | JobResult::Cancelled => State::Failed,
    });
    match of_action {
        None => of_job,
        Some(Verdict::Pending) => Some(State::Waiting),
        Some(Verdict::Skipped) => Some(State::Skipped),
        Some(verdict) if verdict.is_good() => Some(of_job.unwrap_or(State::Done)),
        Some(_) => Some(State::Failed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::story::tests::report;

    fn shown(event: Event, needs: &str, reports: &[Report]) -> String {
        let names = ["build", "gate-approval", "deploy", "smoke-test"].map(str::to_owned);
        let stages = of(&names, event, &Jobs::parse(needs).unwrap(), reports);
        let signs = stages.iter().map(|stage| match stage.state {
            State::Done => "+",
            State::Skipped => "s",
            State::Current => ">",
            State::Waiting => "w",
            State::Failed => "x",
            State::Ahead => ".",
        });
        signs.collect()
    }

    #[test]
    fn the_first_stage_that_nothing_is_known_of_is_the_current_one() {
        let build = r#"{"build": {"result": "success"}}"#;
        let gate = |verdict| [report("gate-approval", verdict, "x")];
        assert_eq!(shown(Event::Start, "{}", &[]), ">...");
        assert_eq!(shown(Event::Start, build, &[]), "+>..");
        assert_eq!(shown(Event::Start, build, &gate(Verdict::Passed)), "++>.");
        assert_eq!(shown(Event::Pending, build, &gate(Verdict::Pending)), "+w..");
        assert_eq!(shown(Event::Failure, build, &gate(Verdict::Failed)), "+x..");
        assert_eq!(shown(Event::Failure, build, &gate(Verdict::Undecided)), "+x..");
    }

    #[test]
    fn how_jobs_ended_is_what_is_known_of_stages_without_reports() {
        let jobs = r#"{"build": {"result": "skipped"}, "deploy": {"result": "cancelled"}}"#;
        assert_eq!(shown(Event::Failure, jobs, &[]), "s.x.");
        assert_eq!(shown(Event::Cancelled, jobs, &[]), "s...");
        // A report that is good says nothing of what its job did besides.
        let jobs = r#"{"gate-approval": {"result": "failure"}}"#;
        assert_eq!(shown(Event::Failure, jobs, &[report("gate-approval", Verdict::Passed, "x")]), ".x..");
    }
}
