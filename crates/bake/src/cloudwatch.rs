//! CloudWatch: metrics and the states of alarms, by signed calls without an SDK.
//!
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html>,
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html>

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use roxmltree::{Document, Node};
use sluice_core::Problem;
use sluice_http::Client;
use sluice_sigv4::{Access, Call, Service, accept};

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

/// The version of CloudWatch's API.
const VERSION: &str = "2010-08-01";

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
        let member = |key: &str| format!("MetricDataQueries.member.1.{key}");
        let mut parameters = vec![
            ("StartTime".to_owned(), start.to_string()),
            ("EndTime".to_owned(), end.to_string()),
            (member("Id"), "m0".to_owned()),
            (member("MetricStat.Metric.Namespace"), wanted.namespace.clone()),
            (member("MetricStat.Metric.MetricName"), wanted.metric.clone()),
            (member("MetricStat.Period"), wanted.period.as_secs().to_string()),
            (member("MetricStat.Stat"), wanted.stat.clone()),
        ];
        for (index, (name, value)) in wanted.dimensions.iter().enumerate() {
            let key = member(&format!("MetricStat.Metric.Dimensions.member.{}", index + 1));
            parameters.push((format!("{key}.Name"), name.clone()));
            parameters.push((format!("{key}.Value"), value.clone()));
        }
        let answer = self.call(client, "GetMetricData", &parameters, now).await?;
        value(&answer).map(Answer::Number)
    }

    /// The states of alarms; each must be there.
    pub(crate) async fn alarms(
        &self,
        client: &Client,
        names: &[String],
        now: Timestamp,
    ) -> Result<Answer, Trouble> {
        // Without its kinds the call leaves composite alarms out.
        let mut parameters = vec![
            ("AlarmTypes.member.1".to_owned(), "MetricAlarm".to_owned()),
            ("AlarmTypes.member.2".to_owned(), "CompositeAlarm".to_owned()),
            ("MaxRecords".to_owned(), MOST_ALARMS.to_string()),
        ];
        for (index, name) in names.iter().enumerate() {
            parameters.push((format!("AlarmNames.member.{}", index + 1), name.clone()));
        }
        let answer = self.call(client, "DescribeAlarms", &parameters, now).await?;
        let states = states(&answer)?;
        let missing: Vec<&str> =
            names.iter().filter(|name| !states.contains_key(*name)).map(String::as_str).collect();
        if missing.is_empty() {
            return Ok(Answer::Alarms(states));
        }
        let region = self.access.region();
        Err(Trouble::lasting(format!("there is no alarm {} in {region}", missing.join(", ")))
            .help("check the names, the account and the region"))
    }

    /// A call by the query protocol: every partition, and every stand-in, speaks it.
    async fn call(
        &self,
        client: &Client,
        action: &str,
        parameters: &[(String, String)],
        now: Timestamp,
    ) -> Result<String, Trouble> {
        let parameters = parameters.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let call = Call::query(Service::CLOUDWATCH, action, VERSION, parameters).repeatable();
        let request = self.access.sign(&call, now).map_err(|error| Trouble::lasting(error.to_string()))?;
        let response =
            client.send(request).await.map_err(|error| Trouble::passing(format!("CloudWatch: {error}")))?;
        let response = accept(response).map_err(|refusal| {
            let problem = Problem::from(refusal);
            let why = problem.why.unwrap_or(problem.what);
            Trouble { help: problem.help, ..Trouble::passing(format!("CloudWatch refused: {why}")) }
        })?;
        String::from_utf8(response.body.into()).map_err(|_| odd())
    }
}

fn odd() -> Trouble {
    Trouble::passing("the answer of CloudWatch is not in the form that its API describes")
}

