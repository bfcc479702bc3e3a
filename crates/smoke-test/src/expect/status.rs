//! The status: numbers, classes, ranges.

use std::borrow::Cow;
use std::fmt;
use std::ops::RangeInclusive;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::Value;
use sluice_http::StatusCode;

use super::Mismatch;
use crate::forms::{self, Form, Forms, Never};

/// A set of statuses; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Statuses(Vec<Range>);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Range(RangeInclusive<u16>);

impl Statuses {
    /// Any status of success.
    pub(super) fn success() -> Self {
        Self(vec![Range(200..=299)])
    }

    pub(crate) fn judge(&self, status: StatusCode) -> Option<Mismatch> {
        if self.0.iter().any(|range| range.0.contains(&status.as_u16())) {
            return None;
        }
        let actual = format!("status {}", status.as_u16());
        Some(Mismatch { reason: actual.clone(), expected: format!("status {self}"), actual, place: None })
    }
}

impl fmt::Display for Statuses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ranges: Vec<_> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&ranges.join(" or "))
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (first, last) = (self.0.start(), self.0.end());
        match last - first {
            0 => write!(f, "{first}"),
            99 if first % 100 == 0 => write!(f, "{}xx", first / 100),
            _ => write!(f, "{first}-{last}"),
        }
    }
}

impl std::str::FromStr for Range {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!("{text:?} is no status: write a number (200), a class (\"2xx\") or a range (\"200-299\")")
        };
        let number = |text: &str| match text.parse() {
            Ok(number @ 100..=599) if text.len() == 3 => Ok(number),
            _ => Err(wrong()),
        };
        if let Some(class) = text.strip_suffix("xx") {
            let first = number(&format!("{class}00"))?;
            return Ok(Self(first..=first + 99));
        }
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        let (first, last) = (number(first)?, number(last)?);
        if first <= last { Ok(Self(first..=last)) } else { Err(wrong()) }
    }
}

impl<'de> Deserialize<'de> for Range {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

impl Forms for Statuses {
    type Item = Range;
    type Mapping = Never;
    const EXPECTED: &'static str = "a status (200, \"2xx\", \"200-299\") or a list of those";

    fn read(form: Form<Range, Never>) -> Result<Self, String> {
        match form {
            Form::Text(text) => Ok(Self(vec![text.parse()?])),
            Form::Scalar(Value::Number(number)) => Ok(Self(vec![number.to_string().parse()?])),
            Form::List(ranges) if ranges.is_empty() => {
                Err("the list is empty: no status would ever be right".to_owned())
            }
            Form::List(ranges) => Ok(Self(ranges)),
            other => Err(forms::unexpected::<Self>(&other)),
        }
    }
}

impl<'de> Deserialize<'de> for Statuses {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        forms::deserialize(deserializer)
    }
}

impl JsonSchema for Statuses {
    fn schema_name() -> Cow<'static, str> {
        "Statuses".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let one = json_schema!({ "anyOf": [
            { "type": "integer", "minimum": 100, "maximum": 599 },
            { "type": "string", "pattern": "^[1-5]([0-9]{2}(-[1-5][0-9]{2})?|xx)$" },
        ]});
        json_schema!({ "anyOf": [one, { "type": "array", "minItems": 1, "items": one }] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(yaml: &str) -> Result<Statuses, String> {
        sluice_yaml::from_slice(yaml.as_bytes()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_status_is_a_number_a_class_a_range_or_a_list() {
        for (yaml, shown) in [
            ("200", "200"),
            ("'204'", "204"),
            ("2xx", "2xx"),
            ("200-299", "2xx"),
            ("200-204", "200-204"),
            ("[200, 3xx, 401-403]", "200 or 3xx or 401-403"),
        ] {
            assert_eq!(read(yaml).unwrap().to_string(), shown, "{yaml}");
        }
    }

    #[test]
    fn what_is_no_status_is_refused() {
        for yaml in [
            "20", "600", "99", "0200", "6xx", "xx", "2XX", "300-200", "200-", "ok", "2.5", "-200", "true",
            "{}",
        ] {
            assert!(read(yaml).is_err(), "{yaml}");
            assert!(read(&format!("[{yaml}]")).is_err(), "[{yaml}]");
        }
        insta::assert_snapshot!(read("ok").unwrap_err(), @r#"1:1: "ok" is no status: write a number (200), a class ("2xx") or a range ("200-299")"#);
        insta::assert_snapshot!(read("[200, 2000]").unwrap_err(), @r#"1:7: "2000" is no status: write a number (200), a class ("2xx") or a range ("200-299")"#);
        insta::assert_snapshot!(read("[]").unwrap_err(), @"1:1: the list is empty: no status would ever be right");
        insta::assert_snapshot!(read("true").unwrap_err(), @r#"1:1: expected a status (200, "2xx", "200-299") or a list of those, found true"#);
    }

    #[test]
    fn only_a_status_of_the_set_satisfies() {
        let statuses = read("[200, 3xx]").unwrap();
        let judge = |status: u16| statuses.judge(StatusCode::from_u16(status).unwrap());
        assert_eq!(judge(200), None);
        assert_eq!(judge(399), None);
        let mismatch = judge(201).unwrap();
        assert_eq!(
            (mismatch.expected.as_str(), mismatch.actual.as_str()),
            ("status 200 or 3xx", "status 201")
        );
        assert!(judge(400).is_some());
    }
}
