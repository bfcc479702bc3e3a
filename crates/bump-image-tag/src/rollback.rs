//! The command `rollback`: the values that an environment had before, found in the history of its files.
//!
//! What the last commits that changed images wrote is put back to what stood there before them, value by value. A
//! value that is not what they wrote any more was changed by someone since: it is refused, and so is the whole.

use std::collections::BTreeMap;
use std::path::PathBuf;

use sluice_config::File;
use sluice_core::{Context, Done, Problem, Problems};

use crate::{
    Config, Outputs, RollbackInputs,
    edit::{self, Edited, Edits},
    files::{self, Read},
    formats::Parsed,
    history::{Commit, History},
    overlay, plan, report, set,
    site::{Site, SlotEdit},
    source::Source,
    worktree::Turn,
};

pub(crate) fn run(
    inputs: &RollbackInputs,
    config: &File<Config>,
    cx: &Context,
) -> anyhow::Result<Done<Outputs>> {
    let RollbackInputs { environment, overlay, to, steps, strategy, dry_run } = inputs;
    if environment.is_empty() && overlay.is_empty() {
        return Err(Problem::misconfigured("it is not said what to roll back")
            .help("name environments of the configuration with `environment`, or folders with `overlay`")
            .into());
    }
    plan::refuse_other_strategies(*strategy, environment, config)?;
    let turn = Turn::wait(cx)?;
    let overlays = overlay::named(environment, overlay, config, cx)?;
    let reads = files::read(&overlays, &[], cx)?;
    let history = History::open(&overlay::root(cx)?)?;
    let until = match to {
        Some(name) => Until::Commit(history.named(name)?),
        None => Until::Steps(steps.unwrap_or(1) as usize),
    };
    let past = Past::read(&history, &reads, until, cx)?;
    let edited = restore(reads, &past)?;
    let mut draft = report::set(&overlays, &edited, *dry_run);
    if edited.iter().all(|file| !file.is_changed()) {
        "nothing to roll back".clone_into(&mut draft.title);
    } else {
        draft.title = format!("rolled back: {}", draft.title);
    }
    for (commit, _) in &past.commits {
        draft.fact("undone", commit.short());
    }
    set::finish(&overlays, &edited, *dry_run, draft, &turn, cx)
}

/// How far back to go.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Until {
    /// Behind so many commits that changed images.
    Steps(usize),
    /// To this commit.
    Commit(Commit),
}

/// The values of a file's sites: by the way to the site, its name, and the key.
type Values = BTreeMap<(String, String), Option<String>>;

/// A value that was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Restored {
    /// What stood there before the first of the commits.
    before: Option<String>,
    /// What the last of them wrote.
    written: Option<String>,
    /// The commit that wrote it.
    by: Commit,
}

/// What the commits changed, file by file.
#[derive(Debug, Default)]
pub(crate) struct Past {
    /// The commits that changed images, the last one first, each with how many values.
    commits: Vec<(Commit, usize)>,
    values: BTreeMap<PathBuf, BTreeMap<(String, String), Restored>>,
}

impl Past {
    /// Goes back from the commit that is checked out.
    fn read(history: &History, files: &[Read], until: Until, cx: &Context) -> Result<Self, Problem> {
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
        history: &History,
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
            let parsed = Parsed::read(&source).map_err(|problem| unread(problem, commit))?;
            let found = parsed.sites(&source).map_err(|problem| unread(problem, commit))?;
            Ok(values_of(&found.sites))
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
                .or_insert_with(|| Restored { before: before.clone(), written, by: commit });
        }
        Ok(changes)
    }

    /// The first commit was reached.
    fn ended(self, until: Until) -> Result<Self, Problem> {
        let found = self.commits.len();
        match until {
            Until::Steps(steps) => {
                Err(Problem::misconfigured(format!("the history holds no {steps} changes of these images"))
                    .why(format!("it holds {found}"))
                    .help("say fewer `steps`"))
            }
            Until::Commit(commit) => Err(Problem::misconfigured(format!(
                "{} is not in the history of what is checked out",
                commit.short()
            ))
            .why("only commits of the branch itself are gone back to, not those that were merged into it")
            .help("name the merge, or a commit before it")),
        }
    }
}

