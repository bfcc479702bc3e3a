//! Conditions on the nodes of a JSON body.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

use indexmap::IndexMap;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer};
use serde_json::{Number, Value};
use serde_json_path::JsonPath;
use sluice_http::Response;
use sluice_yaml::Placed;

use super::Mismatch;
use super::text::Pattern;
use crate::excerpt::{cut, excerpt};
use crate::forms::{self, Form, Forms};
use crate::http::given;

/// A JSONPath query (RFC 9535), compiled when it is read: <https://www.rfc-editor.org/rfc/rfc9535>.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Path {
    written: String,
    query: JsonPath,
}

/// Conditions on the nodes that a path selects, of which at least one is given; all must hold.
#[derive(Clone, Debug)]
pub(super) struct JsonCondition(Fields);

/// The mapping that conditions are written as.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Fields {
    /// Each node is this value. A bare value or list means the same.
    #[serde(default, deserialize_with = "given")]
    equals: Option<Value>,
    /// Each node is a text that this regular expression matches, or another value whose JSON it matches.
    matches: Option<Pattern>,
    /// Whether the path selects anything at all.
    exists: Option<bool>,
    /// How many nodes the path selects. The items of a list are `$.list[*]`.
    count: Option<usize>,
    /// Each node is a number less than this.
    less_than: Option<Bound>,
    /// Each node is a number greater than this.
    greater_than: Option<Bound>,
}

/// A finite number.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(try_from = "Value")]
#[schemars(try_from = "f64")]
struct Bound(Number);

/// What is wrong with the JSON body of the answer.
pub(super) fn judge(expected: &IndexMap<Path, Placed<JsonCondition>>, answer: &Response) -> Vec<Mismatch> {
    let Some(first) = expected.values().next() else { return Vec::new() };
    match serde_json::from_slice(&answer.body) {
        Ok(document) => expected
            .iter()
            .filter_map(|(path, condition)| {
                condition.judge(path, &document).map(|found| found.at(condition.place))
            })
            .collect(),
        Err(_) if answer.truncated => {
            vec![not_json("body is too large to be read as JSON", answer).at(first.place)]
        }
        Err(error) => vec![not_json(&format!("body is not JSON ({error})"), answer).at(first.place)],
    }
}

fn not_json(reason: &str, answer: &Response) -> Mismatch {
    Mismatch {
        reason: reason.to_owned(),
        expected: "body is JSON".to_owned(),
        actual: format!("body is {}", excerpt(&answer.body, answer.truncated)),
        place: None,
    }
}

