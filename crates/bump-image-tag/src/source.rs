//! A file as it was read.

use std::{
    fs,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use sluice_core::{Place, Problem, escape};

use crate::kustomization::FILE_NAMES;

/// One file of the repository and its bytes.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    /// Where it is, without symlinks.
    pub(crate) path: PathBuf,
    /// The same, relative to the repository's root.
    pub(crate) relative: PathBuf,
    pub(crate) bytes: Vec<u8>,
}

impl Source {
    /// Reads the file at `path`, which lies below `root`; both without symlinks.
    pub(crate) fn read(path: &Path, root: &Path) -> Result<Self, Problem> {
        let relative = path.strip_prefix(root).unwrap_or(path).to_path_buf();
        let bytes = fs::read(path).map_err(|error| unread(path, root, error))?;
        Ok(Self { path: path.to_path_buf(), relative, bytes })
    }

    /// The same, for a file whose bytes are `wanted`, else none. `buffer` serves one file after the other: of thousands
    /// few are wanted, and memory for each is what takes the time.
    pub(crate) fn read_where(
        path: &Path,
        root: &Path,
        buffer: &mut Vec<u8>,
        wanted: impl Fn(&[u8]) -> bool,
    ) -> Result<Option<Self>, Problem> {
        let bytes = read_into(path, buffer).map_err(|error| unread(path, root, error))?;
        let source = |bytes: &[u8]| {
            let relative = path.strip_prefix(root).unwrap_or(path).to_path_buf();
            Self { path: path.to_path_buf(), relative, bytes: bytes.to_vec() }
        };
        Ok(wanted(bytes).then(|| source(bytes)))
    }

    /// Whether the file is called as kustomization files are.
    pub(crate) fn is_kustomization(&self) -> bool {
        self.path.file_name().is_some_and(|file| FILE_NAMES.iter().any(|name| file == *name))
    }

    /// The name that people read: relative to the repository's root.
    pub(crate) fn name(&self) -> String {
        escape::bytes(self.relative.as_os_str().as_encoded_bytes())
    }

    /// A place in this file.
    pub(crate) fn place(&self, place: sluice_yaml::Place) -> Place {
        Place::at(self.name(), place.line, place.column)
    }
}

fn unread(path: &Path, root: &Path, error: io::Error) -> Problem {
    let relative = path.strip_prefix(root).unwrap_or(path);
    let name = escape::bytes(relative.as_os_str().as_encoded_bytes());
    Problem::undecided(format!("could not read {name}")).why(error).at(Place::file(&name))
}

/// The bytes of a file, in a buffer that grows to the size of the largest.
fn read_into<'b>(path: &Path, buffer: &'b mut Vec<u8>) -> io::Result<&'b [u8]> {
    const AT_LEAST: usize = 64 * 1024;
    let mut file = fs::File::open(path)?;
    let mut length = 0;
    loop {
        if length == buffer.len() {
            buffer.resize((2 * length).max(AT_LEAST), 0);
        }
        match file.read(&mut buffer[length..]) {
            Ok(0) => return Ok(&buffer[..length]),
            Ok(read) => length += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_buffer_serves_files_of_any_size() {
        let folder = tempfile::tempdir().unwrap();
        let mut buffer = Vec::new();
        for size in [3, 200_000, 65_536, 0] {
            let (path, bytes) = (folder.path().join(size.to_string()), vec![b'a'; size]);
            fs::write(&path, &bytes).unwrap();
            let read = Source::read_where(&path, folder.path(), &mut buffer, |_| true).unwrap().unwrap();
            assert_eq!((read.bytes, read.relative), (bytes, PathBuf::from(size.to_string())));
            assert!(Source::read_where(&path, folder.path(), &mut buffer, |_| false).unwrap().is_none());
        }
        let missing = Source::read_where(&folder.path().join("x"), folder.path(), &mut buffer, |_| true);
        assert_eq!(missing.unwrap_err().place, Some(Place::file("x")));
    }
}
