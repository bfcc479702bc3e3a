//! Changes values in a file and leaves every other byte as it is.

use std::ops::Range;

use crate::file::File;
use crate::plan::{Source, prefers_single};
use crate::{Document, Edit, Error, check, refuse};

/// `bytes` with the edits made: the values that are meant differ, all other bytes are the same.
///
/// The result is parsed again and compared with the file before; where anything else would mean something new,
/// nothing is returned. What can't be edited safely is refused with [`Error::refusal`] and its place; then nothing
/// is changed at all.
pub fn apply(bytes: &[u8], edits: &[Edit]) -> Result<Vec<u8>, Error> {
    apply_to(bytes, &Document::parse_all(bytes)?, edits).map(|(result, _)| result)
}

/// Like [`apply`], for a file whose documents are at hand. Returns those of the result, too.
///
/// An edit that was not made for these documents is refused; so is one where they are not those of `bytes`.
pub fn apply_to(
    bytes: &[u8],
    documents: &[Document],
    edits: &[Edit],
) -> Result<(Vec<u8>, Vec<Document>), Error> {
    let file = File::of(bytes, documents, edits)?;
    let source = Source::new(bytes)?;
    refuse::divided_text(source.text)?;
    let mut splices = Vec::new();
    for (index, edit) in edits.iter().enumerate() {
        let node = edit.node_in(&file)?;
        refuse::second(&edits[..index], edit, node)?;
        splices.push(source.plan(edit, node, prefers_single(file.documents_of(edit)))?);
    }
    // A value goes before the entry that is inserted behind it, also where both come to the same byte.
    splices.sort_by_key(|splice| splice.inserts);
    let result = spliced(source.text, splices);
    let documents = check::only_meant_values_differ(&file, edits, &result)?;
    Ok((result.into_bytes(), documents))
}

/// A piece of text to put where `at` is.
pub(crate) struct Splice {
    pub(crate) at: Range<usize>,
    pub(crate) text: String,
    /// Whether this is an entry of its own.
    pub(crate) inserts: bool,
}

/// `text` with the pieces put in.
fn spliced(text: &str, mut splices: Vec<Splice>) -> String {
    splices.sort_by_key(|splice| splice.at.start);
    let mut result = String::with_capacity(text.len());
    let (mut copied, mut last) = (0, None);
    for splice in splices {
        result.push_str(text.get(copied..splice.at.start).unwrap_or_default());
        // A value that is written where there was none needs no space behind it.
        let follows = last.replace(splice.at.start) == Some(splice.at.start);
        result.push_str(if follows { splice.text.trim_start_matches(' ') } else { &splice.text });
        copied = splice.at.end;
    }
    result.push_str(text.get(copied..).unwrap_or_default());
    result
}
