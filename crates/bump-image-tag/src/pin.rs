//! What an entry pins an image to.

/// The values of one entry. What the entry does not say, or says as nothing, is `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pin {
    pub(crate) new_name: Option<String>,
    pub(crate) tag: Option<String>,
    pub(crate) digest: Option<String>,
}

impl Pin {
    /// The name of the image that runs, given the name of the entry.
    pub(crate) fn name<'a>(&'a self, entry: &'a str) -> &'a str {
        self.new_name.as_deref().unwrap_or(entry)
    }

    /// Whether it says which version runs.
    pub(crate) fn says_version(&self) -> bool {
        self.tag.is_some() || self.digest.is_some()
    }

    /// The image that runs: `ghcr.io/shop/backend:v1@sha256:...`.
    pub(crate) fn reference(&self, entry: &str) -> String {
        let mut reference = self.tagged(entry);
        if let Some(digest) = &self.digest {
            reference = format!("{reference}@{digest}");
        }
        reference
    }

    /// The image that runs, without its digest: `ghcr.io/shop/backend:v1`.
    pub(crate) fn tagged(&self, entry: &str) -> String {
        let name = self.name(entry);
        self.tag.as_ref().map_or_else(|| name.to_owned(), |tag| format!("{name}:{tag}"))
    }

    /// The image that runs, short enough for a line: `ghcr.io/shop/backend:v1@sha256:0123456789ab`.
    pub(crate) fn brief(&self, entry: &str) -> String {
        let image = self.tagged(entry);
        self.digest.as_deref().map_or_else(|| image.clone(), |digest| format!("{image}@{}", short(digest)))
    }

    /// Tag and digest, short enough for a line: `v1@sha256:0123456789ab`.
    pub(crate) fn version(&self) -> String {
        let digest = self.digest.as_deref().map(short);
        match (&self.tag, digest) {
            (Some(tag), Some(digest)) => format!("{tag}@{digest}"),
            (Some(tag), None) => tag.clone(),
            (None, Some(digest)) => digest.to_owned(),
            (None, None) => "no tag".to_owned(),
        }
    }
}

/// A digest with as much of its value as tells it from others.
fn short(digest: &str) -> &str {
    let start = digest.find(':').map_or(0, |colon| colon + 1);
    digest.get(..start + 12).unwrap_or(digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_reads_as_an_image() {
        let pin = |new_name: Option<&str>, tag: Option<&str>, digest: Option<&str>| Pin {
            new_name: new_name.map(str::to_owned),
            tag: tag.map(str::to_owned),
            digest: digest.map(str::to_owned),
        };
        let digest = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        let whole = pin(Some("ghcr.io/a"), Some("v1"), Some(digest));
        assert_eq!(whole.reference("a"), format!("ghcr.io/a:v1@{digest}"));
        assert_eq!(whole.version(), "v1@sha256:e3b0c44298fc");
        assert_eq!(whole.brief("a"), "ghcr.io/a:v1@sha256:e3b0c44298fc");
        assert_eq!(pin(None, None, Some(digest)).brief("a"), "a@sha256:e3b0c44298fc");
        assert_eq!(pin(None, Some("v1"), None).reference("a"), "a:v1");
        assert_eq!(pin(None, None, Some("md5:é")).version(), "md5:é");
        assert_eq!(pin(None, None, None).version(), "no tag");
    }
}
