//! What the conditions that look at GitHub have in common.

use jiff::Timestamp;
use sluice_core::Problem;
use sluice_gate::Source;
use sluice_github::{Api, CommitPull, Repository, Sha, Trace};

use crate::condition::World;

impl World<'_> {
    /// GitHub, and what is asked of it from here on.
    pub(crate) fn github(&self) -> Result<(Api, Trace), Problem> {
        self.network.traced()
    }

    /// The repository that is asked about.
    pub(crate) fn repository(&self) -> Result<Repository, Problem> {
        let Some(name) = &self.question.repository else {
            return Err(Problem::misconfigured("it is not said which repository is meant")
                .help("give `repository`, as `acme/shop`"));
        };
        Ok(name.parse::<Repository>()?)
    }

    /// The commit that is asked about.
    pub(crate) fn commit(&self) -> Result<Sha, Problem> {
        let Some(commit) = &self.question.commit else {
            return Err(Problem::misconfigured("it is not said which commit is meant")
                .help("give `commit`: its full name"));
        };
        commit
            .parse()
            .map_err(|error| Problem::misconfigured(format!("\"{commit}\" is no commit")).why(error))
    }

    /// Where facts were read.
    pub(crate) fn sources(&self, traces: &[&Trace]) -> Vec<Source> {
        let answered = traces.iter().flat_map(|trace| trace.answered());
        answered.map(|one| Source { url: one.url, at: one.at.unwrap_or(self.question.now) }).collect()
    }
}

/// The time on GitHub's clock.
pub(crate) fn clock(trace: &Trace) -> Result<Timestamp, Problem> {
    trace.clock().ok_or_else(|| Problem::undecided("GitHub does not say what time it is"))
}

/// The account as decisions know it.
pub(crate) fn account(account: sluice_github::Account) -> sluice_gate::Account {
    sluice_gate::Account { id: account.id, is_bot: !account.is_person(), login: account.login }
}

/// Whether a commit is a pull request: what it was merged as, or what it is while it is not.
pub(crate) fn brought(pull: &CommitPull, commit: &Sha) -> bool {
    pull.merged_as.as_ref().unwrap_or(&pull.head_sha) == commit
}
