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
        Document::Nothing { .. } => {
            return Err(Silent::Nothing("Checkov found nothing in it that it can check".to_owned()));
        }
    };
    let mut scan = Scan::default();
    let mut tools = Vec::new();
    for Framework { check_type, results, summary } in &frameworks {
        let check_type = cut(check_type);
        if let Some(file) = results.parsing_errors.iter().flatten().next() {
            let file = file.as_str().map_or_else(|| file.to_string(), str::to_owned);
            return Err(Silent::Nothing(format!("Checkov could not parse {} ({check_type})", cut(&file))));
        }
        // With `--quiet` the files are not named.
        if summary.parsing_errors.is_some_and(|errors| errors > 0) {
            return Err(Silent::Nothing(format!("Checkov could not parse some files ({check_type})")));
        }
        let failed = results.failed_checks.len() as u64;
        if failed != summary.failed {
            let told = summary.failed;
            return Err(Silent::Cut(format!(
                "its summary tells of {told} failed checks, and it holds {failed} ({check_type})"
            )));
        }
        results.failed_checks.iter().for_each(|check| scan.find(check.found()));
        results.skipped_checks.iter().flatten().for_each(|check| scan.accept(check.found()));
        tools.push(cut(
            format!("Checkov {}", summary.checkov_version.as_deref().unwrap_or_default()).trim_end()
        ));
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
    parsing_errors: Option<u64>,
    checkov_version: Option<String>,
}

#[derive(Deserialize)]
struct Check {
    #[serde(rename = "check_id")]
    id: String,
    #[serde(rename = "check_name")]
    name: Option<String>,
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
            rule: cut(&self.id),
            message: cut(self.name.as_deref().unwrap_or_default()),
            location: location(file, line),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{
        super::{format::read, tests::told},
        *,
    };

    const REAL: &[u8] = include_bytes!("../../../tests/fixtures/checkov.json");

    #[test]
    fn a_real_report_is_read() {
        insta::assert_snapshot!(told(REAL), @r##"
9 unknown by Checkov 3.3.30
unknown   CKV_AWS_24  main.tf:6  Ensure no security groups allow ingress from 0.0.0.0:0 to port 22
unknown   CKV_AWS_23  main.tf:6  Ensure every security group and rule has a description
unknown   CKV2_AWS_6  main.tf:1  Ensure that S3 bucket has a Public Access block
unknown   CKV2_AWS_62  main.tf:1  Ensure S3 buckets should have event notifications enabled
unknown   CKV2_AWS_5  main.tf:6  Ensure that Security Groups are attached to another resource
(unknown   CKV_AWS_144  main.tf:1  Ensure that S3 bucket has cross-region replication enabled)
"##);
    }

    fn framework(kind: &str, severity: &Value) -> Value {
        let check = json!({"check_id": "CKV_1", "check_name": "x", "severity": severity, "file_path": "/a", "file_line_range": [3, 4]});
        json!({"check_type": kind, "results": {"failed_checks": [check]}, "summary": {"failed": 1, "checkov_version": "3.3.30"}})
    }

    #[test]
    fn frameworks_are_counted_together() {
        let severities = ["CRITICAL", "HIGH", "MEDIUM", "MODERATE", "LOW", "INFO", "NONE"].map(Value::from);
        let all: Vec<Value> = severities
            .iter()
            .chain([&Value::Null])
            .map(|severity| framework("terraform", severity))
            .collect();
        let report = read(json!(all).to_string().as_bytes()).unwrap();
        assert_eq!(report.to_string(), "1 critical, 1 high, 2 medium, 2 low, 2 unknown by Checkov 3.3.30");
    }

    #[test]
    fn what_tells_nothing_says_why() {
        let with = |change: fn(&mut Value)| {
            let mut report: Value = serde_json::from_slice(REAL).unwrap();
            change(&mut report);
            read(report.to_string().as_bytes()).unwrap_err().to_string()
        };
        let told = [
            with(|report| report["results"]["failed_checks"] = json!([])),
            with(|report| report["summary"]["failed"] = json!(8)),
            with(|report| report["results"]["parsing_errors"] = json!(["/src/bad.tf"])),
            with(|report| report["summary"]["parsing_errors"] = json!(1)),
            with(|report| drop(report["results"].as_object_mut().unwrap().remove("failed_checks"))),
            with(|report| report["summary"] = json!(null)),
            with(|report| *report = json!([report.clone(), {"check_type": "helm", "results": {}}])),
            with(|report| *report = json!([report.clone(), {"passed": 0}])),
            with(
                |report| *report = json!({"passed": 0, "failed": 0, "skipped": 0, "parsing_errors": 0, "resource_count": 0, "checkov_version": "3.3.30"}),
            ),
        ];
        insta::assert_snapshot!(told.join("\n"), @r##"
is cut off: its summary tells of 9 failed checks, and it holds 0 (terraform)
is cut off: its summary tells of 8 failed checks, and it holds 9 (terraform)
tells nothing: Checkov could not parse /src/bad.tf (terraform)
tells nothing: Checkov could not parse some files (terraform)
is no Checkov JSON: it is neither a framework nor a list of them as Checkov writes them
is no Checkov JSON: it is neither a framework nor a list of them as Checkov writes them
is no Checkov JSON: it is neither a framework nor a list of them as Checkov writes them
is in no format that is read (SARIF, Trivy, Grype, Checkov, conftest, TruffleHog, JUnit, Cobertura, LCOV, k6)
tells nothing: Checkov found nothing in it that it can check
"##);
    }
}
