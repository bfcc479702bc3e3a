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
    #[serde(rename = "Target")]
    name: Option<String>,
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
        let rule = rule
            .into_iter()
            .flatten()
            .next()
            .map_or_else(|| "a finding without an id".to_owned(), |id| cut(id));
        let message = match (&self.pkg_name, &self.installed_version) {
            (Some(package), Some(installed)) => {
                let fixed = self.fixed_version.as_deref().filter(|fixed| !fixed.is_empty());
                let fixed = fixed.map_or("no fix".to_owned(), |fixed| format!("fixed in {fixed}"));
                cut(&format!("{package} {installed}, {fixed}"))
            }
            // A secret's `Match` shows some of it: its title is enough.
            _ => cut(self.title.as_deref().or(self.message.as_deref()).unwrap_or_default()),
        };
        let file = self.file_path.as_deref().filter(|file| !file.is_empty()).or(target.name.as_deref());
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

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{
        super::{format::read, tests::told},
        *,
    };

    /// What `trivy image` 0.66 writes, with less in it.
    fn image() -> Value {
        json!({
            "SchemaVersion": 2,
            "Trivy": {"Version": "0.66.0"},
            "CreatedAt": "2026-11-18T12:00:00.123456789Z",
            "ArtifactName": "registry.example.com/shop/backend:v1",
            "ArtifactType": "container_image",
            "Metadata": {
                "OS": {"Family": "alpine", "Name": "3.20.5"},
                "ImageID": "sha256:e7d92cdc71feacf90708cb59182d0df1b911f8ae022d29e8e95d75ca6a99776a",
                "RepoTags": ["registry.example.com/shop/backend:v1"],
                "RepoDigests": ["registry.example.com/shop/backend@sha256:bb23"],
            },
            "Results": [
                {"Target": "registry.example.com/shop/backend:v1 (alpine 3.20.5)", "Class": "os-pkgs", "Type": "alpine", "Vulnerabilities": [
                    {"VulnerabilityID": "CVE-2026-1549", "PkgID": "libssl1.1@1.1.1c-r0", "PkgName": "libssl1.1", "InstalledVersion": "1.1.1c-r0", "FixedVersion": "1.1.1d-r0", "Status": "fixed", "Title": "openssl: a", "Severity": "CRITICAL"},
                    {"VulnerabilityID": "CVE-2026-1551", "PkgName": "musl", "InstalledVersion": "1", "Status": "affected", "Severity": "UNKNOWN"},
                ]},
                {"Target": "usr/bin/app", "Class": "lang-pkgs", "Type": "gobinary"},
            ],
        })
    }

    fn tell(report: &Value) -> String {
        told(report.to_string().as_bytes())
    }

    #[test]
    fn vulnerabilities_are_read() {
        insta::assert_snapshot!(tell(&image()), @r##"
1 critical, 1 unknown by Trivy 0.66.0
critical  CVE-2026-1549  registry.example.com/shop/backend:v1 (alpine 3.20.5)  libssl1.1 1.1.1c-r0, fixed in 1.1.1d-r0
unknown   CVE-2026-1551  registry.example.com/shop/backend:v1 (alpine 3.20.5)  musl 1, no fix
"##);
        let about = read(image().to_string().as_bytes()).unwrap().about;
        let names = &about[0].image.as_ref().unwrap().names;
        assert_eq!(
            names[..2],
            ["registry.example.com/shop/backend:v1", "registry.example.com/shop/backend@sha256:bb23"]
        );
    }

    #[test]
    fn misconfigurations_secrets_licenses_and_what_was_taken_out_are_read() {
        let report = json!({
            "SchemaVersion": 2, "ArtifactName": ".", "ArtifactType": "repository",
            "Metadata": {"RepoURL": "https://example.com/shop", "Commit": "0123456789abcdef"},
            "Results": [
                {"Target": "main.tf", "Class": "config", "Type": "terraform", "MisconfSummary": {"Successes": 1, "Failures": 2}, "Misconfigurations": [
                    {"ID": "AVD-AWS-0107", "Title": "open to the world", "Severity": "HIGH", "Status": "FAIL", "CauseMetadata": {"StartLine": 8}},
                    {"ID": "AVD-AWS-0001", "Title": "fine", "Severity": "HIGH", "Status": "PASS"},
                    {"ID": "AVD-AWS-0002", "Title": "agreed", "Severity": "LOW", "Status": "EXCEPTION"},
                    {"ID": "AVD-AWS-0003", "Title": "from the future", "Severity": "MEDIUM", "Status": "MAYBE"},
                    {"ID": "AVD-AWS-0004", "Title": "not told", "Severity": "SEVERE"},
                ]},
                {"Target": ".env", "Class": "secret", "Secrets": [
                    {"RuleID": "aws-access-key-id", "Category": "AWS", "Severity": "CRITICAL", "Title": "AWS Access Key ID", "StartLine": 3, "Match": "AKIA****************"},
                ]},
                {"Target": "go.mod", "Class": "license", "Licenses": [{"Severity": "LOW", "Category": "notice", "PkgName": "x", "FilePath": "", "Name": "MIT"}]},
                {"Target": "go.mod", "Class": "lang-pkgs", "ExperimentalModifiedFindings": [
                    {"Type": "vulnerability", "Status": "not_affected", "Source": "vex.json", "Finding": {"VulnerabilityID": "CVE-2026-1", "PkgName": "y", "InstalledVersion": "1", "Severity": "HIGH"}},
                ]},
            ],
        });
        insta::assert_snapshot!(tell(&report), @r##"
1 critical, 1 high, 1 medium, 1 low, 1 unknown by Trivy
high      AVD-AWS-0107  main.tf:8  open to the world
medium    AVD-AWS-0003  main.tf  from the future
unknown   AVD-AWS-0004  main.tf  not told
critical  aws-access-key-id  .env:3  AWS Access Key ID
low       MIT  go.mod  
(low       AVD-AWS-0002  main.tf  agreed)
(high      CVE-2026-1  go.mod  y 1, no fix)
"##);
        let about = read(report.to_string().as_bytes()).unwrap().about;
        assert_eq!(about, [About { image: None, commits: vec!["0123456789abcdef".into()] }]);
    }

    #[test]
    fn what_tells_nothing_says_why() {
        let with = |change: fn(&mut Value)| {
            let mut report = image();
            change(&mut report);
            read(report.to_string().as_bytes()).unwrap_err().to_string()
        };
        let told = [
            with(|report| report["Results"] = json!([])),
            with(|report| report["Results"] = json!(null)),
            with(|report| drop(report.as_object_mut().unwrap().remove("Results"))),
            with(|report| report["SchemaVersion"] = json!(1)),
            with(|report| report["SchemaVersion"] = json!("2")),
            with(|report| report["Results"] = json!({"Vulnerabilities": []})),
            with(|report| report["Results"][0]["Vulnerabilities"] = json!("none")),
            with(|report| report["Results"][0]["Vulnerabilities"][0]["Severity"] = json!(9.8)),
        ];
        insta::assert_snapshot!(told.join("\n"), @r##"
tells nothing: Trivy found nothing in it that it can scan (no `Results`)
tells nothing: Trivy found nothing in it that it can scan (no `Results`)
tells nothing: Trivy found nothing in it that it can scan (no `Results`)
is no Trivy JSON: its schema is 1, not 2
is no Trivy JSON: invalid type: string "2", expected u64 at line 1 column 20
is no Trivy JSON: invalid type: map, expected a sequence at line 1 column 444
is no Trivy JSON: invalid type: string "none", expected a sequence at line 1 column 568
is no Trivy JSON: invalid type: floating point `9.8`, expected a string at line 1 column 760
"##);
        let text = image().to_string();
        for length in 0..text.len() {
            assert!(read(&text.as_bytes()[..length]).is_err(), "cut at {length}");
        }
    }
}
