//! Overlays: folders and files that are named, and the files that belong to them.

use std::{
    collections::BTreeSet,
    ffi::OsStr,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use sluice_config::File;
use sluice_core::{Context, Place, Problem, Problems, escape, nearest};

use crate::{Config, kustomization::FILE_NAMES};

/// The files of one overlay, and what it is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Overlay {
    /// The environment that it belongs to, where it is known.
    pub(crate) environment: Option<String>,
    /// The folder or file as it was named.
    pub(crate) name: String,
    /// What people call it: the environment; with several overlays, the folder too.
    pub(crate) label: String,
    /// The files, without symlinks.
    pub(crate) files: BTreeSet<PathBuf>,
    /// Whether the files were found in a folder, and may hold anything.
    pub(crate) is_searched: bool,
}

/// The files of a folder or file, and whether they were searched for.
pub(crate) type Found = Result<(BTreeSet<PathBuf>, bool), Problem>;

/// The overlays of environments, in the order given. `find` finds the files of one.
pub(crate) fn of_environments(
    names: &[&str],
    config: &File<Config>,
    find: &dyn Fn(&Path) -> Found,
) -> Result<Vec<Overlay>, Problems> {
    let mut problems = Problems::default();
    let mut overlays = Vec::new();
    for name in names {
        let Some(environment) = config.sections.environments.get(*name) else {
            problems.0.push(unknown_environment(name, config));
            continue;
        };
        if environment.overlays.is_empty() {
            let problem = Problem::misconfigured(format!("the environment \"{name}\" has no overlays"))
                .help(format!("write `overlays: [...]` below `{name}`"))
                .at(Place::file(&config.name));
            problems.0.push(problem);
        }
        for folder in &environment.overlays {
            match find(Path::new(&folder.value)) {
                Ok((files, is_searched)) => overlays.push(Overlay {
                    environment: Some((*name).to_owned()),
                    name: folder.value.clone(),
                    label: match environment.overlays.len() {
                        1 => (*name).to_owned(),
                        _ => format!("{name}: {}", folder.value),
                    },
                    files,
                    is_searched,
                }),
                Err(problem) => problems.0.push(problem.at(config.place_of(folder))),
            }
        }
    }
    problems.or(without_repeats(overlays))
}

/// The overlays at paths that were given outright. `find` finds the files of one.
pub(crate) fn of_paths(paths: &[PathBuf], find: &dyn Fn(&Path) -> Found) -> Result<Vec<Overlay>, Problems> {
    let mut problems = Problems::default();
    let mut overlays = Vec::new();
    for path in paths {
        let name = escape::bytes(path.as_os_str().as_encoded_bytes());
        match find(path) {
            Ok((files, is_searched)) => {
                overlays.push(Overlay { environment: None, label: name.clone(), name, files, is_searched });
            }
            Err(problem) => problems.0.push(problem),
        }
    }
    problems.or(without_repeats(overlays))
}

/// The repository's root without symlinks.
pub(crate) fn root(cx: &Context) -> Result<PathBuf, Problem> {
    cx.root()
        .canonicalize()
        .map_err(|error| Problem::undecided("could not find the repository's root").why(error))
}

/// One overlay that is named twice is one.
fn without_repeats(overlays: Vec<Overlay>) -> Vec<Overlay> {
    let mut once: Vec<Overlay> = Vec::with_capacity(overlays.len());
    for overlay in overlays {
        if !once
            .iter()
            .any(|other| (&other.environment, &other.files) == (&overlay.environment, &overlay.files))
        {
            once.push(overlay);
        }
    }
    once
}

fn unknown_environment(name: &str, config: &File<Config>) -> Problem {
    let known = || config.sections.environments.keys().map(String::as_str);
    let problem = Problem::misconfigured(format!("no environment is called \"{name}\""));
    let known_names: Vec<&str> = known().collect();
    match nearest(name, known()) {
        Some(meant) => problem.help(format!("did you mean \"{meant}\"?")),
        None if known_names.is_empty() => problem
            .why(format!("{} names no environments", config.name))
            .help("write them there, or name folders with `overlay`"),
        None => problem.help(format!("{} names {}", config.name, known_names.join(", "))),
    }
}

/// Overlays that live in another repository are not found in this checkout.
pub(crate) fn elsewhere(mut problem: Problem, config: &File<Config>) -> Problem {
    if let Some(gitops) = &config.sections.gitops {
        let repository = &gitops.repository.value;
        problem.help.get_or_insert(format!(
            "the overlays live in {repository} (`gitops.repository`): run this in a checkout of it, or give `repository`"
        ));
    }
    problem
}

