//! The command `set`.

use std::path::Path;

use sluice_config::File;
use sluice_core::{Context, Done, Finding, Problem, Problems};

use crate::{
    Config, Outputs, SetInputs,
    edit::{self, Edited, Edits},
    files::Read,
    left,
    overlay::Overlay,
    parallel,
    plan::Plan,
    report, select,
    strategy::{self, Command, Made},
    tree::Tree,
};

pub(crate) fn run(inputs: SetInputs, config: &File<Config>, cx: &Context) -> anyhow::Result<Done<Outputs>> {
    let (plan, order, writing) = Plan::new(inputs, cx)?;
    let command = Command {
        writing: &writing,
        target: &plan.target,
        looked_at: plan.looked_at(config),
        order: Some(order),
        config,
        cx,
    };
    strategy::carry_out(&command, &|tree| make(&plan, tree, writing.dry_run, config))
}

/// What becomes of the files of a tree.
pub(crate) fn make(
    plan: &Plan,
    tree: &Tree<'_>,
    dry_run: bool,
    config: &File<Config>,
) -> Result<Made, Problems> {
    let overlays = tree.overlays(&plan.target, config)?;
    let (files, left) = edit(plan, &overlays, tree)?;
    let mut report = report::set(&overlays, &files, dry_run);
    report.findings.extend(left);
    Ok(Made { overlays, files, report })
}

/// Every file of the plan, once, with all images set, and what is left as it is in them; or all that stands against it.
fn edit(plan: &Plan, overlays: &[Overlay], tree: &Tree<'_>) -> Result<(Vec<Edited>, Vec<Finding>), Problems> {
    let names: Vec<&str> = plan.images.iter().map(|image| image.name.as_str()).collect();
    let mut files = tree.read(overlays, &names)?;
    let searched = files.len();
    let places = places(plan, &mut files, tree)?;

    let looked = select::look(&files[..searched])?;
    let mut edits = select::edits(overlays, &looked, &plan.images, plan.manner)?;
    edits.resize_with(files.len(), Default::default);
    let mut problems = Problems::default();
    for (index, at) in places {
        match at.plan(plan.images.first().filter(|_| plan.images.len() == 1), &files[index]) {
            Ok(planned) => edits[index].places.push(planned),
            Err(problem) => problems.0.push(problem),
        }
    }
    let edits = problems.or(edits)?;

    // Where places are named outright, all are that are meant.
    let unnamed = looked.iter().zip(&edits).filter(|(_, edits)| edits.places.is_empty());
    let left = unnamed.flat_map(|(file, _)| left::findings(file, &plan.images)).collect();
    let work: Vec<_> = edits.into_iter().enumerate().filter(|(_, edits)| !edits.is_empty()).collect();
    let edit = |(): &mut (), (index, edits): (usize, Edits)| {
        let sites = looked.get(index).map_or(&[][..], |looked| &looked.found.sites);
        edit::edit_sites(&files[index], sites, edits)
    };
    Ok((Problems::all(parallel::map(work, || (), edit))?, left))
}

/// The places that were named outright, each with its file's position in `files`; a file that is not there is read.
fn places<'p>(
    plan: &'p Plan,
    files: &mut Vec<Read>,
    tree: &Tree<'_>,
) -> Result<Vec<(usize, &'p crate::At)>, Problems> {
    let places = plan.at.iter().map(|at| Ok((position(&tree.file_of(at)?, files, tree)?, at)));
    Problems::all(places)
}

fn position(path: &Path, files: &mut Vec<Read>, tree: &Tree<'_>) -> Result<usize, Problem> {
    if let Some(index) = files.iter().position(|file| file.source.path == path) {
        return Ok(index);
    }
    let source = tree.source(path)?;
    let parsed = crate::formats::Parsed::read(&source)?;
    files.push(Read { source, parsed });
    Ok(files.len() - 1)
}
