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
fn files_here_are_not_written_where_a_commit_is_meant() {
    let repository = gitops();
    let run = |strategy: &str| {
        let run =
            repository.run("bump-image-tag").argument("--image=redis:8").argument("--environment=remote");
        if strategy.is_empty() { run.ends() } else { run.argument(strategy).ends() }
    };
    run("").exits(2).says("which repository to write to");
    assert_eq!(repository.read("k8s/dev/kustomization.yaml"), OVERLAY);
    run("--strategy=worktree").exits(0);
    assert_eq!(repository.read("k8s/dev/kustomization.yaml"), OVERLAY.replace("\"7\"", "\"8\""));
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

/// A file of a layout, an image, and what becomes of it: the texts that change, or what is said against it.
type Bumped = (&'static str, &'static str, Result<&'static [(&'static str, &'static str)], &'static str>);

const BACKEND: &str = "registry.example.com/shop/backend:v2";
const CART: &str = "registry.example.com/demo/cart:v1.0.0";
const WEB: &str = "registry.example.com/demo/web:7.0";
const NEW: &str = "sha256:88d4266fd4e6338d13b845fcf289579d209c897823b9217da3e161936f031589";

/// Every YAML file of six GitOps layouts.
const LAYOUTS: &[Bumped] = &[
    ("kustomize/base/kustomization.yaml", BACKEND, Err("it sets no images")),
    (
        "kustomize/base/backend.yaml",
        BACKEND,
        Ok(&[
            ("shop/backend\n          args", "shop/backend:v2\n          args"),
            ("shop/backend\n          ports", "shop/backend:v2\n          ports"),
        ]),
    ),
    (
        "kustomize/base/backend.yaml",
        "registry.example.com/shop/proxy:1.28",
        Ok(&[("proxy:1.27", "proxy:1.28")]),
    ),
    ("kustomize/base/cleanup.yaml", BACKEND, Ok(&[("shop/backend\n", "shop/backend:v2\n")])),
    (
        "kustomize/overlays/dev/kustomization.yaml",
        "registry.example.com/shop/backend:1.10",
        Ok(&[("\"1.9\"", "\"1.10\"")]),
    ),
    (
        "kustomize/overlays/production/kustomization.yaml",
        "registry.example.com/shop/backend:12345e7",
        Ok(&[("0a1b2c3", "\"12345e7\"")]),
    ),
    (
        "kustomize/apps/shop.yaml",
        BACKEND,
        Ok(&[("backend:1.9 #", "backend:v2 #"), ("tag: \"1.9\"", "tag: \"v2\"")]),
    ),
    ("kustomize/apps/previews.yaml", BACKEND, Err("previews.yaml:18:15")),
    ("helm/charts/shop/Chart.yaml", BACKEND, Err("it sets no images")),
    (
        "helm/charts/shop/values.yaml",
        BACKEND,
        Ok(&[("tag: 1.9.0", "tag: v2"), ("backend:1.9.0", "backend:v2")]),
    ),
    (
        "helm/charts/shop/values.yaml",
        "registry.example.com/shop/frontend:2024.12",
        Ok(&[("'2024.11'", "'2024.12'")]),
    ),
    ("helm/charts/shop/templates/backend.yaml", BACKEND, Err("backend.yaml:4:")),
    ("helm/environments/staging.yaml", BACKEND, Err("a digest that the new tag would leave stale")),
    (
        "helm/environments/production.yaml",
        "registry.example.com/shop/frontend:2024.12",
        Ok(&[("'2024.11'", "'2024.12'")]),
    ),
    (
        "flux/clusters/staging/shop.yaml",
        BACKEND,
        Ok(&[("tag: 1.9.1-rc.2", "tag: v2"), ("backend:1.9.1-rc.2", "backend:v2")]),
    ),
    // The two stand at different versions: which one is meant?
    ("flux/clusters/production/shop.yaml", BACKEND, Err("runs in two versions")),
    ("flux/clusters/production/infrastructure.yaml", "gateway:v3.3.0", Ok(&[("v3.2.0", "v3.3.0")])),
    (
        "flux/compose/compose.yaml",
        BACKEND,
        Ok(&[("backend:1.9.0\n", "backend:v2\n"), ("backend:1.9.0\"", "backend:v2\"")]),
    ),
    ("flux/compose/compose.yaml", "registry.example.com/shop/frontend:v2", Err("filled in from a variable")),
    ("flux/compose/compose.yaml", "postgres:17.3", Err("would leave stale")),
    // Services of a demo shop, and components that are put together.
    ("microservices/base/kustomization.yaml", CART, Err("it sets no images")),
    (
        "microservices/base/cart.yaml",
        CART,
        Ok(&[("demo/cart\n        ports", "demo/cart:v1.0.0\n        ports")]),
    ),
    ("microservices/base/cart.yaml", "busybox:1.37", Err("would leave stale")),
    (
        "microservices/base/currency.yaml",
        "registry.example.com/demo/currency:0.10",
        Ok(&[("currency:0.9\"    #", "currency:0.10\"    #")]),
    ),
    (
        "microservices/components/images-tag/kustomization.yaml",
        CART,
        Ok(&[("demo/cart\n  newTag: v0.10.1", "demo/cart\n  newTag: v1.0.0")]),
    ),
    ("microservices/components/images-registry/kustomization.yaml", CART, Err("kustomization.yaml:5:12")),
    ("microservices/components/cache/kustomization.yaml", CART, Err("it sets no images")),
    (
        "microservices/components/canary/kustomization.yaml",
        CART,
        Ok(&[("demo/cart:v0.11.0-rc.1", "demo/cart:v1.0.0")]),
    ),
    (
        "microservices/components/canary/kustomization.yaml",
        "registry.example.com/demo/currency:v1.0.0",
        Ok(&[("demo/currency:v0.11.0-rc.1", "demo/currency:v1.0.0")]),
    ),
    // An application of applications, with sets of them.
    ("argo/apps/Chart.yaml", WEB, Err("it sets no images")),
    ("argo/apps/values.yaml", WEB, Ok(&[("\"4.2\"", "\"7.0\"")])),
    ("argo/apps/values.yaml", "registry.example.com/demo/worker:0777", Ok(&[("main-0a1b2c3", "\"0777\"")])),
    ("argo/apps/templates/web.yaml", WEB, Err("web.yaml:10:13")),
    (
        "argo/root.yaml",
        "registry.example.com/demo/worker:main-ffffff0",
        Ok(&[("main-0a1b2c3", "main-ffffff0")]),
    ),
    ("argo/sets/regions.yaml", WEB, Err("runs in two versions")),
    ("argo/sets/regions.yaml", "registry.example.com/demo/sidecar:1.10", Ok(&[("\"1.0\"", "\"1.10\"")])),
    // Releases, values over them, and the automation of images.
    ("flux2/apps/base/web/release.yaml", WEB, Ok(&[("tag: 6.5.0 #", "tag: \"7.0\" #")])),
    ("flux2/apps/base/web/release.yaml", "redis:7.4-alpine", Err("release.yaml:28:11")),
    // The name stands in another file: the place has to be named.
    ("flux2/apps/production/web-values.yaml", WEB, Err("name the place with `at`")),
    ("flux2/clusters/production/apps.yaml", WEB, Ok(&[("newTag: 6.4.3\t#", "newTag: \"7.0\"\t#")])),
    ("flux2/images/web.yaml", WEB, Err("it sets no images")),
    ("flux2/images/migrate.yaml", WEB, Ok(&[("demo/web:6.4.3", "demo/web:7.0")])),
];

fn layouts() -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/gitops")
}

