//! Values that may be written in more than one form: `http: /healthz` or `http: {url: /healthz, ...}`.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// A value as it is written.
pub(crate) enum Form<I, M> {
    Text(String),
    /// A number, `true`, `false` or a null.
    Scalar(Value),
    List(Vec<I>),
    Mapping(M),
}

/// A form that a value never has.
pub(crate) type Never = IgnoredAny;

/// A type with several forms.
pub(crate) trait Forms: Sized {
    /// What a list of it holds.
    type Item: for<'de> Deserialize<'de>;
    /// What a mapping of it is.
    type Mapping: for<'de> Deserialize<'de>;
    /// The forms in words, as they go behind "expected".
    const EXPECTED: &'static str;

    /// Reads a form; `Err` says what is wrong with it.
    fn read(form: Form<Self::Item, Self::Mapping>) -> Result<Self, String>;
}

/// Reads a type in the form that it is written in, without losing places inside it.
pub(crate) fn deserialize<'de, T: Forms, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    deserializer.deserialize_any(Reader(PhantomData))
}

/// The message for a form that `T` does not have.
pub(crate) fn unexpected<T: Forms>(form: &Form<T::Item, T::Mapping>) -> String {
    let found = match form {
        Form::Text(text) => format!("{text:?}"),
        Form::Scalar(Value::Null) => "nothing".to_owned(),
        Form::Scalar(value) => value.to_string(),
        Form::List(_) => "a list".to_owned(),
        Form::Mapping(_) => "a mapping".to_owned(),
    };
    format!("expected {}, found {found}", T::EXPECTED)
}

struct Reader<T>(PhantomData<T>);

impl<T: Forms> Reader<T> {
    // The error is made here, inside the visitor, because only then it gets the place of the value.
    fn read<E: Error>(form: Form<T::Item, T::Mapping>) -> Result<T, E> {
        T::read(form).map_err(E::custom)
    }
}

impl<'de, T: Forms> Visitor<'de> for Reader<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::EXPECTED)
    }

    fn visit_unit<E: Error>(self) -> Result<T, E> {
        Self::read(Form::Scalar(Value::Null))
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<T, E> {
        Self::read(Form::Scalar(value.into()))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<T, E> {
        Self::read(Form::Scalar(value.into()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<T, E> {
        Self::read(Form::Scalar(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<T, E> {
        Self::read(Form::Scalar(value.into()))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        Self::read(Form::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<T, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Self::read(Form::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        Self::read(Form::Mapping(T::Mapping::deserialize(MapAccessDeserializer::new(map))?))
    }
}

/// Has a type with several forms read by serde in whichever it is written.
macro_rules! deserialize_forms {
    ($type:ty) => {
        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::forms::deserialize(deserializer)
            }
        }
    };
}

pub(crate) use deserialize_forms;

/// Gives a type that is a text or a mapping its schema.
macro_rules! text_or_mapping_schema {
    ($type:ty, $mapping:ty, $name:literal) => {
        impl schemars::JsonSchema for $type {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                $name.into()
            }

            fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
                let mapping = <$mapping>::json_schema(generator);
                schemars::json_schema!({ "anyOf": [{ "type": "string" }, mapping] })
            }
        }
    };
}

pub(crate) use text_or_mapping_schema;
