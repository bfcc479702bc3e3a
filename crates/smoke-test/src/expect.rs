//! What an answer must be like: the assertions of a check, one file a kind.

mod certificate;
mod duration;
mod json;
mod size;
mod status;
mod text;

use indexmap::IndexMap;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Deserialize;
use sluice_core::escape;
use sluice_http::Response;
use sluice_http::header::CONTENT_ENCODING;
use sluice_yaml::{Place, Placed};

use self::certificate::CertificateCondition;
use self::duration::DurationCondition;
use self::json::JsonCondition;
use self::size::SizeCondition;
use self::text::TextCondition;
use crate::forms::{self, Form, Forms, Never};
use crate::http::{HttpVersion, Name};
use crate::kind::Seen;

pub(crate) use self::json::Path;
pub(crate) use self::status::Statuses;
pub(crate) use self::text::Pattern;

/// What is expected of a check.
#[derive(Clone, Debug)]
pub(crate) enum Expectation {
    /// That it gets no connection.
    Unreachable,
    /// An answer that is like this.
    Answer(Box<Expect>),
}

impl Default for Expectation {
    fn default() -> Self {
        Self::Answer(Box::default())
    }
}

impl Forms for Expectation {
    type Item = Never;
    type Mapping = Expect;
    const EXPECTED: &'static str = "a mapping of conditions, or `unreachable`";

    fn read(form: Form<Never, Expect>) -> Result<Self, String> {
        match form {
            Form::Text(text) if text == "unreachable" => Ok(Self::Unreachable),
            Form::Mapping(expect) => Ok(Self::Answer(Box::new(expect))),
            other => Err(forms::unexpected::<Self>(&other)),
        }
    }
}

forms::deserialize_forms!(Expectation);

impl JsonSchema for Expectation {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Expectation".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let mapping = Expect::json_schema(generator);
        schemars::json_schema!({ "anyOf": [{ "const": "unreachable" }, mapping] })
    }
}

/// What the answer must be like; all of it must hold.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
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
    /// How large the body is.
    size: Option<Placed<SizeCondition>>,
    /// The version of HTTP that was spoken.
    http_version: Option<Placed<HttpVersion>>,
    /// The certificate of the server.
    certificate: Option<Placed<CertificateCondition>>,
    /// The records that DNS answers with, of which one must satisfy.
    records: Option<Placed<TextCondition>>,
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
    pub(crate) fn judge(&self, answer: &Response, now: Timestamp) -> Vec<Mismatch> {
        if let Some(mismatch) = self.judge_status(answer) {
            return vec![mismatch];
        }
        let headers = self.headers.iter().filter_map(|(header, condition)| {
            text::judge_header(condition, &header.name, answer).map(|found| found.at(condition.place))
        });
        let body = self.body.iter().filter_map(|condition| {
            text::judge_body(condition, answer).map(|found| found.at(condition.place))
        });
        let encoding = unread_encoding(answer);
        let content = body.chain(json::judge(&self.json, answer)).map(|found| match &encoding {
            Some(encoding) => found.of_encoded(encoding),
            None => found,
        });
        let duration = self.duration.iter().filter_map(|condition| {
            condition.judge(answer.timings.total).map(|found| found.at(condition.place))
        });
        let size = self.size.iter().filter_map(|condition| {
            condition.judge(answer.size, answer.truncated).map(|found| found.at(condition.place))
        });
        let version = self.http_version.iter().filter_map(|wanted| judge_version(wanted, answer));
        let certificate = self.certificate.iter().filter_map(|condition| {
            condition.judge(answer.certificate.as_deref(), now).map(|found| found.at(condition.place))
        });
        headers.chain(content).chain(duration).chain(size).chain(version).chain(certificate).collect()
    }

    /// What is wrong with what was seen of a server that does not speak HTTP.
    pub(crate) fn judge_seen(&self, seen: &Seen, now: Timestamp) -> Vec<Mismatch> {
        let duration = self.duration.iter().filter_map(|condition| {
            condition.judge(seen.timings.total).map(|found| found.at(condition.place))
        });
        let certificate = self.certificate.iter().filter_map(|condition| {
            condition.judge(seen.certificate.as_ref(), now).map(|found| found.at(condition.place))
        });
        let records = self.records.iter().filter_map(|condition| {
            text::judge_records(condition, &seen.records).map(|found| found.at(condition.place))
        });
        duration.chain(certificate).chain(records).collect()
    }

    /// The first condition that is given though only other kinds of checks have what it is on.
    pub(crate) fn foreign_to(&self, known: &[&str]) -> Option<(&'static str, Place)> {
        let Self { status, headers, body, json, duration, size, http_version, certificate, records } = self;
        let given = [
            ("status", status.as_ref().map(|given| given.place)),
            ("headers", headers.values().next().map(|given| given.place)),
            ("body", body.as_ref().map(|given| given.place)),
            ("json", json.values().next().map(|given| given.place)),
            ("duration", duration.as_ref().map(|given| given.place)),
            ("size", size.as_ref().map(|given| given.place)),
            ("http-version", http_version.as_ref().map(|given| given.place)),
            ("certificate", certificate.as_ref().map(|given| given.place)),
            ("records", records.as_ref().map(|given| given.place)),
        ];
        given.into_iter().find_map(|(key, place)| Some((key, place.filter(|_| !known.contains(&key))?)))
    }

    /// How many bytes of the body must be counted.
    pub(crate) fn count_to(&self) -> u64 {
        self.size.as_ref().map_or(0, |size| size.bound())
    }

    /// Whether the status of an answer is the expected one.
    pub(crate) fn judge_status(&self, answer: &Response) -> Option<Mismatch> {
        match &self.status {
            Some(statuses) => statuses.judge(answer.status).map(|found| found.at(statuses.place)),
            None => Statuses::success().judge(answer.status),
        }
    }
}

