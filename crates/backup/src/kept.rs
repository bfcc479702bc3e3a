//! A backup as it is kept: read whole, and held against its manifest before anything is made of it.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use sluice_core::{Context, Finding, Problem, Verdict};

use crate::{
    digest,
    manifest::{self, Damage, Manifest},
    plan::Source,
    seal, store,
};

/// How many files are read at once.
const AT_ONCE: usize = 8;

/// A backup that was read.
pub(crate) struct Kept {
    pub(crate) location: String,
    pub(crate) manifest: Manifest,
    /// The hash of the manifest.
    pub(crate) digest: String,
    /// Every file but the manifest, by path.
    files: BTreeMap<String, Vec<u8>>,
    /// What is not as the manifest, or the caller, says.
    pub(crate) damages: Vec<Finding>,
}

impl Kept {
    /// Reads a backup, and finds out what is wrong with it.
    pub(crate) async fn read(source: &Source, cx: &Context) -> Result<Self, Problem> {
        let location = source.from.name(cx);
        let store = source.from.open(&source.network, cx).await?;
        let mut paths = store.paths().await?;
        let Ok(index) = paths.binary_search_by(|path| path.as_str().cmp(manifest::FILE)) else {
            return Err(store::no_backup(&location, !paths.is_empty()));
        };
        let written = store.read(&paths.remove(index)).await?;
        let manifest = Manifest::read(&written, &format!("{location}/{}", manifest::FILE))?;
        let known: BTreeSet<&str> = manifest.files.iter().map(|entry| entry.path.as_str()).collect();
        let reads = paths.into_iter().map(|path| {
            // Whoever put a file there has not put it into the backup: it is told, and not read.
            let is_known = known.contains(path.as_str());
            let store = &store;
            async move {
                cx.cancellation().check()?;
                let content = if is_known { store.read(&path).await? } else { Vec::new() };
                Ok::<_, Problem>((path, content))
            }
        });
        let files: BTreeMap<_, _> = stream::iter(reads).buffer_unordered(AT_ONCE).try_collect().await?;
        let mut kept = Self { location, manifest, digest: digest::of(&written), files, damages: Vec::new() };
        kept.check(source);
        Ok(kept)
    }

    fn check(&mut self, source: &Source) {
        if let Some(expected) = source.digest.as_ref().filter(|digest| **digest != self.digest) {
            let reason = "it is not the manifest of that export";
            self.damages.push(
                Finding::new(manifest::FILE, Verdict::Failed, reason)
                    .evidence(format!("expected {expected}"))
                    .evidence(format!("found    {}", self.digest)),
            );
        }
        let found = self.files.iter().map(|(path, content)| (path.clone(), digest::hex(content))).collect();
        for (path, damage) in self.manifest.damages(&found) {
            self.damages.push(match damage {
                Damage::Missing => Finding::new(path, Verdict::Failed, "it is missing"),
                Damage::Added => Finding::new(path, Verdict::Failed, "it does not belong to the backup"),
                Damage::Changed { expected, found } => {
                    Finding::new(path, Verdict::Failed, "it was changed since the export")
                        .evidence(format!("expected sha256:{expected}"))
                        .evidence(format!("found    sha256:{found}"))
                }
            });
        }
        if let Some(key) = &source.key {
            for entry in &self.manifest.files {
                let Some(content) = self.files.get(&entry.path).filter(|_| is_sealed(&entry.path)) else {
                    continue;
                };
                if let Err(closed) = key.open(&entry.path, content) {
                    let verdict = if closed == seal::Closed::OtherKey {
                        Verdict::Misconfigured
                    } else {
                        Verdict::Failed
                    };
                    self.damages.push(Finding::new(
                        &entry.path,
                        verdict,
                        format!("it can't be decrypted: {closed}"),
                    ));
                }
            }
        }
    }

    /// The bytes of a file that the manifest names.
    pub(crate) fn file(&self, path: &str) -> &[u8] {
        self.files.get(path).map(Vec::as_slice).unwrap_or_default()
    }

    /// How many files are encrypted.
    pub(crate) fn sealed(&self) -> usize {
        self.manifest.files.iter().filter(|entry| is_sealed(&entry.path)).count()
    }
}

/// Whether a file is encrypted.
pub(crate) fn is_sealed(path: &str) -> bool {
    path.strip_suffix(seal::EXTENSION).is_some_and(|rest| rest.ends_with('.'))
}
