//! detect-changes, as a workflow and as a developer run it.

use serde_json::{Value, json};
use sluice_end_to_end::{Repository, Run};
use sluice_github_fake::GitHub;

const CONFIG: &str = "\
version: 1
components:
  backend: {paths: [\"services/backend/**\", \"libs/**\"]}
  frontend: {paths: [\"services/frontend/**\"], needs: [backend]}
  foundation:
    paths: [\"regions/{region}/layers/01-foundation/{environment}/**\"]
    shared: [\"modules/foundation/**\"]
environments: {dev: {}, production: {}}
";

fn shop() -> (Repository, String) {
    let repository = Repository::new();
    repository
        .write(".github/sluice.yml", CONFIG)
        .write("services/backend/main.py", "1")
        .write("services/frontend/index.html", "1")
        .write("regions/eu-west-1/layers/01-foundation/dev/main.tf", "1")
        .write("regions/eu-west-1/layers/01-foundation/production/main.tf", "1")
        .write("regions/af-south-1/layers/01-foundation/production/main.tf", "1")
        .write("README.md", "1");
    let before = repository.commit("before");
    (repository, before)
}

#[test]
fn a_push_tells_what_changed_and_what_needs_it() {
    let (repository, before) = shop();
    let after = repository.write("services/backend/main.py", "2").commit("after");
    let outcome =
        repository.run("detect-changes").on("push", &json!({"before": before, "after": after})).ends();
    outcome
        .exits(0)
        .has_output("any", "true")
        .has_output("backend", "true")
        .has_output("frontend", "true")
        .has_output("foundation", "false")
        .has_output("changes", r#"["backend","frontend"]"#)
        .has_output("stages", r#"[["backend"],["frontend"]]"#)
        .has_output("base", &before)
        .has_output("head", &after)
        .has_output("complete", "true")
        .says("services/backend/main.py");
}

#[test]
fn a_layer_s_change_is_one_cell_and_a_shared_module_s_is_every_cell() {
    let (repository, _) = shop();
    repository.write("regions/af-south-1/layers/01-foundation/production/main.tf", "2").commit("one");
    let one = repository.run("detect-changes").argument("--base=HEAD~1").argument("--format=json").ends();
    let object: Value = serde_json::from_str(&one.exits(0).stdout).unwrap();
    assert_eq!(
        object["outputs"]["matrix"],
        json!({"include": [{"component": "foundation", "region": "af-south-1", "environment": "production"}]})
    );

    repository.write("modules/foundation/main.tf", "1").commit("all");
    let all = repository.run("detect-changes").argument("--base=HEAD~1").argument("--format=json").ends();
    let object: Value = serde_json::from_str(&all.exits(0).stdout).unwrap();
    assert_eq!(object["outputs"]["foundation_matrix"]["include"].as_array().unwrap().len(), 3);
}

#[test]
fn nothing_is_told_only_when_it_is_certain() {
    let (repository, before) = shop();
    let after = repository.write("README.md", "2").commit("after");
    let certain =
        repository.run("detect-changes").on("push", &json!({"before": before, "after": after})).ends();
    certain.exits(0).has_output("any", "false").has_output("changes", "[]");
    assert_eq!(certain.reported("/verdict"), "skipped");

    // A commit that this clone does not have: after a force push, or in a shallow clone.
    let github = github(&repository);
    let gone = "1".repeat(40);
    let payload = json!({"before": gone, "after": after});
    let run = of(&github, repository.run("detect-changes")).input("token", "a-token-of-the-job");
    let unknown = run.on("push", &payload).ends();
    unknown.exits(3).says("forced push");
    assert_eq!(unknown.outputs.keys().collect::<Vec<_>>(), ["report-file"]);
    assert_eq!(unknown.reported("/verdict"), "undecided");
}

/// GitHub with what the repository holds as `acme/shop`, for those who have its token.
fn github(repository: &Repository) -> GitHub {
    let github = GitHub::start();
    github.require_token("a-token-of-the-job");
    let folder = github.repository("acme/shop").folder();
    repository.git(&["push", "--quiet", "--mirror", &folder.to_string_lossy()]);
    github
}

/// A run on a runner of that GitHub, without a token.
fn of<'a>(github: &GitHub, run: Run<'a>) -> Run<'a> {
    github.variables().iter().fold(run, |run, (name, value)| run.variable(name, value))
}

/// A clone as actions/checkout makes it.
fn shallow(repository: &Repository) -> Repository {
    let clone = Repository::new();
    clone.git(&["fetch", "--quiet", "--depth=1", &format!("file://{}", repository.path().display()), "main"]);
    clone.git(&["checkout", "--quiet", "--detach", "FETCH_HEAD"]);
    clone
}

#[test]
fn a_shallow_clone_fetches_what_it_lacks_and_stays_as_it_was() {
    let (repository, before) = shop();
    let after = repository.write("libs/money.py", "2").commit("after");
    let (github, clone) = (github(&repository), shallow(&repository));
    let payload = json!({"ref": "refs/heads/main", "before": before, "after": after});
    let objects = clone.git(&["count-objects", "--verbose"]);
    let run = of(&github, clone.run("detect-changes")).input("token", "a-token-of-the-job");
    run.on("push", &payload)
        .ends()
        .exits(0)
        .has_output("changes", r#"["backend","frontend"]"#)
        .has_output("base", &before)
        .has_output("strategy", "push")
        .has_output("complete", "true")
        .never_says("a-token-of-the-job");
    clone.git(&["fsck", "--strict"]);
    assert_eq!(clone.git(&["count-objects", "--verbose"]), objects);
    assert_eq!(clone.git(&["status", "--porcelain"]), "");
    assert_eq!(clone.git(&["log", "--format=%H"]), after);
    let temporary = clone.path().join(".git/runner/temp");
    let left: Vec<_> =
        std::fs::read_dir(temporary).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["sluice"]);
}

#[test]
fn what_can_not_be_fetched_is_undecided_or_everything_never_nothing() {
    let (repository, before) = shop();
    let after = repository.write("libs/money.py", "2").commit("after");
    let (github, clone) = (github(&repository), shallow(&repository));
    let payload = json!({"ref": "refs/heads/main", "before": before, "after": after});
    let run = || of(&github, clone.run("detect-changes"));
    let fails = run().on("push", &payload).ends();
    fails.exits(3).says("401").says("permissions: contents: read");
    assert_eq!(fails.outputs.keys().collect::<Vec<_>>(), ["report-file"]);

    let filters = "gone: [{deleted: 'docs/**'}]\nnew: [{added: '**'}]\n";
    let all = run().input("on-unknown", "all").input("filters", filters).on("push", &payload).ends();
    all.exits(0)
        .has_output("any", "true")
        .has_output("gone", "true")
        .has_output("backend", "true")
        .has_output("foundation", "true")
        .has_output("strategy", "unknown")
        .has_output("complete", "false")
        .says("everything counts as changed")
        .says("401");
    let matrix: Value = serde_json::from_str(&all.outputs["foundation_matrix"]).unwrap();
    assert_eq!(matrix["include"].as_array().unwrap().len(), 3);
}

#[test]
fn a_repository_is_looked_at_without_a_checkout() {
    let (repository, before) = shop();
    let after = repository.write("services/backend/main.py", "2").commit("after");
    let github = github(&repository);
    let folder = Repository::new();
    let run = |name: &str| {
        let run = of(&github, folder.run("detect-changes")).input("token", "a-token-of-the-job");
        run.input("filters", "backend: services/backend/**").input("repository", name)
    };
    let payload = json!({"ref": "refs/heads/main", "before": before, "after": after});
    run("acme/shop")
        .variable("GITHUB_SHA", &after)
        .on("push", &payload)
        .ends()
        .exits(0)
        .has_output("backend_count", "1")
        .has_output("base", &before)
        .has_output("head", &after);
    run("acme/shop").input("base", "main").in_actions().ends().exits(0).has_output("any", "false");
    run("acme/other").on("push", &payload).ends().exits(2).says("another repository");
    run("../../etc").input("base", "main").in_actions().ends().exits(2).says("owner/name");
}

#[test]
fn a_filter_file_of_paths_filter_works_unchanged() {
    let repository = Repository::new();
    repository.commit("before");
    repository
        .write("filters.yml", "shared: &shared\n  - 'libs/**'\nbackend:\n  - *shared\n  - services/backend/**\nadded:\n  - added: '**'\n")
        .write("libs/money.py", "1")
        .commit("after");
    repository
        .run("detect-changes")
        .input("base", "HEAD~1")
        .input("filters", "filters.yml")
        .input("list-files", "csv")
        .in_actions()
        .ends()
        .exits(0)
        .has_output("shared", "true")
        .has_output("shared_files", "libs/money.py")
        .has_output("added_count", "2")
        .has_output("backend_count", "1");
}

#[test]
fn errors_say_what_to_do() {
    let (repository, _) = shop();
    let run = |argument: &str| repository.run("detect-changes").argument(argument).ends();
    run("--head=HEAD").exits(2).says("--base origin/main");
    run("--base=nowhere").exits(3).says("nowhere");
    let elsewhere = Repository::new();
    std::fs::remove_dir_all(elsewhere.path().join(".git")).unwrap();
    elsewhere
        .run("detect-changes")
        .argument("--base=HEAD")
        .argument("--filters=a: b")
        .ends()
        .says("no git repository");

    repository.write(
        ".github/sluice.yml",
        "version: 1\ncomponents: {api: {paths: [a], needs: [bakend]}, backend: {paths: [b]}}\n",
    );
    run("--base=HEAD").exits(2).says("did you mean \"backend\"?").says(".github/sluice.yml:2:");
    repository.write(
        ".github/sluice.yml",
        "version: 1\ncomponents: {a: {paths: [a], needs: [b]}, b: {paths: [b], needs: [a]}}\n",
    );
    run("--base=HEAD").exits(2).says("a → b → a");
}

#[test]
fn a_module_s_change_is_the_cells_that_call_it() {
    let repository = Repository::new();
    repository
        .write(
            ".github/sluice.yml",
            "version: 1\ncomponents:\n  layers: {paths: [\"regions/{region}/{environment}/**\"]}\n",
        )
        .write("regions/eu/dev/main.tf", "module \"network\" {\n  source = \"../../../modules/network\"\n}\n")
        .write("regions/eu/prod/main.tf", "module \"gone\" {\n  source = \"../../../modules/gone\"\n}\n")
        .write("modules/network/main.tf", "module \"vpc\" {\n  source = \"../vpc\"\n}\n")
        .write("modules/vpc/main.tf", "")
        .commit("before");
    repository.write("modules/vpc/main.tf", "locals {}\n").write("README.md", "1").commit("after");
    let run = || repository.run("detect-changes").input("base", "HEAD~1").in_actions();

    run().ends().exits(0).has_output("any", "false");
    let found = run().input("discover", "terraform").input("explain", "true").ends();
    found
        .exits(0)
        .has_output("layers", "true")
        .has_output("layers_count", "1")
        .has_output("matrix", r#"{"include":[{"component":"layers","region":"eu","environment":"dev"}]}"#)
        .says("modules/vpc/main.tf (modified) is used: regions/eu/dev → modules/network → modules/vpc")
        .says("\"../../../modules/gone\" is not there")
        .says("regions/eu/prod/main.tf:2:12");
    assert!(found.summary.contains("README.md"), "{}", found.summary);
    run().input("discover", "terraform").input("unclassified", "fail").ends().exits(2).says("README.md");
}

#[test]
fn what_is_too_long_for_an_output_is_in_a_file() {
    let repository = Repository::new();
    repository.commit("before");
    for index in 0..3_000 {
        repository.write(format!("a-folder-with-a-name/{index:06}"), "1");
    }
    repository.commit("after");
    let outcome = repository
        .run("detect-changes")
        .input("base", "HEAD~1")
        .input("filters", "all: '**'")
        .input("list-files", "lines")
        .in_actions()
        .ends();
    outcome
        .exits(0)
        .has_output("all_count", "3000")
        .has_output("all_files", r#"{"count":3000,"file":"sluice/detect-changes-all_files.txt"}"#)
        .has_output("all_files_file", "sluice/detect-changes-all_files.txt")
        .says("too long");
}

#[test]
fn on_a_terminal_what_is_not_committed_counts() {
    let (repository, before) = shop();
    // What the person who works there ignores in all repositories is ignored here, too.
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join(".gitconfig"), "[core]\n\texcludesFile = ~/ignored\n").unwrap();
    std::fs::write(home.path().join("ignored"), "*.swp\n").unwrap();
    let home = home.path().to_string_lossy();
    let run = || repository.run("detect-changes").variable("HOME", &home).argument("--format=json");
    let answer = |run: Run<'_>| -> Value { serde_json::from_str(&run.ends().exits(0).stdout).unwrap() };

    repository.write("services/backend/.main.py.swp", "x");
    let clean = answer(run());
    assert_eq!(clean["outputs"]["any"], false);
    assert_eq!([&clean["outputs"]["base"], &clean["outputs"]["head"]], [&before, &before]);

    repository.write("services/frontend/new.html", "1").write("libs/staged.py", "1").git(&["add", "libs"]);
    let dirty = answer(run());
    assert_eq!(dirty["outputs"]["changes"], json!(["backend", "frontend"]));
    assert_eq!(dirty["outputs"]["strategy"], "working-tree");
    assert_eq!(dirty["report"]["subjects"], json!([]), "it is no commit");
    let given = answer(run().argument("--base=HEAD"));
    assert_eq!(given["outputs"]["strategy"], "given");
    assert_eq!(given["outputs"]["head"], dirty["outputs"]["head"]);

    // `head` asks for commits only, and so does a workflow: there earlier steps leave files behind.
    let committed = answer(run().argument("--base=HEAD").argument("--head=HEAD"));
    assert_eq!(committed["outputs"]["any"], false);
    let step = repository.run("detect-changes").input("base", "HEAD").in_actions().ends();
    step.exits(0).has_output("any", "false").has_output("head", &before);
}

#[test]
fn modules_that_are_not_committed_yet_are_read() {
    let repository = Repository::new();
    repository
        .write(".github/sluice.yml", "version: 1\ncomponents: {layers: {paths: [\"layers/{name}/**\"]}}\n")
        .write("layers/one/main.tf", "")
        .commit("before");
    repository.write("layers/one/main.tf", "module \"vpc\" {\n  source = \"../../modules/vpc\"\n}\n").git(&[
        "commit",
        "--all",
        "--quiet",
        "--message=calls",
    ]);
    repository.write("modules/vpc/main.tf", "locals {}\n");
    let found = repository.run("detect-changes").argument("--discover=terraform").ends();
    found.exits(0).says("modules/vpc/main.tf (added) is used: layers/one → modules/vpc");
}

#[test]
fn a_working_directory_has_its_own_configuration_and_paths() {
    let (outer, _) = shop();
    // A second repository, as a second actions/checkout with `path` lays it out.
    let inner = Repository::new();
    inner
        .write(".github/sluice.yml", "version: 1\ncomponents: {inside: {paths: [\"src/**\"]}}\n")
        .write("src/filters.yml", "code: src/**\n")
        .commit("before");
    inner.write("src/a", "1").commit("after");
    outer.git(&["clone", "--quiet", &inner.path().to_string_lossy(), "inner"]);
    let run =
        |folder: &str| outer.run("detect-changes").input("base", "HEAD").input("working-directory", folder);
    let names = |run: Run<'_>| -> Vec<String> {
        let outcome = run.in_actions().ends();
        outcome.exits(0);
        outcome.outputs.into_keys().filter(|name| name.ends_with("_count")).collect()
    };
    assert_eq!(names(run("inner")), ["inside_count"]);
    assert_eq!(names(run("inner/src").input("filters", "filters.yml")), ["code_count", "inside_count"]);
    // A folder of the same repository has that one's.
    assert_eq!(names(run("services")), ["backend_count", "foundation_count", "frontend_count"]);
    assert_eq!(names(run("inner").input("config", "../.github/sluice.yml")).len(), 3);
    run("nowhere").in_actions().ends().exits(2).says("there is no folder").says("working-directory");
    run("nowhere").input("check-config", "true").in_actions().ends().exits(2);
}

#[test]
fn a_repository_of_another_user_is_read_and_completed() {
    let (repository, before) = shop();
    let after = repository.write("libs/money.py", "2").commit("after");
    let (github, clone) = (github(&repository), shallow(&repository));
    let folder = clone.path().to_string_lossy().into_owned();
    let temporary = tempfile::tempdir().unwrap();
    as_root(&["chown", "--recursive", "4711:4711", &folder]);
    as_root(&["chmod", "--recursive", "a+rX", &folder]);
    let git = std::process::Command::new("git").args(["-C", &folder, "status"]).output().unwrap();
    assert!(String::from_utf8_lossy(&git.stderr).contains("dubious ownership"), "{git:?}");

    let outputs = temporary.path().join("output");
    let event = temporary.path().join("event.json");
    std::fs::write(&event, json!({"ref": "refs/heads/main", "before": before, "after": after}).to_string())
        .unwrap();
    let run = of(&github, clone.run("detect-changes"))
        .variable("GITHUB_ACTIONS", "true")
        .variable("GITHUB_REPOSITORY", "acme/shop")
        .variable("GITHUB_EVENT_NAME", "push")
        .variable("GITHUB_EVENT_PATH", &event.to_string_lossy())
        .variable("GITHUB_OUTPUT", &outputs.to_string_lossy())
        .variable("RUNNER_TEMP", &temporary.path().to_string_lossy())
        .input("token", "a-token-of-the-job");
    let told = run.ends();
    told.exits(0).says("2 of 3 components changed").says("libs/money.py");
    let owners = std::process::Command::new("find").args([&folder, "!", "-user", "4711"]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&owners.stdout), "", "no file of another user lies in it");
    as_root(&["chown", "--recursive", &nix::unistd::geteuid().to_string(), &folder]);
}

/// Runs a command as root: a runner's user may, without a password.
fn as_root(words: &[&str]) {
    let sudo: &[&str] = if nix::unistd::geteuid().is_root() { &[] } else { &["sudo", "--non-interactive"] };
    let words = [sudo, words].concat();
    let done = std::process::Command::new(words[0]).args(&words[1..]).status();
    assert!(done.as_ref().is_ok_and(std::process::ExitStatus::success), "{words:?}: {done:?}");
}

/// A pull request as GitHub holds it: `main` went on after the branch began, and a merge commit tries it out.
struct Shop {
    github: GitHub,
    origin: Repository,
    commits: std::collections::BTreeMap<String, &'static str>,
}

impl Shop {
    fn new() -> Self {
        let origin = Repository::new();
        let mut commits = std::collections::BTreeMap::new();
        let mut is = |name, commit: String| {
            commits.insert(commit.clone(), name);
            commit
        };
        let start = is("start", origin.write("services/backend/main.py", "1").commit("start"));
        origin.git(&["tag", "v1"]);
        origin.git(&["checkout", "--quiet", "-b", "feature"]);
        is("feature", origin.write("services/frontend/a", "1").commit("feature"));
        origin.git(&["checkout", "--quiet", "main"]);
        let main = is("main", origin.write("services/backend/main.py", "2").commit("main"));
        origin.git(&["tag", "--annotate", "--message=x", "v2"]);
        origin.git(&["checkout", "--quiet", "--detach"]);
        origin.git(&["merge", "--quiet", "--no-ff", "--message=merge", "feature"]);
        is("merge", origin.git(&["rev-parse", "HEAD"]));
        origin.git(&["update-ref", "refs/pull/7/merge", "HEAD"]);
        origin.git(&["checkout", "--quiet", "main"]);
        is("nothing", "4b825dc642cb6eb9a060e54bf8d69288fbee4904".to_owned());
        let github = github(&origin);
        let shop = github.repository("acme/shop");
        for (event, commit) in [("push", &start), ("pull_request", &main)] {
            shop.run(sluice_github_fake::Run {
                event: event.to_owned(),
                ..sluice_github_fake::Run::success("main", commit)
            });
        }
        Self { github, origin, commits }
    }

    fn id(&self, name: &str) -> String {
        let found = self.commits.iter().find(|(_, known)| **known == name);
        found.map_or_else(|| "0".repeat(40), |(commit, _)| commit.clone())
    }

    /// What is compared for an event in a checkout of a commit, as actions/checkout makes it.
    fn compares(
        &self,
        event: &str,
        payload: &Value,
        checked_out: &str,
        variables: &[(&str, &str)],
    ) -> String {
        let (clone, commit) = (Repository::new(), self.id(checked_out));
        let url = format!("file://{}", self.origin.path().display());
        self.origin.git(&["config", "uploadpack.allowAnySHA1InWant", "true"]);
        clone.git(&["fetch", "--quiet", "--depth=1", &url, &commit]);
        clone.git(&["checkout", "--quiet", "--detach", "FETCH_HEAD"]);
        let run = of(&self.github, clone.run("detect-changes"))
            .input("token", "a-token-of-the-job")
            .input("filters", "everything: '**'")
            .variable("GITHUB_SHA", &commit)
            .variable("GITHUB_REF_NAME", "main")
            .variable("GITHUB_WORKFLOW_REF", "acme/shop/.github/workflows/deploy.yml@refs/heads/main");
        let run = variables.iter().fold(run, |run, (name, value)| run.variable(name, value));
        let outcome = run.on(event, payload).ends();
        outcome.exits(0).has_output("complete", "true");
        let name = |output: &str| self.commits[&outcome.outputs[output]];
        format!("{} → {}: {}", name("base"), name("head"), outcome.outputs["strategy"])
    }
}

/// The table of the action's README, row by row, each from GitHub's payload and a checkout of one commit.
#[test]
fn every_event_says_what_is_compared() {
    let shop = Shop::new();
    let id = |name: &str| shop.id(name);
    let repository = json!({"default_branch": "main"});
    let push = |reference: &str, before: &str, after: &str| json!({"ref": reference, "before": before, "after": after, "repository": repository});
    let (none, gone) = ("0".repeat(40), "1".repeat(40));
    let request = |action: &str| {
        let head = json!({"sha": id("feature"), "ref": "feature", "repo": {"full_name": "stranger/shop", "fork": true}});
        json!({"action": action, "number": 7, "pull_request": {"base": {"sha": id("main"), "ref": "main"}, "head": head}})
    };
    let ended = |event: &str, head: &str| {
        json!({"action": "completed", "repository": repository, "workflow_run": {
            "id": 1_000_000_000, "path": ".github/workflows/deploy.yml", "event": event, "head_branch": "main",
            "head_sha": id(head), "pull_requests": []
        }})
    };
    let group = json!({"action": "checks_requested", "merge_group": {"base_sha": id("main"), "head_sha": id("merge")}});
    for (event, payload, checked_out, expected) in [
        ("push", push("refs/heads/main", &id("start"), &id("main")), "main", "start → main: push"),
        ("push", push("refs/heads/feature", &gone, &id("feature")), "feature", "start → feature: merge-base"),
        ("push", push("refs/heads/feature", &none, &id("feature")), "feature", "start → feature: merge-base"),
        ("push", push("refs/heads/main", &none, &id("main")), "main", "nothing → main: whole-tree"),
        ("push", push("refs/tags/v2", &none, &id("main")), "main", "start → main: previous-tag"),
        ("push", push("refs/tags/v1", &none, &id("start")), "start", "nothing → start: whole-tree"),
        ("push", push("refs/tags/latest", &id("start"), &id("main")), "main", "start → main: push"),
        (
            "release",
            json!({"action": "published", "release": {"tag_name": "v2"}}),
            "main",
            "start → main: previous-tag",
        ),
        ("pull_request", request("opened"), "merge", "main → merge: merge-commit"),
        ("pull_request", request("synchronize"), "merge", "main → merge: merge-commit"),
        ("pull_request", request("labeled"), "feature", "start → feature: merge-base"),
        ("pull_request_target", request("reopened"), "main", "start → feature: merge-base"),
        ("merge_group", group, "merge", "main → merge: merge-group"),
        ("workflow_dispatch", json!({"inputs": null}), "main", "start → main: last-success"),
        ("schedule", json!({"schedule": "0 4 * * *"}), "main", "start → main: last-success"),
        (
            "repository_dispatch",
            json!({"action": "x", "client_payload": {}}),
            "main",
            "start → main: last-success",
        ),
        ("workflow_run", ended("push", "main"), "main", "start → main: last-success"),
        ("workflow_run", ended("pull_request", "feature"), "main", "start → feature: merge-base"),
    ] {
        assert_eq!(shop.compares(event, &payload, checked_out, &[]), expected, "{event} {payload}");
    }
    // What a merged pull request became is on its base branch.
    let closed = json!({"action": "closed", "pull_request": {"merged": true, "base": {"sha": id("start")}, "head": {"sha": id("feature")}}});
    assert_eq!(shop.compares("pull_request", &closed, "main", &[]), "start → main: pull-request");
    let other_branch = [("GITHUB_REF_NAME", "nightly")];
    let schedule = json!({"schedule": "0 4 * * *"});
    assert_eq!(shop.compares("schedule", &schedule, "main", &other_branch), "nothing → main: whole-tree");
}
