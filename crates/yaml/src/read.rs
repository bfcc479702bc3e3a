//! Typed reading of a file that holds one document.

use std::marker::PhantomData;

use serde::de::DeserializeOwned;

use crate::typed::Reading;
use crate::{Document, Error, Node, Place};

/// Reads a file of one document as a `T`: see [`Source::read`].
pub fn from_slice<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Error> {
    Source::parse(bytes)?.read()
}

/// A file of one document that is YAML, to be looked into and to be read as a type.
#[derive(Debug)]
pub struct Source {
    /// None where the file holds no value.
    document: Option<Document>,
}

impl Source {
    /// Takes a file; a second document, and text that is not UTF-8 or not YAML, are refused.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let mut documents = Document::parse_all(bytes)?;
        if let [_, second, ..] = documents.as_slice() {
            let what =
                format!("the file holds {} documents, expected one: the second starts here", documents.len());
            return Err(Error::new(second.place, what));
        }
        let document = documents.pop().filter(|document| !document.root().is_null());
        Ok(Self { document })
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
        self.read_by(&Reading::new(None))
    }

    /// As [`Source::read`], with every text that a type asks for, keys included, handed to `fill` first.
    ///
    /// `fill` gives what stands in place of a text, `None` for the text itself, or says what is wrong with it; that
    /// message comes back with the text's place. What it gives is text, never YAML: nothing in it is interpreted.
    pub fn read_with<T: DeserializeOwned>(
        &self,
        fill: &dyn Fn(&str) -> Result<Option<String>, String>,
    ) -> Result<T, Error> {
        self.read_by(&Reading::new(Some(fill)))
    }

    fn read_by<T: DeserializeOwned>(&self, reading: &Reading<'_>) -> Result<T, Error> {
        match &self.document {
            Some(document) => reading.read(document.root(), PhantomData),
            None => reading
                .read(Document::null().root(), PhantomData)
                .map_err(|_| Error::new(Place::START, "the file is empty")),
        }
    }
}

/// Reads a file of one document as a `T`, with its texts filled in: see [`Source::read_with`].
pub fn from_slice_with<T: DeserializeOwned>(
    bytes: &[u8],
    fill: &dyn Fn(&str) -> Result<Option<String>, String>,
) -> Result<T, Error> {
    Source::parse(bytes)?.read_with(fill)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;
    use serde::de::IgnoredAny;

    use super::*;
    use crate::Placed;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields, rename_all = "kebab-case")]
    struct Sample {
        name: Placed<String>,
        map: BTreeMap<String, Vec<Option<String>>>,
        #[serde(default)]
        kind: Option<Kind>,
        number: u8,
        #[serde(rename = "unread")]
        _unread: Option<IgnoredAny>,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "kebab-case")]
    enum Kind {
        Plain,
        With(String),
    }

    fn fill(text: &str) -> Result<Option<String>, String> {
        if text.contains("@bad") {
            return Err("no such name".to_owned());
        }
        Ok(text.contains('@').then(|| text.replace('@', "1: {x}")))
    }

    #[test]
    fn every_text_is_filled_in_and_stays_text() {
        let yaml = b"name: '@'\nmap:\n  \"a@\": ['@b', ~, c]\nkind: {with: '@'}\nnumber: 7\nunread: '@bad'\n";
        let sample: Sample = from_slice_with(yaml, &fill).unwrap();
        assert_eq!((sample.name.as_str(), sample.name.place.to_string().as_str()), ("1: {x}", "1:7"));
        let texts = &sample.map["a1: {x}"];
        assert_eq!(texts, &[Some("1: {x}b".to_owned()), None, Some("c".to_owned())]);
        assert_eq!((sample.kind, sample.number), (Some(Kind::With("1: {x}".to_owned())), 7));
        let plain: Sample = from_slice_with(b"{name: a, map: {}, kind: plain, number: 1}", &fill).unwrap();
        assert_eq!(plain.kind, Some(Kind::Plain));
    }

    #[test]
    fn what_can_not_be_filled_in_is_told_with_its_place() {
        let wrong = |yaml: &str| from_slice_with::<Sample>(yaml.as_bytes(), &fill).unwrap_err().to_string();
        assert_eq!(wrong("name: a\nmap: {}\nnumber: 1\nkind: {with: '@bad'}\n"), "4:14: no such name");
        assert_eq!(wrong("name: a\nmap: {b: [c, '@bad']}\nnumber: 1\n"), "2:14: no such name");
        assert_eq!(
            wrong("name: a\nmap: {}\nnumbr: 1\n"),
            "3:1: unknown key \"numbr\", did you mean \"number\"?"
        );
    }
}
