//! The steps of `release.yml` that tag and release, run as they stand there: git pushes to a repository of the test's
//! own, and `gh` is a stand-in that only tells what it was asked for.
#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may panic, and so may the functions that it is made of"
)]

use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_json::Value;

/// A repository at its origin, with one commit on main.
struct Origin {
    folder: tempfile::TempDir,
}

/// One attempt of the job: a fresh checkout, with the digests that were handed on.
struct Attempt {
    failed_at: Option<String>,
    asked: Vec<String>,
}

impl Origin {
    fn new() -> Self {
        let origin = Self { folder: tempfile::tempdir().unwrap() };
        let work = origin.path("work");
        fs::create_dir_all(work.join("actions")).unwrap();
        fs::write(work.join("actions/images.lock"), "# none\n").unwrap();
        origin.git(&["init", "--quiet", "--bare", "--initial-branch=main", "origin"]);
        origin.git(&["init", "--quiet", "--initial-branch=main", "work"]);
        origin.git(&["-C", "work", "add", "--all"]);
        origin.git(&["-C", "work", "commit", "--quiet", "--message", "Begin"]);
        origin.git(&["-C", "work", "push", "--quiet", "../origin", "main"]);
        origin
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn git(&self, arguments: &[&str]) -> String {
        let identity = ["-c", "user.name=Test", "-c", "user.email=test@example.com"];
        let told = self.command("git").args(identity).args(arguments).output().unwrap();
        assert!(told.status.success(), "{arguments:?}: {told:?}");
        String::from_utf8(told.stdout).unwrap().trim().to_owned()
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.folder.path()).env_remove("GIT_DIR");
        command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
        command
    }

    /// The tags and branches, and the commits that they lead to.
    fn references(&self) -> Vec<(String, String)> {
        let told = self.git(&["-C", "origin", "for-each-ref", "--format=%(refname:short) %(objectname)"]);
        told.lines().filter_map(|line| line.split_once(' ')).map(|(a, b)| (a.into(), b.into())).collect()
    }

    fn names(&self) -> Vec<String> {
        self.references().into_iter().map(|(name, _)| name).collect()
    }

    /// Runs the job. `gh` knows a release of the version where `drafted` says so.
    fn attempt(&self, version: &str, lock: &str, drafted: bool) -> Attempt {
        let checkout = tempfile::tempdir_in(self.folder.path()).unwrap();
        self.git(&[
            "clone",
            "--quiet",
            "--depth=1",
            &format!("file://{}", self.path("origin").display()),
            &checkout.path().display().to_string(),
        ]);
        fs::write(checkout.path().join("actions/images.lock"), lock).unwrap();
        fs::create_dir_all(checkout.path().join("target/archives")).unwrap();
        fs::write(checkout.path().join("target/archives/SHA256SUMS"), "").unwrap();
        let asked = self.stand_in_for_gh(drafted);
        let prerelease = version.starts_with("0.") || version.contains('-');
        let mut failed_at = None;
        for step in steps() {
            let Some(script) = step["run"].as_str() else { continue };
            match step["if"].as_str() {
                Some("env.PRERELEASE == 'false'") if prerelease => continue,
                None | Some("env.PRERELEASE == 'false'") => {}
                Some(other) => panic!("this test does not know `if: {other}`"),
            }
            if !self.run(script, checkout.path(), version, prerelease).status.success() {
                failed_at = Some(step["name"].as_str().unwrap().to_owned());
                break;
            }
        }
        let asked = fs::read_to_string(asked).unwrap_or_default().lines().map(str::to_owned).collect();
        Attempt { failed_at, asked }
    }

    fn run(&self, script: &str, checkout: &Path, version: &str, prerelease: bool) -> Output {
        let path = format!("{}:{}", self.path("bin").display(), env!("PATH"));
        let mut bash = self.command("bash");
        bash.args(["--noprofile", "--norc", "-eo", "pipefail", "-c", script]).current_dir(checkout);
        bash.env("PATH", path).env("VERSION", version).env("PRERELEASE", prerelease.to_string());
        bash.output().unwrap()
    }

    /// Writes the stand-in, and tells where it notes what it was asked for.
    fn stand_in_for_gh(&self, drafted: bool) -> PathBuf {
        let (bin, asked) = (self.path("bin"), self.path("asked"));
        fs::create_dir_all(&bin).unwrap();
        let _ = fs::remove_file(&asked);
        let there = if drafted { "true" } else { "false" };
        let script = format!(
            "#!/bin/sh\necho \"$@\" >> {}\n[ \"$1 $2\" != 'release view' ] || exec {there}\n",
            asked.display()
        );
        fs::write(bin.join("gh"), script).unwrap();
        fs::set_permissions(bin.join("gh"), fs::Permissions::from_mode(0o755)).unwrap();
        asked
    }
}

