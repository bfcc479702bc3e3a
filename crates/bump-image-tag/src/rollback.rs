//! The command `rollback`: the values that an environment had before, found in the history of its files.
//!
//! What the last commits that changed images wrote is put back to what stood there before them, value by value. A
//! value that is not what they wrote any more was changed by someone since: it is refused, and so is the whole.

use std::{cell::OnceCell, collections::BTreeMap, path::PathBuf};

use sluice_config::File;
use sluice_core::{Context, Done, Problem, Problems};

use crate::{
    Config, Outputs, RollbackInputs,
    edit::{self, Edited},
    files::Read,
    history::{Commit, History},
    report,
    source::Source,
    strategy::{self, Command, Made},
    tree::{Target, Tree},
    values::{self, Key, Restored, Values},
};

pub(crate) fn run(
    inputs: &RollbackInputs,
    config: &File<Config>,
    cx: &Context,
) -> anyhow::Result<Done<Outputs>> {
    let RollbackInputs { environment, overlay, to, steps, writing } = inputs;
    let target = Target { environments: environment.clone(), paths: overlay.clone() };
    if target.is_empty() {
        return Err(Problem::misconfigured("it is not said what to roll back")
            .help("name environments of the configuration with `environment`, or folders with `overlay`")
            .into());
    }
    // What the first look finds to undo stays what is meant: where a commit of someone else comes first, the values that
    // it wrote are theirs.
    let first_look = OnceCell::new();
    let work = |tree: &Tree<'_>| -> Result<Made, Problems> {
        let overlays = tree.overlays(&target, config)?;
        let reads = tree.read(&overlays, &[])?;
        let past = if let Some(past) = first_look.get() {
            past
        } else {
            let history = tree.history()?;
            let until = match to {
                Some(name) => Until::Commit(history.named(name)?),
                None => Until::Steps(steps.unwrap_or(1) as usize),
            };
            let past = Past::read(&*history, &reads, until, cx)?;
            first_look.get_or_init(|| past)
        };
        let edited = restore(reads, past)?;
        let mut draft = report::set(&overlays, &edited, writing.dry_run);
        if edited.iter().all(|file| !file.is_changed()) {
            "nothing to roll back".clone_into(&mut draft.title);
        } else {
            draft.title = format!("rolled back: {}", draft.title);
        }
        for (commit, _) in &past.commits {
            draft.fact("undone", commit.short());
        }
        Ok(Made { overlays, files: edited, report: draft })
    };
    let command =
        Command { writing, target: &target, looked_at: target.folders(config), order: None, config, cx };
    strategy::carry_out(&command, &work)
}

/// How far back to go.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Until {
    /// Behind so many commits that changed images.
    Steps(usize),
    /// To this commit.
    Commit(Commit),
}

/// What the commits changed, file by file.
#[derive(Debug, Default)]
pub(crate) struct Past {
    /// The commits that changed images, the last one first, each with how many values.
    commits: Vec<(Commit, usize)>,
    values: BTreeMap<PathBuf, BTreeMap<Key, Restored>>,
}

impl Past {
    /// Goes back from the head.
    fn read(history: &dyn History, files: &[Read], until: Until, cx: &Context) -> Result<Self, Problem> {
        let mut past = Self::default();
        let mut commit = history.head()?;
        loop {
            cx.cancellation().check()?;
            match until {
                Until::Steps(steps) if past.commits.len() >= steps => return Ok(past),
                Until::Commit(target) if target.id == commit.id => return Ok(past),
                _ => {}
            }
            let Some(before) = history.before(commit)? else { return past.ended(until) };
            let mut changes = 0;
            for file in files {
                changes += past.take(history, &file.source, commit, before)?;
            }
            if changes > 0 {
                past.commits.push((commit, changes));
            }
            commit = before;
        }
    }

    /// Takes what a commit changed in a file, and tells how many values.
    fn take(
        &mut self,
        history: &dyn History,
        file: &Source,
        commit: Commit,
        before: Commit,
    ) -> Result<usize, Problem> {
        let (new, old) = (history.file(commit, &file.relative)?, history.file(before, &file.relative)?);
        let (Some(new), Some(old)) = (new, old) else { return Ok(0) };
        if new == old {
            return Ok(0);
        }
        let values = |id, commit: Commit| -> Result<Values, Problem> {
            let source = Source { bytes: history.bytes(id)?, ..file.clone() };
            values::of_file(&source).map_err(|problem| unread(problem, commit))
        };
        let (new, old) = (values(new, commit)?, values(old, before)?);
        let mut changes = 0;
        let known = self.values.entry(file.relative.clone()).or_default();
        for (key, written) in new {
            let Some(before) = old.get(&key).filter(|before| **before != written) else { continue };
            changes += 1;
            known
                .entry(key)
                .and_modify(|restored| restored.before.clone_from(before))
                .or_insert_with(|| Restored { before: before.clone(), written, by: commit.short() });
        }
        Ok(changes)
    }

    /// The first commit was reached.
    fn ended(self, until: Until) -> Result<Self, Problem> {
        let found = self.commits.len();
        match until {
            Until::Steps(_) if found == 0 => Err(Problem::misconfigured("there is nothing to go back to")
                .why("no commit changed these images since their files are there")
                .help("write the version that is meant with `set`")),
            Until::Steps(steps) => {
                Err(Problem::misconfigured(format!("the history holds no {steps} changes of these images"))
                    .why(format!("it holds {found}"))
                    .help("say fewer `steps`"))
            }
            Until::Commit(commit) => Err(Problem::misconfigured(format!(
                "{} is not in the history of the files",
                commit.short()
            ))
            .why("only commits of the branch itself are gone back to, not those that were merged into it")
            .help("name the merge, or a commit before it")),
        }
    }
}

/// The files with the values put back; or all that stands against it.
fn restore(files: Vec<Read>, past: &Past) -> Result<Vec<Edited>, Problems> {
    let mut problems = Problems::default();
    let mut edited = Vec::new();
    for read in files {
        let Some(values) = past.values.get(&read.source.relative).filter(|values| !values.is_empty()) else {
            continue;
        };
        match values::edits(&read, values).and_then(|edits| Ok(edit::edit(&read, edits)?)) {
            Ok(file) => edited.push(file),
            Err(found) => problems.0.extend(found.0),
        }
    }
    problems.or(edited)
}

/// A version of a file that can't be read hides what it changed.
fn unread(problem: Problem, commit: Commit) -> Problem {
    let file = problem.place.as_ref().map(ToString::to_string).unwrap_or_default();
    Problem::undecided(format!("could not read {file} as it was in {}", commit.short()))
        .why(problem.what)
        .help("`set` the version that is meant")
}

#[cfg(test)]
mod tests;
