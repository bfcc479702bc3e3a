//! `image`: one image an action, of binaries that are built already.

use std::{
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use anyhow::{Context as _, ensure};
use oci_spec::image::Arch;

use crate::{
    binary,
    layer::{Effort, File, Layer, libraries},
    layout::{Layout, Variant},
    size::Sizes,
};

/// What to write
#[derive(clap::Args)]
pub(crate) struct Image {
    /// The actions
    #[arg(required = true)]
    actions: Vec<String>,
    /// A folder with binaries, and the architecture that they are for: `amd64=target/x86_64-unknown-linux-musl/release`
    #[arg(long, required = true, value_parser = binaries)]
    binaries: Vec<(Arch, PathBuf)>,
    /// Where to write: one layout an action
    #[arg(long)]
    to: PathBuf,
    /// The binaries are those of the tests: large, and not static. Strip them, add the libraries that they need,
    /// compress little, and hold no image to its limit
    #[arg(long)]
    tests: bool,
}

fn binaries(text: &str) -> Result<(Arch, PathBuf), String> {
    let (architecture, folder) = text.split_once('=').ok_or("write it as `amd64=folder`")?;
    let architecture = match architecture {
        "amd64" => Arch::Amd64,
        "arm64" => Arch::ARM64,
        other => return Err(format!("{other} is none of `amd64`, `arm64`")),
    };
    Ok((architecture, folder.into()))
}

impl Image {
    /// Fails where an image is larger than it may be.
    pub(crate) fn run(&self) -> anyhow::Result<ExitCode> {
        std::fs::create_dir_all(&self.to)?;
        let mut images = Vec::new();
        for action in &self.actions {
            let variants = self
                .binaries
                .iter()
                .map(|(architecture, folder)| {
                    let layer = self.layer(action, architecture, &folder.join(action))?;
                    Ok(Variant { architecture: architecture.clone(), layer })
                })
                .collect::<anyhow::Result<Vec<_>>>()?;
            let layout = Layout::write(&self.to.join(action), action, &variants)?;
            images.push((action.clone(), layout.images()?));
        }
        if self.tests {
            println!("{} images, of the binaries of the tests", images.len());
            return Ok(ExitCode::SUCCESS);
        }
        let sizes = Sizes::of(&images);
        print!("{sizes}");
        Ok(if sizes.hold() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    /// The binary, and nothing else. Mozilla's CA certificates are inside it; names of users are looked up nowhere, so
    /// that there is no `/etc/passwd`.
    fn layer(&self, action: &str, architecture: &Arch, binary: &Path) -> anyhow::Result<Layer> {
        if self.tests {
            return self.layer_of_tests(action, binary);
        }
        binary::check(binary, architecture)?;
        Layer::of(vec![File { path: action.into(), source: binary.to_owned() }], Effort::Smallest)
    }

    fn layer_of_tests(&self, action: &str, binary: &Path) -> anyhow::Result<Layer> {
        let stripped = self.to.join(format!("{action}.stripped"));
        strip(binary, &stripped)?;
        let mut files = libraries(binary)?;
        files.push(File { path: action.into(), source: stripped.clone() });
        let layer = Layer::of(files, Effort::Quick)?;
        std::fs::remove_file(stripped)?;
        Ok(layer)
    }
}

fn strip(binary: &Path, to: &Path) -> anyhow::Result<()> {
    let status =
        Command::new("strip").arg("-o").args([to, binary]).status().context("could not start strip")?;
    ensure!(status.success(), "could not strip {}", binary.display());
    Ok(())
}
