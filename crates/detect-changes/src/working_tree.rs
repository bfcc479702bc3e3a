//! The working tree as a tree like any other: the one that `git add --all` would make, in memory only.
//!
//! It holds what git calls changed: what is staged and what is not, and files that git does not track yet and
//! does not ignore. A file counts by its bytes: filters that git runs on it (line ends, LFS) are not run, so that
//! a file which only these changed counts as modified. That is more than what changed, never less.

use std::{
    ffi::OsStr,
    fs::{self, FileType},
    io::{self, ErrorKind},
    os::unix::ffi::{OsStrExt as _, OsStringExt as _},
    path::{Path, PathBuf},
    sync::atomic::AtomicBool,
};

use gix::{
    AttributeStack, ObjectId,
    bstr::BStr,
    index::entry::{Flags, Mode, Stat, stat},
    objs::{
        Kind, Write as _,
        tree::{Editor, EntryKind},
    },
    open, progress,
    sec::{Permission, Trust},
    worktree::stack::state::ignore::Source,
};
use sluice_core::{Problem, escape};

use crate::repository::unreadable;

/// The largest file whose content is kept in memory, in bytes: more than any file that a tool reads what it uses
/// from.
const LARGEST_KEPT: u64 = 1 << 20;

/// Reads the files in `folder`, the root of a working tree, and writes the tree into the memory of `objects`;
/// `contents` says whether the contents of files are written, too. `go_on` is asked between folders.
pub(crate) fn read(
    folder: &Path,
    objects: &gix::OdbHandle,
    contents: bool,
    go_on: impl Fn() -> Result<(), Problem>,
) -> Result<ObjectId, Problem> {
    let git = as_its_user_sees_it(folder).map_err(|error| unreadable(&error))?;
    let index = git.index_or_empty().map_err(|error| unreadable(&error))?;
    let ignored = git.excludes(&index, None, Source::WorktreeThenIdMappingIfNotSkipped);
    let reader = Reader {
        root: folder,
        index: &index,
        ignored: ignored.map_err(|error| unreadable(&error))?,
        stat: git.stat_options().map_err(|error| unreadable(&error))?,
        files: git.filesystem_options().map_err(|error| unreadable(&error))?,
        tree: Editor::new(gix::objs::Tree::empty(), objects, git.object_hash()),
        objects,
        contents,
        pending: vec![Vec::new()],
    };
    reader.read(go_on)
}

/// The repository with the configuration of the person who works in it: it may name files to ignore.
fn as_its_user_sees_it(folder: &Path) -> gix::Result<gix::Repository> {
    let config = open::permissions::Config { env: false, ..open::permissions::Config::all() };
    let env = open::permissions::Environment {
        home: Permission::Allow,
        xdg_config_home: Permission::Allow,
        ..open::permissions::Environment::isolated()
    };
    let permissions = open::Permissions { config, env, ..open::Permissions::isolated() };
    gix::open_opts(folder, open::Options::default().permissions(permissions).with(Trust::Full))
}

struct Reader<'a> {
    root: &'a Path,
    index: &'a gix::index::State,
    ignored: AttributeStack<'a>,
    stat: stat::Options,
    files: gix::fs::Capabilities,
    tree: Editor<'a>,
    objects: &'a gix::OdbHandle,
    contents: bool,
    /// The folders to come.
    pending: Vec<Vec<u8>>,
}

