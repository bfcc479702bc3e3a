//! What goes wrong is told apart, and told in full.

use std::time::Duration;

use sluice_core::{Problem, Verdict};
use sluice_github::{Error, Kind, Refusal};
use sluice_github_fake::{Fault, File, GitHub, GitHubReply as _, Reply, Request};

use crate::{TOKEN, api, sha, shop};

/// A stand-in with one repository, and its head.
fn github() -> (GitHub, String) {
    let github = GitHub::start();
    let head = github.repository("acme/shop").commit("main", "Begin", &[File::new("a", "1")]);
    (github, head)
}

/// What reading the head comes to when every request meets this fault.
async fn always(fault: Fault) -> (Error, usize) {
    let (github, _) = github();
    github.faults(move |_: &Request| Some(fault.clone()));
    let error = api(&github).reference(&shop(), "heads/main").await.unwrap_err();
    (error, github.requests().len())
}

/// A problem as a person reads it.
fn told(error: Error) -> String {
    let text = format!("{error} {error:?}");
    assert!(!text.contains(TOKEN), "{text}");
    let problem = Problem::from(error);
    let lines = [Some(problem.what), problem.why, problem.help];
    let lines = lines.into_iter().flatten().collect::<Vec<_>>().join("\n");
    format!("{}\n{lines}", problem.verdict)
}

#[tokio::test]
async fn what_passes_is_asked_again() {
    for fault in [
        Fault::LoseReply,
        Fault::Answer(Reply::server_error(502)),
        Fault::AnswerAfter(Reply::server_error(500)),
        Fault::Answer(Reply::secondary_limit(0)),
        Fault::Delay(Duration::from_millis(1)),
    ] {
        let (github, head) = github();
        let one = fault.clone();
        github.faults(move |request: &Request| (request.number < 2).then(|| one.clone()));
        let found = api(&github).reference(&shop(), "heads/main").await.unwrap();
        assert_eq!(found, sha(&head), "{fault:?}");
    }
}

