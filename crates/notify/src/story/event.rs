//! What happened, in one word: what reports and jobs amount to, and what an input may make of it.

use sluice_config::Event;
use sluice_core::{Report, Verdict};

use crate::background::Before;

/// The event to tell. No input turns what is not good, or was never begun, into a success.
pub(super) fn settle(
    asked: Option<Event>,
    verdict: Verdict,
    reports: &[Report],
    before: Before,
    was_never_begun: bool,
) -> Event {
    let found = match verdict {
        Verdict::Passed | Verdict::Skipped if was_never_begun => Event::Cancelled,
        // Where nothing was done, nothing recovered.
        Verdict::Passed if before == Before::Bad => Event::Recovery,
        Verdict::Passed | Verdict::Skipped => Event::Success,
        Verdict::Pending => Event::Pending,
        Verdict::Failed if was_undone(reports) => Event::Rollback,
        Verdict::Failed | Verdict::Misconfigured | Verdict::Undecided | Verdict::Broken => Event::Failure,
    };
    match asked {
        Some(Event::Success | Event::Recovery) if was_never_begun || !verdict.is_good() => found,
        Some(event) => event,
        None => found,
    }
}

/// What an event says by itself; nothing where it wants to be borne out.
pub(super) fn verdict_of(event: Event) -> Option<Verdict> {
    match event {
        Event::Start => Some(Verdict::Passed),
        Event::Pending => Some(Verdict::Pending),
        Event::Cancelled => Some(Verdict::Skipped),
        Event::Failure | Event::Rollback => Some(Verdict::Failed),
        Event::Success | Event::Recovery => None,
    }
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
pub(super) fn goes_back(report: &Report) -> bool {
    matches!(report.command.as_deref(), Some("rollback" | "undo"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        background::{Background, Ended},
        reports::Found,
        story::tests::{report, tell, told_of},
    };

    fn event(verdicts: &[Verdict], needs: &str) -> Event {
        let reports = verdicts.iter().map(|verdict| report("x", *verdict, "x")).collect();
        tell(None, reports, needs, &[]).unwrap().event
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
        assert_eq!(told(Verdict::Failed, Before::Bad), Event::Failure);
        let reports = vec![report("x", Verdict::Skipped, "x"), report("y", Verdict::Passed, "y")];
        let found = Found { reports, ..Found::default() };
        let background = Background { before: Before::Bad, ..Background::default() };
        assert_eq!(told_of(found, "{}", background).event, Event::Recovery);
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
    fn what_was_cancelled_before_it_began_is_neither_a_failure_nor_a_success() {
        let job = |name: &str, conclusion: &str, has_begun| Ended {
            name: name.into(),
            conclusion: conclusion.into(),
            duration: None,
            url: None,
            failed_steps: Vec::new(),
            has_begun,
        };
        let told = |jobs: Vec<Ended>, verdict, before| {
            let found = Found { reports: vec![report("gate-approval", verdict, "x")], ..Found::default() };
            let background = Background { jobs, before, ..Background::default() };
            told_of(found, r#"{"deploy": {"result": "cancelled"}}"#, background)
        };
        let superseded = || vec![job("Gate", "success", true), job("Deploy to dev", "cancelled", false)];
        let story = told(superseded(), Verdict::Passed, Before::Bad);
        assert_eq!((story.event, story.outcome()), (Event::Cancelled, "Cancelled"));
        assert!(story.steps[1].title.raw().starts_with("was cancelled before it began"), "{:?}", story.steps);
        assert_eq!(told(superseded(), Verdict::Failed, Before::Good).event, Event::Failure);
        // One that had begun may have changed something, and so may one that GitHub tells nothing of.
        let begun = vec![job("Deploy to dev", "cancelled", true), job("Deploy to it", "cancelled", false)];
        assert_eq!(told(begun, Verdict::Passed, Before::Good).event, Event::Failure);
        assert_eq!(told(Vec::new(), Verdict::Passed, Before::Good).event, Event::Failure);
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
    fn an_input_names_the_event_but_makes_no_success() {
        let told =
            |event, verdict| tell(Some(event), vec![report("a", verdict, "x")], "{}", &[]).unwrap().event;
        assert_eq!(told(Event::Rollback, Verdict::Failed), Event::Rollback);
        assert_eq!(told(Event::Recovery, Verdict::Passed), Event::Recovery);
        assert_eq!(told(Event::Recovery, Verdict::Broken), Event::Failure);
        assert_eq!(told(Event::Success, Verdict::Pending), Event::Pending);
    }
}