/// One condition on the value of a node.
enum Condition<'a> {
    Equals(&'a Value),
    Matches(&'a Pattern),
    LessThan(&'a Bound),
    GreaterThan(&'a Bound),
}

impl JsonCondition {
    fn equals(value: Value) -> Self {
        Self(Fields { equals: Some(value), ..Fields::default() })
    }

    fn judge(&self, path: &Path, document: &Value) -> Option<Mismatch> {
        let nodes = path.select(document);
        let (expected, actual) = match nodes.as_slice() {
            [] if self.wants_none() => return None,
            [] => (self.first(), "selects nothing".to_owned()),
            [node, ..] if self.wants_none() => ("selects nothing".to_owned(), format!("is {}", shown(node))),
            nodes => self.unmet(nodes)?,
        };
        Some(Mismatch {
            reason: format!("{path} {actual}"),
            expected: format!("{path} {expected}"),
            actual: format!("{path} {actual}"),
            place: None,
        })
    }

    /// The first condition that `nodes` do not satisfy, and what they are instead.
    fn unmet(&self, nodes: &[&Value]) -> Option<(String, String)> {
        if let Some(count) = self.0.count.filter(|count| *count != nodes.len()) {
            return Some((format!("selects {}", plural(count)), selected(nodes)));
        }
        nodes.iter().find_map(|node| {
            let unmet = self.on_values().find(|condition| !condition.is_met(node))?;
            Some((unmet.to_string(), format!("is {}", shown(node))))
        })
    }

    fn wants_none(&self) -> bool {
        self.0.exists == Some(false) || self.0.count == Some(0)
    }

    /// The condition that a node that is not there is said to lack.
    fn first(&self) -> String {
        let count = self.0.count.map(|count| format!("selects {}", plural(count)));
        let on_value = || self.on_values().next().map(|condition| condition.to_string());
        count.or_else(on_value).unwrap_or_else(|| "exists".to_owned())
    }

    fn on_values(&self) -> impl Iterator<Item = Condition<'_>> {
        let Fields { equals, matches, less_than, greater_than, .. } = &self.0;
        let equals = equals.iter().map(Condition::Equals);
        let matches = matches.iter().map(Condition::Matches);
        let less_than = less_than.iter().map(Condition::LessThan);
        equals.chain(matches).chain(less_than).chain(greater_than.iter().map(Condition::GreaterThan))
    }
}

impl Condition<'_> {
    fn is_met(&self, node: &Value) -> bool {
        match self {
            Self::Equals(wanted) => is_same(wanted, node),
            Self::Matches(pattern) => match node {
                Value::String(text) => pattern.is_match(text.as_bytes()),
                other => pattern.is_match(other.to_string().as_bytes()),
            },
            Self::LessThan(bound) => bound.order_of(node) == Some(Ordering::Less),
            Self::GreaterThan(bound) => bound.order_of(node) == Some(Ordering::Greater),
        }
    }
}

impl Bound {
    /// How a value stands to the bound; none where it is no number. Whole numbers are compared digit by digit: an id or
    /// a time in nanoseconds has more of them than a float.
    fn order_of(&self, node: &Value) -> Option<Ordering> {
        let (Value::Number(number), Self(bound)) = (node, self) else { return None };
        match (number.as_i128(), bound.as_i128()) {
            (Some(number), Some(bound)) => Some(number.cmp(&bound)),
            _ => number.as_f64()?.partial_cmp(&bound.as_f64()?),
        }
    }
}

/// Whether two values are the same JSON: `1` and `1.0` are one number there.
fn is_same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => is_same_number(one, other),
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| is_same(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one.iter().all(|(key, one)| other.get(key).is_some_and(|other| is_same(one, other)))
        }
        _ => one == other,
    }
}

fn is_same_number(one: &Number, other: &Number) -> bool {
    one == other || ((one.is_f64() || other.is_f64()) && one.as_f64() == other.as_f64())
}

fn shown(node: &Value) -> String {
    cut(node.to_string().as_bytes())
}

fn plural(count: usize) -> String {
    if count == 1 { "1 node".to_owned() } else { format!("{count} nodes") }
}

/// What a path selects, when the number of nodes is wrong: most often its items were meant.
fn selected(nodes: &[&Value]) -> String {
    match nodes {
        [Value::Array(items)] => format!("selects 1 node, a list of {} (its items are [*])", items.len()),
        nodes => format!("selects {}", plural(nodes.len())),
    }
}

impl fmt::Display for Condition<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Equals(value) => write!(f, "equals {}", shown(value)),
            Self::Matches(pattern) => write!(f, "matches {pattern}"),
            Self::LessThan(Bound(bound)) => write!(f, "is less than {bound}"),
            Self::GreaterThan(Bound(bound)) => write!(f, "is greater than {bound}"),
        }
    }
}

impl Path {
    /// The nodes of a document that it selects.
    pub(crate) fn select<'a>(&self, document: &'a Value) -> Vec<&'a Value> {
        self.query.query(document).all()
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

impl TryFrom<String> for Path {
    type Error = String;

    fn try_from(written: String) -> Result<Self, String> {
        if !written.starts_with('$') {
            return Err(format!("{written:?} is no JSONPath: one starts with \"$\""));
        }
        match JsonPath::parse(&written) {
            Ok(query) => Ok(Self { written, query }),
            Err(error) => Err(format!("{written:?} is no JSONPath: {error}")),
        }
    }
}

impl Hash for Path {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.written.hash(state);
    }
}

impl JsonSchema for Path {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "JsonPath".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        String::json_schema(generator)
    }
}

impl TryFrom<Value> for Bound {
    type Error = String;

