//! Kustomization files: the entries of `images`, and where else images stand in them.
//!
//! An entry is `{name, newName, newTag, digest}`:
//! <https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/images/>.

use sluice_core::{Place, Problem};
use sluice_yaml::{Document, Edit, Entry, Item, Node};

use crate::{
    ImageArgument,
    formats::{misread, template},
    helm,
    pin::Pin,
    site::{Apart, Form, Name, Site, Slot},
    source::Source,
    walk::Found,
};

/// The names that a kustomization file may have:
/// <https://github.com/kubernetes-sigs/kustomize/blob/master/api/konfig/general.go>.
pub(crate) const FILE_NAMES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

const KINDS: [&str; 2] = ["Kustomization", "Component"];

/// The sites of a kustomization file.
pub(crate) fn sites<'a>(documents: &'a [Document], source: &Source) -> Result<Vec<Site<'a>>, Problem> {
    let Some(root) = root_of(documents, source)? else { return Ok(Vec::new()) };
    entries(&Found { node: root, path: String::new(), key: None }, source)
}

/// The texts of the patches that stand in a kustomization: `patches`, and what it replaced.
pub(crate) fn patch_blocks<'a>(root: &Found<'a>) -> Vec<Found<'a>> {
    let items = |key| root.get(key).map_or_else(Vec::new, |list| list.items());
    let patches = items("patches").into_iter().chain(items("patchesJson6902"));
    let merged = items("patchesStrategicMerge").into_iter();
    // There a single line is the name of a file.
    let merged = merged.filter(|item| item.node.as_str().is_some_and(|text| text.contains('\n')));
    patches.filter_map(|item| item.get("patch")).chain(merged).collect()
}

/// The sites of the values that a kustomization gives to charts.
pub(crate) fn chart_sites<'a>(documents: &'a [Document], source: &Source) -> Vec<Site<'a>> {
    let [document] = documents else { return Vec::new() };
    let charts = Found::root(document, 0, false).get("helmCharts");
    charts.iter().flat_map(Found::items).flat_map(|item| chart(&item, source)).collect()
}

/// The sites of the values that are given to one chart:
/// <https://kubectl.docs.kubernetes.io/references/kustomize/builtins/#_helmchartinflationgenerator_>.
pub(crate) fn chart<'a>(holder: &Found<'a>, source: &Source) -> Vec<Site<'a>> {
    holder.get("valuesInline").map_or_else(Vec::new, |values| helm::sites(values, source))
}

/// The site of an `ImageTagTransformer`: an entry of `images` in a file of its own.
pub(crate) fn transformer<'a>(root: &Found<'a>, source: &Source) -> Result<Vec<Site<'a>>, Problem> {
    let Some(tag) = root.get("imageTag") else { return Ok(Vec::new()) };
    let Some(key) = name_of(tag.node, source)? else { return Ok(Vec::new()) };
    let name = key.value.as_str().unwrap_or_default().to_owned();
    let form = form(tag.node, key, source);
    Ok(vec![Site { name, path: tag.path, place: key.value.place(), form }])
}

/// The edit that adds entries for images to a kustomization.
pub(crate) fn add(
    documents: &[Document],
    images: &[&ImageArgument],
    source: &Source,
) -> Result<Edit, Problem> {
    let by_hand = |place| {
        Problem::misconfigured(format!("an entry can't be added to {}", source.name()))
            .help("write the first entry of `images` by hand")
            .at(place)
    };
    let item = |image: &&ImageArgument| -> Item {
        let keys = [
            ("name", Some(&image.name)),
            ("newName", image.new_name.as_ref()),
            ("newTag", image.tag.as_ref()),
            ("digest", image.digest.as_ref()),
        ];
        let said =
            keys.into_iter().filter_map(|(key, text)| Some((key, text.filter(|text| !text.is_empty())?)));
        said.map(|(key, text)| (key.to_owned(), text.clone())).collect()
    };
    let items = images.iter().map(item).collect();
    let root = root_of(documents, source)?.ok_or_else(|| by_hand(Place::file(source.name())))?;
    match root.get("images").map_err(|error| misread(error, source))? {
        Some(images) => match images.items().last() {
            Some(last) => Ok(Edit::append_after(last, items)),
            None => Err(by_hand(source.place(images.place()))),
        },
        None => match root.entries().last() {
            Some(last) => Ok(Edit::insert_list_after(last, "images", items)),
            None => Err(by_hand(source.place(root.place()))),
        },
    }
}

/// The sites of the entries of `images` below `holder`.
pub(crate) fn entries<'a>(holder: &Found<'a>, source: &Source) -> Result<Vec<Site<'a>>, Problem> {
    let Some(images) = holder.node.entry("images").map_err(|error| misread(error, source))? else {
        return Ok(Vec::new());
    };
    let images = holder.below(images);
    if images.node.is_null() {
        return Ok(Vec::new());
    }
    if !images.node.is_sequence() {
        return Err(not_of_kind(images.node, "`images` is not a list", source));
    }
    let mut sites: Vec<Site<'a>> = Vec::new();
    for item in images.items() {
        let Some(key) = name_of(item.node, source)? else { continue };
        let name = key.value.as_str().unwrap_or_default().to_owned();
        let twice = sites.iter_mut().find(|site| site.name == name);
        let form = match twice {
            Some(first) => {
                let problem = has_two(&name, first, key, source);
                first.form = Err(problem.clone());
                Err(problem)
            }
            None => form(item.node, key, source),
        };
        sites.push(Site { name, path: item.path, place: key.value.place(), form });
    }
    refuse_overruled(&mut sites, source);
    Ok(sites)
}

