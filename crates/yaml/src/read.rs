//! Typed reading of a file that holds one document.

use serde::de::DeserializeOwned;
use serde_saphyr::NonFiniteFloatPolicy;

use crate::{Document, Error, Place, explain, parse};

/// Reads a file of one document as a `T`, strictly.
///
/// A `String` gets the text as written (`1.10`, `on`, `0777`); only `true` and `false` are booleans; a key given twice,
/// a second document and text that is not UTF-8 are refused. An empty file, or one with comments only, is a null: an
/// `Option` reads it as none, a type that wants a mapping refuses it. Anchors, aliases and merge keys (`<<`) are
/// followed, within limits on the size of what they unfold to.
///
/// Mark structs with `#[serde(deny_unknown_fields)]` to have unknown keys refused.
pub fn from_slice<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Error> {
    let text = parse::text(bytes)?;
    let documents = Document::parse_all(bytes)?;
    match documents.as_slice() {
        [] => nothing(),
        [document] if document.root().is_null() => nothing(),
        [document] => read(text).map_err(|error| explain::explain(&error, document)),
        [_, second, ..] => {
            let what =
                format!("the file holds {} documents, expected one: the second starts here", documents.len());
            Err(Error::new(second.place, what))
        }
    }
}

/// A file that holds no value is a null.
fn nothing<T: DeserializeOwned>() -> Result<T, Error> {
    read("~").map_err(|_| Error::new(Place::START, "the file is empty"))
}

fn read<T: DeserializeOwned>(text: &str) -> Result<T, Box<serde_saphyr::Error>> {
    let options = serde_saphyr::options! {
        strict_booleans: true,
        // Where no type is given the text is kept: `.inf` is no reason to refuse a part that nobody reads.
        non_finite_float_policy: NonFiniteFloatPolicy::AsString,
        with_snippet: false,
    };
    serde_saphyr::from_str_with_options(text, options).map_err(Box::new)
}
