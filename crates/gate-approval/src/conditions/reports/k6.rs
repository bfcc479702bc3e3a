//! Reading the summary of a k6 load test: what `handleSummary` gets, or what `--summary-export` writes.
//!
//! <https://grafana.com/docs/k6/latest/results-output/end-of-test/custom-summary/>. The two tell a
//! threshold in opposite ways: `{"ok": true}` there holds, `true` here was crossed
//! (<https://github.com/grafana/k6/blob/v0.57.0/internal/js/summary-wrapper.js>).

use std::collections::BTreeMap;

use serde::Deserialize;
use sluice_gate::reports::{About, Report, Thresholds, Told};

use super::silent::{Silent, cut};

pub(super) const NAME: &str = "k6 summary";

pub(super) fn read(bytes: &[u8]) -> Result<Report, Silent> {
    let summary: Summary = serde_json::from_slice(bytes).map_err(|error| Silent::json(NAME, &error))?;
    let mut thresholds = Thresholds::default();
    for (name, metric) in &summary.metrics {
        for (expression, threshold) in metric.thresholds.iter().flatten() {
            thresholds.all += 1;
            if threshold.is_crossed() {
                thresholds.cross(cut(&format!("{name}: {expression}")));
            }
        }
    }
    if thresholds.all == 0 {
        return Err(Silent::Nothing("the test has no thresholds".to_owned()));
    }
    Ok(Report {
        tools: vec!["k6".to_owned()],
        about: vec![About::default()],
        told: Told::Thresholds(thresholds),
    })
}

#[derive(Deserialize)]
struct Summary {
    metrics: BTreeMap<String, Metric>,
}

#[derive(Deserialize)]
struct Metric {
    thresholds: Option<BTreeMap<String, Threshold>>,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "it has a threshold that neither holds nor was crossed")]
enum Threshold {
    Summary { ok: bool },
    Export(bool),
}

impl Threshold {
    const fn is_crossed(&self) -> bool {
        match self {
            Self::Summary { ok } => !*ok,
            Self::Export(crossed) => *crossed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{format::read, tests::told};

    #[test]
    fn a_threshold_is_told_in_opposite_ways() {
        let summary = r#"{"root_group": {"name": ""}, "options": {"summaryTrendStats": ["avg"]}, "state": {"testRunDurationMs": 30898.9}, "metrics": {
            "http_req_duration": {"type": "trend", "contains": "time", "values": {"avg": 268.3, "p(95)": 305.2}, "thresholds": {"p(95)<500": {"ok": true}, "avg<200": {"ok": false}}},
            "http_req_failed": {"type": "rate", "values": {"rate": 0, "passes": 0, "fails": 45}, "thresholds": {"rate<0.01": {"ok": true}}},
            "iterations": {"type": "counter", "values": {"count": 45}}}}"#;
        insta::assert_snapshot!(told(summary.as_bytes()), @r##"
1 of 3 thresholds crossed by k6
http_req_duration: avg<200
"##);
        let export = r#"{"root_group": {"name": ""}, "metrics": {
            "http_req_duration": {"avg": 268.3, "p(95)": 305.2, "thresholds": {"p(95)<500": false, "avg<200": true}},
            "http_req_failed": {"value": 0, "thresholds": {"rate<0.01": false}},
            "iterations": {"count": 45, "rate": 1.4}}}"#;
        assert_eq!(told(export.as_bytes()), told(summary.as_bytes()));
    }

    #[test]
    fn what_tells_nothing_says_why() {
        let told = [
            r#"{"root_group": {}, "metrics": {"iterations": {"count": 45}}}"#,
            r#"{"root_group": {}, "metrics": {"iterations": {"thresholds": {}}}}"#,
            r#"{"root_group": {}, "metrics": {}}"#,
            r#"{"root_group": {}, "metrics": {"a": {"thresholds": {"x": "ok"}}}}"#,
            r#"{"root_group": {}, "metrics": {"a": {"thresholds": {"x": {}}}}}"#,
            r#"{"root_group": {}, "metrics": []}"#,
            r#"{"metrics": {"a": {"thresholds": {"x": false}}}}"#,
        ]
        .map(|text| read(text.as_bytes()).unwrap_err().to_string());
        insta::assert_snapshot!(told.join("\n"), @r##"
tells nothing: the test has no thresholds
tells nothing: the test has no thresholds
tells nothing: the test has no thresholds
is no k6 summary: it has a threshold that neither holds nor was crossed at line 1 column 62
is no k6 summary: it has a threshold that neither holds nor was crossed at line 1 column 60
is no k6 summary: invalid type: sequence, expected a map at line 1 column 30
is in no format that is read (SARIF, Trivy, Grype, Checkov, conftest, TruffleHog, JUnit, Cobertura, LCOV, k6)
"##);
    }
}
