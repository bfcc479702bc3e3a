//! Debian's `docker-registry`, with all images released into it.

use std::{
    fs,
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, Weak},
    time::Duration,
};

use crate::{folder, layouts, succeeds};

/// A registry, and all that a release leaves. It ends with its last user.
pub struct Registry {
    process: Child,
    folder: tempfile::TempDir,
    port: u16,
}

/// The one that runs; starting it for every test would push everything again.
static RUNNING: Mutex<Weak<Registry>> = Mutex::new(Weak::new());

impl Registry {
    /// The registry, with the images released into it by `sluice-package release` and `sluice-generate`.
    pub fn with_the_release() -> Arc<Self> {
        let mut running = RUNNING.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(registry) = running.upgrade() {
            return registry;
        }
        let registry = Self::start();
        copy(
            &Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."),
            &registry.folder.path().join("repository"),
        );
        registry.release();
        let registry = Arc::new(registry);
        *running = Arc::downgrade(&registry);
        registry
    }

    fn start() -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let folder = tempfile::tempdir().unwrap();
        let config = format!(
            "version: 0.1\nlog: {{level: error}}\nstorage:\n  filesystem: {{rootdirectory: {}}}\nhttp: {{addr: \"127.0.0.1:{port}\"}}\n",
            folder.path().join("storage").display(),
        );
        fs::write(folder.path().join("config.yml"), config).unwrap();
        let process = Command::new("docker-registry")
            .arg("serve")
            .arg(folder.path().join("config.yml"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("docker-registry is one of the programs that `cargo xtask test` sets up");
        let registry = Self { process, folder, port };
        for _ in 0..200 {
            if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return registry;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("docker-registry does not answer");
    }

    /// Releases into it.
    pub fn release(&self) {
        let path = |name: &str| self.folder.path().join(name);
        succeeds(
            Command::new(folder("SLUICE_BIN_DIR").join("sluice-package"))
                .args(["release", "--registry", &format!("127.0.0.1:{}/sluice", self.port)])
                .arg("--images")
                .arg(layouts())
                .arg("--lock")
                .arg(path("repository/actions/images.lock"))
                .arg("--archives")
                .arg(path("archives"))
                .env_remove("GITHUB_OUTPUT"),
        );
        succeeds(
            Command::new(folder("SLUICE_BIN_DIR").join("sluice-generate"))
                .arg("--root")
                .arg(path("repository")),
        );
    }

    /// A file of the repository, after the release.
    pub fn written(&self, name: &str) -> String {
        fs::read_to_string(self.folder.path().join("repository").join(name)).unwrap()
    }

    /// The folder of archives for download.
    pub fn archives(&self) -> PathBuf {
        self.folder.path().join("archives")
    }

    /// The image that `action.yml` names after the release, in this registry instead of GitHub's.
    pub fn image(&self, action: &str) -> String {
        let text = self.written(&format!("actions/{action}/action.yml"));
        let line = text.lines().find_map(|line| line.trim().strip_prefix("image: docker://ghcr.io/"));
        let (name, digest) = line.unwrap().split_once('@').expect("the image is named by digest");
        assert!(name.ends_with(&format!("/sluice/{action}")), "{name}");
        format!("127.0.0.1:{}/sluice/{action}@{digest}", self.port)
    }
}

/// Copies the repository, without what is built and what git keeps.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in from.read_dir().unwrap() {
        let entry = entry.unwrap();
        if entry.file_name() == "target" || entry.file_name() == ".git" {
            continue;
        }
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
