//! Backups in folders.

use std::{fs, io, path::Path};

use sluice_core::{Context, Problem, escape};

use super::Spool;
use crate::{manifest, plan::check_free};

/// Turns what was written beside into the folder, with its manifest.
pub(super) fn keep(folder: &Path, spool: &Spool<'_>, manifest: &[u8], cx: &Context) -> Result<(), Problem> {
    check_free(folder, cx)?;
    spool.write(manifest::FILE, manifest)?;
    spool.become_folder(folder)
}

/// Whatever is not a folder is a path: what is no plain file is found out when it is read.
pub(super) fn paths(folder: &Path, cx: &Context) -> Result<Vec<String>, Problem> {
    let mut paths = Vec::new();
    match folder.symlink_metadata() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(paths),
        _ => walk(folder, "", &mut paths).map_err(|error| unreadable(folder, cx, &error))?,
    }
    paths.sort();
    Ok(paths)
}

fn walk(folder: &Path, prefix: &str, paths: &mut Vec<String>) -> io::Result<()> {
    for entry in folder.read_dir()? {
        let entry = entry?;
        let path = format!("{prefix}{}", escape::bytes(entry.file_name().as_encoded_bytes()));
        if entry.file_type()?.is_dir() {
            walk(&entry.path(), &format!("{path}/"), paths)?;
        } else {
            paths.push(path);
        }
    }
    Ok(())
}

/// No link is followed: it would bring in what lies elsewhere.
pub(super) fn read(folder: &Path, path: &str, cx: &Context) -> Result<Vec<u8>, Problem> {
    let file = folder.join(path);
    let content = file.symlink_metadata().and_then(|metadata| {
        if metadata.is_file() { fs::read(&file) } else { Err(io::Error::other("it is no plain file")) }
    });
    content.map_err(|error| unreadable(&file, cx, &error))
}

fn unreadable(path: &Path, cx: &Context, error: &io::Error) -> Problem {
    Problem::undecided(format!("could not read {}", cx.name_of(path))).why(error)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::store::Address;

    fn context(folder: &Path) -> Context {
        Context::new(sluice_core::Environment::default(), folder, || jiff::Timestamp::UNIX_EPOCH)
    }

    fn keep(folder: &Path, files: &[&str], cx: &Context) -> Result<(), Problem> {
        let spool = Spool::new(&Address::Folder(folder.to_owned()), cx)?;
        files.iter().try_for_each(|path| spool.write(path, path.as_bytes()))?;
        super::keep(folder, &spool, b"{}", cx).inspect_err(|_| spool.discard())
    }

    #[test]
    fn a_backup_is_read_as_it_was_kept() {
        let root = tempfile::tempdir().unwrap();
        let (cx, folder) = (context(root.path()), root.path().join("new/backup"));
        keep(&folder, &["a/x.yaml", "a/y.yaml", "b.c/z.yaml"], &cx).unwrap();
        assert_eq!(paths(&folder, &cx).unwrap(), ["a/x.yaml", "a/y.yaml", "b.c/z.yaml", "manifest.json"]);
        assert_eq!(read(&folder, "a/y.yaml", &cx).unwrap(), b"a/y.yaml");
        assert_eq!(folder.metadata().unwrap().permissions().mode() & 0o777, 0o755);
        assert_eq!(root.path().join("new").read_dir().unwrap().count(), 1);
        assert_eq!(paths(&root.path().join("none"), &cx).unwrap(), Vec::<String>::new());
    }

    #[test]
    fn nothing_is_overwritten_and_nothing_half_is_left() {
        let root = tempfile::tempdir().unwrap();
        let (cx, folder) = (context(root.path()), root.path().join("backup"));
        fs::create_dir(&folder).unwrap();
        keep(&folder, &["a/x.yaml"], &cx).unwrap();
        let problem = keep(&folder, &["a/y.yaml"], &cx).unwrap_err();
        assert_eq!(problem.why.as_deref(), Some("it holds files already"));
        assert_eq!(paths(&folder, &cx).unwrap(), ["a/x.yaml", "manifest.json"]);
        // No file can lie below another.
        let other = root.path().join("other");
        let spool = Spool::new(&Address::Folder(other.clone()), &cx).unwrap();
        spool.write("a", b"").unwrap();
        assert!(spool.write("a/b", b"").is_err());
        spool.discard();
        let left: Vec<_> = root.path().read_dir().unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, ["backup"]);
        std::os::unix::fs::symlink("/etc", &other).unwrap();
        assert_eq!(keep(&other, &[], &cx).unwrap_err().why.as_deref(), Some("it is a file"));
    }

    #[test]
    fn a_link_is_no_file_of_a_backup() {
        let root = tempfile::tempdir().unwrap();
        let cx = context(root.path());
        std::os::unix::fs::symlink("/etc/passwd", root.path().join("a.yaml")).unwrap();
        std::os::unix::fs::symlink("/etc", root.path().join("b")).unwrap();
        assert_eq!(paths(root.path(), &cx).unwrap(), ["a.yaml", "b"]);
        assert_eq!(read(root.path(), "a.yaml", &cx).unwrap_err().why.as_deref(), Some("it is no plain file"));
    }
}
