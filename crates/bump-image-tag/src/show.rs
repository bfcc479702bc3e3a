//! The command `show`: what each environment runs, side by side.

use std::collections::BTreeSet;

use sluice_config::File;
use sluice_core::{Block, Context, Done, Draft, Fact, Place, Problem, Problems, Verdict, nearest};

use crate::{
    Config, Outputs, ShowInputs,
    outputs::{Images, Pinned},
    overlay::Overlay,
    pin::Pin,
    remote::Remote,
    select::{self, Looked},
    snapshot::Snapshot,
    tree::{Target, Tree},
};

/// An overlay, and the images in it.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) overlay: Overlay,
    pub(crate) images: Vec<Image>,
    /// What could not be read, and why.
    unread: Vec<Problem>,
}

/// What a file says of one image.
#[derive(Clone, Debug)]
pub(crate) struct Image {
    pub(crate) name: String,
    /// Where the name stands.
    pub(crate) place: Place,
    pub(crate) pin: Pin,
}

pub(crate) fn run(inputs: &ShowInputs, config: &File<Config>, cx: &Context) -> anyhow::Result<Done<Outputs>> {
    let target = target(inputs, config)?;
    let (mut seen, read) = if inputs.place.repository.is_some() || inputs.place.branch.is_some() {
        let remote = Remote::of(&inputs.place, config, cx)?;
        let branch = remote.base()?;
        let snapshot = Snapshot::read(&remote, remote.head(&branch)?, &target.folders(config))?;
        let tree = Tree::Commit(&remote, &snapshot, &snapshot.head);
        let read = format!("{branch} of {} at {}", remote.repository, snapshot.head);
        (look(tree.overlays(&target, config)?, &tree)?, read)
    } else {
        let tree = Tree::Disk(cx);
        (look(tree.overlays(&target, config)?, &tree)?, "files on disk".to_owned())
    };
    if !inputs.image.is_empty() {
        refuse_unknown(&inputs.image, &seen)?;
        for one in &mut seen {
            one.images.retain(|image| inputs.image.contains(&image.name));
        }
    }
    let mut report = report(&seen);
    report.facts.insert(0, Fact { name: "read".to_owned(), value: read });
    Ok(Done { outputs: Outputs { images: Images::Pinned(pinned(&seen)), ..Outputs::default() }, report })
}

/// What is named, else all environments that have overlays.
fn target(inputs: &ShowInputs, config: &File<Config>) -> Result<Target, Problem> {
    let named = Target { environments: inputs.environment.clone(), paths: inputs.overlay.clone() };
    if !named.is_empty() {
        return Ok(named);
    }
    let with_overlays =
        config.sections.environments.iter().filter(|(_, environment)| !environment.overlays.is_empty());
    let environments: Vec<String> = with_overlays.map(|(name, _)| name.clone()).collect();
    if environments.is_empty() {
        return Err(Problem::misconfigured("it is not said what to show")
            .why(format!("{} names no environment with overlays", config.name))
            .help("write environments there, or name folders with `overlay`"));
    }
    Ok(Target { environments, paths: Vec::new() })
}

/// What the overlays say of their images.
pub(crate) fn look(overlays: Vec<Overlay>, tree: &Tree<'_>) -> Result<Vec<Seen>, Problems> {
    let files = tree.read(&overlays, &[])?;
    let looked = select::look(&files)?;
    let mut problems = Problems::default();
    let mut seen = Vec::new();
    for overlay in overlays {
        match see(overlay, &looked) {
            Ok(one) => seen.push(one),
            Err(problem) => problems.0.push(problem),
        }
    }
    problems.or(seen)
}

