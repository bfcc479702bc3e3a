//! The files in which a step tells the runner what it has to tell:
//! <https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands#environment-files>
//!
//! They are opened before anything else is done, as the user that the runner gave: the one whom the run becomes then
//! need not be allowed to.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write as _},
};

use crate::Environment;

/// The files that are written at the end of a run.
#[derive(Debug, Default)]
pub(crate) struct RunnerFiles {
    /// `$GITHUB_OUTPUT`
    pub(crate) output: RunnerFile,
    /// `$GITHUB_STEP_SUMMARY`
    pub(crate) summary: RunnerFile,
}

/// A file that the runner reads after the step; outside Actions there is none.
#[derive(Debug, Default)]
pub(crate) struct RunnerFile(Option<io::Result<File>>);

impl RunnerFiles {
    pub(crate) fn open(environment: &Environment) -> Self {
        let file = |name| RunnerFile(environment.get(name).map(open));
        Self { output: file("GITHUB_OUTPUT"), summary: file("GITHUB_STEP_SUMMARY") }
    }
}

fn open(file: &str) -> io::Result<File> {
    let opened = OpenOptions::new().append(true).create(true).open(file);
    opened.map_err(|error| io::Error::new(error.kind(), format!("{file}: {error}")))
}

impl RunnerFile {
    /// Appends in one write. An error when the file could not be opened; nothing is done where there is none.
    pub(crate) fn append(self, text: impl FnOnce() -> io::Result<String>) -> io::Result<()> {
        match self.0 {
            None => Ok(()),
            Some(file) => file?.write_all(text()?.as_bytes()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_stays_and_where_nothing_is_nothing_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("output");
        std::fs::write(&path, "before\n").unwrap();
        let environment = [("GITHUB_OUTPUT", path.to_str().unwrap())].into_iter().collect();
        let files = RunnerFiles::open(&environment);
        files.output.append(|| Ok("after\n".to_owned())).unwrap();
        files.summary.append(|| unreachable!("there is no summary")).unwrap();
        assert_eq!(std::fs::read_to_string(path).unwrap(), "before\nafter\n");
    }

    #[test]
    fn a_file_that_can_not_be_opened_is_an_error_when_it_is_needed() {
        let environment = [("GITHUB_OUTPUT", "/nowhere/output")].into_iter().collect();
        let error = RunnerFiles::open(&environment).output.append(|| Ok(String::new())).unwrap_err();
        assert_eq!(error.to_string(), "/nowhere/output: No such file or directory (os error 2)");
    }
}
