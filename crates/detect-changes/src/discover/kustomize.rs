//! The files and folders that a kustomization names.
//!
//! kustomize reads nothing but what a kustomization file names:
//! <https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/>

use std::fmt;

use indexmap::IndexMap;
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor},
};
use sluice_config::Placed;

use super::{Form, Unread, Use, read_yaml};

/// The names that kustomize looks for in a folder.
const NAMES: [&[u8]; 3] = [b"kustomization.yaml", b"kustomization.yml", b"Kustomization"];

/// The fields whose items are files, or folders with a kustomization of their own.
const ENTRIES: [&str; 6] = ["resources", "components", "bases", "generators", "transformers", "validators"];

/// Whether kustomize reads a file of this name.
pub(super) fn reads(name: &[u8]) -> bool {
    NAMES.contains(&name)
}

/// What a file uses. Any other field may name files too, in forms of its own (patches, the files of a
/// config map, ...): every text in it is taken for one.
pub(super) fn uses(content: &[u8]) -> Result<Vec<Use>, Unread> {
    let fields: Option<IndexMap<String, Placed<Texts>>> = read_yaml(content)?;
    let mut uses = Vec::new();
    for (field, texts) in fields.unwrap_or_default() {
        for text in flat(texts) {
            let place = Some((text.place.line, text.place.column));
            let is_entry = ENTRIES.contains(&field.as_str());
            let mut add = |path: &str, form| uses.push(Use { path: path.to_owned(), form, place });
            if text.value.contains('\n') {
                // A patch, or a generator, that stands in the file itself.
            } else if is_entry && !is_remote(&text.value) {
                add(&text.value, Form::Entry);
            } else if !is_entry {
                add(&text.value, Form::Text);
                // The files of a config map may be given names: `name=path`.
                if let Some((_, path)) = text.value.split_once('=') {
                    add(path, Form::Text);
                }
            }
            if field == "helmCharts" {
                add(&format!("charts/{}", text.value), Form::Below);
            } else if field == "helmGlobals" {
                add(&text.value, Form::Below);
            }
        }
    }
    Ok(uses)
}

/// Whether an entry is the address of a repository or a file elsewhere: `https://...`, `git@...`,
/// `github.com/owner/name//folder?ref=v1`.
fn is_remote(entry: &str) -> bool {
    let is_host = |name: &str| name.contains('.') && !name.starts_with('.');
    entry.contains("://")
        || entry.contains('?')
        || entry.starts_with("git@")
        || entry.split_once('/').is_some_and(|(host, _)| is_host(host))
}

/// All texts of a value.
enum Texts {
    One(String),
    Many(Vec<Placed<Texts>>),
}

/// The texts of a value in the order of the file.
fn flat(texts: Placed<Texts>) -> Vec<Placed<String>> {
    let mut flat = Vec::new();
    let mut pending = vec![texts];
    while let Some(Placed { value, place }) = pending.pop() {
        match value {
            Texts::One(value) => flat.push(Placed { value, place }),
            Texts::Many(texts) => pending.extend(texts.into_iter().rev()),
        }
    }
    flat
}

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextsVisitor)
    }
}

struct TextsVisitor;

impl<'de> Visitor<'de> for TextsVisitor {
    type Value = Texts;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a value")
    }

    fn visit_str<E>(self, text: &str) -> Result<Texts, E> {
        Ok(Texts::One(text.to_owned()))
    }

    fn visit_unit<E>(self) -> Result<Texts, E> {
        Ok(Texts::Many(Vec::new()))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Texts, E> {
        Ok(Texts::Many(Vec::new()))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Texts, E> {
        Ok(Texts::Many(Vec::new()))
    }

    fn visit_u64<E>(self, _: u64) -> Result<Texts, E> {
        Ok(Texts::Many(Vec::new()))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Texts, E> {
        Ok(Texts::Many(Vec::new()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Texts, A::Error> {
        let mut texts = Vec::new();
        while let Some(item) = list.next_element()? {
            texts.push(item);
        }
        Ok(Texts::Many(texts))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Texts, A::Error> {
        let mut texts = Vec::new();
        while let Some((_, value)) = map.next_entry::<serde::de::IgnoredAny, _>()? {
            texts.push(value);
        }
        Ok(Texts::Many(texts))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(content: &str) -> String {
        let uses = uses(content.as_bytes()).map_err(|unread| unread.why).unwrap();
        uses.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn entries_are_told_and_addresses_are_passed_over() {
        let text = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n  - ../../base\n  \
             - deployment.yaml\n  - https://example.com/x.yaml\n  - github.com/owner/name//folder?ref=v1\n  - git@example.com:a/b\n\
             components: [../../components/tls]\nbases:\n- ./old\n";
        insta::assert_snapshot!(shown(text), @r"
        text kustomize.config.k8s.io/v1beta1 at 1:13
        text Kustomization at 2:7
        entry ../../base at 4:5
        entry deployment.yaml at 5:5
        entry ../../components/tls at 9:14
        entry ./old at 11:3
        ");
    }

    #[test]
    fn every_other_text_may_name_a_file() {
        let text = "patches:\n  - path: patch.yaml\n    target: {kind: Deployment}\n  - patch: |-\n      - op: remove\n        path: /x\n\
             configMapGenerator:\n  - name: c\n    files: [app.conf, key=conf/other.conf]\n    envs: [../shared.env]\n\
             replicas:\n  - {name: api, count: 3}\ngeneratorOptions: {disableNameSuffixHash: true}\nopenapi: {path: schema.json}\n";
        insta::assert_snapshot!(shown(text), @r"
        text patch.yaml at 2:11
        text Deployment at 3:20
        text c at 8:11
        text app.conf at 9:13
        text key=conf/other.conf at 9:23
        text conf/other.conf at 9:23
        text ../shared.env at 10:12
        text api at 12:12
        text schema.json at 14:17
        ");
    }

    #[test]
    fn charts_are_looked_for_where_kustomize_does() {
        insta::assert_snapshot!(shown("helmGlobals: {chartHome: ../charts}\nhelmCharts:\n- {name: web}\n"), @r"
        text ../charts at 1:26
        below ../charts at 1:26
        text web at 3:10
        below charts/web at 3:10
        ");
    }

    #[test]
    fn a_file_that_can_not_be_read_is_not_taken_for_an_empty_one() {
        assert!(uses(b"resources: [a\n").is_err());
        assert!(uses(b"").unwrap().is_empty());
    }
}
