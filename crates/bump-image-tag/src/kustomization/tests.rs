mod judge;

use proptest::prelude::*;
use serde_json::{Value, json};
use sluice_core::Problems;

use crate::{DigestPolicy, edit::Edited, formats::Parsed, sandbox, select::Manner};

const OLD: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const NEW: &str = "sha256:ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb";
const FILE: &str = "k8s/dev/kustomization.yaml";

fn try_set(text: &str, images: &[&str], digest_policy: DigestPolicy) -> Result<Edited, Problems> {
    sandbox::set(FILE, text, images, Manner { digest_policy, add_missing: true })
}

fn after(text: &str, images: &[&str]) -> String {
    String::from_utf8(try_set(text, images, DigestPolicy::default()).unwrap().after).unwrap()
}

/// The problems, one a line.
fn refusal_under(policy: DigestPolicy, text: &str, images: &[&str]) -> String {
    let manner = Manner { digest_policy: policy, add_missing: false };
    sandbox::told(&sandbox::set(FILE, text, images, manner).expect_err("nothing was refused").0)
}

fn refusal(text: &str, images: &[&str]) -> String {
    refusal_under(DigestPolicy::default(), text, images)
}

#[test]
fn the_value_changes_and_nothing_else() {
    let text = "\
# the dev overlay
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
images:
  # the shop
  - name: backend   # built by CI
    newTag: 'v1'    # bumped by CI
  - {name: ghcr.io/shop/front, newTag: v1}
  - newTag: &worker \"7\"
    name: worker
patches: [] # none";
    let expected = text
        .replace("newTag: 'v1'", "newTag: 'v2'")
        .replace("front, newTag: v1", "front, newTag: 2026.1")
        .replace("\"7\"", "\"8\"");
    assert_eq!(after(text, &["backend:v2", "ghcr.io/shop/front:2026.1", "worker:8"]), {
        expected.replace("2026.1", "\"2026.1\"")
    });
}

