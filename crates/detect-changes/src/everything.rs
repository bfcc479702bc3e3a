//! Why everything counts as changed, where it does.

use sluice_core::{Finding, Problem, Verdict};

use crate::{inputs::Unclassified, tally::Tally};

/// Why everything counts as changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Everything {
    /// There is no telling what to compare with, and `on-unknown` is `all`.
    Unknown(Problem),
    /// Files changed that no component or filter names, these here, and `unclassified` is `all`.
    Unclassified(String),
}

impl Everything {
    /// Whether everything counts because of files that nobody names; an error where there may be none.
    pub(crate) fn of(tally: &Tally, policy: Unclassified) -> Result<Option<Self>, Problem> {
        match policy {
            _ if tally.unclassified.is_empty() => Ok(None),
            Unclassified::Ignore => Ok(None),
            Unclassified::All => Ok(Some(Self::Unclassified(tally.unclassified()))),
            Unclassified::Fail => {
                Err(Problem::misconfigured("changed files are named by no component or filter")
                    .why(tally.unclassified())
                    .help(
                        "name them in the `paths` of a component; or take `unclassified: all`, or `ignore`",
                    ))
            }
        }
    }

    /// Whether all that changed is known.
    pub(crate) fn is_known(&self) -> bool {
        matches!(self, Self::Unclassified(_))
    }

    /// Why a component or filter changed that has no file of its own to tell.
    pub(crate) fn reason(&self) -> &'static str {
        match self {
            Self::Unknown(_) => "what changed is not known, so everything counts as changed",
            Self::Unclassified(_) => "a changed file is named by nobody, so everything counts as changed",
        }
    }

    /// What people are told of it.
    pub(crate) fn finding(&self) -> Finding {
        match self {
            Self::Unknown(why) => {
                let why = Finding::from(why.clone());
                Finding { subject: "base".to_owned(), verdict: Verdict::Skipped, ..why }
            }
            Self::Unclassified(files) => Finding::new("unclassified", Verdict::Skipped, files),
        }
    }
}
