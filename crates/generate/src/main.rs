//! Writes the faces of the actions from their types: `action.yml`, the tables of the READMEs, the
//! JSON Schemas; and the workflows for GitHub Enterprise Server from the others. With `--check` it writes nothing and
//! fails where a file differs.
//!
//! This is the only crate that knows all actions.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program of the project's own talks to its terminal"
)]

mod action_yml;
mod face;
mod ghes;
mod lock;
mod reference;
mod schemas;
mod tables;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context as _;
use clap::Parser;

use crate::{face::Face, lock::Lock};

/// Every action. To add one is to add a line here.
fn actions() -> Vec<Face> {
    vec![
        Face::of::<sluice_detect_changes::DetectChanges>(),
        Face::of::<sluice_bump_image_tag::BumpImageTag>(),
        Face::of::<sluice_gate_approval::GateApproval>(),
        Face::of::<sluice_smoke_test::SmokeTest>(),
        Face::of::<sluice_notify::Notify>(),
        Face::of::<sluice_rollout::Rollout>(),
        Face::of::<sluice_backup::Backup>(),
    ]
}

/// Writes what is generated from the types.
#[derive(Parser)]
struct Arguments {
    /// Write nothing, and fail where a file differs
    #[arg(long)]
    check: bool,
    /// Read and write below another folder than the repository
    #[arg(long, hide = true, conflicts_with = "check")]
    root: Option<PathBuf>,
}

/// A generated file: its path from the repository's root, and what it must hold.
struct Generated {
    path: PathBuf,
    content: String,
}

fn main() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let root = arguments.root.unwrap_or(repository).canonicalize()?;
    let faces = actions();
    let lock = Lock::read(&root)?;
    lock.names_only(&faces.iter().map(|face| face.name.as_str()).collect::<Vec<_>>())?;
    let mut files = schemas::all()?;
    files.extend(ghes::all(&root)?);
    for face in faces {
        let folder = Path::new("actions").join(&face.name);
        files.push(Generated { path: folder.join("action.yml"), content: action_yml::render(&face, &lock) });
        let readme = folder.join("README.md");
        let text = std::fs::read_to_string(root.join(&readme))
            .with_context(|| format!("{} must be there for its tables", readme.display()))?;
        let content = tables::fill(&text, &face).with_context(|| readme.display().to_string())?;
        files.push(Generated { path: readme, content });
    }
    let stale: Vec<&Generated> = files.iter().filter(|file| !file.is_in_step(&root)).collect();
    if arguments.check {
        for file in &stale {
            eprintln!("{}", file.difference(&root));
        }
        return Ok(if stale.is_empty() {
            println!("{} generated files are in step with the types", files.len());
            ExitCode::SUCCESS
        } else {
            eprintln!("{} generated files differ from the types: run `cargo xtask generate`", stale.len());
            ExitCode::FAILURE
        });
    }
    for file in &stale {
        let path = root.join(&file.path);
        std::fs::create_dir_all(path.parent().unwrap_or(&root))?;
        std::fs::write(&path, &file.content)?;
        println!("wrote {}", file.path.display());
    }
    Ok(ExitCode::SUCCESS)
}

impl Generated {
    fn present(&self, root: &Path) -> String {
        std::fs::read_to_string(root.join(&self.path)).unwrap_or_default()
    }

    fn is_in_step(&self, root: &Path) -> bool {
        self.present(root) == self.content
    }

    fn difference(&self, root: &Path) -> String {
        let name = self.path.display().to_string();
        similar::TextDiff::from_lines(self.present(root).as_str(), &self.content)
            .unified_diff()
            .header(&name, &format!("{name}, generated"))
            .to_string()
    }
}