impl Reader<'_> {
    fn read(mut self, go_on: impl Fn() -> Result<(), Problem>) -> Result<ObjectId, Problem> {
        self.add_what_is_left_out()?;
        while let Some(folder) = self.pending.pop() {
            go_on()?;
            self.folder(&folder)?;
        }
        let objects = self.objects;
        self.tree.write(|tree| objects.write(tree)).map_err(|error| unreadable(&error))
    }

    /// Files of a sparse checkout that are not here are not deleted.
    fn add_what_is_left_out(&mut self) -> Result<(), Problem> {
        let index = self.index;
        for entry in index.entries().iter().filter(|entry| entry.flags.contains(Flags::SKIP_WORKTREE)) {
            if let Some(mode) = entry.mode.to_tree_entry_mode() {
                let path: &[u8] = entry.path(index);
                self.add(path.strip_suffix(b"/").unwrap_or(path), mode.kind(), entry.id)?;
            }
        }
        Ok(())
    }

    fn add(&mut self, path: &[u8], kind: EntryKind, id: ObjectId) -> Result<(), Problem> {
        let names = path.split(|byte| *byte == b'/').map(BStr::new);
        self.tree.upsert(names, kind, id).map_err(|error| unreadable(&error))?;
        Ok(())
    }

    fn folder(&mut self, folder: &[u8]) -> Result<(), Problem> {
        let unread = |error| unread(folder, &error);
        for entry in fs::read_dir(self.at(folder)).map_err(unread)? {
            let entry = entry.map_err(unread)?;
            let name = entry.file_name().into_vec();
            let kind = entry.file_type().map_err(unread)?;
            let path = if folder.is_empty() { name.clone() } else { [folder, b"/", &name].concat() };
            if name == b".git" {
                continue;
            }
            if kind.is_dir() {
                self.folder_in(path)?;
                continue;
            }
            match self.file(&path, kind) {
                Ok(Some((kind, id))) => self.add(&path, kind, id)?,
                Ok(None) => {}
                // It was deleted just now.
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(self::unread(&path, &error)),
            }
        }
        Ok(())
    }

    /// A folder is a submodule, is looked into, or is ignored.
    fn folder_in(&mut self, path: Vec<u8>) -> Result<(), Problem> {
        let entry = self.index.entry_by_path(BStr::new(&path));
        let submodule = entry.filter(|entry| entry.mode.is_submodule()).map(|entry| entry.id);
        let has_tracked = || self.index.prefixed_entries_range(BStr::new(&[&*path, b"/"].concat())).is_some();
        if submodule.is_none() && has_tracked() {
            self.pending.push(path);
            return Ok(());
        }
        let folder = self.at(&path);
        if submodule.is_none() && self.is_ignored(&path, Mode::DIR).map_err(|error| unread(&path, &error))? {
            return Ok(());
        }
        // Of a repository within this one git tracks the commit that is checked out there.
        let is_repository = folder.join(".git").symlink_metadata().is_ok();
        match submodule {
            None if !is_repository => self.pending.push(path),
            known => {
                let checked_out = is_repository.then(|| commit_in(&folder)).flatten();
                if let Some(id) = checked_out.or(known) {
                    self.add(&path, EntryKind::Commit, id)?;
                }
            }
        }
        Ok(())
    }

    /// A file as git would add it; none where git would not.
    fn file(&mut self, path: &[u8], kind: FileType) -> io::Result<Option<(EntryKind, ObjectId)>> {
        let tracked = self.index.entry_by_path(BStr::new(path));
        let is_known = tracked.is_some() || self.index.entry_range(BStr::new(path)).is_some();
        if !(kind.is_file() || kind.is_symlink()) || (!is_known && self.is_ignored(path, Mode::FILE)?) {
            return Ok(None);
        }
        let file = self.at(path);
        let metadata = gix::index::fs::Metadata::from_path_no_follow(&file)?;
        let before = tracked.and_then(|entry| entry.mode.to_tree_entry_mode()).map(|mode| mode.kind());
        let kind = match before {
            _ if metadata.is_symlink() => EntryKind::Link,
            // Where the file system has none of these, a file stands for them.
            Some(EntryKind::Link) if !self.files.symlink => EntryKind::Link,
            Some(EntryKind::BlobExecutable) if !self.files.executable_bit => EntryKind::BlobExecutable,
            _ if self.files.executable_bit && metadata.is_executable() => EntryKind::BlobExecutable,
            _ => EntryKind::Blob,
        };
        let unchanged = tracked.filter(|entry| {
            entry.flags.contains(Flags::ASSUME_VALID)
                || (before == Some(kind) && entry.stage_raw() == 0 && self.is_as_before(entry, &metadata))
        });
        let id = match unchanged {
            Some(entry) => entry.id,
            None => self.id_of(&file, &metadata)?,
        };
        Ok(Some((kind, id)))
    }

    /// Whether a file is sure to be what the index says, without a look at its content:
    /// <https://git-scm.com/docs/racy-git>
    fn is_as_before(&self, entry: &gix::index::Entry, metadata: &gix::index::fs::Metadata) -> bool {
        let now = Stat::from_fs(metadata);
        !entry.flags.contains(Flags::INTENT_TO_ADD)
            && !entry.stat.is_racy(self.index.timestamp(), self.stat)
            && now.is_ok_and(|now| entry.stat.matches(&now, self.stat))
    }

    fn id_of(&self, file: &Path, metadata: &gix::index::fs::Metadata) -> io::Result<ObjectId> {
        let content = if metadata.is_symlink() {
            fs::read_link(file)?.into_os_string().into_vec()
        } else if self.contents && metadata.len() <= LARGEST_KEPT {
            fs::read(file)?
        } else {
            let mut stream = fs::File::open(file)?;
            let (hash, length) = (self.index.object_hash(), stream.metadata()?.len());
            let (progress, never) = (&mut progress::Discard, &AtomicBool::new(false));
            return gix::objs::compute_stream_hash(hash, Kind::Blob, &mut stream, length, progress, never)
                .map_err(io::Error::other);
        };
        self.objects.write_buf(Kind::Blob, &content).map_err(io::Error::other)
    }

    fn is_ignored(&mut self, path: &[u8], mode: Mode) -> io::Result<bool> {
        let path = Path::new(OsStr::from_bytes(path));
        Ok(self.ignored.at_path(path, Some(mode)).map_err(io::Error::other)?.is_excluded())
    }

    fn at(&self, path: &[u8]) -> PathBuf {
        self.root.join(OsStr::from_bytes(path))
    }
}

/// The commit that is checked out in a repository; none where there is none yet.
fn commit_in(folder: &Path) -> Option<ObjectId> {
    let git = gix::open_opts(folder, open::Options::isolated()).ok()?;
    git.head_id().ok().map(gix::Id::detach)
}

fn unread(path: &[u8], why: &io::Error) -> Problem {
    let path = if path.is_empty() { "the working tree".to_owned() } else { escape::bytes(path) };
    Problem::undecided(format!("could not read {path}"))
        .why(why)
        .help("make it readable, or leave uncommitted files out: `--head HEAD`")
}

#[cfg(test)]
mod tests;
