//! What is written is one commit on the state that was read, or none.

use sluice_github::{
    Addition, Api, AutoMerge, FileChanges, Kind, MergeMethod, Move, NewCommit, NewPullRequest, NewTreeEntry,
    PullRequestState, Refusal, Sha,
};
use sluice_github_fake::{Fault, File, GitHub, GitHubReply as _, Reply, Request};

use crate::{api, api_with, sha, shop};

fn add(path: &str, contents: &[u8]) -> FileChanges {
    let additions = vec![Addition { path: path.to_owned(), contents: contents.to_vec() }];
    FileChanges { additions, deletions: Vec::new() }
}

#[tokio::test]
async fn a_commit_on_a_branch_holds_exactly_the_changes() {
    let github = GitHub::start();
    let repository = github.repository("acme/shop");
    let head = repository.commit("main", "Begin", &[File::new("kept", "x"), File::new("gone", "x")]);
    let changes = FileChanges { deletions: vec!["gone".to_owned()], ..add("a/new", &[0, 255, 10]) };
    let api = api(&github);
    let made = api
        .create_commit_on_branch(&shop(), "main", &sha(&head), "Subject\n\nBody\n\nTrailer: x", &changes)
        .await
        .unwrap();
    assert_eq!(repository.head("main").as_deref(), Some(made.as_str()));
    assert_eq!(repository.git(&["ls-tree", "-r", "--name-only", "main"]), "a/new\nkept");
    assert_eq!(repository.file("main", "a/new"), Some(vec![0, 255, 10]));
    let commit = api.commit(&shop(), &made).await.unwrap();
    assert_eq!((commit.parents, commit.verified), (vec![sha(&head)], true));
    assert_eq!(commit.message, "Subject\n\nBody\n\nTrailer: x");
}

#[tokio::test]
async fn on_another_head_than_the_expected_one_nothing_is_committed() {
    let github = GitHub::start();
    let repository = github.repository("acme/shop");
    let old = repository.commit("main", "Begin", &[File::new("a", "1")]);
    let head = repository.commit("main", "Go on", &[File::new("a", "2")]);
    let error = api(&github)
        .create_commit_on_branch(&shop(), "main", &sha(&old), "x", &add("a", b"3"))
        .await
        .unwrap_err();
    assert!(error.is_conflict(), "{error}");
    assert_eq!(repository.head("main"), Some(head));
}

#[tokio::test]
async fn of_many_at_once_one_wins_and_no_commit_is_lost() {
    let github = GitHub::start();
    let repository = github.repository("acme/shop");
    let head = sha(&repository.commit("main", "Begin", &[File::new("a", "1")]));
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..8 {
        let (api, head) = (api(&github), head.clone());
        writers.spawn(async move {
            let changes = add("a", writer.to_string().as_bytes());
            api.create_commit_on_branch(&shop(), "main", &head, "x", &changes).await
        });
    }
    let (won, lost): (Vec<_>, Vec<_>) = writers.join_all().await.into_iter().partition(Result::is_ok);
    assert_eq!((won.len(), lost.len()), (1, 7));
    assert!(lost.into_iter().all(|outcome| outcome.unwrap_err().is_conflict()));
    assert_eq!(repository.git(&["rev-list", "--count", "main"]), "2");
}

#[tokio::test]
async fn a_lost_reply_comes_back_as_a_conflict_and_the_commit_is_there_once() {
    let github = GitHub::start();
    let repository = github.repository("acme/shop");
    let head = repository.commit("main", "Begin", &[File::new("a", "1")]);
    github.faults(|request| (request.number == 0).then_some(Fault::LoseReply));
    let error = api(&github)
        .create_commit_on_branch(&shop(), "main", &sha(&head), "x", &add("a", b"2"))
        .await
        .unwrap_err();
    assert!(error.is_conflict(), "{error}");
    assert_eq!(repository.git(&["rev-list", "--count", "main"]), "2");
    assert_eq!(repository.file("main", "a"), Some(b"2".to_vec()));
}

/// Adds a line to a file on whatever head there is, until it is in.
async fn append(api: &Api, line: &str) {
    loop {
        let head = api.reference(&shop(), "heads/main").await.unwrap();
        let text = api.file(&shop(), "lines", head.as_str()).await.unwrap();
        let text = String::from_utf8(text.to_vec()).unwrap();
        if text.lines().any(|there| there == line) {
            return;
        }
        let changes = add("lines", format!("{text}{line}\n").as_bytes());
        match api.create_commit_on_branch(&shop(), "main", &head, line, &changes).await {
            Ok(_) => return,
            Err(error) => assert!(error.is_conflict(), "{error}"),
        }
    }
}

