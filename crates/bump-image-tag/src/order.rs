//! Which of two versions is the older one.
//!
//! Versions tell it themselves where both are semantic versions. Of tags that hold commits the history of the source
//! repository tells it. An older version is refused unless it is wanted. Where neither tells, as of a commit that is
//! not in the source repository, that is said, and no one is held up; where GitHub can't be asked, nothing is written.

use std::{cell::RefCell, cmp::Ordering, collections::HashMap};

use semver::Version;
use sluice_core::{Problem, Problems};
use sluice_github::{Kind, Repository};

use crate::{edit::Edited, remote::Remote};

/// What holds for versions that are older.
#[derive(Debug, Default)]
pub(crate) struct Order {
    pub(crate) allows_older: bool,
    /// The repository that the commits in tags are of.
    pub(crate) source: Option<Repository>,
    known: RefCell<HashMap<(String, String), History>>,
}

/// What the history says of two commits.
#[derive(Clone, Debug, PartialEq, Eq)]
enum History {
    /// The second is in the history of the first.
    Older,
    /// The first is in the history of the second.
    Newer,
    /// Each has commits that the other lacks: the second lacks so many.
    Aside(u64),
    /// It is not known.
    Unknown(String),
}

impl Order {
    pub(crate) fn new(allows_older: bool, source: Option<Repository>) -> Self {
        Self { allows_older, source, known: RefCell::default() }
    }

    /// What is to be said of the order; an error where a version is older. Without a remote no history is asked.
    pub(crate) fn check(
        &self,
        files: &[Edited],
        remote: Option<&Remote<'_>>,
    ) -> Result<Vec<String>, Problems> {
        let mut problems = Problems::default();
        let mut said = Vec::new();
        if self.allows_older {
            return Ok(said);
        }
        for file in files {
            for image in file.images.iter().filter(|image| !image.changes.is_empty()) {
                let (Some(before), Some(after)) = (&image.before.tag, &image.after.tag) else { continue };
                let (name, new_name) = (image.before.name(&image.name), image.after.name(&image.name));
                if before == after || name != new_name {
                    continue;
                }
                let why = match by_version(before, after) {
                    Some(Ordering::Greater) => Some("it is the lower version".to_owned()),
                    Some(_) => None,
                    None => match self.by_history(before, after, remote)? {
                        Some(History::Older) => {
                            Some("its commit is in the history of the one that runs".to_owned())
                        }
                        Some(History::Aside(commits)) => {
                            said.push(format!("{name}: {after} lacks {commits} commits of {before}: they are on different branches"));
                            None
                        }
                        Some(History::Unknown(why)) => {
                            said.push(format!(
                                "{name}: whether {after} is newer than {before} is not known: {why}"
                            ));
                            None
                        }
                        Some(History::Newer) | None => None,
                    },
                };
                if let Some(why) = why {
                    problems.0.push(
                        Problem::failed(format!(
                            "{name}:{after} is older than {before}: nothing was written"
                        ))
                        .why(why)
                        .help("`allow-downgrade: true` sets it; `rollback` goes back to what ran before")
                        .at(file.source.place(image.place)),
                    );
                }
            }
        }
        said.sort();
        said.dedup();
        problems.or(said)
    }

    /// What the history says of the commits in two tags; nothing where one of them holds none.
    fn by_history(
        &self,
        before: &str,
        after: &str,
        remote: Option<&Remote<'_>>,
    ) -> Result<Option<History>, Problem> {
        let (Some(before), Some(after), Some(remote)) = (commit_in(before), commit_in(after), remote) else {
            return Ok(None);
        };
        // Short and full names of the same commit.
        if before.starts_with(after) || after.starts_with(before) {
            return Ok(None);
        }
        let key = (before.to_owned(), after.to_owned());
        if let Some(known) = self.known.borrow().get(&key) {
            return Ok(Some(known.clone()));
        }
        let history = match &self.source {
            None => History::Unknown("no `source-repository` is given".to_owned()),
            Some(source) => match remote.cx.block_on(remote.api.compare(source, before, after))? {
                Ok(found) => match (found.ahead_by, found.behind_by) {
                    (0, 1..) => History::Older,
                    (_, 0) => History::Newer,
                    (_, behind) => History::Aside(behind),
                },
                Err(error) => match error.kind {
                    Kind::NotFound | Kind::Forbidden { .. } => History::Unknown(format!(
                        "{source} does not have both commits, or the token may not read it"
                    )),
                    _ => return Err(remote.problem(error)),
                },
            },
        };
        self.known.borrow_mut().insert(key, history.clone());
        Ok(Some(history))
    }
}

