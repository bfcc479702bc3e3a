//! The strategy `worktree`: the files on disk.

use std::{
    collections::BTreeSet,
    fs::{self, TryLockError},
    path::Path,
    time::Duration,
};

use sluice_core::{
    Context, Place, Problem, Verdict,
    file::{Replacement, remove_leftovers, replace},
};

use crate::{edit::Edited, overlay, parallel};

/// The right to change the files of a worktree, for one process at a time: from before it reads them until it has
/// written them, so that of many at once each finds what those before it wrote.
///
/// It is a lock on what git calls `.git` there, and ends with the process, however that ends. Where a file system knows
/// no locks, nothing is lost either: a file that someone changed meanwhile is not written.
#[derive(Debug)]
pub(crate) struct Turn {
    /// What is locked; none where that can't be.
    locked: Option<fs::File>,
}

impl Turn {
    /// Waits for the turn.
    pub(crate) fn wait(cx: &Context) -> Result<Self, Problem> {
        const PAUSE: Duration = Duration::from_millis(2);
        let root = overlay::root(cx)?;
        let Ok(file) = fs::File::open(root.join(".git")).or_else(|_| fs::File::open(root)) else {
            return Ok(Self { locked: None });
        };
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Self { locked: Some(file) }),
                Err(TryLockError::WouldBlock) => {
                    cx.cancellation().check().map_err(Problem::from)?;
                    std::thread::sleep(PAUSE);
                }
                Err(TryLockError::Error(_)) => return Ok(Self { locked: None }),
            }
        }
    }
}

/// Writes the files that changed: all, or none.
///
/// What can fail for want of space or permission fails before the first file is touched; each file is old or new at
/// any moment, also when the process is killed. What one that was killed left behind is removed.
pub(crate) fn write(files: &[Edited], turn: &Turn) -> Result<(), Problem> {
    if turn.locked.is_some() {
        let folders: BTreeSet<&Path> = files.iter().filter_map(|file| file.source.path.parent()).collect();
        // Leftovers do no harm; where they can't be removed, writing fails too and says why.
        parallel::map(folders.into_iter().collect(), || (), |(), folder| remove_leftovers(folder).ok());
    }
    let changed: Vec<&Edited> = files.iter().filter(|file| file.is_changed()).collect();
    let prepare = |(): &mut (), file: &Edited| {
        Replacement::prepare(&file.source.path, &file.after).map_err(|error| failed(file, &error))
    };
    let prepared = parallel::map(changed.clone(), || (), prepare).into_iter().collect::<Result<_, _>>()?;
    parallel::map(changed.clone(), || (), |(), file| refuse_foreign_change(file))
        .into_iter()
        .collect::<Result<(), _>>()?;
    commit(&changed, prepared)
}

/// Someone else's edit of the file, made since it was read, must not be lost.
fn refuse_foreign_change(file: &Edited) -> Result<(), Problem> {
    let now = fs::read(&file.source.path).map_err(|error| failed(file, &error))?;
    if now == file.source.bytes {
        return Ok(());
    }
    let name = file.source.name();
    Err(Problem::undecided(format!("{name} was changed by someone else meanwhile: nothing was written"))
        .help("run it again")
        .at(Place::file(name)))
}

/// Puts the files in place; when one can't be, all get their old content back.
fn commit(files: &[&Edited], prepared: Vec<Replacement>) -> Result<(), Problem> {
    let put = |(): &mut (), (file, replacement): (&Edited, Replacement)| {
        replacement.commit().map_err(|error| (failed(file, &error), error))
    };
    let done = parallel::map(files.iter().copied().zip(prepared).collect(), || (), put);
    let Some((problem, error)) = done.into_iter().find_map(Result::err) else { return Ok(()) };
    for file in files {
        put_back(file).map_err(|undo| not_undone(file, &undo, &error))?;
    }
    Err(problem)
}

fn put_back(file: &Edited) -> std::io::Result<()> {
    if fs::read(&file.source.path)? == file.source.bytes {
        return Ok(());
    }
    replace(&file.source.path, &file.source.bytes)
}

fn not_undone(file: &Edited, error: &std::io::Error, cause: &std::io::Error) -> Problem {
    let name = file.source.name();
    let problem = Problem::undecided(format!("{name} could not be put back"))
        .why(format!("{error}, after a file could not be written: {cause}"))
        .help("look at the overlays and put back what is wrong, with `git restore` for example")
        .at(Place::file(name));
    Problem { verdict: Verdict::Broken, ..problem }
}

