//! Files that are old or new, never half: write beside, fsync, rename.

use std::{
    io::{self, Write as _},
    path::{Path, PathBuf},
};

/// New content for a file, written beside it and not yet visible.
///
/// Dropped without [`Replacement::commit`], it leaves no trace.
#[derive(Debug)]
pub struct Replacement {
    target: PathBuf,
    beside: tempfile::NamedTempFile,
}

impl Replacement {
    /// Writes `content` beside `target` and makes it durable. A file that exists keeps its mode.
    ///
    /// Several replacements are best prepared all, then committed all: what can fail (space,
    /// permission) fails before the first file changes.
    pub fn prepare(target: &Path, content: &[u8]) -> io::Result<Self> {
        // A symlink stays one: what it points to is replaced.
        let target = match target.canonicalize() {
            Ok(target) => target,
            Err(error) if error.kind() == io::ErrorKind::NotFound => target.to_path_buf(),
            Err(error) => return Err(error),
        };
        let folder = folder_of(&target);
        let mut beside = tempfile::Builder::new().prefix(".sluice-").suffix(".tmp").tempfile_in(folder)?;
        beside.write_all(content)?;
        let permissions = match target.metadata() {
            Ok(metadata) => metadata.permissions(),
            Err(_) => <std::fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o644),
        };
        beside.as_file().set_permissions(permissions)?;
        beside.as_file().sync_all()?;
        Ok(Self { target, beside })
    }

    /// Puts the new content in place, at once.
    pub fn commit(self) -> io::Result<()> {
        let folder = std::fs::File::open(folder_of(&self.target))?;
        self.beside.persist(&self.target)?;
        folder.sync_all()
    }
}

/// Replaces one file.
pub fn replace(target: &Path, content: &[u8]) -> io::Result<()> {
    Replacement::prepare(target, content)?.commit()
}

fn folder_of(file: &Path) -> &Path {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_file_keeps_its_mode_and_a_symlink_its_target() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        std::fs::write(&file, "old").unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
        std::os::unix::fs::symlink("file", &link).unwrap();

        replace(&link, b"new").unwrap();

        assert_eq!(std::fs::read(&file).unwrap(), b"new");
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o755);
        assert!(link.is_symlink());
    }

    #[test]
    fn what_is_not_committed_leaves_no_trace() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "old").unwrap();
        drop(Replacement::prepare(&file, b"new").unwrap());
        assert_eq!(std::fs::read(&file).unwrap(), b"old");
        assert_eq!(folder.path().read_dir().unwrap().count(), 1);
    }
}
