//! References to container images: `registry:5000/path/name:tag@sha256:...`.
//!
//! The grammar is the distribution project's:
//! <https://github.com/distribution/reference/blob/main/reference.go>. The name is kept as it is
//! written (`redis` is not turned into `docker.io/library/redis`): files are searched for it.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The longest name that registries take, in bytes.
const LONGEST_NAME: usize = 255;

/// An image's name, with its tag and its digest where they are given.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ImageReference {
    name: String,
    tag: Option<String>,
    digest: Option<String>,
}

/// Why a text is no image reference.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{text}\" is no image reference: {reason}")]
pub struct InvalidImage {
    text: String,
    reason: &'static str,
}

impl ImageReference {
    /// The name, with the registry where it is given: `registry.example.com:5000/shop/backend`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The tag: `v1.2.3`.
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// The digest: `sha256:` and 64 hexadecimal digits.
    pub fn digest(&self) -> Option<&str> {
        self.digest.as_deref()
    }

    /// The registry's host and port. The first part of a name is one when it holds a dot or a colon,
    /// or is `localhost`.
    pub fn registry(&self) -> Option<&str> {
        let (first, _) = self.name.split_once('/')?;
        (first.contains(['.', ':']) || first == "localhost").then_some(first)
    }
}

impl std::str::FromStr for ImageReference {
    type Err = InvalidImage;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = |reason| InvalidImage { text: text.to_owned(), reason };
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => (rest, Some(digest)),
            None => (text, None),
        };
        // A colon before the last slash is a registry's port, never a tag.
        let last = rest.rfind('/').map_or(0, |slash| slash + 1);
        let (name, tag) = match rest[last..].split_once(':') {
            Some((base, tag)) => (&rest[..last + base.len()], Some(tag)),
            None => (rest, None),
        };
        check_name(name).map_err(wrong)?;
        if let Some(tag) = tag {
            check_tag(tag).map_err(wrong)?;
        }
        if let Some(digest) = digest {
            check_digest(digest).map_err(wrong)?;
        }
        Ok(Self { name: name.to_owned(), tag: tag.map(str::to_owned), digest: digest.map(str::to_owned) })
    }
}

impl fmt::Display for ImageReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        if let Some(digest) = &self.digest {
            write!(f, "@{digest}")?;
        }
        Ok(())
    }
}

fn check_name(name: &str) -> Result<(), &'static str> {
    if name.is_empty() {
        return Err("the name is missing");
    }
    if name.len() > LONGEST_NAME {
        return Err("the name is longer than 255 characters");
    }
    let mut parts = name.split('/').peekable();
    let first = parts.peek().copied().unwrap_or_default();
    let more = name.contains('/');
    if more && (first.contains(['.', ':']) || first == "localhost" || first.contains(char::is_uppercase)) {
        check_registry(first)?;
        parts.next();
    }
    if parts.clone().any(|part| part.contains(char::is_uppercase)) {
        return Err("a name is written in lower case");
    }
    if parts.all(is_path_component) { Ok(()) } else { Err("the name has a part that no registry takes") }
}

/// `domain-name [":" port-number]`
fn check_registry(registry: &str) -> Result<(), &'static str> {
    let (host, port) = registry.split_once(':').map_or((registry, None), |(host, port)| (host, Some(port)));
    let host_is_good = host.split('.').all(|label| {
        !label.is_empty()
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    });
    if !host_is_good {
        return Err("the registry's host is not a host name");
    }
    match port {
        Some(port) if port.is_empty() || !port.bytes().all(|b| b.is_ascii_digit()) => {
            Err("the registry's port is not a number")
        }
        _ => Ok(()),
    }
}