/// The files at `path`, and whether they were searched for: a folder's kustomization, else all YAML and JSON files in
/// it; or the file itself.
pub(crate) fn files_at(path: &Path, name: &str, root: &Path) -> Found {
    let is_folder =
        path.metadata().map(|metadata| metadata.is_dir()).map_err(|error| match error.kind() {
            ErrorKind::NotFound | ErrorKind::NotADirectory => nothing_there(path, name),
            _ => Problem::undecided(format!("could not look at the overlay {name}")).why(error),
        })?;
    if !is_folder {
        return Ok((BTreeSet::from([file_at(path, name, root)?]), false));
    }
    if let Some(file) = kustomization_in(path, name)? {
        return Ok((BTreeSet::from([file_at(&file, name, root)?]), false));
    }
    let mut files = Vec::new();
    let folder = inside(path, name, root)?;
    manifests(&folder, name, root, &mut files)?;
    if files.is_empty() {
        return Err(Problem::misconfigured(format!("the overlay {name} holds no YAML or JSON file"))
            .why(format!("it has none of {}, and no other", FILE_NAMES.join(", "))));
    }
    Ok((files.into_iter().collect(), true))
}

/// Whether a file of a folder can hold manifests: those that `kubectl apply --filename` takes there, and kustomizations.
/// <https://github.com/kubernetes/cli-runtime/blob/master/pkg/resource/builder.go>
pub(crate) fn is_manifest(path: &Path) -> bool {
    path.extension().is_some_and(|extension| ["yaml", "yml", "json"].iter().any(|one| extension == *one))
        || FILE_NAMES.iter().any(|name| path.file_name() == Some(OsStr::new(name)))
}

/// All YAML and JSON files below a folder, which is one without symlinks; what is hidden, and folders behind symlinks,
/// left out.
fn manifests(folder: &Path, name: &str, root: &Path, files: &mut Vec<PathBuf>) -> Result<(), Problem> {
    let unseen = |error| Problem::undecided(format!("could not look into the overlay {name}")).why(error);
    let entries = folder.read_dir().map_err(unseen)?.map(|entry| {
        let entry = entry?;
        Ok((entry.file_name(), entry.file_type()?))
    });
    let mut entries = entries.collect::<Result<Vec<_>, _>>().map_err(unseen)?;
    // What comes in order is sorted in no time.
    entries.sort_by(|(one, _), (other, _)| one.cmp(other));
    for (file, kind) in entries {
        if file.as_encoded_bytes().starts_with(b".") {
            continue;
        }
        let path = folder.join(&file);
        let is_manifest = is_manifest(&path);
        if kind.is_dir() {
            manifests(&path, name, root, files)?;
        } else if is_manifest && kind.is_file() {
            files.push(path);
        } else if is_manifest && kind.is_symlink() && !path.is_dir() {
            let label = path.strip_prefix(root).unwrap_or(&path);
            files.push(file_at(&path, &escape::bytes(label.as_os_str().as_encoded_bytes()), root)?);
        }
    }
    Ok(())
}

/// A file, without symlinks and inside the repository.
pub(crate) fn file_at(path: &Path, name: &str, root: &Path) -> Result<PathBuf, Problem> {
    if path.symlink_metadata().is_err_and(|error| error.kind() == ErrorKind::NotFound) {
        return Err(nothing_there(path, name));
    }
    let found = inside(path, name, root)?;
    if found.is_file() { Ok(found) } else { Err(Problem::misconfigured(format!("{name} is not a file"))) }
}

/// A path without symlinks, which lies inside the repository.
fn inside(path: &Path, name: &str, root: &Path) -> Result<PathBuf, Problem> {
    let found = path
        .canonicalize()
        .map_err(|error| Problem::misconfigured(format!("{name} can't be followed")).why(error))?;
    if found.starts_with(root) {
        return Ok(found);
    }
    let target = escape::bytes(found.as_os_str().as_encoded_bytes());
    Err(Problem::misconfigured(format!("{name} lies outside the repository"))
        .why(format!("it is {target}"))
        .help("run this in the repository that holds the overlay"))
}

/// The kustomization file of a folder. kustomize refuses a folder with more than one, and so do we.
fn kustomization_in(folder: &Path, name: &str) -> Result<Option<PathBuf>, Problem> {
    let mut found = Vec::new();
    for file in FILE_NAMES {
        match folder.join(file).symlink_metadata() {
            Ok(_) => found.push(file),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => {
                return Err(Problem::undecided(format!("could not look into the overlay {name}")).why(error));
            }
        }
    }
    match found.as_slice() {
        [] => Ok(None),
        [file] => Ok(Some(folder.join(file))),
        several => {
            Err(Problem::misconfigured(format!("the overlay {name} holds several kustomization files"))
                .why(format!("kustomize refuses a folder with {}", several.join(" and ")))
                .help("keep one of them"))
        }
    }
}

fn nothing_there(path: &Path, name: &str) -> Problem {
    let (Some(folder), Some(wanted)) = (path.parent(), path.file_name()) else {
        return none_among(name, "", &[]);
    };
    let mut siblings: Vec<String> = folder
        .read_dir()
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect();
    siblings.sort();
    none_among(name, &wanted.to_string_lossy(), &siblings)
}

