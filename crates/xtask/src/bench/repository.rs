//! Large repositories, made in seconds and kept for the next run.

use std::{
    io::{BufWriter, Write},
    path::{Path, PathBuf},
    process::Stdio,
};

use anyhow::{Context as _, ensure};

use super::git;
use crate::workspace::{check, target};

/// A repository of layers in environments of regions. The branch `base` has all files as they were; on
/// `changed-<n>`, n of them are different.
pub(super) struct Repository {
    pub(super) folder: PathBuf,
}

impl Repository {
    /// The repository with so many files, from `target/bench` where it was made before.
    pub(super) fn of(files: usize, changed: &[usize]) -> anyhow::Result<Self> {
        let folder = target().join("bench").join(format!("{files}-files"));
        if !folder.exists() {
            println!("making a repository of {files} files ...");
            // What is half made when the run is ended is not taken for a whole one.
            let unfinished = folder.with_extension("unfinished");
            if unfinished.exists() {
                std::fs::remove_dir_all(&unfinished)?;
            }
            std::fs::create_dir_all(&unfinished)?;
            make(&unfinished, files, changed)?;
            std::fs::rename(&unfinished, &folder)?;
        }
        Ok(Self { folder })
    }

    /// Writes a file that a run reads: a configuration, filters.
    pub(super) fn write(&self, name: &str, content: &str) -> anyhow::Result<()> {
        Ok(std::fs::write(self.folder.join(name), content)?)
    }
}

fn make(folder: &Path, files: usize, changed: &[usize]) -> anyhow::Result<()> {
    check(git(folder).args(["init", "--quiet", "--initial-branch=base"]))?;
    let mut import = git(folder).args(["fast-import", "--quiet"]).stdin(Stdio::piped()).spawn()?;
    let mut stream = BufWriter::new(import.stdin.take().context("git reads from a pipe")?);
    import_files(&mut stream, files, changed)?;
    stream.flush()?;
    drop(stream);
    ensure!(import.wait()?.success(), "git could not make a repository of {files} files");
    // One pack with deltas, as a clone has it.
    check(git(folder).args(["repack", "-adfq"]))
}

/// Writes what `git fast-import` reads: <https://git-scm.com/docs/git-fast-import#_input_format>.
fn import_files(stream: &mut impl Write, files: usize, changed: &[usize]) -> std::io::Result<()> {
    writeln!(stream, "blob\nmark :1\ndata 4\nold\n\nblob\nmark :2\ndata 4\nnew\n")?;
    let committer = "committer Bench <bench@example.com> 0 +0000\ndata 0";
    writeln!(stream, "commit refs/heads/base\nmark :3\n{committer}")?;
    for index in 0..files {
        writeln!(stream, "M 100644 :1 {}", path(index))?;
    }
    for &changed in changed {
        writeln!(stream, "commit refs/heads/changed-{changed}\n{committer}\nfrom :3")?;
        // Spread over all folders.
        for index in 0..changed {
            writeln!(stream, "M 100644 :2 {}", path(index * (files / changed)))?;
        }
    }
    Ok(())
}

/// The path of a file: twenty lie in a folder.
fn path(index: usize) -> String {
    let folder = index / 20;
    let (region, layer) = (folder / 100, folder / 4 % 25);
    let environment = ["dev", "preview", "staging", "production"][folder % 4];
    let ending = ["tf", "tf", "yaml", "md"][index % 4];
    format!("regions/r{region:03}/layers/l{layer:02}/{environment}/file-{:02}.{ending}", index % 20)
}
