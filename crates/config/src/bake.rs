//! `environments.<name>.bake`: what is measured after a deployment, and what it may be.

use std::{borrow::Cow, fmt, str::FromStr, time::Duration};

use indexmap::IndexMap;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, Visitor, value::MapAccessDeserializer},
};
use sluice_core::Period;
use sluice_yaml::Placed;

use crate::FromEnvironment;

/// What is measured after a deployment, how often and how long, and what it may be.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Bake {
    /// How long is measured, after the initial delay.
    #[serde(rename = "for")]
    pub time: Placed<Period>,
    /// The time from one measurement to the next. Default: `30s`.
    pub interval: Option<Placed<Period>>,
    /// The time before measuring begins, in which a new version warms up. Default: none.
    pub initial_delay: Option<Placed<Period>>,
    /// How many measurements of a metric may fail. Default: 0.
    #[serde(default)]
    pub failure_limit: u32,
    /// How many measurements of a metric may find too little to judge. Default: 0.
    #[serde(default)]
    pub inconclusive_limit: u32,
    /// How many times in a row a measurement may not be possible at all. Default: 4.
    pub consecutive_error_limit: Option<u32>,
    /// Where queries in `PromQL` are asked.
    pub prometheus: Option<Prometheus>,
    /// Where metrics and alarms of CloudWatch are asked. Default: the region of the environment's cluster, else
    /// `AWS_REGION`.
    pub cloudwatch: Option<CloudWatch>,
    /// What is measured, by name.
    #[serde(default)]
    pub metrics: IndexMap<Placed<String>, BakeMetric>,
    /// CloudWatch alarms by name: none may be in the state ALARM.
    #[serde(default)]
    pub alarms: Vec<Placed<String>>,
}

/// A Prometheus, or what speaks its HTTP API.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Prometheus {
    /// Its address, without `/api/v1`.
    pub url: Placed<String>,
    /// A token, sent as `Authorization: Bearer`.
    pub token: Option<FromEnvironment>,
    /// Headers whose values are secret, by name.
    #[serde(default)]
    pub headers: IndexMap<Placed<String>, FromEnvironment>,
}

/// How CloudWatch is asked.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct CloudWatch {
    /// The AWS region.
    pub region: Option<Placed<String>>,
    /// The newest time that is left out, because its data still comes in. Default: `2m`.
    pub settle: Option<Placed<Period>>,
}

/// One thing that is measured: `errors` of a `total`, a `latency`, or any other `query`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct BakeMetric {
    /// How many requests failed; nothing found means none, as long as `total` finds enough.
    pub errors: Option<Placed<BakeQuery>>,
    /// How many requests there were.
    pub total: Option<Placed<BakeQuery>>,
    /// How long requests took, in seconds.
    pub latency: Option<Placed<BakeQuery>>,
    /// Any other number.
    pub query: Option<Placed<BakeQuery>>,
    /// The greatest share of `total` that `errors` may be: `1%`.
    pub max_error_rate: Option<Placed<Amount>>,
    /// How many requests `total` must find, so that there is something to judge. Default: 1.
    pub min_requests: Option<Placed<u32>>,
    /// The least that `latency` or `query` may be.
    pub min: Option<Placed<Amount>>,
    /// The most that `latency` or `query` may be: `500ms`, `80%`, `12`.
    pub max: Option<Placed<Amount>>,
    /// What it is compared with.
    pub baseline: Option<Placed<Baseline>>,
}

/// What a metric is compared with: itself before, by `offset`, or other queries, of the old colour say.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Baseline {
    /// How far back the same queries are asked: further than the bake takes.
    pub offset: Option<Placed<Period>>,
    /// `errors` of the baseline.
    pub errors: Option<Placed<BakeQuery>>,
    /// `total` of the baseline.
    pub total: Option<Placed<BakeQuery>>,
    /// `latency` of the baseline.
    pub latency: Option<Placed<BakeQuery>>,
    /// `query` of the baseline.
    pub query: Option<Placed<BakeQuery>>,
    /// At most so many times the baseline, plus `max-increase`. Default: 1.
    pub max_ratio: Option<Placed<f64>>,
    /// At most so much more than the baseline times `max-ratio`. Default: 0.
    pub max_increase: Option<Placed<Amount>>,
}

/// Asks for one number.
#[derive(Clone, Debug, PartialEq)]
pub enum BakeQuery {
    /// `PromQL`, which must find exactly one series; `{{ name }}` is a variable.
    Prometheus(String),
    /// A metric of CloudWatch.
    CloudWatch(CloudWatchMetric),
}

/// A metric of CloudWatch.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CloudWatchMetric {
    /// Its namespace: `AWS/ApplicationELB`.
    pub namespace: String,
    /// Its name: `HTTPCode_Target_5XX_Count`.
    pub metric: String,
    /// Its dimensions; `{{ name }}` in a value is a variable.
    #[serde(default)]
    pub dimensions: IndexMap<String, String>,
    /// The statistic: `Sum`, `Average`, `Maximum`, `p95`.
    pub statistic: String,
    /// The time that one value is made of: whole minutes. Default: `1m`.
    pub period: Option<Period>,
}

