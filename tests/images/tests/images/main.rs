//! What every image does, whoever starts it.
#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may panic, and so may the functions that it is made of"
)]

mod cluster;
mod signals;

use std::{path::Path, process::Command};

use sluice_end_to_end::{Repository, Server};
use sluice_images::{Job, Registry, actions, layouts};

/// A repository in which every action finds a configuration.
fn configured(repository: &Repository) {
    repository
        .write(
            ".github/sluice.yml",
            "version: 1\ncomponents: {backend: {paths: [\"src/**\"]}}\nenvironments: {dev: {overlays: [dev], gate: {confirm: \"yes\"}}}\n",
        )
        .write("dev/kustomization.yaml", "images:\n  - name: registry.example.com/shop/backend\n    newTag: v1\n")
        .write("smoke.yml", "checks:\n  - http: /healthz\n")
        .write("src/main.py", "\n");
    repository.commit("Begin");
}

#[test]
fn every_image_answers_and_leaves_nothing_that_is_root_s() {
    for action in actions() {
        let Some(job) = Job::with(configured) else { return };
        let outcome = job.step(&action).input("check-config", "true").ends();
        outcome.exits(0).has_output("report-file").sums_up(&action);
        assert_eq!(job.not_the_runner_s(), [], "{action}");
    }
}

#[test]
fn every_image_runs_on_a_root_that_can_not_be_written_and_without_a_home() {
    for action in actions() {
        let Some(job) = Job::with(configured) else { return };
        let step = job.step(&action).input("check-config", "true").option("--read-only").without("HOME");
        step.ends().exits(0).has_output("report-file").sums_up(&action);
        assert_eq!(job.not_the_runner_s(), [], "{action}");
    }
}

#[test]
fn every_image_runs_as_another_user_who_can_only_read_the_workspace() {
    for action in actions() {
        let Some(job) = Job::with(configured) else { return };
        job.open_to_all("file_commands");
        job.open_to_all("runner_temp");
        let step = job.step(&action).input("check-config", "true").option("--user=4321:4321");
        step.without("HOME").ends().exits(0).has_output("report-file").sums_up(&action);
    }
}

#[test]
fn a_file_that_is_changed_stays_the_runner_s() {
    let Some(job) = Job::with(configured) else { return };
    let image = "registry.example.com/shop/backend:v2";
    let step = job.step("bump-image-tag").input("environment", "dev").input("image", image);
    step.option("--read-only").ends().exits(0).has_output("changed").sums_up("v2");
    assert!(job.workspace().read("dev/kustomization.yaml").contains("newTag: v2"));
    assert_eq!(job.not_the_runner_s(), []);
}

#[test]
fn a_commit_is_read_in_a_repository_of_another_user() {
    let Some(job) = Job::with(|repository| {
        configured(repository);
        repository.write("src/main.py", "VERSION = 2\n").commit("Change the backend");
    }) else {
        return;
    };
    // The name of this input has a hyphen, which a shell in between would not hand on.
    let step = || job.step("detect-changes").input("base", "HEAD~1").input("working-directory", ".");
    step().ends().exits(0).has_output("backend").sums_up("backend");
    assert_eq!(job.not_the_runner_s(), []);
    job.open_to_all("file_commands");
    job.open_to_all("runner_temp");
    step().option("--user=4321:4321").ends().exits(0).has_output("backend");
}

#[test]
fn a_gate_is_evaluated() {
    let Some(job) = Job::with(configured) else { return };
    let step = job.step("gate-approval").input("environment", "dev").input("confirm", "yes");
    step.ends().exits(0).has_output("report-file").sums_up("dev");
    assert_eq!(job.not_the_runner_s(), []);
}

#[test]
fn a_service_is_checked() {
    let Some(job) = Job::with(configured) else { return };
    let server = Server::answering(|_| (200, "ok".to_owned()));
    let step = job.step("smoke-test").input("file", "smoke.yml").input("base-url", &server.url(""));
    step.ends().exits(0).has_output("report-file").sums_up("/healthz");
    assert_eq!(job.not_the_runner_s(), []);
}

#[test]
fn a_message_is_delivered() {
    let Some(job) = Job::with(|repository| {
        repository.write(
            ".github/sluice.yml",
            "version: 1\nchannels: {team: {webhook: {url: {env: HOOK}}}}\nnotify: [{on: [start], channels: [team]}]\n",
        );
    }) else {
        return;
    };
    let server = Server::answering(|_| (200, "ok".to_owned()));
    let step = job.step("notify").input("event", "start").variable("HOOK", &server.url("/hook"));
    step.option("--read-only").ends().exits(0).has_output("report-file").sums_up("team");
    assert_eq!(server.received().len(), 1);
    assert_eq!(job.not_the_runner_s(), []);
}

