//! GitHub Deployments: one for each component, made by the first message of a run and updated by those after it.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sluice_config::{DeploymentChannel, Event};
use sluice_core::{DeploymentPayload, Problem, Verdict};
use sluice_github::{DeploymentState, Error, NewDeployment, NewDeploymentStatus, Sha};

use super::{
    Channel, Message, Sending, nothing_rendered,
    status::{commit, description, no_commit},
    ticket,
};
use crate::{
    delivery::{Outcome, Post},
    github::Github,
    outputs::Delivery,
    story::Story,
    untrusted::Untrusted,
};

#[derive(Serialize, Deserialize)]
struct Deployed {
    sha: String,
    environment: String,
    state: String,
    payload: DeploymentPayload,
    description: String,
    log_url: Option<String>,
}

impl Channel for DeploymentChannel {
    fn kind(&self) -> &'static str {
        "deployment"
    }

    fn render(&self, story: &Story) -> Result<Vec<Message>, Problem> {
        let message = |payload: &DeploymentPayload| {
            let deployed = Deployed {
                sha: commit(story).unwrap_or_default(),
                environment: story.environment.as_ref().map(Untrusted::raw).unwrap_or_default().to_owned(),
                state: state(story).to_owned(),
                payload: payload.clone(),
                description: description(story),
                log_url: story.run.url.clone(),
            };
            Message::new("deployment", json!(deployed))
        };
        Ok(story.deployed.iter().map(message).collect())
    }

    fn send<'a>(&'a self, messages: &'a [Message], post: &'a Post<'a>) -> Sending<'a> {
        Box::pin(async move {
            let github = ticket::github(post, "deployments: write")?;
            let mut told: Option<Outcome> = None;
            for message in messages {
                let deployed: Deployed =
                    serde_json::from_value(message.body.clone()).map_err(|_| nothing_rendered())?;
                let sha: Sha = deployed.sha.parse().map_err(|_| no_commit())?;
                if deployed.environment.is_empty() {
                    return Err(Problem::misconfigured("it is not known which environment was deployed to")
                        .help("give the input `environment`"));
                }
                let outcome = tell(github, &deployed, &sha).await.unwrap_or_else(ticket::failed);
                told = Some(match told {
                    Some(before) => before.and(outcome),
                    None => outcome,
                });
            }
            Ok(told.unwrap_or_else(|| {
                Outcome::new(Delivery::Skipped, "no report tells of a version that changed")
            }))
        })
    }
}

async fn tell(github: &Github, deployed: &Deployed, sha: &Sha) -> Result<Outcome, Error> {
    let Github { api, repository, .. } = github;
    let Deployed { environment, payload, description, log_url, .. } = deployed;
    let id = if let Some(id) = of_this_run(github, deployed, sha).await? {
        id
    } else {
        let new = NewDeployment { sha, environment, payload: json!(payload), description };
        match api.clone().at_most_once().create_deployment(repository, &new).await {
            Ok(made) => made.id,
            // No answer came: it may have been made all the same.
            Err(error) if error.is_open() => of_this_run(github, deployed, sha).await?.ok_or(error)?,
            Err(error) => return Err(error),
        }
    };
    let status = NewDeploymentStatus {
        state: match deployed.state.as_str() {
            "success" => DeploymentState::Success,
            "in_progress" => DeploymentState::InProgress,
            "pending" => DeploymentState::Pending,
            "failure" => DeploymentState::Failure,
            _ => DeploymentState::Error,
        },
        log_url: log_url.as_deref(),
        environment_url: None,
        description,
    };
    api.create_deployment_status(repository, id, &status).await?;
    let what = format!("{} {} is {} in {environment}", payload.component, payload.version, deployed.state);
    Ok(Outcome::new(Delivery::Delivered, what))
}

/// How many Deployments are looked at: this run's are among the newest.
const NEWEST: usize = 10;

/// The Deployment that an earlier message of this run made: of the same commit, with the same payload, and this run
/// told how it went. Else one that nobody told anything of: whoever made it never learned that it was made.
async fn of_this_run(github: &Github, deployed: &Deployed, sha: &Sha) -> Result<Option<u64>, Error> {
    let Github { api, repository, run } = github;
    let own = run.as_ref().map(|run| format!("/actions/runs/{}/", run.id));
    let all = api.deployments(repository, &deployed.environment).await?;
    let same = all.into_iter().take(NEWEST).filter(|one| {
        one.environment == deployed.environment && one.sha == *sha && is(&one.payload, &deployed.payload)
    });
    let mut untold = None;
    for one in same {
        let statuses = api.deployment_statuses(repository, one.id).await?;
        let is_own = |url: &str| own.as_ref().is_some_and(|own| format!("{url}/").contains(own));
        if statuses.iter().any(|status| is_own(&status.log_url)) {
            return Ok(Some(one.id));
        }
        if statuses.is_empty() {
            untold = untold.or(Some(one.id));
        }
    }
    Ok(untold)
}

/// GitHub gives a payload back as an object, or as the text that was sent.
fn is(value: &Value, payload: &DeploymentPayload) -> bool {
    let read: Option<DeploymentPayload> = match value {
        Value::String(text) => serde_json::from_str(text).ok(),
        other => serde_json::from_value(other.clone()).ok(),
    };
    read.as_ref() == Some(payload)
}

fn state(story: &Story) -> &'static str {
    match (story.event, story.verdict) {
        (Event::Start, _) => "in_progress",
        (Event::Pending, _) => "pending",
        (Event::Cancelled, _) => "inactive",
        // A rollback that is all the run did put a version in its place, and that version runs.
        (Event::Success | Event::Recovery, _) | (Event::Rollback, Verdict::Passed | Verdict::Skipped) => {
            "success"
        }
        (_, Verdict::Undecided | Verdict::Misconfigured) => "error",
        (Event::Failure | Event::Rollback, _) => "failure",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{sections::tests::file, story::tests::failure};

    #[test]
    fn a_deployment_says_what_went_where() {
        let mut story = failure();
        story.event = Event::Success;
        story.verdict = Verdict::Passed;
        let sections = file("  []\n").unwrap().sections;
        let rendered = sections.channel("records").unwrap().render(&story).unwrap();
        insta::assert_snapshot!(format!("{:#}", rendered[0].body), @r##"
{
  "sha": "1a2b3c4d5e6f7a8b9c0d1a2b3c4d5e6f7a8b9c0d",
  "environment": "production",
  "state": "success",
  "payload": {
    "component": "backend",
    "image": "registry.example.com:5000/shop/backend",
    "digest": "",
    "version": "v1.4.2"
  },
  "description": "Succeeded: v1.4.1 → v1.4.2",
  "log_url": "https://github.com/acme/shop/actions/runs/7/attempts/2"
}
"##);
    }
}
