//! An image as an [OCI layout](https://github.com/opencontainers/image-spec/blob/main/image-layout.md): a folder that
//! any tool for images reads.
//!
//! All JSON is written in the one way that RFC 8785 gives it, so that the digests depend on nothing else.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, ensure};
use oci_spec::image::{
    Arch, ConfigBuilder, Descriptor, DescriptorBuilder, Digest, ImageConfigurationBuilder, ImageIndex,
    ImageIndexBuilder, ImageManifest, ImageManifestBuilder, MediaType, OciLayoutBuilder, Os, PlatformBuilder,
    RootFsBuilder,
};
use serde::Serialize;
use sluice_registry::{digest_of, matches_digest};

use crate::layer::Layer;

/// A layout that is written or read.
pub(crate) struct Layout {
    folder: PathBuf,
    /// The index of the image's platforms: what is pushed, and what `action.yml` names.
    pub(crate) index: Descriptor,
}

/// What an image runs on, and the layer that holds it.
pub(crate) struct Variant {
    pub(crate) architecture: Arch,
    pub(crate) layer: Layer,
}

/// One image of an index, with all that belongs to it.
pub(crate) struct Parts {
    pub(crate) architecture: String,
    /// The manifest, then the configuration, then the layers.
    pub(crate) blobs: Vec<Descriptor>,
}

impl Parts {
    /// How much is pulled, in bytes.
    pub(crate) fn size(&self) -> u64 {
        self.blobs.iter().map(Descriptor::size).sum()
    }
}

impl Layout {
    /// Writes the image of an action; whatever the folder held before is gone.
    pub(crate) fn write(folder: &Path, action: &str, variants: &[Variant]) -> anyhow::Result<Self> {
        if folder.exists() {
            fs::remove_dir_all(folder)?;
        }
        fs::create_dir_all(folder.join("blobs/sha256"))?;
        let manifests = variants
            .iter()
            .map(|variant| write_image(folder, action, variant))
            .collect::<anyhow::Result<Vec<_>>>()?;
        let index = ImageIndexBuilder::default()
            .schema_version(2_u32)
            .media_type(MediaType::ImageIndex)
            .manifests(manifests)
            .annotations(labels(action))
            .build()?;
        let index = write_json(folder, MediaType::ImageIndex, &index)?;
        let list = ImageIndexBuilder::default()
            .schema_version(2_u32)
            .media_type(MediaType::ImageIndex)
            .manifests(vec![index.clone()])
            .build()?;
        fs::write(folder.join("index.json"), canonical(&list)?)?;
        let marker = OciLayoutBuilder::default().image_layout_version("1.0.0").build()?;
        fs::write(folder.join("oci-layout"), canonical(&marker)?)?;
        Ok(Self { folder: folder.to_owned(), index })
    }

    /// Reads a layout that [`Self::write`] wrote.
    pub(crate) fn read(folder: &Path) -> anyhow::Result<Self> {
        let list = ImageIndex::from_file(folder.join("index.json"))
            .with_context(|| format!("{} is no OCI layout", folder.display()))?;
        let [index] = list.manifests().as_slice() else {
            anyhow::bail!("{} must hold one image", folder.display());
        };
        Ok(Self { folder: folder.to_owned(), index: index.clone() })
    }

    /// The bytes of a blob, which are those that its descriptor stands for.
    pub(crate) fn blob(&self, blob: &Descriptor) -> anyhow::Result<Vec<u8>> {
        let path = blob_path(&self.folder, blob.digest().as_ref())?;
        let content = fs::read(&path).with_context(|| path.display().to_string())?;
        ensure!(matches_digest(&content, blob.digest().as_ref()), "{} was changed", path.display());
        Ok(content)
    }

    /// The images of the index.
    pub(crate) fn images(&self) -> anyhow::Result<Vec<Parts>> {
        let index = ImageIndex::from_reader(self.blob(&self.index)?.as_slice())?;
        let parts = index.manifests().iter().map(|entry| {
            let manifest = ImageManifest::from_reader(self.blob(entry)?.as_slice())?;
            let platform = entry.platform().as_ref().context("an image of the index has no platform")?;
            let mut blobs = vec![entry.clone(), manifest.config().clone()];
            blobs.extend(manifest.layers().iter().cloned());
            Ok(Parts { architecture: platform.architecture().to_string(), blobs })
        });
        parts.collect()
    }
}

