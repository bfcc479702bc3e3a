//! The configuration as this crate sees it: something that is read from bytes, or absent.

use std::{io::ErrorKind, path::Path};

use crate::{Context, Problem, Problems, file};

/// The place of the configuration in a repository.
pub const CONFIG_FILE: &str = ".github/sluice.yml";

/// What it is also called by mistake.
const MISNAMED: &str = ".github/sluice.yaml";

/// More is no configuration: in bytes.
const LARGEST: u64 = 16 << 20;

/// The part of `.github/sluice.yml` that an action reads.
pub trait Configuration: Sized {
    /// Reads it from the file's bytes; `file` is the name that problems give as their place.
    fn parse(bytes: &[u8], file: &str) -> Result<Self, Problems>;

    /// What holds when there is no file.
    fn absent() -> Self;
}

impl Configuration for () {
    fn parse(_: &[u8], _: &str) -> Result<Self, Problems> {
        Ok(())
    }

    fn absent() -> Self {}
}

/// Reads the configuration that is named, or that of the repository, which may have none.
pub(crate) fn read<C: Configuration>(named: Option<&Path>, cx: &Context) -> Result<Option<C>, Problems> {
    let file = match named {
        Some(named) => cx.folder().join(named),
        None => cx.root().join(CONFIG_FILE),
    };
    let name = cx.name_of(&file);
    let bytes = match named {
        Some(_) => file::read(&file, LARGEST),
        None => match of_repository(&file) {
            Err(error) if error.kind() == ErrorKind::NotFound && !file.is_symlink() => {
                return misnamed(cx).map_or(Ok(None), |problem| Err(problem.into()));
            }
            other => other,
        },
    };
    let bytes = bytes.map_err(|error| {
        Problem::misconfigured(format!("could not read the configuration {name}"))
            .why(error)
            .help("check the input `config`, and that the job checks the repository out")
    })?;
    C::parse(&bytes, &name).map(Some)
}

/// Whoever names a pipe means it. In a repository it is a stranger's, and would be waited for.
fn of_repository(file: &Path) -> std::io::Result<Vec<u8>> {
    let metadata = file.metadata()?;
    if metadata.is_file() || metadata.is_dir() {
        file::read(file, LARGEST)
    } else {
        Err(std::io::Error::other("it is not a file"))
    }
}

/// A file with another name would be passed over without a word.
fn misnamed(cx: &Context) -> Option<Problem> {
    cx.root().join(MISNAMED).exists().then(|| {
        Problem::misconfigured(format!("the configuration is called {CONFIG_FILE}, not {MISNAMED}"))
            .help(format!("git mv {MISNAMED} {CONFIG_FILE}"))
    })
}
