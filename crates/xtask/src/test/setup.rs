//! What the tests need beyond Rust: made by the project's own files, under `target/`.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context as _, bail};

use super::engine::Engine;
use crate::{
    tool::CARGO_DENY,
    workspace::{check, root, target},
};

/// Programs that the tests start, and the Debian package that holds each.
const PROGRAMS: [(&str, &str); 12] = [
    ("git", "git"),
    ("python3", "python3-venv"),
    ("node", "nodejs"),
    ("npm", "npm"),
    ("chromium", "chromium"),
    ("docker-registry", "docker-registry"),
    ("dockerd", "docker.io"),
    ("nginx", "nginx-light"),
    ("redis-server", "redis-server"),
    ("dnsmasq", "dnsmasq-base"),
    ("prometheus", "prometheus"),
    // On each of GitHub's own runners: a step of a workflow may use it.
    ("jq", "jq"),
];

/// Where Debian's Postgres lies, a folder a version: its programs are on no path.
const POSTGRES: (&str, &str) = ("/usr/lib/postgresql", "postgresql");

/// Where the stand-ins record what is said to them and by them.
pub(crate) struct Exchanges {
    pub(crate) github: PathBuf,
    pub(crate) kubernetes: PathBuf,
}

impl Exchanges {
    pub(crate) fn below(target: &Path) -> Self {
        Self { github: target.join("github-exchanges"), kubernetes: target.join("kubernetes-exchanges") }
    }

    /// What an earlier run recorded is judged already.
    pub(crate) fn forget(&self) -> anyhow::Result<()> {
        for folder in [&self.github, &self.kubernetes] {
            if folder.exists() {
                std::fs::remove_dir_all(folder)?;
            }
        }
        Ok(())
    }
}

/// What is there to test with.
pub(crate) struct Tools {
    /// The folder of the Python programs; absent when they could not be set up.
    python: Option<PathBuf>,
    /// The folder of the Node packages; absent when they could not be set up.
    node: Option<PathBuf>,
    /// The folder of the judge of dependencies; absent when it could not be set up.
    cargo_deny: Option<PathBuf>,
    /// The engine that runs the images; absent when there is none.
    engine: Option<Engine>,
    /// What could not be set up, and why.
    pub(crate) missing: Vec<String>,
}

impl Tools {
    /// Sets everything up. On CI what can't be set up is a failure, never a silent skip.
    pub(crate) fn set_up() -> anyhow::Result<Self> {
        let mut missing = Vec::new();
        missing.extend(programs().err().map(|error| format!("{error:#}")));
        let python = python().context("Python programs for linting workflows and judging requests");
        let python = or_missing(python, &mut missing);
        let node = node().context("Node packages for reading workflows, and GitHub's description of its API");
        let node = or_missing(node, &mut missing);
        let cargo_deny = CARGO_DENY.folder().context("cargo-deny for judging dependencies");
        let cargo_deny = or_missing(cargo_deny, &mut missing);
        let engine = or_missing(Engine::start(), &mut missing);
        if on_ci() && !missing.is_empty() {
            bail!("could not set up: {}", missing.join("; "));
        }
        Ok(Self { python, node, cargo_deny, engine, missing })
    }

    /// Tells a command where the engine is.
    pub(crate) fn with_engine(&self, mut command: Command) -> Command {
        command.envs(self.engine.as_ref().and_then(Engine::variables));
        command
    }

    /// The judges of what was said to and by the stand-ins for GitHub and Kubernetes.
    pub(crate) fn judges(&self, exchanges: &Exchanges) -> Vec<(&'static str, Command)> {
        let description = |path: &str| target().join("tools/node/node_modules/@octokit").join(path);
        let mut judges = Vec::new();
        if let (Some(python), Some(_)) = (&self.python, &self.node) {
            let mut judge = Command::new(python.join("python"));
            judge
                .arg(root().join("tests/tools/github.py"))
                .arg(description("openapi/generated/api.github.com.json"))
                .arg(&exchanges.github);
            judges.push(("requests by GitHub's description", judge));
        }
        if let Some(node) = &self.node {
            let mut judge = Command::new("node");
            judge
                .arg(node.join("graphql.cjs"))
                .arg(description("graphql-schema/schema.graphql"))
                .arg(&exchanges.github);
            judges.push(("queries by GitHub's schema", judge));
        }
        if let Some(python) = &self.python {
            let mut judge = Command::new(python.join("python"));
            judge.arg(root().join("tests/tools/kubernetes.py")).arg(&exchanges.kubernetes);
            judges.push(("objects by Kubernetes' schemas", judge));
        }
        judges
    }

