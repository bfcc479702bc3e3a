//! How the jobs before this one ended: `${{ toJSON(needs) }}`.

use indexmap::IndexMap;
use serde::Deserialize;
use sluice_core::Problem;

/// The jobs by name. A matrix is one of them.
///
/// <https://docs.github.com/actions/reference/workflows-and-actions/contexts#needs-context>
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub(crate) struct Jobs(IndexMap<String, Job>);

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(expecting = "a job with its result")]
struct Job {
    result: JobResult,
    #[serde(default)]
    outputs: IndexMap<String, serde_json::Value>,
}

/// How a job ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum JobResult {
    Success,
    Failure,
    Cancelled,
    Skipped,
}

impl Jobs {
    pub(crate) fn parse(json: &str) -> Result<Self, Problem> {
        serde_json::from_str(json).map_err(|error| {
            Problem::misconfigured("the input `needs` does not tell how jobs ended")
                .why(error)
                .help("write `needs: ${{ toJSON(needs) }}`")
        })
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, JobResult)> {
        self.0.iter().map(|(name, job)| (name.as_str(), job.result))
    }

    /// The outputs that came empty from jobs that succeeded, as `job.output`.
    ///
    /// The runner hands no output on that holds a masked value, and says so in the log of the job only:
    /// <https://docs.github.com/actions/how-tos/write-workflows/choose-what-workflows-do/pass-job-outputs>
    pub(crate) fn empty_outputs(&self) -> impl Iterator<Item = String> {
        self.0.iter().filter(|(_, job)| job.result == JobResult::Success).flat_map(|(name, job)| {
            let empty = job.outputs.iter().filter(|(_, value)| value.as_str() == Some(""));
            empty.map(move |(output, _)| format!("{name}.{output}"))
        })
    }

    pub(crate) fn count(&self, result: JobResult) -> usize {
        self.iter().filter(|(_, each)| *each == result).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_output_that_came_empty_is_found() {
        let jobs = Jobs::parse(
            r#"{"build": {"result": "success", "outputs": {"image": "", "tag": "v1"}},
                "scan": {"result": "failure", "outputs": {"count": ""}}}"#,
        );
        assert_eq!(jobs.unwrap().empty_outputs().collect::<Vec<_>>(), ["build.image"]);
    }

    #[test]
    fn the_runner_s_words_are_read_and_others_refused() {
        let jobs = Jobs::parse(
            r#"{"build": {"result": "success", "outputs": {"image": "x"}}, "gate": {"result": "skipped", "outputs": {}}}"#,
        )
        .unwrap();
        let read: Vec<_> = jobs.iter().collect();
        assert_eq!(read, [("build", JobResult::Success), ("gate", JobResult::Skipped)]);
        for wrong in ["", "success", "[]", r#"{"build": "success"}"#, r#"{"build": {"result": "passed"}}"#] {
            let problem = Jobs::parse(wrong).unwrap_err();
            assert_eq!(problem.verdict, sluice_core::Verdict::Misconfigured, "{wrong}");
        }
    }
}
