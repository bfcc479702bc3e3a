//! What people and programs say of commits.

use serde_json::json;
use sluice_github::{Kind, RequiredCheck};
use sluice_github_fake::{Check, Fault, File, GitHub, GitHubReply as _, Reply};

use crate::{TOKEN, api, sha, shop};

#[tokio::test]
async fn a_commit_leads_to_its_pull_request_its_reviews_and_its_authors() {
    let github = GitHub::start();
    github.require_token(TOKEN);
    let repository = github.repository("acme/shop");
    let begin = repository.commit("main", "Begin", &[]);
    repository.branch("change", &begin);
    let message = "Change\n\nCo-authored-by: Mona <12+monalisa@users.noreply.github.com>\nCo-authored-by: x <x@example.com>";
    let head = repository.commit_by("dev", "change", message, &[File::new("a", "a")]);
    let pull = repository.open_pull("dev", "change", "main", None);
    for (by, state) in [("hubot", "COMMENTED"), ("hubot", "APPROVED")] {
        repository.review(pull, by, state, &head);
    }
    let merged = repository.merge(pull);

    let api = api(&github);
    let [found] = &api.pulls_of_commit(&shop(), &sha(&merged)).await.unwrap()[..] else { panic!("one") };
    assert_eq!((found.number, found.merged_as.as_ref()), (pull, Some(&sha(&merged))));
    assert_eq!((found.head_sha.as_str(), found.is_from_here), (&*head, true));
    let reviews = api.reviews(&shop(), pull).await.unwrap();
    let states: Vec<&str> = reviews.iter().map(|review| review.state.as_str()).collect();
    assert_eq!(states, ["COMMENTED", "APPROVED"]);
    let [origin] = &api.origins_of_pull(&shop(), pull).await.unwrap()[..] else { panic!("one") };
    let authors: Vec<Option<&str>> = origin
        .authors
        .iter()
        .map(|author| author.account.as_ref().map(|(_, login)| login.as_str()))
        .collect();
    assert_eq!(authors, [Some("dev"), Some("monalisa"), None]);
    assert_eq!((origin.is_verified, origin.signature.as_str()), (false, "UNSIGNED"));
    let origin = api.origin(&shop(), &sha(&merged)).await.unwrap();
    assert_eq!((origin.is_verified, origin.committer), (true, None), "GitHub made it");
}

#[tokio::test]
async fn a_fork_s_branch_is_none_of_ours() {
    let github = GitHub::start();
    let repository = github.repository("acme/shop");
    let begin = repository.commit("main", "Begin", &[]);
    repository.branch("staging", &begin);
    let head = repository.commit("staging", "Change", &[File::new("a", "a")]);
    repository.open_pull("mallory", "staging", "main", Some("mallory/shop"));
    let found = api(&github).pulls_of_commit(&shop(), &sha(&head)).await.unwrap();
    assert_eq!((found[0].is_from_here, found[0].merged_as.as_ref()), (false, None));
}

#[tokio::test]
async fn commits_of_a_pull_request_are_all_or_none() {
    let github = GitHub::start();
    let repository = github.repository("acme/shop");
    let begin = repository.commit("main", "Begin", &[]);
    repository.branch("change", &begin);
    for number in 0..120 {
        repository.commit("change", &format!("Change {number}"), &[]);
    }
    let pull = repository.open_pull("dev", "change", "main", None);
    assert_eq!(api(&github).origins_of_pull(&shop(), pull).await.unwrap().len(), 120);
    // GitHub tells of 250 commits at most.
    let none = json!({"data": {"repository": {"pullRequest": {"commits": {
        "totalCount": 300, "pageInfo": {"hasNextPage": false, "endCursor": null}, "nodes": [],
    }}}}});
    github.faults(move |_| Some(Fault::Answer(Reply::json(200, &none))));
    let error = api(&github).origins_of_pull(&shop(), pull).await.unwrap_err();
    assert_eq!(error.kind, Kind::Incomplete { got: 0, count: 300 });
}

