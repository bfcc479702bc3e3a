//! Reading SARIF 2.1.0, the OASIS standard for the results of static analysis:
//! <https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/sarif-v2.1.0-os.html> (the sections named below).
//!
//! Only what tells what was found, and how bad it is, is read. A report of a run that did not come to its
//! end tells nothing: few findings in it are no good news.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::Value;
use sluice_gate::reports::{About, Found, Image, Report, Scan, Severity, Told};

use super::silent::{Silent, cut, location};

pub(super) const NAME: &str = "SARIF 2.1.0";

/// Reads a report.
pub(super) fn read(bytes: &[u8]) -> Result<Report, Silent> {
    let log: Log = serde_json::from_slice(bytes).map_err(|error| Silent::json(NAME, &error))?;
    match log.version.as_deref() {
        Some("2.1.0") => {}
        Some(version) => return Err(Silent::Malformed(NAME, format!("its version is {}", cut(version)))),
        None => return Err(Silent::Malformed(NAME, "it has no version".to_owned())),
    }
    let runs = log.runs.unwrap_or_default();
    if runs.is_empty() {
        return Err(Silent::Nothing("it holds no run: no tool wrote into it".to_owned()));
    }
    let mut scan = Scan::default();
    let mut tools = Vec::new();
    for run in &runs {
        tools.push(run.tell(&mut scan)?);
    }
    Ok(Report { tools, about: runs.iter().map(Run::about).collect(), told: Told::Findings(scan) })
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct Log {
    version: Option<String>,
    runs: Option<Vec<Run>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Run {
    tool: Tool,
    invocations: Option<Vec<Invocation>>,
    results: Option<Vec<SarifResult>>,
    version_control_provenance: Option<Vec<Revision>>,
    properties: Option<RunProperties>,
}

/// What was checked out when the tool ran (3.14.16).
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Revision {
    revision_id: Option<String>,
}

/// What Trivy says of the image that it scanned:
/// <https://github.com/aquasecurity/trivy/blob/main/pkg/report/sarif.go>
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RunProperties {
    image_name: Option<String>,
    repo_tags: Option<Vec<String>>,
    repo_digests: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Invocation {
    /// The schema requires it; what does not say that it succeeded did not (3.20.14).
    execution_successful: bool,
}

#[derive(Deserialize)]
struct Tool {
    driver: Component,
    extensions: Option<Vec<Component>>,
}

#[derive(Deserialize)]
struct Component {
    name: Option<String>,
    guid: Option<String>,
    version: Option<String>,
    rules: Option<Vec<Rule>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Rule {
    id: Option<String>,
    default_configuration: Option<Configuration>,
    message_strings: Option<HashMap<String, MessageString>>,
    properties: Option<Properties>,
}

#[derive(Deserialize)]
struct Configuration {
    level: Option<String>,
}

#[derive(Deserialize)]
struct MessageString {
    text: Option<String>,
}

#[derive(Deserialize)]
struct Properties {
    /// A CVSS score: a text by GitHub's word, a number in some tools.
    #[serde(rename = "security-severity")]
    security_severity: Option<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SarifResult {
    rule_id: Option<String>,
    rule_index: Option<i64>,
    rule: Option<RuleReference>,
    kind: Option<String>,
    level: Option<String>,
    baseline_state: Option<String>,
    message: Option<Message>,
    locations: Option<Vec<Location>>,
    suppressions: Option<Vec<Suppression>>,
    properties: Option<Properties>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RuleReference {
    id: Option<String>,
    index: Option<i64>,
    tool_component: Option<ComponentReference>,
}

#[derive(Deserialize)]
struct ComponentReference {
    index: Option<i64>,
    name: Option<String>,
    guid: Option<String>,
}

#[derive(Deserialize)]
struct Message {
    text: Option<String>,
    id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Location {
    physical_location: Option<PhysicalLocation>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PhysicalLocation {
    artifact_location: Option<ArtifactLocation>,
    region: Option<Region>,
}

#[derive(Deserialize)]
struct ArtifactLocation {
    uri: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Region {
    start_line: Option<u64>,
}

#[derive(Deserialize)]
struct Suppression {
    status: Option<String>,
}

impl Run {
    /// Counts what was found, and names the tool.
    fn tell(&self, scan: &mut Scan) -> Result<String, Silent> {
        let tool = self.tool.driver.title();
        if self.invocations.iter().flatten().any(|invocation| !invocation.execution_successful) {
            return Err(Silent::Nothing(format!("a run of {tool} failed (`executionSuccessful: false`)")));
        }
        // An engine that found nothing writes an empty list; one that did not run writes none (3.14.23).
        let Some(results) = &self.results else {
            return Err(Silent::Nothing(format!(
                "a run of {tool} has no results: it did not come to its end"
            )));
        };
        for result in results {
            let rule = self.tool.rule_of(result);
            if let Some(severity) = result.severity(&rule) {
                let found = Found {
                    severity,
                    rule: result.rule_name(&rule),
                    message: result.message(&rule),
                    location: result.location(),
                };
                if result.is_suppressed() { scan.accept(found) } else { scan.find(found) }
            }
        }
        Ok(tool)
    }

    fn about(&self) -> About {
        let revisions = self.version_control_provenance.iter().flatten();
        let commits = revisions.filter_map(|revision| revision.revision_id.clone()).collect();
        let image = self.properties.as_ref().and_then(|properties| {
            let RunProperties { image_name, repo_tags, repo_digests } = properties;
            let more = repo_digests.iter().chain(repo_tags).flatten();
            let names: Vec<String> = image_name.iter().chain(more).cloned().collect();
            (!names.is_empty()).then(|| Image { names, digests: Vec::new() })
        });
        About { image, commits }
    }
}

/// The rule that a result names.
enum Lookup<'a> {
    Found(&'a Rule),
    /// The tool does not describe its rule, which it may.
    NotDescribed,
    /// The result points at a rule that is not there.
    Dangling,
}

impl<'a> Lookup<'a> {
    fn rule(&self) -> Option<&'a Rule> {
        match self {
            Self::Found(rule) => Some(rule),
            Self::NotDescribed | Self::Dangling => None,
        }
    }
}

impl Tool {
    /// The rule of a result: by its place in a component, else by its id (3.27.5 to 3.27.7, 3.52).
    fn rule_of(&self, result: &SarifResult) -> Lookup<'_> {
        let reference = result.rule.as_ref();
        let id = result.rule_id.as_deref().or_else(|| reference?.id.as_deref());
        // -1 is the standard's way to say that there is none.
        let index = result.rule_index.or_else(|| reference?.index).filter(|index| *index != -1);
        let component = match reference.and_then(|reference| reference.tool_component.as_ref()) {
            Some(reference) => self.component(reference),
            None => Some(&self.driver),
        };
        let by_index = index.and_then(|index| component?.rules.as_ref()?.get(usize::try_from(index).ok()?));
        if let Some(rule) = by_index.filter(|rule| id.is_none_or(|id| rule.is_called(id))) {
            return Lookup::Found(rule);
        }
        let mut components =
            component.into_iter().chain([&self.driver]).chain(self.extensions.iter().flatten());
        let by_id = id.and_then(|id| components.find_map(|component| component.rule_called(id)));
        match by_id {
            Some(rule) => Lookup::Found(rule),
            None if index.is_some() => Lookup::Dangling,
            None => Lookup::NotDescribed,
        }
    }

    fn component(&self, reference: &ComponentReference) -> Option<&Component> {
        let extensions = self.extensions.as_deref().unwrap_or_default();
        if let Some(index) = reference.index.filter(|index| *index != -1) {
            return extensions.get(usize::try_from(index).ok()?);
        }
        let mut all = std::iter::once(&self.driver).chain(extensions);
        if let Some(guid) = &reference.guid {
            return all.find(|component| component.guid.as_ref() == Some(guid));
        }
        match &reference.name {
            Some(name) => all.find(|component| component.name.as_ref() == Some(name)),
            None => Some(&self.driver),
        }
    }
}

impl Component {
    fn title(&self) -> String {
        let name = self.name.as_deref().unwrap_or("a tool without a name");
        match &self.version {
            Some(version) => cut(&format!("{name} {version}")),
            None => cut(name),
        }
    }

    fn rule_called(&self, id: &str) -> Option<&Rule> {
        self.rules.iter().flatten().find(|rule| rule.is_called(id))
    }
}

impl Rule {
    /// An id may have parts after its rule's: `CA1000/1` is of the rule `CA1000` (3.27.5).
    fn is_called(&self, id: &str) -> bool {
        self.id.as_deref().is_some_and(|own| {
            id.strip_prefix(own).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    }
}

impl Properties {
    fn severity(&self) -> Option<Severity> {
        let score = match self.security_severity.as_ref()? {
            Value::String(text) => text.trim().parse().ok()?,
            number => number.as_f64()?,
        };
        Severity::of_score(score)
    }
}

impl SarifResult {
    /// How bad it is; `None` when it is no finding.
    fn severity(&self, rule: &Lookup<'_>) -> Option<Severity> {
        // It was in an earlier report and is gone (3.27.24).
        if self.baseline_state.as_deref() == Some("absent") {
            return None;
        }
        let rule_s = rule.rule();
        let level =
            self.level.as_deref().or_else(|| rule_s?.default_configuration.as_ref()?.level.as_deref());
        let by_score = || {
            let own = self.properties.as_ref().and_then(Properties::severity);
            own.or_else(|| rule_s?.properties.as_ref()?.severity())
        };
        match self.kind.as_deref() {
            Some("pass" | "notApplicable" | "informational") => return None,
            None | Some("fail") => {}
            // `open` and `review`: someone must look; how bad it is, no one knows yet (3.27.9).
            Some(_) => return Some(by_score().unwrap_or(Severity::Unknown)),
        }
        if level == Some("none") {
            return None;
        }
        by_score().or(Some(match level {
            Some("error") => Severity::High,
            Some("warning") => Severity::Medium,
            Some("note") => Severity::Low,
            Some(_) => Severity::Unknown,
            None if matches!(rule, Lookup::Dangling) => Severity::Unknown,
            // What nobody gave a level is a warning (3.27.10).
            None => Severity::Medium,
        }))
    }

    /// Suppressed is what someone accepted, and no one contests (3.27.23).
    fn is_suppressed(&self) -> bool {
        let suppressions = self.suppressions.as_deref().unwrap_or_default();
        !suppressions.is_empty()
            && suppressions
                .iter()
                .all(|suppression| matches!(suppression.status.as_deref(), None | Some("accepted")))
    }

    fn rule_name(&self, rule: &Lookup<'_>) -> String {
        let id = self.rule_id.as_deref().or_else(|| self.rule.as_ref()?.id.as_deref());
        id.or_else(|| rule.rule()?.id.as_deref()).map_or_else(|| "a rule without an id".to_owned(), cut)
    }

    /// The first line of the message.
    fn message(&self, rule: &Lookup<'_>) -> String {
        let text = self.message.as_ref().and_then(|message| {
            let by_id =
                || rule.rule()?.message_strings.as_ref()?.get(message.id.as_deref()?)?.text.as_deref();
            message.text.as_deref().or_else(by_id)
        });
        cut(text.unwrap_or_default())
    }

    fn location(&self) -> String {
        let physical =
            self.locations.iter().flatten().find_map(|location| location.physical_location.as_ref());
        let file = physical.and_then(|physical| physical.artifact_location.as_ref()?.uri.as_deref());
        let line = physical.and_then(|physical| physical.region.as_ref()?.start_line);
        location(file, line)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::{
        super::{format::read, tests::told},
        *,
    };

    fn scan(bytes: &[u8]) -> Scan {
        match read(bytes).unwrap().told {
            Told::Findings(scan) => scan,
            other => panic!("{other:?}"),
        }
    }

    /// What a report with these results, and with a few rules, tells: severity and rule of each finding.
    fn found(results: &Value) -> Vec<(Severity, String)> {
        scan(report(results).to_string().as_bytes())
            .found
            .into_iter()
            .map(|found| (found.severity, found.rule))
            .collect()
    }

    fn line(found: &Found) -> String {
        format!("{:8}  {}  {}  {}", found.severity, found.rule, found.location, found.message)
    }

    fn report(results: &Value) -> Value {
        json!({"version": "2.1.0", "runs": [{
            "tool": {
                "driver": {"name": "scanner", "version": "1.2", "rules": [
                    {"id": "BARE"},
                    {"id": "NOTE", "defaultConfiguration": {"level": "note"}, "messageStrings": {"m": {"text": "from the rule"}}},
                    {"id": "SCORED", "defaultConfiguration": {"level": "note"}, "properties": {"security-severity": "9.8"}},
                    {"id": "OFF", "defaultConfiguration": {"level": "none"}},
                ]},
                "extensions": [
                    {"name": "empty"},
                    {"name": "pack", "guid": "f00d", "rules": [
                        {"id": "EXTRA", "defaultConfiguration": {"level": "error"}},
                        {"id": "BARE", "properties": {"security-severity": 4.5}},
                    ]},
                ],
            },
            "results": results,
        }]})
    }

    fn one(result: &Value) -> Option<Severity> {
        let found = found(&json!([result]));
        assert!(found.len() < 2);
        found.first().map(|(severity, _)| *severity)
    }

    #[test]
    fn the_score_counts_before_the_level() {
        use Severity::*;
        assert_eq!(one(&json!({"ruleId": "SCORED", "level": "note"})), Some(Critical));
        assert_eq!(one(&json!({"ruleId": "SCORED", "properties": {"security-severity": "3.1"}})), Some(Low));
        assert_eq!(one(&json!({"ruleId": "NOTE", "properties": {"security-severity": 7}})), Some(High));
        assert_eq!(
            one(&json!({"ruleId": "NOTE", "properties": {"security-severity": " 6.9 "}})),
            Some(Medium)
        );
    }

    #[test]
    fn a_score_that_tells_nothing_leaves_the_word_to_the_level() {
        for score in [
            json!("0.0"),
            json!("-1"),
            json!("high"),
            json!("NaN"),
            json!(""),
            json!([]),
            json!(null),
            json!(true),
        ] {
            assert_eq!(
                one(&json!({"ruleId": "BARE", "level": "error", "properties": {"security-severity": score}})),
                Some(Severity::High),
                "{score}"
            );
        }
    }

    #[test]
    fn the_level_is_the_result_s_else_the_rule_s_else_a_warning() {
        use Severity::*;
        assert_eq!(one(&json!({"ruleId": "NOTE", "level": "error"})), Some(High));
        assert_eq!(one(&json!({"ruleId": "NOTE", "level": "warning"})), Some(Medium));
        assert_eq!(one(&json!({"ruleId": "NOTE"})), Some(Low));
        assert_eq!(one(&json!({"ruleId": "BARE"})), Some(Medium));
        assert_eq!(one(&json!({"ruleId": "elsewhere"})), Some(Medium));
        assert_eq!(one(&json!({})), Some(Medium));
        assert_eq!(one(&json!({"ruleId": "BARE", "level": "fatal"})), Some(Unknown));
    }

    #[test]
    fn the_rule_is_found_by_place_and_by_id_in_the_driver_and_in_extensions() {
        use Severity::*;
        for (result, severity) in [
            (json!({"ruleIndex": 1}), Low),
            (json!({"ruleId": "NOTE", "ruleIndex": 1}), Low),
            (json!({"rule": {"index": 1}}), Low),
            (json!({"rule": {"id": "NOTE"}}), Low),
            (json!({"ruleId": "NOTE/part"}), Low),
            (json!({"ruleId": "NOTED"}), Medium),
            (json!({"ruleId": "NOTE", "ruleIndex": -1}), Low),
            (json!({"ruleIndex": -1}), Medium),
            (json!({"rule": {"index": 1, "toolComponent": {"index": -1}}}), Low),
            // The place and the id disagree: the id is the rule's name.
            (json!({"ruleId": "NOTE", "ruleIndex": 2}), Low),
            (json!({"ruleId": "EXTRA"}), High),
            (json!({"ruleId": "BARE", "rule": {"toolComponent": {"index": 1}}}), Medium),
            (json!({"ruleId": "EXTRA", "rule": {"index": 0, "toolComponent": {"index": 1}}}), High),
            (json!({"rule": {"index": 0, "toolComponent": {"name": "pack"}}}), High),
            (json!({"rule": {"index": 0, "toolComponent": {"guid": "f00d"}}}), High),
            (json!({"rule": {"index": 2, "toolComponent": {}}}), Critical),
            // A rule that should be there and is not.
            (json!({"ruleIndex": 99}), Unknown),
            (json!({"ruleIndex": -2}), Unknown),
            (json!({"ruleId": "elsewhere", "ruleIndex": 99}), Unknown),
            (json!({"rule": {"index": 0, "toolComponent": {"index": 9}}}), Unknown),
            (json!({"ruleIndex": 99, "level": "error"}), High),
        ] {
            assert_eq!(one(&result), Some(severity), "{result}");
        }
    }

    #[test]
    fn what_is_no_finding_is_not_counted() {
        for result in [
            json!({"level": "none"}),
            json!({"ruleId": "OFF"}),
            json!({"kind": "pass"}),
            json!({"kind": "notApplicable"}),
            json!({"kind": "informational"}),
            json!({"baselineState": "absent", "level": "error"}),
        ] {
            assert_eq!(one(&result), None, "{result}");
        }
        assert_eq!(one(&json!({"kind": "fail", "baselineState": "unchanged"})), Some(Severity::Medium));
        assert_eq!(one(&json!({"kind": "review"})), Some(Severity::Unknown));
        assert_eq!(one(&json!({"kind": "open", "ruleId": "SCORED"})), Some(Severity::Critical));
    }

    #[test]
    fn only_what_is_accepted_and_not_contested_is_suppressed() {
        let count = |suppressions: Value| {
            let report = report(&json!([{"level": "error", "suppressions": suppressions}])).to_string();
            let scan = scan(report.as_bytes());
            (scan.found.len(), scan.suppressed.len())
        };
        assert_eq!(count(json!([{"kind": "inSource"}])), (0, 1));
        assert_eq!(count(json!([{"kind": "external", "status": "accepted"}])), (0, 1));
        assert_eq!(count(json!([])), (1, 0));
        assert_eq!(count(json!(null)), (1, 0));
        assert_eq!(count(json!([{"kind": "external", "status": "underReview"}])), (1, 0));
        assert_eq!(count(json!([{"kind": "external", "status": "rejected"}])), (1, 0));
        assert_eq!(count(json!([{"kind": "inSource"}, {"kind": "external", "status": "rejected"}])), (1, 0));
        assert_eq!(count(json!([{"kind": "external", "status": "from the future"}])), (1, 0));
    }

    #[test]
    fn a_finding_is_told_in_one_line() {
        let report = report(&json!([
            {"ruleId": "NOTE", "message": {"id": "m"}, "locations": [{"physicalLocation": {"artifactLocation": {"uri": "src/a.rs"}, "region": {"startLine": 7}}}]},
            {"message": {"text": format!("\n  {}\nmore", "é".repeat(300))}, "locations": [{}, {"physicalLocation": {"artifactLocation": {"uri": "b"}}}]},
        ]));
        let bytes = report.to_string().into_bytes();
        let scan = scan(&bytes);
        assert_eq!(line(&scan.found[0]), "low       NOTE  src/a.rs:7  from the rule");
        assert_eq!(line(&scan.found[1]), format!("medium    a rule without an id  b  {}…", "é".repeat(100)));
        assert_eq!(read(&bytes).unwrap().to_string(), "1 medium, 1 low by scanner 1.2");
    }

    #[test]
    fn what_tells_nothing_says_why() {
        let tool = json!({"driver": {"name": "scanner"}});
        let with = |run: Value| json!({"version": "2.1.0", "runs": [run]}).to_string();
        let cases = [
            String::new(),
            " \n\t".into(),
            "\u{feff}".into(),
            r#"{"version": "2.1.0", "runs": [{"tool""#.into(),
            "<html>not found</html>".into(),
            "null".into(),
            "[]".into(),
            "{}".into(),
            r#"{"SchemaVersion": 2, "Results": []}"#.into(),
            r#"{"version": "2.0.0", "runs": []}"#.into(),
            r#"{"version": "2.1.0"}"#.into(),
            r#"{"version": "2.1.0", "runs": []}"#.into(),
            r#"{"version": "2.1.0", "runs": null}"#.into(),
            with(json!({"tool": tool})),
            with(json!({"tool": tool, "results": null})),
            with(
                json!({"tool": tool, "results": [], "invocations": [{"executionSuccessful": true}, {"executionSuccessful": false}]}),
            ),
            with(json!({"tool": tool, "results": [], "invocations": [{}]})),
            with(json!({"results": []})),
            with(json!({"tool": tool, "results": [{"level": 5}]})),
            // Two lists of results: which one is meant?
            r#"{"version": "2.1.0", "runs": [{"tool": {"driver": {}}, "results": [{}], "results": []}]}"#
                .into(),
            r#"{"version": "2.1.0", "runs": [{"tool": {"driver": {}}, "results": [{}]}], "runs": []}"#.into(),
            format!("{} trailing", with(json!({"tool": tool, "results": []}))),
        ];
        let told: Vec<String> =
            cases.iter().map(|text| read(text.as_bytes()).unwrap_err().to_string()).collect();
        insta::assert_snapshot!(told.join("\n"), @r##"
is empty
is empty
is empty
is cut off: EOF while parsing an object at line 1 column 37
is in no format that is read (SARIF, Trivy, Grype, Checkov, conftest, TruffleHog, JUnit, Cobertura, LCOV, k6)
is in no format that is read (SARIF, Trivy, Grype, Checkov, conftest, TruffleHog, JUnit, Cobertura, LCOV, k6)
is in no format that is read (SARIF, Trivy, Grype, Checkov, conftest, TruffleHog, JUnit, Cobertura, LCOV, k6)
is in no format that is read (SARIF, Trivy, Grype, Checkov, conftest, TruffleHog, JUnit, Cobertura, LCOV, k6)
is in no format that is read (SARIF, Trivy, Grype, Checkov, conftest, TruffleHog, JUnit, Cobertura, LCOV, k6)
is no SARIF 2.1.0: its version is 2.0.0
is in no format that is read (SARIF, Trivy, Grype, Checkov, conftest, TruffleHog, JUnit, Cobertura, LCOV, k6)
tells nothing: it holds no run: no tool wrote into it
tells nothing: it holds no run: no tool wrote into it
tells nothing: a run of scanner has no results: it did not come to its end
tells nothing: a run of scanner has no results: it did not come to its end
tells nothing: a run of scanner failed (`executionSuccessful: false`)
is no SARIF 2.1.0: missing field `executionSuccessful` at line 1 column 95
is no SARIF 2.1.0: missing field `tool` at line 1 column 41
is no SARIF 2.1.0: invalid type: integer `5`, expected a string at line 1 column 86
is no SARIF 2.1.0: duplicate field `results` at line 1 column 81
is no JSON: duplicate field `runs` at line 1 column 85
is no SARIF 2.1.0: trailing characters at line 1 column 82
"##);
    }

    #[test]
    fn one_run_that_failed_spoils_the_report() {
        let run = |successful: bool| json!({"tool": {"driver": {"name": "a"}}, "results": [], "invocations": [{"executionSuccessful": successful}]});
        let report = |runs: Value| json!({"version": "2.1.0", "runs": runs}).to_string();
        assert!(read(report(json!([run(true), run(true)])).as_bytes()).is_ok());
        assert!(read(report(json!([run(true), run(false)])).as_bytes()).is_err());
    }

    #[test]
    fn a_byte_order_mark_is_passed_over_and_other_encodings_are_not_guessed() {
        let text = report(&json!([])).to_string();
        assert!(read(format!("\u{feff}{text}").as_bytes()).is_ok());
        let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert!(matches!(read(&utf16), Err(Silent::Malformed(..))));
    }

    #[test]
    fn what_a_run_is_about_is_told() {
        let run = |more: Value| {
            let mut run = json!({"tool": {"driver": {"name": "scanner"}}, "results": []});
            run.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            run
        };
        let runs = [
            run(
                json!({"versionControlProvenance": [{"repositoryUri": "https://example.com/a", "revisionId": "0123abc"}, {"branch": "main"}]}),
            ),
            run(
                json!({"properties": {"imageName": "shop:v1", "repoTags": ["shop:v1"], "repoDigests": ["shop@sha256:1"], "imageID": "sha256:2"}}),
            ),
            run(json!({"properties": {"tags": []}})),
        ];
        let about = read(json!({"version": "2.1.0", "runs": runs}).to_string().as_bytes()).unwrap().about;
        assert_eq!(about[0], About { image: None, commits: vec!["0123abc".into()] });
        let names = ["shop:v1", "shop@sha256:1", "shop:v1"].map(str::to_owned).to_vec();
        assert_eq!(about[1], About { image: Some(Image { names, digests: vec![] }), commits: vec![] });
        assert_eq!(about[2], About::default());
    }

    #[test]
    fn reports_of_real_tools_are_read() {
        insta::assert_snapshot!(told(include_bytes!("../../../tests/fixtures/zizmor.sarif")), @r##"
3 high, 2 medium by zizmor 1.32.0
medium    zizmor/artipacked  .github/workflows/bad.yml:7  credential persistence through GitHub Actions artifacts: does not set persist-credentials: false
medium    zizmor/excessive-permissions  .github/workflows/bad.yml:4  overly broad permissions: default permissions used due to no permissions: block
high      zizmor/dangerous-triggers  .github/workflows/bad.yml:2  use of fundamentally insecure workflow trigger: pull_request_target is almost always used insecurely
high      zizmor/template-injection  .github/workflows/bad.yml:11  code injection via template expansion: may expand into attacker-controllable code
high      zizmor/unpinned-uses  .github/workflows/bad.yml:7  unpinned action reference: action is not pinned to a hash (required by blanket policy)
"##);
        insta::assert_snapshot!(told(include_bytes!("../../../tests/fixtures/zizmor-clean.sarif")), @"nothing found by zizmor 1.32.0");
        insta::assert_snapshot!(told(include_bytes!("../../../tests/fixtures/checkov.sarif")), @r##"
8 high by Checkov 3.3.30
high      CKV_AWS_24  main.tf:6  Ensure no security groups allow ingress from 0.0.0.0:0 to port 22
high      CKV_AWS_23  main.tf:6  Ensure every security group and rule has a description
high      CKV2_AWS_6  main.tf:1  Ensure that S3 bucket has a Public Access block
high      CKV2_AWS_62  main.tf:1  Ensure S3 buckets should have event notifications enabled
high      CKV_AWS_18  main.tf:1  Ensure the S3 bucket has access logging enabled
(medium    CKV_AWS_144  main.tf:1  Ensure that S3 bucket has cross-region replication enabled)
"##);
    }

    #[test]
    fn a_report_that_is_cut_anywhere_tells_nothing() {
        let whole = include_bytes!("../../../tests/fixtures/zizmor.sarif").trim_ascii();
        for length in 0..whole.len() {
            assert!(read(&whole[..length]).is_err(), "cut at {length}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(&bytes);
        }

        /// One more finding never makes fewer.
        #[test]
        fn every_result_counts(levels in prop::collection::vec(prop::sample::select(vec!["error", "warning", "note"]), 0..20)) {
            let results: Vec<Value> = levels.iter().map(|level| json!({"level": level})).collect();
            let counts = scan(report(&json!(results)).to_string().as_bytes()).counts;
            for (severity, level) in [(Severity::High, "error"), (Severity::Medium, "warning"), (Severity::Low, "note")] {
                prop_assert_eq!(counts.get(severity), levels.iter().filter(|one| **one == level).count() as u64);
            }
        }
    }
}