#[test]
fn a_key_that_is_missing_is_added_below_the_one_before_it() {
    let text = "images:\n- name: 'a' # the name\n- name: b\n  newName: c\n- {name: d, digest: }\n";
    let both = format!("a=ghcr.io/a:v1@{NEW}");
    let digest = format!("d@{NEW}");
    insta::assert_snapshot!(after(text, &[&both, "b:v1", &digest, "d=ghcr.io/d:*"][..3]), @r"
    images:
    - name: 'a' # the name
      newName: 'ghcr.io/a'
      newTag: 'v1'
      digest: 'sha256:ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb'
    - name: b
      newName: c
      newTag: v1
    - {name: d, digest: sha256:ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb }
    ");
}

#[test]
fn what_the_argument_does_not_name_stays() {
    let text = format!("images:\n- name: a\n  newName: ghcr.io/a\n  newTag: v1\n  digest: {OLD}\n");
    assert_eq!(after(&text, &[&format!("a@{NEW}")]), text.replace(OLD, NEW));
    assert_eq!(after(&text, &["a=ghcr.io/b:*"]), text.replace("ghcr.io/a", "ghcr.io/b"));
    let both = format!("a:v2@{NEW}");
    assert_eq!(after(&text, &[&both]), text.replace(OLD, NEW).replace("v1", "v2"));
}

#[test]
fn what_is_set_already_is_no_change() {
    let text = "images:\n- name: a\n  newTag: \"1.10\"\n- name: ghcr.io/b\n  newTag: &t v1\n- name: c\n  newTag: *t\n";
    let edited =
        try_set(text, &["a:1.10", "ghcr.io/b=ghcr.io/b:v1", "c:v1"], DigestPolicy::default()).unwrap();
    assert!(!edited.is_changed());
    assert!(edited.images.iter().all(|image| image.changes.is_empty() && image.before == image.after));
}

#[test]
fn a_tag_that_reads_as_a_number_is_not_set_already() {
    let edited =
        try_set("images:\n- name: a\n  newTag: 1.10\n", &["a:1.10"], DigestPolicy::default()).unwrap();
    assert_eq!(edited.after, b"images:\n- name: a\n  newTag: \"1.10\"\n");
    assert_eq!(edited.images[0].changes.len(), 1);
}

#[test]
fn changes_tell_where_the_new_value_stands() {
    let text = "images:\n- name: a\n- name: b\n  newTag: v1\n";
    let edited = try_set(text, &["a:v1", "b:v2"], DigestPolicy::default()).unwrap();
    let changes: Vec<_> = edited
        .images
        .iter()
        .flat_map(|image| &image.changes)
        .map(|change| {
            (change.key.as_str(), change.place.to_string(), change.before.as_deref(), change.after.as_str())
        })
        .collect();
    assert_eq!(
        changes,
        [("newTag", "3:11".to_owned(), None, "v1"), ("newTag", "5:11".to_owned(), Some("v1"), "v2")]
    );
}

#[test]
fn a_stale_digest_is_the_policy_s_to_judge() {
    let text = format!("images:\n- name: a\n  newTag: v1\n  digest: {OLD}\n");
    let under =
        |policy, image: &str| String::from_utf8(try_set(&text, &[image], policy).unwrap().after).unwrap();
    insta::assert_snapshot!(refusal(&text, &["a:v2"]), @r#"k8s/dev/kustomization.yaml:4:11: "a" has a digest that the new tag would leave stale | a digest decides what runs, whatever the tag beside it says | write a:TAG@sha256:..., or set `digest-policy` to `keep` or `drop`"#);
    insta::assert_snapshot!(refusal_under(DigestPolicy::Replace, &text, &["a:v2"]), @r#"k8s/dev/kustomization.yaml:4:11: "a" has a digest that the new tag would leave stale | a digest decides what runs, whatever the tag beside it says | `digest-policy: replace` needs a new one: write a:TAG@sha256:..."#);
    assert_eq!(under(DigestPolicy::Keep, "a:v2"), text.replace("v1", "v2"));
    assert_eq!(under(DigestPolicy::Drop, "a:v2"), text.replace("v1", "v2").replace(OLD, "\"\""));
    let both = format!("a:v2@{NEW}");
    for policy in [DigestPolicy::Keep, DigestPolicy::Replace, DigestPolicy::Drop, DigestPolicy::Refuse] {
        assert_eq!(under(policy, &both), text.replace("v1", "v2").replace(OLD, NEW));
        assert_eq!(under(policy, "a:v1"), text);
    }
}

#[test]
fn an_image_without_an_entry_is_refused_with_the_nearest() {
    let text = "images:\n- name: backend\n  newName: ghcr.io/shop/backend\n- name: front\n";
    insta::assert_snapshot!(refusal(text, &["backand:v1", "ghcr.io/shop/backend:v1", "redis:7"]), @r#"
    k8s/dev/kustomization.yaml:2:9: no entry for "backand" in k8s/dev/kustomization.yaml | did you mean "backend"?
    k8s/dev/kustomization.yaml:2:9: no entry for "ghcr.io/shop/backend" in k8s/dev/kustomization.yaml | it is the `newName` of "backend" | name the entry: backend=*:TAG
    k8s/dev/kustomization.yaml:2:9: no entry for "redis" in k8s/dev/kustomization.yaml | its entries are backend, front
    "#);
    for empty in ["", "# only a comment\n", "images:\n", "images: []\n", "kind: Component\n", "---\n"] {
        let text = refusal(empty, &["a:v1"]);
        assert!(text.contains("no entry for \"a\"") && text.contains("it sets no images"), "{empty}: {text}");
    }
}

#[test]
fn what_can_not_be_edited_with_certainty_is_refused_with_its_place() {
    let refusals = [
        "images: [{name: a, newTag: *t}]\nx: &t v1",
        "x: &t v1\nimages: [{name: a, newTag: *t}]",
        "x: &e {newTag: v1}\nimages: [{<<: *e, name: a}]",
        "x: &i [{name: a, newTag: v1}]\nimages: *i",
        "images:\n- name: a\n  newTag: &t v1\n- name: b\n  newTag: *t",
        "images:\n- name: a\n  newTag: v1\n  newTag: v1",
        "images:\n- name: a\n  newTag: v1\nimages: []",
        "images:\n- name: a\n  newTag: v1\n- name: b\n- name: a",
        "images:\n- name: a\n  newTag: |\n    v1",
        "images:\n- name: a\n  newTag: >-\n    v1",
        "images:\n- name: a\n  newTag: !!int 1",
        "images:\n- name: a\n  newTag: [v1]",
        "images:\n- name: a\n  newTag: {{ .Values.tag }}",
        "images:\n- name: a\n  newTag: \"{{ .Values.tag }}\"",
        "images:\n- name: {{ .Values.name }}\n- name: a",
        "images:\n  {{- range .Values.images }}\n- name: {{ .name }}\n  {{- end }}",
        "images: {{ .Values.images }}",
        "{{- if true }}\nimages:\n- name: a\n{{- end }}",
        "images: {a: v1}",
        "images: [a]",
        "images:\n- name: [a]",
        "[images]",
        "kind: Deployment\nimages: []",
        "kind: [Kustomization]",
        "images: []\n---\nimages: []",
        "images:\n- name: a\n newTag: v1",
    ];
    let told = refusals.map(|text| format!("{text}\n=> {}\n", refusal(text, &["a:v2"])));
    insta::assert_snapshot!(told.join("\n"));
    let bytes = crate::source::Source { bytes: b"images: [\xff]".to_vec(), ..sandbox::source(FILE, "") };
    assert!(Parsed::read(&bytes).is_err());
}

/// As kubectl renders it: `judge` has the same kustomizations.
#[test]
fn an_entry_that_a_later_one_overrules_says_nothing_of_what_runs() {
    let both = "images:\n- name: api\n  newName: acme/api\n  newTag: v1\n- name: acme/api\n  newTag: v1\n";
    insta::assert_snapshot!(refusal(both, &["api:v2"]), @r#"k8s/dev/kustomization.yaml:2:9: "api" is v2 here, and another entry makes it v1 | a build applies the entry "acme/api" of line 5 to what this one made | set both to one version, or take it away from this entry"#);
    assert_eq!(after(both, &["api:v2", "acme/api:v2"]), both.replace("v1", "v2"));
    // What runs is decided by the last entry alone.
    let last = both.replacen("v1", "v0", 1);
    assert_eq!(after(&last, &["acme/api:v2"]), last.replace("v1", "v2"));
    insta::assert_snapshot!(refusal(&last, &["api:v2"]), @r#"k8s/dev/kustomization.yaml:2:9: "api" is v0 here, and another entry makes it v1 | a build applies the entry "acme/api" of line 5 to what this one made | set both to one version, or take it away from this entry"#);
    let through =
        "images:\n- {name: api, newName: b, newTag: v1}\n- {name: b, newName: c}\n- {name: c, newTag: v3}\n";
    insta::assert_snapshot!(refusal(through, &["api:v2"]), @r#"k8s/dev/kustomization.yaml:2:10: "api" is v1 here, and another entry makes it v3 | a build applies the entry "c" of line 4 to what this one made | set both to one version, or take it away from this entry"#);
    for apart in [
        "images:\n- {name: acme/api, newTag: v3}\n- {name: api, newName: acme/api, newTag: v1}\n",
        "images:\n- {name: api, newName: acme/api, newTag: v1}\n- {name: acme/api, newName: b}\n",
        "images:\n- {name: api, newName: docker.io/b, newTag: v1}\n- {name: b, newTag: v3}\n",
    ] {
        assert_eq!(after(apart, &["api:v2"]), apart.replace("v1", "v2"));
    }
}

#[test]
fn other_templates_and_other_images_are_left_alone() {
    let text = "images:\n- name: a\n  newTag: v1\n- name: b\n- name: b\npatches:\n- patch: '{{ x }}'\n";
    assert_eq!(after(text, &["a:v2"]), text.replace("v1", "v2"));
}

#[test]
fn what_a_file_pins_is_read_as_it_is_meant() {
    let text = format!(
        "images:\n- name: a\n  newName: ghcr.io/a\n  newTag: \"1.10\"\n- name: b\n  digest: {OLD}\n  newTag: ~\n- name: c\n  newTag: ''\n- newTag: v1\n"
    );
    let source = sandbox::source(FILE, &text);
    let parsed = Parsed::read(&source).unwrap();
    let told: Vec<_> = parsed
        .sites(&source)
        .unwrap()
        .sites
        .iter()
        .map(|site| format!("{}: {}", site.place, site.pin().unwrap().reference(&site.name)))
        .collect();
    assert_eq!(told, ["2:9: ghcr.io/a:1.10".to_owned(), format!("5:9: b@{OLD}"), "8:9: c".to_owned()]);
}

/// A kustomization around the value that is to change: the bytes before it, it, and the bytes behind it.
#[derive(Debug, Clone)]
struct Sample {
    before: String,
    value: String,
    after: String,
}

impl Sample {
    fn text(&self) -> String {
        format!("{}{}{}", self.before, self.value, self.after)
    }
}

/// Stands for the value while a sample is put together.
const HERE: char = '\u{1}';

fn quoted() -> impl Strategy<Value = fn(&str) -> String> {
    prop_oneof![
        Just((|text| text.to_owned()) as fn(&str) -> String),
        Just((|text| format!("'{text}'")) as fn(&str) -> String),
        Just((|text| format!("\"{text}\"")) as fn(&str) -> String),
    ]
}

prop_compose! {
    /// The lines of one entry: a block or a flow mapping, its keys in any order, comments here and there.
    fn entry(name: String, value: String)(
        flow in any::<bool>(),
        new_name in any::<bool>(),
        keys in Just(vec![0, 1, 2]).prop_shuffle(),
        quote in quoted(),
        gap in prop::sample::select(vec!["", " ", "  # by CI, newTag: v0"]),
        comment in prop::sample::select(vec!["", "# - name: target\n", "\n"]),
    ) -> Vec<String> {
        let pairs = [
            Some(format!("name: {}", quote(&name))),
            new_name.then(|| format!("newName: {}", quote("ghcr.io/acme/x"))),
            Some(format!("newTag: {value}")),
        ];
        let pairs: Vec<String> = keys.into_iter().filter_map(|key| pairs[key].clone()).collect();
        let mut lines: Vec<String> = comment.lines().map(str::to_owned).collect();
        if flow {
            lines.push(format!("- {{{}}}{gap}", pairs.join(", ")));
        } else {
            for (index, pair) in pairs.iter().enumerate() {
                let lead = if index == 0 { "- " } else { "  " };
                lines.push(format!("{lead}{pair}{gap}"));
            }
        }
        lines
    }
}

prop_compose! {
    fn sample()(
        (value, quote) in ("[a-z][a-z0-9]{1,8}", quoted()),
        others in prop::sample::subsequence(vec!["ghcr.io/acme/worker", "redis", "target2"], 0..=3),
        position in 0_usize..4,
    )(
        target in entry("target".to_owned(), HERE.to_string()),
        others in others.into_iter().map(|name| entry(name.to_owned(), "'7'".to_owned())).collect::<Vec<_>>(),
        indentation in 0_usize..4,
        head in prop::sample::select(vec![
            "", "# header\n", "---\n", "kind: Component\n\n", "x: &anchor v1\ny: *anchor\n",
            "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization # kind\nresources: [../../base]\n",
        ]),
        tail in prop::sample::select(vec![
            "", "\n# the end", "patches:\n- patch: |-\n    - name: target\n      newTag: v0\n", "labels: {images: 'x'}\n...\n",
        ]),
        bom in any::<bool>(),
        crlf in any::<bool>(),
        final_newline in any::<bool>(),
        value in Just(quote(&value)),
        position in Just(position),
    ) -> Sample {
        let mut entries = others;
        entries.insert(position.min(entries.len()), target);
        let indentation = " ".repeat(indentation);
        let lines = entries.iter().flatten().map(|line| format!("{indentation}{line}\n"));
        let mut text = format!("{head}images:\n{}{tail}", lines.collect::<Vec<_>>().concat());
        if !final_newline {
            text.truncate(text.trim_end_matches('\n').len());
        }
        if crlf {
            text = text.replace('\n', "\r\n");
        }
        if bom {
            text.insert(0, '\u{feff}');
        }
        let (before, after) = text.split_once(HERE).unwrap();
        Sample { before: before.to_owned(), value, after: after.to_owned() }
    }
}

fn tag() -> impl Strategy<Value = String> {
    let typed =
        ["00123456", "12345e7", "1.10", "0777", "0o17", "1_000", "0b11", "on", "y", "null", "1e3", "0x1F"];
    prop_oneof![
        3 => "[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}",
        1 => "[0-9]{1,4}e[0-9]{1,4}|[0-9a-f]{7}",
        1 => prop::sample::select(typed.to_vec()).prop_map(str::to_owned),
    ]
}

fn meaning(text: &str) -> Value {
    sluice_yaml::from_slice(text.as_bytes()).unwrap()
}

proptest! {
    #[test]
    fn only_the_meant_value_differs(sample in sample(), tag in tag()) {
        let text = sample.text();
        let argument = format!("target:{tag}");
        let edited = try_set(&text, &[&argument], DigestPolicy::default()).unwrap();
        let result = String::from_utf8(edited.after).unwrap();

        prop_assert!(result.starts_with(&sample.before), "{result}");
        prop_assert!(result.ends_with(&sample.after), "{result}");
        let mut expected = meaning(&text);
        let images = expected["images"].as_array_mut().unwrap();
        let target = images.iter_mut().find(|image| image["name"] == "target").unwrap();
        target["newTag"] = json!(tag);
        prop_assert_eq!(meaning(&result), expected, "{}", result);

        let again = try_set(&result, &[&argument], DigestPolicy::default()).unwrap();
        prop_assert!(!again.is_changed());
    }

    #[test]
    fn a_key_is_added_without_touching_another_byte(sample in sample()) {
        let text = sample.text();
        let argument = format!("target:*@{NEW}");
        let result = String::from_utf8(try_set(&text, &[&argument], DigestPolicy::default()).unwrap().after).unwrap();

        let mut expected = meaning(&text);
        let images = expected["images"].as_array_mut().unwrap();
        let target = images.iter_mut().find(|image| image["name"] == "target").unwrap();
        target["digest"] = json!(NEW);
        prop_assert_eq!(meaning(&result), expected, "{}", result);
        let at = text.bytes().zip(result.bytes()).take_while(|(before, after)| before == after).count();
        prop_assert!(result.as_bytes().ends_with(&text.as_bytes()[at..]), "{result}");
    }

    #[test]
    fn no_file_panics(rest in "[a-z:\\-\n {}\\[\\],'\"#&*!|>?]{0,60}", tag in tag()) {
        let argument = format!("a:{tag}");
        for text in [rest.clone(), format!("images:\n- name: a\n  {rest}"), format!("images: {rest}")] {
            let _ = try_set(&text, &[&argument], DigestPolicy::Drop);
            let source = sandbox::source("values.yaml", &text);
            let _ = Parsed::read(&source).map(|parsed| parsed.sites(&source).map(|found| found.sites.len()));
        }
    }
}
