//! The files of one commit, seen through the API: its tree is read at once, the bytes of a file when they are needed.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsStr,
    path::{Component, Path, PathBuf},
};

use sluice_core::{Place, Problem, escape};
use sluice_github::{EntryKind, Sha, Tree, TreeEntry};

use crate::{
    kustomization::FILE_NAMES,
    overlay::{self, Found},
    remote::Remote,
    source::Source,
};

/// The most files that are read through the API in one run: each is a request, and a job has 1,000 an hour.
///
/// <https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api#primary-rate-limit-for-github_token-in-github-actions>
const MOST_FILES: usize = 300;

/// The most symbolic links on one way, as Linux has it.
const MOST_LINKS: usize = 40;

/// The mode of a symbolic link.
pub(crate) const LINK: &str = "120000";

/// The files of a commit.
#[derive(Debug)]
pub(crate) struct Snapshot {
    /// The commit.
    pub(crate) head: Sha,
    entries: BTreeMap<PathBuf, TreeEntry>,
    /// The folders of which all is known; the root, where the whole tree is.
    known: Vec<PathBuf>,
    /// Files that hold something else here than in the commit.
    changed: BTreeMap<PathBuf, Vec<u8>>,
}

impl Snapshot {
    /// The commit's files. Of a tree that is too large to be told at once only what lies at `wanted` is read.
    pub(crate) fn read(remote: &Remote<'_>, head: Sha, wanted: &[PathBuf]) -> Result<Self, Problem> {
        let whole = remote.ask(remote.api.tree(&remote.repository, &head))?;
        let mut snapshot =
            Self { head, entries: BTreeMap::new(), known: Vec::new(), changed: BTreeMap::new() };
        if whole.truncated {
            for path in wanted {
                snapshot.walk(&inside(path)?, remote)?;
            }
        } else {
            snapshot.take(Path::new(""), whole);
            snapshot.known.push(PathBuf::new());
        }
        Ok(snapshot)
    }

    /// The same files, of which these hold something else.
    pub(crate) fn with(mut self, changed: BTreeMap<PathBuf, Vec<u8>>) -> Self {
        self.changed = changed;
        self
    }

    /// What holds something else here than in the commit.
    pub(crate) fn changed(&self) -> &BTreeMap<PathBuf, Vec<u8>> {
        &self.changed
    }

    /// Reads the folders on the way to `path`, and all that lies below it.
    fn walk(&mut self, path: &Path, remote: &Remote<'_>) -> Result<(), Problem> {
        let level = remote.ask(remote.api.tree_level(&remote.repository, &self.head))?;
        self.take(Path::new(""), level);
        let ways: Vec<PathBuf> = path.ancestors().map(Path::to_path_buf).collect();
        for folder in ways.iter().rev().filter(|folder| !folder.as_os_str().is_empty()) {
            let Some(entry) = self.entries.get(folder) else { return Ok(()) };
            if entry.kind != EntryKind::Tree {
                return Ok(());
            }
            let sha = entry.sha.clone();
            let is_last = folder == path;
            let tree = if is_last {
                remote.ask(remote.api.tree(&remote.repository, &sha))?
            } else {
                remote.ask(remote.api.tree_level(&remote.repository, &sha))?
            };
            if tree.truncated {
                return Err(too_large(&folder.to_string_lossy()));
            }
            self.take(folder, tree);
            if is_last {
                self.known.push(folder.clone());
            }
        }
        Ok(())
    }

    fn take(&mut self, folder: &Path, tree: Tree) {
        let entries = tree.entries.into_iter().map(|entry| (folder.join(&entry.path), entry));
        self.entries.extend(entries);
    }

    /// The mode of a file in git's six digits.
    pub(crate) fn mode(&self, path: &Path) -> &str {
        self.entries.get(path).map_or("100644", |entry| &entry.mode)
    }

