//! The files of overlays: each is read once, and parsed only where it can hold what is looked for.

use std::{collections::BTreeSet, path::Path};

use memchr::memmem;
use sluice_core::{Context, Problem, Problems};

use crate::{
    formats::Parsed,
    overlay::{self, Overlay},
    source::Source,
};

/// A file, read and parsed.
#[derive(Debug)]
pub(crate) struct Read {
    pub(crate) source: Source,
    pub(crate) parsed: Parsed,
}

/// The files of the overlays that can hold one of the images, or any where no name is given.
pub(crate) fn read(overlays: &[Overlay], names: &[&str], cx: &Context) -> Result<Vec<Read>, Problems> {
    let root = overlay::root(cx)?;
    let mut problems = Problems::default();
    let mut seen = BTreeSet::new();
    let mut files: Vec<Read> = Vec::new();
    for overlay in overlays {
        for path in &overlay.files {
            cx.cancellation().check().map_err(Problem::from)?;
            if !seen.insert(path) {
                continue;
            }
            match read_one(path, overlay.is_searched, names, &root) {
                Ok(file) => files.extend(file),
                Err(problem) => problems.0.push(problem),
            }
        }
    }
    problems.or(files)
}

fn read_one(path: &Path, is_searched: bool, names: &[&str], root: &Path) -> Result<Option<Read>, Problem> {
    let source = Source::read(path, root)?;
    if is_searched && !names.is_empty() && !names.iter().any(|name| may_hold(&source.bytes, name)) {
        return Ok(None);
    }
    match Parsed::read(&source) {
        Ok(parsed) => Ok(Some(Read { source, parsed })),
        // A chart's templates lie in its folder too. They hold no values; one that names the image is told of.
        Err(_)
            if is_searched
                && is_template(&source.bytes)
                && !names.iter().any(|name| holds(&source.bytes, name)) =>
        {
            Ok(None)
        }
        Err(problem) => Err(problem),
    }
}

/// Whether a file may speak of an image: Helm values have the registry, and now and then more of the name, apart from
/// the rest.
fn may_hold(bytes: &[u8], name: &str) -> bool {
    holds(bytes, name.rsplit('/').next().unwrap_or(name))
}

fn holds(bytes: &[u8], text: &str) -> bool {
    memmem::find(bytes, text.as_bytes()).is_some()
}

fn is_template(bytes: &[u8]) -> bool {
    holds(bytes, "{{")
}
