//! bump-image-tag on a repository that is not checked out: commits through GitHub's API.

mod rollback;

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sluice_end_to_end::{Outcome, Repository, Run};
use sluice_github_fake::{self as github, Fault, File, GitHub, GitHubReply as _, Reply, Request};

const OVERLAY: &str = "\
# Whoever changes this by hand tells #platform.\r
images:
- name: registry.example.com:5000/shop/backend
  newTag: 'v1'   # set by the pipeline
- {name: redis, newTag: \"7\"}
";

const CONFIG: &str = "\
version: 1
gitops: {repository: acme/gitops, branch: main}
environments:
  dev: {overlays: [k8s/dev], strategy: commit}
  staging: {overlays: [k8s/staging, charts/shop], strategy: commit}
";

const TOKEN: &str = "ghs_0123456789";

/// A stand-in for GitHub with a GitOps repository, and a workflow of another one.
struct World {
    github: GitHub,
    gitops: github::Repository,
    head: String,
    here: Repository,
}

impl World {
    fn new() -> Self {
        let github = GitHub::start();
        github.require_token(TOKEN);
        let gitops = github.repository("acme/gitops");
        let values = "backend:\n  image: registry.example.com:5000/shop/backend:v1\n";
        let head = gitops.commit(
            "main",
            "Begin",
            &[
                File::new("k8s/dev/kustomization.yaml", OVERLAY),
                File::new("k8s/staging/kustomization.yaml", OVERLAY),
                File::new("charts/shop/values.yaml", values),
                File::new("charts/shop/Chart.yaml", "name: shop\n"),
                File::new("elsewhere/values.yaml", values),
            ],
        );
        let here = Repository::new();
        here.write(".github/sluice.yml", CONFIG);
        Self { github, gitops, head, here }
    }

    /// A run in the workflow of `acme/shop`.
    fn run(&self) -> Run<'_> {
        let run = self.here.run("bump-image-tag").input("token", TOKEN);
        self.github.variables().into_iter().fold(run, |run, (name, value)| run.variable(name, &value))
    }

    fn set(&self, image: &str, environment: &str) -> Run<'_> {
        self.run().input("image", image).input("environment", environment)
    }

    fn commits(&self) -> usize {
        self.gitops.git(&["rev-list", "--count", "main"]).parse().unwrap_or_default()
    }

    fn file(&self, path: &str) -> String {
        String::from_utf8_lossy(&self.gitops.file("main", path).unwrap_or_default()).into_owned()
    }

    /// The requests that a fault would matter to: method and path.
    fn requests(&self) -> Vec<(String, String)> {
        self.github.requests().into_iter().map(|request| (request.method, request.path)).collect()
    }
}

const BACKEND: &str = "registry.example.com:5000/shop/backend:v2";

fn is_commit(request: &Request) -> bool {
    String::from_utf8_lossy(&request.body).contains("createCommitOnBranch")
}

#[test]
fn one_signed_commit_over_all_overlays_without_a_clone() {
    let world = World::new();
    let outcome = world.set(BACKEND, "dev,staging").variable("GITHUB_SHA", &world.head).in_actions().ends();
    let head = world.gitops.head("main").unwrap();
    outcome
        .exits(0)
        .has_output("changed", "true")
        .has_output("commit", &head)
        .has_output("verified", "true")
        .says("v1 -> v2")
        .never_says(TOKEN);
    assert_eq!(world.commits(), 2);
    let expected = OVERLAY.replace("'v1'", "'v2'");
    assert_eq!(world.file("k8s/dev/kustomization.yaml"), expected);
    assert_eq!(world.file("k8s/staging/kustomization.yaml"), expected);
    assert!(world.file("charts/shop/values.yaml").ends_with("backend:v2\n"));
    assert!(world.file("elsewhere/values.yaml").ends_with("backend:v1\n"));
    assert_eq!(
        world.gitops.git(&["log", "-1", "--format=%B", "main"]),
        format!(
            "Bump registry.example.com:5000/shop/backend:v2 in dev, staging\n\nTriggered-by: octocat\n\
             Workflow-run: {}/acme/shop/actions/runs/42/attempts/1\nSource-commit: acme/shop@{}",
            world.github.server_url(),
            world.head
        )
    );
    let images: Value = serde_json::from_str(&outcome.outputs["images"]).unwrap();
    assert_eq!(images.as_array().unwrap().len(), 3);
    assert_eq!(images[0]["file"], "k8s/dev/kustomization.yaml");
    assert_eq!((&images[0]["before"], &images[0]["after"]), (&"v1".into(), &"v2".into()));
    assert_eq!(outcome.reported("/changes/0/after"), "v2");
    assert_eq!(outcome.reported("/subjects/1/digest"), &json!(head));
    assert!(outcome.outputs["diff"].contains("+  newTag: 'v2'   # set by the pipeline\n"));
    // Same contents are one blob: two of the four files that can hold the image, and no other.
    let blobs = world.requests().iter().filter(|(_, path)| path.contains("/git/blobs/")).count();
    assert_eq!(blobs, 3);
}

