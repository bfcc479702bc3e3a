//! The values of a file's sites, so that what one version of a file says can be said in another.

use std::collections::{BTreeMap, BTreeSet};

use sluice_core::{Place, Problem, Problems};

use crate::{
    edit::{self, Edits},
    files::Read,
    formats::Parsed,
    pin::Pin,
    site::{Site, SlotEdit},
    source::Source,
};

/// Where a value stands: by the way to its site, and the key.
pub(crate) type Key = (String, String);

/// The values of a file's sites. None where a key has no value.
pub(crate) type Values = BTreeMap<Key, Option<String>>;

/// A value that is to be put back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Restored {
    /// What is to stand there.
    pub(crate) before: Option<String>,
    /// What stands there unless someone changed it since.
    pub(crate) written: Option<String>,
    /// The commit that wrote it.
    pub(crate) by: String,
}

/// The values of a file.
pub(crate) fn of_file(source: &Source) -> Result<Values, Problem> {
    let parsed = Parsed::read(source)?;
    let found = parsed.sites(source)?;
    Ok(of_sites(&found.sites))
}

/// The values of sites. Two sites that are told apart by nothing are none.
fn of_sites(sites: &[Site<'_>]) -> Values {
    let mut values = Values::new();
    let mut doubtful = Vec::new();
    for site in sites {
        for slot in site.slots() {
            let key = (site.path.clone(), slot.key.clone());
            if values.insert(key.clone(), slot.said()).is_some() {
                doubtful.push(key);
            }
        }
    }
    for key in doubtful {
        values.remove(&key);
    }
    values
}

/// The edits that put values back; or all that stands against it.
pub(crate) fn edits(read: &Read, values: &BTreeMap<Key, Restored>) -> Result<Edits, Problems> {
    let source = &read.source;
    let found = read.parsed.sites(source)?;
    let mut problems = Problems::default();
    let mut edits = Edits::default();
    for (number, site) in found.sites.iter().enumerate() {
        let mut of_site: Vec<SlotEdit> = Vec::new();
        let mut is_meant = false;
        for slot in site.slots() {
            let Some(restored) = values.get(&(site.path.clone(), slot.key.clone())) else { continue };
            is_meant = true;
            if slot.said() == restored.before {
                continue;
            }
            if slot.said() != restored.written {
                problems.0.push(changed_since(site, &slot.key, slot.said(), restored, source));
                continue;
            }
            match (slot.value, &restored.before) {
                (Some(_), before) => of_site.extend(slot.set(before.as_deref().unwrap_or_default())),
                (None, _) => problems.0.push(taken_away(site, &slot.key, restored, source)),
            }
        }
        if is_meant {
            edits.sites.push((number, of_site));
        }
    }
    for (path, key) in values.keys() {
        if !found
            .sites
            .iter()
            .any(|site| site.path == *path && site.slots().iter().any(|slot| slot.key == *key))
        {
            problems.0.push(
                Problem::failed(format!("`{key}` of {path} is not there any more"))
                    .why("someone else changed the file since")
                    .at(Place::file(source.name())),
            );
        }
    }
    problems.or(edits)
}

fn changed_since(
    site: &Site<'_>,
    key: &str,
    now: Option<String>,
    restored: &Restored,
    source: &Source,
) -> Problem {
    let shown = |value: Option<String>| value.unwrap_or_else(|| "nothing".to_owned());
    let wrote = shown(restored.written.clone());
    Problem::failed(format!("`{key}` of \"{}\" was changed since: nothing was written", site.name))
        .why(format!("it is {}; {} wrote {wrote}", shown(now), restored.by))
        .help("commit or undo the change, or `set` the version that is meant")
        .at(source.place(site.place))
}

fn taken_away(site: &Site<'_>, key: &str, restored: &Restored, source: &Source) -> Problem {
    let before = restored.before.as_deref().unwrap_or_default();
    Problem::failed(format!("`{key}` of \"{}\" was taken away by {}", site.name, restored.by))
        .help(format!("write `{key}: {before}` by hand, or `set` it with `add-missing: true`"))
        .at(source.place(site.place))
}

/// What a branch changed in a file, made in what another branch made of the same file meanwhile.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Carried {
    /// The other branch's file with the versions of the first.
    pub(crate) bytes: Vec<u8>,
    /// The places that both changed: there the other branch's version stays.
    pub(crate) left: Vec<String>,
}

/// Carries the versions of images from `mine`, which came of `old`, over to `new`, which came of `old` too.
///
/// None where `mine` changed anything but versions: that can't be carried over without loss.
pub(crate) fn carry(old: &Source, mine: &Source, new: &Source) -> Option<Carried> {
    let (was, is, now) = (of_file(old).ok()?, of_file(mine).ok()?, of_file(new).ok()?);
    let changed: BTreeMap<Key, Restored> = is
        .into_iter()
        .filter_map(|(key, before)| {
            let written = was.get(&key).filter(|written| **written != before)?.clone();
            Some((key, Restored { before, written, by: "the branch".to_owned() }))
        })
        .collect();
    if said(old, &changed)? != mine.bytes {
        return None;
    }
    let is_free = |key: &Key, value: &Restored| {
        now.get(key).is_some_and(|now| *now == value.written || *now == value.before)
    };
    let (kept, left): (BTreeMap<_, _>, BTreeMap<_, _>) =
        changed.into_iter().partition(|(key, value)| is_free(key, value));
    let left = left.into_keys().map(|(path, key)| format!("{}: `{key}` of {path}", new.name())).collect();
    Some(Carried { bytes: said(new, &kept)?, left })
}

