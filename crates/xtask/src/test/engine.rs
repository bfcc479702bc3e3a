//! The Docker engine that runs the images in the tests.

use std::{
    fs::File,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::{Context as _, bail};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use super::setup::is_root;
use crate::workspace::target;

/// An engine of the tests' own below `target/docker`, or the one that this machine has. Ours ends with this value, and
/// leaves nothing.
pub(super) enum Engine {
    Ours { process: Child, folder: PathBuf },
    Theirs,
}

impl Engine {
    /// Starts one as root; anyone else uses the one that answers.
    pub(super) fn start() -> anyhow::Result<Self> {
        if !is_root() {
            if answers(&mut Command::new("docker")) {
                return Ok(Self::Theirs);
            }
            bail!("a Docker engine for running the images (only root can start one)");
        }
        let folder = target().join("docker");
        remove(&folder);
        std::fs::create_dir_all(&folder)?;
        let log = File::create(folder.join("log"))?;
        // Containers use this machine's network: no rules of its firewall are touched.
        let process = Command::new("dockerd")
            .args(["--bridge=none", "--iptables=false", "--host", &address(&folder)])
            .arg("--data-root")
            .arg(folder.join("data"))
            .arg("--exec-root")
            .arg(folder.join("exec"))
            .arg("--pidfile")
            .arg(folder.join("pid"))
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .context("could not start dockerd")?;
        let mut engine = Self::Ours { process, folder };
        engine.wait_until_it_answers()?;
        Ok(engine)
    }

    /// The variables that Docker's client needs.
    pub(super) fn variables(&self) -> Option<(&'static str, String)> {
        match self {
            Self::Ours { folder, .. } => Some(("DOCKER_HOST", address(folder))),
            Self::Theirs => None,
        }
    }

    fn wait_until_it_answers(&mut self) -> anyhow::Result<()> {
        let Self::Ours { process, folder } = self else { return Ok(()) };
        for _ in 0..300 {
            if answers(Command::new("docker").env("DOCKER_HOST", address(folder))) {
                return Ok(());
            }
            if process.try_wait()?.is_some() {
                let log = std::fs::read_to_string(folder.join("log")).unwrap_or_default();
                bail!("dockerd did not start: {}", log.lines().last().unwrap_or_default());
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        bail!("dockerd does not answer")
    }
}

fn address(folder: &Path) -> String {
    format!("unix://{}/docker.sock", folder.display())
}

fn answers(docker: &mut Command) -> bool {
    docker
        .arg("version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// What can't be removed is in nobody's way: it is tried again before the next start. The engine leaves the network that
/// its containers shared mounted.
fn remove(folder: &Path) {
    let network = folder.join("exec/netns/default");
    let _ = Command::new("umount").arg("--quiet").arg(network).stderr(Stdio::null()).status();
    let _ = std::fs::remove_dir_all(folder);
}

impl Drop for Engine {
    fn drop(&mut self) {
        let Self::Ours { process, folder } = self else { return };
        // It ends its containers and its own processes, where a kill would leave them.
        if let Ok(id) = i32::try_from(process.id()) {
            let _ = kill(Pid::from_raw(id), Signal::SIGTERM);
        }
        let _ = process.wait();
        remove(folder);
    }
}
