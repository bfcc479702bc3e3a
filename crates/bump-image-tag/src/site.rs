//! A site: one place of a file that says which version of an image runs.
//!
//! Formats find sites; what a site says is read here, and the edits that make it say something else are planned here.

use sluice_core::Problem;
use sluice_yaml::{Edit, Entry, Node, Place, Style, needs_quotes};

use crate::{
    argument::{familiar, parts},
    pin::Pin,
    source::Source,
};

/// One place of a file that says which version of an image runs.
#[derive(Clone, Debug)]
pub(crate) struct Site<'a> {
    /// What the image is called there: the name of a kustomization's entry, else the image's own name.
    pub(crate) name: String,
    /// The way to it: `.spec.containers[name=app].image`; behind the document's own name where it has one.
    pub(crate) path: String,
    /// Where the name stands.
    pub(crate) place: Place,
    /// What is written there; or why that can't be told.
    pub(crate) form: Result<Form<'a>, Problem>,
}

/// How a site is written.
#[derive(Clone, Debug)]
pub(crate) enum Form<'a> {
    /// In one text: `registry/name:tag@sha256:...`. In Argo CD's lists `name=` may stand before it.
    Reference(Slot<'a>),
    /// In values of their own.
    Apart(Box<Apart<'a>>),
}

/// The values of a site that has one for each part.
#[derive(Clone, Debug)]
pub(crate) struct Apart<'a> {
    pub(crate) name: Name<'a>,
    pub(crate) tag: Slot<'a>,
    pub(crate) digest: Slot<'a>,
    /// The entry below which a key that is missing goes; none where a key is more than an entry.
    pub(crate) above: Option<Entry<'a>>,
}

/// How the image's name is written in a value of its own.
#[derive(Clone, Debug)]
pub(crate) enum Name<'a> {
    /// The site's name is replaced by this one.
    Replaced(Slot<'a>),
    /// The site's name itself: registry and repository.
    Own { registry: Option<Slot<'a>>, repository: Slot<'a> },
}

/// A value and what its key is called.
#[derive(Clone, Debug)]
pub(crate) struct Slot<'a> {
    pub(crate) key: String,
    pub(crate) value: Option<Node<'a>>,
    /// The entry that the value is of; none for an item of a list.
    pub(crate) entry: Option<Entry<'a>>,
}

/// What a site is to say. `None` leaves a part as it is, an empty text takes it away.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Wanted<'w> {
    pub(crate) name: Option<&'w str>,
    pub(crate) tag: Option<&'w str>,
    pub(crate) digest: Option<&'w str>,
}

/// The edit of one value.
#[derive(Clone, Debug)]
pub(crate) struct SlotEdit {
    pub(crate) key: String,
    pub(crate) edit: Edit,
}

impl<'a> Site<'a> {
    /// Whether it is the site of the image of this name.
    pub(crate) fn is_of(&self, name: &str) -> bool {
        familiar(&self.name) == familiar(name)
    }

    /// Whether name and version stand in one text.
    pub(crate) fn is_reference(&self) -> bool {
        matches!(self.form, Ok(Form::Reference(_)))
    }

    /// What the site says.
    pub(crate) fn pin(&self) -> Result<Pin, Problem> {
        let form = self.form.as_ref().map_err(Clone::clone)?;
        Ok(match form {
            Form::Reference(slot) => {
                let (_, reference) = aliased(slot.text().unwrap_or_default());
                let (name, tag, digest) = parts(reference);
                let new_name = (name != self.name).then(|| name.to_owned());
                Pin { new_name, tag: tag.map(str::to_owned), digest: digest.map(str::to_owned) }
            }
            Form::Apart(apart) => {
                let new_name = match &apart.name {
                    Name::Replaced(slot) => slot.said(),
                    Name::Own { .. } => None,
                };
                let (tag, digest) = apart.version();
                Pin { new_name, tag, digest }
            }
        })
    }

