//! The layer of an image: a compressed archive that depends on nothing but the files in it.
//!
//! Who built it, when, and in which order files were found leaves no trace: two builds of the same binary give the same
//! bytes, and so the same digest.

use std::{
    io::Write as _,
    num::NonZeroU64,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, ensure};
use flate2::{Compression, GzBuilder};
use sluice_registry::digest_of;

/// A layer, and the two digests that an image names it by.
pub(crate) struct Layer {
    /// The archive, compressed.
    pub(crate) compressed: Vec<u8>,
    /// The digest of the archive itself.
    pub(crate) diff_id: String,
}

/// A file of a layer: where it lies there, without the leading slash, and where it comes from.
pub(crate) struct File {
    pub(crate) path: PathBuf,
    pub(crate) source: PathBuf,
}

/// How small a layer is to be.
#[derive(Clone, Copy)]
pub(crate) enum Effort {
    /// As small as gzip can be, for what is packed once and pulled often: a fiftieth smaller than zlib's best, in a
    /// hundred times the time.
    Smallest,
    /// Soon done, for tests.
    Quick,
}

impl Layer {
    /// Packs the files, which are all programs or libraries.
    pub(crate) fn of(mut files: Vec<File>, effort: Effort) -> anyhow::Result<Self> {
        files.sort_by(|a, b| a.path.cmp(&b.path));
        let mut archive = tar::Builder::new(Vec::new());
        for file in files {
            let content = std::fs::read(&file.source)
                .with_context(|| format!("could not read {}", file.source.display()))?;
            let mut header = tar::Header::new_ustar();
            header.set_size(content.len() as u64);
            header.set_mode(0o755);
            header.set_mtime(0);
            header.set_uid(0);
            header.set_gid(0);
            archive.append_data(&mut header, &file.path, content.as_slice())?;
        }
        let archive = archive.into_inner()?;
        Ok(Self { compressed: gzip(&archive, effort)?, diff_id: digest_of(&archive) })
    }
}

/// Neither form holds a name or a time.
fn gzip(archive: &[u8], effort: Effort) -> std::io::Result<Vec<u8>> {
    match effort {
        Effort::Smallest => {
            let options = zopfli::Options { iteration_count: ITERATIONS, ..zopfli::Options::default() };
            let mut compressed = Vec::new();
            zopfli::compress(options, zopfli::Format::Gzip, archive, &mut compressed)?;
            Ok(compressed)
        }
        Effort::Quick => {
            let mut gzip = GzBuilder::new().mtime(0).write(Vec::new(), Compression::fast());
            gzip.write_all(archive)?;
            gzip.finish()
        }
    }
}

/// What Zopfli advises for files of several megabytes.
const ITERATIONS: NonZeroU64 = NonZeroU64::new(5).unwrap();

/// The libraries that a binary of the tests needs, each at its own place: it is not static.
pub(crate) fn libraries(binary: &Path) -> anyhow::Result<Vec<File>> {
    let told = Command::new("ldd").arg(binary).output().context("could not start ldd")?;
    let text = String::from_utf8_lossy(&told.stdout);
    ensure!(told.status.success(), "ldd {}: {}", binary.display(), String::from_utf8_lossy(&told.stderr));
    ensure!(!text.contains("not found"), "{} needs what is not there:\n{text}", binary.display());
    Ok(text.lines().filter_map(library).collect())
}

/// `libm.so.6 => /lib/x86_64-linux-gnu/libm.so.6 (0x...)`, or the loader, `/lib64/ld-linux-x86-64.so.2 (0x...)`; what
/// the kernel brings has no place.
fn library(line: &str) -> Option<File> {
    let place = line.rsplit_once("=>").map_or(line, |(_, place)| place).split_whitespace().next()?;
    let path = Path::new(place).strip_prefix("/").ok()?;
    Some(File { path: path.to_owned(), source: PathBuf::from(place) })
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    const EFFORTS: [Effort; 2] = [Effort::Smallest, Effort::Quick];

    fn layer(folder: &Path, names: &[&str], effort: Effort) -> Layer {
        let files = names.iter().map(|name| File { path: name.into(), source: folder.join(name) }).collect();
        Layer::of(files, effort).unwrap()
    }

    #[test]
    fn a_layer_depends_on_nothing_but_its_files() {
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        for folder in [&one, &other] {
            std::fs::write(folder.path().join("notify"), "binary").unwrap();
            std::fs::write(folder.path().join("a"), "a").unwrap();
        }
        let file = std::fs::File::options().append(true).open(other.path().join("notify")).unwrap();
        file.set_modified(std::time::UNIX_EPOCH).unwrap();
        for effort in EFFORTS {
            let first = layer(one.path(), &["notify", "a"], effort);
            let second = layer(other.path(), &["a", "notify"], effort);
            assert_eq!(first.compressed, second.compressed);
            assert_eq!(first.diff_id, second.diff_id);
            // No flags (so no name), no time: https://www.rfc-editor.org/rfc/rfc1952#section-2.3
            assert_eq!(&first.compressed[3..8], [0; 5]);
        }
    }

    #[test]
    fn the_digest_is_that_of_what_comes_out() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("notify"), "binary").unwrap();
        for effort in EFFORTS {
            let layer = layer(folder.path(), &["notify"], effort);
            let mut archive = Vec::new();
            flate2::read::GzDecoder::new(layer.compressed.as_slice()).read_to_end(&mut archive).unwrap();
            assert_eq!(digest_of(&archive), layer.diff_id);
            let mut archive = tar::Archive::new(archive.as_slice());
            let entry = archive.entries().unwrap().next().unwrap().unwrap();
            assert_eq!(entry.path().unwrap().to_str(), Some("notify"));
            assert_eq!(entry.header().mode().unwrap(), 0o755);
        }
    }

    #[test]
    fn libraries_have_the_places_that_the_loader_looks_at() {
        let place = |line| library(line).map(|file| file.path.display().to_string());
        assert_eq!(
            place("\tlibm.so.6 => /lib/x86_64-linux-gnu/libm.so.6 (0x00007f)").as_deref(),
            Some("lib/x86_64-linux-gnu/libm.so.6")
        );
        assert_eq!(
            place("\t/lib64/ld-linux-x86-64.so.2 (0x00007f)").as_deref(),
            Some("lib64/ld-linux-x86-64.so.2")
        );
        assert_eq!(place("\tlinux-vdso.so.1 (0x00007f)"), None);
        assert_eq!(place(""), None);
    }
}
