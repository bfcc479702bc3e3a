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
    /// The full SHA of the commit that was compared with; of the empty tree where there is none
    pub base: String,
    /// The full SHA of the commit that was asked about; of a tree where that is not committed
    pub head: String,
    /// How the two were chosen: `given`, `working-tree`, `push`, `merge-commit`, `merge-base`, `pull-request`, `merge-group`,
    /// `previous-tag`, `last-success`, `whole-tree` or `unknown`
    pub strategy: Strategy,
    /// Whether that is all that changed; `false` when `on-unknown: all` took everything for changed
    pub complete: bool,
    /// For each filter and component `<name>` (whether it changed), `<name>_count` (how many changed files
    /// match it), `<name>_files` (which, as `list-files` says), `<name>_files_file` (where these are, if they
    /// are too many), and for a component `<name>_matrix`. More than 256 cells also stand in `matrix-1`,
    /// `matrix-2`, ... and `<name>_matrix-1`, ...
    #[serde(flatten)]
    #[schemars(with = "IndexMap<String, Value>")]
    pub named: IndexMap<String, Named>,
}

/// An output that goes by a name of the configuration.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Named {
    /// Whether something changed, how many files did, and which.
    Value(Value),
    /// The cells that changed: as entries, which take less room than JSON.
    Matrix(Matrix),
}

impl From<Value> for Named {
    fn from(value: Value) -> Self {
        Self::Value(value)
    }
}

impl From<Matrix> for Named {
    fn from(matrix: Matrix) -> Self {
        Self::Matrix(matrix)
    }
}

/// What follows a name in the outputs that are about it.
pub(crate) const SUFFIXES: [&str; 5] = ["", "_count", "_files", "_files_file", "_matrix"];

/// Whether an output of this name may be a part of a matrix: `matrix-1`, `backend_matrix-1`.
pub(crate) fn is_part(name: &str) -> bool {
    let number = name.rsplit_once("matrix-").filter(|(owner, _)| owner.is_empty() || owner.ends_with('_'));
    number.is_some_and(|(_, number)| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

/// The names that every run answers by.
pub(crate) fn names() -> [&'static str; 10] {
    ["changes", "any", "matrix", "stages", "deleted", "base", "head", "strategy", "complete", "report-file"]
}
