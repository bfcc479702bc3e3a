//! Helm values: `repository` and what stands beside it, and `image: repository:tag`, at any depth.
//!
//! Values have no fixed form; these are the ones that `helm create` and most charts follow:
//! <https://helm.sh/docs/chart_best_practices/values/>.

use sluice_core::{ImageReference, Problem};
use sluice_yaml::{Entry, Node};

use crate::{
    formats::{misread, template},
    site::{Apart, Form, Name, Site, Slot},
    source::Source,
    walk::Found,
};

/// The keys that hold an image's name beside its tag.
pub(crate) const NAME_KEYS: [&str; 4] = ["repository", "repo", "name", "image"];

/// Whether a key holds an image's name, in the mapping at `path`: much has a name, so but for `repository` only those
/// do that are below a key that says `image`, or one further down (`images.backend.name`).
pub(crate) fn names(key: &str, path: &str) -> bool {
    key == "repository" || path.to_lowercase().rsplit('.').take(2).any(|step| step.contains("image"))
}

/// The sites of the values from `root` on.
pub(crate) fn sites<'a>(root: Found<'a>, source: &Source) -> Vec<Site<'a>> {
    let mut sites = Vec::new();
    for mapping in root.mappings() {
        let apart = apart(&mapping, source);
        // `image: {image: name, tag: v1}` is one site, not two.
        let taken = apart.as_ref().map(|site| site.place);
        sites.extend(apart);
        sites.extend(
            references(&mapping, "image", source).into_iter().filter(|site| Some(site.place) != taken),
        );
    }
    sites
}

/// The site of a mapping that holds a name. What says neither tag nor digest is one below a key that says `image`.
pub(crate) fn apart<'a>(mapping: &Found<'a>, source: &Source) -> Option<Site<'a>> {
    let keys = || mapping.node.entries().filter_map(|entry| entry.key.as_str());
    let speaks_of_images = |key: &str| NAME_KEYS.contains(&key) || matches!(key, "tag" | "digest");
    if !keys().any(speaks_of_images) {
        return None;
    }
    let own = |key: &str| keys().any(|one| one == key);
    let has = |key: &str| !matches!(mapping.node.get(key), Ok(None));
    let is_image = mapping.key.is_some_and(|key| key.to_lowercase().contains("image"));
    let says_version = has("tag") || has("digest");
    let key = NAME_KEYS.into_iter().find(|key| has(key) && names(key, &mapping.path))?;
    // What is all merged in stands where it is merged from. What else holds no version may be anything.
    if !(own(key) || own("tag") || own("digest")) || !(says_version || is_image && key == "repository") {
        return None;
    }
    let twice = mapping.node.entries().find(|entry| entry.key.as_str() == Some(key));
    let entry = mapping.node.entry(key).unwrap_or(twice)?;
    let repository = text(entry)?;
    let registry = mapping.node.get("registry").ok().flatten().and_then(Node::as_str);
    let name = match registry.filter(|registry| !registry.is_empty()) {
        Some(registry) => format!("{registry}/{repository}"),
        None => repository.to_owned(),
    };
    let form = form(mapping, key, entry, source);
    is_name(&name).then(|| Site { name, path: mapping.path.clone(), place: entry.value.place(), form })
}

fn form<'a>(mapping: &Found<'a>, key: &str, name: Entry<'a>, source: &Source) -> Result<Form<'a>, Problem> {
    let slot = |key: &str| -> Result<Slot<'a>, Problem> {
        let entry = mapping.node.entry(key).map_err(|error| misread(error, source))?;
        check_text(key, entry, source)?;
        Ok(Slot::of(key, entry))
    };
    // Some charts take a digest without its algorithm: <https://github.com/grafana/helm-charts>.
    if let Some(hash) = slot("sha")?.value.filter(|hash| hash.as_str().is_some_and(|hash| !hash.is_empty())) {
        return Err(Problem::misconfigured(
            "`sha` beside the image's name decides what runs, whatever the tag says",
        )
        .help("write the digest as `digest`, or set both places with `at`")
        .at(source.place(hash.place())));
    }
    let (registry, repository) = (slot("registry")?, slot(key)?);
    let registry = registry.said().is_some().then_some(registry);
    let name_slots = Name::Own { registry, repository };
    Ok(Form::Apart(Box::new(Apart {
        name: name_slots,
        tag: slot("tag")?,
        digest: slot("digest")?,
        above: Some(name),
    })))
}

