//! The second opinion on the texts of a file.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use sluice_yaml::{Document, Node};

/// Reads with serde-saphyr, guided by the tree, the text of every value: each scalar is asked for as a string.
struct Guided<'a>(Node<'a>);

impl<'de> DeserializeSeed<'de> for Guided<'_> {
    type Value = Vec<Option<String>>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        if self.0.is_sequence() {
            deserializer.deserialize_seq(self)
        } else if self.0.is_mapping() {
            deserializer.deserialize_map(self)
        } else if self.0.is_null() {
            deserializer
                .deserialize_ignored_any(serde::de::IgnoredAny)
                .map(|_| vec![self.0.as_str().map(str::to_owned)])
        } else {
            deserializer.deserialize_string(self)
        }
    }
}

impl<'de> Visitor<'de> for Guided<'_> {
    type Value = Vec<Option<String>>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("what the tree has")
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(vec![Some(text.to_owned())])
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let mut found = vec![None];
        for item in self.0.items() {
            found.extend(items.next_element_seed(Guided(item))?.unwrap());
        }
        assert!(items.next_element::<serde::de::IgnoredAny>()?.is_none());
        Ok(found)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        let mut found = vec![None];
        for entry in self.0.entries() {
            assert_eq!(entries.next_key::<String>()?.as_deref(), entry.key.as_str());
            found.extend(entries.next_value_seed(Guided(entry.value))?);
        }
        assert!(entries.next_key::<String>()?.is_none());
        Ok(found)
    }
}

/// The texts of a file's one document as serde-saphyr reads them; none where a collection stands.
pub(crate) fn texts_by_the_reader(document: &Document, text: &str) -> Vec<Option<String>> {
    let root = document.root();
    serde_saphyr::with_deserializer_from_str(text, |deserializer| Guided(root).deserialize(deserializer))
        .unwrap()
}
