//! The command `set`.

use std::path::Path;

use sluice_config::File;
use sluice_core::{Context, Done, Problem, Problems};

use crate::{
    Config, Outputs, SetInputs, diff,
    edit::Edited,
    kustomization,
    outputs::{Images, Written},
    overlay::{self, Overlay},
    plan::Plan,
    report,
    source::Source,
    worktree,
};

pub(crate) fn run(inputs: SetInputs, config: &File<Config>, cx: &Context) -> anyhow::Result<Done<Outputs>> {
    let plan = Plan::new(inputs, config, cx)?;
    let files = edit(&plan, cx)?;
    if !plan.dry_run {
        cx.cancellation().check().map_err(Problem::from)?;
        worktree::write(&files)?;
    }
    Ok(Done {
        outputs: Outputs {
            changed: Some(files.iter().any(Edited::is_changed)),
            images: Images::Written(written(&plan.overlays, &files)),
            diff: Some(files.iter().map(diff::unified).collect()),
        },
        report: report::set(&plan, &files),
    })
}

/// Every file of the plan, once, with all images set; or all that stands against it.
fn edit(plan: &Plan, cx: &Context) -> Result<Vec<Edited>, Problems> {
    let root = overlay::root(cx)?;
    let mut paths: Vec<&Path> = Vec::new();
    for overlay in &plan.overlays {
        if !paths.contains(&overlay.file.as_path()) {
            paths.push(&overlay.file);
        }
    }

    let mut problems = Problems::default();
    let mut files = Vec::new();
    for path in paths {
        cx.cancellation().check().map_err(Problem::from)?;
        let edited = Source::read(path, &root)
            .map_err(Problems::from)
            .and_then(|source| kustomization::set(source, &plan.images, plan.digest_policy));
        match edited {
            Ok(edited) => files.push(edited),
            Err(found) => problems.0.extend(found.0),
        }
    }
    problems.or(files)
}

/// The file of an overlay.
pub(crate) fn file_of<'a>(overlay: &Overlay, files: &'a [Edited]) -> Option<&'a Edited> {
    files.iter().find(|file| file.source.path == overlay.file)
}

/// The output `images`: each change of each overlay.
fn written(overlays: &[Overlay], files: &[Edited]) -> Vec<Written> {
    let mut list = Vec::new();
    for overlay in overlays {
        let Some(file) = file_of(overlay, files) else { continue };
        for image in &file.images {
            list.extend(image.changes.iter().map(|change| Written {
                environment: overlay.environment.clone(),
                overlay: overlay.name.clone(),
                file: file.source.name(),
                place: change.place.to_string(),
                image: image.name.clone(),
                key: change.key.to_owned(),
                before: change.before.clone(),
                after: change.after.clone(),
            }));
        }
    }
    list
}
