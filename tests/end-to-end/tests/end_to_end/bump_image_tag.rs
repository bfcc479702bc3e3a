//! bump-image-tag, as a workflow and as a developer run it.

use serde_json::Value;
use sluice_end_to_end::Repository;

const OVERLAY: &str = "\
# Whoever changes this by hand tells #platform.\r
images:
- name: registry.example.com:5000/shop/backend
  newTag: 'v1'   # set by the pipeline
- {name: redis, newTag: \"7\"}
";

const CONFIG: &str = "\
version: 1
environments:
  dev: {overlays: [k8s/dev]}
  production: {overlays: [k8s/production]}
  remote: {overlays: [k8s/dev], strategy: commit}
";

fn gitops() -> Repository {
    let repository = Repository::new();
    repository
        .write(".github/sluice.yml", CONFIG)
        .write("k8s/dev/kustomization.yaml", OVERLAY)
        .write("k8s/production/kustomization.yaml", OVERLAY);
    repository
}

#[test]
fn only_the_tag_s_bytes_change() {
    let repository = gitops();
    let outcome = repository
        .run("bump-image-tag")
        .input("image", "registry.example.com:5000/shop/backend:v2")
        .input("environment", "dev")
        .in_actions()
        .ends();
    outcome.exits(0).has_output("changed", "true").says("v1").says("v2");
    assert_eq!(repository.read("k8s/dev/kustomization.yaml"), OVERLAY.replace("'v1'", "'v2'"));
    assert_eq!(repository.read("k8s/production/kustomization.yaml"), OVERLAY);

    let images: Value = serde_json::from_str(&outcome.outputs["images"]).unwrap();
    assert_eq!(images[0]["file"], "k8s/dev/kustomization.yaml");
    assert_eq!((&images[0]["before"], &images[0]["after"]), (&"v1".into(), &"v2".into()));
}

#[test]
fn the_diff_is_one_that_git_applies() {
    let repository = gitops();
    repository.commit("before");
    let outcome = repository
        .run("bump-image-tag")
        .argument("--image=registry.example.com:5000/shop/backend:1234567")
        .argument("--image=redis:8")
        .argument("--environment=dev,production")
        .argument("--dry-run")
        .argument("--format=json")
        .ends();
    let object: Value = serde_json::from_str(&outcome.exits(0).stdout).unwrap();
    assert_eq!(repository.git(&["status", "--porcelain"]), "", "a dry run changed something");

    repository.write(".git/change.diff", object["outputs"]["diff"].as_str().unwrap());
    repository.git(&["apply", ".git/change.diff"]);
    let expected = OVERLAY.replace("'v1'", "'1234567'").replace("\"7\"", "\"8\"");
    assert_eq!(repository.read("k8s/dev/kustomization.yaml"), expected);
    assert_eq!(repository.read("k8s/production/kustomization.yaml"), expected);
}

#[test]
fn what_is_set_already_is_no_change() {
    let repository = gitops();
    let outcome = repository
        .run("bump-image-tag")
        .input("image", "redis:7")
        .input("environment", "dev")
        .in_actions()
        .ends();
    outcome.exits(0).has_output("changed", "false");
    assert_eq!(outcome.reported("/verdict"), "skipped");
    assert_eq!(repository.read("k8s/dev/kustomization.yaml"), OVERLAY);
}

#[test]
fn all_files_or_none() {
    let repository = gitops();
    repository.write("k8s/production/kustomization.yaml", "images:\n- name: redis\n  newTag: *tag\n");
    repository
        .run("bump-image-tag")
        .argument("--image=redis:8")
        .argument("--environment=dev,production")
        .ends()
        .exits(2)
        .says("k8s/production/kustomization.yaml:3:");
    assert_eq!(repository.read("k8s/dev/kustomization.yaml"), OVERLAY);
}

#[test]
fn what_this_version_does_not_do_is_refused() {
    let repository = gitops();
    repository
        .run("bump-image-tag")
        .argument("--image=redis:8")
        .argument("--environment=remote")
        .ends()
        .exits(2)
        .says("commit");
    assert_eq!(repository.read("k8s/dev/kustomization.yaml"), OVERLAY);
}

#[test]
fn show_tells_what_runs_where() {
    let repository = gitops();
    repository.write("k8s/production/kustomization.yaml", OVERLAY.replace("v1", "v0"));
    repository
        .run("bump-image-tag")
        .argument("show")
        .argument("--environment=dev,production")
        .ends()
        .exits(0)
        .says("v0")
        .says("v1")
        .says("production");
}

#[test]
fn errors_say_what_to_do() {
    let repository = gitops();
    let run = |image: &str, environment: &str| {
        let (image, environment) = (format!("--image={image}"), format!("--environment={environment}"));
        repository.run("bump-image-tag").argument(&image).argument(&environment).ends()
    };
    run("redis:8", "prodction").exits(2).says("did you mean \"production\"?");
    run("rediss:8", "dev").exits(2).says("redis").says("k8s/dev/kustomization.yaml");
    run("redis", "dev").exits(2).says("redis");
    run("redis@sha256:12", "dev").exits(2).says("digest");
    repository.write("k8s/dev/kustomization.yaml", "");
    run("redis:8", "dev").exits(2).says("k8s/dev/kustomization.yaml");
}