/// From when until when: one whole period, aligned as CloudWatch keeps them.
fn window(time: Timestamp, settle: Duration, period: Duration) -> (Timestamp, Timestamp) {
    let seconds = |duration: Duration| i64::try_from(duration.as_secs()).unwrap_or(i64::MAX);
    let period = seconds(period).max(1);
    let newest = time.as_second().saturating_sub(seconds(settle));
    let end = newest - newest.rem_euclid(period);
    let at = |second: i64| Timestamp::from_second(second).unwrap_or(Timestamp::MIN);
    (at(end - period), at(end))
}

/// The one value of an answer of `GetMetricData`.
///
/// A metric that nobody reported to has no value. Data that is not complete could hide what is looked for.
fn value(answer: &str) -> Result<Option<f64>, Trouble> {
    let document = Document::parse(answer).map_err(|_| odd())?;
    let series: Vec<Node<'_, '_>> = members(document.root(), "MetricDataResults");
    let [series] = series.as_slice() else {
        return Err(Trouble::passing(format!(
            "CloudWatch answered {} metrics, one was asked for",
            series.len()
        )));
    };
    let values = members(*series, "Values");
    match (text(*series, "StatusCode").ok_or_else(odd)?, values.as_slice()) {
        ("Complete", []) => Ok(None),
        ("Complete", [value]) => {
            value.text().and_then(|text| text.trim().parse().ok()).map(Some).ok_or_else(odd)
        }
        ("Complete", many) => {
            Err(Trouble::passing(format!("CloudWatch answered {} values, one was asked for", many.len())))
        }
        ("Forbidden", _) => Err(Trouble::passing("CloudWatch may not show this metric to us")
            .help("allow the action cloudwatch:GetMetricData to the role that this job assumes")),
        (status, _) => Err(Trouble::passing(format!("CloudWatch does not have all data: {status}"))),
    }
}

/// The states in an answer of `DescribeAlarms`, by the names of alarms.
fn states(answer: &str) -> Result<BTreeMap<String, String>, Trouble> {
    let document = Document::parse(answer).map_err(|_| odd())?;
    let mut states = BTreeMap::new();
    for kind in ["MetricAlarms", "CompositeAlarms"] {
        for alarm in members(document.root(), kind) {
            let (name, state) = text(alarm, "AlarmName").zip(text(alarm, "StateValue")).ok_or_else(odd)?;
            states.insert(name.to_owned(), state.to_owned());
        }
    }
    Ok(states)
}

/// The members of the first list of that name below a node.
fn members<'a, 'input>(node: Node<'a, 'input>, list: &str) -> Vec<Node<'a, 'input>> {
    let list = node.descendants().find(|node| node.tag_name().name() == list);
    list.into_iter()
        .flat_map(|list| list.children())
        .filter(|node| node.tag_name().name() == "member")
        .collect()
}

/// The text of a child.
fn text<'a>(node: Node<'a, '_>, name: &str) -> Option<&'a str> {
    node.children().find(|node| node.tag_name().name() == name)?.text()
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
            (start.strftime("%T").to_string(), end.strftime("%T").to_string())
        };
        assert_eq!(shown(minutes(2), minutes(1)), ("12:01:00".to_owned(), "12:02:00".to_owned()));
        assert_eq!(shown(minutes(0), minutes(5)), ("11:55:00".to_owned(), "12:00:00".to_owned()));
    }

    #[test]
    fn only_complete_data_counts() {
        let answer = |status: &str, values: &[f64]| {
            let values: Vec<_> = values.iter().map(|value| format!("<member>{value}</member>")).collect();
            let values = values.concat();
            value(&format!(
                "<R xmlns=\"x\"><MetricDataResults><member><StatusCode>{status}</StatusCode>\
                 <Values>{values}</Values></member></MetricDataResults></R>"
            ))
            .map_err(|trouble| trouble.why)
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
        for odd in ["", "<a>", "<a/>", "<R><MetricDataResults><member/></MetricDataResults></R>"] {
            assert!(value(odd).is_err(), "{odd}");
        }
    }
}