    /// Where the digest stands, else the name.
    pub(crate) fn place_of_digest(&self) -> Place {
        let digest = match &self.form {
            Ok(Form::Apart(apart)) => apart.digest.value.or(apart.tag.value),
            Ok(Form::Reference(slot)) => slot.value,
            Err(_) => None,
        };
        digest.map_or(self.place, Node::place)
    }

    /// The values of the site by their keys.
    pub(crate) fn slots(&self) -> Vec<&Slot<'a>> {
        match &self.form {
            Ok(Form::Reference(slot)) => vec![slot],
            Ok(Form::Apart(apart)) => {
                let names = match &apart.name {
                    Name::Replaced(slot) => vec![slot],
                    Name::Own { registry, repository } => {
                        registry.iter().chain(std::iter::once(repository)).collect()
                    }
                };
                names.into_iter().chain([&apart.tag, &apart.digest]).collect()
            }
            Err(_) => Vec::new(),
        }
    }

    /// The edits that make the site say what is wanted; none when it does already.
    pub(crate) fn edits(
        &self,
        wanted: Wanted<'_>,
        add_missing: bool,
        source: &Source,
    ) -> Result<Vec<SlotEdit>, Problem> {
        match self.form.as_ref().map_err(Clone::clone)? {
            Form::Reference(slot) => Ok(slot.set(&reference(slot, wanted)).into_iter().collect()),
            Form::Apart(apart) => self.edits_apart(apart, wanted, add_missing, source),
        }
    }

    fn edits_apart(
        &self,
        apart: &Apart<'a>,
        wanted: Wanted<'_>,
        add_missing: bool,
        source: &Source,
    ) -> Result<Vec<SlotEdit>, Problem> {
        let mut pairs: Vec<(&Slot<'a>, Option<String>)> = Vec::new();
        match (&apart.name, wanted.name) {
            (Name::Replaced(slot), name) => {
                // Without a new name the name itself is what runs.
                let name = name.filter(|name| slot.value.is_some() || *name != self.name);
                pairs.push((slot, name.map(str::to_owned)));
            }
            (Name::Own { registry: Some(registry), repository }, Some(name)) => {
                let (host, path) = name.split_once('/').ok_or_else(|| self.no_registry(name, source))?;
                pairs.push((registry, Some(host.to_owned())));
                pairs.push((repository, Some(path.to_owned())));
            }
            (Name::Own { registry: None, repository }, name) => {
                pairs.push((repository, name.map(str::to_owned)));
            }
            (Name::Own { .. }, None) => {}
        }
        if apart.holds_both() {
            let (tag, digest) = apart.version();
            let tag = wanted.tag.map_or(tag.unwrap_or_default(), str::to_owned);
            let digest = wanted.digest.map_or(digest.unwrap_or_default(), str::to_owned);
            let digest = if digest.is_empty() { digest } else { format!("@{digest}") };
            pairs.push((&apart.tag, Some(format!("{tag}{digest}"))));
        } else {
            pairs.push((&apart.tag, wanted.tag.map(str::to_owned)));
            pairs.push((&apart.digest, wanted.digest.map(str::to_owned)));
        }

        let mut edits = Vec::new();
        let mut above = apart.above;
        for (slot, wanted) in pairs {
            match (slot.value, wanted) {
                (Some(_), Some(wanted)) => edits.extend(slot.set(&wanted)),
                (None, Some(wanted)) if !wanted.is_empty() => {
                    let above = above
                        .filter(|_| add_missing)
                        .ok_or_else(|| self.lacks(slot, apart.above.is_some() && !add_missing, source))?;
                    let edit = Edit::insert_after(above, slot.key.as_str(), wanted);
                    edits.push(SlotEdit { key: slot.key.clone(), edit });
                }
                _ => {}
            }
            above = slot.entry.or(above);
        }
        Ok(edits)
    }

    fn lacks(&self, slot: &Slot<'_>, can_be_added: bool, source: &Source) -> Problem {
        let Self { name, place, .. } = self;
        let problem =
            Problem::misconfigured(format!("\"{name}\" has no `{}` here", slot.key)).at(source.place(*place));
        if can_be_added {
            problem.help("`add-missing: true` adds the key")
        } else {
            problem.help("write it into the file by hand once")
        }
    }

    fn no_registry(&self, name: &str, source: &Source) -> Problem {
        Problem::misconfigured(format!("\"{name}\" names no registry"))
            .why(format!("\"{}\" is written as registry and repository here", self.name))
            .help("write the new name with its registry")
            .at(source.place(self.place))
    }
}