#[tokio::test]
async fn required_checks_are_those_of_the_protection_and_of_the_rulesets() {
    let github = GitHub::start();
    let repository = github.repository("acme/shop");
    repository.commit("main", "Begin", &[]);
    assert_eq!(api(&github).required_checks(&shop(), "main").await.unwrap(), []);
    repository.protect_with_check("main", "legacy", None);
    repository.protect_with_check("main", "build", Some(15_368));
    repository.rule_with_check("main", "scan", Some(7));
    let check = |context: &str, app_id| RequiredCheck { context: context.to_owned(), app_id };
    assert_eq!(
        api(&github).required_checks(&shop(), "main").await.unwrap(),
        [check("legacy", None), check("build", Some(15_368)), check("scan", Some(7))]
    );
    assert!(api(&github).required_checks(&shop(), "nowhere").await.unwrap_err().is_not_found());
}

#[tokio::test]
async fn an_issue_comes_with_all_its_comments() {
    let github = GitHub::start();
    let repository = github.repository("acme/shop");
    repository.commit("main", "Begin", &[]);
    let api = api(&github);
    let issue = api.open_issue(&shop(), "Approve", "body", "gate").await.unwrap();
    for number in 0..230 {
        repository.comment(issue.number, "hubot", &number.to_string());
    }
    repository.edit_last_comment(issue.number, "changed");
    let thread = api.thread(&shop(), issue.number).await.unwrap();
    assert_eq!(thread.comments.len(), 230);
    assert!(!thread.author.unwrap().is_person());
    let [.., before, last] = &thread.comments[..] else { panic!("two") };
    assert_eq!((last.body.as_str(), last.is_edited, before.is_edited), ("changed", true, false));
    assert!(last.author.as_ref().unwrap().is_person());
    assert_eq!(api.open_issues(&shop(), "gate").await.unwrap().len(), 1);
    assert_eq!(api.open_issues(&shop(), "other").await.unwrap(), []);
    api.close_issue(&shop(), issue.number, true).await.unwrap();
    assert_eq!(api.open_issues(&shop(), "gate").await.unwrap(), []);
}

#[tokio::test]
async fn what_did_not_change_is_not_sent_again_and_what_did_is_seen() {
    let github = GitHub::start();
    let repository = github.repository("acme/shop");
    let head = repository.commit("main", "Begin", &[]);
    repository.check(Check::ended("build", &head, "success"));
    let (api, trace) = api(&github).remembering().traced();
    let once = api.check_runs(&shop(), &sha(&head)).await.unwrap();
    let first = trace.clock().unwrap();
    assert_eq!(api.check_runs(&shop(), &sha(&head)).await.unwrap(), once);
    assert!(trace.clock().unwrap() > first, "the time is that of the second answer");
    repository.check(Check::ended("scan", &head, "failure"));
    assert_eq!(api.check_runs(&shop(), &sha(&head)).await.unwrap().len(), 2);
    let tags: Vec<bool> =
        github.requests().iter().map(|request| request.header("if-none-match").is_some()).collect();
    assert_eq!(tags, [false, true, true]);
    let urls: Vec<String> = trace.answered().into_iter().map(|answered| answered.url).collect();
    assert_eq!(urls.len(), 3);
    assert!(urls[0].ends_with(&format!("/commits/{head}/check-runs?filter=all&per_page=100")), "{}", urls[0]);
}

#[tokio::test]
async fn a_login_without_an_account_is_told_from_a_fault() {
    let github = GitHub::start();
    github.no_account("nobody");
    assert_eq!(api(&github).account("nobody").await.unwrap(), None);
    assert_eq!(api(&github).account("octocat").await.unwrap().unwrap().login, "octocat");
    github.faults(|_| Some(Fault::Answer(Reply::error(403, "no"))));
    assert!(api(&github).account("nobody").await.is_err());
}
