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
        return Err(Silent::Cut(format!("it does not hold all verified secrets that its end tells of ({verified} are here)")));
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
        Found { severity, rule: cut(&self.detector_name), message: message.to_owned(), location: location(file, line) }
    }
}
