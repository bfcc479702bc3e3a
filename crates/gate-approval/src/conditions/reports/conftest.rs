//! Reading conftest's JSON: `conftest test --output json`.
//!
//! <https://www.conftest.dev/output/>; the fields are those of
//! <https://github.com/open-policy-agent/conftest/blob/master/output/result.go>. A failure is as bad as
//! an error, a warning as a warning: so conftest itself tells them in SARIF.

use serde::Deserialize;
use sluice_gate::reports::{About, Found, Report, Scan, Severity, Told};

use super::silent::{Silent, cut, location};

pub(super) const NAME: &str = "conftest JSON";

pub(super) fn read(bytes: &[u8]) -> Result<Report, Silent> {
    let checks: Vec<Check> = serde_json::from_slice(bytes).map_err(|error| Silent::json(NAME, &error))?;
    // A namespace without a rule fits every file, and fails none.
    if checks.iter().all(Check::is_without_a_test) {
        return Err(Silent::Nothing("conftest evaluated no rule of any policy".to_owned()));
    }
    let mut scan = Scan::default();
    for check in &checks {
        check.failures.iter().flatten().for_each(|result| scan.find(check.found(Severity::High, result)));
        check.warnings.iter().flatten().for_each(|result| scan.find(check.found(Severity::Medium, result)));
        check.exceptions.iter().flatten().for_each(|result| scan.accept(check.found(Severity::High, result)));
    }
    Ok(Report {
        tools: vec!["conftest".to_owned()],
        about: vec![About::default()],
        told: Told::Findings(scan),
    })
}

#[derive(Deserialize)]
struct Check {
    filename: String,
    namespace: String,
    successes: u64,
    warnings: Option<Vec<Outcome>>,
    failures: Option<Vec<Outcome>>,
    exceptions: Option<Vec<Outcome>>,
}

#[derive(Deserialize)]
struct Outcome {
    msg: Option<String>,
    loc: Option<Location>,
    metadata: Option<Metadata>,
}

#[derive(Deserialize)]
struct Location {
    file: Option<String>,
    /// A number, which conftest passes on as the policy wrote it.
    line: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct Metadata {
    query: Option<serde_json::Value>,
}

impl Check {
    fn is_without_a_test(&self) -> bool {
        let lists = [&self.warnings, &self.failures, &self.exceptions];
        self.successes == 0 && lists.into_iter().flatten().all(Vec::is_empty)
    }

    fn found(&self, severity: Severity, outcome: &Outcome) -> Found {
        let query = outcome.metadata.as_ref().and_then(|metadata| metadata.query.as_ref()?.as_str());
        let file = outcome.loc.as_ref().and_then(|location| location.file.as_deref());
        let line = outcome.loc.as_ref().and_then(|location| {
            let line = location.line.as_ref()?;
            line.as_u64().or_else(|| line.as_str()?.parse().ok())
        });
        Found {
            severity,
            rule: cut(query.unwrap_or(&self.namespace)),
            message: cut(outcome.msg.as_deref().unwrap_or_default()),
            location: location(Some(file.unwrap_or(&self.filename)), line),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{format::read, tests::told};

    #[test]
    fn failures_warnings_and_exceptions_are_read() {
        let report = r#"[
            {"filename": "k8s/service.yaml", "namespace": "main", "successes": 4, "warnings": [{"msg": "Found service hello", "metadata": {"query": "data.main.warn"}}]},
            {"filename": "k8s/deployment.yaml", "namespace": "main", "successes": 0,
             "failures": [
                {"msg": "Containers must not run as root", "loc": {"file": "base/deployment.yaml", "line": 12}, "metadata": {"query": "data.main.deny"}},
                {"msg": "No limits", "loc": {"line": "7"}}],
             "exceptions": [{"msg": "data.main.exception[_][_] == \"labels\""}]},
            {"filename": "k8s/empty.yaml", "namespace": "other", "successes": 0}
        ]"#;
        insta::assert_snapshot!(told(report.as_bytes()), @r##"
2 high, 1 medium by conftest
medium    data.main.warn  k8s/service.yaml  Found service hello
high      data.main.deny  base/deployment.yaml:12  Containers must not run as root
high      main  k8s/deployment.yaml:7  No limits
(high      main  k8s/deployment.yaml  data.main.exception[_][_] == "labels")
"##);
    }

    #[test]
    fn what_tells_nothing_says_why() {
        let told = [
            r#"[{"filename": "a", "namespace": "main", "successes": 0}]"#,
            r#"[{"filename": "a", "namespace": "main", "successes": 0, "failures": [], "warnings": null}]"#,
            r#"[{"filename": "a", "namespace": "main"}]"#,
            r#"[{"filename": "a", "namespace": "main", "successes": -1}]"#,
            r#"[{"filename": "a", "namespace": "main", "successes": 1, "failures": 3}]"#,
            r#"[{"filename": "a", "namespace": "main", "successes": 1}, {"filename": "b"}]"#,
            r#"[{"filename": "a", "namespace": "main", "successes": 1}"#,
            "[]",
        ]
        .map(|text| read(text.as_bytes()).unwrap_err().to_string());
        insta::assert_snapshot!(told.join("\n"), @r##"
tells nothing: conftest evaluated no rule of any policy
tells nothing: conftest evaluated no rule of any policy
is no conftest JSON: missing field `successes` at line 1 column 39
is no conftest JSON: invalid value: integer `-1`, expected u64 at line 1 column 55
is no conftest JSON: invalid type: integer `3`, expected a sequence at line 1 column 69
is in no format that is read (SARIF, Trivy, Grype, Checkov, conftest, TruffleHog, JUnit, Cobertura, LCOV, k6)
is cut off: EOF while parsing a list at line 1 column 55
is in no format that is read (SARIF, Trivy, Grype, Checkov, conftest, TruffleHog, JUnit, Cobertura, LCOV, k6)
"##);
    }
}