impl<'de> Deserialize<'de> for BakeQuery {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Form;

        impl<'de> Visitor<'de> for Form {
            type Value = BakeQuery;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a query in PromQL, or a metric of CloudWatch: `{namespace: ..., metric: ..., statistic: ...}`")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<BakeQuery, E> {
                Ok(BakeQuery::Prometheus(text.trim().to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<BakeQuery, A::Error> {
                CloudWatchMetric::deserialize(MapAccessDeserializer::new(map)).map(BakeQuery::CloudWatch)
            }
        }

        deserializer.deserialize_any(Form)
    }
}

impl JsonSchema for BakeQuery {
    fn schema_name() -> Cow<'static, str> {
        "BakeQuery".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let metric = generator.subschema_for::<CloudWatchMetric>();
        json_schema!({
            "description": "A query in PromQL that finds exactly one series, or a metric of CloudWatch.",
            "anyOf": [{"type": "string"}, metric],
        })
    }
}

/// A number with or without a unit: `12`, `0.5`, `1%`, `500ms`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Amount {
    /// A bare number.
    Number(f64),
    /// A share, written in percent: 0.01 is `1%`.
    Share(f64),
    /// A length of time.
    Time(Duration),
}

impl FromStr for Amount {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = |text: &str| text.trim().parse::<f64>().ok().filter(|number| number.is_finite());
        if let Some(number) = text.trim().strip_suffix('%').and_then(number) {
            return Ok(Self::Share(number / 100.0));
        }
        if let Some(number) = number(text) {
            return Ok(Self::Number(number));
        }
        let time = text.parse::<Period>().map(|period| Self::Time(period.0));
        time.map_err(|_| format!("\"{text}\" is no amount: write a number, a share as 1% or a time as 500ms"))
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Form;

        impl Visitor<'_> for Form {
            type Value = Amount;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number, a share as `1%` or a time as `500ms`")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Amount, E> {
                text.parse().map_err(E::custom)
            }

            fn visit_f64<E: Error>(self, number: f64) -> Result<Amount, E> {
                if number.is_finite() {
                    Ok(Amount::Number(number))
                } else {
                    Err(E::custom("the number is not finite"))
                }
            }

            #[expect(clippy::cast_precision_loss, reason = "a limit is a measured number")]
            fn visit_u64<E: Error>(self, number: u64) -> Result<Amount, E> {
                Ok(Amount::Number(number as f64))
            }

            #[expect(clippy::cast_precision_loss, reason = "a limit is a measured number")]
            fn visit_i64<E: Error>(self, number: i64) -> Result<Amount, E> {
                Ok(Amount::Number(number as f64))
            }
        }

        deserializer.deserialize_any(Form)
    }
}

impl JsonSchema for Amount {
    fn schema_name() -> Cow<'static, str> {
        "Amount".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A number, a share such as `1%`, or a time such as `500ms`.",
            "type": ["number", "string"],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Bake, String> {
        sluice_yaml::from_slice(text.as_bytes())
            .map_err(|error| format!("{}:{}: {}", error.place.line, error.place.column, error.what))
    }

    #[test]
    fn amounts_have_the_unit_that_is_written() {
        assert_eq!("1%".parse(), Ok(Amount::Share(0.01)));
        assert_eq!("0.5".parse(), Ok(Amount::Number(0.5)));
        assert_eq!("500ms".parse(), Ok(Amount::Time(Duration::from_millis(500))));
        for wrong in ["", "%", "nan", "inf", "NaN%", "a lot", "1 %%"] {
            assert!(wrong.parse::<Amount>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_query_is_a_text_or_a_metric() {
        let bake = read(
            "for: 10m\nmetrics:\n  errors:\n    errors: sum(x)\n    total: {namespace: AWS/ApplicationELB, metric: RequestCount, statistic: Sum}\n    max-error-rate: 1%\n",
        )
        .unwrap();
        let (name, metric) = bake.metrics.first().unwrap();
        assert_eq!((name.as_str(), name.place.line), ("errors", 3));
        assert_eq!(metric.errors.as_ref().unwrap().value, BakeQuery::Prometheus("sum(x)".to_owned()));
        assert_eq!(metric.total.as_ref().unwrap().place.line, 5);
        assert_eq!(metric.max_error_rate.as_ref().unwrap().value, Amount::Share(0.01));
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        let wrong = [
            "metrics: {}",
            "for: 1m\nmetrics: {a: {quary: x}}",
            "for: 1m\nmetrics: {a: {query: [x]}}",
            "for: 1m\nmetrics: {a: {query: {namespace: x}}}",
            "for: 1m\nmetrics: {a: {query: x, max: a lot}}",
        ];
        let told: Vec<String> = wrong.iter().map(|text| read(text).unwrap_err()).collect();
        insta::assert_snapshot!(told.join("\n"), @r#"
        1:1: missing key "for"
        2:15: unknown key "quary"
        2:22: expected a query in PromQL, or a metric of CloudWatch: `{namespace: ..., metric: ..., statistic: ...}`, found a list
        2:22: missing key "metric"
        2:30: "a lot" is no amount: write a number, a share as 1% or a time as 500ms
        "#);
    }
}
