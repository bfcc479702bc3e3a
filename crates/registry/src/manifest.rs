//! Manifests: what an image is made of.
//!
//! The types are those of the image specification, <https://github.com/opencontainers/image-spec>; Docker's own forms
//! have the same fields.

use std::fmt;

use jiff::Timestamp;
use oci_spec::image::{Descriptor, ImageConfiguration, ImageIndex, ImageManifest};
use ring::digest::{SHA256, SHA512, digest};
use serde::Deserialize;

/// What a digest stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Manifest {
    /// One image for each of several platforms. Attestations are not among them.
    Index(Vec<Entry>),
    /// One image; its configuration says for which platform.
    Image {
        /// The digest of the configuration.
        config: String,
    },
}

/// An image of an index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The platform that it is for; `None` when the index does not tell.
    pub platform: Option<Platform>,
    /// Its digest.
    pub digest: String,
}

/// What an image runs on: `linux/arm64/v8`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Platform {
    /// The system: `linux`.
    pub os: String,
    /// The processor: `amd64`.
    pub architecture: String,
    /// Its kind: `v7`.
    pub variant: Option<String>,
}

/// The part of an image's configuration that is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// What it runs on.
    pub platform: Platform,
    /// When it was made, as its maker says. Reproducible builds say 1970.
    pub created: Option<Timestamp>,
}

/// Why bytes are no manifest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unreadable(String);

/// What tells the kinds apart.
#[derive(Deserialize)]
struct Kind {
    #[serde(rename = "schemaVersion")]
    schema_version: u32,
    #[serde(rename = "mediaType")]
    media_type: Option<String>,
    manifests: Option<serde::de::IgnoredAny>,
    config: Option<serde::de::IgnoredAny>,
}

impl Manifest {
    /// Reads a manifest of either maker.
    pub fn parse(bytes: &[u8]) -> Result<Self, Unreadable> {
        let unreadable = |why: &dyn fmt::Display| Unreadable(format!("it is no manifest of an image: {why}"));
        let kind: Kind = serde_json::from_slice(bytes).map_err(|error| unreadable(&error))?;
        if kind.schema_version != 2 {
            return Err(Unreadable(format!(
                "its form is version {}, and only 2 is read",
                kind.schema_version
            )));
        }
        let media_type = kind.media_type.as_deref().unwrap_or_default();
        let says_index =
            media_type.ends_with("index.v1+json") || media_type.ends_with("manifest.list.v2+json");
        let says_image = media_type.ends_with("manifest.v1+json") || media_type.ends_with("manifest.v2+json");
        // One that is both could be read as either, by whoever runs it.
        match (kind.manifests.is_some(), kind.config.is_some()) {
            (true, false) if !says_image => {
                let index = ImageIndex::from_reader(bytes).map_err(|error| unreadable(&error))?;
                Ok(Self::Index(
                    index.manifests().iter().filter(|entry| !is_attestation(entry)).map(entry).collect(),
                ))
            }
            (false, true) if !says_index => {
                let image = ImageManifest::from_reader(bytes).map_err(|error| unreadable(&error))?;
                Ok(Self::Image { config: image.config().digest().to_string() })
            }
            _ => Err(Unreadable("it is neither an index nor an image".to_owned())),
        }
    }
}

impl Config {
    /// Reads a configuration.
    pub fn parse(bytes: &[u8]) -> Result<Self, Unreadable> {
        let config = ImageConfiguration::from_reader(bytes)
            .map_err(|error| Unreadable(format!("it is no configuration of an image: {error}")))?;
        Ok(Self {
            platform: Platform {
                os: config.os().to_string(),
                architecture: config.architecture().to_string(),
                variant: config.variant().clone(),
            },
            created: config.created().as_deref().and_then(|created| created.parse().ok()),
        })
    }
}

/// An attestation says of itself that it runs on nothing:
/// <https://docs.docker.com/build/metadata/attestations/attestation-storage/>.
fn is_attestation(entry: &Descriptor) -> bool {
    let annotated =
        entry.annotations().as_ref().is_some_and(|all| all.contains_key("vnd.docker.reference.type"));
    let unknown = entry.platform().as_ref().is_some_and(|platform| platform.os().to_string() == "unknown");
    annotated && unknown
}

fn entry(entry: &Descriptor) -> Entry {
    let platform = entry.platform().as_ref().map(|platform| Platform {
        os: platform.os().to_string(),
        architecture: platform.architecture().to_string(),
        variant: platform.variant().clone(),
    });
    Entry { platform, digest: entry.digest().to_string() }
}

impl Platform {
    /// Whether this is what is meant by `linux/amd64`, `linux/arm64` or `linux/arm/v7`: a variant counts where it is
    /// named. `v8` is the only one of `arm64`.
    pub fn is(&self, wanted: &str) -> bool {
        let mut parts = wanted.split('/');
        let (os, architecture, variant) = (parts.next(), parts.next(), parts.next());
        let has_variant = match (variant, self.variant.as_deref()) {
            (None, _) => true,
            (Some("v8"), None) => self.architecture == "arm64",
            (wanted, variant) => wanted == variant,
        };
        os == Some(&self.os)
            && architecture == Some(&self.architecture)
            && has_variant
            && parts.next().is_none()
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        match &self.variant {
            Some(variant) => write!(f, "/{variant}"),
            None => Ok(()),
        }
    }
}

