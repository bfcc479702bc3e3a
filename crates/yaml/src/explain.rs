//! Turns the errors of typed reading into ours: one line, in the words of the file.

use serde_saphyr::{DefaultMessageFormatter, Error as ReaderError, Location, MessageFormatter};

use crate::error::quoted;
use crate::node::{Document, given_twice};
use crate::{Error, Node, Place};

/// What the reader says about `document`, in our words.
pub(crate) fn explain(error: &ReaderError, document: &Document) -> Error {
    let error = innermost(error);
    let place = place(error.location().unwrap_or(Location::UNKNOWN));
    let at = Spot { place, document };
    match error {
        ReaderError::SerdeUnknownField { field, expected, .. } => {
            Error::unknown(place, "key", field, expected)
        }
        ReaderError::SerdeUnknownVariant { variant, expected, .. } => {
            Error::unknown(place, "value", variant, expected)
        }
        ReaderError::SerdeMissingField { field, .. } => at.missing(field),
        ReaderError::DuplicateMappingKey { key, .. } => at.duplicate(key.as_deref()),
        ReaderError::Unexpected { expected, .. } => at.culprit().expected(expected_kind(expected)),
        ReaderError::ExternallyTaggedEnumExpectedScalarOrMapping { .. } => at.expected("a name or a mapping"),
        ReaderError::UnexpectedValueForUnitEnumVariant { .. } => at.expected("no value here"),
        ReaderError::ExpectedMappingEndAfterEnumVariantValue { .. } => at.says("expected one key only"),
        ReaderError::InvalidScalar { ty, .. } => at.expected(&expected_scalar(ty)),
        ReaderError::InvalidBooleanStrict { .. } => at.expected("true or false"),
        ReaderError::NullIntoString { .. } => at.expected("text"),
        ReaderError::InvalidCharNull { .. } | ReaderError::InvalidCharNotSingleScalar { .. } => {
            at.expected("one character")
        }
        ReaderError::UnexpectedValueForUnit { .. }
        | ReaderError::ExpectedEmptyMappingForUnitStruct { .. } => at.expected("nothing"),
        ReaderError::SerdeInvalidType { expected, .. } | ReaderError::SerdeInvalidValue { expected, .. } => {
            at.expected(expected_by_visitor(expected))
        }
        ReaderError::SerdeInvalidLength { len, expected, .. } => {
            let expected = expected.strip_prefix("a tuple of size ").unwrap_or(expected);
            at.says(format!("wrong number of values: found {len}, expected {expected}"))
        }
        ReaderError::MergeValueNotMapOrSeqOfMaps { .. } => at.expected("a mapping to merge"),
        ReaderError::TaggedScalarCannotDeserializeIntoString { .. } => {
            at.says("this tag does not go with text")
        }
        ReaderError::TaggedEnumMismatch { tagged, .. } => at.says(format!("unknown tag {}", quoted(tagged))),
        ReaderError::InvalidBinaryBase64 { .. } => at.says("not valid base64"),
        ReaderError::BinaryNotUtf8 { .. } => at.says("the binary value is not text"),
        ReaderError::RecursiveReferencesRequireWeakTypes { .. } => at.says("the value contains itself"),
        ReaderError::Budget { .. } => at.says("the file is too large, or nested too deeply"),
        ReaderError::AliasReplayLimitExceeded { .. }
        | ReaderError::AliasExpansionLimitExceeded { .. }
        | ReaderError::AliasReplayStackDepthExceeded { .. }
        | ReaderError::AliasReplayCounterOverflow { .. } => {
            at.says("the aliases of the file unfold to too much")
        }
        other => at.says(plain_words(&DefaultMessageFormatter.format_message(other))),
    }
}

/// The reader's place as ours.
pub(crate) fn place(location: Location) -> Place {
    let number = |value: u64| usize::try_from(value).unwrap_or(usize::MAX);
    Place { line: number(location.line()), column: number(location.column()) }
}

