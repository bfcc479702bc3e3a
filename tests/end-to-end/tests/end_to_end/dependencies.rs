//! What the binaries link.

use std::process::Command;

/// An action that needs no cloud links none: its size, its start and its attack surface stay small.
#[test]
fn actions_without_a_cloud_link_no_cloud() {
    for package in ["sluice-detect-changes", "sluice-bump-image-tag", "sluice-smoke-test", "sluice-notify"] {
        let output = Command::new(env!("CARGO"))
            .args([
                "tree",
                "--offline",
                "--locked",
                "--edges",
                "normal",
                "--prefix",
                "none",
                "--package",
                package,
            ])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()
            .unwrap();
        let tree = String::from_utf8_lossy(&output.stdout);
        assert!(tree.lines().any(|line| line.starts_with("sluice-core ")), "{package}: {tree}");
        let cloud = tree.lines().find(|line| {
            let name = line.split(' ').next().unwrap_or_default();
            name == "sluice-aws" || name == "kube" || name.starts_with("kube-")
        });
        assert_eq!(cloud, None, "{package}");
    }
}

/// One stack each: nothing brings a second TLS or HTTP stack in.
#[test]
fn there_is_one_tls_stack_and_one_http_stack() {
    let lock = include_str!("../../../../Cargo.lock");
    for banned in ["openssl-sys", "native-tls", "aws-lc-sys", "reqwest", "chrono", "curl-sys"] {
        assert!(!lock.contains(&format!("name = \"{banned}\"")), "{banned} is in Cargo.lock");
    }
}
