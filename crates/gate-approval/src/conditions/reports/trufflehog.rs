//! Reading `TruffleHog`'s JSON lines: `trufflehog git file://. --json > secrets.json 2>&1`.
//!
//! The fields of a secret are those of
//! <https://github.com/trufflesecurity/trufflehog/blob/main/pkg/output/json.go>. A scan that found nothing
//! writes nothing, and neither does one that crashed. Only the last line of its log, `finished scanning`,
//! which it writes beside, tells them apart: without that line a file of secrets is one that was cut off.

use serde::Deserialize;
use serde_json::Value;
use sluice_gate::reports::{About, Found, Report, Scan, Severity, Told};

use super::silent::{Silent, cut, location};

pub(super) const NAME: &str = "TruffleHog JSON";

pub(super) fn read(bytes: &[u8]) -> Result<Report, Silent> {
    let mut scan = Scan::default();
    let mut verified = 0_u64;
    let mut end: Option<Log> = None;
    for line in serde_json::Deserializer::from_slice(bytes).into_iter::<Line>() {
        match line.map_err(|error| Silent::json(NAME, &error))? {
            Line::Secret(secret) => {
                verified += u64::from(secret.verified);
                scan.find(secret.found());
            }
            Line::Log(log) if log.level.starts_with("error") || log.level.starts_with("fatal") => {
                return Err(Silent::Nothing(format!("TruffleHog says: {}", cut(&log.msg))));
            }
            Line::Log(log) if log.msg == "encountered errors during scan" => {
                return Err(Silent::Nothing("TruffleHog encountered errors while it scanned".to_owned()));
            }
            Line::Log(log) if log.msg == "finished scanning" => end = Some(log),
            Line::Log(_) => {}
        }
    }
    let Some(end) = end else {
        return Err(Silent::Cut(
            "it has no line `finished scanning`; let TruffleHog write its log into the file too (`--json > FILE 2>&1`)"
                .to_owned(),
        ));
    };
    if end.chunks.is_none_or(|chunks| chunks == 0) {
        return Err(Silent::Nothing("TruffleHog looked at nothing (no `chunks`)".to_owned()));
    }
    if end.verified_secrets.is_none_or(|told| told > verified) {
        return Err(Silent::Cut(format!(
            "it does not hold all verified secrets that its end tells of ({verified} are here)"
        )));
    }
    let version = end.trufflehog_version.as_deref().unwrap_or_default();
    Ok(Report {
        tools: vec![cut(format!("TruffleHog {version}").trim_end())],
        about: vec![About::default()],
        told: Told::Findings(scan),
    })
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "it is neither a secret nor a line of the log")]
enum Line {
    Secret(Box<Secret>),
    Log(Log),
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Secret {
    detector_name: String,
    verified: bool,
    source_metadata: Value,
}

#[derive(Deserialize)]
struct Log {
    level: String,
    msg: String,
    chunks: Option<u64>,
    verified_secrets: Option<u64>,
    trufflehog_version: Option<String>,
}

impl Secret {
    /// A secret that the service takes is as bad as it gets; whether another is one, nobody knows.
    fn found(&self) -> Found {
        // `{"Data": {"Git": {"file": ..., "line": ...}}}`, with a key of its own for each kind of source.
        let data = self.source_metadata.get("Data").and_then(Value::as_object);
        let place = data.and_then(|data| data.values().next());
        let file = place.and_then(|place| place.get("file")?.as_str());
        let line = place.and_then(|place| place.get("line")?.as_u64()).filter(|line| *line > 0);
        let (severity, message) = if self.verified {
            (Severity::Critical, "a secret that works")
        } else {
            (Severity::Unknown, "a secret that was not verified")
        };
        // The secret itself stays out of logs, also the part that is called redacted.
        Found {
            severity,
            rule: cut(&self.detector_name),
            message: message.to_owned(),
            location: location(file, line),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{format::read, tests::told};

    const START: &str = r#"{"level":"info-0","ts":"2026-11-18T12:00:00Z","logger":"trufflehog","msg":"running source","source_manager_worker_id":"x","with_units":true}"#;
    const WORKS: &str = r#"{"SourceMetadata":{"Data":{"Git":{"commit":"fbc14303ffbf8fb1c2c1914e8dda7d0121633aca","file":"keys","email":"a@example.com","repository":"https://example.com/r","timestamp":"2022-06-16","line":4}}},"SourceID":1,"SourceType":16,"SourceName":"trufflehog - git","DetectorType":2,"DetectorName":"AWS","DecoderName":"PLAIN","Verified":true,"Raw":"AKIASECRET","RawV2":"AKIASECRETmore","Redacted":"AKIASEC","ExtraData":{"account":"1"},"StructuredData":null}"#;
    const MAYBE: &str = r#"{"SourceMetadata":{"Data":{"Filesystem":{"file":"a/.env"}}},"SourceID":1,"SourceType":15,"SourceName":"x","DetectorType":17,"DetectorName":"URI","DecoderName":"PLAIN","Verified":false,"VerificationError":"timeout","Raw":"https://u:p@example.com","Redacted":"https://u:********@example.com"}"#;

    fn end(chunks: u64, verified: u64) -> String {
        format!(
            r#"{{"level":"info-0","ts":"2026-11-18T12:00:01Z","logger":"trufflehog","msg":"finished scanning","chunks":{chunks},"bytes":9,"verified_secrets":{verified},"unverified_secrets":1,"scan_duration":"1s","trufflehog_version":"3.90.0"}}"#
        )
    }

    #[test]
    fn secrets_are_read_and_not_shown() {
        let report = [START, MAYBE, WORKS, &end(7, 1), ""].join("\n");
        let told = told(report.as_bytes());
        insta::assert_snapshot!(told, @r##"
1 critical, 1 unknown by TruffleHog 3.90.0
unknown   URI  a/.env  a secret that was not verified
critical  AWS  keys:4  a secret that works
"##);
        assert!(!told.contains("AKIA") && !told.contains("u:"));
        assert_eq!(read(end(7, 0).as_bytes()).unwrap().to_string(), "nothing found by TruffleHog 3.90.0");
    }

    #[test]
    fn a_file_without_its_end_tells_nothing() {
        let fault = |level: &str, msg: &str| {
            format!(r#"{{"level":"{level}","ts":"x","logger":"trufflehog","msg":"{msg}"}}"#)
        };
        let told = [
            WORKS.to_owned(),
            [START, WORKS].join("\n"),
            [MAYBE, &end(7, 1)].join("\n"),
            end(0, 0),
            [START, &fault("error", "could not clone"), &end(7, 0)].join("\n"),
            [START, &fault("info-0", "encountered errors during scan"), &end(7, 0)].join("\n"),
            [WORKS, &end(7, 1), "{\"level\""].join("\n"),
            [WORKS, &end(7, 1), "{}"].join("\n"),
            [WORKS, &end(7, 1), "🐷🔑🐷  TruffleHog. Unearth your secrets."].join("\n"),
            [r#"{"level":"info-0","ts":"x","msg":"finished scanning"}"#].join("\n"),
        ]
        .map(|text| read(text.as_bytes()).unwrap_err().to_string());
        insta::assert_snapshot!(told.join("\n"), @r##"
is cut off: it has no line `finished scanning`; let TruffleHog write its log into the file too (`--json > FILE 2>&1`)
is cut off: it has no line `finished scanning`; let TruffleHog write its log into the file too (`--json > FILE 2>&1`)
is cut off: it does not hold all verified secrets that its end tells of (0 are here)
tells nothing: TruffleHog looked at nothing (no `chunks`)
tells nothing: TruffleHog says: could not clone
tells nothing: TruffleHog encountered errors while it scanned
is cut off: EOF while parsing an object at line 3 column 8
is no TruffleHog JSON: it is neither a secret nor a line of the log
is no TruffleHog JSON: expected value at line 3 column 1
tells nothing: TruffleHog looked at nothing (no `chunks`)
"##);
    }
}