/// The values of sites. Two sites that are told apart by nothing are none.
fn values_of(sites: &[Site<'_>]) -> Values {
    let mut values = Values::new();
    let mut doubtful = Vec::new();
    for site in sites {
        for slot in site.slots() {
            let key = (site.path.clone(), slot.key.clone());
            if values.insert(key.clone(), slot.said()).is_some() {
                doubtful.push(key);
            }
        }
    }
    for key in doubtful {
        values.remove(&key);
    }
    values
}

/// The files with the values put back; or all that stands against it.
fn restore(files: Vec<Read>, past: &Past) -> Result<Vec<Edited>, Problems> {
    let mut problems = Problems::default();
    let mut edited = Vec::new();
    for read in files {
        let Some(values) = past.values.get(&read.source.relative).filter(|values| !values.is_empty()) else {
            continue;
        };
        match edits(&read, values).and_then(|edits| Ok(edit::edit(read, edits)?)) {
            Ok(file) => edited.push(file),
            Err(found) => problems.0.extend(found.0),
        }
    }
    problems.or(edited)
}

fn edits(read: &Read, values: &BTreeMap<(String, String), Restored>) -> Result<Edits, Problems> {
    let source = &read.source;
    let found = read.parsed.sites(source)?;
    let mut problems = Problems::default();
    let mut edits = Edits::default();
    for (number, site) in found.sites.iter().enumerate() {
        let mut of_site: Vec<SlotEdit> = Vec::new();
        let mut is_meant = false;
        for slot in site.slots() {
            let Some(restored) = values.get(&(site.path.clone(), slot.key.clone())) else { continue };
            is_meant = true;
            if slot.said() == restored.before {
                continue;
            }
            if slot.said() != restored.written {
                problems.0.push(changed_since(site, &slot.key, slot.said(), restored, source));
                continue;
            }
            match (slot.value, &restored.before) {
                (Some(_), before) => of_site.extend(slot.set(before.as_deref().unwrap_or_default())),
                (None, _) => problems.0.push(taken_away(site, &slot.key, restored, source)),
            }
        }
        if is_meant {
            edits.sites.push((number, of_site));
        }
    }
    for (path, key) in values.keys() {
        if !found
            .sites
            .iter()
            .any(|site| site.path == *path && site.slots().iter().any(|slot| slot.key == *key))
        {
            problems.0.push(
                Problem::failed(format!("`{key}` of {path} is not there any more"))
                    .why("someone else changed the file since")
                    .at(sluice_core::Place::file(source.name())),
            );
        }
    }
    problems.or(edits)
}

/// A version of a file that can't be read hides what it changed.
fn unread(problem: Problem, commit: Commit) -> Problem {
    let file = problem.place.as_ref().map(ToString::to_string).unwrap_or_default();
    Problem::undecided(format!("could not read {file} as it was in {}", commit.short()))
        .why(problem.what)
        .help("`set` the version that is meant")
}

fn changed_since(
    site: &Site<'_>,
    key: &str,
    now: Option<String>,
    restored: &Restored,
    source: &Source,
) -> Problem {
    let shown = |value: Option<String>| value.unwrap_or_else(|| "nothing".to_owned());
    let wrote = shown(restored.written.clone());
    Problem::failed(format!("`{key}` of \"{}\" was changed since: nothing was written", site.name))
        .why(format!("it is {}; {} wrote {wrote}", shown(now), restored.by.short()))
        .help("commit or undo the change, or `set` the version that is meant")
        .at(source.place(site.place))
}

fn taken_away(site: &Site<'_>, key: &str, restored: &Restored, source: &Source) -> Problem {
    let before = restored.before.as_deref().unwrap_or_default();
    Problem::failed(format!("`{key}` of \"{}\" was taken away by {}", site.name, restored.by.short()))
        .help(format!("write `{key}: {before}` by hand, or `set` it with `add-missing: true`"))
        .at(source.place(site.place))
}

#[cfg(test)]
mod tests;