/// The SHA-256 digest of bytes: `sha256:...`.
pub fn digest_of(bytes: &[u8]) -> String {
    format!("sha256:{}", hex(digest(&SHA256, bytes).as_ref()))
}

/// Whether bytes have a digest, by the algorithm that it names. One of another algorithm than SHA-256 and SHA-512 none
/// have.
pub fn matches_digest(bytes: &[u8], expected: &str) -> bool {
    match expected.split_once(':') {
        Some(("sha256", value)) => hex(digest(&SHA256, bytes).as_ref()) == value,
        Some(("sha512", value)) => hex(digest(&SHA512, bytes).as_ref()) == value,
        _ => false,
    }
}

fn hex(bytes: &[u8]) -> String {
    use fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn sha(c: char) -> String {
        format!("sha256:{}", c.to_string().repeat(64))
    }

    #[test]
    fn an_index_has_platforms_and_attestations_are_none() {
        let index = json!({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": [
            {"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": sha('a'), "size": 1, "platform": {"os": "linux", "architecture": "amd64"}},
            {"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": sha('b'), "size": 1, "platform": {"os": "linux", "architecture": "arm64", "variant": "v8"}},
            {"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": sha('c'), "size": 1, "platform": {"os": "unknown", "architecture": "unknown"},
             "annotations": {"vnd.docker.reference.type": "attestation-manifest"}},
            {"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": sha('d'), "size": 1}]});
        let Manifest::Index(entries) = Manifest::parse(index.to_string().as_bytes()).unwrap() else {
            panic!("no index")
        };
        let told: Vec<_> = entries
            .iter()
            .map(|entry| entry.platform.as_ref().map_or("?".to_owned(), ToString::to_string))
            .collect();
        assert_eq!(told, ["linux/amd64", "linux/arm64/v8", "?"]);
    }

    #[test]
    fn docker_s_own_forms_are_read() {
        let list = json!({"schemaVersion": 2, "mediaType": "application/vnd.docker.distribution.manifest.list.v2+json", "manifests": [
            {"mediaType": "application/vnd.docker.distribution.manifest.v2+json", "digest": sha('a'), "size": 1, "platform": {"os": "linux", "architecture": "arm", "variant": "v7"}}]});
        assert!(
            matches!(Manifest::parse(list.to_string().as_bytes()), Ok(Manifest::Index(entries)) if entries.len() == 1)
        );
        let image = json!({"schemaVersion": 2, "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
            "config": {"mediaType": "application/vnd.docker.container.image.v1+json", "digest": sha('b'), "size": 1}, "layers": []});
        assert_eq!(Manifest::parse(image.to_string().as_bytes()), Ok(Manifest::Image { config: sha('b') }));
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_not_read() {
        let config =
            json!({"mediaType": "application/vnd.oci.image.config.v1+json", "digest": sha('a'), "size": 1});
        for manifest in [
            json!({"schemaVersion": 2, "manifests": [], "config": config, "layers": []}),
            json!({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "manifests": []}),
            json!({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "config": config, "layers": []}),
            json!({"schemaVersion": 2}),
            json!({"schemaVersion": 1, "fsLayers": []}),
            json!({"schemaVersion": 2, "manifests": "none"}),
            json!([]),
        ] {
            assert!(Manifest::parse(manifest.to_string().as_bytes()).is_err(), "{manifest}");
        }
    }

    #[test]
    fn a_variant_counts_where_it_is_named() {
        let platform = |architecture: &str, variant: Option<&str>| Platform {
            os: "linux".into(),
            architecture: architecture.into(),
            variant: variant.map(str::to_owned),
        };
        assert!(platform("amd64", None).is("linux/amd64"));
        assert!(
            platform("arm64", Some("v8")).is("linux/arm64") && platform("arm64", None).is("linux/arm64/v8")
        );
        assert!(
            platform("arm", Some("v7")).is("linux/arm/v7") && !platform("arm", Some("v6")).is("linux/arm/v7")
        );
        assert!(!platform("arm", None).is("linux/arm/v8") && !platform("amd64", None).is("windows/amd64"));
        assert!(!platform("amd64", None).is("linux/amd64/v2/x") && !platform("amd64", None).is("linux"));
    }

    #[test]
    fn bytes_are_held_to_a_digest_by_its_algorithm() {
        let empty = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(digest_of(b""), empty);
        assert!(matches_digest(b"", empty) && !matches_digest(b"x", empty));
        assert!(!matches_digest(b"", "md5:d41d8cd98f00b204e9800998ecf8427e") && !matches_digest(b"", ""));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            let _ = (Manifest::parse(&bytes), Config::parse(&bytes));
        }
    }
}