/// How two versions compare, where both are semantic ones: `v1.2.3`, `1.2`.
fn by_version(before: &str, after: &str) -> Option<Ordering> {
    // What `git describe` makes of a tag, a count and a commit reads as a pre-release, and is none.
    let is_described = |tag: &str| commit_in(tag).is_some();
    if is_described(before) || is_described(after) {
        return None;
    }
    Some(version(before)?.cmp_precedence(&version(after)?))
}

fn version(tag: &str) -> Option<Version> {
    let text = tag.strip_prefix('v').unwrap_or(tag);
    let numbers = text.split(['-', '+']).next()?;
    // Two numbers are a version too; one alone may be anything.
    let padded = match numbers.split('.').count() {
        2 => format!("{numbers}.0{}", &text[numbers.len()..]),
        _ => text.to_owned(),
    };
    Version::parse(&padded).ok()
}

/// The commit that a tag holds: `1a2b3c4`, `main-1a2b3c4`, `v1.2.3-5-g1a2b3c4`.
///
/// Digits alone are a date or a number as often; a word such as `deadbeef` has no digit.
fn commit_in(tag: &str) -> Option<&str> {
    tag.rsplit(['-', '.', '_']).find_map(|part| {
        let part = part.strip_prefix('g').unwrap_or(part);
        let is_hex = part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        let has_both = part.bytes().any(|byte| byte.is_ascii_digit())
            && part.bytes().any(|byte| byte.is_ascii_lowercase());
        (is_hex && (7..=40).contains(&part.len()) && (has_both || part.len() == 40)).then_some(part)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{sandbox, select::Manner};

    #[test]
    fn versions_are_compared_as_versions() {
        use Ordering::{Equal, Greater, Less};
        for (before, after, order) in [
            ("v1.2.3", "v1.2.4", Some(Less)),
            ("1.10.0", "1.9.0", Some(Greater)),
            ("1.9", "1.10", Some(Less)),
            ("v1.0.0-rc.1", "1.0.0", Some(Less)),
            ("1.0.0", "v1.0.0-rc.1", Some(Greater)),
            ("1.0.0+a", "1.0.0+b", Some(Equal)),
            ("2024.11", "2024.12", Some(Less)),
            ("7", "8", None),
            ("latest", "1.0.0", None),
            ("1.2.3.4", "1.2.3.5", None),
            ("v1.2.3", "v1.2.3-5-g1a2b3c4", None),
            ("01.2.3", "1.2.3", None),
        ] {
            assert_eq!(by_version(before, after), order, "{before} {after}");
        }
    }

    #[test]
    fn a_commit_is_found_in_a_tag() {
        for (tag, commit) in [
            ("1a2b3c4", Some("1a2b3c4")),
            ("main-1a2b3c4", Some("1a2b3c4")),
            ("1a2b3c4-20260101", Some("1a2b3c4")),
            ("v1.2.3-5-g1a2b3c4", Some("1a2b3c4")),
            ("0123456789012345678901234567890123456789", Some("0123456789012345678901234567890123456789")),
            ("20260101", None),
            ("deadbeef", None),
            ("1a2b3c", None),
            ("v1.2.3", None),
            ("1A2B3C4", None),
        ] {
            assert_eq!(commit_in(tag), commit, "{tag}");
        }
    }

    #[test]
    fn an_older_version_is_refused_unless_it_is_wanted() {
        let file = "images: [{name: a, newTag: v1.10.0}]";
        let edited = |image: &str| {
            sandbox::set(
                "kustomization.yaml",
                file,
                &[image],
                Manner { add_missing: true, ..Manner::default() },
            )
            .unwrap()
        };
        let check = |allows_older, image: &str| Order::new(allows_older, None).check(&[edited(image)], None);
        assert!(check(false, "a:v1.10.1").is_ok());
        assert!(check(false, "a:v1.10.0").is_ok());
        assert!(check(false, "a=b:v1.9.0").is_ok(), "another image has versions of its own");
        assert!(check(true, "a:v1.9.0").is_ok());
        insta::assert_snapshot!(sandbox::told(&check(false, "a:v1.9.0").unwrap_err().0), @"kustomization.yaml:1:17: a:v1.9.0 is older than v1.10.0: nothing was written | it is the lower version | `allow-downgrade: true` sets it; `rollback` goes back to what ran before");
    }
}