/// A repository with all layouts.
#[expect(clippy::unwrap_used, reason = "a test may panic, and so may the functions that it is made of")]
fn with_layouts() -> Repository {
    fn copy(repository: &Repository, folder: &std::path::Path) {
        for entry in folder.read_dir().unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                copy(repository, &path);
            } else {
                let name = path.strip_prefix(layouts()).unwrap().to_str().unwrap().to_owned();
                repository.write(&name, std::fs::read_to_string(&path).unwrap());
            }
        }
    }
    let repository = Repository::new();
    copy(&repository, &layouts());
    repository
}

#[test]
fn every_file_of_a_layout_is_bumped_byte_by_byte_or_refused() {
    for (file, image, expected) in LAYOUTS {
        let repository = with_layouts();
        let before = repository.read(file);
        let (image, overlay) = (format!("--image={image}"), format!("--overlay={file}"));
        let outcome = repository.run("bump-image-tag").argument(&image).argument(&overlay).ends();
        let after = match expected {
            Ok(changes) => {
                outcome.exits(0);
                changes.iter().fold(before, |text, (from, to)| {
                    assert_eq!(text.matches(from).count(), 1, "{from} in {file}");
                    text.replace(from, to)
                })
            }
            Err(reason) => {
                outcome.exits(2).says(reason);
                before
            }
        };
        assert_eq!(repository.read(file), after, "{file}");
    }
}

#[test]
fn every_file_of_the_layouts_is_among_them() {
    let repository = with_layouts();
    repository.git(&["add", "--all"]);
    for file in repository.git(&["ls-files"]).lines() {
        assert!(LAYOUTS.iter().any(|(known, ..)| *known == file), "{file}");
    }
}

