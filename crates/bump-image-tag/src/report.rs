//! What `set` says to people.

use sluice_core::{Block, Change, Draft, Finding, SubjectKind, Verdict};

use crate::{
    edit::{Edited, EditedImage, EditedPlace},
    outputs::Written,
    overlay::Overlay,
    source::Source,
};

/// An image of an overlay, and where it stands.
struct Seen<'a> {
    overlay: &'a Overlay,
    image: &'a EditedImage,
    places: Vec<String>,
}

/// The report of `set`.
pub(crate) fn set(overlays: &[Overlay], files: &[Edited], dry_run: bool) -> Draft {
    let seen = seen(overlays, files);
    let changed: Vec<&Seen<'_>> = seen.iter().filter(|seen| !seen.image.changes.is_empty()).collect();
    let places: Vec<(&Source, &EditedPlace)> =
        files.iter().flat_map(|file| file.places.iter().map(|place| (&file.source, place))).collect();
    let set = places.iter().filter(|(_, place)| place.change.is_some()).count();

    let nothing = changed.is_empty() && set == 0;
    let verdict = if nothing { Verdict::Skipped } else { Verdict::Passed };
    let mut draft = Draft::new(verdict, title(&changed, set, dry_run));
    draft.findings = seen.iter().map(finding).collect();
    draft.findings.extend(places.iter().map(|(source, place)| place_finding(source, place)));
    for file in files.iter().filter(|file| file.is_changed()) {
        draft.block(Block::Diff { title: file.source.name(), text: file.hunks.clone() });
    }
    if !dry_run {
        draft.changes = changed
            .iter()
            .map(|Seen { overlay, image, .. }| Change {
                name: image.name.clone(),
                place: overlay.label.clone(),
                before: image.before.version(),
                after: image.after.version(),
            })
            .collect();
    }
    for Seen { image, .. } in &seen {
        let (name, digest) = (image.after.tagged(&image.name), &image.after.digest);
        if !draft.subjects.iter().any(|subject| (&subject.name, &subject.digest) == (&name, digest)) {
            draft.subject(SubjectKind::Image, name, digest.clone());
        }
    }
    draft
}

/// Each image of each overlay; what changes alike at several places is one.
fn seen<'a>(overlays: &'a [Overlay], files: &'a [Edited]) -> Vec<Seen<'a>> {
    let mut seen: Vec<Seen<'a>> = Vec::new();
    for overlay in overlays {
        for file in files_of(overlay, files) {
            for image in &file.images {
                let place = format!("{}:{}", file.source.name(), image.place);
                let alike = seen.iter_mut().find(|other| {
                    other.overlay.label == overlay.label
                        && (&other.image.name, &other.image.before, &other.image.after)
                            == (&image.name, &image.before, &image.after)
                });
                match alike {
                    Some(alike) => alike.places.push(place),
                    None => seen.push(Seen { overlay, image, places: vec![place] }),
                }
            }
        }
    }
    seen
}

fn place_finding(source: &Source, EditedPlace { path, place, change }: &EditedPlace) -> Finding {
    let (verdict, reason) = match change {
        None => (Verdict::Skipped, format!("{path}: set already")),
        Some(change) => {
            let before = change.before.as_deref().unwrap_or("nothing");
            (Verdict::Passed, format!("{path}: {before} -> {}", change.after))
        }
    };
    Finding::new(source.name(), verdict, reason).evidence(format!("in line {}", place.line))
}

fn title(changed: &[&Seen<'_>], places: usize, dry_run: bool) -> String {
    let count = |one: &str, mut items: Vec<&str>| {
        items.sort_unstable();
        items.dedup();
        if items.len() == 1 { format!("1 {one}") } else { format!("{} {one}s", items.len()) }
    };
    let images = count("image", changed.iter().map(|seen| seen.image.name.as_str()).collect());
    let overlays = count("overlay", changed.iter().map(|seen| seen.overlay.label.as_str()).collect());
    let what = match (changed.is_empty(), places) {
        (true, 0) => return "everything is set already".to_owned(),
        (false, 0) => (images, format!(" in {overlays}")),
        (true, 1) => ("1 place".to_owned(), String::new()),
        (true, places) => (format!("{places} places"), String::new()),
        (false, 1) => (format!("{images} and 1 place"), String::new()),
        (false, places) => (format!("{images} and {places} places"), String::new()),
    };
    match (what, dry_run) {
        ((what, place), true) => format!("would set {what}{place}"),
        ((what, place), false) => format!("{what} set{place}"),
    }
}

fn finding(seen: &Seen<'_>) -> Finding {
    let finding = of_image(seen.overlay, seen.image);
    match seen.places.as_slice() {
        [_] => finding,
        several => finding.evidence(format!("at {} places: {}", several.len(), several.join(", "))),
    }
}

fn of_image(overlay: &Overlay, image: &EditedImage) -> Finding {
    let EditedImage { name, before, after, changes, .. } = image;
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

/// The files of an overlay.
fn files_of<'a>(overlay: &'a Overlay, files: &'a [Edited]) -> impl Iterator<Item = &'a Edited> {
    files.iter().filter(|file| overlay.files.contains(&file.source.path))
}

/// The output `images`: each change of each overlay, then those of places that were named outright.
pub(crate) fn written(overlays: &[Overlay], files: &[Edited]) -> Vec<Written> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DigestPolicy, sandbox, select::Manner};

    const OLD: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    const NEW: &str = "sha256:ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb";

    /// The report of setting `images` in overlays with these labels and contents.
    fn report(overlays: &[(&str, &str)], images: &[&str], dry_run: bool) -> String {
        let file = |label: &str| format!("{label}/kustomization.yaml");
        let named: Vec<Overlay> = overlays
            .iter()
            .map(|(label, _)| Overlay { label: (*label).to_owned(), ..sandbox::overlay(&file(label)) })
            .collect();
        let manner = Manner { digest_policy: DigestPolicy::Keep, add_missing: true };
        let edit = |(label, text): &(&str, &str)| sandbox::set(&file(label), text, images, manner).unwrap();
        let draft = set(&named, &overlays.iter().map(edit).collect::<Vec<_>>(), dry_run);
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
            Block::Chart { title, .. } => format!("chart {title}"),
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
        diff of dev/kustomization.yaml
        diff of staging/kustomization.yaml
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
        diff of dev/kustomization.yaml
        ");
        insta::assert_snapshot!(report(&overlays, &[&format!("a@{NEW}")], false), @r"
        passed: 1 image set in 1 overlay
        passed dev: a: v1@sha256:e3b0c44298fc -> v1@sha256:ca978112ca1b
          the tag is v1 as before; the new digest decides what runs
        about a:v1 sha256:ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb
        diff of dev/kustomization.yaml
        ");
    }
}
