//! The files of overlays: each is read once, and parsed only where it can hold what is looked for.

use std::{collections::BTreeSet, path::Path};

use memchr::memmem;
use sluice_core::{Problem, Problems};

use crate::{formats::Parsed, overlay::Overlay, source::Source};

/// A file, read and parsed.
#[derive(Debug)]
pub(crate) struct Read {
    pub(crate) source: Source,
    pub(crate) parsed: Parsed,
}

/// The files of the overlays that can hold one of the images, or any where no name is given. `source` reads one.
pub(crate) fn read(
    overlays: &[Overlay],
    names: &[&str],
    source: &dyn Fn(&Path) -> Result<Source, Problem>,
) -> Result<Vec<Read>, Problems> {
    let mut problems = Problems::default();
    let mut seen = BTreeSet::new();
    let mut files: Vec<Read> = Vec::new();
    for overlay in overlays {
        for path in &overlay.files {
            if !seen.insert(path) {
                continue;
            }
            match source(path).and_then(|source| parse(source, overlay.is_searched, names)) {
                Ok(file) => files.extend(file),
                Err(problem) => problems.0.push(problem),
            }
        }
    }
    problems.or(files)
}

fn parse(source: Source, is_searched: bool, names: &[&str]) -> Result<Option<Read>, Problem> {
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
