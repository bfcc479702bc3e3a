//! Which sites an image is set at, and what stands against it.

use sluice_core::{Place, Problem, Problems, nearest};

use crate::{
    DigestPolicy, ImageArgument, argument,
    edit::Edits,
    files::Read,
    formats::Sites,
    kustomization,
    overlay::Overlay,
    parallel,
    pin::Pin,
    site::{Site, SlotEdit, Wanted},
    source::Source,
};

/// How images are set.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Manner {
    pub(crate) digest_policy: DigestPolicy,
    pub(crate) add_missing: bool,
}

/// A file and its sites.
pub(crate) struct Looked<'a> {
    pub(crate) read: &'a Read,
    pub(crate) found: Sites<'a>,
}

/// The sites of every file.
pub(crate) fn look(files: &[Read]) -> Result<Vec<Looked<'_>>, Problems> {
    Problems::all(parallel::map(
        files.iter().collect(),
        || (),
        |(), read: &Read| Ok(Looked { read, found: read.parsed.sites(&read.source)? }),
    ))
}

/// The edits of each file, in the order of the files: every image in every environment, or all that stands against it.
pub(crate) fn edits(
    overlays: &[Overlay],
    files: &[Looked<'_>],
    images: &[ImageArgument],
    manner: Manner,
) -> Result<Vec<Edits>, Problems> {
    let mut problems = Problems::default();
    let mut edits: Vec<Edits> = files.iter().map(|_| Edits::default()).collect();
    for image in images {
        for (index, file) in files.iter().enumerate() {
            let has_entry = file.found.sites.iter().any(|site| site.is_of(&image.name));
            let mut unread =
                file.found.unread.iter().filter(|unread| !(unread.yields_to_entries && has_entry));
            if let Some(unread) = unread.find(|unread| unread.text.contains(argument::familiar(&image.name)))
            {
                problems.0.push(unread.problem.clone());
            }
            for (number, site) in file.found.sites.iter().enumerate() {
                if !site.is_of(&image.name) {
                    continue;
                }
                match site_edits(site, image, manner, &file.read.source) {
                    Ok(found) => edits[index].sites.push((number, found)),
                    Err(problem) => problems.0.push(problem),
                }
            }
        }
        problems.0.extend(overlays.iter().filter_map(|overlay| ambiguous(overlay, files, image, &edits)));
    }
    if !problems.0.is_empty() {
        return Err(Problems(without_repeats(problems.0)));
    }
    let mut added: Vec<Vec<&ImageArgument>> = files.iter().map(|_| Vec::new()).collect();
    for group in groups(overlays) {
        let in_group =
            |file: &Looked<'_>| group.iter().any(|overlay| overlay.files.contains(&file.read.source.path));
        let of_group: Vec<&Looked<'_>> = files.iter().filter(|file| in_group(file)).collect();
        let has =
            |name: &str| of_group.iter().any(|file| file.found.sites.iter().any(|site| site.is_of(name)));
        for image in images.iter().filter(|image| !has(&image.name)) {
            let is_kustomization = |file: &Looked<'_>| file.read.parsed.is_kustomization(&file.read.source);
            let mut takers =
                (0..files.len()).filter(|index| in_group(&files[*index]) && is_kustomization(&files[*index]));
            match (takers.next(), takers.next()) {
                (Some(index), None) if manner.add_missing => {
                    if !added[index].contains(&image) {
                        added[index].push(image);
                    }
                }
                _ => problems.0.push(lacks(image, &group, &of_group)),
            }
        }
    }
    for ((file, images), edits) in files.iter().zip(added).zip(&mut edits) {
        if images.is_empty() {
            continue;
        }
        let Read { source, parsed } = file.read;
        match kustomization::add(&parsed.documents, &images, source) {
            Ok(edit) => edits.entries = Some((images.iter().map(|image| image.name.clone()).collect(), edit)),
            Err(problem) => problems.0.push(problem),
        }
    }
    Problems(without_repeats(problems.0)).or(edits)
}

/// The edits that one site needs; none when all is set already.
fn site_edits(
    site: &Site<'_>,
    image: &ImageArgument,
    manner: Manner,
    source: &Source,
) -> Result<Vec<SlotEdit>, Problem> {
    let Manner { digest_policy: policy, add_missing } = manner;
    let pin = site.pin()?;
    let is_new = image.tag.as_deref().is_some_and(|tag| pin.tag.as_deref() != Some(tag));
    let leaves_stale_digest = image.digest.is_none() && pin.digest.is_some() && is_new;
    if leaves_stale_digest && matches!(policy, DigestPolicy::Refuse | DigestPolicy::Replace) {
        return Err(stale_digest(site, policy, source));
    }
    let drops = (leaves_stale_digest && policy == DigestPolicy::Drop).then_some("");
    let wanted = Wanted {
        name: image.new_name.as_deref(),
        tag: image.tag.as_deref(),
        digest: image.digest.as_deref().or(drops),
    };
    site.edits(wanted, add_missing, source)
}

fn stale_digest(site: &Site<'_>, policy: DigestPolicy, source: &Source) -> Problem {
    let name = &site.name;
    let problem =
        Problem::misconfigured(format!("\"{name}\" has a digest that the new tag would leave stale"))
            .why("a digest decides what runs, whatever the tag beside it says")
            .at(source.place(site.place_of_digest()));
    if policy == DigestPolicy::Replace {
        problem.help(format!("`digest-policy: replace` needs a new one: write {name}:TAG@sha256:..."))
    } else {
        problem.help(format!("write {name}:TAG@sha256:..., or set `digest-policy` to `keep` or `drop`"))
    }
}

/// The problem of an image that an overlay runs in two versions, neither of them the one to set: one of them may be
/// there on purpose.
fn ambiguous(
    overlay: &Overlay,
    files: &[Looked<'_>],
    image: &ImageArgument,
    edits: &[Edits],
) -> Option<Problem> {
    let mut seen: Option<(Pin, Place)> = None;
    for (file, edits) in files.iter().zip(edits) {
        if !overlay.files.contains(&file.read.source.path) {
            continue;
        }
        for (number, _) in edits.sites.iter().filter(|(_, edits)| !edits.is_empty()) {
            let site = &file.found.sites[*number];
            let Some(pin) = site.pin().ok().filter(|_| site.is_of(&image.name)) else { continue };
            let place = file.read.source.place(site.place);
            match &seen {
                Some((first, first_place)) if first.version() != pin.version() => {
                    let (name, label) = (&image.name, &overlay.label);
                    return Some(
                        Problem::misconfigured(format!("\"{name}\" runs in two versions in {label}"))
                            .why(format!("{} at {first_place}, {} here", first.version(), pin.version()))
                            .help("name the place that is meant with `at`")
                            .at(place),
                    );
                }
                Some(_) => {}
                None => seen = Some((pin, place)),
            }
        }
    }
    None
}

/// The overlays of each environment together; one that was named outright is alone.
fn groups(overlays: &[Overlay]) -> Vec<Vec<&Overlay>> {
    let mut groups: Vec<Vec<&Overlay>> = Vec::new();
    for overlay in overlays {
        let is_environment = overlay.environment.is_some();
        match groups.iter_mut().find(|group| is_environment && group[0].environment == overlay.environment) {
            Some(group) => group.push(overlay),
            None => groups.push(vec![overlay]),
        }
    }
    groups
}

fn lacks(image: &ImageArgument, group: &[&Overlay], files: &[&Looked<'_>]) -> Problem {
    let name = &image.name;
    let (subject, place) = match (group, files) {
        ([overlay], [file]) if !overlay.is_searched => {
            let source = &file.read.source;
            let first = file.found.sites.first();
            let place = first.map_or_else(|| Place::file(source.name()), |site| source.place(site.place));
            (source.name(), place)
        }
        ([overlay], _) => (overlay.name.clone(), Place::file(&overlay.name)),
        _ => {
            let label = group[0].environment.clone().unwrap_or_default();
            (format!("the overlays of {label}"), Place::file(&group[0].name))
        }
    };
    let problem = Problem::misconfigured(format!("no entry for \"{name}\" in {subject}")).at(place);
    let sites = || files.iter().flat_map(|file| &file.found.sites);
    let mut names: Vec<&str> = sites().map(|site| site.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    if let Some(site) = sites().find(|site| site.pin().is_ok_and(|pin| pin.new_name.as_ref() == Some(name))) {
        let entry = &site.name;
        return problem
            .why(format!("it is the `newName` of \"{entry}\""))
            .help(format!("name the entry: {entry}=*:TAG"));
    }
    let ends_so = |known: &&str| known.rsplit('/').next() == name.rsplit('/').next();
    let meant = nearest(name, names.iter().copied()).or_else(|| names.iter().copied().find(ends_so));
    match meant {
        Some(meant) => problem.help(format!("did you mean \"{meant}\"?")),
        None if names.is_empty() => problem
            .why("it sets no images")
            .help("`add-missing: true` adds an entry to a kustomization; elsewhere name the place with `at`"),
        None => problem.why(format!("its entries are {}", names.join(", "))),
    }
}

/// Files that two environments share are looked at for both.
fn without_repeats(problems: Vec<Problem>) -> Vec<Problem> {
    let mut once: Vec<Problem> = Vec::new();
    for problem in problems {
        if !once.contains(&problem) {
            once.push(problem);
        }
    }
    once
}
