use std::{fs, path::Path, process::Command};

use sluice_core::Configuration as _;

use super::*;

/// A repository with an overlay of production and its history.
struct Repository(tempfile::TempDir);

const FILE: &str = "k8s/production/values.yaml";

impl Repository {
    fn new() -> Self {
        let repository = Self(tempfile::tempdir().unwrap());
        repository.git(&["init", "--quiet", "--initial-branch=main"]);
        repository
    }

    fn git(&self, arguments: &[&str]) -> String {
        git_in(self.0.path(), arguments)
    }

    fn read(&self, file: &str) -> String {
        fs::read_to_string(self.0.path().join(file)).unwrap()
    }

    fn write(&self, file: &str, text: &str) {
        let file = self.0.path().join(file);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }

    fn commit(&self, file: &str, text: &str) {
        self.write(file, text);
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "--message=x"]);
    }

    /// Rolls production back; the problems, one a line.
    fn rollback(&self, steps: Option<u32>, to: Option<&str>) -> Result<Done<Outputs>, String> {
        rollback_in(self.0.path(), steps, to)
    }
}

fn git_in(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .args(["-c", "user.name=x", "-c", "user.email=x@example.com", "-c", "protocol.file.allow=always"])
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn rollback_in(folder: &Path, steps: Option<u32>, to: Option<&str>) -> Result<Done<Outputs>, String> {
    let config = "version: 1\nenvironments: {production: {overlays: [k8s/production]}}\n";
    let config = File::parse(config.as_bytes(), "sluice.yml").unwrap();
    let cx = Context::new(std::iter::empty::<(&str, &str)>().collect(), folder, || panic!("no clock"));
    let inputs = RollbackInputs {
        environment: vec!["production".to_owned()],
        overlay: Vec::new(),
        to: to.map(str::to_owned),
        steps,
        writing: crate::inputs::Writing::default(),
    };
    run(&inputs, &config, &cx).map_err(|error| match error.downcast::<Problems>() {
        Ok(problems) => crate::sandbox::told(&problems.0),
        Err(error) => crate::sandbox::told(&[error.downcast::<Problem>().unwrap()]),
    })
}

fn values(api: &str, web: &str, replicas: u8) -> String {
    format!(
        "# shop\napi: {{image: {{repository: acme/api, tag: {api}}}}}\nweb:\n  image: 'acme/web:{web}' # x\nreplicas: {replicas}\n"
    )
}

/// A history: api v1 -> v2, replicas, web v1 -> v2, api v2 -> v3.
fn four_changes() -> Repository {
    let repository = Repository::new();
    for (api, web, replicas) in
        [("v1", "v1", 1), ("v2", "v1", 1), ("v2", "v1", 2), ("v2", "v2", 2), ("v3", "v2", 2)]
    {
        repository.commit(FILE, &values(api, web, replicas));
    }
    repository.commit("README.md", "x");
    repository
}

#[test]
fn the_last_change_of_images_is_undone() {
    let repository = four_changes();
    let done = repository.rollback(None, None).unwrap();
    assert_eq!(repository.read(FILE), values("v2", "v2", 2));
    assert_eq!(
        (done.outputs.changed, done.report.title.as_str()),
        (Some(true), "rolled back: 1 image set in 1 overlay")
    );
}

#[test]
fn several_changes_are_undone_and_nothing_else() {
    let repository = four_changes();
    repository.rollback(Some(2), None).unwrap();
    assert_eq!(repository.read(FILE), values("v2", "v1", 2));
    let repository = four_changes();
    repository.rollback(Some(3), None).unwrap();
    assert_eq!(repository.read(FILE), values("v1", "v1", 2));
    let error = four_changes().rollback(Some(4), None).unwrap_err();
    insta::assert_snapshot!(error, @": the history holds no 4 changes of these images | it holds 3 | say fewer `steps`");
    let new = Repository::new();
    new.commit(FILE, &values("v1", "v1", 1));
    insta::assert_snapshot!(new.rollback(None, None).unwrap_err(), @": there is nothing to go back to | no commit changed these images since their files are there | write the version that is meant with `set`");
}

#[test]
fn a_commit_is_gone_back_to() {
    let repository = four_changes();
    repository.rollback(None, Some("HEAD~2")).unwrap();
    assert_eq!(repository.read(FILE), values("v2", "v2", 2));
    let repository = four_changes();
    let id = repository.git(&["rev-parse", "--short", "HEAD~5"]);
    repository.rollback(None, Some(&id)).unwrap();
    assert_eq!(repository.read(FILE), values("v1", "v1", 2));
    let done = four_changes().rollback(None, Some("HEAD")).unwrap();
    assert_eq!((done.outputs.changed, done.report.title.as_str()), (Some(false), "nothing to roll back"));

    repository.git(&["checkout", "--quiet", "-f", "-b", "other", "HEAD~4"]);
    repository.commit(FILE, &values("v9", "v1", 1));
    repository.git(&["checkout", "--quiet", "main"]);
    let error = repository.rollback(None, Some("other")).unwrap_err();
    assert!(error.contains("is not in the history of the files"), "{error}");
    let error = repository.rollback(None, Some("othr")).unwrap_err();
    assert!(error.contains("did you mean \"other\"?"), "{error}");
}

#[test]
fn what_someone_changed_since_is_refused() {
    let repository = four_changes();
    let id = repository.git(&["rev-parse", "--short=7", "HEAD~1"]);
    repository.write(FILE, &values("v4", "v2", 7));
    let error = repository.rollback(None, None).unwrap_err();
    assert_eq!(
        error.replace(&id, "COMMIT"),
        "k8s/production/values.yaml:2:27: `tag` of \"acme/api\" was changed since: nothing was written | it is v4; COMMIT wrote v3 | commit or undo the change, or `set` the version that is meant"
    );
    assert_eq!(repository.read(FILE), values("v4", "v2", 7));
    // Other values are nobody's business here.
    repository.write(FILE, &values("v3", "v2", 9));
    repository.rollback(None, None).unwrap();
    assert_eq!(repository.read(FILE), values("v2", "v2", 9));
}

#[test]
fn a_site_that_is_gone_or_new_is_told_from_one_that_changed() {
    let repository = four_changes();
    repository.write(FILE, "replicas: 1\n");
    let error = repository.rollback(None, None).unwrap_err();
    assert!(error.contains("`tag` of .api.image is not there any more"), "{error}");
    // An image that a commit brought has no version before it.
    let repository = four_changes();
    repository.commit(FILE, &(values("v3", "v2", 2) + "new: {image: 'acme/new:v1'}\n"));
    repository.rollback(None, None).unwrap();
    assert!(repository.read(FILE).contains("tag: v2}"), "{}", repository.read(FILE));
    assert!(repository.read(FILE).contains("acme/new:v1"));
}

#[test]
fn a_digest_that_was_added_is_emptied_and_one_that_was_taken_away_is_refused() {
    let file = "k8s/production/kustomization.yaml";
    let digest = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    let (without, with) = (
        "images:\n- name: a\n  newTag: v1\n".to_owned(),
        format!("images:\n- name: a\n  newTag: v1\n  digest: {digest}\n"),
    );
    let repository = Repository::new();
    repository.commit(file, &without);
    repository.commit(file, &with);
    repository.rollback(None, None).unwrap();
    assert_eq!(repository.read(file), with.replace(digest, "\"\""));

    let repository = Repository::new();
    repository.commit(file, &with);
    repository.commit(file, &without);
    let error = repository.rollback(None, None).unwrap_err();
    assert!(error.contains("`digest` of \"a\" was taken away by"), "{error}");
    assert_eq!(repository.read(file), without);
}

#[test]
fn a_merge_is_one_change_of_its_branch() {
    let repository = Repository::new();
    repository.commit(FILE, &values("v1", "v1", 1));
    repository.git(&["checkout", "--quiet", "-b", "feature"]);
    repository.commit(FILE, &values("v2", "v1", 1));
    repository.commit(FILE, &values("v3", "v1", 1));
    repository.git(&["checkout", "--quiet", "main"]);
    repository.commit("README.md", "x");
    repository.git(&["merge", "--quiet", "--no-ff", "--no-edit", "feature"]);
    repository.rollback(None, None).unwrap();
    assert_eq!(repository.read(FILE), values("v1", "v1", 1));
}

#[test]
fn a_history_that_is_cut_is_no_short_one() {
    let repository = four_changes();
    let beside = tempfile::tempdir().unwrap();
    let address = format!("file://{}", repository.0.path().display());
    git_in(beside.path(), &["clone", "--quiet", "--depth=1", &address, "clone"]);
    let error = rollback_in(&beside.path().join("clone"), None, None).unwrap_err();
    insta::assert_snapshot!(error, @": the history ends before what was looked for | the clone is shallow: its history is cut | let actions/checkout fetch the whole history: `fetch-depth: 0`");
}

#[test]
fn a_past_that_can_not_be_read_is_not_passed_over() {
    let repository = Repository::new();
    for text in [&values("v1", "v1", 1), "a: [\n", &values("v2", "v1", 1), &values("v3", "v1", 1)] {
        repository.commit(FILE, text);
    }
    let id = repository.git(&["rev-parse", "--short=7", "HEAD~2"]);
    let error = repository.rollback(Some(2), None).unwrap_err();
    assert!(error.contains(&format!("could not read {FILE}:1:4 as it was in {id}")), "{error}");
    repository.rollback(Some(1), None).unwrap();
    assert_eq!(repository.read(FILE), values("v2", "v1", 1));
}