/// Alphanumerics, joined by one dot, one or two underscores, or dashes.
fn is_path_component(part: &str) -> bool {
    let alphanumeric = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let (Some(first), Some(last)) = (part.bytes().next(), part.bytes().last()) else { return false };
    alphanumeric(first)
        && alphanumeric(last)
        && part
            .split(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
            .all(|joint| matches!(joint, "" | "." | "_" | "__") || joint.bytes().all(|b| b == b'-'))
}

/// Checks a tag: a letter, digit or underscore, then up to 127 of those, dots and dashes.
pub fn check_tag(tag: &str) -> Result<(), &'static str> {
    let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    match tag.bytes().next() {
        None => Err("the tag is empty"),
        Some(first) if !word(first) => Err("a tag starts with a letter, a digit or an underscore"),
        _ if tag.len() > 128 => Err("the tag is longer than 128 characters"),
        _ if !tag.bytes().all(|b| word(b) || b == b'.' || b == b'-') => {
            Err("a tag holds letters, digits, underscores, dots and dashes only")
        }
        _ => Ok(()),
    }
}

/// Checks a digest: an algorithm, a colon, hexadecimal digits; SHA-256 and SHA-512 by their length.
pub fn check_digest(digest: &str) -> Result<(), &'static str> {
    let Some((algorithm, hex)) = digest.split_once(':') else {
        return Err("a digest is written algorithm:hex, as sha256:...");
    };
    if !hex.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)) {
        return Err("a digest's value is written in lower-case hexadecimal digits");
    }
    match (algorithm, hex.len()) {
        ("sha256", 64) | ("sha512", 128) => Ok(()),
        ("sha256" | "sha512", _) => Err("the digest has the wrong length"),
        _ => Err("the digest's algorithm is not sha256 or sha512"),
    }
}

impl Serialize for ImageReference {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ImageReference {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for ImageReference {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ImageReference".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "description": "An image: `registry:5000/path/name`, with `:tag` and `@sha256:...` where they are meant.",
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn parse(text: &str) -> (String, Option<String>, Option<String>) {
        let image: ImageReference = text.parse().unwrap();
        (image.name().to_owned(), image.tag().map(str::to_owned), image.digest().map(str::to_owned))
    }

    #[test]
    fn a_port_is_not_a_tag() {
        assert_eq!(parse("localhost:5000/app"), ("localhost:5000/app".into(), None, None));
        assert_eq!(parse("host:5000/a/b:v1"), ("host:5000/a/b".into(), Some("v1".into()), None));
        assert_eq!(parse("redis:7"), ("redis".into(), Some("7".into()), None));
        let both = format!("ghcr.io/acme/app:v1@{DIGEST}");
        assert_eq!(parse(&both), ("ghcr.io/acme/app".into(), Some("v1".into()), Some(DIGEST.into())));
    }

    #[test]
    fn the_registry_is_told_from_a_path() {
        let registry = |text: &str| text.parse::<ImageReference>().unwrap().registry().map(str::to_owned);
        assert_eq!(registry("ghcr.io/acme/app"), Some("ghcr.io".into()));
        assert_eq!(registry("localhost/app"), Some("localhost".into()));
        assert_eq!(registry("acme/app"), None);
        assert_eq!(registry("redis"), None);
    }

    #[test]
    fn what_is_no_reference_says_why() {
        for (text, reason) in [
            ("", "the name is missing"),
            (":v1", "the name is missing"),
            ("app:", "the tag is empty"),
            ("app:-x", "starts with"),
            ("app:v1 ", "letters, digits"),
            ("Acme/App", "lower case"),
            ("ghcr.io/Acme/app", "lower case"),
            ("a//b", "no registry takes"),
            ("a/b-", "no registry takes"),
            ("a___b", "no registry takes"),
            ("host:port/app", "port is not a number"),
            ("-x.io/app", "not a host name"),
            ("app@sha256:abc", "wrong length"),
            ("app@md5:abc", "not sha256"),
            ("app@latest", "algorithm:hex"),
            ("app:v$(id)", "letters, digits"),
        ] {
            let error = text.parse::<ImageReference>().unwrap_err().to_string();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }

    proptest! {
        #[test]
        fn what_parses_prints_as_it_was_written(text in "[a-z0-9.:/@_-]{0,40}") {
            if let Ok(image) = text.parse::<ImageReference>() {
                prop_assert_eq!(image.to_string(), text);
            }
        }

        #[test]
        fn no_text_panics(text in any::<String>()) {
            let _ = text.parse::<ImageReference>();
        }
    }
}