    /// The linters of workflows, actions, configurations and schemas.
    pub(crate) fn linters(&self) -> Vec<(&'static str, Command)> {
        let actions = files("actions", "/action.yml");
        let workflows =
            [files(".github/workflows", ".yml"), files("workflows-ghes", ".yml"), examples("/workflows/")]
                .concat();
        let configurations = [
            vec!["crates/config/tests/sluice.yml".into(), "crates/xtask/shop/sluice.yml".into()],
            examples("/sluice.yml"),
        ]
        .concat();
        let checks = [vec!["crates/xtask/shop/smoke.yml".into()], examples("/smoke/")].concat();

        let mut linters = Vec::new();
        if let Some(folder) = &self.cargo_deny {
            // Advisories change without a change here: `ci.yml` asks for them every day.
            let mut deny = Command::new(folder.join("cargo-deny"));
            deny.args(["--locked", "check", "licenses", "bans", "sources"]).current_dir(root());
            linters.push(("dependencies", deny));
        }
        if let Some(folder) = &self.python {
            let mut run = |name, program: &str, arguments: &[&str], files: &[PathBuf]| {
                let mut command = Command::new(folder.join(program));
                command.args(arguments).args(files).current_dir(root());
                linters.push((name, command));
            };
            let zizmor = [
                "--offline",
                "--quiet",
                "--no-progress",
                "--persona",
                "auditor",
                "--config",
                ".github/zizmor.yml",
            ];
            let dependabot = [PathBuf::from(".github/dependabot.yml")];
            run("zizmor", "zizmor", &zizmor, &[&workflows[..], &actions, &dependabot].concat());
            let schema = "check-jsonschema";
            run("workflows by schema", schema, &["--builtin-schema", "vendor.github-workflows"], &workflows);
            run("actions by schema", schema, &["--builtin-schema", "vendor.github-actions"], &actions);
            run("Dependabot by schema", schema, &["--builtin-schema", "vendor.dependabot"], &dependabot);
            run("schemas by schema", schema, &["--check-metaschema"], &files("schemas", ".schema.json"));
            run(
                "configurations by schema",
                schema,
                &["--schemafile", "schemas/sluice.schema.json"],
                &configurations,
            );
            run("checks by schema", schema, &["--schemafile", "schemas/checks.schema.json"], &checks);
        }
        if let Some(folder) = &self.node {
            let mut parser = Command::new("node");
            parser.current_dir(root()).arg(folder.join("workflows.cjs")).args(&workflows).args(&actions);
            linters.push(("workflows and actions by GitHub's own parser", parser));
        }
        linters
    }
}

fn or_missing<T>(what: anyhow::Result<T>, missing: &mut Vec<String>) -> Option<T> {
    what.map_err(|error| missing.push(format!("{error:#}"))).ok()
}

/// The YAML files of the examples whose paths hold this.
fn examples(part: &str) -> Vec<PathBuf> {
    let mut found = files("workflows-examples", ".yml");
    found.retain(|file| file.to_string_lossy().contains(part));
    found
}

/// Installs missing programs where that is possible: on Debian, as root or as who may become root unasked.
fn programs() -> anyhow::Result<()> {
    let programs = PROGRAMS.iter().filter(|(program, _)| !answers(program, "--version"));
    let folders = [POSTGRES].into_iter().filter(|(folder, _)| !Path::new(folder).exists());
    let packages: Vec<&str> = programs.copied().chain(folders).map(|(_, package)| package).collect();
    if packages.is_empty() {
        return Ok(());
    }
    let list = packages.join(", ");
    let Some(root) = root_s().filter(|_| answers("apt-get", "--version")) else {
        bail!("install {list} (only root can, and only on Debian it is done here)");
    };
    println!("installing {list}");
    check(root("apt-get").arg("update").stdout(Stdio::null()))?;
    check(
        root("apt-get")
            .args(["install", "--yes", "--no-install-recommends"])
            .args(&packages)
            .stdout(Stdio::null()),
    )
}

