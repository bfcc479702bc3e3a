//! The files of this project that a test runs, with names that lead to the test's own servers.

use std::path::{Path, PathBuf};

use serde_json::json;
use sluice_github_fake::File;

use crate::harness;

/// What stands in the files, and what a test puts in its place.
pub type Replacements<'a> = &'a [(&'a str, &'a str)];

/// The files of an example, as they lie in a repository: `build-once-deploy-many/gitops`. Each replacement must replace
/// something, so that a test notices when an example changes under it.
pub fn example(folder: &str, replacements: Replacements<'_>) -> Vec<File> {
    let root = harness::root().join("workflows-examples").join(folder);
    let mut files = Vec::new();
    let mut used = vec![false; replacements.len()];
    for path in below(&root) {
        let text = replaced(&std::fs::read_to_string(&path).unwrap(), replacements, &mut used);
        files.push(File::new(path.strip_prefix(&root).unwrap().to_string_lossy(), text));
    }
    for ((from, _), used) in replacements.iter().zip(used) {
        assert!(used, "nowhere in {folder} stands {from}");
    }
    files
}

/// One file of the examples: `blue-green/kubernetes/shop.yaml`.
pub fn example_file(path: &str, replacements: Replacements<'_>) -> String {
    let text = std::fs::read_to_string(harness::root().join("workflows-examples").join(path)).unwrap();
    let mut used = vec![false; replacements.len()];
    let text = replaced(&text, replacements, &mut used);
    assert!(used.iter().all(|used| *used), "not all of {replacements:?} stands in {path}");
    text
}

/// Reads the workflows of an example, and those that they call, as GitHub does before it starts a run: inputs and secrets
/// that are not declared, permissions that the caller has not, actions that there are not. The names of those that are
/// well, or what is wrong.
pub fn check(folder: &str) -> Result<Vec<String>, String> {
    let root = harness::root();
    let request = json!({
        "check": root.join("workflows-examples").join(folder),
        "ours": {"name": harness::OURS, "folder": root},
    });
    let scratch = tempfile::tempdir().unwrap();
    let mut checked = Vec::new();
    harness::run(scratch.path(), &request, |said| {
        checked.extend(said["checked"].as_str().map(str::to_owned));
        json!({})
    })?;
    Ok(checked)
}

/// A copy of this project's reusable workflows and actions.
pub fn reusable(replacements: Replacements<'_>) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    let root = harness::root();
    let mut used = vec![false; replacements.len()];
    for folder in [".github/workflows", "actions"] {
        for path in below(&root.join(folder)) {
            let target = copy.path().join(path.strip_prefix(&root).unwrap());
            std::fs::create_dir_all(target.parent().unwrap()).unwrap();
            let text = replaced(&std::fs::read_to_string(&path).unwrap(), replacements, &mut used);
            std::fs::write(target, text).unwrap();
        }
    }
    copy
}

fn replaced(text: &str, replacements: Replacements<'_>, used: &mut [bool]) -> String {
    let mut text = text.to_owned();
    for ((from, to), used) in replacements.iter().zip(used) {
        *used |= text.contains(from);
        text = text.replace(from, to);
    }
    text
}

/// The text files of a folder, sorted.
fn below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in folder.read_dir().unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}
