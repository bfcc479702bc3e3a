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
        let names = names.chain(target.repo_digests.into_iter().flatten()).chain(target.tags.into_iter().flatten());
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
