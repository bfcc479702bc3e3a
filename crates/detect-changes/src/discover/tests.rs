use std::collections::BTreeSet;

use sluice_core::escape;

use super::*;
use crate::{components::tests::catalog, repository::Repository, sandbox::Sandbox};

const LAYERS: &str = "version: 1\ncomponents:\n  layer: {paths: ['layers/{name}/**', '!**/*.md']}\n  k8s: {paths: ['k8s/overlays/{environment}/**']}\n  charts: {paths: ['charts/app/**']}\n";

const ALL: [Discover; 3] = [Discover::Terraform, Discover::Kustomize, Discover::Helm];

fn module(source: &str) -> String {
    format!("module \"x\" {{\n  source = \"{source}\"\n}}\n")
}

fn web(sandbox: &Sandbox, yaml: &str) -> Web {
    sandbox.commit();
    let repository = Repository::open(sandbox.path()).unwrap();
    let head = repository.named("HEAD").unwrap();
    Web::read(&repository, head, &catalog(yaml).components, &ALL, || Ok(())).unwrap()
}

/// The cells that a change of a file touches, each with how it comes to use the file.
fn touched(web: &Web, path: &str) -> Vec<String> {
    let mut touched = BTreeSet::new();
    for node in web.nodes_of(path.as_bytes()) {
        let ways = web.ways_to(node);
        for component in web.components_using(node) {
            for (root, owners) in web.roots(*component).filter(|(root, _)| ways.lead_from(*root)) {
                let cells = owners.cells.iter().map(|cell| escape::bytes(&cell.join(&b'/')));
                let shared = owners.shared.iter().map(|(pattern, _)| format!("shared {pattern}"));
                let names: Vec<String> = cells.chain(shared).collect();
                touched.insert(format!("{} by {}", names.join(" "), web.path(root)));
            }
        }
    }
    touched.into_iter().collect()
}

