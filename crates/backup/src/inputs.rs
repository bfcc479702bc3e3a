//! The inputs, as the command line and the runner give them.

use std::path::PathBuf;

use clap::ValueEnum;
use sluice_core::{Period, Secret};

/// Keep what a namespace of Kubernetes holds as clean YAML, and put it back
#[derive(Clone, Debug, clap::Parser)]
#[expect(clippy::large_enum_variant, reason = "there is one of it in a run")]
pub enum Inputs {
    /// Export the objects of a namespace, with a manifest of their hashes
    Export(Export),
    /// Put the objects of a backup back, in the order of their dependencies
    Restore(Restore),
    /// Check that a backup is whole: no file changed, missing or added
    Verify(Verify),
}

/// The inputs of `export`.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Export {
    /// Which namespace of which cluster.
    #[command(flatten)]
    pub namespace: Namespace,
    /// Where the backup goes: a folder that is not there yet, or `s3://BUCKET/PREFIX`, below which it gets a folder of its own, named for namespace and time. Default: as the environment's `backup` says, else the folder `backup`
    #[arg(long, value_name = "DESTINATION")]
    pub to: Option<String>,
    /// Which kinds of objects.
    #[command(flatten)]
    pub kinds: Kinds,
    /// Export Secrets too, each encrypted with `key`. Default: as the environment's `backup` says, else they stay out
    #[arg(long)]
    pub secrets: Option<bool>,
    /// The key that Secrets are encrypted with: 32 random bytes in base64, as `openssl rand -base64 32` prints them. Default: none
    #[arg(long, value_name = "KEY")]
    pub key: Option<Secret>,
    /// How S3 encrypts the files: `AES256` or `aws:kms`. Default: as the environment's `backup` says, else as the bucket is set up
    #[arg(long, value_name = "HOW")]
    pub s3_encryption: Option<S3Encryption>,
    /// The key of KMS that S3 encrypts the files with: its id, ARN or alias. Default: as the environment's `backup` says, else the account's key for S3
    #[arg(long, value_name = "KEY")]
    pub s3_kms_key: Option<String>,
    /// How long the backup is to be kept, `30d`: each file in S3 is tagged `sluice-retention=30d`, for a lifecycle rule of the bucket to go by. Default: as the environment's `backup` says, else no tag
    #[arg(long, value_name = "TIME")]
    pub retention: Option<Period>,
    /// Say what would be exported, and write nothing
    #[arg(long)]
    pub dry_run: bool,
    /// What holds for every connection.
    #[command(flatten)]
    pub network: sluice_http::Options,
}

/// The inputs of `restore`.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Restore {
    /// The backup: its folder, or `s3://BUCKET/PREFIX` as `location` of its export says it
    #[arg(long, required = true, value_name = "BACKUP")]
    pub from: String,
    /// Which namespace of which cluster.
    #[command(flatten)]
    pub namespace: Namespace,
    /// Let the namespace be another one than the backup's
    #[arg(long)]
    pub other_namespace: bool,
    /// Which kinds of objects.
    #[command(flatten)]
    pub kinds: Kinds,
    /// The hash of the manifest, `sha256:...`, as `digest` of its export says it: a backup with another one is refused. Default: any manifest is believed
    #[arg(long, value_name = "DIGEST")]
    pub digest: Option<String>,
    /// The key that Secrets were encrypted with. Default: none
    #[arg(long, value_name = "KEY")]
    pub key: Option<Secret>,
    /// Take fields over that someone else has changed since. Default: they are told, and nothing is restored
    #[arg(long)]
    pub force: bool,
    /// Say what would change, as the cluster itself works it out, and change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// What holds for every connection.
    #[command(flatten)]
    pub network: sluice_http::Options,
}

/// The inputs of `verify`.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Verify {
    /// The backup: its folder, or `s3://BUCKET/PREFIX` as `location` of its export says it
    #[arg(long, required = true, value_name = "BACKUP")]
    pub from: String,
    /// The hash of the manifest, `sha256:...`, as `digest` of its export says it: a backup with another one is refused. Default: any manifest is believed
    #[arg(long, value_name = "DIGEST")]
    pub digest: Option<String>,
    /// The key that Secrets were encrypted with: with it, that they can be decrypted is checked too. Default: none
    #[arg(long, value_name = "KEY")]
    pub key: Option<Secret>,
    /// What holds for every connection.
    #[command(flatten)]
    pub network: sluice_http::Options,
}

/// Which namespace of which cluster.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Namespace {
    /// The environment whose `cluster` and `backup` in the configuration hold. Default: none
    #[arg(long, value_name = "NAME")]
    pub environment: Option<String>,
    /// The namespace. Default: that of the environment's `cluster`, else that of the kubeconfig's context
    #[arg(long, value_name = "NAME")]
    pub namespace: Option<String>,
    /// The name of an EKS cluster. Default: that of the environment's `cluster`, else the kubeconfig says which cluster
    #[arg(long, value_name = "NAME")]
    pub cluster: Option<String>,
    /// The AWS region of the EKS cluster. Default: that of the environment's `cluster`, else `AWS_REGION`
    #[arg(long, value_name = "REGION")]
    pub region: Option<String>,
    /// The kubeconfig. Default: `KUBECONFIG`, else `~/.kube/config`, else inside a cluster the pod's own account
    #[arg(long, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,
    /// The context of the kubeconfig. Default: its current one
    #[arg(long, value_name = "NAME")]
    pub context: Option<String>,
}

/// Which kinds of objects.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Kinds {
    /// The kinds of objects, as kubectl names them: `deployments`, `Deployment`, `widgets.example.com`, or `*.example.com` for a whole group. Default: as the environment's `backup` says, else all
    #[arg(long, value_delimiter = ',', value_name = "KIND")]
    pub kinds: Vec<String>,
    /// The kinds of objects to leave out, named the same way. Default: as the environment's `backup` says, else none
    #[arg(long, value_delimiter = ',', value_name = "KIND")]
    pub exclude_kinds: Vec<String>,
}

/// How S3 encrypts what it keeps:
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/serv-side-encryption.html>.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum S3Encryption {
    /// With keys of S3's own.
    #[value(name = "AES256")]
    Aes256,
    /// With a key of KMS.
    #[value(name = "aws:kms")]
    Kms,
}