/// Only the binary is started, by no shell: a shell drops the variables of inputs, whose names have hyphens. There is no
/// user in it: the runner starts it as root, and the process becomes the owner of the workspace itself.
fn write_image(folder: &Path, action: &str, variant: &Variant) -> anyhow::Result<Descriptor> {
    let config =
        ConfigBuilder::default().entrypoint(vec![format!("/{action}")]).labels(labels(action)).build()?;
    let root = RootFsBuilder::default()
        .typ("layers".to_owned())
        .diff_ids(vec![variant.layer.diff_id.clone()])
        .build()?;
    let configuration = ImageConfigurationBuilder::default()
        .architecture(variant.architecture.clone())
        .os(Os::Linux)
        .config(config)
        .rootfs(root)
        .build()?;
    let manifest = ImageManifestBuilder::default()
        .schema_version(2_u32)
        .media_type(MediaType::ImageManifest)
        .config(write_json(folder, MediaType::ImageConfig, &configuration)?)
        .layers(vec![write_blob(folder, MediaType::ImageLayerGzip, &variant.layer.compressed)?])
        .annotations(labels(action))
        .build()?;
    let mut descriptor = write_json(folder, MediaType::ImageManifest, &manifest)?;
    let platform =
        PlatformBuilder::default().architecture(variant.architecture.clone()).os(Os::Linux).build()?;
    descriptor.set_platform(Some(platform));
    Ok(descriptor)
}

/// The commit is not among them: who builds the released commit must get the released digest, and the digest is in
/// that commit. The attestation names the commit that was built.
/// <https://github.com/opencontainers/image-spec/blob/main/annotations.md>
fn labels(action: &str) -> HashMap<String, String> {
    let (repository, version) = (env!("CARGO_PKG_REPOSITORY"), env!("CARGO_PKG_VERSION"));
    let labels = [
        ("title", format!("Sluice {action}")),
        ("version", version.to_owned()),
        ("source", repository.to_owned()),
        ("documentation", format!("{repository}/tree/v{version}/actions/{action}")),
        ("licenses", env!("CARGO_PKG_LICENSE").to_owned()),
    ];
    labels.into_iter().map(|(name, value)| (format!("org.opencontainers.image.{name}"), value)).collect()
}

fn canonical(value: &impl Serialize) -> anyhow::Result<Vec<u8>> {
    Ok(serde_json_canonicalizer::to_vec(&serde_json::to_value(value)?)?)
}

fn write_json(folder: &Path, kind: MediaType, value: &impl Serialize) -> anyhow::Result<Descriptor> {
    write_blob(folder, kind, &canonical(value)?)
}

fn write_blob(folder: &Path, kind: MediaType, content: &[u8]) -> anyhow::Result<Descriptor> {
    let digest = digest_of(content);
    fs::write(blob_path(folder, &digest)?, content)?;
    let descriptor = DescriptorBuilder::default()
        .media_type(kind)
        .digest(digest.parse::<Digest>()?)
        .size(content.len() as u64)
        .build()?;
    Ok(descriptor)
}

fn blob_path(folder: &Path, digest: &str) -> anyhow::Result<PathBuf> {
    let value = digest.strip_prefix("sha256:").context("only SHA-256 digests are written and read")?;
    Ok(folder.join("blobs/sha256").join(value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::{Effort, File};

    fn write(folder: &Path, content: &str) -> Layout {
        let source = folder.join("notify");
        fs::write(&source, content).unwrap();
        let layer = || {
            let file = File { path: "notify".into(), source: source.clone() };
            Layer::of(vec![file], Effort::Quick).unwrap()
        };
        let variants =
            [Arch::Amd64, Arch::ARM64].map(|architecture| Variant { architecture, layer: layer() });
        Layout::write(&folder.join("layout"), "notify", &variants).unwrap()
    }

    #[test]
    fn two_builds_give_one_digest_and_another_binary_gives_another() {
        let digest = |content| {
            let folder = tempfile::tempdir().unwrap();
            write(folder.path(), content).index.digest().to_string()
        };
        assert_eq!(digest("binary"), digest("binary"));
        assert_ne!(digest("binary"), digest("other"));
    }

    #[test]
    fn what_is_written_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let written = write(folder.path(), "binary");
        let read = Layout::read(&folder.path().join("layout")).unwrap();
        assert_eq!(read.index, written.index);
        let images = read.images().unwrap();
        let told: Vec<_> =
            images.iter().map(|image| (image.architecture.as_str(), image.blobs.len())).collect();
        assert_eq!(told, [("amd64", 3), ("arm64", 3)]);
        let config = String::from_utf8(read.blob(&images[0].blobs[1]).unwrap()).unwrap();
        insta::assert_snapshot!(config, @r#"{"architecture":"amd64","config":{"Entrypoint":["/notify"],"Labels":{"org.opencontainers.image.documentation":"https://github.com/sluice-actions/sluice/tree/v0.1.0/actions/notify","org.opencontainers.image.licenses":"MIT","org.opencontainers.image.source":"https://github.com/sluice-actions/sluice","org.opencontainers.image.title":"Sluice notify","org.opencontainers.image.version":"0.1.0"}},"os":"linux","rootfs":{"diff_ids":["sha256:6b461dcb5c451ea254a4da1aa97adf4a0657b337dc1bf5472663bd74d44aa5f5"],"type":"layers"}}"#);
    }

    #[test]
    fn a_blob_that_was_changed_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let layout = write(folder.path(), "binary");
        fs::write(blob_path(&layout.folder, layout.index.digest().as_ref()).unwrap(), "{}").unwrap();
        assert!(layout.images().err().unwrap().to_string().ends_with("was changed"));
    }
}
