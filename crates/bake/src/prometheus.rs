//! Prometheus: instant queries over its HTTP API.
//!
//! <https://prometheus.io/docs/prometheus/latest/querying/api/#instant-queries>

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use sluice_http::{Client, HeaderName, HeaderValue, Request, Response, Url};

use crate::query::{Answer, Trouble};

/// A Prometheus, and how one may ask it.
#[derive(Clone, Debug)]
pub(crate) struct Prometheus {
    /// Without a slash at its end.
    pub(crate) base: String,
    /// Marked as secret.
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
}

/// How many redirects are followed: what stands in front may send on to the same over TLS.
const REDIRECTS: usize = 3;

impl Prometheus {
    /// Asks for one number. Without a time the server's own now counts: the clocks may differ.
    pub(crate) async fn ask(
        &self,
        client: &Client,
        query: &str,
        time: Option<Timestamp>,
    ) -> Result<Answer, Trouble> {
        let url = self.address(query, time).map_err(|error| Trouble::lasting(error.to_string()))?;
        let mut request = Request::get(url).redirects(REDIRECTS);
        for (name, value) in &self.headers {
            request = request.header(name.clone(), value.clone());
        }
        let response =
            client.send(request).await.map_err(|error| Trouble::passing(format!("Prometheus: {error}")))?;
        read(&response).map(Answer::Number)
    }

    fn address(&self, query: &str, time: Option<Timestamp>) -> Result<Url, sluice_http::Error> {
        let mut parameters = form_urlencoded::Serializer::new(String::new());
        parameters.append_pair("query", query);
        if let Some(time) = time {
            parameters.append_pair("time", &time.strftime("%FT%TZ").to_string());
        }
        Url::parse(&format!("{}/api/v1/query?{}", self.base, parameters.finish()))
    }
}

/// What the API answers, as far as it counts here.
#[derive(Deserialize)]
struct Reply {
    status: String,
    data: Option<Data>,
    error: Option<String>,
    #[serde(rename = "errorType")]
    kind: Option<String>,
    #[serde(default)]
    warnings: Vec<String>,
}

#[derive(Deserialize)]
struct Data {
    #[serde(rename = "resultType")]
    kind: String,
    result: Value,
}

/// The one number of an answer.
fn read(response: &Response) -> Result<Option<f64>, Trouble> {
    let status = response.status;
    let Ok(reply) = serde_json::from_slice::<Reply>(&response.body) else {
        return Err(match status.as_u16() {
            401 | 403 => Trouble::passing(format!("Prometheus refused the query: status {status}"))
                .help("give a `token` or `headers` under `prometheus`, and see what they may do"),
            _ => {
                Trouble::passing(format!("what answered is no Prometheus: status {status}, not in its words"))
                    .help("`url` under `prometheus` is the part before /api/v1")
            }
        });
    };
    if reply.status != "success" || !status.is_success() {
        let why = line(reply.error.as_deref().unwrap_or("no reason given"));
        // https://prometheus.io/docs/prometheus/latest/querying/api/#format-overview: 400 is a wrong parameter.
        return Err(match reply.kind.as_deref() {
            Some("bad_data") => Trouble::lasting(format!("Prometheus can't read the query: {why}")),
            _ => Trouble::passing(format!("Prometheus could not answer: {why}")),
        });
    }
    // A part of the data may be missing then: less errors, or less requests.
    if let Some(warning) = reply.warnings.first() {
        return Err(Trouble::passing(format!(
            "Prometheus warns that its answer may be wrong: {}",
            line(warning)
        )));
    }
    let data = reply.data.ok_or_else(|| Trouble::passing("the answer of Prometheus holds no data"))?;
    one(&data)
}

fn one(data: &Data) -> Result<Option<f64>, Trouble> {
    let odd = || Trouble::passing("the answer of Prometheus is not in the form that its API describes");
    let number = |sample: &Value| sample.get(1).and_then(Value::as_str).and_then(number).ok_or_else(odd);
    match (data.kind.as_str(), &data.result) {
        ("scalar", sample) => number(sample).map(Some),
        ("vector", Value::Array(series)) => match series.as_slice() {
            [] => Ok(None),
            [one] if one.get("histogram").is_some() => Err(Trouble::lasting("the query finds a histogram")
                .help("take a number from it: histogram_quantile(0.95, ...)")),
            [one] => number(one.get("value").ok_or_else(odd)?).map(Some),
            many => Err(Trouble::lasting(format!("the query finds {} series, not one", many.len()))
                .help("say how they become one number: sum(...), max(...)")),
        },
        ("matrix" | "string", _) => {
            Err(Trouble::lasting(format!("the query gives a {}, not a number", data.kind))
                .help("reduce it to one number: sum(increase(...[5m]))"))
        }
        _ => Err(odd()),
    }
}

/// A number as Prometheus writes it: also `NaN`, `+Inf`, `-Inf`.
fn number(text: &str) -> Option<f64> {
    text.parse().ok()
}

/// The longest message that is kept, in characters.
const LONGEST: usize = 300;

fn line(message: &str) -> String {
    let mut line: String = message.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some((cut, _)) = line.char_indices().nth(LONGEST) {
        line.truncate(cut);
        line.push('…');
    }
    line
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read_data(kind: &str, result: Value) -> String {
        match one(&Data { kind: kind.to_owned(), result }) {
            Ok(found) => format!("{found:?}"),
            Err(trouble) => format!("{}{}", if trouble.is_final { "for good: " } else { "" }, trouble.why),
        }
    }

    #[test]
    fn one_series_is_a_number_and_nothing_else_is() {
        let told = [
            read_data("vector", json!([{"metric": {}, "value": [1_700_000_000.1, "0.5"]}])),
            read_data("scalar", json!([1_700_000_000, "2"])),
            read_data("vector", json!([])),
            read_data("vector", json!([{"value": [1, "NaN"]}])),
            read_data("vector", json!([{"value": [1, "+Inf"]}])),
            read_data("vector", json!([{"value": [1, "1"]}, {"value": [1, "2"]}])),
            read_data("vector", json!([{"histogram": [1, {}]}])),
            read_data("matrix", json!([])),
            read_data("vector", json!([{"value": [1, 2]}])),
            read_data("vector", json!({})),
            read_data("tensor", json!([])),
        ];
        insta::assert_snapshot!(told.join("\n"), @"
        Some(0.5)
        Some(2.0)
        None
        Some(NaN)
        Some(inf)
        for good: the query finds 2 series, not one
        for good: the query finds a histogram
        for good: the query gives a matrix, not a number
        the answer of Prometheus is not in the form that its API describes
        the answer of Prometheus is not in the form that its API describes
        the answer of Prometheus is not in the form that its API describes
        ");
    }
}
