//! Every example is one that GitHub would start.

use sluice_pipelines::check;

/// The folders to copy into a repository.
const EXAMPLES: [&str; 7] = [
    "blue-green",
    "build-once-deploy-many/application",
    "build-once-deploy-many/gitops",
    "eks-three-environments",
    "first-pipeline",
    "multi-region",
    "terraform-layers",
];

#[test]
fn every_workflow_and_what_it_calls_could_start() {
    let mut wrong = Vec::new();
    for folder in EXAMPLES {
        match check(folder) {
            Ok(checked) => assert!(!checked.is_empty(), "{folder} has no workflow"),
            Err(refusal) => wrong.push(format!("{folder}: {refusal}")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_example_is_forgotten() {
    let mut folders: Vec<String> =
        EXAMPLES.iter().map(|name| name.split('/').next().unwrap().to_owned()).collect();
    folders.dedup();
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../workflows-examples");
    let entries = std::fs::read_dir(root).unwrap().map(|entry| entry.unwrap());
    let mut there: Vec<String> = entries
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    there.sort();
    assert_eq!(folders, there);
}