/// The encoding that a body is left in: only gzip is undone.
fn unread_encoding(answer: &Response) -> Option<String> {
    let values = answer.headers.get_all(CONTENT_ENCODING).iter();
    let names = values.map(|value| escape::bytes(value.as_bytes())).collect::<Vec<_>>().join(", ");
    let is_read = ["", "identity", "gzip", "x-gzip"].iter().any(|read| names.eq_ignore_ascii_case(read));
    (!is_read).then_some(names)
}

fn judge_version(wanted: &Placed<HttpVersion>, answer: &Response) -> Option<Mismatch> {
    if HttpVersion::of(answer.version) == Some(wanted.value) {
        return None;
    }
    let actual = format!("{:?}", answer.version);
    let mismatch = Mismatch {
        reason: format!("{actual} was spoken"),
        expected: format!("HTTP/{}", wanted.as_str()),
        actual,
        place: None,
    };
    Some(mismatch.at(wanted.place))
}

impl Mismatch {
    fn of_encoded(self, encoding: &str) -> Self {
        Self {
            reason: format!(
                "{}: it came in the content-encoding {encoding}, which is not undone",
                self.reason
            ),
            ..self
        }
    }

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
        expect.judge(answer, Timestamp::UNIX_EPOCH).into_iter().map(|mismatch| mismatch.reason).collect()
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
    fn a_body_that_is_left_in_its_encoding_says_so() {
        let body =
            |encoding| judged("{body: ok}", &answer(200, &[("content-encoding", encoding)], b"\x0b\x02"));
        for encoding in ["br", "gzip, gzip"] {
            let told = format!(
                "body is not \"ok\": it came in the content-encoding {encoding}, which is not undone"
            );
            assert_eq!(body(encoding), [told]);
        }
        for encoding in ["GZIP", "identity"] {
            assert_eq!(body(encoding), ["body is not \"ok\""]);
        }
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
            .judge(&answer(200, &[], b"{}"), Timestamp::UNIX_EPOCH)
            .into_iter()
            .map(|mismatch| mismatch.place.unwrap().to_string())
            .collect();
        assert_eq!(places, ["2:3", "4:8"]);
    }
}
