//! Conditions on text: of a header, of the body.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use sluice_core::escape;
use sluice_http::header::HeaderValue;
use sluice_http::{HeaderName, Response};

use super::Mismatch;
use crate::excerpt::{excerpt, quoted};
use crate::forms::{self, Form, Forms, Never};

/// Conditions on a text, of which at least one is given; all must hold.
#[derive(Clone, Debug)]
pub(super) struct TextCondition(Fields);

/// The mapping that conditions are written as.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Fields {
    /// It is exactly this. A bare value means the same.
    equals: Option<String>,
    /// It holds this text, or each of these.
    #[serde(default)]
    contains: List<String>,
    /// It holds what this regular expression matches, or each of these do.
    #[serde(default)]
    matches: List<Pattern>,
}

/// A regular expression, compiled when it is read: <https://docs.rs/regex/1/regex/#syntax>.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Pattern(regex::bytes::Regex);

/// One value, or a list of them.
#[derive(Clone, Debug)]
struct List<T>(Vec<T>);

/// One condition on a text.
enum Condition<'a> {
    Equals(&'a str),
    Contains(&'a str),
    Matches(&'a Pattern),
}

/// What is wrong with a header of the answer.
pub(super) fn judge_header(
    condition: &TextCondition,
    name: &HeaderName,
    answer: &Response,
) -> Option<Mismatch> {
    let values: Vec<&[u8]> = answer.headers.get_all(name).iter().map(HeaderValue::as_bytes).collect();
    if values.is_empty() {
        return Some(Mismatch {
            reason: format!("header {name} is missing"),
            expected: format!("header {name} {}", condition.first()),
            actual: "no such header".to_owned(),
            place: None,
        });
    }
    let unmet: Vec<Condition<'_>> =
        values.iter().map(|value| condition.unmet(value)).collect::<Option<_>>()?;
    let shown: Vec<_> = values.iter().map(|value| quoted(&escape::bytes(value))).collect();
    let actual = shown.join(", ");
    Some(Mismatch {
        reason: format!("header {name} is {actual}"),
        expected: format!("header {name} {}", unmet.first()?),
        actual: format!("header {name} is {actual}"),
        place: None,
    })
}

/// What is wrong with the records that DNS answered with: one must satisfy.
pub(super) fn judge_records(condition: &TextCondition, records: &[String]) -> Option<Mismatch> {
    let unmet: Vec<Condition<'_>> =
        records.iter().map(|record| condition.unmet(record.as_bytes())).collect::<Option<_>>()?;
    let shown: Vec<_> = records.iter().map(|record| quoted(record)).collect();
    let actual = shown.join(", ");
    Some(Mismatch {
        reason: format!("the answer is {actual}"),
        expected: format!("a record {}", unmet.first()?),
        actual,
        place: None,
    })
}

/// What is wrong with the body of the answer.
pub(super) fn judge_body(condition: &TextCondition, answer: &Response) -> Option<Mismatch> {
    let unmet = condition.unmet(&answer.body)?;
    let reason = match unmet {
        Condition::Equals(wanted) => format!("body is not {}", quoted(wanted)),
        Condition::Contains(part) => format!("body lacks {}", quoted(part)),
        Condition::Matches(pattern) => format!("body does not match {pattern}"),
    };
    let actual = format!("body is {}", excerpt(&answer.body, answer.truncated));
    Some(Mismatch { reason, expected: format!("body {unmet}"), actual, place: None })
}

impl TextCondition {
    /// The first condition that `text` does not satisfy.
    fn unmet(&self, text: &[u8]) -> Option<Condition<'_>> {
        self.all().find(|condition| !condition.is_met(text))
    }

    /// The condition that a text that is not there is said to lack.
    fn first(&self) -> String {
        self.all().next().map_or_else(String::new, |condition| condition.to_string())
    }

    fn all(&self) -> impl Iterator<Item = Condition<'_>> {
        let Self(Fields { equals, contains, matches }) = self;
        let contains = contains.0.iter().map(|part| Condition::Contains(part));
        let matches = matches.0.iter().map(Condition::Matches);
        equals.iter().map(|wanted| Condition::Equals(wanted)).chain(contains).chain(matches)
    }
}

impl Condition<'_> {
    fn is_met(&self, text: &[u8]) -> bool {
        match self {
            Self::Equals(wanted) => wanted.as_bytes() == text,
            Self::Contains(part) => {
                part.is_empty() || text.windows(part.len()).any(|window| window == part.as_bytes())
            }
            Self::Matches(pattern) => pattern.is_match(text),
        }
    }
}

impl fmt::Display for Condition<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Equals(wanted) => write!(f, "equals {}", quoted(wanted)),
            Self::Contains(part) => write!(f, "contains {}", quoted(part)),
            Self::Matches(pattern) => write!(f, "matches {pattern}"),
        }
    }
}

impl Pattern {
    pub(super) fn is_match(&self, text: &[u8]) -> bool {
        self.0.is_match(text)
    }

    /// What the first group finds in a text, without groups the whole match.
    pub(crate) fn capture<'a>(&self, text: &'a [u8]) -> Option<&'a [u8]> {
        let found = self.0.captures(text)?;
        found.get(1).or_else(|| found.get(0)).map(|found| found.as_bytes())
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "/{}/", self.0)
    }
}

impl TryFrom<String> for Pattern {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        regex::bytes::Regex::new(&text).map(Self).map_err(|error| {
            // The library draws the place over several lines; the last one says what is wrong.
            let error = error.to_string();
            let last = error.lines().last().unwrap_or_default();
            format!("not a regular expression: {}", last.strip_prefix("error: ").unwrap_or(last))
        })
    }
}

