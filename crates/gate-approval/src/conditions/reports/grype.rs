//! Reading Grype's JSON: `grype --output json`.
//!
//! The fields are those of <https://github.com/anchore/grype/blob/main/grype/presenter/models/document.go>.

use serde::Deserialize;
use sluice_gate::reports::{About, Found, Image, Report, Scan, Severity, Told};

use super::silent::{Silent, cut, location};

pub(super) const NAME: &str = "Grype JSON";

pub(super) fn read(bytes: &[u8]) -> Result<Report, Silent> {
    let document: Document = serde_json::from_slice(bytes).map_err(|error| Silent::json(NAME, &error))?;
    let Descriptor { name, version } = &document.descriptor;
    if name != "grype" {
        return Err(Silent::Malformed(NAME, format!("it was written by {}", cut(name))));
    }
    let Some(source) = &document.source else {
        return Err(Silent::Nothing("it does not say what was scanned (no `source`)".to_owned()));
    };
    let mut scan = Scan::default();
    for one in &document.matches {
        scan.find(one.found());
    }
    for one in document.ignored_matches.iter().flatten() {
        scan.accept(one.found());
    }
    let version = version.as_deref().unwrap_or_default();
    Ok(Report {
        tools: vec![cut(format!("Grype {version}").trim_end())],
        about: vec![source.about()?],
        told: Told::Findings(scan),
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    matches: Vec<Match>,
    ignored_matches: Option<Vec<Match>>,
    source: Option<Source>,
    descriptor: Descriptor,
}

#[derive(Deserialize)]
struct Descriptor {
    name: String,
    version: Option<String>,
}

#[derive(Deserialize)]
struct Source {
    #[serde(rename = "type")]
    kind: String,
    /// An object for an image, a text for a folder.
    target: Option<serde_json::Value>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Target {
    user_input: Option<String>,
    manifest_digest: Option<String>,
    repo_digests: Option<Vec<String>>,
    tags: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct Match {
    vulnerability: Vulnerability,
    artifact: Artifact,
}

#[derive(Deserialize)]
struct Vulnerability {
    id: String,
    severity: Option<String>,
    fix: Option<Fix>,
}

#[derive(Deserialize)]
struct Fix {
    versions: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct Artifact {
    name: String,
    version: Option<String>,
    locations: Option<Vec<Location>>,
}

#[derive(Deserialize)]
struct Location {
    path: Option<String>,
}

impl Source {
    fn about(&self) -> Result<About, Silent> {
        if self.kind != "image" {
            return Ok(About::default());
        }
        let target = self.target.clone().unwrap_or_default();
        let target: Target = serde_json::from_value(target)
            .map_err(|error| Silent::Malformed(NAME, format!("its source is no image: {error}")))?;
        let names = target.user_input.into_iter();
        let names =
            names.chain(target.repo_digests.into_iter().flatten()).chain(target.tags.into_iter().flatten());
        let image = Image { names: names.collect(), digests: target.manifest_digest.into_iter().collect() };
        Ok(About { image: Some(image), commits: Vec::new() })
    }
}

impl Match {
    fn found(&self) -> Found {
        let severity = match self.vulnerability.severity.as_deref() {
            Some("Critical") => Severity::Critical,
            Some("High") => Severity::High,
            Some("Medium") => Severity::Medium,
            Some("Low" | "Negligible") => Severity::Low,
            _ => Severity::Unknown,
        };
        let fixed = self.vulnerability.fix.as_ref().and_then(|fix| fix.versions.as_ref()?.first());
        let fixed = fixed.map_or("no fix".to_owned(), |version| format!("fixed in {version}"));
        let Artifact { name, version, locations } = &self.artifact;
        let version = version.as_deref().unwrap_or("of no version");
        let file = locations.iter().flatten().find_map(|location| location.path.as_deref());
        Found {
            severity,
            rule: cut(&self.vulnerability.id),
            message: cut(&format!("{name} {version}, {fixed}")),
            location: location(file, None),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{
        super::{format::read, tests::told},
        *,
    };

    fn found(severity: &str) -> Value {
        json!({
            "vulnerability": {"id": "CVE-2026-1", "dataSource": "https://example.com", "namespace": "alpine:3.20", "severity": severity, "fix": {"versions": ["1.2.12-r2"], "state": "fixed"}},
            "relatedVulnerabilities": [], "matchDetails": [],
            "artifact": {"id": "7b1", "name": "zlib", "version": "1.2.11-r1", "type": "apk", "locations": [{"path": "/lib/apk/db/installed", "layerID": "sha256:1"}]},
        })
    }

    /// What `grype` 0.100 writes of an image, with less in it.
    fn image() -> Value {
        json!({
            "matches": [found("Critical"), found("High"), found("Medium"), found("Low"), found("Negligible"), found("Unknown"), found("Severe")],
            "ignoredMatches": [{"vulnerability": {"id": "CVE-2026-2", "severity": "High"}, "artifact": {"name": "musl"}, "appliedIgnoreRules": [{"vulnerability": "CVE-2026-2"}]}],
            "source": {"type": "image", "target": {
                "userInput": "shop/backend:v1", "imageID": "sha256:1", "manifestDigest": "sha256:2",
                "tags": ["shop/backend:v1"], "repoDigests": ["shop/backend@sha256:3"], "architecture": "amd64", "os": "linux",
            }},
            "distro": {"name": "alpine", "version": "3.20.5", "idLike": []},
            "descriptor": {"name": "grype", "version": "0.100.0", "db": {"status": {"valid": true}}},
        })
    }

    #[test]
    fn matches_are_read() {
        insta::assert_snapshot!(told(image().to_string().as_bytes()), @r##"
1 critical, 1 high, 1 medium, 2 low, 2 unknown by Grype 0.100.0
critical  CVE-2026-1  /lib/apk/db/installed  zlib 1.2.11-r1, fixed in 1.2.12-r2
high      CVE-2026-1  /lib/apk/db/installed  zlib 1.2.11-r1, fixed in 1.2.12-r2
medium    CVE-2026-1  /lib/apk/db/installed  zlib 1.2.11-r1, fixed in 1.2.12-r2
low       CVE-2026-1  /lib/apk/db/installed  zlib 1.2.11-r1, fixed in 1.2.12-r2
low       CVE-2026-1  /lib/apk/db/installed  zlib 1.2.11-r1, fixed in 1.2.12-r2
unknown   CVE-2026-1  /lib/apk/db/installed  zlib 1.2.11-r1, fixed in 1.2.12-r2
unknown   CVE-2026-1  /lib/apk/db/installed  zlib 1.2.11-r1, fixed in 1.2.12-r2
(high      CVE-2026-2  (no file)  musl of no version, no fix)
"##);
        let about = read(image().to_string().as_bytes()).unwrap().about;
        let image = about[0].image.as_ref().unwrap();
        assert_eq!(image.names, ["shop/backend:v1", "shop/backend@sha256:3", "shop/backend:v1"]);
        assert_eq!(image.digests, ["sha256:2"]);
    }

    #[test]
    fn a_folder_is_no_image() {
        let mut report = image();
        report["source"] = json!({"type": "directory", "target": "."});
        report["matches"] = json!([]);
        report["ignoredMatches"] = json!(null);
        let report = read(report.to_string().as_bytes()).unwrap();
        assert_eq!(report.about, [About::default()]);
        assert_eq!(report.to_string(), "nothing found by Grype 0.100.0");
    }

    #[test]
    fn what_tells_nothing_says_why() {
        let with = |change: fn(&mut Value)| {
            let mut report = image();
            change(&mut report);
            read(report.to_string().as_bytes()).unwrap_err().to_string()
        };
        let told = [
            with(|report| report["matches"] = json!(null)),
            with(|report| report["matches"] = json!([{}])),
            with(|report| report["source"] = json!(null)),
            with(|report| report["source"]["target"] = json!("shop/backend:v1")),
            with(|report| report["descriptor"]["name"] = json!("syft")),
            with(|report| report["descriptor"] = json!(null)),
        ];
        insta::assert_snapshot!(told.join("\n"), @r##"
is no Grype JSON: invalid type: null, expected a sequence at line 1 column 15
is no Grype JSON: missing field `vulnerability` at line 1 column 14
tells nothing: it does not say what was scanned (no `source`)
is no Grype JSON: its source is no image: invalid type: string "shop/backend:v1", expected struct Target
is no Grype JSON: it was written by syft
is no Grype JSON: invalid type: null, expected struct Descriptor at line 1 column 2950
"##);
        let text = image().to_string();
        for length in 0..text.len() {
            assert!(read(&text.as_bytes()[..length]).is_err(), "cut at {length}");
        }
    }
}
