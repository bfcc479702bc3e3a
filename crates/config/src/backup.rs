//! `backup` of an environment: what is exported of its namespace, and where to.

use schemars::JsonSchema;
use serde::Deserialize;
use sluice_core::Period;
use sluice_yaml::Placed;

/// What is exported of the environment's namespace, and where to.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Backup {
    /// Where backups go: a folder from the repository's root, or `s3://BUCKET/PREFIX`.
    pub to: Option<Placed<String>>,
    /// The kinds of objects that are exported. Default: all.
    #[serde(default)]
    pub kinds: Vec<Placed<String>>,
    /// The kinds of objects that are left out.
    #[serde(default)]
    pub exclude_kinds: Vec<Placed<String>>,
    /// Whether Secrets are exported too, encrypted. Default: `false`.
    #[serde(default)]
    pub secrets: bool,
    /// How S3 encrypts the files. Default: as the bucket is set up.
    pub s3_encryption: Option<S3Encryption>,
    /// The key of KMS that S3 encrypts the files with: its id, ARN or alias. Default: the account's key for S3.
    pub s3_kms_key: Option<Placed<String>>,
    /// How long a backup is to be kept: the tag `sluice-retention` of its files in S3. Default: no tag.
    pub retention: Option<Period>,
}

/// How S3 encrypts what it keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum S3Encryption {
    /// With keys of S3's own.
    #[serde(rename = "AES256")]
    Aes256,
    /// With a key of KMS.
    #[serde(rename = "aws:kms")]
    Kms,
}
