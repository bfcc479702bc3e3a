//! What GitHub's runner gives to an action that it starts, for the demo and for the tests that start one by itself. Whole
//! workflows are run by `tests/pipelines`, where the contexts that all of this comes from are evaluated.
//!
//! <https://docs.github.com/en/actions/reference/workflows-and-actions/variables#default-environment-variables>

use std::{collections::BTreeMap, path::Path};

/// The files of a step and the folder of its job, as the step sees them: a container has other paths than its machine.
#[derive(Clone, Debug)]
pub struct Files {
    /// The payload of the event.
    pub event: String,
    /// Where outputs are written to.
    pub output: String,
    /// Where the summary is written to.
    pub summary: String,
    /// The folder that the steps of a job share.
    pub temporary: String,
}

impl Files {
    /// All of them in one folder.
    pub fn within(folder: &Path) -> Self {
        let file = |name: &str| folder.join(name).to_string_lossy().into_owned();
        Self {
            event: file("event.json"),
            output: file("output"),
            summary: file("summary.md"),
            temporary: file("temp"),
        }
    }
}

/// The variables of a step that runs an action, in a run that this event started: a run of `acme/shop` by octocat. Every
/// input that its `action.yml` declares is there, and empty.
pub fn variables(event: &str, files: &Files, action_yml: &str) -> BTreeMap<String, String> {
    let inputs = declared_inputs(action_yml).map(|name| (input(name), String::new()));
    let variables = [
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_ACTOR", "octocat"),
        ("GITHUB_EVENT_NAME", event),
        ("GITHUB_EVENT_PATH", &files.event),
        ("GITHUB_OUTPUT", &files.output),
        ("GITHUB_REPOSITORY", "acme/shop"),
        ("GITHUB_RUN_ATTEMPT", "1"),
        ("GITHUB_RUN_ID", "42"),
        ("GITHUB_SERVER_URL", "https://github.com"),
        ("GITHUB_STEP_SUMMARY", &files.summary),
        ("GITHUB_WORKFLOW", "deliver"),
        ("RUNNER_TEMP", &files.temporary),
    ];
    inputs.chain(variables.map(|(name, value)| (name.to_owned(), value.to_owned()))).collect()
}

/// The variable that hands an input over. Its name keeps its hyphens.
pub fn input(name: &str) -> String {
    format!("INPUT_{}", name.to_uppercase())
}

/// The keys below `inputs:`, by their indentation.
fn declared_inputs(action_yml: &str) -> impl Iterator<Item = &str> {
    let below = action_yml.lines().skip_while(|line| *line != "inputs:").skip(1);
    let inputs = below.take_while(|line| line.starts_with(' '));
    inputs.filter_map(|line| line.strip_prefix("  ")?.strip_suffix(':').filter(|name| !name.starts_with(' ')))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACTION: &str = "name: Sluice\ninputs:\n  command:\n    description: \"What to do:\"\n  base-url:\n    required: false\noutputs:\n  live:\n    description: x\n";

    #[test]
    fn each_declared_input_is_there_and_empty() {
        let variables = variables("push", &Files::within(Path::new("/runner")), ACTION);
        let inputs: Vec<_> = variables.iter().filter(|(name, _)| name.starts_with("INPUT_")).collect();
        let empty = String::new();
        assert_eq!(inputs, [(&"INPUT_BASE-URL".to_owned(), &empty), (&"INPUT_COMMAND".to_owned(), &empty)]);
        assert_eq!(variables["GITHUB_EVENT_PATH"], "/runner/event.json");
    }
}
