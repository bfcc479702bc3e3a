//! Many answers to one request, judged together.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use sluice_core::Period;

use crate::excerpt::seconds;
use crate::expect::Mismatch;
use crate::forms::{self, Form, Forms, Never};

/// How often a request is sent, and what the answers must be like together.
#[derive(Clone, Debug)]
pub(crate) struct Samples {
    pub(crate) count: usize,
    thresholds: Vec<Threshold>,
    /// The part of the answers that may be wrong, from 0 to 1.
    error_rate: f64,
}

/// A time that this part of the answers must not exceed.
#[derive(Clone, Copy, Debug)]
struct Threshold {
    percent: u8,
    most: Duration,
}

/// The mapping that samples are written as when there is more to say than their number.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Fields {
    /// How many times the request is sent, one after the other, once it has passed for the first time.
    #[schemars(range(min = 2, max = 10_000))]
    count: usize,
    /// Half of the answers take at most this.
    p50: Option<Period>,
    /// 95 of 100 answers take at most this.
    p95: Option<Period>,
    /// 99 of 100 answers take at most this.
    p99: Option<Period>,
    /// The part of the answers that may be wrong or missing: `0.01` is 1 %. Default: 0.
    #[schemars(range(min = 0, max = 1))]
    error_rate: Option<f64>,
}

/// What the answers were like.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sampled {
    /// How long those took that were right.
    times: Vec<Duration>,
    errors: usize,
    /// What was wrong with the first that was wrong.
    first_error: Option<String>,
}

impl Sampled {
    pub(crate) fn right(&mut self, time: Duration) {
        self.times.push(time);
    }

    pub(crate) fn wrong(&mut self, why: &str) {
        self.errors += 1;
        self.first_error.get_or_insert_with(|| why.to_owned());
    }

    /// All of it in one line.
    pub(crate) fn summary(&self) -> String {
        let total = self.times.len() + self.errors;
        let percentiles = [50, 95, 99]
            .into_iter()
            .filter_map(|percent| Some(format!("p{percent} {}", seconds(self.percentile(percent)?))));
        let errors = match self.errors {
            0 => "no errors".to_owned(),
            1 => "1 error".to_owned(),
            errors => format!("{errors} errors"),
        };
        [format!("{total} samples")]
            .into_iter()
            .chain(percentiles)
            .chain([errors])
            .collect::<Vec<_>>()
            .join(", ")
    }

    /// The time that this part of the answers did not exceed, by the nearest rank: one that was measured.
    fn percentile(&self, percent: u8) -> Option<Duration> {
        let mut times = self.times.clone();
        times.sort_unstable();
        let rank = (times.len() * usize::from(percent)).div_ceil(100);
        times.get(rank.checked_sub(1)?).copied()
    }
}

impl Samples {
    /// What is wrong with the answers.
    pub(crate) fn judge(&self, sampled: &Sampled) -> Vec<Mismatch> {
        #[expect(clippy::cast_precision_loss, reason = "there are at most 10,000 samples")]
        let rate = sampled.errors as f64 / self.count as f64;
        let mut mismatches = Vec::new();
        if rate > self.error_rate {
            let first =
                sampled.first_error.as_ref().map_or_else(String::new, |why| format!(", the first: {why}"));
            mismatches.push(Mismatch {
                reason: format!("{} of {} answers were wrong", sampled.errors, self.count),
                expected: format!("at most {} of the answers wrong", percent(self.error_rate)),
                actual: format!("{} wrong{first}", percent(rate)),
                place: None,
            });
        }
        for Threshold { percent, most } in &self.thresholds {
            let time = sampled.percentile(*percent);
            if time.is_some_and(|time| time <= *most) {
                continue;
            }
            let actual = time.map_or_else(|| "no answer was right".to_owned(), seconds);
            mismatches.push(Mismatch {
                reason: format!("p{percent} is {actual}"),
                expected: format!("p{percent} at most {}", Period(*most)),
                actual: format!("p{percent} {actual}"),
                place: None,
            });
        }
        mismatches
    }
}

fn percent(rate: f64) -> String {
    let text = format!("{:.2}", rate * 100.0);
    format!("{} %", text.trim_end_matches('0').trim_end_matches('.'))
}

