//! Kustomization files: the entries of `images`, and how they are set.
//!
//! An entry is `{name, newName, newTag, digest}`:
//! <https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/images/>.

use sluice_core::{Place, Problem, Problems, nearest};
use sluice_yaml::{Document, Edit, Entry, Node, Style, apply, needs_quotes};

use crate::{
    DigestPolicy, ImageArgument,
    edit::{Change, Edited, EditedImage},
    pin::Pin,
    source::Source,
};

const KINDS: [&str; 2] = ["Kustomization", "Component"];

/// The keys that are set, in the order in which they stand below a name.
const NEW_NAME: &str = "newName";
const NEW_TAG: &str = "newTag";
const DIGEST: &str = "digest";

/// What a file says of one image.
#[derive(Debug)]
pub(crate) struct Image {
    pub(crate) name: String,
    /// Where the name stands.
    pub(crate) place: sluice_yaml::Place,
    pub(crate) pin: Pin,
}

/// The images that a file pins, in its order.
pub(crate) fn images(source: &Source) -> Result<Vec<Image>, Problem> {
    let documents = parse(source)?;
    let entries = Entries::of(&documents, source)?;
    let image = |entry: &Named<'_>| {
        let fields = Fields::of(entries.find(entry.name)?, source)?;
        Ok(Image { name: entry.name.to_owned(), place: fields.name.value.place(), pin: fields.pin() })
    };
    entries.list.iter().map(image).collect()
}

/// The file with every image set; refused as a whole when one of them can't be.
pub(crate) fn set(
    source: Source,
    images: &[ImageArgument],
    policy: DigestPolicy,
) -> Result<Edited, Problems> {
    let documents = parse(&source)?;
    let entries = Entries::of(&documents, &source)?;
    let mut problems = Problems::default();
    let mut planned = Vec::new();
    for image in images {
        let fields = entries.find(&image.name).and_then(|entry| Fields::of(entry, &source));
        match fields.and_then(|fields| Ok((edits(&fields, image, policy, &source)?, fields.pin()))) {
            Ok((edits, before)) => planned.push((image, edits, before)),
            Err(problem) => problems.0.push(problem),
        }
    }
    let planned = problems.or(planned)?;

    let all: Vec<Edit> =
        planned.iter().flat_map(|(_, edits, _)| edits.iter().map(|(_, edit)| edit.clone())).collect();
    let after = apply(&source.bytes, &all).map_err(|error| refused(error, &source))?;
    // What is told of the result is read from the result.
    let written = Source { bytes: after, ..source.clone() };
    let documents = parse(&written)?;
    let entries = Entries::of(&documents, &written)?;
    let images = planned.into_iter().map(|(image, edits, before)| {
        let fields = Fields::of(entries.find(&image.name)?, &written)?;
        let keys = edits.iter().map(|(key, _)| *key);
        let changes = keys.filter_map(|key| fields.change(key, &before)).collect();
        Ok(EditedImage { name: image.name.clone(), before, after: fields.pin(), changes })
    });
    let images = images.collect::<Result<_, Problem>>()?;
    Ok(Edited { source, images, after: written.bytes })
}

/// The edits that one image needs, each with its key; none when all is set already.
fn edits(
    fields: &Fields<'_>,
    image: &ImageArgument,
    policy: DigestPolicy,
    source: &Source,
) -> Result<Vec<(&'static str, Edit)>, Problem> {
    let leaves_stale_digest = image.digest.is_none()
        && text(fields.digest).is_some()
        && image.tag.as_deref().is_some_and(|tag| !says(fields.new_tag, tag));
    if leaves_stale_digest && matches!(policy, DigestPolicy::Refuse | DigestPolicy::Replace) {
        return Err(stale_digest(fields, image, policy, source));
    }
    let drops_digest = leaves_stale_digest && policy == DigestPolicy::Drop;
    // Without a newName the name itself is what runs.
    let new_name = image.new_name.as_deref().filter(|name| fields.new_name.is_some() || *name != image.name);
    let wanted = [
        (NEW_NAME, fields.new_name, new_name),
        (NEW_TAG, fields.new_tag, image.tag.as_deref()),
        (DIGEST, fields.digest, image.digest.as_deref().or(drops_digest.then_some(""))),
    ];
    let mut edits = Vec::new();
    let mut above = fields.name;
    for (key, present, wanted) in wanted {
        match (present, wanted) {
            (Some(entry), Some(wanted)) if !says(present, wanted) => {
                edits.push((key, Edit::set(entry.value, wanted)));
            }
            (None, Some(wanted)) => edits.push((key, Edit::insert_after(above, key, wanted))),
            _ => {}
        }
        above = present.unwrap_or(above);
    }
    Ok(edits)
}

