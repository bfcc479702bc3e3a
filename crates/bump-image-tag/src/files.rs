//! The files of overlays: each is read once, and parsed only where it can hold what is looked for.

use std::{collections::BTreeSet, path::Path};

use memchr::memmem;
use sluice_core::{Problem, Problems};

use crate::{argument::familiar, formats::Parsed, overlay::Overlay, source::Source};

/// A file, read and parsed.
#[derive(Debug)]
pub(crate) struct Read {
    pub(crate) source: Source,
    pub(crate) parsed: Parsed,
}

/// Reads a file whose bytes are wanted, else none.
pub(crate) type ReadWhere<'a> =
    &'a mut dyn FnMut(&Path, &dyn Fn(&[u8]) -> bool) -> Result<Option<Source>, Problem>;

/// The files of the overlays that can hold one of the images, or any where no name is given.
pub(crate) fn read(
    overlays: &[Overlay],
    names: &[&str],
    source: ReadWhere<'_>,
) -> Result<Vec<Read>, Problems> {
    let mut problems = Problems::default();
    let mut seen = BTreeSet::new();
    let mut files: Vec<Read> = Vec::new();
    for overlay in overlays {
        for path in &overlay.files {
            if !seen.insert(path) {
                continue;
            }
            let is_wanted = |bytes: &[u8]| {
                !overlay.is_searched || names.is_empty() || names.iter().any(|name| may_hold(bytes, name))
            };
            match source(path, &is_wanted).and_then(|source| {
                source.map_or(Ok(None), |source| parse(source, overlay.is_searched, names))
            }) {
                Ok(file) => files.extend(file),
                Err(problem) => problems.0.push(problem),
            }
        }
    }
    problems.or(files)
}

fn parse(source: Source, is_searched: bool, names: &[&str]) -> Result<Option<Read>, Problem> {
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

/// Whether a file may speak of an image: of its whole name, or of two parts that make it up, as Helm values write the
/// registry apart from the rest.
fn may_hold(bytes: &[u8], name: &str) -> bool {
    let name = familiar(name);
    // Most files end here.
    if !holds(bytes, name.rsplit('/').next().unwrap_or(name)) {
        return false;
    }
    let in_two = || {
        let mut slashes = name.match_indices('/');
        slashes.any(|(at, _)| holds_value(bytes, &name[..at]) && holds_value(bytes, &name[at + 1..]))
    };
    // In double quotes a slash may be written `\/`.
    holds(bytes, name) || in_two() || memchr::memchr(b'\\', bytes).is_some()
}

/// Whether a value ends with the text: no character of a name follows it.
fn holds_value(bytes: &[u8], text: &str) -> bool {
    memmem::find_iter(bytes, text.as_bytes()).any(|at| {
        let next = bytes.get(at + text.len());
        next.is_none_or(|next| !next.is_ascii_alphanumeric() && !b"._-/:@".contains(next))
    })
}

fn holds(bytes: &[u8], text: &str) -> bool {
    memmem::find(bytes, text.as_bytes()).is_some()
}

fn is_template(bytes: &[u8]) -> bool {
    holds(bytes, "{{")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_parsed_where_it_may_hold_the_image() {
        let may = |text: &str, name: &str| may_hold(text.as_bytes(), name);
        let name = "ghcr.io:5000/acme/shop/api";
        for text in [
            "image: ghcr.io:5000/acme/shop/api:v1",
            "{registry: 'ghcr.io:5000', repository: acme/shop/api}",
            "{repository: shop/api, registry: ghcr.io:5000/acme}",
            r#"{"image": "ghcr.io:5000\/acme\/shop\/api:v1"}"#,
        ] {
            assert!(may(text, name), "{text}");
        }
        for text in ["tier: api", "image: acme/shop/api", "{tier: api, image: 'ghcr.io:5000/acme/shop/web'}"]
        {
            assert!(!may(text, name), "{text}");
        }
        assert!(may("image: library/nginx:1", "docker.io/nginx"));
        assert!(may("{registry: docker.io, repository: nginx}", "nginx"));
    }
}