fn findings(web: &Web) -> String {
    let lines = web.findings.iter().map(|finding| {
        let place = finding.place.as_ref().map(ToString::to_string).unwrap_or_default();
        format!("{place}: {}", finding.reason)
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn a_module_touches_the_layers_that_call_it_through_any_number_of_steps() {
    let sandbox = Sandbox::new();
    sandbox.write("layers/one/main.tf", &module("../../modules/network"));
    sandbox.write("layers/two/sub/main.tf", &module("../../../modules/vpc"));
    sandbox.write("layers/three/main.tf", "locals {}\n");
    sandbox.write("modules/network/main.tf", &module("../vpc"));
    sandbox.write("modules/vpc/main.tf.json", r#"{"module": {"x": {"source": "./subnet"}}}"#);
    sandbox.write("modules/vpc/subnet/main.tf", &module("../../labels"));
    sandbox.write_all(&["modules/vpc/templates/user-data.sh", "modules/labels/x", "modules/other/x.tf"]);
    let web = web(&sandbox, LAYERS);
    let both = ["one by layers/one", "two by layers/two/sub"];
    assert_eq!(touched(&web, "modules/vpc/main.tf"), both);
    assert_eq!(touched(&web, "modules/vpc/templates/user-data.sh"), both);
    assert_eq!(touched(&web, "modules/labels/gone.tf"), both);
    assert_eq!(touched(&web, "modules/network/x"), ["one by layers/one"]);
    assert_eq!(touched(&web, "modules/other/x.tf"), [""; 0]);
    assert_eq!(touched(&web, "modules/vpcs/x.tf"), [""; 0]);
    let vpc = web.by_path[&b"modules/labels"[..]];
    assert_eq!(
        web.chain_of(0, vpc),
        "layers/one → modules/network → modules/vpc → modules/vpc/subnet → modules/labels"
    );
    assert_eq!(findings(&web), "");
}

#[test]
fn a_base_touches_the_overlays_that_name_it() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "k8s/overlays/dev/kustomization.yaml",
        "resources: [../../base, https://example.com/x.yaml]\ncomponents: [../../tls]\n",
    );
    sandbox.write(
        "k8s/overlays/prod/kustomization.yml",
        "bases: [../../base]\nconfigMapGenerator:\n- files: [x=../../shared.conf]\n",
    );
    sandbox.write(
        "k8s/base/Kustomization",
        "resources: [deployment.yaml, more]\npatches: [{path: patches/a.yaml}]\n",
    );
    sandbox.write("k8s/base/more/kustomization.yaml", "resources: [service.yaml]\n");
    sandbox.write("k8s/tls/kustomization.yaml", "kind: Component\n");
    sandbox.write_all(&["k8s/base/deployment.yaml", "k8s/base/more/service.yaml", "k8s/base/README.md"]);
    let web = web(&sandbox, LAYERS);
    let both = ["dev by k8s/overlays/dev", "prod by k8s/overlays/prod"];
    for path in [
        "k8s/base/Kustomization",
        "k8s/base/deployment.yaml",
        "k8s/base/patches/a.yaml",
        "k8s/base/more/service.yaml",
    ] {
        assert_eq!(touched(&web, path), both, "{path}");
    }
    assert_eq!(touched(&web, "k8s/tls/kustomization.yaml"), ["dev by k8s/overlays/dev"]);
    assert_eq!(touched(&web, "k8s/shared.conf"), ["prod by k8s/overlays/prod"]);
    // kustomize reads what is named, and nothing else.
    assert_eq!(touched(&web, "k8s/base/README.md"), [""; 0]);
    assert_eq!(findings(&web), "");
}

#[test]
fn a_chart_touches_those_that_depend_on_it() {
    let sandbox = Sandbox::new();
    let chart = |at: &str| {
        format!("name: x\nversion: 1.0.0\ndependencies:\n- {{name: y, repository: 'file://{at}'}}\n")
    };
    sandbox.write("charts/app/Chart.yaml", &chart("../web"));
    sandbox.write("charts/web/Chart.yaml", &chart("../common"));
    sandbox.write("charts/common/Chart.yaml", "name: common\n");
    let web = web(&sandbox, LAYERS);
    assert_eq!(touched(&web, "charts/common/templates/x.tpl"), [" by charts/app"]);
}

#[test]
fn what_is_not_there_is_found_and_still_counts() {
    let sandbox = Sandbox::new();
    sandbox.write("layers/one/main.tf", &module("../../modules/gone"));
    sandbox.write("layers/out/main.tf", &module("../../../elsewhere"));
    sandbox.write("k8s/overlays/dev/kustomization.yaml", "resources:\n- missing.yaml\n- ../gone\n");
    let web = web(&sandbox, LAYERS);
    insta::assert_snapshot!(findings(&web), @r#"
        layers/one/main.tf:2:12: "../../modules/gone" is not there
        layers/out/main.tf:2:12: "../../../elsewhere" lies outside of the repository
        k8s/overlays/dev/kustomization.yaml:2:3: "missing.yaml" is not there
        k8s/overlays/dev/kustomization.yaml:3:3: "../gone" is not there
        "#);
    assert_eq!(touched(&web, "modules/gone/main.tf"), ["one by layers/one"]);
    assert_eq!(touched(&web, "k8s/overlays/gone/x.yaml"), ["dev by k8s/overlays/dev"]);
}

#[test]
fn circles_are_found_and_end() {
    let sandbox = Sandbox::new();
    sandbox.write("layers/one/main.tf", &module("../../modules/a"));
    sandbox.write("modules/a/main.tf", &module("../b"));
    sandbox.write("modules/b/main.tf", &module("../a"));
    let web = web(&sandbox, LAYERS);
    insta::assert_snapshot!(findings(&web), @": folders use each other: modules/a → modules/b → modules/a");
    assert_eq!(touched(&web, "modules/b/x"), ["one by layers/one"]);
    assert_eq!(web.chain_of(0, web.by_path[&b"modules/a"[..]]), "layers/one → modules/a");
}

#[test]
fn what_can_not_be_read_uses_everything() {
    let sandbox = Sandbox::new();
    sandbox.write("layers/one/main.tf", "module \"x\" {\n  source = \n");
    sandbox.write("layers/two/main.tf", "module \"x\" {\n  source = var.x\n}\n");
    sandbox.write("layers/three/main.tf", "");
    let web = web(&sandbox, LAYERS);
    assert_eq!(touched(&web, "README.md"), ["one by layers/one", "two by layers/two"]);
    insta::assert_snapshot!(findings(&web), @r"
    layers/one/main.tf:1:12: could not be read (a bracket is never closed): every change counts for what uses it
    layers/two/main.tf:2:12: names a source that is computed: every change counts for what uses it
    ");
    assert_eq!(web.chain_of(0, web.by_path[&b""[..]]), "layers/one → the whole repository");
}

#[test]
fn links_are_used_and_lead_on() {
    let sandbox = Sandbox::new();
    let link = |target: &str, at: &str| {
        std::fs::create_dir_all(sandbox.file(at).parent().unwrap()).unwrap();
        std::os::unix::fs::symlink(target, sandbox.file(at)).unwrap();
    };
    // A file of the layer is a link, and what it holds is relative to the layer.
    sandbox.write("common/providers.tf", &module("../../modules/vpc"));
    sandbox.write("modules/vpc/main.tf", "");
    link("../../common/providers.tf", "layers/one/providers.tf");
    link("../../common", "layers/two/common");
    link("../modules", "linked/modules");
    sandbox.write("layers/three/main.tf", &module("../../linked/modules/vpc"));
    let web = web(&sandbox, LAYERS);
    assert_eq!(
        touched(&web, "common/providers.tf"),
        ["one by layers/one", "one by layers/one/providers.tf", "two by layers/two/common"]
    );
    assert_eq!(touched(&web, "linked/modules"), ["three by layers/three"]);
    assert_eq!(touched(&web, "modules/vpc/main.tf"), ["one by layers/one", "three by layers/three"]);
}

#[test]
fn files_that_cells_share_use_others_too() {
    let sandbox = Sandbox::new();
    sandbox.write("shared/main.tf", &module("../modules/vpc"));
    sandbox.write_all(&["layers/one/x", "modules/vpc/x"]);
    let web = web(
        &sandbox,
        "version: 1\ncomponents: {layer: {paths: ['layers/{name}/**'], shared: ['shared/**']}}\n",
    );
    assert_eq!(touched(&web, "modules/vpc/x"), ["shared 0 by shared"]);
}

#[test]
fn no_file_is_read_that_nobody_asks_about() {
    let sandbox = Sandbox::new();
    sandbox.write("elsewhere/main.tf", &module("../modules/vpc"));
    sandbox.write("layers/one/kustomization.yaml", "resources: [x]\n");
    sandbox.commit();
    let repository = Repository::open(sandbox.path()).unwrap();
    let head = repository.named("HEAD").unwrap();
    let read = |tools: &[Discover]| {
        let web = Web::read(&repository, head, &catalog(LAYERS).components, tools, || Ok(())).unwrap();
        web.nodes.len()
    };
    assert_eq!((read(&[]), read(&[Discover::Terraform])), (0, 0));
    assert!(read(&ALL) > 0);
}
