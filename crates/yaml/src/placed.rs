//! A value that knows its place.

use std::borrow::Cow;
use std::ops::Deref;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer};

use crate::Place;

/// A value and its place in the file, for messages that can only be made once the whole is known.
///
/// It fits wherever the value itself fits: fields, items, keys and values of maps. A value that comes through an
/// alias or a merge key has the place where it is used. In a field that may be missing write `Option<Placed<T>>`.
///
/// Serde loses the place below `#[serde(flatten)]`, `#[serde(untagged)]` and `#[serde(tag = "...")]`: it is 0:0 there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Placed<T> {
    /// The value.
    pub value: T,
    /// Where the value starts.
    pub place: Place,
}

impl<T> Deref for Placed<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Placed<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = serde_saphyr::Spanned::<T>::deserialize(deserializer)?;
        Ok(Self { value: spanned.value, place: crate::explain::place(spanned.referenced) })
    }
}

/// In a schema the place does not show: the value is all that a file holds.
impl<T: JsonSchema> JsonSchema for Placed<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn schema_id() -> Cow<'static, str> {
        T::schema_id()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}
