//! `cargo xtask bench`: the release binaries as they are shipped: size, start, memory.

use std::{
    path::{Path, PathBuf},
    process::{Command, ExitCode, Stdio},
    time::Instant,
};

use anyhow::{Context as _, ensure};

use crate::workspace::{ACTIONS, MUSL, cargo, check, target};

/// How often each command is run; the middle one of the times is printed.
const RUNS: u32 = 50;

/// Runs a command many times and prints what it took, as JSON
#[derive(clap::Args)]
pub(crate) struct Measure {
    /// The folder to run it in
    #[arg(long)]
    folder: PathBuf,
    /// The command and its arguments
    #[arg(last = true, required = true)]
    command: Vec<String>,
}

pub(crate) fn run() -> anyhow::Result<ExitCode> {
    let binaries = build()?;
    let folder = tempfile::tempdir()?;
    prepare(folder.path())?;
    println!("{:<16} {:>9} {:>12} {:>12}", "", "size", "no-op run", "memory");
    for action in ACTIONS {
        let binary = binaries.join(action);
        let size = binary.metadata()?.len();
        let (milliseconds, kibibytes) = measure(&binary, folder.path(), no_op(action))?;
        println!(
            "{action:<16} {:>6.2} MB {milliseconds:>9.2} ms {:>9.1} MB",
            to_mega(size),
            to_mega(kibibytes * 1024)
        );
    }
    Ok(ExitCode::SUCCESS)
}

/// Builds the binaries as they are shipped: for musl, linking nothing of this system.
fn build() -> anyhow::Result<PathBuf> {
    let installed = Command::new("rustup").args(["target", "list", "--installed"]).output()?;
    if !String::from_utf8_lossy(&installed.stdout).lines().any(|line| line == MUSL) {
        check(Command::new("rustup").args(["target", "add", MUSL]))?;
    }
    let mut build =
        cargo(["build", "--quiet", "--locked", "--release", "--workspace", "--bins", "--target", MUSL]);
    // The cryptography in C needs no C library of its own: this machine's compiler serves.
    check(build.env("CC_x86_64_unknown_linux_musl", "cc"))?;
    Ok(target().join(MUSL).join("release"))
}

/// A run that reads its configuration and has nothing to do.
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
            "version: 1\ncomponents: {backend: {paths: [\"src/**\"]}}\nenvironments: {dev: {overlays: [dev], gate: {confirm: \"yes\"}}}\n",
        ),
        ("dev/kustomization.yaml", "images:\n  - name: registry.example.com/shop/backend\n    newTag: v1\n"),
        ("src/main.py", "\n"),
    ];
    for (path, content) in files {
        let file = folder.join(path);
        std::fs::create_dir_all(file.parent().context("a file lies in a folder")?)?;
        std::fs::write(file, content)?;
    }
    let git = |arguments: &[&str]| {
        let mut command = Command::new("git");
        command.args(["-c", "user.name=Bench", "-c", "user.email=bench@example.com"]).args(arguments);
        check(command.current_dir(folder).env("GIT_CONFIG_GLOBAL", "/dev/null").stdout(Stdio::null()))
    };
    git(&["init", "--quiet"])?;
    git(&["add", "--all"])?;
    git(&["commit", "--quiet", "--message", "Begin"])
}

/// Measures in a process of its own: the memory that the system counts is the most that any child took.
fn measure(binary: &Path, folder: &Path, arguments: &[&str]) -> anyhow::Result<(f64, u64)> {
    let output = Command::new(std::env::current_exe()?)
        .arg("measure")
        .arg("--folder")
        .arg(folder)
        .arg("--")
        .arg(binary)
        .args(arguments)
        .stderr(Stdio::inherit())
        .output()?;
    ensure!(output.status.success(), "could not measure {}", binary.display());
    let measured: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    Ok((
        measured["milliseconds"].as_f64().context("no time was measured")?,
        measured["kibibytes"].as_u64().context("no memory was measured")?,
    ))
}

impl Measure {
    pub(crate) fn run(&self) -> anyhow::Result<ExitCode> {
        let (program, arguments) = self.command.split_first().context("no command")?;
        let mut times = Vec::new();
        for _ in 0..RUNS {
            let mut command = Command::new(program);
            command
                .args(arguments)
                .current_dir(&self.folder)
                .env_clear()
                .stderr(Stdio::piped())
                .stdout(Stdio::piped());
            let started = Instant::now();
            let output = command.output()?;
            times.push(started.elapsed().as_secs_f64() * 1000.0);
            ensure!(
                output.status.success(),
                "{program}: {}{}",
                String::from_utf8_lossy(&output.stderr),
                String::from_utf8_lossy(&output.stdout)
            );
        }
        times.sort_by(f64::total_cmp);
        let usage = nix::sys::resource::getrusage(nix::sys::resource::UsageWho::RUSAGE_CHILDREN)?;
        let measured =
            serde_json::json!({"milliseconds": times[times.len() / 2], "kibibytes": usage.max_rss()});
        println!("{measured}");
        Ok(ExitCode::SUCCESS)
    }
}

fn to_mega(bytes: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "two digits are printed")]
    let bytes = bytes as f64;
    bytes / 1e6
}