/// The steps of the job `release`.
fn steps() -> Vec<Value> {
    let workflow = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.github/workflows/release.yml");
    let workflow: Value = serde_saphyr::from_str(&fs::read_to_string(workflow).unwrap()).unwrap();
    workflow["jobs"]["release"]["steps"].as_array().unwrap().clone()
}

#[test]
fn a_release_is_a_commit_beside_main() {
    let origin = Origin::new();
    let main = origin.git(&["-C", "origin", "rev-parse", "main"]);
    let attempt = origin.attempt("1.2.3", "notify sha256:ab\n", false);
    assert_eq!(attempt.failed_at, None);
    assert_eq!(origin.names(), ["main", "v1", "v1.2.3"]);
    assert_eq!(origin.git(&["-C", "origin", "rev-parse", "main", "v1.2.3^"]), format!("{main}\n{main}"));
    assert_eq!(origin.git(&["-C", "origin", "show", "v1:actions/images.lock"]), "notify sha256:ab");
    assert_eq!(
        attempt.asked,
        [
            "auth setup-git",
            "release view v1.2.3",
            "release create v1.2.3 --draft --verify-tag --generate-notes --prerelease=false",
            "release upload v1.2.3 --clobber target/archives/SHA256SUMS",
            "release edit v1.2.3 --draft=false",
        ]
    );
}

#[test]
fn an_attempt_after_one_that_failed_finds_its_own_tag_and_draft() {
    let origin = Origin::new();
    origin.attempt("1.2.3", "notify sha256:ab\n", false);
    let before = origin.references();
    // Were the time of the commit that of the clock, it would be another one.
    std::thread::sleep(std::time::Duration::from_millis(1100));
    let again = origin.attempt("1.2.3", "notify sha256:ab\n", true);
    assert_eq!(again.failed_at, None);
    assert_eq!(origin.references(), before);
    assert!(!again.asked.iter().any(|asked| asked.starts_with("release create")), "{:?}", again.asked);
}

#[test]
fn a_tag_that_leads_elsewhere_is_left_alone_and_nothing_is_released() {
    let origin = Origin::new();
    origin.attempt("1.2.3", "notify sha256:ab\n", false);
    let before = origin.references();
    let other = origin.attempt("1.2.3", "notify sha256:cd\n", false);
    assert_eq!(other.failed_at.as_deref(), Some("Tag it, unless another commit has the tag"));
    assert_eq!(origin.references(), before);
    assert_eq!(other.asked, ["auth setup-git"]);
}

#[test]
fn what_promises_nothing_yet_moves_no_tag() {
    for version in ["0.1.0", "1.0.0-rc.1"] {
        let origin = Origin::new();
        let attempt = origin.attempt(version, "notify sha256:ab\n", false);
        assert_eq!(origin.names(), ["main".to_owned(), format!("v{version}")]);
        assert!(
            attempt.asked.iter().any(|asked| asked.ends_with("--prerelease=true")),
            "{:?}",
            attempt.asked
        );
    }
}

#[test]
fn the_major_version_s_tag_moves_with_each_release() {
    let origin = Origin::new();
    origin.attempt("1.2.3", "notify sha256:ab\n", false);
    origin.attempt("1.3.0", "notify sha256:cd\n", false);
    let lock = |tag| origin.git(&["-C", "origin", "show", &format!("{tag}:actions/images.lock")]);
    assert_eq!([lock("v1.2.3"), lock("v1")], ["notify sha256:ab", "notify sha256:cd"]);
}

#[test]
fn pages_and_examples_name_the_tag_that_moves() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut texts = vec![fs::read_to_string(root.join("README.md")).unwrap()];
    for folder in ["actions", "workflows-examples"] {
        collect(&root.join(folder), &mut texts);
    }
    let text = texts.concat();
    let named: BTreeSet<&str> = text
        .split("sluice-actions/sluice/")
        .filter_map(|rest| rest.split_whitespace().next()?.split_once('@'))
        .map(|(_, reference)| reference)
        .collect();
    let major = env!("CARGO_PKG_VERSION_MAJOR").parse::<u32>().unwrap().max(1);
    assert_eq!(named, BTreeSet::from([format!("v{major}").as_str()]));
}

/// The texts of all pages and workflows below a folder.
fn collect(folder: &Path, texts: &mut Vec<String>) {
    for entry in folder.read_dir().unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, texts);
        } else if path.extension().is_some_and(|extension| extension == "md" || extension == "yml") {
            texts.push(fs::read_to_string(path).unwrap());
        }
    }
}
