//! Typed reading of a file that holds one document.

use serde::de::DeserializeOwned;
use serde_saphyr::NonFiniteFloatPolicy;

use crate::{Document, Error, Node, Place, explain, parse};

/// Reads a file of one document as a `T`: see [`Source::read`].
pub fn from_slice<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Error> {
    Source::parse(bytes)?.read()
}

/// A file of one document that is YAML, to be looked into and to be read as a type.
#[derive(Debug)]
pub struct Source<'a> {
    text: &'a str,
    /// None where the file holds no value.
    document: Option<Document>,
}

impl<'a> Source<'a> {
    /// Takes a file; a second document, and text that is not UTF-8 or not YAML, are refused.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Error> {
        let mut documents = Document::parse_all(bytes)?;
        if let [_, second, ..] = documents.as_slice() {
            let what =
                format!("the file holds {} documents, expected one: the second starts here", documents.len());
            return Err(Error::new(second.place, what));
        }
        let document = documents.pop().filter(|document| !document.root().is_null());
        Ok(Self { text: parse::text(bytes)?, document })
    }

    /// The value that the file holds; none where it is empty, has comments only, or is a null.
    pub fn root(&self) -> Option<Node<'_>> {
        self.document.as_ref().map(Document::root)
    }

    /// Reads the file as a `T`, strictly.
    ///
    /// A `String` gets the text as written (`1.10`, `on`, `0777`); only `true` and `false` are booleans; a key given
    /// twice is refused. A file without a value is a null: an `Option` reads it as none, a type that wants a mapping
    /// refuses it. Anchors, aliases and merge keys (`<<`) are followed, within limits on the size of what they unfold
    /// to.
    ///
    /// Mark structs with `#[serde(deny_unknown_fields)]` to have unknown keys refused.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, Error> {
        match &self.document {
            Some(document) => read(self.text).map_err(|error| explain::explain(&error, document)),
            None => read("~").map_err(|_| Error::new(Place::START, "the file is empty")),
        }
    }
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
