//! What an answer must be like: the assertions of a check, one file a kind.

mod duration;
mod json;
mod status;
mod text;

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;
use sluice_http::Response;
use sluice_yaml::{Place, Placed};

use self::duration::DurationCondition;
use self::json::{JsonCondition, Path};
use self::status::Statuses;
use self::text::TextCondition;
use crate::http::Name;

/// What the answer must be like; all of it must hold.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Expect {
    /// The status: a number, a class like `2xx`, a range like `200-299`, or a list of those. Default: `2xx`.
    status: Option<Placed<Statuses>>,
    /// Headers by name. Of a header that comes several times one must satisfy its condition.
    #[serde(default)]
    headers: IndexMap<Name, Placed<TextCondition>>,
    /// The body as text.
    body: Option<Placed<TextCondition>>,
    /// Nodes of a JSON body by path (RFC 9535). A path must select at least one node, and each must satisfy its
    /// condition.
    #[serde(default)]
    json: IndexMap<Path, Placed<JsonCondition>>,
    /// How long the request takes: redirects and body included, waiting between tries not.
    duration: Option<Placed<DurationCondition>>,
}

/// An expectation that an answer does not meet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mismatch {
    /// What is wrong, in a few words.
    pub(crate) reason: String,
    /// What was expected.
    pub(crate) expected: String,
    /// What came.
    pub(crate) actual: String,
    /// Where the expectation stands; none for one that holds by default.
    pub(crate) place: Option<Place>,
}

impl Expect {
    /// What is wrong with an answer.
    ///
    /// An answer of the wrong status is most often another document altogether: then only the status is told.
    pub(crate) fn judge(&self, answer: &Response) -> Vec<Mismatch> {
        if let Some(mismatch) = self.judge_status(answer) {
            return vec![mismatch];
        }
        let headers = self.headers.iter().filter_map(|(header, condition)| {
            text::judge_header(condition, &header.name, answer).map(|found| found.at(condition.place))
        });
        let body = self.body.iter().filter_map(|condition| {
            text::judge_body(condition, answer).map(|found| found.at(condition.place))
        });
        let json = json::judge(&self.json, answer);
        let duration = self.duration.iter().filter_map(|condition| {
            condition.judge(answer.timings.total).map(|found| found.at(condition.place))
        });
        headers.chain(body).chain(json).chain(duration).collect()
    }

    /// Whether the status of an answer is the expected one.
    pub(crate) fn judge_status(&self, answer: &Response) -> Option<Mismatch> {
        match &self.status {
            Some(statuses) => statuses.judge(answer.status).map(|found| found.at(statuses.place)),
            None => Statuses::success().judge(answer.status),
        }
    }
}

impl Mismatch {
    fn at(self, place: Place) -> Self {
        Self { place: Some(place), ..self }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::server::answer;

    const ALL: &str =
        "{status: 201, headers: {x-a: a}, body: {contains: b}, json: {$.c: 1}, duration: {less-than: 1s}}";

    fn judged(expect: &str, answer: &Response) -> Vec<String> {
        let expect: Expect = sluice_yaml::from_slice(expect.as_bytes()).unwrap();
        expect.judge(answer).into_iter().map(|mismatch| mismatch.reason).collect()
    }

    #[test]
    fn all_that_is_wrong_is_told() {
        let mut wrong = answer(201, &[], b"{}");
        wrong.timings.total = Duration::from_secs(2);
        assert_eq!(
            judged(ALL, &wrong),
            ["header x-a is missing", "body lacks \"b\"", "$.c selects nothing", "took 2.0 s"]
        );
        assert_eq!(judged(ALL, &answer(201, &[("x-a", "a")], b"{\"b\": 1, \"c\": 1}")), [""; 0]);
    }

    #[test]
    fn of_the_wrong_status_only_that_is_told() {
        assert_eq!(judged(ALL, &answer(500, &[], b"")), ["status 500"]);
        assert_eq!(judged("{}", &answer(301, &[], b"")), ["status 301"]);
        assert_eq!(judged("{}", &answer(204, &[], b"")), [""; 0]);
    }

    #[test]
    fn a_mismatch_knows_where_its_expectation_stands() {
        let expect: Expect = sluice_yaml::from_slice(b"body:\n  contains: b\njson:\n  $.c: 1\n").unwrap();
        let places: Vec<_> = expect
            .judge(&answer(200, &[], b"{}"))
            .into_iter()
            .map(|mismatch| mismatch.place.unwrap().to_string())
            .collect();
        assert_eq!(places, ["2:3", "4:8"]);
    }
}
