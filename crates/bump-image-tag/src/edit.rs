//! A file with its images set, not yet written. Formats make it; strategies write it.

use crate::{pin::Pin, source::Source};

/// One file before and after.
#[derive(Clone, Debug)]
pub(crate) struct Edited {
    pub(crate) source: Source,
    /// The bytes that the file is to hold.
    pub(crate) after: Vec<u8>,
    /// One for each image that was to be set, in that order.
    pub(crate) images: Vec<EditedImage>,
}

impl Edited {
    pub(crate) fn is_changed(&self) -> bool {
        self.after != self.source.bytes
    }
}

/// One image of a file before and after.
#[derive(Clone, Debug)]
pub(crate) struct EditedImage {
    /// The name of its entry.
    pub(crate) name: String,
    pub(crate) before: Pin,
    pub(crate) after: Pin,
    /// The values that differ; none when all was set already.
    pub(crate) changes: Vec<Change>,
}

/// One value that was changed or added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) key: &'static str,
    /// Where the new value stands in the file after the edit.
    pub(crate) place: sluice_yaml::Place,
    /// The value before; none where the key was added.
    pub(crate) before: Option<String>,
    pub(crate) after: String,
}
