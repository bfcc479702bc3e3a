//! A container that is stopped ends by itself, and closes what is open. Its process is the first one there: the kernel
//! has no default for its signals.

use std::{fs::File, os::unix::fs::OpenOptionsExt as _, path::Path, time::Duration};

use nix::fcntl::OFlag;
use sluice_end_to_end::Server;
use sluice_images::{Job, actions};
use sluice_kubernetes_fake::Behaviour;

use crate::cluster;

/// Work that blocks in the system sees no flag.
#[test]
fn every_image_that_hangs_ends_when_it_is_stopped() {
    for action in actions() {
        // A pipe that no one writes to: reading the configuration never returns.
        let Some(job) = Job::with(|repository| {
            nix::unistd::mkfifo(&repository.path().join("pipe.yml"), nix::sys::stat::Mode::S_IRWXU).unwrap();
        }) else {
            return;
        };
        let running = job.step(&action).input("check-config", "true").input("config", "pipe.yml").starts();
        let _open = once_it_is_read(&job.workspace().path().join("pipe.yml"));
        running.is_stopped().exits(3).says("SIGTERM");
        assert_eq!(job.not_the_runner_s(), [], "{action}");
    }
}

/// Opens a pipe that has a reader: before there is one, it can't be opened so.
fn once_it_is_read(pipe: &Path) -> File {
    for _ in 0..600 {
        if let Ok(open) = File::options().write(true).custom_flags(OFlag::O_NONBLOCK.bits()).open(pipe) {
            return open;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("nobody reads {}", pipe.display());
}

#[test]
fn a_check_that_waits_for_an_answer_is_told_as_not_made() {
    let Some(job) = Job::with(|_| {}) else { return };
    let server = Server::hanging();
    let running = job.step("smoke-test").input("url", &server.url("/")).starts();
    server.wait_for_a_request();
    running.is_stopped().exits(3).says("SIGTERM").has_output("report-file");
}

#[test]
fn a_rollout_lets_go_of_what_it_deploys() {
    let Some((kubernetes, job)) = cluster::with_web() else { return };
    kubernetes.image("shop/web:2").behaves(Behaviour::NeverReady);
    let running = cluster::deploys(&job).starts();
    kubernetes.until("it is changed", |cluster| cluster::image(cluster) == "shop/web:2");
    running.is_stopped().exits(3).says("rollout resume");
    let leases = kubernetes.all("leases.coordination.k8s.io", "shop");
    assert!(
        leases.iter().all(|lease| lease["spec"]["holderIdentity"].as_str().is_none_or(str::is_empty)),
        "{leases:?}"
    );
}
