//! CloudWatch: metrics and the states of alarms, by signed calls without an SDK.
//!
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html>,
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html>

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use sluice_core::Problem;
use sluice_http::Client;
use sluice_sigv4::{Access, Call, JsonVersion, Service, accept};

use crate::query::{Answer, Statistic, Trouble};

/// CloudWatch in one region.
#[derive(Clone, Debug)]
pub(crate) struct CloudWatch {
    pub(crate) access: Access,
    /// The newest time that is left out: its data still comes in.
    pub(crate) settle: Duration,
}

/// How many alarms one call may name.
pub(crate) const MOST_ALARMS: usize = 100;

/// What GetMetricData answers, as far as it counts here.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Data {
    metric_data_results: Vec<Series>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Series {
    status_code: String,
    #[serde(default)]
    values: Vec<f64>,
}

/// What DescribeAlarms answers, as far as it counts here.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Alarms {
    #[serde(default)]
    metric_alarms: Vec<Alarm>,
    #[serde(default)]
    composite_alarms: Vec<Alarm>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Alarm {
    alarm_name: String,
    state_value: String,
}

impl CloudWatch {
    /// The newest whole period before `time` whose data has come in.
    pub(crate) async fn statistic(
        &self,
        client: &Client,
        wanted: &Statistic,
        time: Timestamp,
        now: Timestamp,
    ) -> Result<Answer, Trouble> {
        let (start, end) = window(time, self.settle, wanted.period);
        let dimensions: Vec<Value> =
            wanted.dimensions.iter().map(|(name, value)| json!({"Name": name, "Value": value})).collect();
        let body = json!({
            "StartTime": start,
            "EndTime": end,
            "MetricDataQueries": [{
                "Id": "m0",
                "MetricStat": {
                    "Metric": {
                        "Namespace": wanted.namespace,
                        "MetricName": wanted.metric,
                        "Dimensions": dimensions,
                    },
                    "Period": wanted.period.as_secs(),
                    "Stat": wanted.statistic,
                },
            }],
        });
        let data: Data = self.call(client, "GraniteServiceVersion20100801.GetMetricData", &body, now).await?;
        one(&data).map(Answer::Number)
    }

    /// The states of alarms; each must be there.
    pub(crate) async fn alarms(
        &self,
        client: &Client,
        names: &[String],
        now: Timestamp,
    ) -> Result<Answer, Trouble> {
        // Without its kinds the call leaves composite alarms out.
        let body = json!({
            "AlarmNames": names,
            "AlarmTypes": ["MetricAlarm", "CompositeAlarm"],
            "MaxRecords": MOST_ALARMS,
        });
        let found: Alarms =
            self.call(client, "GraniteServiceVersion20100801.DescribeAlarms", &body, now).await?;
        let found = found.metric_alarms.into_iter().chain(found.composite_alarms);
        let states: BTreeMap<String, String> =
            found.map(|alarm| (alarm.alarm_name, alarm.state_value)).collect();
        let missing: Vec<&str> =
            names.iter().filter(|name| !states.contains_key(*name)).map(String::as_str).collect();
        if missing.is_empty() {
            return Ok(Answer::Alarms(states));
        }
        let region = self.access.region();
        Err(Trouble::lasting(format!("there is no alarm {} in {region}", missing.join(", ")))
            .help("check the names, the account and the region"))
    }

    async fn call<T: for<'de> Deserialize<'de>>(
        &self,
        client: &Client,
        target: &'static str,
        body: &Value,
        now: Timestamp,
    ) -> Result<T, Trouble> {
        let call = Call::json(Service::CLOUDWATCH, target, JsonVersion::V1_0, body).repeatable();
        let request = self.access.sign(&call, now).map_err(|error| Trouble::lasting(error.to_string()))?;
        let response =
            client.send(request).await.map_err(|error| Trouble::passing(format!("CloudWatch: {error}")))?;
        let response = accept(response).map_err(|refusal| {
            let problem = Problem::from(refusal);
            let why = problem.why.unwrap_or(problem.what);
            Trouble { help: problem.help, ..Trouble::passing(format!("CloudWatch refused: {why}")) }
        })?;
        serde_json::from_slice(&response.body).map_err(|_| {
            Trouble::passing("the answer of CloudWatch is not in the form that its API describes")
        })
    }
}

/// From when until when, in seconds of Unix time: one whole period, aligned as CloudWatch keeps them.
fn window(time: Timestamp, settle: Duration, period: Duration) -> (i64, i64) {
    let seconds = |duration: Duration| i64::try_from(duration.as_secs()).unwrap_or(i64::MAX);
    let period = seconds(period).max(1);
    let newest = time.as_second().saturating_sub(seconds(settle));
    let end = newest - newest.rem_euclid(period);
    (end - period, end)
}

/// The one value of an answer.
///
/// A metric that nobody reported to has no value. Data that is not complete could hide what is looked for.
fn one(data: &Data) -> Result<Option<f64>, Trouble> {
    let [series] = data.metric_data_results.as_slice() else {
        return Err(Trouble::passing(format!(
            "CloudWatch answered {} metrics, one was asked for",
            data.metric_data_results.len()
        )));
    };
    match (series.status_code.as_str(), series.values.as_slice()) {
        ("Complete", []) => Ok(None),
        ("Complete", [value]) => Ok(Some(*value)),
        ("Complete", many) => {
            Err(Trouble::passing(format!("CloudWatch answered {} values, one was asked for", many.len())))
        }
        ("Forbidden", _) => Err(Trouble::passing("CloudWatch may not show this metric to us")
            .help("allow the action cloudwatch:GetMetricData to the role that this job assumes")),
        (status, _) => Err(Trouble::passing(format!("CloudWatch does not have all data: {status}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_one_whole_period_that_has_settled() {
        let time: Timestamp = "2026-11-21T12:04:31Z".parse().unwrap();
        let minutes = Duration::from_mins;
        let shown = |settle, period| {
            let (start, end) = window(time, settle, period);
            let at = |second| Timestamp::from_second(second).unwrap().strftime("%T").to_string();
            (at(start), at(end))
        };
        assert_eq!(shown(minutes(2), minutes(1)), ("12:01:00".to_owned(), "12:02:00".to_owned()));
        assert_eq!(shown(minutes(0), minutes(5)), ("11:55:00".to_owned(), "12:00:00".to_owned()));
    }

    #[test]
    fn only_complete_data_counts() {
        let answer = |status: &str, values: &[f64]| {
            let data = json!({"MetricDataResults": [{"Id": "m0", "StatusCode": status, "Values": values}]});
            one(&serde_json::from_value(data).unwrap()).map_err(|trouble| trouble.why)
        };
        assert_eq!(answer("Complete", &[3.0]), Ok(Some(3.0)));
        assert_eq!(answer("Complete", &[]), Ok(None));
        let not_told = [
            answer("PartialData", &[3.0]),
            answer("InternalError", &[]),
            answer("Forbidden", &[]),
            answer("Complete", &[1.0, 2.0]),
        ];
        let not_told: Vec<String> = not_told.into_iter().map(Result::unwrap_err).collect();
        insta::assert_snapshot!(not_told.join("\n"), @"
        CloudWatch does not have all data: PartialData
        CloudWatch does not have all data: InternalError
        CloudWatch may not show this metric to us
        CloudWatch answered 2 values, one was asked for
        ");
        assert!(one(&Data { metric_data_results: Vec::new() }).is_err());
    }
}