/// The problem of an overlay that is not there, whose last part is `wanted`; `siblings` lie where it was looked for.
pub(crate) fn none_among(name: &str, wanted: &str, siblings: &[String]) -> Problem {
    let problem = Problem::misconfigured(format!("there is no overlay {name}"));
    match nearest(wanted, siblings.iter().map(String::as_str)) {
        Some(meant) => problem.help(format!("did you mean \"{meant}\", beside it?")),
        None if (1..=MOST_NAMED).contains(&siblings.len()) => {
            problem.help(format!("its folder holds {}", siblings.join(", ")))
        }
        None => problem,
    }
}

/// A list of more names than this helps no one.
const MOST_NAMED: usize = 12;

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink};

    use super::*;

    /// A repository with an overlay in `k8s/dev`.
    struct Repository(tempfile::TempDir);

    impl Repository {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            fs::create_dir_all(folder.path().join("repo/k8s/dev")).unwrap();
            fs::write(folder.path().join("repo/k8s/dev/kustomization.yaml"), "").unwrap();
            Self(folder)
        }

        fn root(&self) -> PathBuf {
            self.0.path().canonicalize().unwrap().join("repo")
        }

        fn find(&self, name: &str) -> Result<String, String> {
            let found = files_at(&self.root().join(name), name, &self.root());
            let name = |file: &PathBuf| file.strip_prefix(self.root()).unwrap().display().to_string();
            found
                .map(|(files, _)| files.iter().map(name).collect::<Vec<_>>().join(" "))
                .map_err(|problem| format!("{problem} ({})", problem.help.as_deref().unwrap_or_default()))
        }
    }

    #[test]
    fn a_folder_or_its_file_is_an_overlay() {
        let repository = Repository::new();
        let file = Ok("k8s/dev/kustomization.yaml".to_owned());
        assert_eq!(repository.find("k8s/dev"), file);
        assert_eq!(repository.find("k8s/dev/"), file);
        assert_eq!(repository.find("k8s/../k8s/dev/kustomization.yaml"), file);
    }

    #[test]
    fn a_folder_without_a_kustomization_is_searched() {
        let repository = Repository::new();
        let root = repository.root();
        for file in [
            "charts/shop/values.yaml",
            "charts/shop/b.yml",
            "charts/shop/job.json",
            "charts/shop/.hidden.yaml",
            "charts/shop/README.md",
            "charts/a.yaml",
        ] {
            fs::create_dir_all(root.join(file).parent().unwrap()).unwrap();
            fs::write(root.join(file), "").unwrap();
        }
        symlink("shop", root.join("charts/again")).unwrap();
        let found =
            Ok("charts/a.yaml charts/shop/b.yml charts/shop/job.json charts/shop/values.yaml".to_owned());
        assert_eq!(repository.find("charts"), found);
        assert_eq!(repository.find("charts/shop/values.yaml"), Ok("charts/shop/values.yaml".to_owned()));
    }

    #[test]
    fn what_is_no_overlay_says_why() {
        let repository = Repository::new();
        let root = repository.root();
        fs::write(root.join("k8s/dev/values.yaml"), "").unwrap();
        let refused = |name: &str| repository.find(name).unwrap_err();
        assert_eq!(refused("k8s/dew"), "there is no overlay k8s/dew (did you mean \"dev\", beside it?)");
        assert_eq!(refused("k8s/production"), "there is no overlay k8s/production (its folder holds dev)");
        fs::create_dir_all(root.join("docs")).unwrap();
        assert_eq!(refused("docs"), "the overlay docs holds no YAML or JSON file ()");
        fs::write(root.join("k8s/dev/Kustomization"), "").unwrap();
        assert_eq!(
            refused("k8s/dev"),
            "the overlay k8s/dev holds several kustomization files (keep one of them)"
        );
    }

    #[test]
    fn a_symlink_is_followed_inside_the_repository_only() {
        let repository = Repository::new();
        let root = repository.root();
        fs::create_dir_all(root.join("k8s/eu")).unwrap();
        symlink("../dev/kustomization.yaml", root.join("k8s/eu/kustomization.yml")).unwrap();
        symlink("dev", root.join("k8s/us")).unwrap();
        let file = Ok("k8s/dev/kustomization.yaml".to_owned());
        assert_eq!(repository.find("k8s/eu"), file);
        assert_eq!(repository.find("k8s/us"), file);

        fs::create_dir(root.join("../other")).unwrap();
        fs::write(root.join("../other/kustomization.yaml"), "").unwrap();
        symlink("../../other", root.join("k8s/out")).unwrap();
        fs::create_dir_all(root.join("k8s/gone")).unwrap();
        symlink("nowhere", root.join("k8s/gone/kustomization.yaml")).unwrap();
        let refused = |name: &str| repository.find(name).unwrap_err();
        let outside = "lies outside the repository (run this in the repository that holds the overlay)";
        assert_eq!(refused("k8s/out"), format!("k8s/out {outside}"));
        assert_eq!(refused("../other"), format!("../other {outside}"));
        assert_eq!(refused("k8s/gone"), "k8s/gone can't be followed ()");
    }
}
