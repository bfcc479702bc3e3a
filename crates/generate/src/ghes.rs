//! The reusable workflows as GitHub Enterprise Server takes them. It lacks what they rest on elsewhere:
//!
//! - `uses: $/actions/name`, the action of the workflow's own repository and commit
//!   (<https://docs.github.com/actions/reference/workflows-and-actions/workflow-syntax>): here each action is named by
//!   repository and by the tag of the release, which nobody can move: the release is immutable;
//! - workflows of github.com: they are copied into a repository of the server, and call each other there;
//! - `deployment: false` of an environment. GitHub's own Deployments say nothing of images, and gates pass over them.

use std::{fmt::Write as _, path::Path};

use crate::Generated;

/// `https://github.com/<owner>/sluice`
const REPOSITORY: &str = env!("CARGO_PKG_REPOSITORY");
/// The tag of the release that the variants are part of.
const RELEASE: &str = concat!("v", env!("CARGO_PKG_VERSION"));
/// Where the variants lie.
const FOLDER: &str = "workflows-ghes";

/// Every workflow that others can call.
pub(crate) fn all(root: &Path) -> anyhow::Result<Vec<Generated>> {
    let mut variants = Vec::new();
    for entry in root.join(".github/workflows").read_dir()? {
        let entry = entry?;
        let workflow = std::fs::read_to_string(entry.path())?;
        if workflow.lines().any(|line| line.trim_end() == "  workflow_call:") {
            let path = Path::new(FOLDER).join(entry.file_name());
            variants.push(Generated { path, content: variant(&workflow) });
        }
    }
    variants.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(variants)
}

/// The workflow, with actions named by repository and version.
fn variant(workflow: &str) -> String {
    let repository = REPOSITORY.trim_start_matches("https://github.com/");
    let mut text = String::from("# Generated from .github/workflows by `cargo xtask generate`.\n");
    for line in workflow.lines().filter(|line| !line.trim_start().starts_with("deployment: false")) {
        if let Some((before, action)) = line.split_once("uses: $/actions/") {
            let _ = write!(text, "{before}uses: {repository}/actions/{action}@{RELEASE}");
        } else if let Some((before, workflow)) = line.split_once("uses: $/") {
            let _ = write!(text, "{before}uses: ./{workflow} # zizmor: ignore[self-repository]");
        } else {
            text.push_str(line);
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_server_lacks_is_written_out() {
        let workflow = "on:\n  workflow_call:\njobs:\n  a:\n    environment:\n      name: dev\n      deployment: false # why\n    steps:\n      - uses: $/actions/notify\n  b:\n    uses: $/.github/workflows/b.yml\n";
        assert_eq!(
            variant(workflow),
            format!(
                "# Generated from .github/workflows by `cargo xtask generate`.\non:\n  workflow_call:\njobs:\n  a:\n    environment:\n      name: dev\n    steps:\n      - uses: sluice-actions/sluice/actions/notify@{RELEASE}\n  b:\n    uses: ./.github/workflows/b.yml # zizmor: ignore[self-repository]\n"
            )
        );
    }
}