#[test]
fn what_is_set_already_makes_no_commit() {
    let world = World::new();
    let outcome = world.set("redis:7", "dev").in_actions().ends();
    outcome.exits(0).has_output("changed", "false");
    assert!(!outcome.outputs.contains_key("commit"));
    assert_eq!(world.commits(), 1);
    assert!(world.requests().iter().all(|(method, _)| method == "GET"), "{:?}", world.requests());
}

#[test]
fn a_dry_run_says_what_would_be_committed_and_commits_nothing() {
    let world = World::new();
    let outcome = world.set(BACKEND, "dev").input("dry-run", "true").in_actions().ends();
    outcome.exits(0).has_output("changed", "true").says("would set 1 image").says("Triggered-by: octocat");
    assert!(outcome.outputs["diff"].contains("+  newTag: 'v2'"));
    assert!(outcome.report.as_ref().unwrap().get("changes").is_none());
    assert_eq!(world.commits(), 1);
    assert!(world.requests().iter().all(|(method, _)| method == "GET"), "{:?}", world.requests());
}

#[test]
fn modes_and_symbolic_links_stay_what_they_are() {
    let world = World::new();
    world.gitops.commit(
        "main",
        "Links",
        &[
            File::executable("k8s/dev/kustomization.yaml", OVERLAY),
            File::symlink("k8s/linked", "dev"),
            File::symlink("k8s/file/kustomization.yaml", "../staging/kustomization.yaml"),
            File::symlink("k8s/out", "../../elsewhere"),
        ],
    );
    let run = |overlay: &str| {
        let run = world.run().input("image", BACKEND).input("overlay", overlay);
        run.input("repository", "acme/gitops").in_actions().ends()
    };
    run("k8s/linked").exits(0).has_output("verified", "true");
    let tree = |path: &str| world.gitops.git(&["ls-tree", "main", path]);
    assert!(tree("k8s/dev/kustomization.yaml").starts_with("100755 "), "{}", tree("k8s/dev/"));
    assert!(world.file("k8s/dev/kustomization.yaml").contains("'v2'"));
    run("k8s/file").exits(0);
    assert!(tree("k8s/file/kustomization.yaml").starts_with("120000 "));
    assert!(world.file("k8s/staging/kustomization.yaml").contains("'v2'"));
    run("k8s/out").exits(2).says("lies outside the repository");
    run("../x").exits(2).says("lies outside the repository");
    run("k8s/dew").exits(2).says("did you mean \"dev\", beside it?");
    assert_eq!(world.commits(), 4);
}

#[test]
fn a_branch_that_moved_is_read_again_and_edited_again() {
    let world = World::new();
    let gitops = world.gitops.clone();
    let mut is_first = true;
    world.github.faults(move |request| {
        if is_commit(request) && std::mem::take(&mut is_first) {
            let theirs = OVERLAY.replace("\"7\"", "\"8\"").replace("#platform", "#infra");
            gitops.commit("main", "Theirs", &[File::new("k8s/dev/kustomization.yaml", theirs)]);
        }
        None
    });
    world.set(BACKEND, "dev").in_actions().ends().exits(0).has_output("changed", "true");
    let expected = OVERLAY.replace("'v1'", "'v2'").replace("\"7\"", "\"8\"").replace("#platform", "#infra");
    assert_eq!(world.file("k8s/dev/kustomization.yaml"), expected);
    assert_eq!(world.commits(), 3);
}

