//! `verify`: says whether a backup is whole.

use sluice_core::{Context, Done, Draft, Finding, Problem, Verdict};

use crate::{Outputs, export::counted, kept::Kept, plan::Source};

pub(crate) fn run(source: &Source, cx: &Context) -> Result<Done<Outputs>, Problem> {
    let kept = cx.block_on(Kept::read(source, cx)).flatten()?;
    let report = if kept.damages.is_empty() { whole(&kept, source) } else { damaged(&kept) };
    Ok(Done { outputs: outputs(&kept), report })
}

/// What a damaged backup is answered with, whatever was to be done with it.
pub(crate) fn damaged(kept: &Kept) -> Draft {
    let verdict = kept.damages.iter().map(|finding| finding.verdict).max().unwrap_or(Verdict::Failed);
    let files = counted(kept.damages.len(), "file");
    let title = if kept.damages.iter().all(|finding| finding.verdict == Verdict::Misconfigured) {
        format!("{files} of {} can't be decrypted with this key", kept.location)
    } else {
        format!("{} is damaged: {files}", kept.location)
    };
    let mut draft = Draft::new(verdict, title);
    draft.findings.clone_from(&kept.damages);
    facts(&mut draft, kept);
    draft
}

fn whole(kept: &Kept, source: &Source) -> Draft {
    let files = counted(kept.manifest.files.len(), "file");
    let title = format!("{} is whole: {files} as the manifest says", kept.location);
    let mut draft = Draft::new(Verdict::Passed, title);
    facts(&mut draft, kept);
    match (kept.sealed(), &source.key) {
        (0, _) => {}
        (sealed, Some(_)) => {
            draft.fact("encrypted", format!("{}, which the key decrypts", counted(sealed, "file")));
        }
        (sealed, None) => {
            draft.fact("encrypted", format!("{}, not decrypted: no key was given", counted(sealed, "file")));
        }
    }
    if source.digest.is_none() {
        draft.finding(
            Finding::new("manifest", Verdict::Skipped, "believed: it was held against no digest")
                .help("give the `digest` of the export, kept elsewhere, to be sure that nobody wrote another manifest"),
        );
    }
    draft
}

fn facts(draft: &mut Draft, kept: &Kept) {
    draft.fact("cluster", format!("{} ({})", kept.manifest.cluster, kept.manifest.version));
    draft.fact("namespace", &kept.manifest.namespace);
    draft.fact("exported", kept.manifest.created.strftime("%Y-%m-%d %H:%M:%S UTC").to_string());
    draft.fact("manifest", &kept.digest);
}

/// What is told of a backup that was read.
pub(crate) fn outputs(kept: &Kept) -> Outputs {
    Outputs {
        location: Some(kept.location.clone()),
        digest: Some(kept.digest.clone()),
        namespace: Some(kept.manifest.namespace.clone()),
        objects: Some(kept.manifest.files.len()),
        ..Outputs::default()
    }
}
