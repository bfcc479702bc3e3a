//! `release`: the images into a registry, their digests into the lock file, the bare binaries into a folder.

use std::{
    fmt::Write as _,
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context as _;
use serde_json::{Value, json};
use sluice_http::{CONNECT_TIMEOUT, Client, Options, Proxies};
use sluice_registry::Keyring;

use crate::{layout::Layout, push::Repository};

/// What to release, and where to
#[derive(clap::Args)]
pub(crate) struct Release {
    /// The layouts that `image` wrote
    #[arg(long)]
    images: PathBuf,
    /// Where the images go: each below its own name. Default: `ghcr.io/<owner>/<repository>`
    #[arg(long)]
    registry: Option<String>,
    /// The file that the digests are written to
    #[arg(long)]
    lock: PathBuf,
    /// The folder that the binaries and their checksums are written to
    #[arg(long)]
    archives: PathBuf,
}

/// The image of an action, and its layout.
struct Action {
    name: String,
    layout: Layout,
}

impl Release {
    pub(crate) fn run(&self) -> anyhow::Result<ExitCode> {
        let actions = self.actions()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(self.push(&actions))?;
        fs::write(&self.lock, lock(&actions)).with_context(|| self.lock.display().to_string())?;
        let archives = pack(&actions, &self.archives)?;
        println!("{} images pushed, {archives} archives packed", actions.len());
        hand_on(&actions)?;
        Ok(ExitCode::SUCCESS)
    }

    fn actions(&self) -> anyhow::Result<Vec<Action>> {
        let folder = self.images.read_dir().with_context(|| self.images.display().to_string())?;
        let mut folders = folder.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<_>>>()?;
        folders.sort();
        let action = |folder: &PathBuf| {
            let name = folder.file_name().context("a folder has a name")?.to_string_lossy().into_owned();
            Ok(Action { name, layout: Layout::read(folder)? })
        };
        folders.iter().map(action).collect()
    }

    async fn push(&self, actions: &[Action]) -> anyhow::Result<()> {
        let registry = self.registry.clone().unwrap_or_else(published_at);
        let variable = |name: &str| std::env::var(name).ok();
        let client = Client::new(&Options::default(), &Proxies::from_lookup(variable)?, CONNECT_TIMEOUT)?;
        let keyring = keyring()?;
        for Action { name, layout } in actions {
            let name = format!("{registry}/{name}");
            Repository::open(&client, &name, &keyring)
                .await?
                .push(layout)
                .await
                .with_context(|| name.clone())?;
            println!("{name}@{}", layout.index.digest());
        }
        Ok(())
    }
}

/// Where `action.yml` says that the images are.
fn published_at() -> String {
    env!("CARGO_PKG_REPOSITORY").replacen("https://github.com/", "ghcr.io/", 1)
}

/// The logins that `docker login` left: <https://docs.docker.com/reference/cli/docker/login/>.
fn keyring() -> anyhow::Result<Keyring> {
    let folder = std::env::var_os("DOCKER_CONFIG").map(PathBuf::from);
    let folder = folder.or_else(|| Some(Path::new(&std::env::var_os("HOME")?).join(".docker")));
    match folder.map(|folder| fs::read_to_string(folder.join("config.json"))) {
        Some(Ok(text)) => Ok(Keyring::of_docker_config(&text)?),
        _ => Ok(Keyring::default()),
    }
}

fn lock(actions: &[Action]) -> String {
    let head = "# The image of each action, by digest. Written by `cargo xtask release`, read by `cargo xtask generate`.\n";
    actions.iter().fold(head.to_owned(), |mut text, action| {
        let _ = writeln!(text, "{} {}", action.name, action.layout.index.digest());
        text
    })
}

/// The layer of an image holds the binary and nothing else: it is what is offered for download, byte for byte.
fn pack(actions: &[Action], folder: &Path) -> anyhow::Result<usize> {
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    fs::create_dir_all(folder)?;
    let mut sums = Vec::new();
    for Action { name, layout } in actions {
        for image in layout.images()? {
            let target = match image.architecture.as_str() {
                "arm64" => "aarch64-unknown-linux-musl",
                _ => "x86_64-unknown-linux-musl",
            };
            let archive = format!("{name}-v{}-{target}.tar.gz", env!("CARGO_PKG_VERSION"));
            let layer = image.blobs.last().context("an image has a layer")?;
            fs::write(folder.join(&archive), layout.blob(layer)?)?;
            sums.push(format!("{}  {archive}\n", layer.digest().digest()));
        }
    }
    fs::write(folder.join("SHA256SUMS"), sums.concat())?;
    Ok(sums.len())
}

/// In a workflow, for the jobs that pull and attest: the output `images`, a JSON array with the `action` and the `digest`
/// of each.
fn hand_on(actions: &[Action]) -> anyhow::Result<()> {
    let Some(file) = std::env::var_os("GITHUB_OUTPUT") else { return Ok(()) };
    let image = |action: &Action| json!({"action": action.name, "digest": action.layout.index.digest()});
    let images: Value = actions.iter().map(image).collect();
    let mut file = fs::File::options().append(true).create(true).open(file)?;
    writeln!(file, "images={images}")?;
    Ok(())
}
