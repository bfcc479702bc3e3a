//! One change to a file, as a caller asks for it.

use std::ops::Range;

use crate::error::Refusal;
use crate::file::File;
use crate::{Entry, Error, Node, Place};

/// An item of a list to insert: the keys of a mapping with their texts.
pub type Item = Vec<(String, String)>;

/// One change to a file.
#[derive(Debug, Clone)]
pub struct Edit {
    /// The document that the node is in, by its position in the file or in the block that it is within.
    pub(crate) document: usize,
    /// The literal block that the document is within.
    pub(crate) within: Option<(usize, usize)>,
    /// The value to set, or the value of the entry to insert after.
    pub(crate) node: usize,
    pub(crate) change: Change,
    /// The merge key that the node was found through.
    merged: Option<usize>,
    /// What tells the node in the file that the edit was made for.
    seen: (Range<usize>, Option<String>),
}

#[derive(Debug, Clone)]
pub(crate) enum Change {
    Set {
        value: String,
    },
    /// As `Set`, and written without quotes whatever a reader takes it for.
    SetPlain {
        value: String,
    },
    Insert {
        key: String,
        value: String,
    },
    /// Items behind the node in its list.
    Append {
        items: Vec<Item>,
    },
    /// An entry with a list behind the node's entry.
    InsertList {
        key: String,
        items: Vec<Item>,
    },
}

impl Edit {
    /// Sets a scalar to a text, in the style that it is written in where that can hold the text.
    ///
    /// A plain scalar gets quotes where a reader of YAML 1.1 or 1.2 would take the new text for a number or another
    /// type (see [`crate::needs_quotes`]). A value that is not written (`key:`) is written behind the colon.
    pub fn set(value: Node<'_>, text: impl Into<String>) -> Self {
        Self::new(value, Change::Set { value: text.into() })
    }

    /// Sets a plain scalar to a text that stays plain, so that a reader takes it for what it looks like: a number, a
    /// truth value.
    ///
    /// A text that is not one plain line is refused, and so is a scalar in quotes.
    pub fn set_plain(value: Node<'_>, text: impl Into<String>) -> Self {
        Self::new(value, Change::SetPlain { value: text.into() })
    }

    /// Inserts an entry with a text as its value into the mapping of `entry`, behind that entry and in its style.
    pub fn insert_after(entry: Entry<'_>, key: impl Into<String>, text: impl Into<String>) -> Self {
        Self::new(entry.value, Change::Insert { key: key.into(), value: text.into() })
    }

    /// Inserts items into the list of `item`, behind that item and in its style.
    pub fn append_after(item: Node<'_>, items: Vec<Item>) -> Self {
        Self::new(item, Change::Append { items })
    }

    /// Inserts an entry with a list of items into the block mapping of `entry`, behind that entry.
    pub fn insert_list_after(entry: Entry<'_>, key: impl Into<String>, items: Vec<Item>) -> Self {
        Self::new(entry.value, Change::InsertList { key: key.into(), items })
    }

    fn new(node: Node<'_>, change: Change) -> Self {
        let Node { document, id, merged } = node;
        let (number, within) = (document.number, document.within);
        Self { document: number, within, node: id, change, merged, seen: identity(node) }
    }

    /// The edit's node in `file`; an edit that was made for other bytes is refused.
    pub(crate) fn node_in<'a>(&self, file: &'a File<'_>) -> Result<Node<'a>, Error> {
        file.documents_of(self)
            .get(self.document)
            .filter(|document| self.node < document.nodes.len())
            .map(|document| Node { document, id: self.node, merged: self.merged })
            .filter(|node| identity(*node) == self.seen)
            .ok_or_else(|| Error::refused(Place::START, Refusal::Stale, "the edit was made for another file"))
    }
}

fn identity(node: Node<'_>) -> (Range<usize>, Option<String>) {
    (node.span(), node.as_str().map(str::to_owned))
}