#[tokio::test]
async fn with_a_fifth_of_the_replies_lost_each_line_lands_exactly_once() {
    let github = GitHub::start();
    let repository = github.repository("acme/shop");
    repository.commit("main", "Begin", &[File::new("lines", "")]);
    github.faults(|request| match request.number % 10 {
        3 => Some(Fault::LoseReply),
        7 => Some(Fault::AnswerAfter(Reply::server_error(502))),
        _ => None,
    });
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..12 {
        // So often that none gives up: 20 faults in a row do not happen.
        let api = api_with(&github, 20);
        writers.spawn(async move { append(&api, &format!("line {writer}")).await });
    }
    writers.join_all().await;
    let text = String::from_utf8(repository.file("main", "lines").unwrap()).unwrap();
    let mut lines: Vec<_> = text.lines().collect();
    lines.sort_unstable();
    lines.dedup();
    assert_eq!((lines.len(), text.lines().count()), (12, 12), "{text}");
    assert_eq!(repository.git(&["rev-list", "--count", "main"]), "13");
}

#[tokio::test]
async fn a_protected_branch_takes_no_commit_however_often_it_is_asked() {
    let github = GitHub::start();
    let repository = github.repository("acme/shop");
    let head = sha(&repository.commit("main", "Begin", &[File::new("a", "1")]));
    repository.protect("main");
    let api = api(&github);
    let by_graphql =
        api.create_commit_on_branch(&shop(), "main", &head, "x", &add("a", b"2")).await.unwrap_err();
    let by_rest = api.update_reference(&shop(), "heads/main", &head).await.unwrap_err();
    for error in [by_graphql, by_rest] {
        assert!(matches!(error.kind, Kind::Refused { refusal: Refusal::Rules, .. }), "{error}");
    }
    assert_eq!(github.requests().len(), 2);
}

#[tokio::test]
async fn a_mode_is_set_through_tree_and_commit_and_a_branch_moves_forward_only() {
    let github = GitHub::start();
    let repository = github.repository("acme/shop");
    let head =
        sha(&repository.commit("main", "Begin", &[File::executable("run", "1"), File::new("gone", "")]));
    let api = api(&github);
    let base = api.commit(&shop(), &head).await.unwrap().tree;
    let blob = api.create_blob(&shop(), b"2\xff").await.unwrap();
    let entries = [
        NewTreeEntry { path: "run".to_owned(), mode: "100755".to_owned(), sha: Some(blob) },
        NewTreeEntry { path: "gone".to_owned(), mode: "100644".to_owned(), sha: None },
    ];
    let tree = api.create_tree(&shop(), &base, &entries).await.unwrap();
    let new = NewCommit { message: "Bump", tree: &tree, parents: std::slice::from_ref(&head) };
    let commit = api.create_commit(&shop(), &new).await.unwrap();
    assert_eq!((&commit.tree, commit.verified), (&tree, true));

    let other = sha(&repository.commit("main", "Faster", &[File::new("other", "")]));
    let error = api.update_reference(&shop(), "heads/main", &commit.sha).await.unwrap_err();
    assert!(error.is_conflict(), "{error}");
    assert_eq!(repository.head("main").as_deref(), Some(other.as_str()));
    repository.branch("main", head.as_str());
    api.update_reference(&shop(), "heads/main", &commit.sha).await.unwrap();
    assert!(repository.git(&["ls-tree", "-r", "main"]).starts_with("100755 blob"));
    assert_eq!(repository.git(&["ls-tree", "-r", "--name-only", "main"]), "run");
    assert_eq!(repository.file("main", "run"), Some(b"2\xff".to_vec()));
}

#[tokio::test]
async fn a_reference_is_made_once() {
    let github = GitHub::start();
    let repository = github.repository("acme/shop");
    let head = sha(&repository.commit("main", "Begin", &[File::new("a", "1")]));
    let api = api(&github);
    api.create_reference(&shop(), "heads/bump/dev", &head).await.unwrap();
    assert_eq!(repository.head("bump/dev").as_deref(), Some(head.as_str()));
    let error = api.create_reference(&shop(), "heads/bump/dev", &head).await.unwrap_err();
    assert!(error.is_conflict(), "{error}");
    // One that is not there can't be moved: someone removed it.
    let error = api.update_reference(&shop(), "heads/none", &head).await.unwrap_err();
    assert!(error.is_conflict(), "{error}");
}

