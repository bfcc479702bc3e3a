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
