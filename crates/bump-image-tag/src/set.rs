//! The command `set`.

use std::path::PathBuf;

use sluice_config::File;
use sluice_core::{Context, Done, Problem, Problems};

use crate::{
    Config, Outputs, SetInputs, diff,
    edit::{self, Edited},
    files::{self, Read},
    outputs::{Images, Written},
    overlay::{self, Overlay},
    plan::Plan,
    report, select,
    source::Source,
    worktree::{self, Turn},
};

pub(crate) fn run(inputs: SetInputs, config: &File<Config>, cx: &Context) -> anyhow::Result<Done<Outputs>> {
    let turn = Turn::wait(cx)?;
    let plan = Plan::new(inputs, config, cx)?;
    let files = edit(&plan, cx)?;
    let draft = report::set(&plan.overlays, &files, plan.dry_run);
    finish(&plan.overlays, &files, plan.dry_run, draft, &turn, cx)
}

/// Writes the files, unless it is only to be said what would be written, and tells of them.
pub(crate) fn finish(
    overlays: &[Overlay],
    files: &[Edited],
    dry_run: bool,
    report: sluice_core::Draft,
    turn: &Turn,
    cx: &Context,
) -> anyhow::Result<Done<Outputs>> {
    if !dry_run {
        cx.cancellation().check().map_err(Problem::from)?;
        worktree::write(files, turn)?;
    }
    Ok(Done {
        outputs: Outputs {
            changed: Some(files.iter().any(Edited::is_changed)),
            images: Images::Written(written(overlays, files)),
            diff: Some(files.iter().map(diff::unified).collect()),
        },
        report,
    })
}

/// Every file of the plan, once, with all images set; or all that stands against it.
pub(crate) fn edit(plan: &Plan, cx: &Context) -> Result<Vec<Edited>, Problems> {
    let names: Vec<&str> = plan.images.iter().map(|image| image.name.as_str()).collect();
    let mut files = files::read(&plan.overlays, &names, cx)?;
    let searched = files.len();
    let places = places(plan, &mut files, cx)?;

    let looked = select::look(&files[..searched])?;
    let mut edits = select::edits(&plan.overlays, &looked, &plan.images, plan.manner)?;
    drop(looked);
    edits.resize_with(files.len(), Default::default);
    let mut problems = Problems::default();
    for (index, at) in places {
        match at.plan(plan.images.first().filter(|_| plan.images.len() == 1), &files[index]) {
            Ok(planned) => edits[index].places.push(planned),
            Err(problem) => problems.0.push(problem),
        }
    }
    let edits = problems.or(edits)?;

    let mut problems = Problems::default();
    let mut edited = Vec::new();
    for (read, edits) in files.into_iter().zip(edits) {
        if edits.is_empty() {
            continue;
        }
        match edit::edit(read, edits) {
            Ok(file) => edited.push(file),
            Err(problem) => problems.0.push(problem),
        }
    }
    problems.or(edited)
}

/// The places that were named outright, each with its file's position in `files`; a file that is not there is read.
fn places<'p>(
    plan: &'p Plan,
    files: &mut Vec<Read>,
    cx: &Context,
) -> Result<Vec<(usize, &'p crate::At)>, Problems> {
    let root = overlay::root(cx)?;
    let mut problems = Problems::default();
    let mut places = Vec::new();
    for at in &plan.at {
        let index = at.find(cx).and_then(|path| position(&path, files, &root));
        match index {
            Ok(index) => places.push((index, at)),
            Err(problem) => problems.0.push(problem),
        }
    }
    problems.or(places)
}

fn position(path: &PathBuf, files: &mut Vec<Read>, root: &std::path::Path) -> Result<usize, Problem> {
    if let Some(index) = files.iter().position(|file| file.source.path == *path) {
        return Ok(index);
    }
    let source = Source::read(path, root)?;
    let parsed = crate::formats::Parsed::read(&source)?;
    files.push(Read { source, parsed });
    Ok(files.len() - 1)
}

/// The files of an overlay.
pub(crate) fn files_of<'a>(overlay: &'a Overlay, files: &'a [Edited]) -> impl Iterator<Item = &'a Edited> {
    files.iter().filter(|file| overlay.files.contains(&file.source.path))
}

/// The output `images`: each change of each overlay, then those of places that were named outright.
fn written(overlays: &[Overlay], files: &[Edited]) -> Vec<Written> {
    let mut list = Vec::new();
    for overlay in overlays {
        for file in files_of(overlay, files) {
            for image in &file.images {
                list.extend(image.changes.iter().map(|change| Written {
                    environment: overlay.environment.clone(),
                    overlay: Some(overlay.name.clone()),
                    image: Some(image.name.clone()),
                    ..Written::of(change, &file.source)
                }));
            }
        }
    }
    for file in files {
        let changes = file.places.iter().filter_map(|place| place.change.as_ref());
        list.extend(changes.map(|change| Written::of(change, &file.source)));
    }
    list
}