    fn try_from(value: Value) -> Result<Self, String> {
        match value {
            Value::Number(number) => Ok(Self(number)),
            other => Err(format!("expected a finite number, found {}", shown(&other))),
        }
    }
}

const NO_CONDITION: &str = "no condition is given: write \"equals\", \"matches\", \"exists\", \"count\", \"less-than\" or \"greater-than\"";

impl TryFrom<Fields> for JsonCondition {
    type Error = String;

    fn try_from(fields: Fields) -> Result<Self, String> {
        let condition = Self(fields);
        let on_values = condition.on_values().next().is_some();
        let Fields { exists, count, .. } = &condition.0;
        if condition.wants_none()
            && (on_values || *exists == Some(true) || count.is_some_and(|count| count > 0))
        {
            return Err("the conditions exclude each other: what does not exist has no value".to_owned());
        }
        if !on_values && exists.is_none() && count.is_none() {
            return Err(NO_CONDITION.to_owned());
        }
        Ok(condition)
    }
}

impl Forms for JsonCondition {
    type Item = Value;
    type Mapping = Fields;
    const EXPECTED: &'static str = "a value or a mapping of conditions";

    fn read(form: Form<Value, Fields>) -> Result<Self, String> {
        match form {
            Form::Text(text) => Ok(Self::equals(text.into())),
            Form::Scalar(value) => Ok(Self::equals(value)),
            Form::List(values) => Ok(Self::equals(values.into())),
            Form::Mapping(fields) => Self::try_from(fields),
        }
    }
}

impl<'de> Deserialize<'de> for JsonCondition {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        forms::deserialize(deserializer)
    }
}

