//! The trees of a file that edits are made in: its documents, and those of the blocks that are looked into.

use std::collections::BTreeMap;

use crate::{Document, Edit, Error, Node};

/// A file's documents.
pub(crate) struct File<'a> {
    pub(crate) documents: &'a [Document],
    /// The documents within literal blocks: for each block that an edit is within.
    pub(crate) blocks: BTreeMap<(usize, usize), Vec<Document>>,
}

impl<'a> File<'a> {
    /// The file that `bytes` are and `documents` are of, as far as the edits need it.
    pub(crate) fn of(bytes: &[u8], documents: &'a [Document], edits: &[Edit]) -> Result<Self, Error> {
        let mut blocks = BTreeMap::new();
        for (number, id) in edits.iter().filter_map(|edit| edit.within) {
            let document = documents.get(number).filter(|document| id < document.nodes.len());
            if let Some(document) = document {
                let block = Node { document, id, merged: None };
                blocks.insert((number, id), Document::parse_block(bytes, block)?);
            }
        }
        Ok(Self { documents, blocks })
    }

    /// The documents that the edit's is one of; none where the edit was made for another file.
    pub(crate) fn documents_of(&self, edit: &Edit) -> &[Document] {
        match edit.within {
            None => self.documents,
            Some(block) => self.blocks.get(&block).map_or(&[], Vec::as_slice),
        }
    }
}