    /// The files at `path`, and whether they were searched for: a folder's kustomization, else all YAML and JSON files in
    /// it; or the file itself.
    pub(crate) fn files_at(&self, path: &Path, remote: &Remote<'_>) -> Found {
        let name = escape::bytes(path.as_os_str().as_encoded_bytes());
        let found = self.follow(&inside(path)?, &name, remote)?;
        if !self.is_folder(&found) {
            return Ok((BTreeSet::from([found]), false));
        }
        let there: Vec<&str> =
            FILE_NAMES.into_iter().filter(|file| self.entries.contains_key(&found.join(file))).collect();
        match there.as_slice() {
            [] => {}
            [file] => return Ok((BTreeSet::from([self.follow(&found.join(file), &name, remote)?]), false)),
            several => {
                return Err(Problem::misconfigured(format!(
                    "the overlay {name} holds several kustomization files"
                ))
                .why(format!("kustomize refuses a folder with {}", several.join(" and ")))
                .help("keep one of them"));
            }
        }
        if !self.known.iter().any(|known| found.starts_with(known)) {
            return Err(too_large(&name));
        }
        let mut files = BTreeSet::new();
        let below = self.entries.range(found.clone()..).take_while(|(path, _)| path.starts_with(&found));
        for (path, entry) in below.filter(|(path, _)| overlay::is_manifest(path) && !is_hidden(path, &found))
        {
            match (entry.kind, entry.mode.as_str()) {
                (EntryKind::Blob, LINK) => {
                    let label = escape::bytes(path.as_os_str().as_encoded_bytes());
                    let target = self.follow(path, &label, remote)?;
                    files.extend((!self.is_folder(&target)).then_some(target));
                }
                (EntryKind::Blob, _) => {
                    files.insert(path.clone());
                }
                _ => {}
            }
        }
        if files.is_empty() {
            return Err(Problem::misconfigured(format!("the overlay {name} holds no YAML or JSON file"))
                .why(format!("it has none of {}, and no other", FILE_NAMES.join(", "))));
        }
        Ok((files, true))
    }

    /// A file, without symbolic links.
    pub(crate) fn file_at(&self, path: &Path, remote: &Remote<'_>) -> Result<PathBuf, Problem> {
        let name = escape::bytes(path.as_os_str().as_encoded_bytes());
        let found = self.follow(&inside(path)?, &name, remote)?;
        if self.is_folder(&found) {
            return Err(Problem::misconfigured(format!("{name} is not a file")));
        }
        Ok(found)
    }

    fn is_folder(&self, path: &Path) -> bool {
        path.as_os_str().is_empty()
            || self.entries.get(path).is_some_and(|entry| entry.kind == EntryKind::Tree)
    }

    /// The path without symbolic links; something is there.
    fn follow(&self, path: &Path, name: &str, remote: &Remote<'_>) -> Result<PathBuf, Problem> {
        let mut links = 0;
        let mut found = PathBuf::new();
        let mut rest: Vec<PathBuf> = parts(path);
        while let Some(part) = rest.pop() {
            if part == Path::new("..") {
                if !found.pop() {
                    return Err(outside(name));
                }
                continue;
            }
            let next = found.join(&part);
            let Some(entry) = self.entries.get(&next) else { return Err(self.nothing_at(&next, name)) };
            match (entry.kind, entry.mode.as_str()) {
                (EntryKind::Blob, LINK) => {
                    links += 1;
                    if links > MOST_LINKS {
                        return Err(Problem::misconfigured(format!("{name} can't be followed"))
                            .why("its symbolic links lead in a circle"));
                    }
                    let target = remote.bytes(&entry.sha)?;
                    let target = std::str::from_utf8(&target).map_err(|_| outside(name))?;
                    if target.starts_with('/') {
                        return Err(outside(name));
                    }
                    rest.extend(parts(Path::new(target)));
                }
                (EntryKind::Commit, _) => {
                    return Err(Problem::misconfigured(format!("{name} lies in a submodule"))
                        .help("name the submodule's own repository with `repository`"));
                }
                (EntryKind::Blob, _) if !rest.is_empty() => return Err(self.nothing_at(&next, name)),
                _ => found = next,
            }
        }
        Ok(found)
    }

    fn nothing_at(&self, path: &Path, name: &str) -> Problem {
        let folder = path.parent().unwrap_or(Path::new(""));
        let siblings: Vec<String> = self
            .entries
            .keys()
            .filter(|entry| entry.parent() == Some(folder))
            .filter_map(|entry| Some(escape::bytes(entry.file_name()?.as_encoded_bytes())))
            .collect();
        let wanted = path.file_name().map(OsStr::to_string_lossy).unwrap_or_default();
        overlay::none_among(name, &wanted, &siblings)
    }