pub(crate) fn see(overlay: Overlay, files: &[Looked<'_>]) -> Result<Seen, Problem> {
    let (mut images, mut unread) = (Vec::new(), Vec::new());
    for Looked { read, found } in files.iter().filter(|file| overlay.files.contains(&file.read.source.path)) {
        for site in &found.sites {
            // What another tool fills in is no version that is known here; an entry of a kustomization is to be one.
            match site.pin() {
                Ok(pin) => {
                    images.push(Image { name: site.name.clone(), place: read.source.place(site.place), pin });
                }
                Err(problem) if read.source.is_kustomization() && site.path.starts_with(".images") => {
                    return Err(problem);
                }
                Err(problem) => unread.push(problem),
            }
        }
        unread.extend(found.unread.iter().map(|unread| unread.problem.clone()));
    }
    Ok(Seen { overlay, images, unread })
}

/// An image that no overlay has is a typo, not an empty answer.
pub(crate) fn refuse_unknown(names: &[String], seen: &[Seen]) -> Result<(), Problems> {
    let known = image_names(seen);
    let unknown = names.iter().filter(|name| !known.contains(&name.as_str()));
    let problems = unknown.map(|name| {
        let problem = Problem::misconfigured(format!("no overlay has an entry for \"{name}\""));
        match nearest(name, known.iter().copied()) {
            Some(meant) => problem.help(format!("did you mean \"{meant}\"?")),
            None => problem.help(format!("there are {}", known.join(", "))),
        }
    });
    Problems(problems.collect()).or(())
}

impl Seen {
    /// What the overlay says of an image: once, unless it runs in several versions.
    pub(crate) fn pins(&self, name: &str) -> Vec<&Pin> {
        let mut pins: Vec<&Pin> = Vec::new();
        for image in self.images.iter().filter(|image| image.name == name) {
            if !pins.contains(&&image.pin) {
                pins.push(&image.pin);
            }
        }
        pins
    }
}

/// The names of all images, in the order in which they were seen.
pub(crate) fn image_names(seen: &[Seen]) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    for image in seen.iter().flat_map(|one| &one.images) {
        if !names.contains(&image.name.as_str()) {
            names.push(&image.name);
        }
    }
    names
}

fn pinned(seen: &[Seen]) -> Vec<Pinned> {
    let of_one = |one: &Seen| {
        let pinned = |image: &Image| Pinned {
            environment: one.overlay.environment.clone(),
            overlay: one.overlay.name.clone(),
            file: image.place.file.clone(),
            place: within_file(&image.place),
            image: image.name.clone(),
            reference: image.pin.reference(&image.name),
            tag: image.pin.tag.clone(),
            digest: image.pin.digest.clone(),
        };
        one.images.iter().map(pinned).collect::<Vec<_>>()
    };
    seen.iter().flat_map(of_one).collect()
}

/// `line:column`
fn within_file(place: &Place) -> String {
    format!("{}:{}", place.line.unwrap_or_default(), place.column.unwrap_or_default())
}

fn report(seen: &[Seen]) -> Draft {
    let names = image_names(seen);
    let rows: Vec<Row> = names.iter().map(|name| Row::of(name, seen)).collect();
    let differing = rows.iter().filter(|row| row.differs).count();
    let images = if names.len() == 1 { "1 image".to_owned() } else { format!("{} images", names.len()) };
    let (verdict, title) = match (seen, differing) {
        _ if names.is_empty() => (Verdict::Skipped, "no overlay sets an image".to_owned()),
        ([one], _) => (Verdict::Passed, format!("{images} in {}", one.overlay.label)),
        (several, 0) => (Verdict::Passed, format!("{images}, the same in {} overlays", several.len())),
        (several, count) => {
            let verb = if count == 1 { "differs" } else { "differ" };
            (Verdict::Passed, format!("{count} of {images} {verb} between {} overlays", several.len()))
        }
    };
    let mut draft = Draft::new(verdict, title);
    if !names.is_empty() {
        let labels = seen.iter().map(|one| one.overlay.label.clone());
        // One overlay alone differs from none: the column of marks would say nothing.
        let marks = seen.len() > 1;
        let first = if marks { vec![String::new(), "image".to_owned()] } else { vec!["image".to_owned()] };
        let header = first.into_iter().chain(labels).collect();
        let rows = rows.into_iter().map(|row| row.cells(marks)).collect();
        draft.block(Block::Table { title: "images".to_owned(), header, rows });
    }
    for problem in seen.iter().flat_map(|one| &one.unread) {
        let place = problem.place.as_ref().map(ToString::to_string).unwrap_or_default();
        draft.fact("not read", format!("{place}: {}", problem.what));
    }
    draft
}

