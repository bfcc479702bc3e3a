//! A value that knows its place.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{Error as _, SeqAccess, Visitor};
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

/// The name by which a value asks its reader for its place.
pub(crate) const NAME: &str = "sluice_yaml::Placed";

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Placed<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(NAME, PlacedVisitor(PhantomData))
    }
}

struct PlacedVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for PlacedVisitor<T> {
    type Value = Placed<T>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a value")
    }

    /// The reader of this crate hands line, column and value.
    fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Self::Value, A::Error> {
        let mut number = || Ok(parts.next_element()?.unwrap_or_default());
        let place = Place { line: number()?, column: number()? };
        let value = parts.next_element()?.ok_or_else(|| A::Error::invalid_length(2, &"3"))?;
        Ok(Placed { value, place })
    }

    /// Any other reader knows of no places.
    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        Ok(Placed { value: T::deserialize(deserializer)?, place: Place { line: 0, column: 0 } })
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
