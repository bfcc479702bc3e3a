//! The files of overlays: each is read once, and parsed only where it can hold what is looked for.

use std::{collections::HashSet, path::Path};

use memchr::memmem::{self, Finder};
use sluice_core::Problem;

use crate::{argument::familiar, formats::Parsed, overlay::Overlay, source::Source};

/// A file, read and parsed.
#[derive(Debug)]
pub(crate) struct Read {
    pub(crate) source: Source,
    pub(crate) parsed: Parsed,
}

/// A file of an overlay.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Candidate<'a> {
    pub(crate) path: &'a Path,
    /// Whether it was found in a folder: nobody said that it holds images.
    is_searched: bool,
}

/// The files of the overlays, each once.
pub(crate) fn candidates(overlays: &[Overlay]) -> Vec<Candidate<'_>> {
    let mut seen = HashSet::new();
    let all = overlays.iter().flat_map(|overlay| {
        let is_searched = overlay.is_searched;
        overlay.files.iter().map(move |path| Candidate { path, is_searched })
    });
    // One overlay has each file once. Of paths without `.` and `..` the text tells which are the same, and in less
    // time.
    all.filter(|file| overlays.len() == 1 || seen.insert(file.path.as_os_str())).collect()
}

/// What is looked for: one of some images, or any where no name is given.
#[derive(Debug)]
pub(crate) struct Search<'a> {
    names: Vec<Name<'a>>,
}

impl<'a> Search<'a> {
    pub(crate) fn of(names: &[&'a str]) -> Self {
        Self { names: names.iter().map(|name| Name::of(name)).collect() }
    }

    /// Whether a file is to be parsed.
    pub(crate) fn wants(&self, file: Candidate<'_>, bytes: &[u8]) -> bool {
        !file.is_searched || self.names.is_empty() || self.names.iter().any(|name| name.may_be_in(bytes))
    }

    /// Parses a file that is wanted. None where it turns out to be none that holds images.
    pub(crate) fn parse(&self, file: Candidate<'_>, source: Source) -> Result<Option<Read>, Problem> {
        match Parsed::read(&source) {
            Ok(parsed) => Ok(Some(Read { source, parsed })),
            // A chart's templates lie in its folder too. They hold no values; one that names the image is told of.
            Err(_)
                if file.is_searched
                    && is_template(&source.bytes)
                    && !self.names.iter().any(|name| name.whole.find(&source.bytes).is_some()) =>
            {
                Ok(None)
            }
            Err(problem) => Err(problem),
        }
    }
}

/// The name of an image, ready to be searched for.
#[derive(Debug)]
struct Name<'a> {
    whole: Finder<'a>,
    last_part: Finder<'a>,
    /// The name in two parts, parted at each of its slashes.
    parts: Vec<[Finder<'a>; 2]>,
}

impl<'a> Name<'a> {
    fn of(name: &'a str) -> Self {
        let text = familiar(name);
        let last_part = text.rsplit('/').next().unwrap_or(text);
        let part = |(at, _)| [&text[..at], &text[at + 1..]].map(Finder::new);
        Self {
            whole: Finder::new(text),
            last_part: Finder::new(last_part),
            parts: text.match_indices('/').map(part).collect(),
        }
    }

    /// Whether a file may speak of the image: of its whole name, or of two parts that make it up, as Helm values write
    /// the registry apart from the rest.
    fn may_be_in(&self, bytes: &[u8]) -> bool {
        // Most files end here.
        if self.last_part.find(bytes).is_none() {
            return false;
        }
        let in_two = || self.parts.iter().any(|parts| parts.iter().all(|part| holds_value(bytes, part)));
        // In double quotes a slash may be written `\/`.
        self.whole.find(bytes).is_some() || in_two() || memchr::memchr(b'\\', bytes).is_some()
    }
}

/// Whether a value ends with the text: no character of a name follows it.
fn holds_value(bytes: &[u8], text: &Finder<'_>) -> bool {
    text.find_iter(bytes).any(|at| {
        let next = bytes.get(at + text.needle().len());
        next.is_none_or(|next| !next.is_ascii_alphanumeric() && !b"._-/:@".contains(next))
    })
}

fn is_template(bytes: &[u8]) -> bool {
    memmem::find(bytes, b"{{").is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_parsed_where_it_may_hold_the_image() {
        let may = |text: &str, name: &str| Name::of(name).may_be_in(text.as_bytes());
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
