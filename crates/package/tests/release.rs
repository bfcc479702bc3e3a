//! The jobs of `release.yml` that read the version, release it, and move the tag of the major version, run as they stand
//! there: git pushes to a repository of the test's own, and `cargo` and `gh` are stand-ins. `gh` knows one release, keeps
//! a record of what it was asked for, and takes no files for what is published, as GitHub does.
#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may panic, and so may the functions that it is made of"
)]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

/// A repository at its origin, with one commit on main, and what GitHub knows of its release.
struct Origin {
    folder: tempfile::TempDir,
}

/// One attempt of some jobs.
struct Attempt {
    failed_at: Option<String>,
    asked: Vec<String>,
}

/// All that an attempt runs, and what a person lets run again when the version is read.
const ALL: [&str; 3] = ["version", "release", "major"];
const AGAIN: [&str; 2] = ["release", "major"];

const CARGO: &str = r#"#!/bin/sh
echo "{\"packages\": [{\"version\": \"$CARGO_VERSION\"}]}"
"#;

const GH: &str = r#"#!/bin/sh
echo "$@" >> asked
[ "$*" != "$(cat refused)" ] || exit 1
case "$1 $2" in
  'release list') [ "$(cat is-draft)" != false ] && echo '[]' || echo '[{"tagName": "v1.2.3"}]' ;;
  'release view') [ -s is-draft ] || exit 1
    [ "$4" != --json ] || echo "{\"isDraft\": $(cat is-draft)}" | jq --raw-output "$7" ;;
  'release create') echo true > is-draft ;;
  'release upload') grep --quiet true is-draft ;;
  'release edit') echo false > is-draft ;;
esac
"#;

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
        fs::create_dir(origin.path("bin")).unwrap();
        origin.program("bin/cargo", CARGO);
        // What it knows lies beside it, wherever it is called from.
        let known = format!("#!/bin/sh\ncd {}\n", origin.folder.path().display());
        origin.program("bin/gh", &GH.replacen("#!/bin/sh\n", &known, 1));
        for file in ["asked", "refused", "is-draft"] {
            fs::write(origin.path(file), "").unwrap();
        }
        origin
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn program(&self, name: &str, script: &str) {
        fs::write(self.path(name), script).unwrap();
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(0o755)).unwrap();
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

    /// Has `gh` fail when it is asked for this.
    fn refuses(&self, what: &str) {
        fs::write(self.path("refused"), what).unwrap();
    }

    /// Has GitHub refuse the tag of a major version, as it does where workflows have changed since.
    fn refuses_to_move_a_tag(&self, refuses: bool) {
        let hook = "#!/bin/sh\ncase $1 in refs/tags/v?) exit 1 ;; esac\n";
        self.program("origin/hooks/update", if refuses { hook } else { "#!/bin/sh\n" });
    }

    /// Runs jobs in their order, with the digests that were handed on, until a step fails.
    fn attempt(&self, jobs: &[&str], version: &str, lock: &str) -> Attempt {
        fs::write(self.path("asked"), "").unwrap();
        let mut known = BTreeMap::from([("version".to_owned(), version.to_owned())]);
        known.insert(
            "prerelease".to_owned(),
            (version.starts_with("0.") || version.contains('-')).to_string(),
        );
        let failed_at = jobs.iter().find_map(|job| self.job(job, version, lock, &mut known));
        let asked = fs::read_to_string(self.path("asked")).unwrap().lines().map(str::to_owned).collect();
        Attempt { failed_at, asked }
    }

    /// Runs a job in a fresh checkout, and tells the step that failed.
    fn job(
        &self,
        name: &str,
        version: &str,
        lock: &str,
        known: &mut BTreeMap<String, String>,
    ) -> Option<String> {
        let job = &workflow()["jobs"][name];
        if !holds(&job["if"], known) {
            return None;
        }
        let checkout = tempfile::tempdir_in(self.folder.path()).unwrap();
        let origin = format!("file://{}", self.path("origin").display());
        let reference = if name == "major" { format!("v{version}") } else { "main".to_owned() };
        let into = checkout.path().display().to_string();
        self.git(&["clone", "--quiet", "--depth=1", "--branch", &reference, &origin, &into]);
        if name == "release" {
            fs::write(checkout.path().join("actions/images.lock"), lock).unwrap();
            fs::create_dir_all(checkout.path().join("target/archives")).unwrap();
            fs::write(checkout.path().join("target/archives/SHA256SUMS"), "").unwrap();
        }
        for step in job["steps"].as_array().unwrap() {
            let Some(script) = step["run"].as_str().filter(|_| holds(&step["if"], known)) else { continue };
            let output = checkout.path().join("output");
            fs::write(&output, "").unwrap();
            let mut bash = self.command("bash");
            bash.args(["--noprofile", "--norc", "-eo", "pipefail", "-c", script])
                .current_dir(checkout.path());
            bash.env("PATH", format!("{}:{}", self.path("bin").display(), env!("PATH")));
            bash.env("CARGO_VERSION", version).env("GITHUB_OUTPUT", &output);
            for variables in [&job["env"], &step["env"]] {
                bash.envs(
                    variables
                        .as_object()
                        .into_iter()
                        .flatten()
                        .map(|(name, value)| (name, evaluated(value.as_str().unwrap(), known))),
                );
            }
            if !bash.output().unwrap().status.success() {
                return Some(step["name"].as_str().unwrap().to_owned());
            }
            let told = fs::read_to_string(output).unwrap();
            known.extend(
                told.lines().filter_map(|line| line.split_once('=')).map(|(a, b)| (a.into(), b.into())),
            );
        }
        None
    }
}