/// kustomize applies the entries one after the other, each to what those before it made: an entry for the `newName` of
/// another one decides what runs in the place of both.
/// <https://github.com/kubernetes-sigs/kustomize/blob/master/api/internal/target/kusttarget_configplugin.go>
fn refuse_overruled(sites: &mut [Site<'_>], source: &Source) {
    for number in 0..sites.len() {
        let (site, later) = (&sites[number], &sites[number + 1..]);
        let Ok(pin) = site.pin() else { continue };
        let (true, Some(name)) = (pin.says_version(), pin.new_name.as_deref()) else { continue };
        if let Some((other, made)) =
            last_to_decide(name, later).filter(|(_, made)| made.version() != pin.version())
        {
            let problem = overruled(site, &pin, other, &made, source);
            sites[number].form = Err(problem);
        }
    }
}

/// The entry that decides on the version of the image of this name, and what it makes it.
fn last_to_decide<'s, 'a>(name: &str, entries: &'s [Site<'a>]) -> Option<(&'s Site<'a>, Pin)> {
    let mut name = name.to_owned();
    let mut last = None;
    for entry in entries {
        if entry.name != name {
            continue;
        }
        let Ok(pin) = entry.pin() else { continue };
        pin.name(&entry.name).clone_into(&mut name);
        if pin.says_version() {
            last = Some((entry, pin));
        }
    }
    last
}

/// The name's entry in an item of `images`. An entry without a name is no image's.
fn name_of<'a>(node: Node<'a>, source: &Source) -> Result<Option<Entry<'a>>, Problem> {
    if !node.is_mapping() {
        return Err(not_of_kind(node, "an entry of `images` is not a mapping", source));
    }
    if node.entries().any(|entry| entry.key.as_str().is_none()) {
        return Err(not_of_kind(node, "an entry of `images` has a key that is no name", source));
    }
    let Some(key) = node.entry("name").map_err(|error| misread(error, source))? else { return Ok(None) };
    match key.value.as_str() {
        Some(name) if !name.contains("{{") => Ok(Some(key)),
        Some(_) => Err(template("name", key.value, source)),
        None => Err(not_of_kind(key.value, "`name` is not a text", source)),
    }
}

fn form<'a>(node: Node<'a>, name: Entry<'a>, source: &Source) -> Result<Form<'a>, Problem> {
    let slot = |key: &str| -> Result<Slot<'a>, Problem> {
        let entry = node.entry(key).map_err(|error| misread(error, source))?;
        match entry.map(|entry| (entry.value, entry.value.as_str())) {
            Some((value, None)) => Err(not_of_kind(value, &format!("`{key}` is not a text"), source)),
            Some((value, Some(text))) if text.contains("{{") => Err(template(key, value, source)),
            _ => Ok(Slot::of(key, entry)),
        }
    };
    let (new_name, tag, digest) = (slot("newName")?, slot("newTag")?, slot("digest")?);
    Ok(Form::Apart(Box::new(Apart { name: Name::Replaced(new_name), tag, digest, above: Some(name) })))
}

fn overruled(site: &Site<'_>, pin: &Pin, other: &Site<'_>, made: &Pin, source: &Source) -> Problem {
    let (name, version, made) = (&site.name, pin.version(), made.version());
    Problem::misconfigured(format!("\"{name}\" is {version} here, and another entry makes it {made}"))
        .why(format!(
            "a build applies the entry \"{}\" of line {} to what this one made",
            other.name, other.place.line
        ))
        .help("set both to one version, or take it away from this entry")
        .at(source.place(site.place))
}

fn has_two(name: &str, first: &Site<'_>, second: Entry<'_>, source: &Source) -> Problem {
    Problem::misconfigured(format!("\"{name}\" has two entries in `images`"))
        .why("a build takes the last one, `kustomize edit` the first")
        .help(format!("keep one; the other is in line {}", first.place.line))
        .at(source.place(second.value.place()))
}

/// The mapping of a file that is a kustomization; none where the file says nothing.
fn root_of<'a>(documents: &'a [Document], source: &Source) -> Result<Option<Node<'a>>, Problem> {
    let wrong = |what: &str, place| Problem::misconfigured(what).at(source.place(place));
    let root = match documents {
        [] => return Ok(None),
        [document] if document.root().is_null() => return Ok(None),
        [document] => document.root(),
        [_, second, ..] => {
            return Err(wrong("the file holds several documents", second.place())
                .why("a kustomization is one document"));
        }
    };
    if !root.is_mapping() {
        return Err(wrong("the file is no kustomization", root.place()).why("it holds no mapping of keys"));
    }
    if let Some(kind) = root.get("kind").map_err(|error| misread(error, source))?
        && !kind.as_str().is_some_and(|name| KINDS.contains(&name))
    {
        let name = kind.as_str().unwrap_or_default();
        return Err(
            wrong("the file is no kustomization", kind.place()).why(format!("its kind is \"{name}\""))
        );
    }
    Ok(Some(root))
}

fn not_of_kind(value: Node<'_>, what: &str, source: &Source) -> Problem {
    Problem::misconfigured(what).at(source.place(value.place()))
}

#[cfg(test)]
mod tests;
