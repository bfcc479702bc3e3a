//! Backups in folders.

use std::{
    fs::{self, File as OnDisk},
    io::{self, Write as _},
    os::unix::fs::PermissionsExt as _,
    path::Path,
};

use sluice_core::{Context, Problem, escape};

use super::File;
use crate::{manifest, plan::check_free};

/// Fills a folder beside, and renames it when all of it lasts.
pub(super) fn keep(folder: &Path, files: &[File], manifest: &[u8], cx: &Context) -> Result<(), Problem> {
    check_free(folder, cx)?;
    let failed = |error: &dyn std::fmt::Display| {
        Problem::undecided(format!("could not write the backup to {}", cx.name_of(folder))).why(error)
    };
    let parent = folder.parent().ok_or_else(|| failed(&"it has no folder around it"))?;
    fs::create_dir_all(parent).map_err(|error| failed(&error))?;
    let beside = tempfile::Builder::new()
        .prefix(".sluice-backup-")
        .tempdir_in(parent)
        .map_err(|error| failed(&error))?;
    let filled = fill(beside.path(), files, manifest, cx);
    let kept = filled.and_then(|()| {
        fs::rename(beside.path(), folder).and_then(|()| sync(parent)).map_err(|error| failed(&error))
    });
    match kept {
        // What was renamed is not there any more under its first name.
        Ok(()) => drop(beside.keep()),
        Err(problem) => {
            beside.close().map_err(|error| failed(&error))?;
            return Err(problem);
        }
    }
    Ok(())
}

/// Writes all files, the manifest last, and returns when they last.
fn fill(folder: &Path, files: &[File], manifest: &[u8], cx: &Context) -> Result<(), Problem> {
    let failed = |path: &str, error: &io::Error| {
        Problem::undecided(format!("could not write {path} of the backup")).why(error)
    };
    let mut folders = std::collections::BTreeSet::new();
    for File { path, content } in files {
        cx.cancellation().check()?;
        let file = folder.join(path);
        let inner = file.parent().unwrap_or(folder);
        fs::create_dir_all(inner)
            .and_then(|()| write(&file, content))
            .map_err(|error| failed(path, &error))?;
        folders.insert(inner.to_path_buf());
    }
    for inner in &folders {
        sync(inner).map_err(|error| failed(&inner.display().to_string(), &error))?;
    }
    cx.cancellation().check()?;
    write(&folder.join(manifest::FILE), manifest)
        // Temporary folders are their owner's alone; the steps after this one may be someone else.
        .and_then(|()| fs::set_permissions(folder, fs::Permissions::from_mode(0o755)))
        .and_then(|()| sync(folder))
        .map_err(|error| failed(manifest::FILE, &error))
}

fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = OnDisk::create_new(path)?;
    file.write_all(content)?;
    file.sync_all()
}

fn sync(folder: &Path) -> io::Result<()> {
    OnDisk::open(folder)?.sync_all()
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
    use super::*;

    fn context(folder: &Path) -> Context {
        Context::new(sluice_core::Environment::default(), folder, || jiff::Timestamp::UNIX_EPOCH)
    }

    fn file(path: &str) -> File {
        File { path: path.to_owned(), content: path.as_bytes().to_vec() }
    }

    #[test]
    fn a_backup_is_read_as_it_was_kept() {
        let root = tempfile::tempdir().unwrap();
        let (cx, folder) = (context(root.path()), root.path().join("new/backup"));
        keep(&folder, &[file("a/x.yaml"), file("a/y.yaml"), file("b.c/z.yaml")], b"{}", &cx).unwrap();
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
        keep(&folder, &[file("a/x.yaml")], b"{}", &cx).unwrap();
        let problem = keep(&folder, &[], b"{}", &cx).unwrap_err();
        assert_eq!(problem.why.as_deref(), Some("it holds files already"));
        // Two files of one path can't be: the second fails, and the first is gone too.
        let other = root.path().join("other");
        assert!(keep(&other, &[file("a"), file("a")], b"{}", &cx).is_err());
        let left: Vec<_> = root.path().read_dir().unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, ["backup"]);
        std::os::unix::fs::symlink("/etc", &other).unwrap();
        assert_eq!(keep(&other, &[], b"{}", &cx).unwrap_err().why.as_deref(), Some("it is a file"));
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
