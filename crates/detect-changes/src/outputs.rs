//! What the steps that follow are told.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::{
    matrix::{Entry, Matrix},
    revisions::Strategy,
};

/// The outputs.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Outputs {
    /// The names of the filters and components that changed, as a JSON list
    pub changes: Vec<String>,
    /// Whether any of them changed: an empty matrix is an error in a workflow, so ask this first
    pub any: bool,
    /// The cells that changed, of all components, as `{"include": [{"component": ..., ...}]}`
    pub matrix: Matrix,
    /// The components that changed, as a JSON list of lists: each list needs only what stands before it
    pub stages: Vec<Vec<String>>,
    /// The cells whose files are all gone, as a JSON list of matrix entries; they are in no matrix
    pub deleted: Vec<Entry>,
    /// The full SHA of the commit that was compared with
    pub base: String,
    /// The full SHA of the commit that was asked about
    pub head: String,
    /// How the two were chosen: `given`, `push`, `merge-commit`, `merge-base`, `pull-request` or `merge-group`
    pub strategy: Strategy,
    /// Whether every changed file was looked at; `true`, as a run that could not do so fails
    pub complete: bool,
    /// For each filter and component `<name>` (whether it changed), `<name>_count` (how many changed files
    /// match it), `<name>_files` (which, as `list-files` says), and for a component `<name>_matrix`.
    #[serde(flatten)]
    pub named: IndexMap<String, Value>,
}

/// What follows a name in the outputs that are about it.
pub(crate) const SUFFIXES: [&str; 4] = ["", "_count", "_files", "_matrix"];

/// The names that every run answers by.
pub(crate) fn names() -> [&'static str; 10] {
    ["changes", "any", "matrix", "stages", "deleted", "base", "head", "strategy", "complete", "report-file"]
}
