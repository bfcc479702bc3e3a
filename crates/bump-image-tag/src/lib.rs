//! Writes an image's tag into the overlays of environments, and not one byte more.
//!
//! `set` goes through four steps, and only the last one touches a file:
//!
//! 1. [`Inputs`] and configuration ([`Config`]) become one `plan`: which images ([`ImageArgument`]) go into which
//!    `overlay`s, which places ([`At`]) are set outright, and what happens to a digest that a new tag would leave stale;
//! 2. the `files` that can hold the images are read and parsed once. Their `formats` find the `site`s, each a place
//!    that says which version of an image runs: `kustomization`, `helm` values, Kubernetes `manifest`s, `argo`, `flux`
//!    and `compose`, which `walk` through documents, and through each `block` of text that holds values or a `patch`. `select` tells which sites are meant; what is not certain is
//!    refused with its place, and all refusals of all files are told together;
//! 3. each file is edited in memory (`edit`) and becomes a `diff`, the [`Outputs`] and the `report`;
//! 4. the `worktree` is written: all files or none, and none that someone else changed meanwhile.
//!
//! `promote` takes the arguments of `set` from what another environment runs, `rollback` the values from the `history`
//! of the files. `show` reads the same files the same way and puts side by side what each environment runs.

mod argo;
mod argument;
mod at;
mod block;
mod compose;
mod config;
mod diff;
mod edit;
mod files;
mod flux;
mod formats;
mod helm;
mod history;
mod inputs;
mod kustomization;
mod manifest;
mod outputs;
mod overlay;
mod patch;
mod pin;
mod plan;
mod promote;
mod report;
mod rollback;
#[cfg(test)]
mod sandbox;
mod select;
mod set;
mod show;
mod site;
mod source;
mod walk;
mod worktree;

use sluice_core::{Action, Context, Done};

pub use self::{
    argument::{ImageArgument, InvalidArgument},
    at::At,
    config::Config,
    inputs::{DigestPolicy, Inputs, PromoteInputs, RollbackInputs, SetInputs, ShowInputs},
    outputs::{Images, Outputs, Pinned, Written},
};

/// The action.
#[derive(Clone, Copy, Debug)]
pub struct BumpImageTag;

impl Action for BumpImageTag {
    const NAME: &'static str = "bump-image-tag";
    const DEFAULT_COMMAND: Option<&'static str> = Some("set");

    type Inputs = Inputs;
    type Config = sluice_config::File<Config>;
    type Outputs = Outputs;

    fn run(inputs: Inputs, config: Self::Config, cx: &Context) -> anyhow::Result<Done<Outputs>> {
        match inputs {
            Inputs::Set(inputs) => set::run(inputs, &config, cx),
            Inputs::Promote(inputs) => promote::run(&inputs, &config, cx),
            Inputs::Rollback(inputs) => rollback::run(&inputs, &config, cx),
            Inputs::Show(inputs) => show::run(&inputs, &config, cx),
        }
    }
}
