//! What the steps that follow can read.

use schemars::JsonSchema;
use serde::Serialize;
use sluice_core::Verdict;

use crate::plan::Plan;
use crate::run::End;

/// The outputs of smoke-test.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Outputs {
    /// How many checks, or metrics of `bake`, passed
    pub passed: usize,
    /// How many checks failed: an answer came, and it was wrong; or metrics, that were not as they must be
    pub failed: usize,
    /// How many checks or metrics there are; those that neither passed nor failed are undecided
    pub total: usize,
    /// The checks or metrics in the order of the files: name, verdict, tries, duration in seconds, reason
    pub results: Vec<CheckResult>,
}

/// What became of one check or metric.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct CheckResult {
    /// The name of the check or metric
    pub name: String,
    /// Its verdict: `passed`, `failed` or `undecided`
    pub verdict: Verdict,
    /// How many times it was tried or measured
    pub tries: u32,
    /// The time from its first try or measurement to its verdict, in seconds
    pub duration: f64,
    /// Why, in one line
    pub reason: String,
}

impl Outputs {
    pub(crate) fn of(plan: &Plan, end: &End) -> Self {
        let results = plan.probes.iter().zip(&end.outcomes).map(|(probe, outcome)| CheckResult {
            name: probe.name.clone(),
            verdict: outcome.verdict,
            tries: outcome.tries,
            duration: (outcome.duration.as_secs_f64() * 1e6).round() / 1e6,
            reason: outcome.reason.clone(),
        });
        Self {
            passed: end.count(Verdict::Passed),
            failed: end.count(Verdict::Failed),
            total: plan.probes.len(),
            results: results.collect(),
        }
    }
}
