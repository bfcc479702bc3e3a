//! What is read is what git has.

use sluice_github::{EntryKind, FileStatus, Files, Kind};
use sluice_github_fake::{File, GitHub, Run};

use crate::{TOKEN, api, sha, shop};

#[tokio::test]
async fn a_comparison_tells_the_merge_base_and_each_file() {
    let github = GitHub::start();
    github.require_token(TOKEN);
    let repository = github.repository("acme/shop");
    let text = "one\ntwo\nthree\nfour\n";
    let base = repository.commit(
        "main",
        "Begin",
        &[
            File::new("kept", "x"),
            File::new("changed", "1"),
            File::new("gone", "2"),
            File::new("old/name", text),
        ],
    );
    repository.branch("feature/new", &base);
    let main = repository.commit("main", "Go on", &[File::new("elsewhere", "x")]);
    let head = repository.commit(
        "feature/new",
        "Change",
        &[
            File::new("changed", "2"),
            File::removed("gone"),
            File::removed("old/name"),
            File::new("new/café \"quoted\"", text),
            File::new("more\nlines", ""),
        ],
    );

    let compared = api(&github).compare(&shop(), "main", "feature/new").await.unwrap();
    assert_eq!(compared.merge_base, sha(&base));
    assert_eq!((compared.ahead_by, compared.behind_by), (1, 1));
    let Files::Complete(files) = &compared.files else { panic!("{compared:?}") };
    let told: Vec<_> =
        files.iter().map(|file| (file.path.as_str(), file.status, file.previous_path.as_deref())).collect();
    assert_eq!(
        told,
        [
            ("changed", FileStatus::Modified, None),
            ("gone", FileStatus::Removed, None),
            ("more\nlines", FileStatus::Added, None),
            ("new/café \"quoted\"", FileStatus::Renamed, Some("old/name")),
        ]
    );
    assert_eq!(api(&github).compare(&shop(), &main, &head).await.unwrap(), compared);
}

#[tokio::test]
async fn a_comparison_of_300_files_may_be_cut() {
    let github = GitHub::start();
    let repository = github.repository("acme/shop");
    let files = |count: usize| (0..count).map(|n| File::new(format!("f/{n}"), "")).collect::<Vec<_>>();
    let base = repository.commit("main", "Begin", &[File::new("README", "")]);
    let one = repository.commit("main", "299", &files(299));
    let two = repository.commit("main", "301", &files(301));
    let api = api(&github);
    let files = api.compare(&shop(), &base, &one).await.unwrap().files;
    assert!(matches!(files, Files::Complete(files) if files.len() == 299));
    let files = api.compare(&shop(), &base, &two).await.unwrap().files;
    assert!(matches!(files, Files::Cut { some } if some.len() == 300));
}

#[tokio::test]
async fn objects_are_those_of_git() {
    let github = GitHub::start();
    let repository = github.repository("acme/shop");
    let first = repository.commit("main", "Begin", &[File::new("a/b.txt", [0, 159, 146, 150])]);
    let second = repository.commit(
        "main",
        "Go on\n\nWith a body",
        &[File::executable("run", "#!"), File::symlink("l", "run")],
    );
    repository.git(&["-c", "user.name=x", "-c", "user.email=x", "tag", "-a", "-m", "x", "v1", &second]);
    let api = api(&github);

    assert_eq!(api.repository(&shop()).await.unwrap().default_branch, "main");
    assert_eq!(api.reference(&shop(), "heads/main").await.unwrap(), sha(&second));
    assert_ne!(api.reference(&shop(), "tags/v1").await.unwrap(), sha(&second));
    for revision in ["main", "v1", second.as_str()] {
        assert_eq!(api.resolve(&shop(), revision).await.unwrap(), sha(&second), "{revision}");
    }
    let commit = api.commit(&shop(), &sha(&second)).await.unwrap();
    assert_eq!(commit.tree.as_str(), repository.git(&["rev-parse", "main^{tree}"]));
    assert_eq!((commit.parents, commit.verified), (vec![sha(&first)], false));
    assert_eq!(commit.message, "Go on\n\nWith a body");

    let tree = api.tree(&shop(), &commit.tree).await.unwrap();
    let entries: Vec<_> =
        tree.entries.iter().map(|entry| (entry.path.as_str(), entry.mode.as_str(), entry.kind)).collect();
    assert_eq!(
        entries,
        [
            ("a", "040000", EntryKind::Tree),
            ("a/b.txt", "100644", EntryKind::Blob),
            ("l", "120000", EntryKind::Blob),
            ("run", "100755", EntryKind::Blob),
        ]
    );
    assert!(!tree.truncated);
    assert_eq!(tree.entries[1].size, Some(4));
    assert_eq!(*api.blob(&shop(), &tree.entries[1].sha).await.unwrap(), [0, 159, 146, 150]);
    assert_eq!(*api.file(&shop(), "a/b.txt", &first).await.unwrap(), [0, 159, 146, 150]);
}

