//! An image as it is given: `name:tag`, `name=newName:tag`, `name@sha256:...`.

use std::str::FromStr;

use sluice_core::{ImageReference, check_digest, check_tag};

/// What to set of one image. What is `None` stays as it is in the file.
///
/// The forms are those of `kustomize edit set image`:
/// <https://github.com/kubernetes-sigs/kustomize/blob/master/kustomize/commands/edit/set/setimage.go>.
/// Other than there, what an argument does not name is kept, as if `*` stood for it: `name:tag` leaves a
/// `newName` alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageArgument {
    /// The name of the entry. It need not be a valid image's name: many files write a placeholder there.
    pub name: String,
    /// The name to replace it by.
    pub new_name: Option<String>,
    /// The tag to set.
    pub tag: Option<String>,
    /// The digest to set.
    pub digest: Option<String>,
}

/// Why a text is no argument. Its message reads on from the text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidArgument(String);

/// What stands for "as it is in the file".
const KEPT: &str = "*";

impl InvalidArgument {
    pub(crate) fn new(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }
}

impl FromStr for ImageArgument {
    type Err = InvalidArgument;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = |reason: &str| InvalidArgument(reason.to_owned());
        let (name, value) = text.split_once('=').map_or((None, text), |(name, value)| (Some(name), value));
        let (image, tag, digest) = parts(value);
        let (name, new_name) = name.map_or((image, None), |name| (name, Some(image)));

        if name.is_empty() || name == KEPT {
            return Err(wrong("the name of the image is missing"));
        }
        if name.contains(|c: char| c.is_whitespace() || c.is_control() || c == '@') {
            return Err(wrong("the name holds a character that no image's name has"));
        }
        let new_name = new_name.filter(|name| *name != KEPT);
        if let Some(new_name) = new_name {
            new_name.parse::<ImageReference>().map_err(|error| InvalidArgument(error.to_string()))?;
        }
        let tag = tag.filter(|tag| *tag != KEPT);
        tag.map_or(Ok(()), check_tag).map_err(wrong)?;
        let digest = digest.filter(|digest| *digest != KEPT);
        digest.map_or(Ok(()), check_digest).map_err(wrong)?;
        if tag.is_none() && digest.is_none() && (new_name.is_none() || !value.contains(KEPT)) {
            return Err(wrong("it says neither a tag nor a digest: write name:tag or name@sha256:..."));
        }
        Ok(Self {
            name: name.to_owned(),
            new_name: new_name.map(str::to_owned),
            tag: tag.map(str::to_owned),
            digest: digest.map(str::to_owned),
        })
    }
}

/// Name, tag and digest. A colon before the last slash is a registry's port, never a tag.
pub(crate) fn parts(text: &str) -> (&str, Option<&str>, Option<&str>) {
    let (rest, digest) = text.split_once('@').map_or((text, None), |(rest, digest)| (rest, Some(digest)));
    let last = rest.rfind('/').map_or(0, |slash| slash + 1);
    match rest[last..].split_once(':') {
        Some((base, tag)) => (&rest[..last + base.len()], Some(tag), digest),
        None => (rest, None, digest),
    }
}

/// A name as people write it: Docker Hub goes without saying, and so does the namespace of its official images.
/// <https://github.com/distribution/reference/blob/main/normalize.go>
pub(crate) fn familiar(name: &str) -> &str {
    let on_hub = ["docker.io/", "index.docker.io/"].into_iter().find_map(|hub| name.strip_prefix(hub));
    let path = on_hub.unwrap_or(name);
    path.strip_prefix("library/").filter(|official| !official.contains('/')).unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn argument(
        name: &str,
        new_name: Option<&str>,
        tag: Option<&str>,
        digest: Option<&str>,
    ) -> ImageArgument {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        ImageArgument {
            name: name.to_owned(),
            new_name: owned(new_name),
            tag: owned(tag),
            digest: owned(digest),
        }
    }

    #[test]
    fn the_forms_of_kustomize_are_read() {
        let parse = |text: &str| text.parse::<ImageArgument>().unwrap();
        assert_eq!(parse("backend:v1"), argument("backend", None, Some("v1"), None));
        assert_eq!(parse("host:5000/backend:v1"), argument("host:5000/backend", None, Some("v1"), None));
        assert_eq!(parse(&format!("backend@{DIGEST}")), argument("backend", None, None, Some(DIGEST)));
        assert_eq!(
            parse(&format!("backend:v1@{DIGEST}")),
            argument("backend", None, Some("v1"), Some(DIGEST))
        );
        assert_eq!(
            parse("backend=host:5000/shop/backend:v1"),
            argument("backend", Some("host:5000/shop/backend"), Some("v1"), None)
        );
        assert_eq!(parse("backend=*:v1"), argument("backend", None, Some("v1"), None));
        assert_eq!(parse(&format!("backend=*@{DIGEST}")), argument("backend", None, None, Some(DIGEST)));
        assert_eq!(
            parse("backend=ghcr.io/shop/backend:*"),
            argument("backend", Some("ghcr.io/shop/backend"), None, None)
        );
        assert_eq!(parse("BACKEND_IMAGE:v1"), argument("BACKEND_IMAGE", None, Some("v1"), None));
    }

    #[test]
    fn what_is_no_argument_says_why() {
        for (text, reason) in [
            ("", "name of the image is missing"),
            (":v1", "name of the image is missing"),
            ("=a:v1", "name of the image is missing"),
            ("*:v1", "name of the image is missing"),
            ("backend", "neither a tag nor a digest"),
            ("backend:*", "neither a tag nor a digest"),
            ("backend=shop/backend", "neither a tag nor a digest"),
            ("backend=*:*", "neither a tag nor a digest"),
            ("backend:", "the tag is empty"),
            ("backend:v1 ", "letters, digits"),
            ("backend:-v1", "starts with"),
            ("back end:v1", "a character that no"),
            ("backend@sha256:12", "wrong length"),
            ("backend@v1", "algorithm:hex"),
            ("backend=shop/Back:v1", "no image reference"),
            ("backend==x:v1", "no image reference"),
            ("backend=:v1", "the name is missing"),
        ] {
            let error = text.parse::<ImageArgument>().unwrap_err().to_string();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }

    #[test]
    fn an_image_of_docker_hub_has_several_names() {
        for name in [
            "nginx",
            "library/nginx",
            "docker.io/nginx",
            "docker.io/library/nginx",
            "index.docker.io/library/nginx",
        ] {
            assert_eq!(familiar(name), "nginx");
        }
        assert_eq!(familiar("docker.io/acme/api"), "acme/api");
        for other in ["ghcr.io/library/nginx", "library/acme/nginx", "quay.io/nginx", "nginx/nginx"] {
            assert_eq!(familiar(other), other);
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in any::<String>()) {
            let _ = text.parse::<ImageArgument>();
        }

        #[test]
        fn what_is_taken_is_valid(text in "[a-z:=@*./0-9]{1,30}") {
            if let Ok(image) = text.parse::<ImageArgument>() {
                prop_assert!(image.tag.as_deref().is_none_or(|tag| check_tag(tag).is_ok()));
                prop_assert!(image.digest.as_deref().is_none_or(|digest| check_digest(digest).is_ok()));
                prop_assert!(image.tag.is_some() || image.digest.is_some() || image.new_name.is_some());
            }
        }
    }
}
