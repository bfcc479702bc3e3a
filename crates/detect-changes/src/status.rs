//! What happened to a file.

use gix::objs::tree::{EntryKind, EntryMode};

/// What happened to a file between two trees. A renamed file is a deleted and an added one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Status {
    /// It is new.
    Added,
    /// Its content or its mode is another one; of a submodule, its commit.
    Modified,
    /// It is gone.
    Deleted,
    /// It is of another kind: a file became a symbolic link, say.
    TypeChanged,
}

impl Status {
    /// All, in the order in which people are told of them.
    pub(crate) const ALL: [Self; 4] = [Self::Added, Self::Modified, Self::Deleted, Self::TypeChanged];

    /// The status as filters and reports spell it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Modified => "modified",
            Self::Deleted => "deleted",
            Self::TypeChanged => "type-changed",
        }
    }

    /// The status of a path that is in both trees; none if it is the same in both.
    pub(crate) fn of(
        (old_mode, old_id): (EntryMode, &gix::oid),
        (mode, id): (EntryMode, &gix::oid),
    ) -> Option<Self> {
        if family(old_mode) != family(mode) {
            Some(Self::TypeChanged)
        } else if old_id != id || old_mode.kind() != mode.kind() {
            Some(Self::Modified)
        } else {
            None
        }
    }
}

/// The kind of an entry, whether executable or not.
fn family(mode: EntryMode) -> EntryKind {
    match mode.kind() {
        EntryKind::BlobExecutable => EntryKind::Blob,
        kind => kind,
    }
}
