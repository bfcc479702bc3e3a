//! What a pipeline tells of itself, and reads again.

use serde_json::json;
use sluice_github::{DeploymentState, NewDeployment, NewDeploymentStatus, NewIssue, NewStatus, StatusState};
use sluice_github_fake::{File, GitHub, Job, Run};

use crate::{api, sha, shop};

#[tokio::test]
async fn an_issue_is_opened_commented_on_and_closed() {
    let github = GitHub::start();
    let repository = github.repository("acme/shop");
    let api = api(&github);
    let (labels, assignees) = (["incident".to_owned(), "production".to_owned()], ["octocat".to_owned()]);
    let new = NewIssue { title: "Failed", body: "text", labels: &labels, assignees: &assignees };
    let issue = api.create_issue(&shop(), &new).await.unwrap();
    api.comment_on_issue(&shop(), issue.number, "again").await.unwrap();
    let comments = api.issue_comments(&shop(), issue.number).await.unwrap();
    assert_eq!(comments.iter().map(|comment| comment.body.as_str()).collect::<Vec<_>>(), ["again"]);
    assert_eq!(api.open_issues(&shop(), "production").await.unwrap().len(), 1);
    api.close_issue(&shop(), issue.number, true).await.unwrap();
    assert_eq!(repository.issues(), [(issue.number, "text".to_owned(), false)]);
}

#[tokio::test]
async fn a_deployment_is_made_and_told_how_it_goes() {
    let github = GitHub::start();
    let repository = github.repository("acme/shop");
    let commit = repository.commit("main", "Begin", &[]);
    let api = api(&github);
    let (sha, payload) = (sha(&commit), json!({"component": "backend"}));
    let new = NewDeployment { sha: &sha, environment: "dev", payload: payload.clone(), description: "x" };
    let made = api.create_deployment(&shop(), &new).await.unwrap();
    for state in [DeploymentState::InProgress, DeploymentState::Success] {
        let log_url = Some("https://github.com/acme/shop/actions/runs/7");
        let status = NewDeploymentStatus { state, log_url, environment_url: None, description: "" };
        api.create_deployment_status(&shop(), made.id, &status).await.unwrap();
    }
    let [found] = api.deployments(&shop(), "dev").await.unwrap().try_into().unwrap();
    assert_eq!((found.id, found.sha, found.payload), (made.id, sha, payload));
    let states = api.deployment_statuses(&shop(), made.id).await.unwrap();
    assert_eq!(states[0].state, "success");
    assert_eq!(states[0].log_url, "https://github.com/acme/shop/actions/runs/7");
}

#[tokio::test]
async fn a_status_is_set() {
    let github = GitHub::start();
    let repository = github.repository("acme/shop");
    let commit = repository.commit("main", "Begin", &[]);
    let state = StatusState::Failure;
    let status = NewStatus { state, context: "sluice/dev", description: "no", target_url: None };
    api(&github).set_status(&shop(), &sha(&commit), &status).await.unwrap();
    assert_eq!(repository.set_statuses()[0].1["state"], "failure");
}

#[tokio::test]
async fn the_newest_commits_of_a_range_are_read() {
    let github = GitHub::start();
    let repository = github.repository("acme/shop");
    let base = repository.commit("main", "Begin", &[]);
    for number in 1..=103 {
        repository.commit("main", &format!("Change {number}\n\nwhy"), &[File::new("x", number.to_string())]);
    }
    let range = api(&github).range(&shop(), &base, "main").await.unwrap();
    assert_eq!((range.total, range.newest.len()), (103, 3));
    assert_eq!(range.newest[2].message, "Change 103\n\nwhy");
    assert_eq!(range.newest[2].author, "octocat");
}

#[tokio::test]
async fn the_run_before_and_the_jobs_of_one_are_read() {
    let github = GitHub::start();
    let repository = github.repository("acme/shop");
    let commit = repository.commit("main", "Begin", &[]);
    let failed = repository.run(Run { conclusion: "failure".into(), ..Run::success("main", &commit) });
    repository.run(Run { fork: Some("mallory/shop".into()), ..Run::success("main", &commit) });
    repository.run(Run::success("other", &commit));
    let own = repository.run(Run::success("main", &commit));
    repository.job(
        own,
        Job {
            name: "smoke (eu)".into(),
            conclusion: Some("failure".into()),
            seconds: 94,
            steps: vec![("Set up job".into(), "success".into()), ("Check".into(), "failure".into())],
        },
    );
    let api = api(&github);
    let before = api.ended_run_before(&shop(), "deploy.yml", "main", own).await.unwrap().unwrap();
    assert_eq!((before.id, before.conclusion.as_str()), (failed, "failure"));
    assert_eq!(api.ended_run_before(&shop(), "deploy.yml", "main", failed).await.unwrap(), None);
    let [job] = api.run_jobs(&shop(), own, 1).await.unwrap().try_into().unwrap();
    assert_eq!((job.name.as_str(), job.conclusion.as_deref()), ("smoke (eu)", Some("failure")));
    let took = job.completed_at.unwrap().as_second() - job.started_at.unwrap().as_second();
    assert_eq!((took, job.steps[1].name.as_str()), (94, "Check"));
}
