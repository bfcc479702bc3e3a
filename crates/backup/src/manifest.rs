//! What a backup says of itself: `manifest.json`.
//!
//! It is written last. A folder without it is no backup: its export did not come to its end.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sluice_core::Problem;

use crate::digest;

/// The name of its file.
pub(crate) const FILE: &str = "manifest.json";

/// The version of the format that this crate writes and reads.
const FORMAT: u32 = 1;

/// What a backup is of, and what it holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Manifest {
    format: u32,
    pub(crate) created: Timestamp,
    /// The name of the cluster, for people.
    pub(crate) cluster: String,
    /// The version of its API server.
    pub(crate) version: String,
    pub(crate) namespace: String,
    /// What the sealed files were encrypted with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) key: Option<String>,
    /// Every kind that was looked at.
    pub(crate) kinds: Vec<Looked>,
    /// Every file but this one, in the order of their paths.
    pub(crate) files: Vec<Entry>,
}

/// What was found of one kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Looked {
    /// As kubectl names it: `deployments.apps`.
    pub(crate) kind: String,
    /// How many objects of it the backup holds.
    pub(crate) kept: usize,
    /// How many stayed out, by reason.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) left_out: BTreeMap<String, usize>,
}

/// One file, and the object in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Entry {
    /// From the backup's folder on.
    pub(crate) path: String,
    /// The hash of its bytes, in hexadecimal digits.
    pub(crate) sha256: String,
    /// Its length in bytes.
    pub(crate) size: u64,
    pub(crate) api_version: String,
    pub(crate) kind: String,
    pub(crate) name: String,
}

/// How a file differs from what the manifest says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Damage {
    Missing,
    Changed { expected: String, found: String },
    Added,
}

impl Manifest {
    pub(crate) fn new(
        created: Timestamp,
        cluster: String,
        version: String,
        namespace: String,
        key: Option<String>,
    ) -> Self {
        Self {
            format: FORMAT,
            created,
            cluster,
            version,
            namespace,
            key,
            kinds: Vec::new(),
            files: Vec::new(),
        }
    }

    /// Its file.
    pub(crate) fn write(&self) -> Result<Vec<u8>, serde_json::Error> {
        let mut text = serde_json::to_vec_pretty(self)?;
        text.push(b'\n');
        Ok(text)
    }

    /// Reads its file, and believes no path in it that leads out of the backup.
    pub(crate) fn read(file: &[u8], place: &str) -> Result<Self, Problem> {
        #[derive(Deserialize)]
        struct Format {
            format: u32,
        }
        let wrong = |why: &dyn std::fmt::Display| {
            Problem::failed(format!("{place} is no manifest of a backup")).why(why)
        };
        let format: Format = serde_json::from_slice(file).map_err(|error| wrong(&error))?;
        if format.format != FORMAT {
            return Err(Problem::misconfigured(format!("{place} has format {}", format.format))
                .why(format!("this version of Sluice reads format {FORMAT}"))
                .help("use the version of Sluice that wrote it"));
        }
        let manifest: Self = serde_json::from_slice(file).map_err(|error| wrong(&error))?;
        let mut paths = BTreeSet::new();
        for entry in &manifest.files {
            if !is_inside(&entry.path) || entry.path == FILE {
                return Err(wrong(&format!("{:?} is no path of a file in it", entry.path)));
            }
            if !paths.insert(&entry.path) {
                return Err(wrong(&format!("it names {:?} twice", entry.path)));
            }
        }
        Ok(manifest)
    }

    /// Where what was found is not what this says: by path, each file's hash.
    pub(crate) fn damages(&self, found: &BTreeMap<String, String>) -> Vec<(String, Damage)> {
        let mut damages: Vec<(String, Damage)> = Vec::new();
        for entry in &self.files {
            match found.get(&entry.path) {
                None => damages.push((entry.path.clone(), Damage::Missing)),
                Some(hash) if *hash != entry.sha256 => {
                    let damage = Damage::Changed { expected: entry.sha256.clone(), found: hash.clone() };
                    damages.push((entry.path.clone(), damage));
                }
                Some(_) => {}
            }
        }
        let known: BTreeSet<&str> = self.files.iter().map(|entry| entry.path.as_str()).collect();
        let added = found.keys().filter(|path| !known.contains(path.as_str()));
        damages.extend(added.map(|path| (path.clone(), Damage::Added)));
        damages.sort_by(|one, two| one.0.cmp(&two.0));
        damages
    }
}