impl JsonSchema for Pattern {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Pattern".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string" })
    }
}

impl TryFrom<Fields> for TextCondition {
    type Error = String;

    fn try_from(fields: Fields) -> Result<Self, String> {
        let condition = Self(fields);
        if condition.all().next().is_none() {
            return Err("no condition is given: write \"equals\", \"contains\" or \"matches\"".to_owned());
        }
        Ok(condition)
    }
}

impl Forms for TextCondition {
    type Item = Never;
    type Mapping = Fields;
    const EXPECTED: &'static str = "text (a number in quotes) or a mapping of conditions";

    fn read(form: Form<Never, Fields>) -> Result<Self, String> {
        match form {
            Form::Text(text) => Ok(Self(Fields { equals: Some(text), ..Fields::default() })),
            Form::Mapping(fields) => Self::try_from(fields),
            other => Err(forms::unexpected::<Self>(&other)),
        }
    }
}

impl<'de> Deserialize<'de> for TextCondition {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        forms::deserialize(deserializer)
    }
}

impl JsonSchema for TextCondition {
    fn schema_name() -> Cow<'static, str> {
        "TextCondition".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut mapping = Fields::json_schema(generator);
        mapping.insert("minProperties".to_owned(), 1.into());
        json_schema!({ "anyOf": [{ "type": "string" }, mapping] })
    }
}

impl<T> Default for List<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: TryFrom<String, Error: fmt::Display> + DeserializeOwned> Forms for List<T> {
    type Item = T;
    type Mapping = Never;
    const EXPECTED: &'static str = "text (a number in quotes) or a list of texts";

    fn read(form: Form<T, Never>) -> Result<Self, String> {
        match form {
            Form::Text(text) => Ok(Self(vec![T::try_from(text).map_err(|error| error.to_string())?])),
            Form::List(values) => Ok(Self(values)),
            other => Err(forms::unexpected::<Self>(&other)),
        }
    }
}

impl<'de, T> Deserialize<'de> for List<T>
where
    T: TryFrom<String, Error: fmt::Display> + DeserializeOwned,
{
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        forms::deserialize(deserializer)
    }
}

impl<T: JsonSchema> JsonSchema for List<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("ListOf{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let one = T::json_schema(generator);
        json_schema!({ "anyOf": [one, { "type": "array", "items": one }] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::answer;

    fn read(yaml: &str) -> Result<TextCondition, String> {
        sluice_yaml::from_slice(yaml.as_bytes()).map_err(|error| error.to_string())
    }

    fn body(yaml: &str, body: &[u8]) -> Option<String> {
        judge_body(&read(yaml).unwrap(), &answer(200, &[], body)).map(|mismatch| mismatch.reason)
    }

    fn header(yaml: &str, values: &[&str]) -> Option<String> {
        let headers: Vec<_> = values.iter().map(|value| ("x-kind", *value)).collect();
        let name = HeaderName::from_static("x-kind");
        judge_header(&read(yaml).unwrap(), &name, &answer(200, &headers, b"")).map(|mismatch| mismatch.reason)
    }

    #[test]
    fn all_conditions_on_a_text_must_hold() {
        assert_eq!(body("ok", b"ok"), None);
        assert_eq!(body("ok", b"ok\n").unwrap(), "body is not \"ok\"");
        assert_eq!(body("contains: [a, b]", b"xaxb"), None);
        assert_eq!(body("contains: [a, b]", b"xax").unwrap(), "body lacks \"b\"");
        assert_eq!(body("{contains: a, matches: ['^x', '\\d$']}", b"xa1"), None);
        assert_eq!(
            body("{contains: a, matches: ['^x', '\\d$']}", b"xa").unwrap(),
            "body does not match /\\d$/"
        );
    }

    #[test]
    fn bytes_that_are_no_text_are_compared_as_they_are() {
        assert_eq!(body("contains: ok", b"\xff\xfeok\x00"), None);
        assert_eq!(body("matches: 'ok$'", b"\xff\xfeok"), None);
        let mismatch = judge_body(&read("ok").unwrap(), &answer(200, &[], b"\xffok")).unwrap();
        assert_eq!(mismatch.actual, "body is \\xffok");
    }

    #[test]
    fn one_of_several_headers_must_satisfy() {
        assert_eq!(header("b", &["a", "b"]), None);
        assert_eq!(header("c", &["a", "b"]).unwrap(), "header x-kind is \"a\", \"b\"");
        assert_eq!(header("{matches: '.*'}", &[]).unwrap(), "header x-kind is missing");
        assert_eq!(header("{equals: ''}", &[""]), None);
    }

    #[test]
    fn what_says_nothing_or_something_else_is_refused() {
        let messages = [
            "{}",
            "contains: []",
            "5",
            "{contains: 5}",
            "matches: '('",
            "{matches: [ok, 'a{2,1}']}",
            "{contain: a}",
            "[a]",
        ]
        .map(|yaml| read(yaml).unwrap_err());
        insta::assert_snapshot!(messages.join("\n"), @r#"
        1:1: no condition is given: write "equals", "contains" or "matches"
        1:1: no condition is given: write "equals", "contains" or "matches"
        1:1: expected text (a number in quotes) or a mapping of conditions, found 5
        1:12: expected text (a number in quotes) or a list of texts, found 5
        1:10: not a regular expression: unclosed group
        1:16: not a regular expression: invalid repetition count range, the start must be <= the end
        1:2: unknown key "contain", did you mean "contains"?
        1:1: expected text (a number in quotes) or a mapping of conditions, found a list
        "#);
    }
}
