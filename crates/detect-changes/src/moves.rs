//! Files that were renamed, for people: a new file with exactly the content of one that is gone.
//!
//! Nothing is decided on it. Both names count, and content that is only alike tells nothing.

use std::collections::HashMap;

use gix::ObjectId;

use crate::{changes::Change, status::Status};

/// The contents that files had which are gone, and that new files have.
#[derive(Debug, Default)]
pub(crate) struct Moves {
    /// The one path that is gone; none where there are several.
    gone: HashMap<ObjectId, Option<Vec<u8>>>,
    /// Whether just one new file has it.
    new: HashMap<ObjectId, bool>,
}

impl Moves {
    pub(crate) fn look_at(&mut self, change: &Change<'_>) {
        // Files without content are alike, and no more.
        let Some(id) = change.id.filter(|id| !id.is_empty_blob()) else { return };
        match change.status {
            Status::Deleted => {
                let path = || Some(change.file.path.to_vec());
                self.gone.entry(id).and_modify(|path| *path = None).or_insert_with(path);
            }
            Status::Added => {
                self.new.entry(id).and_modify(|once| *once = false).or_insert(true);
            }
            Status::Modified | Status::TypeChanged => {}
        }
    }

    /// The path that a new file with this content had before.
    pub(crate) fn renamed_from(&self, id: Option<ObjectId>) -> Option<&[u8]> {
        let id = id?;
        self.gone.get(&id)?.as_deref().filter(|_| self.new.get(&id) == Some(&true))
    }
}
