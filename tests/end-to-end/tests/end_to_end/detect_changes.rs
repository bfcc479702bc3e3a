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
