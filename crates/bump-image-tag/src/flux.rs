//! Flux: the values of a `HelmRelease`, the `images` of a `Kustomization`, and the markers of image automation.
//!
//! <https://fluxcd.io/flux/components/helm/helmreleases/>,
//! <https://fluxcd.io/flux/components/kustomize/kustomizations/#images>,
//! <https://fluxcd.io/flux/guides/image-update/#configure-image-update-for-custom-resources>

use std::collections::BTreeMap;

use sluice_core::Problem;
use sluice_yaml::Node;

use crate::{
    helm, kustomization,
    site::{Apart, Form, Name, Site, Slot},
    source::Source,
    walk::Found,
};

/// The sites of a `HelmRelease`: its values, and the images of its post-renderers.
pub(crate) fn helm_release<'a>(root: &Found<'a>, source: &Source) -> Result<Vec<Site<'a>>, Problem> {
    let Some(spec) = root.get("spec") else { return Ok(Vec::new()) };
    let mut sites = spec.get("values").map_or_else(Vec::new, |values| helm::sites(values, source));
    for renderer in spec.get("postRenderers").iter().flat_map(Found::items) {
        if let Some(kustomize) = renderer.get("kustomize") {
            sites.extend(kustomization::entries(&kustomize, source)?);
        }
    }
    Ok(sites)
}

/// The sites of a `Kustomization` of Flux.
pub(crate) fn kustomization<'a>(root: &Found<'a>, source: &Source) -> Result<Vec<Site<'a>>, Problem> {
    root.get("spec").map_or_else(|| Ok(Vec::new()), |spec| kustomization::entries(&spec, source))
}

/// What starts a marker: `# {"$imagepolicy": "namespace:policy:tag"}`.
const MARKER: &str = "{\"$imagepolicy\":";

/// The part of an image that a marked value holds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Whole,
    Name,
    Tag,
    Digest,
}

/// The sites that only a marker tells: values with one that none of `known` has.
pub(crate) fn marked<'a>(root: Found<'a>, known: &[Site<'a>], source: &Source) -> Vec<Site<'a>> {
    if !contains(&source.bytes, MARKER) {
        return Vec::new();
    }
    let taken: Vec<_> =
        known.iter().flat_map(Site::slots).filter_map(|slot| slot.value).map(Node::span).collect();
    let mut sites = Vec::new();
    let mut policies: BTreeMap<String, Vec<(Part, Slot<'a>, String)>> = BTreeMap::new();
    for mapping in root.mappings() {
        for entry in mapping.node.entries() {
            let Some(text) = entry.value.as_str() else { continue };
            let Some((policy, part)) = marker(&source.bytes, entry.value.span().end) else { continue };
            if entry.value.is_alias() || taken.contains(&entry.value.span()) {
                continue;
            }
            let key = entry.key.as_str().unwrap_or_default();
            let (slot, path) = (Slot::of(key, Some(entry)), mapping.path_of(key));
            if part == Part::Whole {
                sites.extend(helm::reference(slot, text, path, source));
            } else {
                policies.entry(policy).or_default().push((part, slot, path));
            }
        }
    }
    sites.extend(policies.values().filter_map(|values| together(values)));
    sites
}

/// The site of the values of one policy, where each part stands once and a name is among them.
fn together<'a>(values: &[(Part, Slot<'a>, String)]) -> Option<Site<'a>> {
    let one = |wanted: Part| {
        let mut found = values.iter().filter(|(part, ..)| *part == wanted);
        found.next().filter(|_| found.next().is_none())
    };
    let (_, repository, _) = one(Part::Name)?;
    let (tag, digest) = (one(Part::Tag), one(Part::Digest));
    let (_, _, path) = tag.or(digest)?;
    let name = repository.text().filter(|name| helm::is_name(name))?;
    let place = repository.value?.place();
    Some(Site {
        name: name.to_owned(),
        path: path.clone(),
        place,
        form: Ok(Form::Apart(Box::new(Apart {
            name: Name::Own { registry: None, repository: repository.clone() },
            tag: tag.map_or_else(|| Slot::of("tag", None), |(_, slot, _)| slot.clone()),
            digest: digest.map_or_else(|| Slot::of("digest", None), |(_, slot, _)| slot.clone()),
            above: None,
        }))),
    })
}

/// The marker behind a value: its policy, and the part that the value holds.
fn marker(bytes: &[u8], end: usize) -> Option<(String, Part)> {
    let rest = bytes.get(end..)?;
    let line = rest.split(|byte| matches!(byte, b'\n' | b'\r')).next()?;
    let line = std::str::from_utf8(line).ok()?;
    let (_, comment) = line.split_once('#')?;
    let policy = comment.trim().strip_prefix(MARKER)?.trim().strip_prefix('"')?;
    let (policy, _) = policy.split_once('"')?;
    let mut parts = policy.splitn(3, ':');
    let name = format!("{}:{}", parts.next()?, parts.next()?);
    let part = match parts.next() {
        None => Part::Whole,
        Some("name") => Part::Name,
        Some("tag") => Part::Tag,
        Some("digest") => Part::Digest,
        Some(_) => return None,
    };
    Some((name, part))
}

fn contains(bytes: &[u8], text: &str) -> bool {
    memchr::memmem::find(bytes, text.as_bytes()).is_some()
}