/// The error below the reader's wrappings: for a value that comes through an alias, the one at the value itself.
fn innermost(error: &ReaderError) -> &ReaderError {
    match error {
        ReaderError::WithSnippet { error, .. } | ReaderError::AliasError { error, .. } => innermost(error),
        error => error,
    }
}

/// Where the reader stopped.
struct Spot<'a> {
    place: Place,
    document: &'a Document,
}

impl Spot<'_> {
    fn says(&self, what: impl Into<String>) -> Error {
        Error::new(self.place, what)
    }

    fn expected(&self, expected: &str) -> Error {
        match self.document.node_at(self.place) {
            Some(node) => self.says(format!("expected {expected}, found {}", node.description())),
            None => self.says(format!("expected {expected}")),
        }
    }

    /// Where the reader wants a value and stands at the next key, or at no node, the value before falls short.
    fn culprit(self) -> Self {
        let passed =
            self.document.node_at(self.place).is_none_or(|node| node.is_key() && node.as_str().is_some());
        let before = self.document.nodes.iter().rfind(|node| node.place < self.place);
        match before {
            Some(value) if passed => Self { place: value.place, ..self },
            _ => self,
        }
    }

    /// The reader stops somewhere in the mapping that lacks the key; a person looks at its start.
    fn missing(&self, field: &str) -> Error {
        let node = self.document.nodes.iter().rposition(|node| node.place == self.place);
        let node = node.map(|id| self.document.root().with_id(id));
        let mapping = std::iter::successors(node, |node| node.parent()).find(|node| node.is_mapping());
        let place = mapping.map_or(self.place, Node::place);
        Error::new(place, format!("missing key {}", quoted(field)))
    }

    fn duplicate(&self, key: Option<&str>) -> Error {
        let second = self.document.nodes.iter().rposition(|node| node.place == self.place);
        let second = second.map(|id| self.document.root().with_id(id));
        let first = second.and_then(|second| {
            let mut keys = second.parent()?.entries().map(|entry| entry.key);
            keys.find(|key| key.id < second.id && key.as_str().is_some() && key.as_str() == second.as_str())
        });
        match (first, second, key) {
            (Some(first), Some(second), _) => given_twice(first, second),
            (_, _, Some(key)) => self.says(format!("the key {} is given twice", quoted(key))),
            _ => self.says("a key is given twice"),
        }
    }
}

/// The reader's names for the kinds of nodes.
fn expected_kind(name: &str) -> &str {
    match name {
        "sequence start" => "a list",
        "mapping start" => "a mapping",
        "string scalar" => "a single value",
        other => other,
    }
}

/// The reader's names for the types of scalars.
fn expected_scalar(name: &str) -> String {
    match name {
        "u8" => format!("a whole number from 0 to {}", u8::MAX),
        "u16" => format!("a whole number from 0 to {}", u16::MAX),
        "u32" => format!("a whole number from 0 to {}", u32::MAX),
        "u64" | "u128" => "a whole number from 0".to_owned(),
        "i8" => format!("a whole number from {} to {}", i8::MIN, i8::MAX),
        "i16" | "i32" | "i64" | "i128" => "a whole number".to_owned(),
        "floating point" => "a number".to_owned(),
        "boolean" => "true or false".to_owned(),
        other => other.to_owned(),
    }
}

/// What the types of serde and of the standard library expect, in the words of the file.
fn expected_by_visitor(expected: &str) -> &str {
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

/// Messages of types (`custom` errors of serde) are passed on, those that serde itself makes are reworded.
fn plain_words(message: &str) -> String {
    if message.starts_with("data did not match any variant of untagged enum") {
        return "the value has none of the forms that are known here".to_owned();
    }
    if let Some(field) = message.strip_prefix("duplicate field `").and_then(|rest| rest.strip_suffix('`')) {
        return format!("the key {} is given twice", quoted(field));
    }
    message.lines().collect::<Vec<_>>().join(" ")
}
