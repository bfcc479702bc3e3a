//! Reading Checkov's JSON: `checkov --output json`, one object or a list of them, one a framework.
//!
//! <https://www.checkov.io/8.Outputs/JSON.html>; the fields are those of
//! <https://github.com/bridgecrewio/checkov/blob/main/checkov/common/output/record.py>. Checkov knows
//! severities only with a key of its platform: without one all of them are unknown.

use serde::Deserialize;
use serde_json::Value;
use sluice_gate::reports::{About, Found, Report, Scan, Severity, Told};

use super::silent::{Silent, cut, location};

pub(super) const NAME: &str = "Checkov JSON";

pub(super) fn read(bytes: &[u8]) -> Result<Report, Silent> {
    let document: Document = serde_json::from_slice(bytes).map_err(|error| Silent::json(NAME, &error))?;
    let frameworks = match document {
        Document::Many(frameworks) => frameworks,
        Document::One(framework) => vec![*framework],
        Document::Nothing { .. } => return Err(Silent::Nothing("Checkov found nothing in it that it can check".to_owned())),
    };
    let mut scan = Scan::default();
    let mut tools = Vec::new();
    for Framework { check_type, results, summary } in &frameworks {
        let check_type = cut(check_type);
        if let Some(file) = results.parsing_errors.iter().flatten().next() {
            let file = file.as_str().map_or_else(|| file.to_string(), str::to_owned);
            return Err(Silent::Nothing(format!("Checkov could not parse {} ({check_type})", cut(&file))));
        }
        let failed = results.failed_checks.len() as u64;
        if failed != summary.failed {
            let told = summary.failed;
            return Err(Silent::Cut(format!("its summary tells of {told} failed checks, and it holds {failed} ({check_type})")));
        }
        results.failed_checks.iter().for_each(|check| scan.find(check.found()));
        results.skipped_checks.iter().flatten().for_each(|check| scan.accept(check.found()));
        tools.push(cut(format!("Checkov {}", summary.checkov_version.as_deref().unwrap_or_default()).trim_end()));
    }
    tools.dedup();
    Ok(Report { tools, about: vec![About::default()], told: Told::Findings(scan) })
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "it is neither a framework nor a list of them as Checkov writes them")]
enum Document {
    Many(Vec<Framework>),
    One(Box<Framework>),
    /// What is written when there was nothing to check.
    Nothing {
        #[serde(rename = "resource_count")]
        _resources: u64,
        #[serde(rename = "checkov_version")]
        _version: String,
    },
}

#[derive(Deserialize)]
struct Framework {
    check_type: String,
    results: Results,
    summary: Summary,
}

#[derive(Deserialize)]
struct Results {
    failed_checks: Vec<Check>,
    skipped_checks: Option<Vec<Check>>,
    parsing_errors: Option<Vec<Value>>,
}

#[derive(Deserialize)]
struct Summary {
    failed: u64,
    checkov_version: Option<String>,
}

#[derive(Deserialize)]
struct Check {
    check_id: String,
    check_name: Option<String>,
    severity: Option<String>,
    file_path: Option<String>,
    file_line_range: Option<Vec<u64>>,
}

impl Check {
    fn found(&self) -> Found {
        let severity = match self.severity.as_deref() {
            Some("CRITICAL") => Severity::Critical,
            Some("HIGH") => Severity::High,
            Some("MEDIUM" | "MODERATE") => Severity::Medium,
            Some("LOW" | "INFO") => Severity::Low,
            _ => Severity::Unknown,
        };
        let line = self.file_line_range.iter().flatten().next().copied();
        let file = self.file_path.as_deref().map(|path| path.trim_start_matches('/'));
        Found {
            severity,
            rule: cut(&self.check_id),
            message: cut(self.check_name.as_deref().unwrap_or_default()),
            location: location(file, line),
        }
    }
}
