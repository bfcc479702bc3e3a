//! Where a value in an answer is taken from: for captures, and for the version.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use sluice_core::escape;
use sluice_http::Response;

use crate::expect::{Path, Pattern};
use crate::http::Name;

/// Where a value is taken from; one of the three is given.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    Json(Path),
    Header(Name),
    Body(Pattern),
}

impl Source {
    /// The one that is given.
    pub(crate) fn one_of(
        json: Option<Path>,
        header: Option<Name>,
        matches: Option<Pattern>,
    ) -> Result<Self, String> {
        match (json, header, matches) {
            (Some(path), None, None) => Ok(Self::Json(path)),
            (None, Some(name), None) => Ok(Self::Header(name)),
            (None, None, Some(pattern)) => Ok(Self::Body(pattern)),
            _ => Err("give one of \"json\", \"header\" and \"matches\"".to_owned()),
        }
    }

    /// The value in an answer, or why there is none.
    pub(crate) fn find(&self, answer: &Response) -> Result<String, String> {
        match self {
            Self::Json(path) => {
                let document: Value =
                    serde_json::from_slice(&answer.body).map_err(|_| "the body is not JSON".to_owned())?;
                match path.select(&document).as_slice() {
                    [Value::String(text)] => Ok(text.clone()),
                    [value @ (Value::Number(_) | Value::Bool(_))] => Ok(value.to_string()),
                    [] => Err(format!("{path} selects nothing")),
                    [_] => Err(format!("{path} is neither text nor number")),
                    nodes => Err(format!("{path} selects {} nodes", nodes.len())),
                }
            }
            Self::Header(name) => {
                let value = answer.headers.get(&name.name);
                let value = value.ok_or_else(|| format!("header {} is missing", name.name))?;
                Ok(escape::bytes(value.as_bytes()))
            }
            Self::Body(pattern) => match pattern.capture(&answer.body) {
                Some(found) => Ok(escape::bytes(found)),
                None => Err(format!("body does not match {pattern}")),
            },
        }
    }
}

/// A value that is kept from an answer for checks after it, as a variable.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(try_from = "CaptureFields")]
#[schemars(with = "CaptureFields")]
pub(crate) struct Capture {
    pub(crate) source: Source,
    /// Whether it is a secret, whatever its name looks like.
    pub(crate) secret: Option<bool>,
}

/// The mapping that a capture is written as.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct CaptureFields {
    /// The node of a JSON body that this path selects, a text or a number (RFC 9535).
    json: Option<Path>,
    /// The value of this header.
    header: Option<Name>,
    /// What this regular expression finds in the body: its first group, else the whole match.
    matches: Option<Pattern>,
    /// Whether it must not be seen. Default: when its name looks like a secret's (`token`, `password`, ...).
    secret: Option<bool>,
}

impl TryFrom<CaptureFields> for Capture {
    type Error = String;

    fn try_from(fields: CaptureFields) -> Result<Self, String> {
        let source = Source::one_of(fields.json, fields.header, fields.matches)?;
        Ok(Self { source, secret: fields.secret })
    }
}

/// The version that an answer must tell.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(try_from = "VersionFields")]
#[schemars(with = "VersionFields")]
pub(crate) struct ExpectVersion {
    pub(crate) source: Source,
    /// The version that must answer; `None` for the input `version`.
    pub(crate) equals: Option<String>,
    /// How many answers in a row must tell it.
    pub(crate) consecutive: u32,
}

/// The mapping that the version is written as.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct VersionFields {
    /// The node of a JSON body that this path selects (RFC 9535).
    json: Option<Path>,
    /// The value of this header.
    header: Option<Name>,
    /// What this regular expression finds in the body: its first group, else the whole match.
    matches: Option<Pattern>,
    /// The version. Default: the input `version`.
    equals: Option<String>,
    /// How many answers in a row must tell it, each over a connection of its own. Default: 3.
    #[schemars(range(min = 1))]
    consecutive: Option<u32>,
}

/// One answer may come from the only new pod among old ones.
const CONSECUTIVE: u32 = 3;

impl TryFrom<VersionFields> for ExpectVersion {
    type Error = String;

    fn try_from(fields: VersionFields) -> Result<Self, String> {
        let source = Source::one_of(fields.json, fields.header, fields.matches)?;
        let consecutive = fields.consecutive.unwrap_or(CONSECUTIVE);
        if consecutive == 0 {
            return Err("\"consecutive\" is at least 1: no answer proves nothing".to_owned());
        }
        if fields.equals.as_ref().is_some_and(String::is_empty) {
            return Err("the version is empty".to_owned());
        }
        Ok(Self { source, equals: fields.equals, consecutive })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::answer;

    fn found(yaml: &str, body: &str) -> Result<String, String> {
        let capture: Capture = sluice_yaml::from_slice(yaml.as_bytes()).map_err(|error| error.to_string())?;
        capture.source.find(&answer(200, &[("etag", "\"abc\"")], body.as_bytes()))
    }

    #[test]
    fn a_value_is_found_in_json_headers_and_text() {
        assert_eq!(found("json: $.a", "{\"a\": \"x\"}").unwrap(), "x");
        assert_eq!(found("json: $.a", "{\"a\": 7}").unwrap(), "7");
        assert_eq!(found("header: ETag", "").unwrap(), "\"abc\"");
        assert_eq!(found("matches: 'v=(\\d+)'", "v=12;").unwrap(), "12");
        assert_eq!(found("matches: '\\d+'", "v=12;").unwrap(), "12");
    }

    #[test]
    fn a_value_that_is_not_there_is_told() {
        let told = [
            found("json: $.a", "{}"),
            found("json: $.a[*]", "{\"a\": [1, 2]}"),
            found("json: $.a", "{\"a\": null}"),
            found("json: $.a", "<html>"),
            found("header: x-none", ""),
            found("matches: x", "y"),
            found("{}", ""),
            found("{json: $.a, header: b}", ""),
        ]
        .map(Result::unwrap_err);
        insta::assert_snapshot!(told.join("\n"), @r#"
        $.a selects nothing
        $.a[*] selects 2 nodes
        $.a is neither text nor number
        the body is not JSON
        header x-none is missing
        body does not match /x/
        1:1: give one of "json", "header" and "matches"
        1:1: give one of "json", "header" and "matches"
        "#);
    }
}
