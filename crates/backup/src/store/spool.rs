//! The files of a backup that is not kept yet.
//!
//! An export writes each object down as soon as it is listed, so that it holds no more than a few of them. The files lie in
//! a folder of their own: beside the folder that they become, or, on their way to a bucket, where temporary files are.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    thread,
};

use sluice_core::{Context, Problem};

use super::{Address, folder};

/// What the name of its folder starts with.
const NAME: &str = ".sluice-backup-";
/// How many files are waited for at once.
const AT_ONCE: usize = 8;
/// The stack of a thread that only waits, in bytes.
const STACK: usize = 64 << 10;

/// The files of a backup that is not kept yet.
pub(crate) struct Spool<'a> {
    folder: PathBuf,
    cx: &'a Context,
}

impl<'a> Spool<'a> {
    /// A new folder, for a backup that is to go to this place.
    pub(crate) fn new(to: &Address, cx: &'a Context) -> Result<Self, Problem> {
        let around = match to {
            // The folders around it are made when it is whole.
            Address::Folder(folder) => {
                folder.ancestors().skip(1).find(|folder| folder.is_dir()).unwrap_or(folder)
            }
            Address::Bucket { .. } => cx.variable("RUNNER_TEMP").map_or(cx.folder(), Path::new),
        };
        // Half a backup is for nobody else to read.
        let own = fs::Permissions::from_mode(0o700);
        let made = fs::create_dir_all(around)
            .and_then(|()| tempfile::Builder::new().prefix(NAME).permissions(own).tempdir_in(around));
        let made = made.map_err(|error| {
            Problem::undecided(format!("could not write to {}", cx.name_of(around)))
                .why(error)
                .help("there objects are written down as they are listed: it takes room for the backup")
        })?;
        Ok(Self { folder: made.keep(), cx })
    }

    /// Writes a file; one that is there is replaced.
    pub(crate) fn write(&self, path: &str, content: &[u8]) -> Result<(), Problem> {
        self.cx.cancellation().check()?;
        let file = self.folder.join(path);
        let inner = file.parent().unwrap_or(&self.folder);
        fs::create_dir_all(inner)
            .and_then(|()| fs::write(&file, content))
            .map_err(|error| failed("write", path, &error))
    }

    /// Takes a file out.
    pub(crate) fn remove(&self, path: &str) -> Result<(), Problem> {
        fs::remove_file(self.folder.join(path)).map_err(|error| failed("remove", path, &error))
    }

    /// The paths of all files, in order.
    pub(crate) fn paths(&self) -> Result<Vec<String>, Problem> {
        folder::paths(&self.folder, self.cx)
    }

    pub(super) fn read(&self, path: &str) -> Result<Vec<u8>, Problem> {
        self.cx.cancellation().check()?;
        fs::read(self.folder.join(path)).map_err(|error| failed("read", path, &error))
    }

    /// Becomes the folder of this name, when all of it lasts.
    pub(super) fn become_folder(&self, target: &Path) -> Result<(), Problem> {
        self.sync()?;
        self.cx.cancellation().check()?;
        let around = target.parent().unwrap_or(target);
        // The steps after this one may be someone else.
        fs::set_permissions(&self.folder, fs::Permissions::from_mode(0o755))
            .and_then(|()| sync(&self.folder))
            .and_then(|()| fs::create_dir_all(around))
            .and_then(|()| fs::rename(&self.folder, target))
            .and_then(|()| sync(around))
            .map_err(|error| {
                Problem::undecided(format!("could not write the backup to {}", self.cx.name_of(target)))
                    .why(error)
            })
    }

    /// Removes all of it. What can't be removed is said: it changes nothing of what came of the export.
    pub(crate) fn discard(&self) {
        match fs::remove_dir_all(&self.folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                self.cx.say(&format!("could not remove {}: {error}", self.cx.name_of(&self.folder)));
            }
            _ => {}
        }
    }

    /// Returns when all files and their folders last. The disk is waited for by several at once: what they ask for it
    /// writes together.
    fn sync(&self) -> Result<(), Problem> {
        let mut paths = self.paths()?;
        let folders = paths.iter().filter_map(|path| Some(path.rsplit_once('/')?.0.to_owned()));
        let folders: BTreeSet<String> = folders.collect();
        paths.extend(folders);
        let (root, paths, cancellation) = (&self.folder, &paths, self.cx.cancellation());
        thread::scope(|scope| {
            let start = |first: usize| {
                thread::Builder::new().stack_size(STACK).spawn_scoped(scope, move || {
                    paths.iter().skip(first).step_by(AT_ONCE).try_for_each(|path| {
                        cancellation.check()?;
                        sync(&root.join(path)).map_err(|error| failed("write", path, &error))
                    })
                })
            };
            let threads: Vec<_> = (0..AT_ONCE).map(start).collect::<Result<_, _>>().map_err(|error| {
                Problem::undecided("could not start a thread to write the backup").why(error)
            })?;
            threads.into_iter().try_for_each(|thread| {
                let ended = thread.join();
                ended.unwrap_or_else(|_| Err(Problem::undecided("could not write the backup")))
            })
        })
    }
}

fn sync(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

fn failed(what: &str, path: &str, error: &io::Error) -> Problem {
    Problem::undecided(format!("could not {what} {path} of the backup")).why(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_discarded_leaves_no_trace() {
        let root = tempfile::tempdir().unwrap();
        let variables = [("RUNNER_TEMP", root.path().to_str().unwrap())];
        let cx = Context::new(variables.into_iter().collect(), "/nowhere", || jiff::Timestamp::UNIX_EPOCH);
        for to in ["s3://acme", root.path().join("new/backup").to_str().unwrap()] {
            let spool = Spool::new(&Address::new(to, Path::new("/")).unwrap(), &cx).unwrap();
            spool.write("a/x.yaml", b"1").unwrap();
            spool.write("a/x.yaml", b"2").unwrap();
            assert_eq!(spool.read("a/x.yaml").unwrap(), b"2");
            assert_eq!(root.path().read_dir().unwrap().count(), 1);
            assert_eq!(spool.folder.metadata().unwrap().permissions().mode() & 0o777, 0o700);
            spool.discard();
            assert_eq!(root.path().read_dir().unwrap().count(), 0);
        }
    }
}
