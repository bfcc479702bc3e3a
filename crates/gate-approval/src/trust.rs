//! Whether the policy in the checkout can be believed.
//!
//! A pull request can change `.github/sluice.yml` in its own tree, and with it the gate that should stop
//! it. So the file in the checkout is believed only when the event that started the run is one that only
//! people with write access to the repository cause, and whose commit they put there. What strangers can
//! cause, directly (a fork's pull request, a comment, an issue) or through something that acts for them
//! (`workflow_run` after a fork's run, `deployment` and `deployment_status` by an app that previews pull
//! requests, `check_run` and `status` by an app that tests them) is not; nor is an event that is not
//! known here.
//!
//! What each event is and which commit it has: <https://docs.github.com/actions/reference/workflows-and-actions/events-that-trigger-workflows>

use sluice_core::{Place, Problem};

/// The events after which the file in the checkout is believed.
///
/// - `push`: who pushes may write; a fork's pushes run in the fork.
/// - `merge_group`: who queues a pull request may write, and the queue takes only what its rules let in.
/// - `workflow_dispatch`, `repository_dispatch`: who dispatches may write.
/// - `schedule`: runs the default branch.
/// - `release`: who releases may write, and the commit is the tag's.
const BELIEVED: [&str; 6] =
    ["push", "merge_group", "workflow_dispatch", "repository_dispatch", "schedule", "release"];

/// Refuses the policy in `file` when a stranger may have written it.
///
/// `event` is the name of the event that started the run; a run outside of a workflow has none.
pub(crate) fn check(event: Option<&str>, is_in_actions: bool, file: &str) -> Result<(), Problem> {
    let why = match event {
        Some(event) if BELIEVED.contains(&event) => return Ok(()),
        None if !is_in_actions => return Ok(()),
        Some(event) => {
            format!("a stranger can cause the event `{event}`, and change the file in the checkout")
        }
        None => "the run does not say which event started it (GITHUB_EVENT_NAME is empty)".to_owned(),
    };
    Err(Problem::undecided(format!("the policy in {file} can't be trusted in this run"))
        .why(why)
        .help(format!("evaluate the gate in a workflow that starts on one of: {}", BELIEVED.join(", ")))
        .at(Place::file(file)))
}

#[cfg(test)]
mod tests {
    use sluice_core::Verdict;

    use super::*;

    #[test]
    fn events_of_strangers_and_unknown_events_are_refused() {
        for event in [
            "pull_request",
            "pull_request_target",
            "pull_request_review",
            "pull_request_review_comment",
            "issue_comment",
            "issues",
            "discussion",
            "discussion_comment",
            "workflow_run",
            "deployment",
            "deployment_status",
            "check_run",
            "check_suite",
            "status",
            "fork",
            "watch",
            "gollum",
            "from_the_future",
            "Push",
            "push ",
            "",
        ] {
            let problem = check(Some(event), true, "sluice.yml").unwrap_err();
            assert_eq!(problem.verdict, Verdict::Undecided, "{event}");
            assert!(check(Some(event), false, "sluice.yml").is_err(), "{event}");
        }
    }

    #[test]
    fn events_of_people_with_write_access_and_terminals_are_believed() {
        for event in BELIEVED {
            assert_eq!(check(Some(event), true, "sluice.yml"), Ok(()));
        }
        assert_eq!(check(None, false, "sluice.yml"), Ok(()));
    }

    #[test]
    fn a_runner_that_does_not_name_the_event_is_refused() {
        assert_eq!(check(None, true, "sluice.yml").unwrap_err().verdict, Verdict::Undecided);
    }
}