/// Whether an `if` holds: nothing, or that an output of a step or a job is a word.
fn holds(condition: &Value, known: &BTreeMap<String, String>) -> bool {
    match condition.as_str() {
        None | Some("github.ref == 'refs/heads/main'") => true,
        Some(condition) => {
            let (output, word) = condition.split_once(" == ").unwrap();
            evaluated(&format!("${{{{ {output} }}}}"), known) == word.trim_matches('\'')
        }
    }
}

/// `${{ needs.version.outputs.version }}`: an output, by its name alone.
fn evaluated(text: &str, known: &BTreeMap<String, String>) -> String {
    let Some(path) = text.strip_prefix("${{ ").and_then(|text| text.strip_suffix(" }}")) else {
        return text.to_owned();
    };
    match path.split('.').collect::<Vec<_>>().as_slice() {
        ["github", "token"] => "a token of the job".to_owned(),
        ["needs" | "steps", _, "outputs", name] => known.get(*name).cloned().unwrap_or_default(),
        _ => panic!("this test does not know {text}"),
    }
}

fn workflow() -> Value {
    let workflow = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.github/workflows/release.yml");
    serde_saphyr::from_str(&fs::read_to_string(workflow).unwrap()).unwrap()
}

#[test]
fn a_release_is_a_commit_beside_main() {
    let origin = Origin::new();
    let main = origin.git(&["-C", "origin", "rev-parse", "main"]);
    let attempt = origin.attempt(&ALL, "1.2.3", "notify sha256:ab\n");
    assert_eq!(attempt.failed_at, None);
    assert_eq!(origin.names(), ["main", "v1", "v1.2.3"]);
    assert_eq!(origin.git(&["-C", "origin", "rev-parse", "main", "v1.2.3^"]), format!("{main}\n{main}"));
    assert_eq!(origin.git(&["-C", "origin", "show", "v1:actions/images.lock"]), "notify sha256:ab");
    assert_eq!(
        attempt.asked,
        [
            "release list --exclude-drafts --limit 1000 --json tagName",
            "auth setup-git",
            "release view v1.2.3",
            "release create v1.2.3 --draft --verify-tag --generate-notes --prerelease=false",
            "release view v1.2.3 --json isDraft --jq \"is-draft=\\(.isDraft)\"",
            "release upload v1.2.3 --clobber target/archives/SHA256SUMS",
            "release edit v1.2.3 --draft=false",
            "auth setup-git",
        ]
    );
}

#[test]
fn an_attempt_after_one_that_failed_finds_its_own_tag_and_draft() {
    let origin = Origin::new();
    origin.refuses("release edit v1.2.3 --draft=false");
    let attempt = origin.attempt(&ALL, "1.2.3", "notify sha256:ab\n");
    assert_eq!(attempt.failed_at.as_deref(), Some("Publish it"));
    assert_eq!(origin.names(), ["main", "v1.2.3"], "nobody is led to what is not published");
    let tagged = origin.git(&["-C", "origin", "rev-parse", "v1.2.3"]);
    // Were the time of the commit that of the clock, it would be another one.
    std::thread::sleep(std::time::Duration::from_millis(1100));
    origin.refuses("");
    let again = origin.attempt(&AGAIN, "1.2.3", "notify sha256:ab\n");
    assert_eq!(again.failed_at, None);
    assert_eq!(origin.git(&["-C", "origin", "rev-parse", "v1.2.3", "v1"]), format!("{tagged}\n{tagged}"));
    assert!(!again.asked.iter().any(|asked| asked.starts_with("release create")), "{:?}", again.asked);
}

#[test]
fn what_is_published_is_left_alone() {
    let origin = Origin::new();
    origin.refuses_to_move_a_tag(true);
    let attempt = origin.attempt(&ALL, "1.2.3", "notify sha256:ab\n");
    assert_eq!(attempt.failed_at.as_deref(), Some("Move it"));
    origin.refuses_to_move_a_tag(false);
    let again = origin.attempt(&AGAIN, "1.2.3", "notify sha256:ab\n");
    assert_eq!(again.failed_at, None);
    assert_eq!(origin.names(), ["main", "v1", "v1.2.3"]);
    let writes = |asked: &String| asked.contains("upload") || asked.contains("edit");
    assert!(!again.asked.iter().any(writes), "{:?}", again.asked);
    let anew = origin.attempt(&ALL, "1.2.3", "notify sha256:ab\n");
    assert_eq!(anew.failed_at.as_deref(), Some("Refuse one that is released"));
}

#[test]
fn a_tag_that_leads_elsewhere_is_left_alone_and_nothing_is_released() {
    let origin = Origin::new();
    origin.attempt(&ALL, "1.2.3", "notify sha256:ab\n");
    let before = origin.references();
    let other = origin.attempt(&AGAIN, "1.2.3", "notify sha256:cd\n");
    assert_eq!(other.failed_at.as_deref(), Some("Tag it, unless another commit has the tag"));
    assert_eq!(origin.references(), before);
    assert_eq!(other.asked, ["auth setup-git"]);
}

#[test]
fn what_promises_nothing_yet_moves_no_tag() {
    for version in ["0.1.0", "1.0.0-rc.1"] {
        let origin = Origin::new();
        let attempt = origin.attempt(&ALL, version, "notify sha256:ab\n");
        assert_eq!(attempt.failed_at, None);
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
    origin.attempt(&ALL, "1.2.3", "notify sha256:ab\n");
    fs::write(origin.path("is-draft"), "").unwrap();
    origin.attempt(&ALL, "1.3.0", "notify sha256:cd\n");
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