    /// Reads the bytes of files that are not known yet, several at once.
    pub(crate) fn fetch<'p>(
        &self,
        paths: impl Iterator<Item = &'p PathBuf>,
        remote: &Remote<'_>,
    ) -> Result<(), Problem> {
        let paths: BTreeSet<&PathBuf> = paths.filter(|path| !self.changed.contains_key(*path)).collect();
        if paths.len() > MOST_FILES {
            return Err(Problem::misconfigured("the overlays hold too many files to read through the API")
                .why(format!("they hold {} YAML and JSON files; {MOST_FILES} are read at most", paths.len()))
                .help(
                    "name the files themselves, or check the repository out and use `strategy: worktree`",
                ));
        }
        let blobs: BTreeSet<&Sha> =
            paths.into_iter().filter_map(|path| Some(&self.entries.get(path)?.sha)).collect();
        remote.fetch(blobs.into_iter())
    }

    /// Whether there is a file at this path.
    pub(crate) fn holds(&self, path: &Path) -> bool {
        self.entries.get(path).is_some_and(|entry| entry.kind == EntryKind::Blob && entry.mode != LINK)
    }

    /// One file, which is there, as the commit has it.
    pub(crate) fn original(&self, path: &Path, remote: &Remote<'_>) -> Result<Source, Problem> {
        let Some(entry) = self.entries.get(path) else { return self.source(path, remote) };
        let bytes = remote.bytes(&entry.sha)?.to_vec();
        Ok(Source { path: path.to_path_buf(), relative: path.to_path_buf(), bytes })
    }

    /// One file, which is there.
    pub(crate) fn source(&self, path: &Path, remote: &Remote<'_>) -> Result<Source, Problem> {
        let name = escape::bytes(path.as_os_str().as_encoded_bytes());
        if name.contains(char::REPLACEMENT_CHARACTER) {
            return Err(Problem::misconfigured(format!("{name} can't be written through the API"))
                .why("its name is not UTF-8")
                .help("check the repository out and use `strategy: worktree`"));
        }
        let bytes = match (self.changed.get(path), self.entries.get(path)) {
            (Some(bytes), _) => bytes.clone(),
            (None, Some(entry)) => remote.bytes(&entry.sha)?.to_vec(),
            (None, None) => {
                return Err(Problem::undecided(format!("could not read {name}"))
                    .why(format!("it is not in the commit {}", self.head))
                    .at(Place::file(&name)));
            }
        };
        Ok(Source { path: path.to_path_buf(), relative: path.to_path_buf(), bytes })
    }
}

/// A path from the root of the repository, without `.` and `..`.
pub(crate) fn inside(path: &Path) -> Result<PathBuf, Problem> {
    let name = escape::bytes(path.as_os_str().as_encoded_bytes());
    let mut clean = PathBuf::new();
    for component in path.components() {
        match component {
            Component::Normal(part) => clean.push(part),
            Component::CurDir => {}
            Component::ParentDir if clean.pop() => {}
            _ => return Err(outside(&name)),
        }
    }
    Ok(clean)
}

/// The parts of a path, the first one last.
fn parts(path: &Path) -> Vec<PathBuf> {
    let parts = path.components().filter(|part| *part != Component::CurDir);
    parts.map(|part| PathBuf::from(part.as_os_str())).rev().collect()
}

/// Whether a file, or a folder on the way to it, is hidden.
fn is_hidden(path: &Path, below: &Path) -> bool {
    let rest = path.strip_prefix(below).unwrap_or(path);
    rest.components().any(|part| part.as_os_str().as_encoded_bytes().starts_with(b"."))
}

fn outside(name: &str) -> Problem {
    Problem::misconfigured(format!("{name} lies outside the repository"))
        .help("name it by its path from the root of the repository")
}

pub(crate) fn too_large(name: &str) -> Problem {
    Problem::undecided(format!("GitHub does not tell all that is in {name}"))
        .why("the repository is too large for one answer")
        .help("name the files themselves, or check the repository out and use `strategy: worktree`")
}