#[tokio::test]
async fn a_pull_request_is_opened_once_and_kept_up_to_date() {
    let github = GitHub::start();
    let repository = github.repository("acme/shop");
    let head = repository.commit("main", "Begin", &[File::new("a", "1")]);
    repository.branch("bump/dev", &head);
    let api = api(&github);
    let new = NewPullRequest { title: "Bump", body: "| a |", head: "bump/dev", base: "main" };
    let error = api.create_pull_request(&shop(), &new).await.unwrap_err();
    assert!(error.to_string().contains("No commits between main and bump/dev"), "{error}");

    let tip = repository.commit("bump/dev", "Bump", &[File::new("a", "2")]);
    let made = api.create_pull_request(&shop(), &new).await.unwrap();
    assert_eq!((made.number, made.state, made.head_sha.as_str()), (1, PullRequestState::Open, tip.as_str()));
    assert!(api.create_pull_request(&shop(), &new).await.unwrap_err().is_conflict());
    assert_eq!(api.open_pull_requests(&shop(), "bump/dev", "main").await.unwrap(), [made]);
    assert_eq!(api.open_pull_requests(&shop(), "bump/prod", "main").await.unwrap(), []);

    let updated = api.update_pull_request(&shop(), 1, "Bump again", "").await.unwrap();
    assert_eq!((updated.title.as_str(), updated.body.as_str()), ("Bump again", ""));
    api.add_labels(&shop(), 1, &["deploy".to_owned(), "bot".to_owned()]).await.unwrap();
    api.add_labels(&shop(), 1, &["deploy".to_owned()]).await.unwrap();
    api.request_reviewers(&shop(), 1, &["monalisa".to_owned()], &["platform".to_owned()]).await.unwrap();
    let [pull] = repository.pull_requests().try_into().unwrap();
    assert_eq!(pull["labels"].as_array().unwrap().len(), 2);
    assert_eq!(pull["requested_reviewers"][0]["login"], "monalisa");
    assert_eq!(pull["requested_teams"][0]["slug"], "platform");
}

#[tokio::test]
async fn a_setting_that_forbids_pull_requests_is_named() {
    let github = GitHub::start();
    let words = "GitHub Actions is not permitted to create or approve pull requests.";
    github.faults(move |_: &Request| Some(Fault::Answer(Reply::error(403, words))));
    let new = NewPullRequest { title: "Bump", body: "", head: "bump/dev", base: "main" };
    let error = api(&github).create_pull_request(&shop(), &new).await.unwrap_err();
    assert!(matches!(error.kind, Kind::Refused { refusal: Refusal::PullRequestsByActions, .. }), "{error}");
}

#[tokio::test]
async fn a_branch_moves_from_where_it_is_said_to_be_or_not_at_all() {
    let github = GitHub::start();
    let repository = github.repository("acme/shop");
    let old = sha(&repository.commit("main", "Begin", &[File::new("a", "1")]));
    let new = sha(&repository.commit("main", "Go on", &[File::new("a", "2")]));
    repository.branch("aside", old.as_str());
    let aside = sha(&repository.commit("aside", "Aside", &[File::new("a", "3")]));
    let api = api(&github);
    let facts = api.repository(&shop()).await.unwrap();
    let moved =
        async |from: &Sha, to: &Sha, how| api.move_branch(&shop(), &facts, "main", from, to, how).await;
    assert!(moved(&old, &aside, Move::Anywhere).await.unwrap_err().is_conflict());
    let error = moved(&new, &aside, Move::Forward).await.unwrap_err();
    assert!(!error.is_conflict() || error.to_string().contains("fast forward"), "{error}");
    assert_eq!(repository.head("main").as_deref(), Some(new.as_str()));

    // The reply is lost, and the second try finds the branch where it is to be.
    let before = github.requests().len();
    github.faults(move |request| (request.number == before).then_some(Fault::LoseReply));
    moved(&new, &aside, Move::Anywhere).await.unwrap();
    assert_eq!(repository.head("main").as_deref(), Some(aside.as_str()));
    repository.protect("main");
    let error = moved(&aside, &new, Move::Anywhere).await.unwrap_err();
    assert!(matches!(error.kind, Kind::Refused { refusal: Refusal::Rules, .. }), "{error}");
}