/// The file with these values in it.
fn said(source: &Source, values: &BTreeMap<Key, Restored>) -> Option<Vec<u8>> {
    let read = Read { source: source.clone(), parsed: Parsed::read(source).ok()? };
    let edits = edits(&read, values).ok()?;
    if edits.is_empty() {
        return Some(source.bytes.clone());
    }
    Some(edit::edit(&read, edits).ok()?.after)
}

/// A version of an image that differs between two versions of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Difference {
    pub(crate) file: String,
    /// What the image is called there; none where something else differs.
    pub(crate) image: Option<String>,
    pub(crate) before: Pin,
    pub(crate) after: Pin,
}

/// The images whose versions differ; else the file as a whole.
pub(crate) fn differences(old: &Source, new: &Source) -> Vec<Difference> {
    if old.bytes == new.bytes {
        return Vec::new();
    }
    let file = new.name();
    let mut differences = Vec::new();
    if let (Some(old), Some(new)) = (pins(old), pins(new)) {
        for ((path, name), after) in &new {
            let before = old.get(&(path.clone(), name.clone())).cloned().unwrap_or_default();
            if before != *after {
                let (file, image) = (file.clone(), Some(name.clone()));
                differences.push(Difference { file, image, before, after: after.clone() });
            }
        }
    }
    if differences.is_empty() {
        differences.push(Difference { file, image: None, before: Pin::default(), after: Pin::default() });
    }
    differences
}

fn pins(source: &Source) -> Option<BTreeMap<(String, String), Pin>> {
    let parsed = Parsed::read(source).ok()?;
    let found = parsed.sites(source).ok()?;
    let pins = found
        .sites
        .iter()
        .filter_map(|site| Some(((site.path.clone(), site.name.clone()), site.pin().ok()?)));
    Some(pins.collect())
}

/// The images of differences, each as `name:version`, once.
pub(crate) fn images(differences: &[Difference]) -> Vec<String> {
    let all = differences.iter().map(|one| match &one.image {
        Some(image) => one.after.brief(image),
        None => one.file.clone(),
    });
    all.collect::<BTreeSet<_>>().into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::source;

    fn file(a: &str, b: &str, more: &str) -> Source {
        source(
            "kustomization.yaml",
            &format!("images:\n- name: a\n  newTag: {a}\n- name: b # b\n  newTag: {b}\n{more}"),
        )
    }

    fn carried(old: &Source, mine: &Source, new: &Source) -> Option<(String, Vec<String>)> {
        let Carried { bytes, left } = carry(old, mine, new)?;
        Some((String::from_utf8(bytes).unwrap(), left))
    }

    #[test]
    fn versions_are_carried_over_to_what_others_made_of_a_file() {
        let (old, mine) = (file("v1", "v1", ""), file("v2", "v1", ""));
        let new = file("v1", "v3", "# new\n");
        let expected = String::from_utf8(file("v2", "v3", "# new\n").bytes).unwrap();
        assert_eq!(carried(&old, &mine, &new), Some((expected, Vec::new())));
        assert_eq!(carried(&old, &old, &new).unwrap().0.into_bytes(), new.bytes);
    }

    #[test]
    fn where_both_changed_a_version_the_other_one_stays() {
        let (old, mine) = (file("v1", "v1", ""), file("v2", "v2", ""));
        let (text, left) = carried(&old, &mine, &file("v3", "v1", "")).unwrap();
        assert_eq!(text.into_bytes(), file("v3", "v2", "").bytes);
        assert_eq!(left.len(), 1, "{left:?}");
        assert!(left[0].starts_with("kustomization.yaml: `newTag` of "), "{left:?}");
        // What is there already is there.
        assert_eq!(carried(&old, &mine, &mine).unwrap().1, Vec::<String>::new());
    }

    #[test]
    fn what_is_more_than_versions_is_not_carried_over() {
        let old = file("v1", "v1", "");
        assert_eq!(carry(&old, &file("v2", "v1", "# mine\n"), &old), None);
        assert_eq!(carry(&old, &file("v2", "v1", "- name: c\n  newTag: v1\n"), &old), None);
        assert_eq!(carry(&old, &source("kustomization.yaml", "a: ["), &old), None);
    }

    #[test]
    fn differences_name_the_images() {
        let told = |old: &Source, new: &Source| {
            let told =
                |one: Difference| format!("{:?} {} {}", one.image, one.before.version(), one.after.version());
            differences(old, new).into_iter().map(told).collect::<Vec<_>>()
        };
        let old = file("v1", "v1", "");
        assert_eq!(told(&old, &file("v2", "v1", "")), ["Some(\"a\") v1 v2"]);
        assert_eq!(told(&old, &file("v1", "v1", "# x\n")), ["None no tag no tag"]);
        assert_eq!(told(&old, &old), Vec::<String>::new());
        assert_eq!(images(&differences(&old, &file("v2", "v3", ""))), ["a:v2", "b:v3"]);
    }
}
