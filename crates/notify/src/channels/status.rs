//! A status of the commit.

use serde::{Deserialize, Serialize};
use serde_json::json;
use sluice_config::{Event, StatusChannel};
use sluice_core::{Problem, Verdict};
use sluice_github::{NewStatus, Sha, StatusState};

use super::{Channel, Message, Sending, nothing_rendered, ticket};
use crate::{
    delivery::{Outcome, Post},
    outputs::Delivery,
    story::Story,
    untrusted::{Untrusted, cut},
};

/// <https://docs.github.com/en/rest/commits/statuses#create-a-commit-status>: a longer description is refused.
const DESCRIPTION: usize = 140;
/// The length of a name; GitHub takes 255 bytes.
const NAME: usize = 60;

#[derive(Serialize, Deserialize)]
struct Status {
    sha: String,
    state: String,
    context: String,
    description: String,
    target_url: Option<String>,
}

impl Channel for StatusChannel {
    fn kind(&self) -> &'static str {
        "status"
    }

    fn render(&self, story: &Story) -> Result<Vec<Message>, Problem> {
        let environment = story.environment.as_ref().map_or("deploy".to_owned(), |name| name.line(NAME));
        let status = Status {
            sha: commit(story).unwrap_or_default(),
            state: state(story).to_owned(),
            context: self.context.as_ref().map_or(format!("sluice/{environment}"), |name| name.value.clone()),
            description: description(story),
            target_url: story.run.url.clone(),
        };
        Ok(vec![Message::new("status", json!(status))])
    }

    fn send<'a>(&'a self, messages: &'a [Message], post: &'a Post<'a>) -> Sending<'a> {
        Box::pin(async move {
            let github = ticket::github(post, "statuses: write")?;
            let message = messages.first().ok_or_else(nothing_rendered)?;
            let status: Status =
                serde_json::from_value(message.body.clone()).map_err(|_| nothing_rendered())?;
            let sha: Sha = status.sha.parse().map_err(|_| no_commit())?;
            let new = NewStatus {
                state: match status.state.as_str() {
                    "success" => StatusState::Success,
                    "pending" => StatusState::Pending,
                    "failure" => StatusState::Failure,
                    _ => StatusState::Error,
                },
                context: &status.context,
                description: &status.description,
                target_url: status.target_url.as_deref(),
            };
            Ok(match github.api.set_status(&github.repository, &sha, &new).await {
                Ok(()) => Outcome::new(
                    Delivery::Delivered,
                    format!("{} is {} on {}", status.context, status.state, &sha.as_str()[..7]),
                ),
                Err(error) => ticket::failed(error),
            })
        })
    }
}

/// The commit of the run's own repository that the story is about: of none or several there the one that the run is for.
pub(super) fn commit(story: &Story) -> Option<String> {
    let here = story.commits.iter().filter(|commit| !commit.is_elsewhere());
    let mut ids = here.map(|commit| commit.id.raw()).filter(|id| id.parse::<Sha>().is_ok());
    let of_run = || story.run.commit.as_ref().map(|commit| commit.id.raw());
    match (ids.next(), ids.next()) {
        (Some(only), None) => Some(only),
        _ => of_run(),
    }
    .map(str::to_owned)
}

pub(super) fn no_commit() -> Problem {
    Problem::misconfigured("it is not known which commit this is about")
        .why("neither a report nor the variable GITHUB_SHA names one")
        .help("run notify in a workflow, or give it the reports of detect-changes or gate-approval")
}

fn state(story: &Story) -> &'static str {
    match (story.event, story.verdict) {
        (Event::Start | Event::Pending, _) => "pending",
        (Event::Success | Event::Recovery, _) => "success",
        (Event::Cancelled, _) | (_, Verdict::Undecided | Verdict::Misconfigured) => "error",
        (Event::Failure | Event::Rollback, _) => "failure",
    }
}

/// "Failed: smoke-test: 2 of 12 checks failed". GitHub shows it as text.
pub(super) fn description(story: &Story) -> String {
    let outcome = story.outcome();
    let line = |version: &Untrusted| version.line(NAME);
    let text = match (story.cause(), story.changes.as_slice()) {
        (Some(step), _) => format!("{outcome}: {}: {}", line(&step.name), step.title.line(DESCRIPTION)),
        (None, [change]) => format!("{outcome}: {} → {}", line(&change.before), line(&change.after)),
        (None, _) => outcome.to_owned(),
    };
    cut(&text, DESCRIPTION)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        channels::tests::overlong_stories,
        sections::tests::file,
        story::{Commit, tests::failure},
        untrusted::length,
    };

    #[test]
    fn a_commit_of_another_repository_is_not_looked_for_in_this_one() {
        let mut story = failure();
        let own = story.run.commit.clone().unwrap();
        let elsewhere =
            Commit { branch: Some("acme/infrastructure:main".into()), id: "f".repeat(40).as_str().into() };
        story.commits = vec![elsewhere.clone()];
        assert_eq!(commit(&story).as_deref(), Some(own.id.raw()));
        let here = Commit { branch: Some("main".into()), id: "e".repeat(40).as_str().into() };
        story.commits = vec![elsewhere, here];
        assert_eq!(commit(&story), Some("e".repeat(40)));
    }

    #[test]
    fn the_status_says_the_answer_of_the_commit() {
        let sections = file("  []\n").unwrap().sections;
        let rendered = sections.channel("commit").unwrap().render(&failure()).unwrap();
        insta::assert_snapshot!(format!("{:#}", rendered[0].body), @r##"
{
  "sha": "1a2b3c4d5e6f7a8b9c0d1a2b3c4d5e6f7a8b9c0d",
  "state": "failure",
  "context": "sluice/production",
  "description": "Failed: smoke-test: 2 of 12 checks failed",
  "target_url": "https://github.com/acme/shop/actions/runs/7/attempts/2"
}
"##);
        for story in overlong_stories() {
            let [message] = sections.channel("commit").unwrap().render(&story).unwrap().try_into().unwrap();
            assert!(length(message.body["description"].as_str().unwrap()) <= DESCRIPTION);
        }
    }
}
