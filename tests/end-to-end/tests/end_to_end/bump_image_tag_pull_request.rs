//! bump-image-tag with pull requests: one branch for an environment, kept up to date.

use serde_json::Value;
use sluice_end_to_end::{Outcome, Repository, Run};
use sluice_github_fake::{self as github, Fault, File, GitHub, GitHubReply as _, Reply, Request};

const CONFIG: &str = "\
version: 1
gitops: {repository: acme/gitops}
environments:
  production: {overlays: [k8s/production], strategy: pull-request}
  production eu: {overlays: [k8s/eu], strategy: pull-request}
";

const BRANCH: &str = "sluice/bump-production";
const FILE: &str = "k8s/production/kustomization.yaml";

fn overlay(backend: &str, frontend: &str) -> String {
    format!(
        "# ours\nimages:\n- name: backend\n  newTag: {backend} # b\n- name: frontend\n  newTag: {frontend}\n"
    )
}

struct World {
    github: GitHub,
    gitops: github::Repository,
    here: Repository,
}

impl World {
    fn new() -> Self {
        let github = GitHub::start();
        let gitops = github.repository("acme/gitops");
        let files = [
            File::new(FILE, overlay("v1", "v1")),
            File::new("k8s/eu/kustomization.yaml", overlay("v1", "v1")),
        ];
        gitops.commit("main", "Begin", &files);
        let here = Repository::new();
        here.write(".github/sluice.yml", CONFIG);
        Self { github, gitops, here }
    }

    fn set(&self, image: &str) -> Run<'_> {
        let run = self.here.run("bump-image-tag").input("image", image).input("environment", "production");
        let run = run.input("token", "ghs_0123456789");
        self.github.variables().into_iter().fold(run, |run, (name, value)| run.variable(name, &value))
    }

    fn bump(&self, image: &str) -> Outcome {
        self.set(image).in_actions().ends()
    }

    /// The overlay of production on the branch.
    fn waiting(&self) -> String {
        String::from_utf8_lossy(&self.gitops.file(BRANCH, FILE).unwrap_or_default()).into_owned()
    }

    fn count(&self, range: &str) -> String {
        self.gitops.git(&["rev-list", "--count", range])
    }

    fn pull(&self) -> Value {
        self.gitops.pull_requests().into_iter().last().unwrap_or_default()
    }
}

fn is_mutation(request: &Request, name: &str) -> bool {
    String::from_utf8_lossy(&request.body).contains(name)
}

#[test]
fn a_pull_request_is_opened_and_the_next_run_adds_to_it() {
    let world = World::new();
    let outcome = world
        .set("backend:v2")
        .input("labels", "deploy, production")
        .input("reviewers", "monalisa, acme/platform")
        .input("auto-merge", "squash")
        .in_actions()
        .ends();
    let url = format!("{}/acme/gitops/pull/1", world.github.server_url());
    outcome
        .exits(0)
        .has_output("changed", "true")
        .has_output("pull-request", &url)
        .has_output("commit", &world.gitops.head(BRANCH).unwrap())
        .has_output("verified", "true")
        .says("pull request #1 opened")
        .says("merges by itself");
    let pull = world.pull();
    assert_eq!(
        (&pull["title"], &pull["base"]["ref"]),
        (&"Bump backend:v2 in production".into(), &"main".into())
    );
    let body = pull["body"].as_str().unwrap();
    assert!(
        body.contains("| <code>backend</code> | <code>v1</code> | <code>v2</code> | <code>k8s/production/kustomization.yaml</code> |"),
        "{body}"
    );
    assert_eq!(pull["labels"].as_array().unwrap().len(), 2);
    assert_eq!(pull["requested_reviewers"][0]["login"], "monalisa");
    assert_eq!(pull["requested_teams"][0]["slug"], "platform");
    assert_eq!(pull["auto_merge"]["merge_method"], "squash");
    assert_eq!(world.gitops.file("main", FILE).unwrap(), overlay("v1", "v1").into_bytes());

    world.bump("frontend:v5").exits(0).has_output("pull-request", &url).says("pull request #1 up to date");
    assert_eq!(world.waiting(), overlay("v2", "v5"));
    assert_eq!(world.pull()["title"], "Bump backend:v2, frontend:v5 in production");
    assert_eq!(world.gitops.pull_requests().len(), 1);

    let before = world.github.requests().len();
    world.bump("frontend:v5").exits(0).has_output("changed", "false").has_output("pull-request", &url);
    assert!(world.github.requests()[before..].iter().all(|request| request.method == "GET"));
    assert_eq!(world.count("main..sluice/bump-production"), "2");
    // What is wanted on the base runs there already: no branch, no pull request.
    let other = world.set("backend:v1").input("environment", "production eu").in_actions().ends();
    other.exits(0).has_output("changed", "false");
    assert_eq!(world.gitops.head("sluice/bump-production=20eu"), None);
}

