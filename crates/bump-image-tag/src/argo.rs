//! Argo CD: the sources of an `Application`, and of the template of an `ApplicationSet`.
//!
//! <https://argo-cd.readthedocs.io/en/stable/user-guide/kustomize/>,
//! <https://argo-cd.readthedocs.io/en/stable/user-guide/helm/>,
//! <https://argo-cd.readthedocs.io/en/stable/operator-manual/applicationset/Generators-List/>

use indexmap::IndexMap;
use sluice_yaml::{Entry, Node};

use crate::{
    argument::parts,
    formats::{group, text},
    helm,
    site::{Apart, Form, Name, Site, Slot, aliased},
    source::Source,
    walk::Found,
};

/// The kinds that have sources.
const KINDS: [&str; 2] = ["Application", "ApplicationSet"];

/// Whether a document is one of Argo CD with sources.
pub(crate) fn is_one(root: Node<'_>) -> bool {
    group(root) == Some("argoproj.io") && text(root, "kind").is_some_and(|kind| KINDS.contains(&kind))
}

/// The texts of `helm.values` in a document, which hold YAML themselves.
pub(crate) fn values_blocks(root: Found<'_>) -> Vec<Found<'_>> {
    let helm = root.mappings().into_iter().filter(|mapping| mapping.key == Some("helm"));
    helm.filter_map(|helm| helm.get("values")).collect()
}

/// The sites of a document but for those in its `helm.values`.
pub(crate) fn sites<'a>(root: Found<'a>, source: &Source) -> Vec<Site<'a>> {
    let mut sites = Vec::new();
    for mapping in root.mappings() {
        match mapping.key {
            Some("kustomize") => sites.extend(kustomize_images(&mapping, source)),
            Some("helm") => {
                sites.extend(parameters(&mapping, source));
                let values = mapping.get("valuesObject");
                sites.extend(values.into_iter().flat_map(|values| helm::sites(values, source)));
            }
            // What a list generator gives to the template.
            Some("elements") => sites.extend(element(&mapping, source)),
            _ => {}
        }
    }
    sites
}

/// `images: ["name=newName:tag"]`, as `kustomize edit set image` takes them.
fn kustomize_images<'a>(kustomize: &Found<'a>, source: &Source) -> Vec<Site<'a>> {
    let image = |item: Found<'a>| {
        let text = item.node.as_str()?;
        let (alias, reference) = aliased(text);
        let slot = Slot { key: "images".to_owned(), value: Some(item.node), entry: None };
        let site = helm::reference(slot, reference, item.path, source)?;
        let name = alias.map_or_else(|| parts(reference).0.to_owned(), str::to_owned);
        Some(Site { name, ..site })
    };
    kustomize.get("images").iter().flat_map(Found::items).filter_map(image).collect()
}

/// The parameters of one image: `image.repository` with `image.tag`, or `image` alone.
fn parameters<'a>(helm: &Found<'a>, source: &Source) -> Vec<Site<'a>> {
    let mut groups: IndexMap<&'a str, IndexMap<&'a str, (Entry<'a>, String)>> = IndexMap::new();
    let mut sites = Vec::new();
    for item in helm.get("parameters").iter().flat_map(Found::items) {
        let get = |key| item.node.entry(key).ok().flatten();
        let (Some(name), Some(value)) = (get("name").and_then(|name| name.value.as_str()), get("value"))
        else {
            continue;
        };
        let (group, key) = name.rsplit_once('.').unwrap_or(("", name));
        groups.entry(group).or_default().insert(key, (value, item.path.clone()));
        if key.to_lowercase().ends_with("image")
            && let Some(text) = value.value.as_str()
        {
            let slot = Slot { key: name.to_owned(), ..parameter(value) };
            sites.extend(helm::reference(slot, text, item.path.clone(), source));
        }
    }
    for (group, keys) in groups {
        let slot = |key: &str| {
            let name = if group.is_empty() { key.to_owned() } else { format!("{group}.{key}") };
            let value = keys.get(key).map(|(value, _)| value.value);
            Slot { key: name, value, entry: None }
        };
        // `image` alone is a reference, and was taken above; a `name` without a version may be anything's.
        let is_name = |key: &&str| {
            let may = *key == "repository" || *key != "image" && keys.contains_key("tag");
            may && keys.contains_key(key) && helm::names(key, group)
        };
        let name_key = helm::NAME_KEYS.into_iter().find(is_name);
        let Some((name_key, (repository, path))) = name_key.and_then(|key| Some((key, keys.get(key)?)))
        else {
            continue;
        };
        let Some(text) = repository.value.as_str() else { continue };
        let registry = Some(slot("registry")).filter(|registry| registry.said().is_some());
        let name = match registry.as_ref().and_then(Slot::said) {
            Some(registry) => format!("{registry}/{text}"),
            None => text.to_owned(),
        };
        if helm::is_name(&name) {
            let own = Name::Own { registry, repository: slot(name_key) };
            let apart = Apart { name: own, tag: slot("tag"), digest: slot("digest"), above: None };
            let place = repository.value.place();
            sites.push(Site { name, path: path.clone(), place, form: Ok(Form::Apart(Box::new(apart))) });
        }
    }
    sites
}

fn parameter(value: Entry<'_>) -> Slot<'_> {
    Slot { key: String::new(), value: Some(value.value), entry: None }
}

/// An element of a list generator.
fn element<'a>(element: &Found<'a>, source: &Source) -> Vec<Site<'a>> {
    let is_scalar = |entry: &Entry<'a>| entry.value.as_str().is_some();
    if element.node.entries().all(|entry| is_scalar(&entry)) {
        helm::sites(element.clone(), source)
    } else {
        Vec::new()
    }
}
