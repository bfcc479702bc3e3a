//! The shop: a temporary monorepo with two services, a library, overlays and Terraform layers.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, ensure};

/// The image of the backend.
pub(crate) const IMAGE: &str = "registry.example.com/shop/backend";

/// The files of the first commit. Those of an overlay are made for each environment.
const FILES: [(&str, &str); 9] = [
    (".github/sluice.yml", include_str!("../../shop/sluice.yml")),
    ("services/backend/main.py", "VERSION = 1\n"),
    ("services/frontend/index.html", "<h1>Shop</h1>\n"),
    ("libs/shared/money.py", "def add(a, b): return a + b\n"),
    ("k8s/base/kustomization.yaml", include_str!("../../shop/base.yaml")),
    ("k8s/base/deployment.yaml", include_str!("../../shop/deployment.yaml")),
    ("terraform/modules/network/main.tf", "variable \"region\" {}\n"),
    ("terraform/regions/eu-west-1/layers/01-foundation/production/main.tf", "# The network of production\n"),
    ("terraform/regions/eu-west-1/layers/01-foundation/dev/main.tf", "# The network of dev\n"),
];

/// The environments of `shop/sluice.yml`.
const ENVIRONMENTS: [&str; 3] = ["dev", "staging", "production"];

/// The repository; it is removed with this value.
pub(crate) struct Monorepo {
    folder: tempfile::TempDir,
}

impl Monorepo {
    pub(crate) fn create() -> anyhow::Result<Self> {
        let shop = Self { folder: tempfile::Builder::new().prefix("sluice-demo-").tempdir()? };
        shop.git(&["init", "--quiet", "--initial-branch", "main"])?;
        for (path, content) in FILES {
            shop.write(path, content)?;
        }
        for environment in ENVIRONMENTS {
            shop.write(
                &overlay(environment),
                &include_str!("../../shop/overlay.yaml").replace("ENVIRONMENT", environment),
            )?;
        }
        shop.commit("Open the shop", &[])?;
        Ok(shop)
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Writes files and commits everything; tells the commit's id.
    pub(crate) fn commit(&self, subject: &str, files: &[(&str, &str)]) -> anyhow::Result<String> {
        for (path, content) in files {
            self.write(path, content)?;
        }
        self.git(&["add", "--all"])?;
        self.git(&["commit", "--quiet", "--message", subject])?;
        self.revision("HEAD")
    }

    /// The id of a revision.
    pub(crate) fn revision(&self, name: &str) -> anyhow::Result<String> {
        self.git(&["rev-parse", name])
    }

    /// An environment's overlay as it is on disk.
    pub(crate) fn overlay(&self, environment: &str) -> anyhow::Result<String> {
        Ok(std::fs::read_to_string(self.path().join(overlay(environment)))?)
    }

    /// Makes the smoke test expect a version.
    pub(crate) fn expect_version(&self, version: &str) -> anyhow::Result<()> {
        self.write(
            ".github/smoke/production.yml",
            &include_str!("../../shop/smoke.yml").replace("VERSION", version),
        )
    }

    fn write(&self, path: &str, content: &str) -> anyhow::Result<()> {
        let file: PathBuf = self.path().join(path);
        std::fs::create_dir_all(file.parent().context("a file lies in a folder")?)?;
        Ok(std::fs::write(file, content)?)
    }

    fn git(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let output = Command::new("git")
            .args(["-c", "user.name=Shop", "-c", "user.email=shop@example.com", "-c", "commit.gpgsign=false"])
            .args(arguments)
            .current_dir(self.path())
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_SYSTEM", "/dev/null")
            .output()
            .context("the demo makes its commits with git: install it")?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
        ensure!(output.status.success(), "git {}: {}", arguments.join(" "), text(&output.stderr));
        Ok(text(&output.stdout))
    }
}

fn overlay(environment: &str) -> String {
    format!("k8s/overlays/{environment}/kustomization.yaml")
}