#[test]
fn a_branch_that_is_behind_is_built_anew_and_keeps_what_waits() {
    let world = World::new();
    world.bump("backend:v2").exits(0);
    let theirs = overlay("v1", "v1").replace("# ours", "# theirs");
    let main = world.gitops.commit("main", "Theirs", &[File::new(FILE, theirs), File::new("new", "")]);
    world.bump("frontend:v5").exits(0).has_output("changed", "true").says("built anew on main");
    assert_eq!(world.waiting(), overlay("v2", "v5").replace("# ours", "# theirs"));
    assert_eq!(world.gitops.git(&["rev-parse", "sluice/bump-production~1"]), main);
    assert_eq!(
        world.gitops.git(&["log", "-1", "--format=%s", BRANCH]),
        "Bump backend:v2, frontend:v5 in production"
    );
    assert_eq!(world.gitops.pull_requests().len(), 1);
    assert_eq!(world.pull()["state"], "open");

    // Where the base has a version of its own by now, that one stays, unless the run says another.
    world.gitops.commit("main", "Hotfix", &[File::new(FILE, overlay("v3", "v1"))]);
    world.bump("frontend:v6").exits(0).says("main has another version by now");
    assert_eq!(world.waiting(), overlay("v3", "v6"));
}

#[test]
fn what_a_person_commits_to_the_branch_stays() {
    let world = World::new();
    world.bump("backend:v2").exits(0);
    let theirs = world.gitops.commit(BRANCH, "By hand", &[File::new("notes", "x")]);
    world.bump("frontend:v5").exits(0);
    assert_eq!(world.gitops.git(&["rev-parse", "sluice/bump-production~1"]), theirs);
    let main = world.gitops.commit("main", "Go on", &[File::new("new", "")]);
    world.bump("frontend:v6").exits(0).says("holds more than versions of images, which is kept");
    assert_eq!(world.gitops.file(BRANCH, "notes"), Some(b"x".to_vec()));
    assert_eq!(world.waiting(), overlay("v2", "v6"));
    assert!(!world.gitops.git(&["rev-list", BRANCH]).contains(&main));

    // In the very file that versions are set in, too.
    let world = World::new();
    world.bump("backend:v2").exits(0);
    let theirs = |text: String| text.replace("# ours", "# by hand");
    world.gitops.commit(BRANCH, "By hand", &[File::new(FILE, theirs(overlay("v2", "v1")))]);
    world.gitops.commit("main", "Go on", &[File::new("new", "")]);
    world.bump("frontend:v5").exits(0).says("holds more than versions of images, which is kept");
    assert_eq!(world.waiting(), theirs(overlay("v2", "v5")));
}

#[test]
fn after_a_pull_request_was_merged_closed_or_its_branch_deleted_a_new_one_begins() {
    let world = World::new();
    world.bump("backend:v2").exits(0);
    world.gitops.squash(1);
    assert_eq!(world.gitops.file("main", FILE).unwrap(), overlay("v2", "v1").into_bytes());
    world.bump("backend:v3").exits(0).says("pull request #2 opened").says("#1 is closed");
    assert_eq!(world.count("main..sluice/bump-production"), "1");

    // What was closed was not wanted: it does not come back with the next one.
    world.gitops.close(2);
    world.bump("frontend:v5").exits(0).says("pull request #3 opened");
    assert_eq!(world.waiting(), overlay("v2", "v5"));

    world.gitops.close(3);
    world.gitops.git(&["update-ref", "-d", "refs/heads/sluice/bump-production"]);
    world.bump("frontend:v6").exits(0).says("pull request #4 opened");
    assert_eq!(world.waiting(), overlay("v2", "v6"));

    // Merged with a merge commit, the branch has nothing of its own any more.
    let head = world.gitops.head(BRANCH).unwrap();
    world.gitops.branch("main", &head);
    world.gitops.close(4);
    let main = world.gitops.commit("main", "Go on", &[File::new("new", "")]);
    world.bump("backend:v9").exits(0).says("pull request #5 opened");
    assert_eq!(world.gitops.git(&["rev-parse", "sluice/bump-production~1"]), main);
}

#[test]
fn a_run_that_was_cut_short_is_taken_up_again() {
    // No pull request was opened: the next run finds the commit, and opens it.
    let world = World::new();
    world.github.faults(|request| {
        (request.path.ends_with("/pulls") && request.method == "POST")
            .then(|| Fault::Answer(Reply::error(403, "Resource not accessible by integration")))
    });
    let outcome = world.bump("backend:v2");
    outcome.exits(3).says("pull-requests: write").says(&world.gitops.head(BRANCH).unwrap());
    world.github.faults(|_| None);
    world.bump("backend:v2").exits(0).has_output("changed", "false").says("pull request #1 opened");

    // Only the branch was made.
    let world = World::new();
    world.gitops.branch(BRANCH, &world.gitops.head("main").unwrap());
    world.bump("backend:v2").exits(0).says("pull request #1 opened");
}

