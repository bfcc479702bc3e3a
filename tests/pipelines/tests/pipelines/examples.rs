//! Every example is one that GitHub would start.

use sluice_pipelines::check;

/// The folders to copy, and how many workflows each has.
const EXAMPLES: [&str; 3] =
    ["build-once-deploy-many/application", "build-once-deploy-many/gitops", "first-pipeline"];

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
