//! How large each action is, and what a run takes that reads its configuration and has next to nothing to do.

use std::{path::Path, process::Stdio};

use anyhow::Context as _;

use super::{
    Must, Table, git,
    measure::{Run, in_turns},
};
use crate::workspace::{ACTIONS, check};

/// How often each action is run.
const ROUNDS: usize = 51;

pub(super) fn measure(binaries: &Path) -> anyhow::Result<Table> {
    let folder = tempfile::tempdir()?;
    prepare(folder.path())?;
    let runs = ACTIONS
        .map(|action| Run::new(folder.path(), &binaries.join(action).to_string_lossy(), no_op(action)));
    let taken = in_turns(runs.each_ref(), ROUNDS)?;
    let mut table = Table::new(
        &format!("A run that has next to nothing to do: the middle (and the least) of {ROUNDS}, in turns"),
        &["", "size", "time", "memory"],
    );
    for (action, taken) in ACTIONS.iter().zip(&taken) {
        #[expect(clippy::cast_precision_loss, reason = "two digits are printed")]
        let size = binaries.join(action).metadata()?.len() as f64 / 1e6;
        table.row(
            [
                (*action).to_owned(),
                format!("{size:.2} MB"),
                format!("{:.2} ({:.2}) ms", taken.median, taken.least),
                format!("{:.1} MB", taken.megabytes),
            ],
            &[Must::milliseconds(taken, 10), Must::megabytes(taken, 15)],
        );
    }
    Ok(table)
}

/// A run that reads its configuration and has nothing to do; that of the gate evaluates what needs no network.
fn no_op(action: &str) -> &'static [&'static str] {
    match action {
        "detect-changes" => &["--base", "HEAD", "--head", "HEAD"],
        "bump-image-tag" => &["--environment", "dev", "--image", "registry.example.com/shop/backend:v1"],
        "gate-approval" => &["--environment", "dev", "--confirm", "yes"],
        "notify" => &["--event", "start", "--environment", "dev"],
        _ => &["--check-config"],
    }
}

/// A small repository in which each of those runs ends well.
fn prepare(folder: &Path) -> anyhow::Result<()> {
    let files = [
        (
            ".github/sluice.yml",
            "\
version: 1
components: {backend: {paths: [\"src/**\"]}}
environments:
  dev:
    overlays: [dev]
    gate:
      confirm: \"yes\"
      freeze: [{from: 2020-12-20, until: 2021-01-04, zone: Europe/Berlin}]
      reports: [{path: \"*.sarif\", critical: 0}]
",
        ),
        ("dev/kustomization.yaml", "images:\n  - name: registry.example.com/shop/backend\n    newTag: v1\n"),
        ("src/main.py", "\n"),
        (
            "scan.sarif",
            r#"{"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "scanner"}}, "results": []}]}"#,
        ),
    ];
    for (path, content) in files {
        let file = folder.join(path);
        std::fs::create_dir_all(file.parent().context("a file lies in a folder")?)?;
        std::fs::write(file, content)?;
    }
    let identity = ["-c", "user.name=Bench", "-c", "user.email=bench@example.com"];
    for arguments in
        [&["init", "--quiet"][..], &["add", "--all"], &["commit", "--quiet", "--message", "Begin"]]
    {
        check(git(folder).args(identity).args(arguments).stdout(Stdio::null()))?;
    }
    Ok(())
}