#[test]
fn a_commit_whose_reply_is_lost_is_found_again() {
    for fault in [Fault::LoseReply, Fault::AnswerAfter(Reply::server_error(502)), Fault::HalfReply] {
        let world = World::new();
        let mut is_first = true;
        let one = fault.clone();
        world.github.faults(move |request| {
            (is_commit(request) && std::mem::take(&mut is_first)).then(|| one.clone())
        });
        // A body right below the subject is set apart by GitHub.
        let run = world.set(BACKEND, "dev").input("message", "{images}\nBy: {actor}");
        let outcome = run.in_actions().ends();
        let head = world.gitops.head("main").unwrap();
        outcome.exits(0).has_output("changed", "true").has_output("commit", &head);
        assert_eq!(outcome.reported("/changes/0/before"), "v1");
        assert_eq!(world.commits(), 2, "{fault:?}");
    }
}

#[test]
fn a_commit_that_is_on_its_way_when_the_answers_end_is_told_of() {
    let world = World::new();
    let mut sent = false;
    world.github.faults(move |request| {
        if is_commit(request) {
            sent = true;
            return Some(Fault::LoseReply);
        }
        sent.then(|| Fault::Answer(Reply::error(403, "Resource not accessible by integration")))
    });
    let outcome = world.set(BACKEND, "dev").in_actions().ends();
    outcome.exits(3).says("whether the commit is on main of acme/gitops is not known").says("contents: read");
}

/// Another one's newer version must not be undone by a commit that was made already.
#[test]
fn a_commit_that_landed_is_not_made_again_on_top_of_a_newer_one() {
    let world = World::new();
    let gitops = world.gitops.clone();
    let (mut sent, mut moved) = (0, false);
    world.github.faults(move |request| {
        if is_commit(request) {
            sent += 1;
            return (sent == 1).then_some(Fault::LoseReply);
        }
        if sent == 1 && !std::mem::replace(&mut moved, true) {
            let newer = OVERLAY.replace("'v1'", "'v3'");
            gitops.commit("main", "Newer", &[File::new("k8s/dev/kustomization.yaml", newer)]);
        }
        None
    });
    let outcome = world.set(BACKEND, "dev").in_actions().ends();
    let ours = world.gitops.git(&["rev-parse", "main~1"]);
    outcome.exits(0).has_output("commit", &ours);
    assert!(world.file("k8s/dev/kustomization.yaml").contains("'v3'"));
    assert_eq!(world.commits(), 3);
}

const MANY: usize = 50;

/// Many pipelines at once, each with an image of its own in the same file; with these faults.
#[expect(clippy::unwrap_used, reason = "a test may panic, and so may the functions that it is made of")]
fn many_at_once(faults: impl FnMut(&Request) -> Option<Fault> + Send + 'static) {
    let world = World::new();
    let entries = |tag: &str| {
        (0..MANY).fold("images:\n".to_owned(), |text, number| {
            text + &format!("- name: image-{number}\n  newTag: {tag} # {number}\n")
        })
    };
    world.gitops.commit("main", "Many", &[File::new("k8s/dev/kustomization.yaml", entries("v1"))]);
    world.github.faults(faults);
    let running: Vec<_> = (0..MANY)
        .map(|number| {
            let image = format!("--image=image-{number}:v2");
            let run = world.here.run("bump-image-tag").argument(&image).argument("--environment=dev");
            let run = run.argument("--format=json").variable("INPUT_TOKEN", TOKEN);
            let variables = world.github.variables();
            variables.into_iter().fold(run, |run, (name, value)| run.variable(name, &value)).starts()
        })
        .collect();
    let outcomes: Vec<Outcome> = running.into_iter().map(sluice_end_to_end::Running::ends).collect();
    let mut commits: Vec<String> = outcomes
        .iter()
        .map(|outcome| {
            let answer: Value = serde_json::from_str(&outcome.exits(0).stdout).unwrap();
            assert_eq!(answer["outputs"]["changed"], true, "{answer:#}");
            answer["outputs"]["commit"].as_str().unwrap().to_owned()
        })
        .collect();
    assert_eq!(world.file("k8s/dev/kustomization.yaml"), entries("v2"), "one was lost");
    assert_eq!(world.commits(), 2 + MANY, "one was made twice");
    commits.sort();
    commits.dedup();
    assert_eq!(commits.len(), MANY, "two runs name the same commit");
    let history = world.gitops.git(&["rev-list", "main"]);
    assert!(commits.iter().all(|commit| history.contains(commit.as_str())));
}

#[test]
fn fifty_at_once_land_and_none_is_lost_or_made_twice() {
    many_at_once(|_| None);
}

