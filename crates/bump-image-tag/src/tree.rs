//! Where files are read from: the files on disk, or those of a commit on GitHub.

use std::path::{Path, PathBuf};

use sluice_config::File;
use sluice_core::{Context, Problem, Problems, escape};
use sluice_github::Sha;

use crate::{
    At, Config,
    files::{self, Candidate, Read, Search},
    history::{Checkout, History, Online},
    overlay::{self, Overlay},
    parallel,
    remote::Remote,
    snapshot::Snapshot,
    source::Source,
};

/// The files that a run looks at.
#[derive(Debug)]
pub(crate) enum Tree<'a> {
    /// Those on disk.
    Disk(&'a Context),
    /// Those of a commit, and the head of the branch that is deployed: what waits in a pull request runs nowhere.
    Commit(&'a Remote<'a>, &'a Snapshot, &'a Sha),
}

/// What is looked at: the overlays of environments, or folders and files outright.
#[derive(Clone, Debug, Default)]
pub(crate) struct Target {
    pub(crate) environments: Vec<String>,
    pub(crate) paths: Vec<PathBuf>,
}

impl Target {
    pub(crate) fn of_environment(name: &str) -> Self {
        Self { environments: vec![name.to_owned()], paths: Vec::new() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.environments.is_empty() && self.paths.is_empty()
    }

    /// The folders and files by their names, as far as the configuration knows them.
    pub(crate) fn folders(&self, config: &File<Config>) -> Vec<PathBuf> {
        let environments = self.environments.iter().filter_map(|name| config.sections.environments.get(name));
        let of_environments =
            environments.flat_map(|environment| &environment.overlays).map(|folder| (&folder.value).into());
        of_environments.chain(self.paths.iter().cloned()).collect()
    }
}

impl Tree<'_> {
    /// The overlays of a target.
    pub(crate) fn overlays(&self, target: &Target, config: &File<Config>) -> Result<Vec<Overlay>, Problems> {
        let names: Vec<&str> = target.environments.iter().map(String::as_str).collect();
        let name = |path: &Path| escape::bytes(path.as_os_str().as_encoded_bytes());
        match self {
            Self::Disk(cx) => {
                let root = overlay::root(cx)?;
                let found =
                    |folder: &Path, path: &Path| overlay::files_at(&folder.join(path), &name(path), &root);
                if target.paths.is_empty() {
                    overlay::of_environments(&names, config, &|path| {
                        found(cx.root(), path).map_err(|problem| overlay::elsewhere(problem, config))
                    })
                } else {
                    overlay::of_paths(&target.paths, &|path| found(cx.folder(), path))
                }
            }
            Self::Commit(remote, snapshot, _) => {
                let find = |path: &Path| snapshot.files_at(path, remote);
                if target.paths.is_empty() {
                    overlay::of_environments(&names, config, &find)
                } else {
                    overlay::of_paths(&target.paths, &find)
                }
            }
        }
    }

    /// The files of the overlays that can hold one of the images, or any where no name is given.
    pub(crate) fn read(&self, overlays: &[Overlay], names: &[&str]) -> Result<Vec<Read>, Problems> {
        let (files, search) = (files::candidates(overlays), Search::of(names));
        let all: Vec<Result<Option<Read>, Problem>> = match self {
            Self::Disk(cx) => {
                let (root, cancellation) = (overlay::root(cx)?, cx.cancellation());
                parallel::map(files, Vec::new, |buffer, file| {
                    cancellation.check()?;
                    let source =
                        Source::read_where(file.path, &root, buffer, |bytes| search.wants(file, bytes))?;
                    source.map_or(Ok(None), |source| search.parse(file, source))
                })
            }
            Self::Commit(remote, snapshot, _) => {
                snapshot.fetch(overlays.iter().flat_map(|overlay| &overlay.files), remote)?;
                let read = |file: Candidate<'_>| {
                    let source = snapshot.source(file.path, remote)?;
                    if search.wants(file, &source.bytes) { search.parse(file, source) } else { Ok(None) }
                };
                files.into_iter().map(read).collect()
            }
        };
        Ok(Problems::all(all)?.into_iter().flatten().collect())
    }

    /// What was deployed before.
    pub(crate) fn history(&self) -> Result<Box<dyn History + '_>, Problem> {
        Ok(match self {
            Self::Disk(cx) => Box::new(Checkout::open(&overlay::root(cx)?)?),
            Self::Commit(remote, _, deployed) => Box::new(Online::of(remote, deployed)?),
        })
    }

    /// The file that a place names.
    pub(crate) fn file_of(&self, at: &At) -> Result<PathBuf, Problem> {
        match self {
            Self::Disk(cx) => at.find(cx),
            Self::Commit(remote, snapshot, _) => snapshot.file_at(&at.file, remote),
        }
    }

    /// One file.
    pub(crate) fn source(&self, path: &Path) -> Result<Source, Problem> {
        match self {
            Self::Disk(cx) => Source::read(path, &overlay::root(cx)?),
            Self::Commit(remote, snapshot, _) => snapshot.source(path, remote),
        }
    }
}