#[tokio::test]
async fn an_outage_is_no_answer() {
    let (error, tries) = always(Fault::Answer(Reply::server_error(503))).await;
    assert_eq!(tries, 4);
    insta::assert_snapshot!(told(error), @"
    undecided
    could not read the reference heads/main in acme/shop
    GitHub is out of order (503 Service Unavailable)
    run again later; https://www.githubstatus.com tells of outages
    ");
}

#[tokio::test]
async fn a_reply_that_never_comes_is_no_answer() {
    let (error, tries) = always(Fault::LoseReply).await;
    assert_eq!(tries, 4);
    assert!(matches!(error.kind, Kind::Unreachable(_)), "{error}");
    assert_eq!(Problem::from(error).verdict, Verdict::Undecided);

    let (github, _) = github();
    let api = api(&github);
    github.stop();
    let error = api.reference(&shop(), "heads/main").await.unwrap_err();
    assert!(matches!(error.kind, Kind::Unreachable(_)), "{error}");
}

#[tokio::test]
async fn a_reply_that_is_cut_is_no_answer() {
    let (error, tries) = always(Fault::HalfReply).await;
    assert_eq!(tries, 1);
    assert!(matches!(error.kind, Kind::Malformed { .. }), "{error}");
}

#[tokio::test]
async fn a_page_of_someone_else_is_no_answer() {
    let page =
        Reply { status: 200, headers: Vec::new(), body: b"<html>Sign in to the network</html>".to_vec() };
    let (error, _) = always(Fault::Answer(page)).await;
    insta::assert_snapshot!(told(error), @"
    undecided
    could not read the reference heads/main in acme/shop
    the reply is not one of GitHub's API: expected value at line 1 column 1
    check that GITHUB_API_URL leads to GitHub, and not to a proxy's page
    ");
}

#[tokio::test]
async fn a_limit_that_lasts_longer_than_the_patience_names_its_end() {
    // 2100-01-01
    let (error, tries) = always(Fault::Answer(Reply::rate_limit(4_102_444_800))).await;
    assert_eq!(tries, 1);
    insta::assert_snapshot!(told(error), @"
    undecided
    could not read the reference heads/main in acme/shop
    GitHub's rate limit is used up until 2100-01-01T00:00:00Z
    run again later, or give a token of its own: each has its own limit
    ");
    let (error, tries) = always(Fault::Answer(Reply::secondary_limit(3_600))).await;
    assert_eq!(tries, 1);
    assert!(matches!(error.kind, Kind::RateLimited { until: Some(_) }), "{error}");
    // Without a time it is a minute, which is longer than these tests wait.
    let (error, tries) =
        always(Fault::Answer(Reply::error(403, "You have exceeded a secondary rate limit."))).await;
    assert_eq!(tries, 1);
    assert!(matches!(error.kind, Kind::RateLimited { .. }), "{error}");
}

#[tokio::test]
async fn what_the_token_may_not_do_is_named_as_a_workflow_writes_it() {
    let (error, tries) =
        always(Fault::Answer(Reply::error(403, "Resource not accessible by integration"))).await;
    assert_eq!(tries, 1);
    insta::assert_snapshot!(told(error), @"
    undecided
    could not read the reference heads/main in acme/shop
    GitHub forbids it to this token (Resource not accessible by integration)
    give the job `permissions: contents: read`
    ");
}

#[tokio::test]
async fn a_token_that_is_not_accepted_is_told_of_and_not_shown() {
    let (github, _) = github();
    github.require_token("ghs_another");
    let error = api(&github).reference(&shop(), "heads/main").await.unwrap_err();
    insta::assert_snapshot!(told(error), @"
    undecided
    could not read the reference heads/main in acme/shop
    GitHub does not accept the token (Bad credentials)
    give a token that is valid: on the runner `token: ${{ github.token }}`
    ");
}

#[tokio::test]
async fn what_is_not_there_may_be_out_of_sight() {
    let (github, _) = github();
    let error = api(&github).reference(&shop(), "heads/none").await.unwrap_err();
    insta::assert_snapshot!(told(error), @"
    undecided
    could not read the reference heads/none in acme/shop
    GitHub answers that there is no such thing, or none that this token may see
    check the name; the token needs `permissions: contents: read`, and access to the repository if it is private
    ");
}

#[tokio::test]
async fn a_rule_is_an_answer() {
    let (github, head) = github();
    github.repository("acme/shop").protect("main");
    let error = api(&github).update_reference(&shop(), "heads/main", &sha(&head)).await.unwrap_err();
    insta::assert_snapshot!(told(error), @"
    failed
    could not move heads/main to 759b237a8c999faee3690256d3542cf95446073b in acme/shop
    the rules of the repository forbid it (Repository rule violations found Changes must be made through a pull request.)
    open a pull request instead, or let the token's owner bypass the rule
    ");
}

#[tokio::test]
async fn a_repository_that_moved_is_written_to_under_its_new_name_only() {
    let (github, head) = github();
    github.faults(|request| {
        let to = request.path.replace("acme/shop", "acme/store");
        Some(Fault::Answer(Reply::error(307, "Moved Temporarily").header("location", &to)))
    });
    let error = api(&github).update_reference(&shop(), "heads/main", &sha(&head)).await.unwrap_err();
    assert!(matches!(error.kind, Kind::Refused { refusal: Refusal::Moved, .. }), "{error}");
}

#[tokio::test]
async fn errors_of_graphql_are_told_apart_by_their_type() {
    let commit = async |fault: Reply| {
        let (github, head) = github();
        github.faults(move |_: &Request| Some(Fault::Answer(fault.clone())));
        let outcome =
            api(&github).create_commit_on_branch(&shop(), "main", &sha(&head), "x", &<_>::default()).await;
        (outcome.unwrap_err().kind, github.requests().len())
    };
    let with = |kind: &str| Reply::graphql_error(kind, "words that vary");
    assert!(matches!(commit(with("STALE_DATA")).await, (Kind::Conflict { .. }, 1)));
    assert!(matches!(commit(with("NOT_FOUND")).await, (Kind::NotFound, 1)));
    assert!(matches!(commit(with("FORBIDDEN")).await, (Kind::Forbidden { .. }, 1)));
    assert!(matches!(commit(with("RATE_LIMITED")).await, (Kind::RateLimited { .. }, 1)));
    assert!(matches!(commit(with("SERVICE_UNAVAILABLE")).await, (Kind::Server { .. }, 4)));
    let other = commit(with("SOMETHING_NEW")).await;
    assert!(matches!(other, (Kind::Refused { refusal: Refusal::Invalid, .. }, 1)), "{other:?}");
    let spent = with("SOMETHING").header("x-ratelimit-remaining", "0");
    assert!(matches!(commit(spent).await, (Kind::RateLimited { .. }, 1)));
    let neither = Reply { body: b"{}".to_vec(), ..with("") };
    assert!(matches!(commit(neither).await, (Kind::Malformed { .. }, 1)));
}

#[tokio::test]
async fn pages_that_end_too_soon_are_no_list() {
    let (github, _) = github();
    let cut = r#"{"total_count": 2000, "workflow_runs": []}"#;
    github.faults(move |_: &Request| {
        Some(Fault::Answer(Reply { status: 200, headers: Vec::new(), body: cut.as_bytes().to_vec() }))
    });
    let error = api(&github).last_successful_run(&shop(), "deploy.yml", "main", None).await.unwrap_err();
    assert_eq!(error.kind, Kind::Incomplete { got: 0, count: 2000 });
}

#[tokio::test]
async fn the_token_goes_to_no_page_elsewhere() {
    let (github, _) = github();
    let other = GitHub::start();
    let link = format!("<{}/api/v3/repos/acme/shop/pulls?page=2>; rel=\"next\"", other.server_url());
    github.faults(move |_: &Request| {
        Some(Fault::Answer(
            Reply { status: 200, headers: Vec::new(), body: b"[]".to_vec() }.header("link", &link),
        ))
    });
    let error = api(&github).open_pull_requests(&shop(), "a", "main").await.unwrap_err();
    assert!(matches!(error.kind, Kind::Malformed { .. }), "{error}");
    assert_eq!(other.requests().len(), 0);
}
