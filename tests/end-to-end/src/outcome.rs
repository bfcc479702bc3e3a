//! What a run left behind.

use std::{collections::BTreeMap, path::Path, process::Output};

use serde_json::Value;

/// What a run left behind.
#[derive(Debug)]
pub struct Outcome {
    /// The exit code; `None` when a signal ended the process.
    pub code: Option<i32>,
    /// What it printed on standard output.
    pub stdout: String,
    /// What it printed on standard error.
    pub stderr: String,
    /// Its outputs, as the runner reads them.
    pub outputs: BTreeMap<String, String>,
    /// What it added to the job's summary.
    pub summary: String,
    /// Its report, where it left one.
    pub report: Option<Value>,
}

impl Outcome {
    pub(crate) fn read(output: &Output, runner: &Path) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let file = |name: &str| std::fs::read_to_string(runner.join(name)).unwrap_or_default();
        let outputs = outputs(&file("output"));
        let report = outputs.get("report-file").map(|name| {
            let bytes = std::fs::read(runner.join("temp").join(name)).unwrap();
            serde_json::from_slice(&bytes).unwrap()
        });
        Self {
            code: output.status.code(),
            stdout: text(&output.stdout),
            stderr: text(&output.stderr),
            outputs,
            summary: file("summary.md"),
            report,
        }
    }

    /// Asserts the exit code.
    #[track_caller]
    pub fn exits(&self, code: i32) -> &Self {
        assert_eq!(self.code, Some(code), "{self:#?}");
        self
    }

    /// Asserts an output.
    #[track_caller]
    pub fn has_output(&self, name: &str, value: &str) -> &Self {
        assert_eq!(self.outputs.get(name).map(String::as_str), Some(value), "output {name} of {self:#?}");
        self
    }

    /// Asserts that a person is told this.
    #[track_caller]
    pub fn says(&self, text: &str) -> &Self {
        assert!(self.stdout.contains(text) || self.stderr.contains(text), "does not say {text:?}: {self:#?}");
        self
    }

    /// Asserts that this stands nowhere in what the run left.
    #[track_caller]
    pub fn never_says(&self, text: &str) -> &Self {
        let report = self.report.as_ref().map(ToString::to_string).unwrap_or_default();
        for place in [&self.stdout, &self.summary, &report] {
            assert!(!place.contains(text), "says {text:?}: {self:#?}");
        }
        let without_masks: Vec<&str> =
            self.stderr.lines().filter(|line| !line.starts_with("::add-mask::")).collect();
        assert!(!without_masks.join("\n").contains(text), "says {text:?}: {self:#?}");
        self
    }

    /// The workflow commands that the runner would obey in what was printed.
    pub fn commands(&self) -> Vec<&str> {
        let lines = self.stdout.lines().chain(self.stderr.lines());
        lines.filter(|line| line.trim_start().starts_with("::") || line.contains("##[")).collect()
    }

    /// A value of the report, by its JSON pointer.
    #[track_caller]
    pub fn reported(&self, pointer: &str) -> &Value {
        let report = self.report.as_ref().unwrap_or_else(|| panic!("no report: {self:#?}"));
        report.pointer(pointer).unwrap_or_else(|| panic!("no {pointer} in {report:#}"))
    }
}

/// Reads `$GITHUB_OUTPUT` as the runner does.
fn outputs(text: &str) -> BTreeMap<String, String> {
    let mut outputs = BTreeMap::new();
    let mut lines = text.split('\n');
    while let Some(line) = lines.next() {
        let heredoc = line.find("<<").filter(|heredoc| line.find('=').is_none_or(|equals| *heredoc < equals));
        if let Some(heredoc) = heredoc {
            let delimiter = &line[heredoc + 2..];
            let value: Vec<&str> = lines.by_ref().take_while(|line| *line != delimiter).collect();
            outputs.insert(line[..heredoc].to_owned(), value.join("\n"));
        } else if let Some((name, value)) = line.split_once('=') {
            outputs.insert(name.to_owned(), value.to_owned());
        } else {
            assert!(line.is_empty(), "the runner would fail the step on {line:?}");
        }
    }
    outputs
}