impl TryFrom<Fields> for Samples {
    type Error = String;

    fn try_from(fields: Fields) -> Result<Self, String> {
        if !(2..=10_000).contains(&fields.count) {
            return Err("\"count\" is from 2 to 10000".to_owned());
        }
        let error_rate = fields.error_rate.unwrap_or(0.0);
        if !(0.0..=1.0).contains(&error_rate) {
            return Err("\"error-rate\" is a part from 0 to 1: 0.01 is 1 %".to_owned());
        }
        let thresholds = [(50, fields.p50), (95, fields.p95), (99, fields.p99)];
        let thresholds =
            thresholds.into_iter().filter_map(|(percent, most)| Some(Threshold { percent, most: most?.0 }));
        Ok(Self { count: fields.count, thresholds: thresholds.collect(), error_rate })
    }
}

impl Forms for Samples {
    type Item = Never;
    type Mapping = Fields;
    const EXPECTED: &'static str = "a number or a mapping";

    fn read(form: Form<Never, Fields>) -> Result<Self, String> {
        let none = |count| Fields { count, p50: None, p95: None, p99: None, error_rate: None };
        match form {
            Form::Scalar(serde_json::Value::Number(number)) => {
                let count = number.as_u64().and_then(|count| count.try_into().ok()).unwrap_or(0);
                Self::try_from(none(count))
            }
            Form::Mapping(fields) => Self::try_from(fields),
            other => Err(forms::unexpected::<Self>(&other)),
        }
    }
}

forms::deserialize_forms!(Samples);

impl JsonSchema for Samples {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Samples".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let mapping = Fields::json_schema(generator);
        let number = schemars::json_schema!({ "type": "integer", "minimum": 2, "maximum": 10_000 });
        schemars::json_schema!({ "anyOf": [number, mapping] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(yaml: &str) -> Result<Samples, String> {
        sluice_yaml::from_slice(yaml.as_bytes()).map_err(|error| error.to_string())
    }

    fn sampled(times: impl IntoIterator<Item = u64>, errors: usize) -> Sampled {
        let mut sampled = Sampled::default();
        times.into_iter().for_each(|time| sampled.right(Duration::from_millis(time)));
        (0..errors).for_each(|n| sampled.wrong(&format!("status 50{n}")));
        sampled
    }

    fn judged(yaml: &str, sampled: &Sampled) -> String {
        let told = samples(yaml).unwrap().judge(sampled).into_iter();
        told.map(|mismatch| format!("{} / {}", mismatch.expected, mismatch.actual))
            .collect::<Vec<_>>()
            .join("\n")
    }

    #[test]
    fn percentiles_are_times_that_were_measured() {
        let hundred = sampled((1..=100).rev(), 0);
        assert_eq!(hundred.summary(), "100 samples, p50 50 ms, p95 95 ms, p99 99 ms, no errors");
        assert_eq!(judged("{count: 100, p50: 50ms, p95: 95ms, p99: 99ms}", &hundred), "");
        assert_eq!(judged("{count: 100, p99: 98ms}", &hundred), "p99 at most 98ms / p99 99 ms");
        assert_eq!(sampled([7], 0).percentile(50), Some(Duration::from_millis(7)));
    }

    #[test]
    fn wrong_answers_count_and_no_right_answer_is_never_a_pass() {
        assert_eq!(
            judged("100", &sampled(1..=98, 2)),
            "at most 0 % of the answers wrong / 2 % wrong, the first: status 500"
        );
        assert_eq!(judged("{count: 100, error-rate: 0.02}", &sampled(1..=98, 2)), "");
        assert_eq!(
            judged("{count: 2, error-rate: 1, p50: 1s}", &sampled([], 2)),
            "p50 at most 1s / p50 no answer was right"
        );
    }

    #[test]
    fn what_can_not_be_meant_is_refused() {
        for yaml in ["1", "0", "-5", "{count: 1}", "{count: 5, error-rate: 5}", "{count: 5, p90: 1s}", "many"]
        {
            assert!(samples(yaml).is_err(), "{yaml}");
        }
    }
}
