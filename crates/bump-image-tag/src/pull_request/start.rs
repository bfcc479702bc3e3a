//! What a run finds of the branch, and where it starts from.

use std::{collections::BTreeMap, path::PathBuf};

use sluice_core::Problem;
use sluice_github::{FileStatus, Files, PullRequest, Sha};

use super::Request;
use crate::{remote::Remote, snapshot::Snapshot, source::Source, values};

/// Where a run starts from.
#[derive(Debug)]
pub(super) struct Start {
    /// The branch's head; none where there is no branch.
    pub(super) tip: Option<Sha>,
    /// The files that are edited: those of the commit that the next one goes on top of.
    pub(super) snapshot: Snapshot,
    pub(super) kind: Kind,
    /// The pull request that is open.
    pub(super) open: Option<PullRequest>,
    /// The files that the branch changed before.
    pub(super) pending: Vec<PathBuf>,
    /// What is to be said of the branch.
    pub(super) said: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// There is no branch, or one that has nothing of its own.
    FromBase,
    /// On top of the branch.
    OnTop,
    /// On top of the base, in place of what the branch holds.
    Anew,
}

/// The versions that wait on the branch, carried over to the base.
struct Carried {
    /// The files that differ from the base's.
    changed: BTreeMap<PathBuf, Vec<u8>>,
    /// The places where the base's own version stays.
    left: Vec<String>,
}

impl Request<'_> {
    /// Looks at the branch and its pull requests.
    pub(super) fn start(&self, base_head: &Sha, looked_at: &[PathBuf]) -> Result<Start, Problem> {
        let Self { remote, base, branch, .. } = self;
        let (api, repository) = (&remote.api, &remote.repository);
        let snapshot = |head: &Sha| Snapshot::read(remote, head.clone(), looked_at);
        let from_base = |tip| -> Result<Start, Problem> {
            let (pending, said) = (Vec::new(), Vec::new());
            Ok(Start { tip, snapshot: snapshot(base_head)?, kind: Kind::FromBase, open: None, pending, said })
        };
        let Some(tip) = remote.find_head(branch)? else { return from_base(None) };
        let ahead = remote.ask(api.compare(repository, base_head.as_str(), tip.as_str()))?;
        if ahead.ahead_by == 0 {
            return from_base(Some(tip));
        }
        let open = remote.ask(api.open_pull_requests(repository, branch, base))?.into_iter().next();
        if open.is_none()
            && let Some(closed) = remote.ask(api.closed_pull_request(repository, branch, base, &tip))?
        {
            // What it held was merged, or was not wanted; its page keeps the commits.
            let said = vec![format!("started anew from {base}: #{} is closed", closed.number)];
            return Ok(Start { kind: Kind::Anew, said, ..from_base(Some(tip))? });
        }
        let pending = match &ahead.files {
            Files::Complete(files) | Files::Cut { some: files } => {
                files.iter().map(|file| PathBuf::from(&file.path)).collect()
            }
        };
        let on_top = |said| -> Result<Start, Problem> {
            let (tip, snapshot) = (Some(tip.clone()), snapshot(&tip)?);
            Ok(Start { tip, snapshot, kind: Kind::OnTop, open: open.clone(), pending, said })
        };
        if ahead.behind_by == 0 {
            return on_top(Vec::new());
        }
        let new = snapshot(base_head)?;
        let Some(Carried { changed, left }) = self.carried(&ahead.merge_base, &tip, &new, &ahead.files)?
        else {
            return on_top(vec![format!(
                "not brought up to {base}, {} commits behind: it holds more than versions of images, which is kept",
                ahead.behind_by
            )]);
        };
        let mut said = vec![format!("built anew on {base}, which was {} commits ahead", ahead.behind_by)];
        said.extend(
            left.into_iter().map(|place| format!("{base} has another version by now, which stays: {place}")),
        );
        let (tip, snapshot) = (Some(tip), new.with(changed));
        Ok(Start { tip, snapshot, kind: Kind::Anew, open, pending: Vec::new(), said })
    }

    /// Carries the versions that wait on the branch over to the base. None where the branch holds anything else.
    fn carried(
        &self,
        merge_base: &Sha,
        tip: &Sha,
        new: &Snapshot,
        files: &Files,
    ) -> Result<Option<Carried>, Problem> {
        let Files::Complete(files) = files else { return Ok(None) };
        let mut changed = BTreeMap::new();
        let mut left = Vec::new();
        for file in files {
            let path = PathBuf::from(&file.path);
            if file.status != FileStatus::Modified || !new.holds(&path) {
                return Ok(None);
            }
            let at = |commit: &Sha| -> Result<Source, Problem> {
                let Remote { api, repository, .. } = self.remote;
                let bytes = self.remote.ask(api.file(repository, &file.path, commit.as_str()))?.to_vec();
                Ok(Source { path: path.clone(), relative: path.clone(), bytes })
            };
            let now = new.source(&path, self.remote)?;
            let Some(carried) = values::carry(&at(merge_base)?, &at(tip)?, &now) else { return Ok(None) };
            left.extend(carried.left);
            if carried.bytes != now.bytes {
                changed.insert(path, carried.bytes);
            }
        }
        Ok(Some(Carried { changed, left }))
    }
}
