//! What `set` says to people.

use sluice_core::{Block, Draft, Finding, SubjectKind, Verdict};

use crate::{
    diff,
    edit::{Edited, EditedImage},
    overlay::Overlay,
    plan::Plan,
    set::file_of,
};

/// The report of `set`.
pub(crate) fn set(plan: &Plan, files: &[Edited]) -> Draft {
    let seen: Vec<(&Overlay, &EditedImage)> = plan
        .overlays
        .iter()
        .filter_map(|overlay| Some((overlay, file_of(overlay, files)?)))
        .flat_map(|(overlay, file)| file.images.iter().map(move |image| (overlay, image)))
        .collect();
    let changed: Vec<_> = seen.iter().filter(|(_, image)| !image.changes.is_empty()).copied().collect();

    let verdict = if changed.is_empty() { Verdict::Skipped } else { Verdict::Passed };
    let mut draft = Draft::new(verdict, title(&changed, plan.dry_run));
    draft.findings = seen.iter().map(|(overlay, image)| finding(overlay, image)).collect();
    for file in files.iter().filter(|file| file.is_changed()) {
        draft.block(Block::Diff { title: file.source.name(), text: diff::hunks(file) });
    }
    draft.fact("strategy", "worktree: files on disk, no commit");
    for (_, image) in &seen {
        let (name, digest) = (image.after.tagged(&image.name), &image.after.digest);
        if !draft.subjects.iter().any(|subject| (&subject.name, &subject.digest) == (&name, digest)) {
            draft.subject(SubjectKind::Image, name, digest.clone());
        }
    }
    draft
}

fn title(changed: &[(&Overlay, &EditedImage)], dry_run: bool) -> String {
    let count = |one: &str, mut items: Vec<&str>| {
        items.sort_unstable();
        items.dedup();
        if items.len() == 1 { format!("1 {one}") } else { format!("{} {one}s", items.len()) }
    };
    let images = count("image", changed.iter().map(|(_, image)| image.name.as_str()).collect());
    let overlays = count("overlay", changed.iter().map(|(overlay, _)| overlay.label.as_str()).collect());
    match (changed.is_empty(), dry_run) {
        (true, _) => "everything is set already".to_owned(),
        (false, true) => format!("would set {images} in {overlays}"),
        (false, false) => format!("{images} set in {overlays}"),
    }
}

fn finding(overlay: &Overlay, image: &EditedImage) -> Finding {
    let EditedImage { name, before, after, changes } = image;
    if changes.is_empty() {
        let reason = format!("{name}: already {}", after.version());
        return Finding::new(&overlay.label, Verdict::Skipped, reason);
    }
    let reason = if before.name(name) == after.name(name) {
        format!("{name}: {} -> {}", before.version(), after.version())
    } else {
        format!("{name}: {} -> {}", before.brief(name), after.brief(name))
    };
    let finding = Finding::new(&overlay.label, Verdict::Passed, reason);
    match (&after.tag, &after.digest) {
        (Some(_), Some(_)) if before.digest == after.digest => {
            finding.evidence("the digest is the one before, and decides what runs, not the tag")
        }
        (Some(tag), Some(_)) if before.tag == after.tag => {
            finding.evidence(format!("the tag is {tag} as before; the new digest decides what runs"))
        }
        _ => finding,
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::{DigestPolicy, kustomization, source::Source};

    const OLD: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    const NEW: &str = "sha256:ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb";

    /// The report of setting `images` in overlays with these labels and contents.
    fn report(overlays: &[(&str, &str)], images: &[&str], dry_run: bool) -> String {
        let plan = Plan {
            images: images.iter().map(|image| image.parse().unwrap()).collect(),
            overlays: overlays
                .iter()
                .map(|(label, _)| Overlay {
                    environment: None,
                    name: (*label).to_owned(),
                    label: (*label).to_owned(),
                    file: PathBuf::from(label),
                })
                .collect(),
            digest_policy: DigestPolicy::Keep,
            dry_run,
        };
        let edit = |(label, text): &(&str, &str)| {
            let path = PathBuf::from(label);
            let source = Source { path: path.clone(), relative: path, bytes: (*text).into() };
            kustomization::set(source, &plan.images, plan.digest_policy).unwrap()
        };
        let draft = set(&plan, &overlays.iter().map(edit).collect::<Vec<_>>());
        let mut lines = vec![format!("{}: {}", draft.verdict, draft.title)];
        for finding in &draft.findings {
            lines.push(format!("{} {}: {}", finding.verdict, finding.subject, finding.reason));
            lines.extend(finding.evidence.iter().map(|evidence| format!("  {evidence}")));
        }
        for subject in &draft.subjects {
            lines.push(format!("about {} {}", subject.name, subject.digest.as_deref().unwrap_or("-")));
        }
        lines.extend(draft.blocks.iter().map(|block| match block {
            Block::Diff { title, .. } => format!("diff of {title}"),
            Block::Table { title, .. } => format!("table {title}"),
            Block::Mermaid { title, .. } => format!("graph {title}"),
        }));
        lines.join("\n")
    }

    #[test]
    fn it_tells_each_change_and_what_was_set_already() {
        let overlays = [
            ("dev", "images: [{name: a, newTag: v1}, {name: b, newName: x/b, newTag: v1}]"),
            ("staging", "images: [{name: a, newTag: v1}, {name: b, newTag: v1}]"),
            ("production", "images: [{name: a, newTag: v2}, {name: b, newName: x/b, newTag: v2}]"),
        ];
        insta::assert_snapshot!(report(&overlays, &["a:v2", "b=x/b:v2"], false), @r"
        passed: 2 images set in 2 overlays
        passed dev: a: v1 -> v2
        passed dev: b: v1 -> v2
        passed staging: a: v1 -> v2
        passed staging: b: b:v1 -> x/b:v2
        skipped production: a: already v2
        skipped production: b: already v2
        about a:v2 -
        about x/b:v2 -
        diff of dev
        diff of staging
        ");
    }

    #[test]
    fn the_title_counts_and_says_when_nothing_was_written() {
        let title = |dry_run, image: &str| {
            let text = report(&[("dev", "images: [{name: a, newTag: v1}]")], &[image], dry_run);
            text.lines().next().unwrap().to_owned()
        };
        assert_eq!(title(false, "a:v2"), "passed: 1 image set in 1 overlay");
        assert_eq!(title(true, "a:v2"), "passed: would set 1 image in 1 overlay");
        assert_eq!(title(true, "a:v1"), "skipped: everything is set already");
    }

    #[test]
    fn it_says_which_of_tag_and_digest_decides() {
        let pinned = format!("images: [{{name: a, newTag: v1, digest: '{OLD}'}}]");
        let overlays = [("dev", pinned.as_str())];
        insta::assert_snapshot!(report(&overlays, &["a:v2"], false), @r"
        passed: 1 image set in 1 overlay
        passed dev: a: v1@sha256:e3b0c44298fc -> v2@sha256:e3b0c44298fc
          the digest is the one before, and decides what runs, not the tag
        about a:v2 sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
        diff of dev
        ");
        insta::assert_snapshot!(report(&overlays, &[&format!("a@{NEW}")], false), @r"
        passed: 1 image set in 1 overlay
        passed dev: a: v1@sha256:e3b0c44298fc -> v1@sha256:ca978112ca1b
          the tag is v1 as before; the new digest decides what runs
        about a:v1 sha256:ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb
        diff of dev
        ");
    }
}