/// A virtual environment with the programs of `tests/tools/requirements.txt`.
fn python() -> anyhow::Result<PathBuf> {
    let folder = target().join("tools/python");
    let requirements = root().join("tests/tools/requirements.txt");
    if !is_current(&folder, &[&requirements])? {
        println!("setting up {}", folder.display());
        check(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder))?;
        check(
            Command::new(folder.join("bin/pip"))
                .args(["install", "--quiet", "--disable-pip-version-check", "--requirement"])
                .arg(&requirements),
        )?;
        mark_current(&folder, &[&requirements])?;
    }
    Ok(folder.join("bin"))
}

/// The packages of `tests/tools/package.json`, and our scripts over them as one file each.
fn node() -> anyhow::Result<PathBuf> {
    let folder = target().join("tools/node");
    let sources = ["package.json", "package-lock.json", "workflows.mjs", "graphql.mjs", "draw.mjs"]
        .map(|name| root().join("tests/tools").join(name));
    let sources: Vec<&Path> = sources.iter().map(PathBuf::as_path).collect();
    if !is_current(&folder, &sources)? {
        println!("setting up {}", folder.display());
        std::fs::create_dir_all(&folder)?;
        for source in &sources {
            std::fs::copy(source, folder.join(source.file_name().unwrap_or_default()))?;
        }
        check(Command::new("npm").args(["ci", "--silent", "--no-audit", "--no-fund"]).current_dir(&folder))?;
        std::fs::create_dir_all(folder.join("bundle"))?;
        // GitHub's packages import JSON in a way that Node 20 can't: bundled it can.
        bundle(
            &folder,
            &["workflows.mjs", "graphql.mjs", "--platform=node", "--format=cjs", "--out-extension:.js=.cjs"],
        )?;
        bundle(&folder, &["draw.mjs", "--platform=browser"])?;
        mark_current(&folder, &sources)?;
    }
    Ok(folder.join("bundle"))
}

/// Makes one file of a script and all that it imports, in the folder `bundle`.
fn bundle(folder: &Path, arguments: &[&str]) -> anyhow::Result<()> {
    let mut esbuild = Command::new(folder.join("node_modules/.bin/esbuild"));
    esbuild.args(["--bundle", "--log-level=error", "--outdir=bundle"]).args(arguments);
    check(esbuild.current_dir(folder))
}

/// Whether `folder` was set up from these very files.
fn is_current(folder: &Path, sources: &[&Path]) -> anyhow::Result<bool> {
    Ok(std::fs::read(folder.join("set-up-from")).ok() == Some(joined(sources)?))
}

fn mark_current(folder: &Path, sources: &[&Path]) -> anyhow::Result<()> {
    Ok(std::fs::write(folder.join("set-up-from"), joined(sources)?)?)
}

fn joined(sources: &[&Path]) -> anyhow::Result<Vec<u8>> {
    let mut joined = Vec::new();
    for source in sources {
        joined.extend(std::fs::read(source).with_context(|| source.display().to_string())?);
    }
    Ok(joined)
}

/// Files below a folder of the repository whose names end so, sorted.
fn files(folder: &str, end: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::from(folder)];
    while let Some(folder) = folders.pop() {
        for entry in root().join(&folder).read_dir().into_iter().flatten().flatten() {
            let path = folder.join(entry.file_name());
            if entry.path().is_dir() {
                folders.push(path);
            } else if path.to_string_lossy().ends_with(end) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn answers(program: &str, argument: &str) -> bool {
    Command::new(program).arg(argument).stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
}

/// How a command is started as root; `None` when it can't be without asking.
fn root_s() -> Option<fn(&str) -> Command> {
    fn itself(program: &str) -> Command {
        let mut command = Command::new(program);
        command.env("DEBIAN_FRONTEND", "noninteractive");
        command
    }
    fn by_sudo(program: &str) -> Command {
        let mut command = Command::new("sudo");
        command.args(["--non-interactive", "DEBIAN_FRONTEND=noninteractive", program]);
        command
    }
    let may = || by_sudo("true").stderr(Stdio::null()).status().is_ok_and(|status| status.success());
    if is_root() { Some(itself) } else { may().then_some(by_sudo) }
}

pub(super) fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

#[expect(clippy::disallowed_methods, reason = "a chore reads its own environment")]
fn on_ci() -> bool {
    std::env::var("CI").is_ok_and(|value| value == "true")
}
