//! A pattern looked at name by name: which folders lead to files that it matches, and from where on a path
//! says nothing new.

use sluice_glob::Glob;

/// What a pattern says of the first names of a path.
#[derive(Debug)]
pub(crate) struct Levels {
    /// What matches the first name, the first two, and so on; what lies below the last one matches, whatever it is.
    globs: Vec<Glob>,
}

impl Levels {
    /// The levels of a pattern `.../**` that says one name after the other; none of any other pattern.
    pub(crate) fn of(pattern: &str) -> Option<Self> {
        let folder = pattern.strip_suffix("/**")?;
        if !folder.split('/').all(is_one_name) {
            return None;
        }
        let ends = folder.match_indices('/').map(|(end, _)| end).chain([folder.len()]);
        let globs = ends.map(|end| Glob::with_captures(&folder[..end]));
        Some(Self { globs: globs.collect::<Result<_, _>>().ok()? })
    }

    /// Whether a file that the pattern matches may lie below a folder.
    pub(crate) fn lead_into(&self, folder: &[u8]) -> bool {
        let names = count(folder).min(self.globs.len());
        let first = first(folder, names);
        names == 0 || self.globs.get(names - 1).is_some_and(|glob| glob.is_match(first))
    }

    /// The folder that tells all that the pattern captures of a path, if the path leads there.
    pub(crate) fn decisive<'p>(&self, path: &'p [u8]) -> Option<&'p [u8]> {
        (count(path) >= self.globs.len()).then(|| first(path, self.globs.len()))
    }
}

/// Whether a part of a pattern stands for one name, whatever the rest of the pattern is.
fn is_one_name(part: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-.*?{}".contains(c);
    !matches!(part, "" | "." | "..") && !part.contains("**") && part.chars().all(is_plain)
}

fn count(path: &[u8]) -> usize {
    if path.is_empty() { 0 } else { path.split(|byte| *byte == b'/').count() }
}

/// The first names of a path that has at least so many.
fn first(path: &[u8], names: usize) -> &[u8] {
    let mut slashes = path.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| at);
    let end = names.checked_sub(1).and_then(|before| slashes.nth(before));
    &path[..if names == 0 { 0 } else { end.unwrap_or(path.len()) }]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn folders_lead_to_files_name_by_name() {
        let levels = Levels::of("regions/{region}/layers/01-*/{environment}/**").unwrap();
        for (folder, leads) in [
            ("", true),
            ("regions", true),
            ("services", false),
            ("regions/eu/layers", true),
            ("regions/eu/other", false),
            ("regions/eu/layers/02-x", false),
            ("regions/eu/layers/01-x/dev", true),
            ("regions/eu/layers/01-x/dev/deep/er", true),
            ("regions/eu/layers/02-x/dev/deep/er", false),
        ] {
            assert_eq!(levels.lead_into(folder.as_bytes()), leads, "{folder}");
        }
        let decisive = |path: &str| levels.decisive(path.as_bytes()).map(<[u8]>::to_vec);
        assert_eq!(decisive("regions/eu/layers/01-x/dev/a/b"), Some(b"regions/eu/layers/01-x/dev".to_vec()));
        assert_eq!(decisive("regions/eu/layers/01-x"), None);
    }

    #[test]
    fn patterns_that_do_not_go_name_by_name_have_no_levels() {
        for pattern in [
            "a/*",
            "**/a/**",
            "a/**/b/**",
            "{a,b}/**",
            "a/{b/c}/**",
            "@(a|b/c)/**",
            "!a/**",
            "./a/**",
            "[a-z]/**",
            "a\\/b/**",
            "/**",
            "**",
        ] {
            assert!(Levels::of(pattern).is_none(), "{pattern}");
        }
    }

    proptest! {
        /// What matches is led to, and its decisive folder tells what it captures.
        #[test]
        fn nothing_that_matches_is_missed(
            parts in prop::collection::vec("[ab*?.]{1,3}|\\{x\\}|a\\{y\\}|\\{1\\.\\.2\\}", 1..4),
            names in prop::collection::vec("[ab1.]{1,3}", 1..6),
        ) {
            let pattern = format!("{}/**", parts.join("/"));
            let path = names.join("/");
            if let Some(levels) = Levels::of(&pattern) {
                let glob = Glob::with_captures(&pattern).unwrap();
                let below = format!("{path}/file");
                if let Some(captures) = glob.captures(below.as_bytes()) {
                    let folders = below.match_indices('/').map(|(end, _)| &below[..end]);
                    for folder in folders {
                        prop_assert!(levels.lead_into(folder.as_bytes()), "{} {}", pattern, folder);
                    }
                    if let Some(folder) = levels.decisive(below.as_bytes()) {
                        let other = [folder, b"/another/file"].concat();
                        let told = glob.captures(&other).expect("it matches below the folder, too");
                        prop_assert_eq!(
                            captures.iter().collect::<Vec<_>>(),
                            told.iter().collect::<Vec<_>>()
                        );
                    }
                }
            }
        }
    }
}
