//! kubectl as the judge: what it renders of a bumped kustomization has the new image, and nothing else is new.
//!
//! Where this machine has no kubectl with kustomize 5 or newer, recorded answers judge: those of kustomize 5.5.0, in
//! `rendered.snap`. With kubectl, `INSTA_UPDATE=always` records them again.

use std::{fs, process::Command, sync::LazyLock};

use proptest::prelude::*;
use serde_json::Value;

use super::{HERE, NEW, OLD, after, entry, meaning, quoted, tag};

/// What is rendered: a container for each image that a kustomization may have an entry for.
const MANIFEST: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: shop}
spec:
  template:
    spec:
      initContainers: [{name: target-init, image: target}]
      containers:
      - {name: target, image: 'target:v0'}
      - {name: worker, image: ghcr.io/acme/worker}
      - {name: redis, image: 'redis:6'}
      - {name: target2, image: target2}
";

/// A kustomization, what is set in it, and the images that a build has in place of which others.
struct Case(&'static str, &'static str, &'static str, &'static str);

const CASES: [Case; 13] = [
    Case("images:\n- name: target\n  newTag: v1 # by CI\n", "target:v2", "target:v1", "target:v2"),
    Case(
        "images:\n- {newTag: 'v1', name: target}\n- name: redis\n  newTag: '7'",
        "target:1.10",
        "target:v1",
        "target:1.10",
    ),
    Case(
        "images:\n  - name: target\n    newName: x/y\n    newTag: v1\n",
        "target:12345e7",
        "x/y:v1",
        "x/y:12345e7",
    ),
    Case("images:\n- name: target\n  newTag: \"1\"\n", "target:0o17", "target:1", "target:0o17"),
    Case("images:\n- name: target\n  newTag: v1\n", "target:null", "target:v1", "target:null"),
    Case("images:\n- name: target\n  newTag: v1\n", "target=ghcr.io/a:on", "target:v1", "ghcr.io/a:on"),
    Case("images:\n- name: target\n  digest: OLD\n", "target@NEW", "target@OLD", "target@NEW"),
    Case(
        "images:\n- name: target\n  newTag: v1\n  digest: OLD\n",
        "target:v2@NEW",
        "target:v1@OLD",
        "target:v2@NEW",
    ),
    Case(
        "# a patch names the image\npatches:\n- patch: |-\n    - op: replace\n      path: /spec/template/spec/containers/0/image\n      value: acme/api:v1\n  target: {kind: Deployment}\n",
        "acme/api:00123",
        "acme/api:v1",
        "acme/api:00123",
    ),
    Case(
        "patches:\n- patch: |-\n    apiVersion: apps/v1\n    kind: Deployment\n    metadata: {name: shop}\n    spec: {template: {spec: {containers: [{name: redis, image: 'acme/redis:v1'}]}}}\n",
        "acme/redis:v2",
        "acme/redis:v1",
        "acme/redis:v2",
    ),
    // An entry is applied to what those before it made.
    Case(
        "images:\n- {name: target, newName: x/y, newTag: v1}\n- {name: x/y, newTag: v1}\n",
        "x/y:v2",
        "x/y:v1",
        "x/y:v2",
    ),
    Case(
        "images:\n- {name: x/y, newTag: v3}\n- {name: target, newName: x/y, newTag: v1}\n",
        "target:v2",
        "x/y:v1",
        "x/y:v2",
    ),
    Case(
        "images:\n- {name: target, newName: x/y, newTag: v1}\n- {name: x/y, newName: z}\n",
        "target:v2",
        "z:v1",
        "z:v2",
    ),
];

fn with_digests(text: &str) -> String {
    text.replace("OLD", OLD).replace("NEW", NEW)
}

/// The kustomization of a case before and after.
fn bumped(Case(images, argument, ..): &Case) -> [String; 2] {
    let before = format!("resources: [app.yaml]\n{}", with_digests(images));
    let set = after(&before, &[&with_digests(argument)]);
    [before, set]
}

/// What kubectl makes of a kustomization beside the manifest.
fn render(kustomization: &str) -> Result<String, String> {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("app.yaml"), MANIFEST).unwrap();
    fs::write(folder.path().join("kustomization.yaml"), kustomization).unwrap();
    let output = Command::new("kubectl").arg("kustomize").arg(folder.path()).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    if output.status.success() { Ok(text(output.stdout)) } else { Err(text(output.stderr)) }
}

