//! Reading Trivy's JSON: `trivy image --format json`, and the same of other targets.
//!
//! <https://trivy.dev/latest/docs/configuration/reporting/#json>; the fields are those of
//! <https://github.com/aquasecurity/trivy/blob/main/pkg/types/report.go>. A scan that knew nothing of what
//! it looked at writes no `Results`, and looks like a clean one.

use serde::Deserialize;
use sluice_gate::reports::{About, Found, Image, Report, Scan, Severity, Told};

use super::silent::{Silent, cut, location};

pub(super) const NAME: &str = "Trivy JSON";

pub(super) fn read(bytes: &[u8]) -> Result<Report, Silent> {
    let document: Document = serde_json::from_slice(bytes).map_err(|error| Silent::json(NAME, &error))?;
    if document.schema_version != 2 {
        return Err(Silent::Malformed(NAME, format!("its schema is {}, not 2", document.schema_version)));
    }
    let results = document.results.as_deref().unwrap_or_default();
    if results.is_empty() {
        return Err(Silent::Nothing("Trivy found nothing in it that it can scan (no `Results`)".to_owned()));
    }
    let mut scan = Scan::default();
    for result in results {
        result.tell(&mut scan);
    }
    let version = document.trivy.as_ref().and_then(|trivy| trivy.version.as_deref());
    Ok(Report {
        tools: vec![version.map_or_else(|| "Trivy".to_owned(), |version| cut(&format!("Trivy {version}")))],
        about: vec![document.about()],
        told: Told::Findings(scan),
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Document {
    schema_version: u64,
    artifact_name: String,
    artifact_type: Option<String>,
    metadata: Option<Metadata>,
    results: Option<Vec<Target>>,
    trivy: Option<Trivy>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Trivy {
    version: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Metadata {
    repo_tags: Option<Vec<String>>,
    repo_digests: Option<Vec<String>>,
    commit: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Target {
    target: Option<String>,
    vulnerabilities: Option<Vec<Item>>,
    misconfigurations: Option<Vec<Item>>,
    secrets: Option<Vec<Item>>,
    licenses: Option<Vec<Item>>,
    /// What an ignore file or a VEX document took out; there only with `--show-suppressed`.
    #[serde(alias = "ExperimentalModifiedFindings")]
    modified_findings: Option<Vec<Modified>>,
}

/// A vulnerability, a misconfiguration, a secret or a license: each has some of these.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Item {
    #[serde(rename = "VulnerabilityID")]
    vulnerability_id: Option<String>,
    #[serde(rename = "ID")]
    id: Option<String>,
    #[serde(rename = "RuleID")]
    rule_id: Option<String>,
    name: Option<String>,
    pkg_name: Option<String>,
    installed_version: Option<String>,
    fixed_version: Option<String>,
    title: Option<String>,
    message: Option<String>,
    severity: Option<String>,
    status: Option<serde_json::Value>,
    file_path: Option<String>,
    start_line: Option<u64>,
    cause_metadata: Option<Cause>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Cause {
    start_line: Option<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Modified {
    finding: Item,
}

impl Document {
    fn about(&self) -> About {
        let none = Metadata::default();
        let metadata = self.metadata.as_ref().unwrap_or(&none);
        let is_image = self.artifact_type.as_deref() == Some("container_image");
        let image = is_image.then(|| {
            let more = metadata.repo_digests.iter().chain(&metadata.repo_tags).flatten();
            Image {
                names: std::iter::once(&self.artifact_name).chain(more).cloned().collect(),
                digests: Vec::new(),
            }
        });
        let commits = metadata.commit.iter().filter(|commit| !commit.is_empty()).cloned().collect();
        About { image, commits }
    }
}

impl Target {
    fn tell(&self, scan: &mut Scan) {
        let misconfigurations = self.misconfigurations.iter().flatten();
        let (passed, failed): (Vec<&Item>, Vec<&Item>) =
            misconfigurations.partition(|item| matches!(item.status(), Some("PASS" | "EXCEPTION")));
        let others = [&self.vulnerabilities, &self.secrets, &self.licenses];
        for item in others.into_iter().flatten().flatten().chain(failed) {
            scan.find(item.found(self));
        }
        for item in passed.into_iter().filter(|item| item.status() == Some("EXCEPTION")) {
            scan.accept(item.found(self));
        }
        for modified in self.modified_findings.iter().flatten() {
            scan.accept(modified.finding.found(self));
        }
    }
}

impl Item {
    /// Of a misconfiguration: `PASS`, `FAIL` or `EXCEPTION`. A vulnerability's says something else.
    fn status(&self) -> Option<&str> {
        self.status.as_ref()?.as_str()
    }

    fn found(&self, target: &Target) -> Found {
        let rule = [&self.vulnerability_id, &self.rule_id, &self.id, &self.name];
        let rule = rule.into_iter().flatten().next().map_or_else(|| "a finding without an id".to_owned(), |id| cut(id));
        let message = match (&self.pkg_name, &self.installed_version) {
            (Some(package), Some(installed)) => {
                let fixed = self.fixed_version.as_deref().filter(|fixed| !fixed.is_empty());
                let fixed = fixed.map_or("no fix".to_owned(), |fixed| format!("fixed in {fixed}"));
                cut(&format!("{package} {installed}, {fixed}"))
            }
            // A secret's `Match` shows some of it: its title is enough.
            _ => cut(self.title.as_deref().or(self.message.as_deref()).unwrap_or_default()),
        };
        let file = self.file_path.as_deref().filter(|file| !file.is_empty()).or(target.target.as_deref());
        let line = self.start_line.or_else(|| self.cause_metadata.as_ref()?.start_line);
        let severity = match self.severity.as_deref() {
            Some("CRITICAL") => Severity::Critical,
            Some("HIGH") => Severity::High,
            Some("MEDIUM") => Severity::Medium,
            Some("LOW") => Severity::Low,
            _ => Severity::Unknown,
        };
        Found { severity, rule, message, location: location(file, line.filter(|line| *line > 0)) }
    }
}