#[test]
fn fifty_at_once_land_where_a_fifth_of_the_replies_is_lost_or_an_error() {
    many_at_once(|request| match request.number % 20 {
        3 | 11 => Some(Fault::LoseReply),
        7 => Some(Fault::AnswerAfter(Reply::server_error(502))),
        15 => Some(Fault::Answer(Reply::server_error(503))),
        _ => None,
    });
}

#[test]
fn what_github_refuses_says_what_to_do() {
    let refused = |fault: Fault| {
        let world = World::new();
        world.github.faults(move |request| is_commit(request).then(|| fault.clone()));
        let outcome = world.set(BACKEND, "dev").in_actions().ends();
        assert_eq!(world.commits(), 1);
        outcome
    };
    let words = "Resource not accessible by integration";
    refused(Fault::Answer(Reply::graphql_error("FORBIDDEN", words)))
        .exits(3)
        .says("contents: write")
        .says("acme/gitops");
    refused(Fault::Answer(Reply::rate_limit(4_102_444_800))).exits(3).says("rate limit").says("2100-01-01");

    let world = World::new();
    world.gitops.protect("main");
    world.set(BACKEND, "dev").in_actions().ends().exits(1).says("strategy: pull-request");
    let world = World::new();
    world.gitops.archive();
    world.set(BACKEND, "dev").in_actions().ends().exits(1).says("archived");

    let world = World::new();
    world.set(BACKEND, "dev").input("token", "ghs_wrong").in_actions().ends().exits(3).says("the token");
    world
        .set(BACKEND, "dev")
        .input("branch", "mian")
        .in_actions()
        .ends()
        .exits(2)
        .says("has no branch \"mian\"");
    world
        .set(BACKEND, "dev")
        .input("repository", "acme/gitop")
        .in_actions()
        .ends()
        .exits(3)
        .says("acme/gitop");
    world.set(BACKEND, "dev").input("repository", "acme").in_actions().ends().exits(2).says("owner/name");
    world.set(BACKEND, "dev").input("message", "{imges}").in_actions().ends().exits(2).says("{images}");
    world
        .set(BACKEND, "dev")
        .input("repository", "acme/gitops")
        .input("strategy", "worktree")
        .in_actions()
        .ends()
        .exits(2)
        .says("leave `repository` out");
    assert_eq!(world.commits(), 1);

    let nowhere = Repository::new();
    let run = nowhere.run("bump-image-tag").argument("--image=a:v1").argument("--overlay=a");
    run.argument("--strategy=commit").ends().exits(2).says("which repository");
}

#[test]
fn a_place_is_set_outright_without_any_file_here() {
    let world = World::new();
    let nowhere = Repository::new();
    let run = |at: &str| {
        let run = nowhere.run("bump-image-tag").input("at", at).input("repository", "acme/gitops");
        let run = run.input("token", TOKEN);
        let run =
            world.github.variables().into_iter().fold(run, |run, (name, value)| run.variable(name, &value));
        run.in_actions().ends()
    };
    run("charts/shop/Chart.yaml:.appVersion=1.10").exits(0).has_output("changed", "true");
    assert_eq!(world.file("charts/shop/Chart.yaml"), "name: shop\nappVersion: \"1.10\"\n");
    let subject = "Bump charts/shop/Chart.yaml .appVersion 1.10 in charts/shop/Chart.yaml";
    assert_eq!(world.gitops.git(&["log", "-1", "--format=%s", "main"]), subject);
    run("charts/shop/Chart.yml:.appVersion=1.10").exits(2).says("did you mean \"Chart.yaml\", beside it?");
    run("charts/shop/Chart.yaml:.appVersion=1.10").exits(0).has_output("changed", "false");
}

#[test]
fn a_folder_with_too_many_files_is_not_read_file_by_file() {
    let world = World::new();
    let mut files: Vec<File> = (0..300)
        .map(|number| File::new(format!("many/{number}.yaml"), format!("image: a:v{number}\n")))
        .collect();
    files.push(File::new("many/one.json", "{\"image\": \"a:v0\"}\n"));
    world.gitops.commit("main", "Many", &files);
    let run = world.run().input("image", "a:v1").input("overlay", "many").input("repository", "acme/gitops");
    run.in_actions().ends().exits(2).says("301 YAML and JSON files; 300 are read at most");
    assert!(!world.requests().iter().any(|(_, path)| path.contains("/git/blobs/")));
}

