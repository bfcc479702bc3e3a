//! The harness as a process: its bundle, and the talk with it.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::OnceLock,
};

use serde_json::Value;

/// The name of this project's repository.
pub(crate) const OURS: &str = "sluice-actions/sluice";

/// The root of the project.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// Runs the harness over a request; `answer` says what is answered to each thing that it says.
pub(crate) fn run(
    folder: &Path,
    request: &Value,
    mut answer: impl FnMut(Value) -> Value,
) -> Result<(), String> {
    let file = folder.join("request.json");
    std::fs::write(&file, request.to_string()).unwrap();
    let mut child = Command::new("node")
        .arg(bundle())
        .arg(&file)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        let said = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
        writeln!(input, "{}", answer(said)).unwrap();
    }
    let mut complaint = String::new();
    child.stderr.take().unwrap().read_to_string(&mut complaint).unwrap();
    if child.wait().unwrap().success() { Ok(()) } else { Err(complaint.trim().to_owned()) }
}

/// The harness in one file, made anew in each process that uses it: Node 20 can't import JSON as GitHub's packages do.
fn bundle() -> &'static Path {
    static BUNDLE: OnceLock<(tempfile::TempDir, PathBuf)> = OnceLock::new();
    let (_, file) = BUNDLE.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pipeline.cjs");
        let packages = target().join("tools/node/node_modules");
        let esbuild = packages.join(".bin/esbuild");
        let output = Command::new(&esbuild)
            .arg(root().join("tests/pipelines/harness/pipeline.mjs"))
            .args(["--bundle", "--platform=node", "--format=cjs", "--log-level=error"])
            .arg(format!("--outfile={}", file.display()))
            .env("NODE_PATH", &packages)
            .output()
            .unwrap_or_else(|error| {
                panic!("{}: {error}: run `cargo xtask test` once, which sets it up", esbuild.display())
            });
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        (folder, file)
    });
    file
}

#[expect(clippy::disallowed_methods, reason = "a part of tests")]
fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// The folder of the built binaries.
#[expect(clippy::disallowed_methods, reason = "the tests are told where the binaries are")]
pub(crate) fn binaries() -> PathBuf {
    std::env::var_os("SLUICE_BIN_DIR")
        .unwrap_or_else(|| panic!("SLUICE_BIN_DIR is not set: run the tests with `cargo xtask test`"))
        .into()
}