impl Apart<'_> {
    /// Tag and digest, each where it is said.
    fn version(&self) -> (Option<String>, Option<String>) {
        match self.tag.said() {
            Some(text) if self.holds_both() => {
                let (tag, digest) = text.split_once('@').unwrap_or((&text, ""));
                (Some(tag.to_owned()).filter(|tag| !tag.is_empty()), Some(digest.to_owned()))
            }
            tag => (tag, self.digest.said()),
        }
    }

    /// Whether the digest stands in the tag's value: `v1@sha256:...`.
    fn holds_both(&self) -> bool {
        self.tag.text().is_some_and(|text| text.contains('@'))
    }
}

impl<'a> Slot<'a> {
    pub(crate) fn of(key: &str, entry: Option<Entry<'a>>) -> Self {
        Self { key: key.to_owned(), value: entry.map(|entry| entry.value), entry }
    }

    /// The text of the value as it is written; none where there is no value.
    pub(crate) fn text(&self) -> Option<&'a str> {
        self.value?.as_str()
    }

    /// What the value says; none where it is missing, or says nothing.
    pub(crate) fn said(&self) -> Option<String> {
        let value = self.value?;
        value.as_str().filter(|text| !text.is_empty() && !value.is_null()).map(str::to_owned)
    }

    /// The edit that makes the value this text; none where it is that to every reader, and none without a value.
    pub(crate) fn set(&self, wanted: &str) -> Option<SlotEdit> {
        let value = self.value.filter(|value| !says(*value, wanted))?;
        // To take away what says nothing is no change.
        if wanted.is_empty() && self.said().is_none() {
            return None;
        }
        Some(SlotEdit { key: self.key.clone(), edit: Edit::set(value, wanted) })
    }
}

/// Whether the value is this text to every reader: an unquoted `1.10` is a number, and not the tag "1.10".
fn says(value: Node<'_>, wanted: &str) -> bool {
    let is_typed = match value.tag() {
        Some(tag) => tag.starts_with("tag:yaml.org,2002:") && tag != "tag:yaml.org,2002:str",
        None => value.style() == Some(Style::Plain) && needs_quotes(wanted),
    };
    value.as_str() == Some(wanted) && !is_typed
}

/// The text of a reference with what is wanted in it.
fn reference(slot: &Slot<'_>, wanted: Wanted<'_>) -> String {
    let (alias, reference) = aliased(slot.text().unwrap_or_default());
    let (name, tag, digest) = parts(reference);
    let mut text = alias.map_or_else(String::new, |alias| format!("{alias}="));
    text.push_str(wanted.name.unwrap_or(name));
    let part = |wanted: Option<&str>, present: Option<&str>, sign: char| {
        let part = wanted.or(present).filter(|part| !part.is_empty());
        part.map_or_else(String::new, |part| format!("{sign}{part}"))
    };
    text.push_str(&part(wanted.tag, tag, ':'));
    text.push_str(&part(wanted.digest, digest, '@'));
    text
}

/// The name before a `=`, and the reference: `name=newName:tag`.
pub(crate) fn aliased(text: &str) -> (Option<&str>, &str) {
    text.split_once('=').map_or((None, text), |(alias, reference)| (Some(alias), reference))
}
