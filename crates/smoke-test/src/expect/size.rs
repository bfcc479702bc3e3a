//! How large a body is.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

use super::Mismatch;
use crate::forms::{self, Form, Forms, Never};

/// Conditions on the size of a body, of which at least one is given; all must hold.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(try_from = "Fields")]
#[schemars(with = "Fields")]
pub(super) struct SizeCondition(Fields);

/// The mapping that conditions are written as.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Fields {
    /// It is smaller than this: bytes, or with a unit, as `20kB` or `1MiB`.
    less_than: Option<Size>,
    /// It is larger than this.
    greater_than: Option<Size>,
}

/// A number of bytes, with the unit it was written in.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Size {
    bytes: u64,
    written: String,
}

impl SizeCondition {
    /// How many bytes must be counted to know.
    pub(super) fn bound(&self) -> u64 {
        let Fields { less_than, greater_than } = &self.0;
        less_than.iter().chain(greater_than).map(|size| size.bytes).max().unwrap_or(0).saturating_add(1)
    }

    /// Judges a body of this size, or of at least this size.
    pub(super) fn judge(&self, size: u64, is_least: bool) -> Option<Mismatch> {
        let Fields { less_than, greater_than } = &self.0;
        let least = if is_least { "at least " } else { "" };
        let actual = format!("{least}{size} bytes");
        let unmet =
            less_than.as_ref().filter(|most| size >= most.bytes).map(|most| format!("less than {most}"));
        let unmet = unmet.or_else(|| {
            greater_than.as_ref().filter(|most| size <= most.bytes).map(|most| format!("more than {most}"))
        })?;
        Some(Mismatch {
            reason: format!("body has {actual}"),
            expected: format!("body has {unmet}"),
            actual: format!("body has {actual}"),
            place: None,
        })
    }
}

impl TryFrom<Fields> for SizeCondition {
    type Error = &'static str;

    fn try_from(fields: Fields) -> Result<Self, &'static str> {
        if fields.less_than.is_none() && fields.greater_than.is_none() {
            return Err("no condition is given: write \"less-than\" or \"greater-than\"");
        }
        Ok(Self(fields))
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

impl TryFrom<String> for Size {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        const UNITS: [(&str, u64); 8] = [
            ("", 1),
            ("B", 1),
            ("kB", 1_000),
            ("MB", 1_000_000),
            ("GB", 1_000_000_000),
            ("KiB", 1 << 10),
            ("MiB", 1 << 20),
            ("GiB", 1 << 30),
        ];
        let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, unit) = text.split_at(digits);
        let unit = UNITS.iter().find(|(name, _)| *name == unit.trim()).map(|(_, bytes)| *bytes);
        let bytes = number.parse::<u64>().ok().zip(unit).and_then(|(number, unit)| number.checked_mul(unit));
        match bytes {
            Some(bytes) if digits == text.len() => Ok(Self { bytes, written: format!("{text} bytes") }),
            Some(bytes) => Ok(Self { bytes, written: text }),
            None => Err(format!(
                "{text:?} is no size: write bytes, or a number with B, kB, MB, GB, KiB, MiB or GiB"
            )),
        }
    }
}

impl Forms for Size {
    type Item = Never;
    type Mapping = Never;
    const EXPECTED: &'static str = "a size (4096, 20kB, 1MiB)";

    fn read(form: Form<Never, Never>) -> Result<Self, String> {
        match form {
            Form::Text(text) => text.try_into(),
            Form::Scalar(serde_json::Value::Number(number)) => number.to_string().try_into(),
            other => Err(forms::unexpected::<Self>(&other)),
        }
    }
}

forms::deserialize_forms!(Size);

impl JsonSchema for Size {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Size".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [
            { "type": "integer", "minimum": 0 },
            { "type": "string", "pattern": "^[0-9]+ *(B|kB|MB|GB|KiB|MiB|GiB)?$" },
        ]})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(yaml: &str) -> Result<SizeCondition, String> {
        sluice_yaml::from_slice(yaml.as_bytes()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_size_has_bounds() {
        let condition = read("{less-than: 2kB, greater-than: 1}").unwrap();
        assert_eq!(condition.judge(1_999, false), None);
        assert_eq!(condition.judge(2_000, false).unwrap().expected, "body has less than 2kB");
        assert_eq!(condition.judge(1, false).unwrap().expected, "body has more than 1 bytes");
        assert_eq!(condition.judge(5_000, true).unwrap().actual, "body has at least 5000 bytes");
        assert_eq!(condition.bound(), 2_001);
    }

    #[test]
    fn what_is_no_size_is_refused() {
        for yaml in [
            "{}",
            "{less-than: 1kb}",
            "{less-than: -1}",
            "{less-than: x}",
            "{less-than: 99999999999GiB}",
            "5",
        ] {
            assert!(read(yaml).is_err(), "{yaml}");
        }
    }
}