#[tokio::test]
async fn what_is_sent_at_most_once_is_sent_again_only_where_it_had_no_effect() {
    let lost = [Fault::LoseReply, Fault::AnswerAfter(Reply::server_error(502)), Fault::HalfReply];
    for fault in lost {
        let github = GitHub::start();
        let repository = github.repository("acme/shop");
        let head = sha(&repository.commit("main", "Begin", &[File::new("a", "1")]));
        github.faults(move |_: &Request| Some(fault.clone()));
        let api = api(&github).at_most_once();
        let error =
            api.create_commit_on_branch(&shop(), "main", &head, "x", &add("a", b"2")).await.unwrap_err();
        assert!(error.is_open() && !error.is_conflict(), "{error}");
        assert_eq!(
            (github.requests().len(), repository.git(&["rev-list", "--count", "main"])),
            (1, "2".to_owned())
        );
    }
    let github = GitHub::start();
    let head = sha(&github.repository("acme/shop").commit("main", "Begin", &[File::new("a", "1")]));
    github.faults(|request| (request.number == 0).then(|| Fault::Answer(Reply::secondary_limit(0))));
    let api = api(&github).at_most_once();
    api.create_commit_on_branch(&shop(), "main", &head, "x", &add("a", b"2")).await.unwrap();
    assert_eq!(github.requests().len(), 2);
}

#[tokio::test]
async fn a_closed_pull_request_is_known_by_the_commit_it_was_closed_at() {
    let github = GitHub::start();
    let repository = github.repository("acme/shop");
    let head = repository.commit("main", "Begin", &[File::new("a", "1")]);
    repository.branch("bump/dev", &head);
    let tip = sha(&repository.commit("bump/dev", "Bump", &[File::new("a", "2")]));
    let api = api(&github);
    let new = NewPullRequest { title: "Bump", body: "", head: "bump/dev", base: "main" };
    let closed = async |sha: &Sha| api.closed_pull_request(&shop(), "bump/dev", "main", sha).await.unwrap();
    github.act_as("github-actions[bot]");
    assert_eq!(api.create_pull_request(&shop(), &new).await.unwrap().author, "github-actions[bot]");
    assert_eq!(closed(&tip).await, None, "it is open");
    repository.close(1);
    assert_eq!(closed(&tip).await.unwrap().number, 1);
    let later = sha(&repository.commit("bump/dev", "Later", &[File::new("a", "3")]));
    assert_eq!(closed(&later).await, None);
}

#[tokio::test]
async fn a_pull_request_merges_by_itself_where_there_is_something_to_wait_for() {
    let github = GitHub::start();
    let repository = github.repository("acme/shop");
    let head = repository.commit("main", "Begin", &[File::new("a", "1")]);
    repository.branch("bump/dev", &head);
    repository.commit("bump/dev", "Bump", &[File::new("a", "2")]);
    let api = api(&github);
    let new = NewPullRequest { title: "Bump", body: "", head: "bump/dev", base: "main" };
    let pull = api.create_pull_request(&shop(), &new).await.unwrap();
    let enable = async || api.enable_auto_merge(&shop(), &pull, MergeMethod::Squash).await;
    assert_eq!(enable().await.unwrap(), AutoMerge::On);
    assert_eq!(repository.pull_requests()[0]["auto_merge"]["merge_method"], "squash");
    repository.require(1, false);
    assert_eq!(enable().await.unwrap(), AutoMerge::NothingToWaitFor);
    repository.forbid_auto_merge();
    let error = enable().await.unwrap_err();
    assert!(error.to_string().contains("Auto merge is not allowed"), "{error}");
}

#[tokio::test]
async fn an_archived_repository_takes_nothing() {
    let github = GitHub::start();
    let repository = github.repository("acme/shop");
    let head = sha(&repository.commit("main", "Begin", &[File::new("a", "1")]));
    repository.archive();
    let api = api(&github);
    assert!(api.repository(&shop()).await.unwrap().archived);
    let by_graphql =
        api.create_commit_on_branch(&shop(), "main", &head, "x", &add("a", b"2")).await.unwrap_err();
    let by_rest = api.create_blob(&shop(), b"x").await.unwrap_err();
    for error in [by_graphql, by_rest] {
        assert!(matches!(error.kind, Kind::Refused { refusal: Refusal::Archived, .. }), "{error}");
    }
}
