//! What a maintainer copies: short, without scripts, and understood by every action.
#![allow(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

use std::path::{Path, PathBuf};

use serde_json::Value;
use sluice_end_to_end::Repository;

use super::uses;

#[test]
fn an_example_s_workflows_are_short() {
    for example in examples() {
        let lines: usize = workflows(&example).iter().map(|file| read(file).lines().count()).sum();
        assert!((1..120).contains(&lines), "{}: {lines} lines", example.display());
    }
}

#[test]
fn a_step_runs_one_command() {
    let ours =
        [".github/workflows", "workflows-ghes"].map(|folder| files(&root().join(folder), ".yml")).concat();
    let all = examples().into_iter().flat_map(|example| workflows(&example)).chain(ours);
    let mut commands = 0;
    for file in all.filter(|file| !is_of_this_repository(file)) {
        for command in uses::strings(&uses::parse(&read(&file)), "run") {
            let is_one = !["\n", "&&", "||", ";", " | "].iter().any(|more| command.trim_end().contains(more))
                || is_one_with_a_program_of_its_own(&command);
            assert!(is_one, "{}: {command}", file.display());
            commands += 1;
        }
    }
    assert!(commands > 20, "only {commands} commands were found");
}

#[test]
fn every_configuration_is_right_for_every_action() {
    for file in examples().iter().flat_map(|example| files(example, "/sluice.yml")) {
        let repository = Repository::new();
        repository.write(".github/sluice.yml", read(&file));
        for action in uses::actions() {
            let outcome = repository.run(&action).argument("--check-config").ends();
            outcome.exits(0).says("nothing is wrong");
        }
    }
}

#[test]
fn what_a_configuration_names_is_there() {
    for file in examples().iter().flat_map(|example| files(example, "/sluice.yml")) {
        let configuration = uses::parse(&read(&file));
        let repository = file.parent().unwrap().parent().unwrap();
        for environment in configuration["environments"].as_object().unwrap().values() {
            for check in environment["smoke"].as_array().into_iter().flatten() {
                assert!(repository.join(check.as_str().unwrap()).exists(), "{}: {check}", file.display());
            }
        }
    }
}

#[test]
fn every_input_that_is_given_is_one() {
    let mut given = 0;
    for file in files(&root().join(".github/workflows"), ".yml")
        .into_iter()
        .chain(examples().iter().flat_map(|example| workflows(example)))
    {
        given += uses::check(&uses::parse(&read(&file)), &file.display().to_string());
    }
    assert!(given > 100, "only {given} inputs were found");
}

#[test]
fn policies_are_for_what_the_readme_links_to() {
    for file in examples().iter().flat_map(|example| files(example, ".json")) {
        let policy: Value = serde_json::from_str(&read(&file)).unwrap();
        assert_eq!(policy["Version"], "2012-10-17", "{}", file.display());
        let condition = &policy["Statement"][0]["Condition"]["StringEquals"];
        if file.to_string_lossy().ends_with(".trust.json") {
            // Without a subject any repository of GitHub could take the role.
            assert!(!condition["token.actions.githubusercontent.com:sub"].is_null(), "{}", file.display());
            assert_eq!(condition["token.actions.githubusercontent.com:aud"], "sts.amazonaws.com");
        }
    }
}

/// A filter of jq has signs of its own, in quotes.
fn is_one_with_a_program_of_its_own(command: &str) -> bool {
    command.starts_with("jq ") && command.matches('\'').count() == 2 && !command.contains("&&")
}

/// Those that build, test and release Sluice itself are no reusable ones.
fn is_of_this_repository(file: &Path) -> bool {
    !read(file).contains("workflow_call") && !file.to_string_lossy().contains("workflows-examples")
}

fn examples() -> Vec<PathBuf> {
    let folders = root().join("workflows-examples").read_dir().unwrap();
    let folders: Vec<PathBuf> =
        folders.map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()).collect();
    assert!(folders.len() > 4, "{folders:?}");
    folders
}

fn workflows(example: &Path) -> Vec<PathBuf> {
    files(example, ".yml").into_iter().filter(|file| file.to_string_lossy().contains("/workflows/")).collect()
}

/// Files below a folder whose paths end so, sorted.
pub(crate) fn files(folder: &Path, end: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in folder.read_dir().unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path, end));
        } else if path.to_string_lossy().ends_with(end) {
            found.push(path);
        }
    }
    found.sort();
    found
}

pub(crate) fn read(file: &Path) -> String {
    std::fs::read_to_string(file).unwrap()
}

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}
