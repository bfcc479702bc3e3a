//! A file with its images set, not yet written. Commands say what its sites are to say; strategies write it.

use sluice_core::Problem;
use sluice_yaml::{Edit, apply_to};

use crate::{
    at, diff,
    files::Read,
    formats::{Parsed, misread},
    pin::Pin,
    site::{Site, SlotEdit},
    source::Source,
};

/// One file before and after.
#[derive(Clone, Debug)]
pub(crate) struct Edited {
    pub(crate) source: Source,
    /// The bytes that the file is to hold.
    pub(crate) after: Vec<u8>,
    /// One for each site that was to be set, in the order of the file.
    pub(crate) images: Vec<EditedImage>,
    /// One for each place that was named outright.
    pub(crate) places: Vec<EditedPlace>,
    /// What differs, as a diff has it: see [`diff::hunks`].
    pub(crate) hunks: String,
}

impl Edited {
    pub(crate) fn is_changed(&self) -> bool {
        self.after != self.source.bytes
    }
}

/// One site of a file before and after.
#[derive(Clone, Debug)]
pub(crate) struct EditedImage {
    /// What the image is called there.
    pub(crate) name: String,
    /// Where its name stands after the edit.
    pub(crate) place: sluice_yaml::Place,
    pub(crate) before: Pin,
    pub(crate) after: Pin,
    /// The values that differ; none when all was set already.
    pub(crate) changes: Vec<Change>,
}

/// A place that was named outright.
#[derive(Clone, Debug)]
pub(crate) struct EditedPlace {
    /// The place as it was named: `.backend.image.tag`.
    pub(crate) path: String,
    /// Where its value stands.
    pub(crate) place: sluice_yaml::Place,
    /// The change; none when it was set already.
    pub(crate) change: Option<Change>,
}

/// One value that was changed or added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) key: String,
    /// Where the new value stands in the file after the edit.
    pub(crate) place: sluice_yaml::Place,
    /// The value before; none where the key was added.
    pub(crate) before: Option<String>,
    pub(crate) after: String,
}

/// What is to be done in one file.
#[derive(Debug, Default)]
pub(crate) struct Edits {
    /// The sites to set, by their position in the file, each with its edits.
    pub(crate) sites: Vec<(usize, Vec<SlotEdit>)>,
    /// The entry to add for each of these images.
    pub(crate) entries: Option<(Vec<String>, Edit)>,
    /// The places that were named outright.
    pub(crate) places: Vec<at::Planned>,
}

impl Edits {
    pub(crate) fn is_empty(&self) -> bool {
        self.sites.is_empty() && self.entries.is_none() && self.places.is_empty()
    }
}

/// The file with the edits made.
pub(crate) fn edit(read: &Read, edits: Edits) -> Result<Edited, Problem> {
    edit_sites(read, &read.parsed.sites(&read.source)?.sites, edits)
}

/// The same, for a file whose sites are at hand.
pub(crate) fn edit_sites(read: &Read, before: &[Site<'_>], edits: Edits) -> Result<Edited, Problem> {
    let Read { source, parsed } = read;
    let of_sites = edits.sites.iter().flat_map(|(_, edits)| edits).map(|edit| &edit.edit);
    let entries = edits.entries.iter().map(|(_, edit)| edit);
    let places = edits.places.iter().filter_map(|planned| planned.edit.as_ref());
    let all: Vec<Edit> = of_sites.chain(entries).chain(places).cloned().collect();
    let (after, documents) =
        apply_to(&source.bytes, &parsed.documents, &all).map_err(|error| refused(error, source))?;

    // What is told of the result is read from the result.
    let (path, relative) = (source.path.clone(), source.relative.clone());
    let written = Source { path, relative, bytes: after };
    let reread = Parsed::of(documents, &written);
    let after = reread.sites(&written)?.sites;
    let mut images = Vec::new();
    for (index, edits) in &edits.sites {
        let (Some(before), Some(after)) = (before.get(*index), after.get(*index)) else {
            return Err(unlike(source));
        };
        images.push(edited(before, after, edits)?);
    }
    for name in edits.entries.iter().flat_map(|(names, _)| names) {
        let site = after.iter().find(|site| site.name == *name).ok_or_else(|| unlike(source))?;
        let changes = site.slots().into_iter().filter_map(|slot| {
            let (value, after) = (slot.value?, slot.said()?);
            Some(Change { key: slot.key.clone(), place: value.place(), before: None, after })
        });
        let (changes, after) = (changes.collect(), site.pin()?);
        images.push(EditedImage {
            name: name.clone(),
            place: site.place,
            before: Pin::default(),
            after,
            changes,
        });
    }
    let places =
        edits.places.into_iter().map(|planned| planned.done(&written, &reread)).collect::<Result<_, _>>()?;
    let hunks = diff::hunks(&source.bytes, &written.bytes);
    Ok(Edited { source: source.clone(), images, places, after: written.bytes, hunks })
}

fn edited(before: &Site<'_>, after: &Site<'_>, edits: &[SlotEdit]) -> Result<EditedImage, Problem> {
    let slot = |site: &'_ Site<'_>, key: &str| {
        let slot = site.slots().into_iter().find(|slot| slot.key == key)?;
        Some((slot.value?.place(), slot.said().unwrap_or_default()))
    };
    let change = |edit: &SlotEdit| {
        let (place, now) = slot(after, &edit.key)?;
        let before = slot(before, &edit.key).map(|(_, text)| text).filter(|text| !text.is_empty());
        Some(Change { key: edit.key.clone(), place, before, after: now })
    };
    let changes = edits.iter().filter_map(change).collect();
    let mut pin = after.pin()?;
    if pin.new_name.is_none() && after.name != before.name {
        pin.new_name = Some(after.name.clone());
    }
    Ok(EditedImage {
        name: before.name.clone(),
        place: after.place,
        before: before.pin()?,
        after: pin,
        changes,
    })
}

/// The problem of a file whose sites are not the same after an edit, which no edit does.
fn unlike(source: &Source) -> Problem {
    Problem::undecided(format!("{} reads differently after the edit: nothing was written", source.name()))
}

pub(crate) fn refused(error: sluice_yaml::Error, source: &Source) -> Problem {
    let place = source.place(error.place);
    if error.refusal.is_none() {
        return misread(error, source);
    }
    Problem::misconfigured("an image can't be set here").why(error.what).at(place)
}
