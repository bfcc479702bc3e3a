//! A run that is told to end ends, within the time that the runner gives, and leaves nothing half done.

use std::{
    fs::{File, OpenOptions},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
    time::{Duration, Instant},
};

use nix::{errno::Errno, fcntl::OFlag, sys::stat::Mode, unistd::mkfifo};
use sluice_end_to_end::{Repository, Server};

/// The runner sends SIGTERM, and kills 10 s later; 5 s is what is promised.
const PROMISED: Duration = Duration::from_secs(5);

/// Work that blocks in the system sees no flag: the watchdog ends it.
#[test]
fn every_action_that_hangs_ends_when_it_is_told_to() {
    let running: Vec<_> =
        ["detect-changes", "bump-image-tag", "gate-approval", "smoke-test", "notify", "rollout", "backup"]
            .map(|action| {
                let repository = Repository::new();
                // A pipe that no one writes to: reading the configuration never returns.
                let pipe = repository.path().join("pipe.yml");
                mkfifo(&pipe, Mode::S_IRWXU).unwrap();
                let running =
                    repository.run(action).argument("--check-config").argument("--config=pipe.yml").starts();
                let silent = once_it_is_read(&pipe).unwrap();
                (action, repository, silent, running)
            })
            .into();
    let told = Instant::now();
    for (_, _, _, running) in &running {
        running.terminate();
    }
    for (action, _repository, _silent, running) in running {
        let outcome = running.ends();
        outcome.exits(3).says("SIGTERM");
        assert!(told.elapsed() < PROMISED, "{action} took {:?}", told.elapsed());
    }
}

/// The end of a pipe that is written to, once somebody waits at the other one.
fn once_it_is_read(pipe: &Path) -> std::io::Result<File> {
    loop {
        match OpenOptions::new().write(true).custom_flags(OFlag::O_NONBLOCK.bits()).open(pipe) {
            Err(error) if error.raw_os_error() == Some(Errno::ENXIO as i32) => {
                std::thread::sleep(Duration::from_millis(5));
            }
            opened => return opened,
        }
    }
}

#[test]
fn a_smoke_test_that_waits_for_an_answer_ends_at_once() {
    let (repository, server) = (Repository::new(), Server::hanging());
    let running = repository.run("smoke-test").argument(&format!("--url={}", server.url("/"))).starts();
    server.wait_for_a_request();
    running.terminate();
    let told = Instant::now();
    running.ends().exits(3).says("SIGTERM");
    assert!(told.elapsed() < PROMISED);
}

#[test]
fn a_message_that_hangs_ends_at_once() {
    let (repository, server) = (Repository::new(), Server::hanging());
    repository.write(
        ".github/sluice.yml",
        "version: 1\nchannels: {team: {webhook: {url: {env: HOOK}}}}\nnotify: [{on: [start], channels: [team]}]\n",
    );
    let running =
        repository.run("notify").argument("--event=start").variable("HOOK", &server.url("/hook")).starts();
    server.wait_for_a_request();
    running.terminate();
    let told = Instant::now();
    running.ends().exits(3).says("SIGTERM");
    assert!(told.elapsed() < PROMISED);
}

/// Whenever the run is ended, each file is the old one or the new one, and nothing lies beside it.
#[test]
fn files_are_old_or_new_whenever_a_bump_is_ended() {
    const OVERLAYS: usize = 40;
    let file = |tag: &str| {
        let filler = "# A line that makes the file long enough to be cut in the middle.\n".repeat(200);
        format!("{filler}images:\n  - name: registry.example.com/app\n    newTag: {tag}\n{filler}")
    };
    for round in 0..30_u64 {
        let repository = Repository::new();
        let mut run = repository.run("bump-image-tag").argument("--image=registry.example.com/app:new");
        for overlay in 0..OVERLAYS {
            repository.write(format!("overlays/{overlay}/kustomization.yaml"), file("old"));
            run = run.argument(&format!("--overlay=overlays/{overlay}"));
        }
        let running = run.starts();
        std::thread::sleep(Duration::from_millis(round));
        let killed = round % 2 == 0;
        if killed {
            running.kill()
        } else {
            running.terminate()
        };
        running.ends();
        for overlay in 0..OVERLAYS {
            let now = repository.read(&format!("overlays/{overlay}/kustomization.yaml"));
            assert!(now == file("old") || now == file("new"), "overlay {overlay} is neither old nor new");
            let folder = repository.path().join(format!("overlays/{overlay}"));
            // SIGKILL leaves no time to sweep; what lies there then is not a file that any tool reads.
            assert!(
                killed || folder.read_dir().unwrap().count() == 1,
                "something lies beside overlay {overlay}"
            );
        }
    }
}

#[test]
fn a_deadline_ends_a_run() {
    let (repository, server) = (Repository::new(), Server::hanging());
    repository
        .run("smoke-test")
        .argument(&format!("--url={}", server.url("/")))
        .argument("--deadline=200ms")
        .ends()
        .exits(3)
        .says("deadline");
}
