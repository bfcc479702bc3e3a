//! Whether the policy in the checkout can be believed.
//!
//! A pull request can change `.github/sluice.yml` in its own tree, and with it the gate that should stop
//! it. So the file in the checkout is believed only when the event that started the run is one that only
//! people with write access to the repository cause, and whose commit they put there. What strangers can
//! cause, directly (a fork's pull request, a comment, an issue) or through something that acts for them
//! (`workflow_run` after a fork's run, `deployment` and `deployment_status` by an app that previews pull
//! requests, `check_run` and `status` by an app that tests them) is not; nor is an event that is not
//! known here. Then the file is read from the head of the default branch.
//!
//! What each event is and which commit it has: <https://docs.github.com/actions/reference/workflows-and-actions/events-that-trigger-workflows>

use bytes::Bytes;
use sluice_config::File;
use sluice_core::{Configuration as _, Context, Place, Problem};
use sluice_github::Repository;

use crate::{
    Evaluate, Policy,
    network::{Access, Network},
};

/// The events after which the file in the checkout is believed.
///
/// - `push`: who pushes may write; a fork's pushes run in the fork.
/// - `merge_group`: who queues a pull request may write, and the queue takes only what its rules let in.
/// - `workflow_dispatch`, `repository_dispatch`: who dispatches may write.
/// - `schedule`: runs the default branch.
/// - `release`: who releases may write, and the commit is the tag's.
const BELIEVED: [&str; 6] =
    ["push", "merge_group", "workflow_dispatch", "repository_dispatch", "schedule", "release"];

/// The policy that can be believed: the one in the checkout, or the default branch's when a stranger may
/// have written that.
pub(crate) fn believed(
    config: File<Policy>,
    inputs: &Evaluate,
    cx: &Context,
) -> anyhow::Result<File<Policy>> {
    let event = cx.variable("GITHUB_EVENT_NAME");
    let Err(problem) = check(event, cx.is_in_actions(), &config.name) else { return Ok(config) };
    if event.is_none() {
        return Err(problem.into());
    }
    let access = Access { options: inputs.network.clone(), token: inputs.token.clone(), ..Access::default() };
    let network = Network::new(cx, &access);
    let bytes = cx.block_on(from_default_branch(&network, cx, &config.name)).flatten()?;
    Ok(File::parse(&bytes, &config.name)?)
}

/// The file as it is on the default branch of the repository that the run is of.
async fn from_default_branch(network: &Network<'_>, cx: &Context, file: &str) -> Result<Bytes, Problem> {
    let name = cx.variable("GITHUB_REPOSITORY").ok_or_else(|| {
        Problem::undecided("the run does not say of which repository it is (GITHUB_REPOSITORY is empty)")
    })?;
    let repository: Repository = name.parse()?;
    let api = network.github()?;
    let branch = api.repository(&repository).await?.default_branch;
    let head = api.reference(&repository, &format!("heads/{branch}")).await?;
    Ok(api.file(&repository, file, head.as_str()).await?)
}

/// Refuses the policy in `file` when a stranger may have written it.
///
/// `event` is the name of the event that started the run; a run outside of a workflow has none.
fn check(event: Option<&str>, is_in_actions: bool, file: &str) -> Result<(), Problem> {
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
