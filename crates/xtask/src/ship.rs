//! What is shipped: static binaries for each platform, the images that hold them, and a release of both.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use anyhow::ensure;

use crate::{
    tool::CARGO_AUDITABLE,
    workspace::{ACTIONS, cargo, check, root, target},
};

/// A platform that is shipped for: the name that images have for it, the target that Rust has, and Debian's compiler for
/// the cryptography in C, which needs no C library of its own.
pub(crate) struct Platform {
    architecture: &'static str,
    processor: &'static str,
    target: &'static str,
}

/// The one that is measured.
pub(crate) const AMD64: Platform =
    Platform { architecture: "amd64", processor: "x86_64", target: "x86_64-unknown-linux-musl" };
const ARM64: Platform =
    Platform { architecture: "arm64", processor: "aarch64", target: "aarch64-unknown-linux-musl" };

/// Which images to write
#[derive(clap::Args)]
pub(crate) struct Image {
    /// The actions. Default: all
    #[arg(value_parser = clap::builder::PossibleValuesParser::new(ACTIONS))]
    actions: Vec<String>,
}

/// Where to release to
#[derive(clap::Args)]
pub(crate) struct Release {
    /// The registry, with the path that all images lie below. Default: GitHub's, below the repository
    #[arg(long)]
    registry: Option<String>,
}

impl Image {
    /// Builds for every platform, writes the images to `target/images`, and holds them to their limits.
    pub(crate) fn run(&self) -> anyhow::Result<ExitCode> {
        let actions: Vec<&str> = match self.actions.as_slice() {
            [] => ACTIONS.to_vec(),
            some => some.iter().map(String::as_str).collect(),
        };
        let images = images();
        if images.exists() {
            std::fs::remove_dir_all(&images)?;
        }
        let mut package = package(["image"]);
        package.args(&actions).arg("--to").arg(&images);
        for platform in [AMD64, ARM64] {
            let built = platform.build(&actions)?;
            package.arg("--binaries").arg(of(platform.architecture, &built));
        }
        ended(&mut package)
    }
}

impl Release {
    /// Pushes what `image` wrote, and writes the lock file and everything that is generated from it.
    pub(crate) fn run(&self) -> anyhow::Result<ExitCode> {
        let images = images();
        let is_there = |action: &&str| images.join(action).exists();
        ensure!(ACTIONS.iter().all(is_there), "a release has all images: run `cargo xtask image` before");
        let mut package = package(["release"]);
        package.arg("--images").arg(images).arg("--archives").arg(target().join("archives"));
        package.arg("--lock").arg(root().join("actions/images.lock"));
        if let Some(registry) = &self.registry {
            package.args(["--registry", registry]);
        }
        check(&mut package)?;
        ended(&mut cargo(["run", "--quiet", "--bin", "sluice-generate"]))
    }
}

/// Images of the binaries that the tests built, for this machine only: building them once more as they are shipped would
/// double the time of the tests. `release.yml` runs the same tests over the images that it ships.
pub(crate) fn images_of_tests() -> (PathBuf, Command) {
    let folder = target().join("images-of-tests");
    let architecture = if cfg!(target_arch = "aarch64") { ARM64 } else { AMD64 }.architecture;
    let built = target().join("debug");
    let mut command = Command::new(built.join("sluice-package"));
    command.args(["image", "--tests"]).args(ACTIONS);
    command.arg("--to").arg(&folder).arg("--binaries").arg(of(architecture, &built));
    (folder, command)
}

fn images() -> PathBuf {
    target().join("images")
}

fn package<const N: usize>(arguments: [&str; N]) -> Command {
    let mut command = cargo(["run", "--quiet", "--locked", "--package", "sluice-package", "--"]);
    command.args(arguments);
    command
}

fn of(architecture: &str, folder: &Path) -> OsString {
    let mut text = OsString::from(format!("{architecture}="));
    text.push(folder);
    text
}

fn ended(command: &mut Command) -> anyhow::Result<ExitCode> {
    Ok(if command.status()?.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

impl Platform {
    /// Builds binaries as they are shipped, linking nothing of this system, and tells where they are.
    ///
    /// Whichever are asked for, the features are those of all together: a binary is the same bytes in any case. The
    /// folders of this machine do not get into them.
    pub(crate) fn build(&self, actions: &[&str]) -> anyhow::Result<PathBuf> {
        let Self { target: name, .. } = *self;
        let installed = Command::new("rustup").args(["target", "list", "--installed"]).output()?;
        if !String::from_utf8_lossy(&installed.stdout).lines().any(|line| line == name) {
            check(Command::new("rustup").args(["target", "add", name]))?;
        }
        let mut build = cargo(["build", "--quiet", "--locked", "--release", "--target", name]);
        build.args(ACTIONS.map(|action| format!("--package=sluice-{action}")));
        build.args(actions.iter().map(|action| format!("--bin={action}")));
        let moved = |from: &Path, to: &str| format!("--remap-path-prefix={}={to}", from.display());
        let flags = [moved(&cargo_home(), "/cargo"), moved(&root(), "/sluice")];
        build.arg("--config").arg(format!("target.{name}.rustflags={flags:?}"));
        let compiler = self.compiler();
        build.env(format!("CC_{}", name.replace('-', "_")), &compiler);
        build.env(format!("CARGO_TARGET_{}_LINKER", name.replace('-', "_").to_uppercase()), &compiler);
        audited(&mut build)?;
        check(&mut build)?;
        Ok(target().join(name).join("release"))
    }

    /// This machine's own compiler, or the one that Debian names for the platform.
    fn compiler(&self) -> String {
        if self.processor == std::env::consts::ARCH {
            "cc".to_owned()
        } else {
            format!("{}-linux-gnu-gcc", self.processor)
        }
    }
}

/// Has each binary say which crates it is made of, for `cargo audit bin` and other scanners.
///
/// This is what `cargo auditable build` sets up, but for the wrapper's name: by its full path, of which cargo makes a
/// part of each crate's identity, a binary would depend on the folder that it was built in.
fn audited(build: &mut Command) -> anyhow::Result<()> {
    let path = variable("PATH");
    let folders = std::iter::once(CARGO_AUDITABLE.folder()?).chain(std::env::split_paths(&path));
    build.env("PATH", std::env::join_paths(folders)?);
    build.env("RUSTC_WORKSPACE_WRAPPER", "cargo-auditable");
    let locked = r#"{"offline": false, "locked": true, "frozen": false, "config": []}"#;
    build.env("CARGO_AUDITABLE_ORIG_ARGS", locked);
    Ok(())
}

fn cargo_home() -> PathBuf {
    match variable("CARGO_HOME") {
        unset if unset.is_empty() => PathBuf::from(variable("HOME")).join(".cargo"),
        home => PathBuf::from(home),
    }
}

/// A variable of the environment; empty where it is not set.
#[expect(clippy::disallowed_methods, reason = "a chore reads its own environment")]
fn variable(name: &str) -> OsString {
    std::env::var_os(name).unwrap_or_default()
}