fn failed(file: &Edited, error: &std::io::Error) -> Problem {
    let name = file.source.name();
    Problem::undecided(format!("could not write {name}: nothing was written"))
        .why(error)
        .at(Place::file(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Source;

    /// A folder with the files `a` and `b`, both holding `old` and to hold `new`.
    fn two_files() -> (tempfile::TempDir, Vec<Edited>) {
        let folder = tempfile::tempdir().unwrap();
        let edited = |name: &str| {
            let path = folder.path().join(name).join("kustomization.yaml");
            fs::create_dir(path.parent().unwrap()).unwrap();
            fs::write(&path, "old").unwrap();
            let source = Source::read(&path, folder.path()).unwrap();
            Edited {
                source,
                after: b"new".to_vec(),
                images: Vec::new(),
                places: Vec::new(),
                hunks: String::new(),
            }
        };
        let files = ["a", "b"].map(edited).to_vec();
        (folder, files)
    }

    fn write(files: &[Edited]) -> Result<(), Problem> {
        let folder = files[0].source.path.parent().unwrap().parent().unwrap();
        super::write(files, &Turn { locked: Some(fs::File::open(folder).unwrap()) })
    }

    fn contents(files: &[Edited]) -> Vec<String> {
        files.iter().map(|file| fs::read_to_string(&file.source.path).unwrap()).collect()
    }

    fn entries(folder: &Path) -> usize {
        folder.read_dir().unwrap().count()
    }

    #[test]
    fn all_files_are_written_and_nothing_else() {
        let (folder, mut files) = two_files();
        files[1].after = b"old".to_vec();
        fs::remove_file(&files[1].source.path).unwrap();
        write(&files).unwrap();
        assert_eq!(contents(&files[..1]), ["new"]);
        assert!(!files[1].source.path.exists(), "a file without a change is not touched");
        assert_eq!(entries(&folder.path().join("a")), 1);
    }

    #[test]
    fn what_a_killed_run_left_is_removed_under_the_lock_only() {
        let (folder, files) = two_files();
        let left = folder.path().join("a/.sluice-x.tmp");
        fs::write(&left, "half").unwrap();
        super::write(&files, &Turn { locked: None }).unwrap();
        assert!(left.exists());
        write(&files).unwrap_err();
        assert!(!left.exists());
    }

    #[test]
    fn a_change_of_someone_else_is_kept() {
        let (folder, files) = two_files();
        fs::write(&files[1].source.path, "theirs").unwrap();
        let problem = write(&files).unwrap_err();
        assert_eq!(
            problem.what,
            "b/kustomization.yaml was changed by someone else meanwhile: nothing was written"
        );
        assert_eq!(contents(&files), ["old", "theirs"]);
        assert_eq!(entries(&folder.path().join("a")), 1);
    }

    #[test]
    fn nothing_is_written_when_one_file_can_not_be() {
        let (folder, files) = two_files();
        fs::remove_dir_all(folder.path().join("b")).unwrap();
        assert_eq!(write(&files).unwrap_err().verdict, Verdict::Undecided);
        assert_eq!(contents(&files[..1]), ["old"]);
    }

    /// Both files prepared, and the second one spoilt by `spoil`.
    fn commit_after(spoil: impl Fn(&Path)) -> (Problem, String) {
        let (folder, files) = two_files();
        let prepared = files
            .iter()
            .map(|file| Replacement::prepare(&file.source.path, &file.after))
            .collect::<Result<Vec<_>, _>>()
            .unwrap();
        spoil(&folder.path().join("b"));
        let problem = commit(&files.iter().collect::<Vec<_>>(), prepared).unwrap_err();
        (problem, contents(&files[..1]).remove(0))
    }

    #[test]
    fn files_written_before_one_that_fails_are_put_back() {
        let (problem, first) = commit_after(|folder| {
            let beside = folder.read_dir().unwrap().map(|entry| entry.unwrap().path());
            let new = beside.filter(|path| !path.ends_with("kustomization.yaml"));
            new.for_each(|path| fs::remove_file(path).unwrap());
        });
        assert_eq!((problem.verdict, first.as_str()), (Verdict::Undecided, "old"));
    }

    #[test]
    fn what_can_not_be_put_back_needs_a_person() {
        let (problem, first) = commit_after(|folder| fs::remove_dir_all(folder).unwrap());
        assert_eq!((problem.verdict, first.as_str()), (Verdict::Broken, "old"));
        assert_eq!(problem.what, "b/kustomization.yaml could not be put back");
    }
}