impl Entry {
    pub(crate) fn new(path: String, content: &[u8], api_version: &str, kind: &str, name: &str) -> Self {
        Self {
            path,
            sha256: digest::hex(content),
            size: content.len() as u64,
            api_version: api_version.to_owned(),
            kind: kind.to_owned(),
            name: name.to_owned(),
        }
    }

    /// The group of its kind; empty for the core one.
    pub(crate) fn group(&self) -> &str {
        self.api_version.split_once('/').map_or("", |(group, _)| group)
    }

    /// For people: `Deployment api`.
    pub(crate) fn subject(&self) -> String {
        format!("{} {}", self.kind, self.name)
    }
}

/// Whether a path stays in the folder that it starts from.
fn is_inside(path: &str) -> bool {
    !path.contains(['\\', '\0']) && path.split('/').all(|part| !matches!(part, "" | "." | ".."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest() -> Manifest {
        let created = "2026-11-21T10:00:00Z".parse().unwrap();
        let mut manifest =
            Manifest::new(created, "shop-production".into(), "v1.36.0".into(), "shop".into(), None);
        let entry = |path: &str| Entry::new(path.to_owned(), path.as_bytes(), "apps/v1", "Deployment", "api");
        manifest.files = vec![entry("a/a.yaml"), entry("a/b.yaml")];
        manifest.kinds = vec![Looked {
            kind: "pods".into(),
            kept: 0,
            left_out: [("their owners make them".to_owned(), 12)].into(),
        }];
        manifest
    }

    #[test]
    fn a_manifest_is_read_as_it_was_written() {
        let written = manifest().write().unwrap();
        assert_eq!(Manifest::read(&written, "x").unwrap(), manifest());
        insta::assert_snapshot!(str::from_utf8(&written).unwrap(), @r#"
        {
          "format": 1,
          "created": "2026-11-21T10:00:00Z",
          "cluster": "shop-production",
          "version": "v1.36.0",
          "namespace": "shop",
          "kinds": [
            {
              "kind": "pods",
              "kept": 0,
              "left-out": {
                "their owners make them": 12
              }
            }
          ],
          "files": [
            {
              "path": "a/a.yaml",
              "sha256": "97ce2fa0b5bea141317dd831fe721289195577833a831dc36ad916ed1d110258",
              "size": 8,
              "api-version": "apps/v1",
              "kind": "Deployment",
              "name": "api"
            },
            {
              "path": "a/b.yaml",
              "sha256": "7443e186ea09b3d862f89a19efba02c6fd4388620a18d3690174988b1e8a57d4",
              "size": 8,
              "api-version": "apps/v1",
              "kind": "Deployment",
              "name": "api"
            }
          ]
        }
        "#);
    }

    #[test]
    fn no_path_leads_out_of_a_backup() {
        for path in ["../a", "/etc/passwd", "a/../b", "a//b", "", ".", "a\\b", "manifest.json", "a/", "a\0"] {
            let mut manifest = manifest();
            manifest.files[0].path = path.to_owned();
            let problem = Manifest::read(&manifest.write().unwrap(), "manifest.json").unwrap_err();
            assert!(problem.why.unwrap().contains("is no path of a file in it"), "{path}");
        }
    }

    #[test]
    fn what_is_not_understood_is_not_read() {
        let refused = |text: &str| Manifest::read(text.as_bytes(), "m").unwrap_err();
        assert_eq!(refused("").verdict, sluice_core::Verdict::Failed);
        assert_eq!(refused(r#"{"format": 2, "news": 1}"#).what, "m has format 2");
        let twice = Manifest { files: vec![manifest().files[0].clone(); 2], ..manifest() };
        assert!(refused(str::from_utf8(&twice.write().unwrap()).unwrap()).why.unwrap().contains("twice"));
        let text = String::from_utf8(manifest().write().unwrap()).unwrap();
        assert!(refused(&text.replace("\"namespace\"", "\"name-space\"")).why.is_some());
    }

    #[test]
    fn each_damage_is_found() {
        let mut found: BTreeMap<String, String> =
            manifest().files.iter().map(|entry| (entry.path.clone(), entry.sha256.clone())).collect();
        assert_eq!(manifest().damages(&found), []);
        found.insert("a/a.yaml".into(), "0".into());
        found.remove("a/b.yaml");
        found.insert("a/0.yaml".into(), "1".into());
        let damages = manifest().damages(&found);
        let kinds: Vec<_> = damages.iter().map(|(path, damage)| (path.as_str(), damage)).collect();
        assert!(matches!(
            kinds[..],
            [
                ("a/0.yaml", Damage::Added),
                ("a/a.yaml", Damage::Changed { .. }),
                ("a/b.yaml", Damage::Missing)
            ]
        ));
    }
}