#[test]
fn replies_that_are_lost_make_nothing_twice() {
    for lost in 0..20 {
        let world = World::new();
        world.bump("backend:v2").exits(0);
        world.gitops.commit("main", "Theirs", &[File::new("new", "")]);
        let before = world.github.requests().len();
        world.github.faults(move |request| (request.number == before + lost).then_some(Fault::LoseReply));
        world.bump("frontend:v5").exits(0).has_output("changed", "true");
        assert_eq!(world.waiting(), overlay("v2", "v5"), "request {lost}");
        assert_eq!(world.count("main..sluice/bump-production"), "1", "request {lost}");
        assert_eq!(world.gitops.pull_requests().len(), 1);

        let world = World::new();
        world.github.faults(move |request| (request.number == lost).then_some(Fault::LoseReply));
        world.bump("backend:v2").exits(0).has_output("changed", "true");
        assert_eq!(world.waiting(), overlay("v2", "v1"), "request {lost}");
        assert_eq!(world.count("main..sluice/bump-production"), "1", "request {lost}");
        assert_eq!(world.gitops.pull_requests().len(), 1);
    }
}

/// While one run builds the branch anew, another one adds to it: neither is lost.
#[test]
fn a_branch_that_moves_while_it_is_built_anew_is_looked_at_again() {
    let world = World::new();
    world.bump("backend:v2").exits(0);
    world.gitops.commit("main", "Theirs", &[File::new("new", "")]);
    let gitops = world.gitops.clone();
    let mut is_first = true;
    world.github.faults(move |request| {
        if is_mutation(request, "updateRefs") && std::mem::take(&mut is_first) {
            gitops.commit(BRANCH, "Meanwhile", &[File::new(FILE, overlay("v7", "v1"))]);
        }
        None
    });
    world.bump("frontend:v5").exits(0);
    assert_eq!(world.waiting(), overlay("v7", "v5"));
}

#[test]
fn several_at_once_share_one_pull_request() {
    let world = World::new();
    let images: Vec<String> = (0..8).map(|number| format!("image-{number}")).collect();
    let entries = |tag: &str| {
        images
            .iter()
            .fold("images:\n".to_owned(), |text, image| text + &format!("- name: {image}\n  newTag: {tag}\n"))
    };
    world.gitops.commit("main", "Many", &[File::new(FILE, entries("v1"))]);
    let running: Vec<_> = images
        .iter()
        .map(|image| {
            let run = world.here.run("bump-image-tag").argument(&format!("--image={image}:v2"));
            let run = run.argument("--environment=production");
            world
                .github
                .variables()
                .into_iter()
                .fold(run, |run, (name, value)| run.variable(name, &value))
                .starts()
        })
        .collect();
    for run in running {
        run.ends().exits(0);
    }
    assert_eq!(world.waiting(), entries("v2"));
    assert_eq!(world.count("main..sluice/bump-production"), "8");
    assert_eq!(world.gitops.pull_requests().len(), 1);
}

#[test]
fn the_job_s_own_token_starts_no_checks_and_the_report_says_so() {
    let world = World::new();
    world.github.act_as("github-actions[bot]");
    world.bump("backend:v2").exits(0).says("no checks start").says("GitHub App");
    world.bump("backend:v2").exits(0).says("no checks start");
    world.github.act_as("deployer[bot]");
    let outcome = world.bump("backend:v3");
    assert!(!outcome.exits(0).stdout.contains("no checks start"), "{outcome:#?}");
}

#[test]
fn what_github_refuses_says_what_to_do() {
    let world = World::new();
    let words = "GitHub Actions is not permitted to create or approve pull requests.";
    world.github.faults(move |request| {
        (request.path.ends_with("/pulls") && request.method == "POST")
            .then(|| Fault::Answer(Reply::error(403, words)))
    });
    world.bump("backend:v2").exits(1).says("settings").says("GitHub App");

    let world = World::new();
    world.gitops.forbid_auto_merge();
    let outcome = world.set("backend:v2").input("auto-merge", "squash").in_actions().ends();
    outcome.exits(1).says("let the repository's settings allow auto-merge");
    let world = World::new();
    world.bump("backend:v2").exits(0);
    world.gitops.require(1, false);
    let outcome = world.set("backend:v3").input("auto-merge", "squash").in_actions().ends();
    outcome.exits(0).says("nothing to wait for");
    world
        .set("backend:v4")
        .input("pull-request-branch", "main")
        .in_actions()
        .ends()
        .exits(2)
        .says("to itself");

    let world = World::new();
    let outcome = world.set("backend:v2").input("dry-run", "true").in_actions().ends();
    outcome.exits(0).has_output("changed", "true").says("would set");
    assert_eq!((world.gitops.head(BRANCH), world.gitops.pull_requests().len()), (None, 0));
}
