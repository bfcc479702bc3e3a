//! Workflows, run as GitHub runs them.
//!
//! A test prepares repositories in the stand-in for GitHub, lets an [`Event`] happen, and looks at the [`Run`]s that it
//! started: [`Runner::on`]. The workflows come from the commit of the event, those that they call from this project, and
//! so do the actions: their `action.yml` is obeyed, and the binary that `SLUICE_BIN_DIR` holds runs in the image's place.
//!
//! What a workflow says is read and evaluated by GitHub's own parser and evaluator; `harness/pipeline.mjs` is where to
//! read on. What it does not support is an error.
//!
//! Which test shows which path of an example:
//!
//! | example | success | the gate says no | not well: back, people are told | recovery |
//! |---|---|---|---|---|
//! | `first-pipeline` | `a_change_passes_all_five` | `a_freeze_holds_it_and_people_are_told` | it deploys nothing | |
//! | `build-once-deploy-many` | `a_change_goes_from_a_push_to_production` | the same, before the phrase is right | `a_change_that_is_not_well_is_taken_back_and_the_next_one_recovers`; by hand `one_click_puts_back_what_ran_before` | the same |
//! | `eks-three-environments`, dev | `develop_goes_to_dev_and_back_when_it_is_not_well` | it has none | the same; cancelled, `a_run_that_is_cancelled_is_told_and_the_next_one_finishes_what_it_left` | both |
//! | staging | `staging_is_backed_up_tested_baked_and_taken_back_when_its_tests_fail` | it has none | the same | as dev |
//! | production | `main_goes_to_production_when_somebody_types_the_phrase` | `production_stays_as_it_is_when_its_gate_says_no` | `production_that_is_not_well_goes_back_opens_an_incident_and_closes_it_when_it_recovers` | the same |
//! | `blue-green` | `the_idle_colour_gets_the_traffic_and_gives_it_back_on_one_click` | it has none | `an_idle_colour_that_is_not_well_never_gets_traffic`, `an_idle_colour_that_does_not_start_takes_the_database_back_with_it`, `a_colour_that_is_not_well_with_traffic_gives_it_back_and_the_next_one_recovers` | the last |
//! | `terraform-layers` | `a_change_of_a_layer_is_planned_costed_and_applied_in_stages` | `production_is_applied_when_two_have_approved_it` | Terraform has no way back: `what_fails_in_one_layer_stops_those_after_it_and_the_next_push_makes_up_for_it` | the same |
//! | `multi-region` | `the_others_follow_the_first_region_when_it_has_stayed_well` | the same, before somebody else approves | `a_first_region_that_is_not_well_goes_back_and_is_the_last` | `a_run_again_makes_up_for_the_region_that_failed_and_leaves_the_others_alone` |
//!
//! All seven actions are the built ones. GitHub and Kubernetes are this project's stand-ins, AWS is moto, the registry
//! Debian's; the actions of others, Terraform, the cost tool, k6 and the command line of AWS are stood in for by name.
//! What no test can run here is linted only: attestations, Scorecard, and the protection of environments (its reviewers
//! and timers are GitHub's own).
#![allow(clippy::panic, clippy::unwrap_used, clippy::missing_panics_doc, reason = "this is a crate of tests")]

mod event;
mod example;
mod harness;
mod run;
mod runner;
mod trace;

pub use self::{
    event::Event,
    example::{Replacements, check, example, example_file, reusable},
    run::{Job, Run, Step},
    runner::Runner,
};
