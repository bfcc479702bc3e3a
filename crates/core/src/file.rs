//! Files that are old or new, never half: write beside, rename. And files that are read, but not without an end.

use std::{
    fs::File,
    io::{self, Read as _, Write as _},
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

/// What the names of the files beside start and end with.
const NAME: (&str, &str) = (".sluice-", ".tmp");

impl Replacement {
    /// Writes `content` beside `target`. A file that exists keeps its mode.
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
        let mut beside = tempfile::Builder::new().prefix(NAME.0).suffix(NAME.1).tempfile_in(folder)?;
        beside.write_all(content)?;
        let permissions = match target.metadata() {
            Ok(metadata) => metadata.permissions(),
            Err(_) => <std::fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o644),
        };
        beside.as_file().set_permissions(permissions)?;
        Ok(Self { target, beside })
    }

    /// Puts the new content in place, at once: a process that is killed leaves the old content or the new one.
    ///
    /// It waits for no disk. When the machine itself fails in the next seconds, what is there afterwards is up to the
    /// file system (ext4 and btrfs keep the old content or the new one here, too): enough for files that git has, and
    /// all that git promises for those that it checks out. [`replace`] waits.
    pub fn commit(self) -> io::Result<()> {
        self.beside.persist(&self.target)?;
        Ok(())
    }
}

/// Replaces one file, and returns when that lasts.
pub fn replace(target: &Path, content: &[u8]) -> io::Result<()> {
    let replacement = Replacement::prepare(target, content)?;
    let folder = File::open(folder_of(&replacement.target))?;
    replacement.beside.as_file().sync_all()?;
    replacement.commit()?;
    folder.sync_all()
}

/// Reads a file of at most so many bytes. One with more is an error that says so, before it fills the memory.
pub fn read(file: &Path, most: u64) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    let length = File::open(file)?.take(most.saturating_add(1)).read_to_end(&mut content)?;
    if length as u64 > most {
        return Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            format!("it is larger than the {most} bytes that are read"),
        ));
    }
    Ok(content)
}

/// Removes what a process that was killed left beside the files of a folder. Only for those who know that no other
/// process writes there now.
pub fn remove_leftovers(folder: &Path) -> io::Result<()> {
    for entry in folder.read_dir()? {
        let entry = entry?;
        let (name, (start, end)) = (entry.file_name(), NAME);
        let name = name.as_encoded_bytes();
        if name.starts_with(start.as_bytes())
            && name.ends_with(end.as_bytes())
            && entry.file_type()?.is_file()
        {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
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
    fn what_a_killed_process_left_is_removed_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::mem::forget(Replacement::prepare(&file, b"new").unwrap());
        for other in [".sluice-keep", "file.tmp", "sluice-x.tmp"] {
            std::fs::write(folder.path().join(other), "").unwrap();
        }
        assert_eq!(folder.path().read_dir().unwrap().count(), 4);
        remove_leftovers(folder.path()).unwrap();
        assert_eq!(folder.path().read_dir().unwrap().count(), 3);
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
