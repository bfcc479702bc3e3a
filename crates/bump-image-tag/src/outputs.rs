//! What later steps read.

use schemars::JsonSchema;
use serde::Serialize;

use crate::{edit::Change, source::Source};

/// The outputs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Outputs {
    /// `true` when something changed (with `dry-run`: would change), `false` when all was set already. Not of `show`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changed: Option<bool>,
    /// JSON list. Of `set`, `promote` and `rollback`: each value that changed, with `environment`, `overlay`, `file`, `place`, `image`, `key`,
    /// `before` and `after`. Of `show`: each image that runs, with `environment`, `overlay`, `file`, `place`,
    /// `image`, `reference`, `tag` and `digest`.
    pub images: Images,
    /// The change as a unified diff, as `git apply` takes it. Not of `show`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub diff: Option<String>,
    /// The commit that was made. Of the strategies `commit` and `pull-request`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// Whether the commit is signed, and GitHub found the signature to be right.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verified: Option<bool>,
    /// The address of the pull request. Of the strategy `pull-request`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pull_request: Option<String>,
}

/// The output `images`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Images {
    /// Of `set`, `promote` and `rollback`: the values that changed.
    Written(Vec<Written>),
    /// Of `show`: what runs.
    Pinned(Vec<Pinned>),
}

/// One value that changed, or would change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Written {
    /// The environment; absent where an overlay was named outright.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// The overlay, as it was named; absent where a place was named outright.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overlay: Option<String>,
    /// The file, relative to the repository's root.
    pub file: String,
    /// Where the new value stands in it: `line:column`, from 1.
    pub place: String,
    /// What the image is called there; absent where a place was named outright.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// The key: `newTag`, `tag`, `digest`, `image` and so on.
    pub key: String,
    /// The value before; `null` where the key was added.
    pub before: Option<String>,
    /// The value now.
    pub after: String,
}

impl Written {
    pub(crate) fn of(change: &Change, source: &Source) -> Self {
        Self {
            environment: None,
            overlay: None,
            file: source.name(),
            place: change.place.to_string(),
            image: None,
            key: change.key.clone(),
            before: change.before.clone(),
            after: change.after.clone(),
        }
    }
}

/// What an overlay says of one image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Pinned {
    /// The environment; absent where an overlay was named outright.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// The overlay, as it was named.
    pub overlay: String,
    /// The file, relative to the repository's root.
    pub file: String,
    /// Where the image's name stands in it: `line:column`, from 1.
    pub place: String,
    /// What the image is called there.
    pub image: String,
    /// The image that runs: name, tag, digest.
    pub reference: String,
    /// The tag, where the entry has one.
    pub tag: Option<String>,
    /// The digest, where the entry has one.
    pub digest: Option<String>,
}