#[test]
fn a_repository_that_is_too_large_for_one_answer_is_walked() {
    let world = World::new();
    world.gitops.cut_trees(4);
    world.set(BACKEND, "dev").in_actions().ends().exits(0);
    assert!(world.file("k8s/dev/kustomization.yaml").contains("'v2'"));
}

#[test]
fn a_run_that_is_ended_has_made_its_commit_and_says_so_or_has_made_none() {
    let ended = |is_meant: fn(&Request) -> bool, delay: Duration| {
        let world = World::new();
        let (sender, arrived) = std::sync::mpsc::channel();
        world.github.faults(move |request| {
            is_meant(request).then(|| {
                let _ = sender.send(());
                Fault::Delay(delay)
            })
        });
        let running = world.set(BACKEND, "dev").in_actions().starts();
        arrived.recv_timeout(Duration::from_secs(20)).unwrap();
        let told = Instant::now();
        running.terminate();
        let outcome = running.ends();
        assert!(told.elapsed() < Duration::from_secs(5), "{:?}", told.elapsed());
        (outcome, world)
    };
    let (outcome, world) = ended(|request| request.path.contains("/git/trees/"), Duration::from_secs(30));
    outcome.exits(3).says("SIGTERM");
    assert_eq!(world.commits(), 1);

    let (outcome, world) = ended(is_commit, Duration::from_millis(700));
    outcome.exits(0).has_output("commit", &world.gitops.head("main").unwrap());
    assert_eq!(world.commits(), 2);

    let (outcome, _world) = ended(is_commit, Duration::from_secs(30));
    outcome.exits(3).says("whether the commit is on main of acme/gitops is not known");
}

#[test]
fn an_older_version_is_refused_by_its_number_and_by_its_commit() {
    let world = World::new();
    let shop = world.github.repository("acme/shop");
    let old = shop.commit("main", "One", &[File::new("a", "1")]);
    let new = shop.commit("main", "Two", &[File::new("a", "2")]);
    shop.branch("aside", &old);
    let aside = shop.commit("aside", "Three", &[File::new("a", "3")]);
    let file = format!("images:\n- name: a\n  newTag: v1.10.0\n- name: b\n  newTag: main-{}\n", &new[..8]);
    world.gitops.commit("main", "Versions", &[File::new("k8s/dev/kustomization.yaml", file)]);
    let set = |image: &str| world.set(image, "dev").input("dry-run", "true").in_actions();
    set("a:v1.9.3").ends().exits(1).says("older than v1.10.0").says("allow-downgrade");
    set("a:v1.9.3").input("allow-downgrade", "true").ends().exits(0);
    set("a:v1.10.1").ends().exits(0);
    set(&format!("b:main-{}", &old[..8])).ends().exits(1).says("in the history of the one that runs");
    set(&format!("b:{aside}")).ends().exits(0).says("different branches");
    set("b:main-1234567a").ends().exits(0).says("is not known");
}

#[test]
fn it_promotes_and_shows_through_the_api() {
    let world = World::new();
    let v2 = OVERLAY.replace("'v1'", "'v2'");
    world.gitops.commit("main", "Dev", &[File::new("k8s/dev/kustomization.yaml", &v2)]);
    world.here.write(".github/sluice.yml", CONFIG.replace("[k8s/staging, charts/shop]", "[k8s/staging]"));
    let promote = world.run().argument("promote").input("from", "dev").input("to", "staging");
    promote.in_actions().ends().exits(0).has_output("changed", "true").says("dev to staging");
    assert_eq!(world.file("k8s/staging/kustomization.yaml"), v2);

    let show = world.run().argument("show").input("repository", "acme/gitops").in_actions().ends();
    show.exits(0).says("the same in 2 overlays").says(&world.gitops.head("main").unwrap());
    assert_eq!(world.commits(), 3);
}

#[test]
fn names_of_strangers_begin_no_trailer() {
    let world = World::new();
    let actor = "octocat\nApproved-by: root";
    let message = "Set {images} [skip ci]\n\nBy: {actor}";
    let run = world.set(BACKEND, "dev").variable("GITHUB_ACTOR", actor).input("message", message);
    run.in_actions().ends().exits(0);
    assert_eq!(
        world.gitops.git(&["log", "-1", "--format=%B", "main"]),
        "Set registry.example.com:5000/shop/backend:v2 [skip ci]\n\nBy: octocat\\nApproved-by: root"
    );
}
