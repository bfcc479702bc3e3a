//! Tells which components a change touches, and never answers "nothing" when it does not know.
//!
//! A run, top-down:
//!
//! 1. `plan` merges inputs and configuration into what is to be done: `filters` reads the filters of
//!    dorny/paths-filter, `components` the components of `.github/sluice.yml`, `needs` puts these in order;
//! 2. `repository` opens the repository, and `revisions` chooses the two trees that are compared, from
//!    what was given or from what the `event` of the workflow says; `tags` finds the tag before a tag;
//!    on a terminal what is not committed makes a tree, too: the `working_tree`;
//!    what the clone lacks is asked of the `remote`, which `fetch` speaks git's protocol with, over
//!    `transport`;
//! 3. `discover` reads what the files of the components use, where that is asked for; it asks the head `tree`;
//! 4. `changes` walks over what differs between the two, and `tally` counts what each file hits;
//!    `moves` tells which were renamed, `silent` which patterns match nothing;
//! 5. `census` looks up which cells the head tree has, going where the `levels` of patterns lead, and `decision` decides on each component: its own
//!    files, those that its cells share, what they use, and what it needs; or `everything` counts;
//! 6. `answer` tells the steps that follow (`outputs`, `matrix`, `lists`) and people.
//!
//! Paths are bytes throughout.

mod answer;
mod census;
mod changes;
mod components;
mod config;
mod decision;
mod discover;
mod event;
mod everything;
mod fetch;
mod filters;
mod inputs;
mod levels;
mod lists;
mod matrix;
mod moves;
mod needs;
mod outputs;
mod plan;
mod remote;
mod repository;
mod revisions;
#[cfg(test)]
mod sandbox;
mod silent;
mod status;
mod tags;
mod tally;
mod transport;
mod tree;
mod working_tree;

use sluice_config::File;
use sluice_core::{Action, Context, Done, Problem};

use self::{
    answer::Answer, decision::Case, discover::Web, everything::Everything, plan::Plan, remote::Remote,
    repository::Repository, revisions::Revisions, silent::Silent, tally::Tally,
};
pub use self::{
    config::Sections,
    inputs::{Discover, Inputs, ListFiles, OnUnknown, Quantifier, Unclassified},
    matrix::{Entry, Matrix},
    outputs::{Named, Outputs},
    revisions::Strategy,
};

/// The action.
#[derive(Clone, Copy, Debug)]
pub struct DetectChanges;

impl Action for DetectChanges {
    const NAME: &'static str = "detect-changes";

    type Inputs = Inputs;
    type Config = File<Sections>;
    type Outputs = Outputs;

    const RUNNER_DEFAULTS: &'static [(&'static str, &'static str)] = &[("token", "${{ github.token }}")];

    fn run(inputs: Inputs, config: Self::Config, cx: &Context) -> anyhow::Result<Done<Outputs>> {
        let plan = Plan::new(inputs, &config, cx)?;
        let branch = plan.head.as_deref().or(cx.variable("GITHUB_REF_NAME")).unwrap_or("HEAD").to_owned();
        let go_on = || Ok(cx.cancellation().check()?);

        let mut repository = match &plan.repository {
            Some(_) => Repository::elsewhere(&remote::temporary(cx))?,
            None => Repository::open(cx.folder())?,
        };
        let remote = Remote::of(&plan, &repository, cx);
        let asked = plan.asked(cx);
        let chosen = Revisions::choose(&mut repository, remote.as_ref(), asked, || plan.event(cx), &go_on);
        let (revisions, unknown) = chosen?;

        let answer = compare(plan, &repository, revisions, unknown.map(Everything::Unknown), go_on)?;
        let outputs = answer.outputs(cx.reports().as_deref())?;
        let mut report = answer.report(&branch);
        report.findings.extend(Answer::spilled(&outputs));
        Ok(Done { outputs, report })
    }
}

/// Compares the two trees and decides; `go_on` is asked between steps.
fn compare(
    plan: Plan,
    repository: &Repository,
    revisions: Revisions,
    unknown: Option<Everything>,
    go_on: impl Fn() -> Result<(), Problem>,
) -> Result<Answer, Problem> {
    let components = &plan.catalog.components;
    let web = Web::read(repository, revisions.head, components, &plan.discover, &go_on)?;

    let mut tally = Tally::new(&plan);
    let mut silent = Silent::new(&plan, repository, revisions.head)?;
    changes::between(repository, revisions.base, revisions.head, |change| {
        tally.count(&change, &plan, &web);
        silent.look_at(change.file.path);
        go_on()
    })?;
    // Where nothing is known of the base tree, neither is which patterns match a file of it.
    let warnings = match &unknown {
        Some(_) => Vec::new(),
        None => silent.findings(repository, revisions.head, &go_on)?,
    };
    let everything = match unknown {
        Some(unknown) => Some(unknown),
        None => Everything::of(&tally, plan.unclassified)?,
    };

    let (catalog, hits, dependents) = (&plan.catalog, &tally.components, plan.dependents);
    let case = Case { catalog, hits, web: &web, dependents, everything: everything.is_some() };
    let existing = census::cells(repository, revisions.head, components, &case.in_question(), go_on)?;
    let decisions = case.decide(&existing);
    Ok(Answer { plan, revisions, web, tally, decisions, everything, warnings })
}