fn stale_digest(
    fields: &Fields<'_>,
    image: &ImageArgument,
    policy: DigestPolicy,
    source: &Source,
) -> Problem {
    let name = &image.name;
    let place = fields.digest.map_or(fields.name.value.place(), |digest| digest.value.place());
    let problem =
        Problem::misconfigured(format!("\"{name}\" has a digest that the new tag would leave stale"))
            .why("a digest decides what runs, whatever the tag beside it says")
            .at(source.place(place));
    if policy == DigestPolicy::Replace {
        problem.help(format!("`digest-policy: replace` needs a new one: write {name}:TAG@sha256:..."))
    } else {
        problem.help(format!("write {name}:TAG@sha256:..., or set `digest-policy` to `keep` or `drop`"))
    }
}

/// The values of one entry.
#[derive(Clone, Copy)]
struct Fields<'a> {
    name: Entry<'a>,
    new_name: Option<Entry<'a>>,
    new_tag: Option<Entry<'a>>,
    digest: Option<Entry<'a>>,
}

impl<'a> Fields<'a> {
    fn of(entry: Named<'a>, source: &Source) -> Result<Self, Problem> {
        let field = |key: &str| -> Result<Option<Entry<'a>>, Problem> {
            let Some(field) = entry.node.entry(key).map_err(|error| misread(error, source))? else {
                return Ok(None);
            };
            match field.value.as_str() {
                Some(text) if !text.contains("{{") => Ok(Some(field)),
                _ => Err(not_a_text(field.value, key, source)),
            }
        };
        Ok(Self {
            name: entry.key,
            new_name: field(NEW_NAME)?,
            new_tag: field(NEW_TAG)?,
            digest: field(DIGEST)?,
        })
    }

    fn pin(&self) -> Pin {
        Pin { new_name: text(self.new_name), tag: text(self.new_tag), digest: text(self.digest) }
    }

    /// The change of one value, where `before` holds what was there.
    fn change(&self, key: &'static str, before: &Pin) -> Option<Change> {
        let (now, before) = match key {
            NEW_NAME => (self.new_name, &before.new_name),
            NEW_TAG => (self.new_tag, &before.tag),
            _ => (self.digest, &before.digest),
        };
        let value = now?.value;
        Some(Change { key, place: value.place(), before: before.clone(), after: value.as_str()?.to_owned() })
    }
}

/// The text of a value; none where the entry lacks it or says nothing.
fn text(field: Option<Entry<'_>>) -> Option<String> {
    let value = field?.value;
    value.as_str().filter(|text| !text.is_empty() && !value.is_null()).map(str::to_owned)
}

/// Whether the value is this text to every reader: an unquoted `1.10` is a number, and not the tag "1.10".
fn says(field: Option<Entry<'_>>, wanted: &str) -> bool {
    field.is_some_and(|field| {
        let is_typed = match field.value.tag() {
            Some(tag) => tag.starts_with("tag:yaml.org,2002:") && tag != "tag:yaml.org,2002:str",
            None => field.value.style() == Some(Style::Plain) && needs_quotes(wanted),
        };
        field.value.as_str() == Some(wanted) && !is_typed
    })
}

/// The entries of `images`.
struct Entries<'a> {
    list: Vec<Named<'a>>,
    /// Where they stand; none where the file has no `images`.
    place: Option<sluice_yaml::Place>,
    source: &'a Source,
}

/// An entry and its name.
#[derive(Clone, Copy)]
struct Named<'a> {
    name: &'a str,
    key: Entry<'a>,
    node: Node<'a>,
}

impl<'a> Entries<'a> {
    fn of(documents: &'a [Document], source: &'a Source) -> Result<Self, Problem> {
        let images = images_of(documents, source)?;
        let mut list = Vec::new();
        for node in images.iter().flat_map(|images| images.items()) {
            list.extend(named(node, source)?);
        }
        Ok(Self { list, place: images.map(Node::place), source })
    }

