//! The command `rollback`, with the history of the files read through the API.

use super::*;

const FILE: &str = "k8s/dev/kustomization.yaml";

/// Versions of the backend, one commit each, with a commit elsewhere behind each.
fn world_of(versions: &[&str]) -> World {
    let world = World::new();
    for version in versions {
        world.gitops.commit("main", version, &[File::new(FILE, overlay(version))]);
        world.gitops.commit("main", "Elsewhere", &[File::new("README.md", version)]);
    }
    world
}

fn overlay(version: &str) -> String {
    OVERLAY.replace("'v1'", &format!("'{version}'"))
}

fn rollback(world: &World) -> Run<'_> {
    world.run().argument("rollback").input("environment", "dev")
}

#[test]
fn the_last_change_is_undone_without_a_clone() {
    let world = world_of(&["v2", "v3"]);
    let before = world.commits();
    let outcome = rollback(&world).in_actions().ends();
    outcome.exits(0).has_output("changed", "true").says("v3 -> v2").says("rolled back");
    assert_eq!(world.file(FILE), overlay("v2"));
    // What was committed is a change like any other.
    rollback(&world).in_actions().ends().exits(0).says("v2 -> v3");
    assert_eq!((world.file(FILE), world.commits()), (overlay("v3"), before + 2));
}

#[test]
fn it_goes_back_several_steps_or_to_a_commit() {
    let world = world_of(&["v2", "v3"]);
    let says = |name: &str, value: &str, version: &str| {
        rollback(&world)
            .input(name, value)
            .input("dry-run", "true")
            .in_actions()
            .ends()
            .exits(0)
            .says(version);
    };
    says("steps", "2", "v3 -> v1");
    says("to", &world.head, "v3 -> v1");
    says("to", "HEAD~2", "v3 -> v2");
    says("to", "main", "nothing to roll back");
    let refused = |name: &str, value: &str, why: &str| {
        rollback(&world).input(name, value).in_actions().ends().exits(2).says(why);
    };
    refused("steps", "3", "it holds 2");
    refused("to", "mian", "acme/gitops has no revision \"mian\"");
    refused("to", "HEAD~9", "has no revision \"HEAD~9\"");
    world.gitops.branch("aside", &world.head);
    let aside = world.gitops.commit("aside", "Aside", &[File::new(FILE, overlay("v9"))]);
    refused("to", &aside, "is not in the history of the files");
    assert_eq!(world.file(FILE), overlay("v3"));
}

#[test]
fn a_merge_is_one_change_of_its_branch() {
    let world = World::new();
    world.gitops.branch("feature", &world.head);
    for version in ["v2", "v3"] {
        world.gitops.commit("feature", version, &[File::new(FILE, overlay(version))]);
    }
    let (theirs, ours) = (world.gitops.head("feature").unwrap(), world.gitops.head("main").unwrap());
    let tree = format!("{theirs}^{{tree}}");
    let author = ["-c", "user.name=x", "-c", "user.email=x@example.com"];
    let merge = ["commit-tree", "-m", "Merge", "-p", &ours, "-p", &theirs, &tree];
    let merge = world.gitops.git(&[&author[..], &merge].concat());
    world.gitops.git(&["update-ref", "refs/heads/main", &merge]);
    rollback(&world).in_actions().ends().exits(0).says("v3 -> v1");
    assert_eq!(world.file(FILE), OVERLAY);
}

#[test]
fn what_someone_sets_while_it_runs_stays_theirs() {
    let world = world_of(&["v2"]);
    let gitops = world.gitops.clone();
    let mut is_first = true;
    world.github.faults(move |request| {
        if is_commit(request) && std::mem::take(&mut is_first) {
            gitops.commit("main", "Theirs", &[File::new(FILE, overlay("v7"))]);
        }
        None
    });
    rollback(&world).in_actions().ends().exits(1).says("changed since").says("it is v7");
    assert_eq!(world.file(FILE), overlay("v7"));
}

#[test]
fn what_waits_in_a_pull_request_is_no_history() {
    let world = world_of(&["v2"]);
    let rollback = || rollback(&world).input("strategy", "pull-request").in_actions().ends();
    rollback().exits(0).has_output("changed", "true").says("v2 -> v1");
    let waits = || world.gitops.file("sluice/bump-dev", FILE);
    assert_eq!(waits(), Some(OVERLAY.into()));
    // It is not the rollback that the second one undoes: nothing of it runs.
    rollback().exits(0).has_output("changed", "false");
    assert_eq!((waits(), world.file(FILE)), (Some(OVERLAY.into()), overlay("v2")));
}

#[test]
fn folders_that_did_not_change_are_read_once() {
    let world = world_of(&["v2"]);
    for number in 0..30 {
        world.gitops.commit("main", "Elsewhere", &[File::new("README.md", number.to_string())]);
    }
    rollback(&world).in_actions().ends().exits(0).says("v2 -> v1");
    let requests = world.requests();
    let trees = requests.iter().filter(|(_, path)| path.contains("/git/trees/")).count();
    // The whole tree of the head, the root of each of 33 commits, and two folders in two versions.
    assert_eq!(trees, 1 + 33 + 4, "{requests:?}");
}

#[test]
fn a_history_that_is_too_long_is_not_read_to_its_end() {
    let world = world_of(&["v2"]);
    for number in 0..501 {
        world.gitops.commit("main", "Elsewhere", &[File::new("README.md", number.to_string())]);
    }
    let outcome = rollback(&world).in_actions().ends();
    outcome.exits(3).says("500 trees were read").says("fetch-depth: 0");
    assert_eq!(world.file(FILE), overlay("v2"));
}