impl JsonSchema for JsonCondition {
    fn schema_name() -> Cow<'static, str> {
        "JsonCondition".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut mapping = Fields::json_schema(generator);
        mapping.insert("minProperties".to_owned(), 1.into());
        let value = json_schema!({ "type": ["null", "boolean", "number", "string", "array"] });
        json_schema!({ "anyOf": [value, mapping] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::answer;

    type Conditions = IndexMap<Path, Placed<JsonCondition>>;

    fn read(yaml: &str) -> Result<Conditions, String> {
        sluice_yaml::from_slice(yaml.as_bytes()).map_err(|error| error.to_string())
    }

    fn judged(yaml: &str, body: &str) -> Vec<String> {
        let mismatches = judge(&read(yaml).unwrap(), &answer(200, &[], body.as_bytes()));
        mismatches
            .into_iter()
            .map(|mismatch| format!("{} / {}", mismatch.expected, mismatch.actual))
            .collect()
    }

    const SHOP: &str = r#"{"status": "UP", "total": 3, "deleted": null, "big": 12345678901234567890,
        "items": [{"price": 1.5, "tags": ["a", "b"]}, {"price": 20, "tags": []}, {"price": 3, "tags": ["a"]}]}"#;

    #[test]
    fn what_holds_holds() {
        for yaml in [
            "$.status: UP",
            "$.total: 3",
            "$.total: 3.0",
            "$.big: 12345678901234567890",
            "$.deleted: null",
            "$.deleted: {equals: null}",
            "$.items[0].tags: [a, b]",
            "$.items[0]: {equals: {tags: [a, b], price: 1.5}}",
            "$.status: {matches: ^U}",
            "$.total: {matches: '^3$'}",
            "$.nothing: {exists: false}",
            "$.deleted: {exists: true}",
            "$.items[*]: {count: 3}",
            "$.items[?@.price > 100]: {count: 0}",
            "$.items[?@.price > 2]: {count: 2}",
            "$..price: {greater-than: 1.4, less-than: 21}",
            "$.big: {greater-than: 12345678901234567889, less-than: 12345678901234567891}",
            "$.total: {greater-than: -1, less-than: 3.5}",
        ] {
            assert_eq!(judged(yaml, SHOP), [""; 0], "{yaml}");
        }
    }

    #[test]
    fn what_does_not_hold_is_told_with_what_is_there() {
        let told: Vec<_> = [
            "$.status: DOWN",
            "$.status: true",
            "$.total: '3'",
            "$.big: 12345678901234567891",
            "$.items: {count: 3}",
            "$.items[*]: {count: 1}",
            "$.items[0].tags: [b, a]",
            "$.status: {exists: false}",
            "$.nothing: {exists: true}",
            "$.nothing: null",
            "$.nothing: {less-than: 3}",
            "$..price: {less-than: 20}",
            "$.status: {greater-than: 1}",
            "$.big: {greater-than: 12345678901234567890}",
            "$.status: {matches: '^D'}",
        ]
        .iter()
        .flat_map(|yaml| judged(yaml, SHOP))
        .collect();
        insta::assert_snapshot!(told.join("\n"), @r#"
        $.status equals "DOWN" / $.status is "UP"
        $.status equals true / $.status is "UP"
        $.total equals "3" / $.total is 3
        $.big equals 12345678901234567891 / $.big is 12345678901234567890
        $.items selects 3 nodes / $.items selects 1 node, a list of 3 (its items are [*])
        $.items[*] selects 1 node / $.items[*] selects 3 nodes
        $.items[0].tags equals ["b","a"] / $.items[0].tags is ["a","b"]
        $.status selects nothing / $.status is "UP"
        $.nothing exists / $.nothing selects nothing
        $.nothing equals null / $.nothing selects nothing
        $.nothing is less than 3 / $.nothing selects nothing
        $..price is less than 20 / $..price is 20
        $.status is greater than 1 / $.status is "UP"
        $.big is greater than 12345678901234567890 / $.big is 12345678901234567890
        $.status matches /^D/ / $.status is "UP"
        "#);
    }

    #[test]
    fn a_body_that_is_no_json_is_told_once() {
        let two = "{$.a: 1, $.b: 2}";
        for body in ["", "<html>", "{\"a\":1}}", "{\"a\": NaN}", &"[".repeat(100_000)] {
            let told = judged(two, body);
            assert_eq!(told.len(), 1, "{told:?}");
            assert!(told[0].starts_with("body is JSON"), "{told:?}");
        }
        let mut cut_off = answer(200, &[], b"{\"a\": 1");
        cut_off.truncated = true;
        assert_eq!(judge(&read(two).unwrap(), &cut_off)[0].reason, "body is too large to be read as JSON");
    }

    #[test]
    fn what_can_not_be_meant_is_refused_where_it_stands() {
        let messages = [
            "$.a: {}",
            "$.a: {equal: 1}",
            "$.a: {exists: false, equals: 1}",
            "$.a: {count: 0, exists: true}",
            "$.a: {less-than: .inf}",
            "$.a: {less-than: x}",
            "$.a: {matches: '['}",
            "ok: 1\na.b: 1",
            "$.a[: 1",
            "$[?match(@.a, 'x')]: 1",
            "{$.a: 1, $.a: 2}",
        ]
        .map(|yaml| read(yaml).unwrap_err());
        insta::assert_snapshot!(messages.join("\n"), @r#"
        1:6: no condition is given: write "equals", "matches", "exists", "count", "less-than" or "greater-than"
        1:7: unknown key "equal", did you mean "equals"?
        1:6: the conditions exclude each other: what does not exist has no value
        1:6: the conditions exclude each other: what does not exist has no value
        1:18: expected a finite number, found ".inf"
        1:18: expected a finite number, found "x"
        1:16: not a regular expression: unclosed character class
        1:1: "ok" is no JSONPath: one starts with "$"
        1:1: "$.a[" is no JSONPath: at position 3, parser error
        1:1: "$[?match(@.a, 'x')]" is no JSONPath: at position 3, in long-hand segment, function name 'match' is not defined
        1:10: the key "$.a" is given twice, first at 1:2
        "#);
    }

    proptest::proptest! {
        #[test]
        fn no_path_and_no_document_panics(path in "\\$?[.\\[\\]*?@<>=!&|()'\"a-z0-9:, -]{0,24}", body in proptest::prelude::any::<Vec<u8>>()) {
            if let Ok(path) = Path::try_from(path) {
                for document in [serde_json::from_slice(&body).unwrap_or_default(), serde_json::from_str(SHOP).unwrap()] {
                    let _ = JsonCondition::equals(1.into()).judge(&path, &document);
                }
            }
        }
    }
}
