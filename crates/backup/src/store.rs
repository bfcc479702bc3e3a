//! Where backups are kept: a folder, or a bucket of S3.
//!
//! A backup is there whole or not at all: all of it is written to a [`Spool`] first, which is renamed into a folder's place,
//! or put into a bucket with the manifest last.

mod bucket;
mod folder;
mod spool;

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use sluice_core::{Context, Problem};
use sluice_sigv4::Encryption;

use self::bucket::Bucket;
pub(crate) use self::spool::Spool;
use crate::manifest::{self, Manifest};

/// Where backups are kept, as inputs say it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Address {
    Folder(PathBuf),
    /// `prefix` is empty or ends with a slash.
    Bucket {
        bucket: String,
        prefix: String,
    },
}

/// What S3 is told of every file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Marks {
    pub(crate) encryption: Option<Encryption>,
    /// The value of the tag.
    pub(crate) retention: Option<String>,
}

/// A place that backups are read from and written to.
pub(crate) enum Store<'a> {
    Folder { folder: PathBuf, cx: &'a Context },
    Bucket(Box<Bucket<'a>>),
}

impl Address {
    /// Reads `FOLDER` or `s3://BUCKET/PREFIX`; folders are relative to `root`.
    pub(crate) fn new(text: &str, root: &Path) -> Result<Self, Problem> {
        let wrong = |why: &str| {
            Problem::misconfigured(format!("\"{text}\" is no place for backups"))
                .why(why)
                .help("write a folder, or `s3://BUCKET/PREFIX`")
        };
        if let Some(address) = text.strip_prefix("s3://") {
            let (bucket, prefix) = address.split_once('/').unwrap_or((address, ""));
            let prefix = prefix.trim_matches('/');
            return if bucket.is_empty() {
                Err(wrong("it names no bucket"))
            } else {
                let prefix = if prefix.is_empty() { String::new() } else { format!("{prefix}/") };
                Ok(Self::Bucket { bucket: bucket.to_owned(), prefix })
            };
        }
        if text.contains("://") {
            return Err(wrong("only S3 has an address that is known here"));
        }
        if text.trim().is_empty() {
            return Err(wrong("it is empty"));
        }
        Ok(Self::Folder(root.join(text)))
    }

    /// The place of one backup: below a prefix of a bucket each has a folder of its own, named for namespace and time.
    pub(crate) fn of_backup(&self, namespace: &str, created: Timestamp) -> Self {
        match self {
            Self::Folder(folder) => Self::Folder(folder.clone()),
            Self::Bucket { bucket, prefix } => {
                let time = created.strftime("%Y%m%dT%H%M%SZ");
                Self::Bucket { bucket: bucket.clone(), prefix: format!("{prefix}{namespace}/{time}/") }
            }
        }
    }

    /// As `from` takes it.
    pub(crate) fn name(&self, cx: &Context) -> String {
        match self {
            Self::Folder(folder) => cx.name_of(folder),
            Self::Bucket { bucket, prefix } => format!("s3://{bucket}/{}", prefix.trim_end_matches('/')),
        }
    }

    /// The way there.
    pub(crate) async fn open<'a>(
        &self,
        network: &sluice_http::Options,
        cx: &'a Context,
    ) -> Result<Store<'a>, Problem> {
        Ok(match self {
            Self::Folder(folder) => Store::Folder { folder: folder.clone(), cx },
            Self::Bucket { bucket, prefix } => {
                Store::Bucket(Bucket::open(bucket.clone(), prefix.clone(), network, cx).await?.into())
            }
        })
    }
}

impl Store<'_> {
    /// Keeps a backup: its files, then its manifest, which is `written` so.
    pub(crate) async fn keep(
        &self,
        spool: &Spool<'_>,
        manifest: &Manifest,
        written: &[u8],
        marks: &Marks,
    ) -> Result<(), Problem> {
        match self {
            Self::Folder { folder, cx } => folder::keep(folder, spool, written, cx),
            Self::Bucket(bucket) => bucket.keep(spool, &manifest.files, written, marks).await,
        }
    }

    /// The paths of all files that are there, in order; nothing where there is no such place.
    pub(crate) async fn paths(&self) -> Result<Vec<String>, Problem> {
        match self {
            Self::Folder { folder, cx } => folder::paths(folder, cx),
            Self::Bucket(bucket) => bucket.paths().await,
        }
    }

    /// The bytes of a file that is there.
    pub(crate) async fn read(&self, path: &str) -> Result<Vec<u8>, Problem> {
        match self {
            Self::Folder { folder, cx } => folder::read(folder, path, cx),
            Self::Bucket(bucket) => bucket.read(path).await,
        }
    }
}

/// There is no manifest: said of a place, with what it means.
pub(crate) fn no_backup(place: &str, holds_files: bool) -> Problem {
    let problem = Problem::failed(format!("{place} holds no backup"));
    if holds_files {
        problem
            .why(format!(
                "it has no {}: its export did not come to its end, or it is something else",
                manifest::FILE
            ))
            .help("take another backup")
    } else {
        problem.why("there is nothing").help("give what the output `location` of the export said")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_folder_or_a_bucket() {
        let read = |text: &str| Address::new(text, Path::new("/root"));
        let bucket = |bucket: &str, prefix: &str| {
            Ok(Address::Bucket { bucket: bucket.to_owned(), prefix: prefix.to_owned() })
        };
        assert_eq!(read("out/backup"), Ok(Address::Folder("/root/out/backup".into())));
        assert_eq!(read("/tmp/x"), Ok(Address::Folder("/tmp/x".into())));
        assert_eq!(read("s3://acme"), bucket("acme", ""));
        assert_eq!(read("s3://acme/a/b/"), bucket("acme", "a/b/"));
        for wrong in ["s3://", "s3:///a", "gs://a", "https://x", " "] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn each_backup_in_a_bucket_has_its_own_folder() {
        let cx = Context::new(sluice_core::Environment::default(), "/", || Timestamp::UNIX_EPOCH);
        let created = "2026-11-21T21:16:56.7Z".parse().unwrap();
        let name =
            |text: &str| Address::new(text, Path::new("/")).unwrap().of_backup("shop", created).name(&cx);
        assert_eq!(name("s3://acme/prod"), "s3://acme/prod/shop/20261121T211656Z");
        assert_eq!(name("s3://acme"), "s3://acme/shop/20261121T211656Z");
        assert_eq!(name("out"), "out");
    }
}