#[test]
fn a_folder_is_searched_for_the_image_s_name() {
    let repository = with_layouts();
    repository.commit("before");
    let outcome = repository
        .run("bump-image-tag")
        .argument("--image=registry.example.com/shop/frontend:2025.1")
        .argument("--overlay=helm")
        .ends();
    // Each environment stands at a version of its own.
    outcome.exits(2).says("runs in two versions in helm");
    repository
        .run("bump-image-tag")
        .argument("--image=registry.example.com/shop/frontend:2025.1")
        .argument("--overlay=helm/charts")
        .ends()
        .exits(0);
    assert_eq!(repository.git(&["diff", "--name-only"]).trim(), "helm/charts/shop/values.yaml");
}

#[test]
fn a_place_is_set_outright() {
    let repository = with_layouts();
    let outcome = repository
        .run("bump-image-tag")
        .input("at", "helm/charts/shop/Chart.yaml:.appVersion=1.10\nflux/clusters/production/shop.yaml:.spec.values.jobs[name=reindex].image")
        .input("image", "registry.example.com/shop/backend:1.9.1")
        .in_actions()
        .ends();
    outcome.exits(0).has_output("changed", "true");
    assert!(repository.read("helm/charts/shop/Chart.yaml").contains("appVersion: \"1.10\"\n"));
    assert!(
        repository
            .read("flux/clusters/production/shop.yaml")
            .contains("image: registry.example.com/shop/backend:1.9.1 # {")
    );
}

const PROMOTION: &str = "\
version: 1
environments:
  staging: {overlays: [helm/environments/staging.yaml]}
  production: {after: staging, overlays: [helm/environments/production.yaml]}
";

#[test]
fn what_staging_runs_is_promoted_and_rolled_back() {
    let repository = with_layouts();
    let file = "helm/environments/production.yaml";
    repository.write(".github/sluice.yml", PROMOTION);
    repository.commit("before");
    let before = repository.read(file);

    let promote = || {
        repository
            .run("bump-image-tag")
            .argument("promote")
            .argument("--from=staging")
            .argument("--to=production")
    };
    promote().argument("--dry-run").ends().exits(0).says("1.9.1-rc.2");
    assert_eq!(repository.read(file), before);
    promote().ends().exits(0);
    let promoted =
        before.replace("tag:    1.9.0 ", "tag:    1.9.1-rc.2 ").replace("'2024.11'", "'2024.12'").replace(
            "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb",
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        );
    assert_eq!(repository.read(file), promoted);
    promote().ends().exits(0).says("set already");

    repository.commit("promote");
    // A change of someone else that is no image's stays.
    repository.write(file, promoted.replace("512Mi", "1Gi"));
    let rollback =
        || repository.run("bump-image-tag").argument("rollback").argument("--environment=production");
    rollback().argument("--steps=2").ends().exits(2).says("holds 1");
    rollback().ends().exits(0).says("1.9.0");
    assert_eq!(repository.read(file), before.replace("512Mi", "1Gi"));

    repository.write(file, promoted.replace("1.9.1-rc.2", "1.9.7"));
    rollback().ends().exits(1).says("changed since");
    repository.write("helm/environments/staging.yaml", "image: registry.example.com/shop/other:v1\n");
    promote().ends().exits(2).says("registry.example.com/shop/other");
}

#[test]
fn a_digest_goes_where_it_is_asked_for() {
    let repository = with_layouts();
    let image = format!("--image=registry.example.com/shop/backend:1.9.1@{NEW}");
    let run = || {
        repository.run("bump-image-tag").argument(&image).argument("--overlay=helm/environments/staging.yaml")
    };
    run().ends().exits(0);
    assert!(
        repository
            .read("helm/environments/staging.yaml")
            .contains(&format!("tag: 1.9.1\n    digest: {NEW}\n"))
    );
}

#[test]
fn what_is_half_said_is_refused() {
    let repository = with_layouts();
    let run = |arguments: &[&str]| {
        let run = repository.run("bump-image-tag");
        arguments.iter().fold(run, |run, argument| run.argument(argument)).ends()
    };
    run(&["--overlay=helm"]).exits(2).says("not said what to set");
    run(&["--at=helm/charts/shop/Chart.yaml:.appVersion=2", "--overlay=helm"])
        .exits(2)
        .says("which image to set");
    run(&["--at=helm/charts/shop/Chart.yml:.appVersion=2"]).exits(2).says("did you mean \"Chart.yaml\"");
    run(&["--at=helm/charts/shop/Chart.yaml"]).exits(2).says("names no place");
    run(&["promote", "--from=staging"]).exits(2).says("--to");
    run(&["rollback"]).exits(2).says("not said what to roll back");
    run(&["rollback", "--overlay=helm", "--steps=0"]).exits(2);
}