/// The sites of `key: repository:tag`. A `tag` (or `imageTag`) or `digest` beside a reference without one belongs to
/// it.
pub(crate) fn references<'a>(mapping: &Found<'a>, key: &str, source: &Source) -> Vec<Site<'a>> {
    let entries: Vec<Entry<'a>> =
        mapping.node.entries().filter(|entry| entry.key.as_str() == Some(key)).collect();
    let slot = |key: &str| mapping.node.entry(key).ok().flatten().filter(|entry| text(*entry).is_some());
    let site = |entry: &Entry<'a>| {
        let text = entry.value.as_str()?;
        let mut site = reference(Slot::of(key, Some(*entry)), text, mapping.path_of(key), source)?;
        let says_version =
            text.contains('@') || text.rsplit('/').next().is_some_and(|last| last.contains(':'));
        let tag_key = ["tag", "imageTag"].into_iter().find(|key| slot(key).is_some()).unwrap_or("tag");
        let (tag, digest) = (slot(tag_key), slot("digest"));
        if !says_version && (tag.is_some() || digest.is_some()) {
            let checked = check_text("tag", tag, source).and(check_text("digest", digest, source));
            let apart = Apart {
                name: Name::Own { registry: None, repository: Slot::of(key, Some(*entry)) },
                tag: Slot::of(tag_key, tag),
                digest: Slot::of("digest", digest),
                above: Some(*entry),
            };
            site.form = checked.map(|()| Form::Apart(Box::new(apart)));
        }
        if entries.len() > 1 {
            site.form = mapping.node.entry(key).map_err(|error| misread(error, source)).and(site.form);
        }
        Some(site)
    };
    entries.iter().filter_map(site).collect()
}

/// The site of a text that is a reference, or that becomes one when its tag is filled in.
pub(crate) fn reference<'a>(slot: Slot<'a>, text: &str, path: String, source: &Source) -> Option<Site<'a>> {
    let value = slot.value?;
    let (name, tag, digest) = crate::argument::parts(text);
    if !is_name(name) {
        return None;
    }
    let is_valid = tag.is_none_or(|tag| sluice_core::check_tag(tag).is_ok())
        && digest.is_none_or(|digest| sluice_core::check_digest(digest).is_ok());
    let form = if is_valid { Ok(Form::Reference(slot)) } else { Err(unfilled(text, value, source)) };
    Some(Site { name: name.to_owned(), path, place: value.place(), form })
}

fn unfilled(text: &str, value: Node<'_>, source: &Source) -> Problem {
    if text.contains("{{") {
        return template("image", value, source);
    }
    let place = source.place(value.place());
    if text.contains('$') {
        return Problem::misconfigured("the image's tag is filled in from a variable")
            .help("set the variable where it gets its value")
            .at(place);
    }
    Problem::misconfigured("this is no image reference")
        .why(format!("{text:?} holds no valid tag or digest"))
        .at(place)
}

fn check_text(key: &str, entry: Option<Entry<'_>>, source: &Source) -> Result<(), Problem> {
    let Some(value) = entry.map(|entry| entry.value) else { return Ok(()) };
    match value.as_str() {
        Some(text) if text.contains("{{") => Err(template(key, value, source)),
        Some(text) if text.contains("${") => Err(unfilled(text, value, source)),
        Some(_) => Ok(()),
        None => Err(Problem::misconfigured(format!("`{key}` is not a text")).at(source.place(value.place()))),
    }
}

/// The text of a value that is one.
fn text(entry: Entry<'_>) -> Option<&str> {
    entry.value.as_str()
}

/// Whether a text can be an image's name.
pub(crate) fn is_name(text: &str) -> bool {
    text.parse::<ImageReference>().is_ok_and(|image| image.tag().is_none() && image.digest().is_none())
}