#[test]
fn what_the_runner_left_to_root_is_written_all_the_same() {
    let Some(job) = Job::with(configured) else { return };
    if !job.is_given_to_root("file_commands") || !job.is_given_to_root("runner_temp") {
        return;
    }
    let image = "registry.example.com/shop/backend:v2";
    let step = job.step("bump-image-tag").input("environment", "dev").input("image", image);
    step.ends().exits(0).has_output("changed").sums_up("v2");
    let left = job.not_the_runner_s();
    assert!(
        left.iter().all(|owned| owned.path.starts_with("file_commands") || owned.path == "runner_temp"),
        "{left:?}"
    );
}

#[test]
fn in_a_workspace_of_root_the_process_stays_root() {
    let Some(job) = Job::with(configured) else { return };
    if !job.is_given_to_root("workspace") {
        return;
    }
    let image = "registry.example.com/shop/backend:v2";
    let step = job.step("bump-image-tag").input("environment", "dev").input("image", image);
    step.ends().exits(0).has_output("changed");
    assert!(job.workspace().read("dev/kustomization.yaml").contains("newTag: v2"));
}

#[test]
fn a_process_that_may_not_become_the_owner_ends_before_it_writes() {
    let Some(job) = Job::with(configured) else { return };
    let image = "registry.example.com/shop/backend:v2";
    let step = job.step("bump-image-tag").input("environment", "dev").input("image", image);
    step.option("--cap-drop=SETUID").ends().exits(3).says("could not become user");
    assert!(job.workspace().read("dev/kustomization.yaml").contains("newTag: v1"));
    assert_eq!(job.not_the_runner_s(), []);
}

#[test]
fn a_release_that_is_made_again_pushes_nothing_else() {
    let Some(_job) = Job::with(configured) else { return };
    let registry = Registry::with_the_release();
    let lock = registry.written("actions/images.lock");
    registry.release();
    assert_eq!(registry.written("actions/images.lock"), lock);
}

#[test]
fn a_release_is_locked_and_packed() {
    let Some(_job) = Job::with(configured) else { return };
    let registry = Registry::with_the_release();
    let lock = registry.written("actions/images.lock");
    for action in actions() {
        let digest = registry.image(&action).rsplit_once('@').unwrap().1.to_owned();
        assert!(lock.contains(&format!("{action} {digest}\n")), "{lock}");
    }
    let sums = Command::new("sha256sum")
        .args(["--check", "--strict", "SHA256SUMS"])
        .current_dir(registry.archives())
        .output()
        .unwrap();
    assert!(sums.status.success(), "{sums:?}");
}

/// On a terminal, without an engine; what is for another processor than this machine's, as a release has it, by qemu.
#[test]
fn every_binary_of_a_release_does_its_work() {
    let Some(_job) = Job::with(configured) else { return };
    let registry = Registry::with_the_release();
    for archive in registry.archives().read_dir().unwrap() {
        let archive = archive.unwrap().path();
        let name = archive.file_name().unwrap().to_str().unwrap();
        let Some((action, rest)) = name.split_once("-v") else { continue };
        let folder = tempfile::tempdir().unwrap();
        let unpacked = Command::new("tar").arg("-xzf").arg(&archive).arg("-C").arg(folder.path()).status();
        assert!(unpacked.unwrap().success());
        let binary = folder.path().join(action);
        let mut command = if rest.contains(std::env::consts::ARCH) {
            Command::new(binary)
        } else {
            let mut qemu = Command::new("qemu-aarch64-static");
            qemu.arg(binary);
            qemu
        };
        let repository = Repository::new();
        configured(&repository);
        command.args(little_work(action)).current_dir(repository.path()).env_remove("CI");
        let told = command.output().unwrap();
        assert!(told.status.success(), "{name}: {told:?}");
    }
}

/// What an action can do with nothing around it but the repository.
fn little_work(action: &str) -> &'static [&'static str] {
    match action {
        "detect-changes" => &["--base", "HEAD", "--head", "HEAD"],
        "bump-image-tag" => &["--environment", "dev", "--image", "registry.example.com/shop/backend:v2"],
        "gate-approval" => &["--environment", "dev", "--confirm", "yes"],
        "notify" => &["--event", "start", "--environment", "dev"],
        _ => &["--check-config"],
    }
}

#[test]
fn an_image_holds_nothing_but_what_its_binary_needs() {
    for action in actions() {
        let blobs = layouts().join(&action).join("blobs/sha256");
        let largest = blobs
            .read_dir()
            .unwrap()
            .map(|blob| blob.unwrap().path())
            .max_by_key(|path| path.metadata().unwrap().len());
        let files = files(&largest.unwrap());
        assert!(files.contains(&action), "{files:?}");
        let others: Vec<_> = files.iter().filter(|file| **file != action && !file.contains("lib")).collect();
        assert!(others.is_empty(), "{others:?}");
    }
}

fn files(archive: &Path) -> Vec<String> {
    let told = Command::new("tar").arg("-tzf").arg(archive).output().unwrap();
    String::from_utf8(told.stdout).unwrap().lines().map(str::to_owned).collect()
}
