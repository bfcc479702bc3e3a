//! Programs of crates.io that a chore needs, each at one version, below `target/tools`.

use std::path::PathBuf;

use crate::workspace::{cargo, check, target};

/// A program, and the version of it that is used here.
pub(crate) struct Tool {
    name: &'static str,
    version: &'static str,
}

/// The judge of dependencies, by `deny.toml`; `ci.yml` installs the same.
pub(crate) const CARGO_DENY: Tool = Tool { name: "cargo-deny", version: "0.20.2" };
/// What writes into a binary which crates it is made of: <https://github.com/rust-secure-code/cargo-auditable>.
pub(crate) const CARGO_AUDITABLE: Tool = Tool { name: "cargo-auditable", version: "0.7.7" };

impl Tool {
    /// Installs it where it is not there yet, and tells the folder of the program. It is built without optimisation: so
    /// it is sooner built, and has little to do.
    pub(crate) fn folder(&self) -> anyhow::Result<PathBuf> {
        let Self { name, version } = self;
        let root = target().join("tools").join(format!("{name}-{version}"));
        let folder = root.join("bin");
        if !folder.join(name).exists() {
            println!("setting up {}", root.display());
            let version = format!("{name}@{version}");
            let mut install = cargo(["install", "--quiet", "--locked", "--debug", &version, "--root"]);
            check(install.arg(&root))?;
        }
        Ok(folder)
    }
}
