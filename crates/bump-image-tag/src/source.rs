//! A file as it was read.

use std::path::{Path, PathBuf};

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
        let name = escape::bytes(relative.as_os_str().as_encoded_bytes());
        let bytes = std::fs::read(path).map_err(|error| {
            Problem::undecided(format!("could not read {name}")).why(error).at(Place::file(&name))
        })?;
        Ok(Self { path: path.to_path_buf(), relative, bytes })
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