/// One image in all overlays.
struct Row {
    name: String,
    /// What each overlay says.
    cells: Vec<String>,
    /// Whether an overlay says something else than another, or nothing at all.
    differs: bool,
}

impl Row {
    fn of(name: &str, seen: &[Seen]) -> Self {
        let pins: Vec<Vec<&Pin>> = seen.iter().map(|one| one.pins(name)).collect();
        let runs = |pins: &[&Pin]| pins.iter().map(|pin| pin.reference(name)).collect::<BTreeSet<_>>();
        let differs = pins.windows(2).any(|pair| runs(&pair[0]) != runs(&pair[1]));
        let renamed: BTreeSet<&str> = pins.iter().flatten().map(|pin| pin.name(name)).collect();
        let cell = |pins: &Vec<&Pin>| {
            let mut versions: Vec<String> = pins
                .iter()
                .map(|pin| if renamed.len() == 1 { pin.version() } else { pin.brief(name) })
                .collect();
            versions.dedup();
            if versions.is_empty() { "–".to_owned() } else { versions.join(", ") }
        };
        Self { name: name.to_owned(), cells: pins.iter().map(cell).collect(), differs }
    }

    /// The name and what each overlay says, behind a mark where there are marks.
    fn cells(self, marks: bool) -> Vec<String> {
        let mark = if self.differs { "≠" } else { "=" };
        let mark = marks.then(|| mark.to_owned());
        mark.into_iter().chain([self.name]).chain(self.cells).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox;

    fn seen(name: &str, text: &str) -> Seen {
        sandbox::seen(name, &format!("k8s/{name}/kustomization.yaml"), text)
    }

    fn told(seen: &[Seen]) -> String {
        let draft = report(seen);
        let mut lines = vec![draft.title];
        for block in &draft.blocks {
            if let Block::Table { header, rows, .. } = block {
                lines.extend(std::iter::once(header).chain(rows).map(|row| row.join(" | ")));
            }
        }
        lines.join("\n")
    }

    const DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn what_differs_is_marked() {
        let dev =
            seen("dev", "images: [{name: a, newTag: v2}, {name: b, newTag: v1}, {name: c, newName: x/c}]");
        let production = seen(
            "production",
            &format!(
                "images: [{{name: a, newTag: v2, digest: {DIGEST}}}, {{name: b, newTag: v1}}, {{name: c}}, {{name: d}}]"
            ),
        );
        insta::assert_snapshot!(told(&[dev, production]), @r"
        3 of 4 images differ between 2 overlays
         | image | dev | production
        ≠ | a | v2 | v2@sha256:e3b0c44298fc
        = | b | v1 | v1
        ≠ | c | x/c | c
        ≠ | d | – | no tag
        ");
    }

    #[test]
    fn the_title_tells_the_answer() {
        let one = || seen("dev", "images: [{name: a, newTag: v2}]");
        assert_eq!(told(&[one()]), "1 image in dev\nimage | dev\na | v2");
        assert!(told(&[one(), one()]).starts_with("1 image, the same in 2 overlays"));
        assert_eq!(told(&[seen("dev", "")]), "no overlay sets an image");
    }

    #[test]
    fn an_image_that_no_overlay_has_is_refused() {
        let seen = [seen("dev", "images: [{name: backend}]")];
        assert!(refuse_unknown(&["backend".to_owned()], &seen).is_ok());
        let problems = refuse_unknown(&["backand".to_owned(), "redis".to_owned()], &seen).unwrap_err().0;
        let help: Vec<_> = problems.iter().filter_map(|problem| problem.help.as_deref()).collect();
        assert_eq!(help, ["did you mean \"backend\"?", "there are backend"]);
    }

    #[test]
    fn the_output_tells_where_each_image_stands() {
        let seen = [seen("dev", &format!("images:\n- name: a\n  newName: x/a\n  digest: {DIGEST}\n"))];
        let output = serde_json::to_string(&Images::Pinned(pinned(&seen))).unwrap();
        insta::assert_snapshot!(output, @r#"[{"environment":"dev","overlay":"k8s/dev","file":"k8s/dev/kustomization.yaml","place":"2:9","image":"a","reference":"x/a@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","tag":null,"digest":"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}]"#);
    }
}
