//! Lengths of time as people write them: `30s`, `5m`, `2h`, `7d`, `1h 30m`.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A length of time, written with a unit; a day has 24 hours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Period(pub Duration);

impl std::str::FromStr for Period {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong =
            || format!("\"{text}\" is no length of time: write a number and a unit, as 30s, 5m, 2h or 7d");
        let span: jiff::Span = text.trim().parse().map_err(|_| wrong())?;
        span.to_duration(jiff::SpanRelativeTo::days_are_24_hours())
            .ok()
            .and_then(|duration| Duration::try_from(duration).ok())
            .map(Self)
            .ok_or_else(wrong)
    }
}

impl std::fmt::Display for Period {
    /// The shortest way to write it: `2h`, `1h 30m`, `90ms`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut rest = self.0.as_millis();
        let mut parts = Vec::new();
        for (unit, length) in [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)] {
            let count = rest / length;
            rest %= length;
            if count > 0 {
                parts.push(format!("{count}{unit}"));
            }
        }
        f.pad(&if parts.is_empty() { "0s".to_owned() } else { parts.join(" ") })
    }
}

impl Serialize for Period {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Period {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Period {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Period".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "description": "A length of time: a number and a unit, as `30s`, `5m`, `2h` or `7d`.",
            "examples": ["30s", "5m", "2h", "7d"],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(text: &str) -> Result<u64, String> {
        text.parse::<Period>().map(|period| period.0.as_secs())
    }

    #[test]
    fn lengths_of_time_are_read_as_written() {
        assert_eq!(seconds("30s"), Ok(30));
        assert_eq!(seconds("5m"), Ok(300));
        assert_eq!(seconds("1h 30m"), Ok(5400));
        assert_eq!(seconds("7d"), Ok(604_800));
        assert_eq!("250ms".parse::<Period>().unwrap().0, Duration::from_millis(250));
    }

    #[test]
    fn what_has_no_unit_or_is_negative_is_refused() {
        for text in ["", "30", "-5m", "soon", "5 parsecs", "1mo"] {
            assert!(seconds(text).unwrap_err().contains("no length of time"), "{text}");
        }
    }

    #[test]
    fn a_period_prints_as_it_is_read() {
        for text in ["30s", "1h 30m", "7d", "90ms", "1m 1s 5ms"] {
            assert_eq!(text.parse::<Period>().unwrap().to_string(), text);
        }
        assert_eq!("90s".parse::<Period>().unwrap().to_string(), "1m 30s");
    }
}
