//! Where things are, and how cargo is called.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, ensure};

/// The actions of the workspace, in the order of a pipeline.
pub(crate) const ACTIONS: [&str; 7] =
    ["detect-changes", "bump-image-tag", "gate-approval", "smoke-test", "notify", "rollout", "backup"];

/// The root of the workspace.
pub(crate) fn root() -> PathBuf {
    let crate_folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    crate_folder.ancestors().nth(2).unwrap_or(crate_folder).to_path_buf()
}

/// The folder for what is built and set up.
pub(crate) fn target() -> PathBuf {
    root().join("target")
}

/// A command at the workspace's root, of the cargo that runs this program: what compiled it may be an older one.
#[expect(clippy::disallowed_methods, reason = "a chore reads its own environment")]
pub(crate) fn cargo<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments).current_dir(root());
    // What cargo tells this program of itself is not meant for the next.
    command.env_remove("CARGO_MANIFEST_DIR").env_remove("CARGO_PKG_NAME");
    command
}

/// Runs a command to its end; an error when it fails.
pub(crate) fn check(command: &mut Command) -> anyhow::Result<()> {
    let shown = show(command);
    let status = command.status().with_context(|| format!("could not start `{shown}`"))?;
    ensure!(status.success(), "`{shown}` failed ({status})");
    Ok(())
}

/// A command as a person would type it.
pub(crate) fn show(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    let words = std::iter::once(program).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

/// Builds the binaries of the actions for this machine, and tells where they are.
pub(crate) fn build() -> anyhow::Result<PathBuf> {
    check(&mut cargo(["build", "--quiet", "--workspace", "--bins"]))?;
    Ok(target().join("debug"))
}