/// Whether this machine has a kubectl with kustomize 5 or newer.
static HAS_KUSTOMIZE: LazyLock<bool> = LazyLock::new(|| {
    let told = Command::new("kubectl").args(["version", "--client"]).output();
    let text = told.map(|output| String::from_utf8(output.stdout).unwrap()).unwrap_or_default();
    let version = text.lines().find_map(|line| line.strip_prefix("Kustomize Version: v"));
    let major = version.and_then(|version| version.split('.').next()?.parse::<u32>().ok());
    major.is_some_and(|major| major >= 5)
});

/// What was recorded: kustomizations and what they render, in turns, between lines of signs.
const RECORDED: &str = include_str!("rendered.snap");
const KUSTOMIZATION: &str = "=== kustomization\n";
const RENDERED: &str = "=== rendered\n";

fn recorded(kustomization: &str) -> Option<&'static str> {
    RECORDED.split(KUSTOMIZATION).skip(1).find_map(|section| {
        let (text, rendered) = section.split_once(RENDERED)?;
        (text.trim_end() == kustomization.trim_end()).then_some(rendered)
    })
}

#[test]
fn what_is_recorded_is_what_kubectl_renders() {
    if !*HAS_KUSTOMIZE {
        return;
    }
    let section = |kustomization: String| {
        let line_break = if kustomization.ends_with('\n') { "" } else { "\n" };
        format!("{KUSTOMIZATION}{kustomization}{line_break}{RENDERED}{}", render(&kustomization).unwrap())
    };
    let rendered: String = CASES.iter().flat_map(bumped).map(section).collect();
    insta::with_settings!({snapshot_path => ".", prepend_module_to_snapshot => false, omit_expression => true}, {
        insta::assert_snapshot!("rendered", rendered);
    });
}

#[test]
fn what_kubectl_renders_has_the_new_image_and_nothing_else() {
    for case in &CASES {
        let [before, after] = bumped(case)
            .map(|text| recorded(&text).unwrap_or_else(|| panic!("nothing is recorded for:\n{text}")));
        let [old, new] = [case.2, case.3].map(with_digests);
        let images = |rendered: &str, image: &str| {
            let quoted = [image.to_owned(), format!("\"{image}\""), format!("'{image}'")];
            rendered
                .lines()
                .filter(|line| quoted.iter().any(|image| line.ends_with(&format!("image: {image}"))))
                .count()
        };
        let changed = images(before, &old);
        assert!(changed > 0 && images(before, &new) == 0 && images(after, &old) == 0, "{before}\n{after}");
        assert_eq!(images(after, &new), changed);
        assert_eq!(before.replace(&old, &new), after);
    }
}

/// The containers' images of what is rendered.
fn images(deployment: &mut Value) -> Vec<(String, &mut Value)> {
    let spec = deployment["spec"]["template"]["spec"].as_object_mut().unwrap();
    let lists = spec.iter_mut().filter(|(key, _)| key.ends_with("ontainers"));
    let containers = lists.flat_map(|(_, list)| list.as_array_mut().unwrap());
    containers.map(|one| (one["name"].as_str().unwrap().to_owned(), &mut one["image"])).collect()
}

proptest! {
    // Each case starts kubectl twice.
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn of_any_kustomization_kubectl_renders_the_new_tag_and_nothing_else_new(
        target in entry("target".to_owned(), HERE.to_string()),
        other in entry("ghcr.io/acme/worker".to_owned(), "'7'".to_owned()),
        (value, quote) in ("[a-z][a-z0-9]{1,8}", quoted()),
        indentation in 0_usize..4,
        is_first in any::<bool>(),
        crlf in any::<bool>(),
        tag in tag(),
    ) {
        if !*HAS_KUSTOMIZE {
            return Ok(());
        }
        let entries = if is_first { [target, other] } else { [other, target] };
        let lines = entries.iter().flatten().map(|line| format!("{}{line}\n", " ".repeat(indentation)));
        let text = format!("resources: [app.yaml]\nimages:\n{}", lines.collect::<String>());
        let text = text.replace(HERE, &quote(&value));
        let text = if crlf { text.replace('\n', "\r\n") } else { text };
        let set = after(&text, &[&format!("target:{tag}")]);
        let mut expected = meaning(&render(&text).map_err(TestCaseError::fail)?);
        let rendered = meaning(&render(&set).map_err(TestCaseError::fail)?);
        let mut found = 0;
        for (name, image) in images(&mut expected) {
            if name == "target" || name == "target-init" {
                let (name, old) = image.as_str().unwrap().rsplit_once(':').unwrap();
                prop_assert_eq!(old, &value);
                *image = format!("{name}:{tag}").into();
                found += 1;
            }
        }
        prop_assert_eq!(found, 2);
        prop_assert_eq!(rendered, expected, "{}", set);
    }
}
