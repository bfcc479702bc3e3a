//! What a type says against a value, until the value's place is known.

use std::fmt;

use serde::de::{self, Expected, Unexpected};

use crate::error::quoted;
use crate::{Error, Node};

/// Says why a value is not of a type. Types know no places: the reader adds that of the innermost value that they
/// were asked about.
#[derive(Debug)]
pub(crate) enum Mismatch {
    /// Something else than the value is expected.
    Expected(String),
    /// A name is none of those that are known. `kind` says what they name (`key`, `value`).
    Unknown { kind: &'static str, given: String, known: &'static [&'static str] },
    /// Any other complaint.
    Says(String),
    /// The place is known.
    Placed(Box<Error>),
}

impl Mismatch {
    pub(crate) fn expected(what: &str) -> Self {
        Self::Expected(what.to_owned())
    }

    /// The complaint as one about `node`, unless it is about something within.
    pub(crate) fn at(self, node: Node<'_>) -> Self {
        Self::Placed(Box::new(self.into_error(node)))
    }

    /// The complaint about a file whose root is `node`.
    pub(crate) fn into_error(self, node: Node<'_>) -> Error {
        let place = node.resolved().place();
        match self {
            Self::Expected(what) => {
                Error::new(place, format!("expected {what}, found {}", node.description()))
            }
            Self::Unknown { kind, given, known } => Error::unknown(place, kind, &given, known),
            Self::Says(what) => Error::new(place, what),
            Self::Placed(error) => *error,
        }
    }
}

impl From<Error> for Mismatch {
    fn from(error: Error) -> Self {
        Self::Placed(Box::new(error))
    }
}

impl std::error::Error for Mismatch {}

impl fmt::Display for Mismatch {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Expected(what) => write!(formatter, "expected {what}"),
            Self::Unknown { kind, given, .. } => write!(formatter, "unknown {kind} {}", quoted(given)),
            Self::Says(what) => formatter.write_str(what),
            Self::Placed(error) => error.fmt(formatter),
        }
    }
}

impl de::Error for Mismatch {
    /// Messages of types are passed on in one line.
    fn custom<T: fmt::Display>(message: T) -> Self {
        let message = message.to_string();
        if message.starts_with("data did not match any variant of untagged enum") {
            return Self::Says("the value has none of the forms that are known here".to_owned());
        }
        Self::Says(message.lines().collect::<Vec<_>>().join(" "))
    }

    fn invalid_type(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::expected(in_words(&expected.to_string()))
    }

    fn invalid_value(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::expected(in_words(&expected.to_string()))
    }

    fn invalid_length(length: usize, expected: &dyn Expected) -> Self {
        let expected = expected.to_string();
        let expected = expected.strip_prefix("a tuple of size ").unwrap_or(&expected);
        Self::Says(format!("wrong number of values: found {length}, expected {expected}"))
    }

    fn unknown_field(field: &str, known: &'static [&'static str]) -> Self {
        Self::Unknown { kind: "key", given: field.to_owned(), known }
    }

    fn unknown_variant(variant: &str, known: &'static [&'static str]) -> Self {
        Self::Unknown { kind: "value", given: variant.to_owned(), known }
    }

    fn missing_field(field: &'static str) -> Self {
        Self::Says(format!("missing key {}", quoted(field)))
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self::Says(format!("the key {} is given twice", quoted(field)))
    }
}

/// What the types of serde and of the standard library expect, in the words of the file.
fn in_words(expected: &str) -> &str {
    match expected {
        "a string" => "text",
        "a sequence" => "a list",
        "a map" => "a mapping",
        "a boolean" => "true or false",
        "unit" => "nothing",
        struct_name if struct_name.starts_with("struct ") => "a mapping",
        other => other,
    }
}
