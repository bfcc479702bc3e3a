//! What files of the repository use each other, as the tools that read them see it.
//!
//! A Terraform module, a kustomization and a chart name folders and files beside them. Read from the files
//! of a component, and from what they name in turn, that is a web: a change in `modules/vpc` touches each
//! layer that calls the module, through any number of steps.
//!
//! The web is that of the head tree. What the base tree used and the head tree does not is no loss: then the
//! file that said so has changed, and that file is a component's own, or in the web itself.
//!
//! Where something can't be told the web says more, never less: a file that can't be read is taken to use
//! the whole repository.

mod hcl;
mod helm;
mod kustomize;
mod reader;
mod terraform;
mod web;

use std::fmt;

use serde::de::DeserializeOwned;

pub(crate) use self::web::{Owners, Web};

/// The tools whose files are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Discover {
    /// Local modules of `*.tf` and `*.tf.json`.
    Terraform,
    /// What kustomization files name.
    Kustomize,
    /// Charts that a chart names by `file://`.
    Helm,
}

impl Discover {
    fn reads(self, name: &[u8]) -> bool {
        match self {
            Self::Terraform => terraform::reads(name),
            Self::Kustomize => kustomize::reads(name),
            Self::Helm => helm::reads(name),
        }
    }

    fn uses(self, name: &[u8], content: &[u8]) -> Result<Vec<Use>, Unread> {
        match self {
            Self::Terraform => terraform::uses(name, content),
            Self::Kustomize => kustomize::uses(content),
            Self::Helm => helm::uses(content),
        }
    }
}

/// Something that a file uses.
#[derive(Debug)]
struct Use {
    /// Relative to the file's folder.
    path: String,
    form: Form,
    /// Line and column, from 1.
    place: Option<(usize, usize)>,
}

/// What a used path stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// A folder with all that lies below it.
    Folder,
    /// The same, if it is there.
    Below,
    /// A file, or a folder that says itself what it uses.
    Entry,
    /// A file, if it is one.
    Text,
    /// It is computed: it may be anything.
    Unknown,
}

impl fmt::Display for Use {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", format!("{:?}", self.form).to_lowercase(), self.path)?;
        self.place.map_or(Ok(()), |(line, column)| write!(f, " at {line}:{column}"))
    }
}

/// Why a file could not be read, and where in it.
#[derive(Debug)]
struct Unread {
    why: String,
    place: Option<(usize, usize)>,
}

impl Unread {
    fn new(why: impl fmt::Display, place: Option<(usize, usize)>) -> Self {
        Self { why: why.to_string(), place }
    }
}

fn read_yaml<T: DeserializeOwned>(content: &[u8]) -> Result<T, Unread> {
    sluice_yaml::from_slice(content)
        .map_err(|error| Unread::new(error.what, Some((error.place.line, error.place.column))))
}

/// Line and column of a byte, from 1; columns count characters.
fn place_in(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |index| index + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

#[cfg(test)]
mod tests;