    /// The one entry of an image.
    fn find(&self, name: &str) -> Result<Named<'a>, Problem> {
        let mut found = self.list.iter().filter(|entry| entry.name == name);
        match (found.next(), found.next()) {
            (Some(entry), None) => Ok(*entry),
            (Some(first), Some(second)) => {
                Err(Problem::misconfigured(format!("\"{name}\" has two entries in `images`"))
                    .why("a build takes the last one, `kustomize edit` the first")
                    .help(format!("keep one; the other is in line {}", first.key.value.place().line))
                    .at(self.source.place(second.key.value.place())))
            }
            (None, _) => Err(self.missing(name)),
        }
    }

    fn missing(&self, name: &str) -> Problem {
        let file = self.source.name();
        let place = self.place.map_or_else(|| Place::file(&file), |place| self.source.place(place));
        let problem = Problem::misconfigured(format!("no entry for \"{name}\" in {file}")).at(place);
        let names = || self.list.iter().map(|entry| entry.name);
        let renamed = self.list.iter().find(|entry| {
            let new_name = entry.node.get(NEW_NAME).ok().flatten().and_then(Node::as_str);
            new_name == Some(name)
        });
        if let Some(entry) = renamed {
            let name = entry.name;
            return problem
                .why(format!("it is the `newName` of \"{name}\""))
                .help(format!("name the entry: {name}=*:TAG"));
        }
        match nearest(name, names()) {
            Some(meant) => problem.help(format!("did you mean \"{meant}\"?")),
            None if self.list.is_empty() => {
                problem.why("it sets no images").help(format!("write `- name: {name}` below `images`"))
            }
            None => problem.why(format!("its entries are {}", names().collect::<Vec<_>>().join(", "))),
        }
    }
}

/// The value of `images` in a file that is a kustomization.
fn images_of<'a>(documents: &'a [Document], source: &Source) -> Result<Option<Node<'a>>, Problem> {
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
    match root.get("images").map_err(|error| misread(error, source))? {
        Some(images) if images.is_sequence() => Ok(Some(images)),
        Some(images) if !images.is_null() => Err(not_of_kind(images, "`images` is not a list", source)),
        _ => Ok(None),
    }
}

/// An item of `images` with its name. An entry without a name is no image's.
fn named<'a>(node: Node<'a>, source: &Source) -> Result<Option<Named<'a>>, Problem> {
    if !node.is_mapping() {
        return Err(not_of_kind(node, "an entry of `images` is not a mapping", source));
    }
    if node.entries().any(|entry| entry.key.as_str().is_none()) {
        return Err(not_of_kind(node, "an entry of `images` has a key that is no name", source));
    }
    let Some(key) = node.entry("name").map_err(|error| misread(error, source))? else { return Ok(None) };
    match key.value.as_str() {
        Some(name) if !name.contains("{{") => Ok(Some(Named { name, key, node })),
        _ => Err(not_a_text(key.value, "name", source)),
    }
}

fn parse(source: &Source) -> Result<Vec<Document>, Problem> {
    Document::parse_all(&source.bytes).map_err(|error| misread(error, source))
}

/// A value that must be a text and is none, or one that another tool fills in.
fn not_a_text(value: Node<'_>, key: &str, source: &Source) -> Problem {
    if value.as_str().is_some() {
        return Problem::misconfigured(format!("`{key}` is a template: another tool fills it in"))
            .help("set the image where the template gets its values from")
            .at(source.place(value.place()));
    }
    not_of_kind(value, &format!("`{key}` is not a text"), source)
}

fn not_of_kind(value: Node<'_>, what: &str, source: &Source) -> Problem {
    Problem::misconfigured(what).at(source.place(value.place()))
}

fn misread(error: sluice_yaml::Error, source: &Source) -> Problem {
    Problem::misconfigured(error.what).at(source.place(error.place))
}

fn refused(error: sluice_yaml::Error, source: &Source) -> Problem {
    Problem::misconfigured("an image can't be set here").why(error.what).at(source.place(error.place))
}

#[cfg(test)]
mod tests;
