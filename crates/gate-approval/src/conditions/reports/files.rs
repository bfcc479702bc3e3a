//! Finding the report files that a glob names, and reading them.
//!
//! Only folders below the glob's literal part are looked into. A link to a folder is not followed; a link
//! to a file is, as long as it stays inside the repository. What can't be read is an error, never "not
//! there".

use std::{
    io,
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
};

use sluice_core::{Problem, escape};
use sluice_glob::Glob;

/// A report larger than this is not read.
const LARGEST: u64 = 256 * 1024 * 1024;

/// A file that matches: its path from the repository's root, in bytes.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ReportFile(Vec<u8>);

impl ReportFile {
    /// The name, for people.
    pub(super) fn name(&self) -> String {
        escape::bytes(&self.0)
    }

    /// The content, or why there is none.
    pub(super) fn read(&self, root: &Path) -> Result<Vec<u8>, String> {
        let could_not = |error: io::Error| format!("could not be read: {error}");
        let path = inside(root, &below(root, &self.0)).map_err(could_not)?;
        let path = path.ok_or("leads out of the repository")?;
        let metadata = path.metadata().map_err(could_not)?;
        if !metadata.is_file() {
            // A pipe would be waited for, a device never ends.
            return Err("is not a file".to_owned());
        }
        if metadata.len() > LARGEST {
            return Err(format!("is larger than {} MiB", LARGEST / 1024 / 1024));
        }
        std::fs::read(path).map_err(could_not)
    }
}

/// The files below `root` that match, in the order of their names.
pub(super) fn matching(root: &Path, glob: &Glob) -> Result<Vec<ReportFile>, Problem> {
    let start = glob.literal_prefix().as_bytes().to_vec();
    let could_not = |folder: &[u8], why: &dyn std::fmt::Display| {
        let name = if folder.is_empty() { "the repository's root".to_owned() } else { escape::bytes(folder) };
        Problem::undecided(format!("could not look for reports in {name}")).why(why)
    };
    match inside(root, &below(root, &start)) {
        Ok(Some(_)) => {}
        Ok(None) => return Err(could_not(&start, &"it leads out of the repository")),
        Err(error) if is_absence(&error) => return Ok(Vec::new()),
        Err(error) => return Err(could_not(&start, &error)),
    }
    let mut found = Vec::new();
    let mut pending = vec![start];
    while let Some(name) = pending.pop() {
        let path = below(root, &name);
        if !path.is_dir() {
            found.push(name);
            continue;
        }
        let entries = path.read_dir().map_err(|error| could_not(&name, &error))?;
        for entry in entries {
            let entry = entry.map_err(|error| could_not(&name, &error))?;
            let kind = entry.file_type().map_err(|error| could_not(&name, &error))?;
            let entry = joined(&name, entry.file_name().as_bytes());
            if kind.is_dir() {
                pending.push(entry);
            } else if !(kind.is_symlink() && below(root, &entry).is_dir()) {
                found.push(entry);
            }
        }
    }
    found.retain(|name| glob.is_match(name));
    found.sort();
    Ok(found.into_iter().map(ReportFile).collect())
}

/// The path with all links followed; `None` when that leads out of the root.
fn inside(root: &Path, path: &Path) -> io::Result<Option<PathBuf>> {
    let path = path.canonicalize()?;
    Ok(path.starts_with(root.canonicalize()?).then_some(path))
}

fn is_absence(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

fn below(root: &Path, name: &[u8]) -> PathBuf {
    root.join(std::ffi::OsStr::from_bytes(name))
}

fn joined(folder: &[u8], name: &[u8]) -> Vec<u8> {
    if folder.is_empty() { name.to_vec() } else { [folder, b"/", name].concat() }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink};

    use super::*;

    /// A repository with reports, links and a pipe in it.
    fn repository() -> tempfile::TempDir {
        let outside = tempfile::tempdir().unwrap();
        let root = outside.path().join("repository");
        for folder in ["reports/deep/deeper", "other"] {
            fs::create_dir_all(root.join(folder)).unwrap();
        }
        for file in [
            "reports/b.sarif",
            "reports/a.sarif",
            "reports/a.json",
            "reports/deep/deeper/c.sarif",
            "other/d.sarif",
        ] {
            fs::write(root.join(file), file).unwrap();
        }
        fs::write(root.join(std::ffi::OsStr::from_bytes(b"reports/\xff\n.sarif")), "bytes").unwrap();
        fs::create_dir_all(outside.path().join("elsewhere")).unwrap();
        fs::write(outside.path().join("elsewhere/secret.sarif"), "secret").unwrap();
        symlink("../../elsewhere/secret.sarif", root.join("reports/out.sarif")).unwrap();
        symlink("../other/d.sarif", root.join("reports/in.sarif")).unwrap();
        symlink("nowhere", root.join("reports/nowhere.sarif")).unwrap();
        symlink("..", root.join("reports/loop.sarif")).unwrap();
        symlink("../elsewhere", root.join("elsewhere")).unwrap();
        outside
    }

    fn names(root: &Path, glob: &str) -> Vec<String> {
        let files = matching(root, &Glob::new(glob).unwrap()).unwrap();
        files.iter().map(ReportFile::name).collect()
    }

    #[test]
    fn files_are_found_in_the_order_of_their_names() {
        let folder = repository();
        let root = folder.path().join("repository");
        assert_eq!(
            names(&root, "reports/*.sarif"),
            ["a", "b", "in", "nowhere", "out", "\\xff\n"].map(|name| format!("reports/{name}.sarif"))
        );
        assert_eq!(names(&root, "./reports/deep/**/*.sarif"), ["reports/deep/deeper/c.sarif"]);
        assert_eq!(names(&root, "**/d.sarif"), ["other/d.sarif"]);
        assert_eq!(names(&root, "other/d.sarif"), ["other/d.sarif"]);
        assert_eq!(names(&root, "other/e.sarif"), [""; 0]);
        assert_eq!(names(&root, "other/d.sarif/*.sarif"), [""; 0]);
        assert_eq!(names(&root, "nothing/*.sarif"), [""; 0]);
    }

    #[test]
    fn what_is_read_is_a_file_inside_the_repository() {
        let folder = repository();
        let root = folder.path().join("repository");
        let read = |name: &str| ReportFile(name.as_bytes().to_vec()).read(&root);
        assert_eq!(read("reports/a.sarif").unwrap(), b"reports/a.sarif");
        assert_eq!(read("reports/in.sarif").unwrap(), b"other/d.sarif");
        assert_eq!(read("reports/out.sarif").unwrap_err(), "leads out of the repository");
        assert!(read("reports/nowhere.sarif").unwrap_err().starts_with("could not be read"));
        assert_eq!(read("reports/deep").unwrap_err(), "is not a file");
    }

    #[test]
    fn a_link_out_of_the_repository_is_not_looked_into() {
        let folder = repository();
        let root = folder.path().join("repository");
        assert_eq!(names(&root, "**/secret.sarif"), [""; 0]);
        let problem = matching(&root, &Glob::new("elsewhere/*.sarif").unwrap()).unwrap_err();
        assert_eq!(problem.why.as_deref(), Some("it leads out of the repository"));
        assert_eq!(problem.verdict, sluice_core::Verdict::Undecided);
    }
}
