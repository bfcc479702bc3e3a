//! Writes an image's tag into the overlays of environments, and not one byte more.
//!
//! `set` goes through four steps, and only the last one touches a file:
//!
//! 1. [`Inputs`] and configuration ([`Config`]) become one `plan`: which images ([`ImageArgument`]) go into which
//!    `overlay`s, which places ([`At`]) are set outright, and what happens to a digest that a new tag would leave stale;
//! 2. the `files` that can hold the images are read out of a `tree` (the files on disk, or a `snapshot` of a commit that
//!    the `remote` repository tells through GitHub's API) and parsed once. Their `formats` find the `site`s, each a place
//!    that says which version of an image runs: `kustomization`, `helm` values, Kubernetes `manifest`s, `argo`, `flux`
//!    and `compose`, which `walk` through documents, and through each `block` of text that holds values or a `patch`.
//!    `select` tells which sites are meant; what is not certain is refused with its place, and all refusals of all files
//!    are told together; what names an image elsewhere is `left`;
//! 3. each file is edited in memory (`edit`) and becomes a `diff`, the [`Outputs`] and the `report`;
//! 4. the `order` of versions is looked at, and the `strategy` writes: the `worktree` (all files or none, and none that
//!    someone else changed meanwhile), a `commit` with a `message`, or a `pull_request`. Where someone else was faster,
//!    all from the second step on is done again with what is there then.
//!
//! `promote` takes the arguments of `set` from what another environment runs, `rollback` the `values` from the `history`
//! of the files. `show` reads the same files the same way and puts side by side what each environment runs.

mod argo;
mod argument;
mod at;
mod block;
mod commit;
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
mod left;
mod manifest;
mod message;
mod order;
mod outputs;
mod overlay;
mod parallel;
mod patch;
mod pin;
mod plan;
mod promote;
mod pull_request;
mod remote;
mod report;
mod rollback;
#[cfg(test)]
mod sandbox;
mod select;
mod set;
mod show;
mod site;
mod snapshot;
mod source;
mod strategy;
mod tree;
mod values;
mod walk;
mod worktree;

use sluice_core::{Action, Context, Done};

pub use self::{
    argument::{ImageArgument, InvalidArgument},
    at::At,
    config::Config,
    inputs::{
        AutoMerge, DigestPolicy, Inputs, Location, PromoteInputs, RollbackInputs, SetInputs, ShowInputs,
        Writing,
    },
    outputs::{Images, Outputs, Pinned, Written},
};

/// The action.
#[derive(Clone, Copy, Debug)]
pub struct BumpImageTag;

impl Action for BumpImageTag {
    const NAME: &'static str = "bump-image-tag";
    const DEFAULT_COMMAND: Option<&'static str> = Some("set");
    const RUNNER_DEFAULTS: &'static [(&'static str, &'static str)] = &[("token", "${{ github.token }}")];

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