#[tokio::test]
async fn what_is_not_there_is_not_found_and_never_empty() {
    let github = GitHub::start();
    let head = github.repository("acme/shop").commit("main", "Begin", &[File::new("a/b", "")]);
    let api = api(&github);
    let nothing = sha(&"0".repeat(40));
    let errors = [
        api.repository(&"acme/other".parse().unwrap()).await.unwrap_err(),
        api.reference(&shop(), "heads/other").await.unwrap_err(),
        api.resolve(&shop(), "other").await.unwrap_err(),
        api.commit(&shop(), &nothing).await.unwrap_err(),
        api.tree(&shop(), &nothing).await.unwrap_err(),
        api.blob(&shop(), &nothing).await.unwrap_err(),
        api.file(&shop(), "a/c", &head).await.unwrap_err(),
        api.file(&shop(), "../../../../user", &head).await.unwrap_err(),
        api.compare(&shop(), "main", "other").await.unwrap_err(),
        api.last_successful_run(&shop(), "deploy.yml", "main", None).await.unwrap_err(),
    ];
    for error in errors {
        assert!(error.is_not_found(), "{error}");
    }
    let error = api.file(&shop(), "a", &head).await.unwrap_err();
    assert_eq!(error.kind, Kind::Malformed { why: "it is no file".to_owned() });
}

#[tokio::test]
async fn a_workflow_that_never_ran_has_no_successful_run() {
    let github = GitHub::start();
    github.repository("acme/shop").commit("main", "Begin", &[File::new(".github/workflows/new.yml", "")]);
    assert_eq!(api(&github).last_successful_run(&shop(), "new.yml", "main", None).await.unwrap(), None);
}

#[tokio::test]
async fn the_last_successful_run_is_of_this_branch_and_no_fork_s() {
    let github = GitHub::start();
    let repository = github.repository("acme/shop");
    let commits: Vec<_> =
        (0..3).map(|n| repository.commit("main", "x", &[File::new("n", n.to_string())])).collect();
    let good = Run::success("main", &commits[0]);
    repository.run(Run::success("main", &commits[2]));
    let wanted = repository.run(good.clone());
    repository.run(Run { conclusion: "failure".to_owned(), ..Run::success("main", &commits[2]) });
    repository.run(Run::success("other", &commits[1]));
    repository.run(Run { workflow: "test.yml".to_owned(), ..Run::success("main", &commits[1]) });
    let dispatched =
        repository.run(Run { event: "workflow_dispatch".to_owned(), ..Run::success("side", &commits[2]) });
    // More than a page of a fork's runs, which are newer.
    for _ in 0..101 {
        let fork = Some("stranger/shop".to_owned());
        repository.run(Run { fork, event: "pull_request".to_owned(), ..Run::success("main", &commits[1]) });
    }
    let api = api(&github);
    let run = api.last_successful_run(&shop(), "deploy.yml", "main", None).await.unwrap().unwrap();
    assert_eq!((run.id, run.head_sha, run.event.as_str()), (wanted, sha(&commits[0]), "push"));
    let run =
        api.last_successful_run(&shop(), "deploy.yml", "side", Some("workflow_dispatch")).await.unwrap();
    assert_eq!(run.unwrap().id, dispatched);
    assert_eq!(api.last_successful_run(&shop(), "deploy.yml", "side", Some("push")).await.unwrap(), None);
    assert_eq!(api.last_successful_run(&shop(), "deploy.yml", "none", None).await.unwrap(), None);
    let before = api.last_successful_run_that(&shop(), "deploy.yml", "main", |run| run.id < wanted).await;
    assert_eq!(before.unwrap().map(|run| run.head_sha), Some(sha(&commits[2])));
    let none =
        api.last_successful_run_that(&shop(), "deploy.yml", "main", |run| run.event == "schedule").await;
    assert_eq!(none.unwrap(), None);
}

#[tokio::test]
async fn a_history_is_gone_through_until_what_is_looked_for() {
    let github = GitHub::start();
    let repository = github.repository("acme/shop");
    let mut head = String::new();
    for number in 0..120 {
        head = repository.commit("main", &format!("Commit {number}"), &[File::new("a", number.to_string())]);
    }
    let api = api(&github);
    let find = async |message: &str| {
        let find = |commit: sluice_github::Commit| (commit.message == message).then_some(commit);
        api.find_in_history(&shop(), &sha(&head), find).await.unwrap()
    };
    let found = find("Commit 3").await.unwrap();
    assert_eq!(found.sha.as_str(), repository.git(&["rev-parse", "main~116"]));
    assert_eq!(found.parents, [sha(&repository.git(&["rev-parse", "main~117"]))]);
    assert_eq!(github.requests().len(), 2);
    assert_eq!(find("Commit 120").await, None);
}

#[tokio::test]
async fn a_tree_that_is_too_large_is_read_level_by_level() {
    let github = GitHub::start();
    let repository = github.repository("acme/shop");
    let head = repository.commit("main", "Begin", &[File::new("a/b/c", "1"), File::new("d", "2")]);
    repository.cut_trees(2);
    let api = api(&github);
    assert!(api.tree(&shop(), &sha(&head)).await.unwrap().truncated);
    let level = api.tree_level(&shop(), &sha(&head)).await.unwrap();
    let paths: Vec<&str> = level.entries.iter().map(|entry| entry.path.as_str()).collect();
    assert_eq!((paths.as_slice(), level.truncated), (["a", "d"].as_slice(), false));
}
