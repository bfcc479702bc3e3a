//! The inputs, command by command.

use std::{convert::Infallible, path::PathBuf};

use clap::builder::{PossibleValuesParser, TypedValueParser};
use sluice_config::Strategy;
use sluice_core::Secret;

use crate::{At, ImageArgument};

/// Write image tags into the overlays of environments, and not one byte more
#[derive(Debug, clap::Parser)]
pub enum Inputs {
    /// Set images in overlays (the default)
    Set(SetInputs),
    /// Write what one environment runs into another
    Promote(PromoteInputs),
    /// Put back what an environment ran before
    Rollback(RollbackInputs),
    /// Show what each environment runs
    Show(ShowInputs),
}

/// The inputs of `set`.
#[derive(Debug, clap::Args)]
pub struct SetInputs {
    /// What to set: `name:tag`, `name@sha256:...`, `name=newName:tag` or `name=*:tag`, one a line
    ///
    /// `name` is the name of an entry in a kustomization's `images`, else the image's own name with its registry. What
    /// an argument does not name stays as it is; `*` says so outright. `name:tag@sha256:...` sets tag and digest.
    #[arg(long, value_name = "IMAGE")]
    pub image: Vec<ImageArgument>,

    /// Places to set outright: `FILE[#DOCUMENT]:.path.to[name=x].key[=VALUE]`, one a line
    ///
    /// Documents count from 0. Without `=VALUE` the place takes the tag of the image that is given. A last key that is
    /// not there is added.
    #[arg(long, value_name = "PLACE")]
    pub at: Vec<At>,

    /// The environments to set it in; their overlays stand in the configuration
    #[arg(long, value_delimiter = ',', value_parser = trimmed, value_name = "NAME", conflicts_with = "overlay")]
    pub environment: Vec<String>,

    /// The overlays to set it in, instead of `environment`: folders or files, one a line
    ///
    /// Of a folder, its kustomization; else all YAML and JSON files in it.
    #[arg(long, value_name = "PATH")]
    pub overlay: Vec<PathBuf>,

    /// Add an entry or a key that is missing, in the file's own style. Default: `false`
    #[arg(long)]
    pub add_missing: bool,

    /// What a new tag does to a digest beside it that the argument does not replace. Default: `refuse`
    #[arg(long, value_name = "POLICY")]
    pub digest_policy: Option<DigestPolicy>,

    /// Set an older version than the one that runs. Default: `false`, it is refused
    ///
    /// Older by semantic versioning; or, of tags that hold commits, because the new one is in the history of the one
    /// that runs.
    #[arg(long)]
    pub allow_downgrade: bool,

    /// The repository that the commits in tags are of, as `owner/name`. Default: the workflow's
    #[arg(long, value_name = "OWNER/NAME")]
    pub source_repository: Option<String>,

    /// How it is written.
    #[command(flatten)]
    pub writing: Writing,
}

/// The inputs of `promote`.
#[derive(Debug, clap::Args)]
pub struct PromoteInputs {
    /// The names of the images to promote. Default: all that the environment pins
    #[arg(long, value_delimiter = ',', value_parser = trimmed, value_name = "NAME")]
    pub image: Vec<String>,

    /// The environment whose versions are taken
    #[arg(long, required = true, value_name = "NAME")]
    pub from: String,

    /// The environment to write them into
    #[arg(long, required = true, value_name = "NAME")]
    pub to: String,

    /// Add an entry or a key that is missing, in the file's own style. Default: `false`
    #[arg(long)]
    pub add_missing: bool,

    /// Set an older version than the one that runs. Default: `false`, it is refused
    ///
    /// Older by semantic versioning; or, of tags that hold commits, because the new one is in the history of the one
    /// that runs.
    #[arg(long)]
    pub allow_downgrade: bool,

    /// The repository that the commits in tags are of, as `owner/name`. Default: the workflow's
    #[arg(long, value_name = "OWNER/NAME")]
    pub source_repository: Option<String>,

    /// How it is written.
    #[command(flatten)]
    pub writing: Writing,
}

/// The inputs of `rollback`.
#[derive(Debug, clap::Args)]
pub struct RollbackInputs {
    /// The environments to roll back; their overlays stand in the configuration
    #[arg(long, value_delimiter = ',', value_parser = trimmed, value_name = "NAME", conflicts_with = "overlay")]
    pub environment: Vec<String>,

    /// The overlays to roll back, instead of `environment`: folders or files, one a line
    #[arg(long, value_name = "PATH")]
    pub overlay: Vec<PathBuf>,

    /// The commit to go back to: the images are set to what they were in it
    #[arg(long, value_name = "REVISION", conflicts_with = "steps")]
    pub to: Option<String>,

    /// How many commits that changed the images to undo. Default: `1`
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..))]
    pub steps: Option<u32>,

    /// How it is written.
    #[command(flatten)]
    pub writing: Writing,
}

/// The inputs of `show`.
#[derive(Debug, clap::Args)]
pub struct ShowInputs {
    /// The names of the images to show. Default: all
    #[arg(long, value_delimiter = ',', value_parser = trimmed, value_name = "NAME")]
    pub image: Vec<String>,

    /// The environments to show. Default: all of the configuration
    #[arg(long, value_delimiter = ',', value_parser = trimmed, value_name = "NAME", conflicts_with = "overlay")]
    pub environment: Vec<String>,

    /// The overlays to show, instead of `environment`: folders or files, one a line
    #[arg(long, value_name = "PATH")]
    pub overlay: Vec<PathBuf>,

    /// Where the overlays are.
    #[command(flatten)]
    pub place: Location,
}

/// Where the overlays are: in another repository than the one that is checked out.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Location {
    /// The repository of the overlays, as `owner/name`, through the API. Default: `gitops.repository` of the configuration, else the workflow's; with `show` and `worktree`, the files on disk
    ///
    /// Paths are from its root then, and no checkout is needed.
    #[arg(long, value_name = "OWNER/NAME")]
    pub repository: Option<String>,

    /// The branch of the repository. Default: `gitops.branch` of the configuration, else the repository's default branch
    #[arg(long, value_name = "BRANCH")]
    pub branch: Option<String>,

    /// The token to read and write with. Default: the job's token in a workflow, else the variable `GITHUB_TOKEN`
    ///
    /// The job's own token reaches its own repository only, and what it pushes starts no workflow.
    #[arg(long, value_name = "TOKEN")]
    pub token: Option<Secret>,

    /// What holds for every connection.
    #[command(flatten)]
    pub network: sluice_http::Options,
}

/// How a change is written.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Writing {
    /// How to write: `worktree`, `commit` or `pull-request`. Default: the environment's `strategy`, else `commit` with `repository`, else `worktree`, the files on disk
    #[arg(long, value_name = "STRATEGY", value_parser = strategy())]
    pub strategy: Option<Strategy>,

    /// Where the overlays are.
    #[command(flatten)]
    pub place: Location,

    /// The message of the commit. Default: subject and trailers of our own
    ///
    /// `{images}`, `{environment}`, `{actor}`, `{run}`, `{commit}` and `{repository}` are filled in; a line is left
    /// out where nothing is known for what it names. `[skip ci]` may stand in it.
    #[arg(long, value_name = "TEXT")]
    pub message: Option<String>,

    /// The branch of the pull request. Default: `sluice/bump-` and the environment
    #[arg(long, value_name = "BRANCH")]
    pub pull_request_branch: Option<String>,

    /// The labels of the pull request
    #[arg(long, value_delimiter = ',', value_parser = trimmed, value_name = "LABEL")]
    pub labels: Vec<String>,

    /// Who is asked to review the pull request: users, and teams as `organisation/team`
    #[arg(long, value_delimiter = ',', value_parser = trimmed, value_name = "NAME")]
    pub reviewers: Vec<String>,

    /// Let the pull request merge by itself once what is required of it is there: `merge`, `squash` or `rebase`. Default: it does not
    #[arg(long, value_name = "METHOD")]
    pub auto_merge: Option<AutoMerge>,

    /// Say exactly what would change, and change nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// How a pull request merges by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum AutoMerge {
    /// With a merge commit.
    Merge,
    /// As one commit.
    Squash,
    /// Its commits on top of the branch.
    Rebase,
}

/// What happens to a digest when the tag beside it changes and the argument brings no digest.
///
/// A digest decides what runs: a new tag beside an old digest changes nothing but what people believe.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum DigestPolicy {
    /// The digest stays, and with it what runs.
    Keep,
    /// It must be replaced: an argument without a digest is a mistake.
    Replace,
    /// The digest is emptied: the tag decides.
    Drop,
    /// Nothing is written.
    #[default]
    Refuse,
}

/// A name out of `dev, staging`.
#[expect(clippy::unnecessary_wraps, reason = "clap takes parsers that may fail")]
fn trimmed(name: &str) -> Result<String, Infallible> {
    Ok(name.trim().to_owned())
}

fn strategy() -> impl TypedValueParser<Value = Strategy> {
    PossibleValuesParser::new(["worktree", "commit", "pull-request"]).map(|name| match name.as_str() {
        "commit" => Strategy::Commit,
        "pull-request" => Strategy::PullRequest,
        _ => Strategy::Worktree,
    })
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    fn set(words: &[&str]) -> Result<SetInputs, clap::Error> {
        let words = ["bump-image-tag", "set", "--image=a:v1"].iter().chain(words);
        match Inputs::try_parse_from(words)? {
            Inputs::Set(inputs) => Ok(inputs),
            _ => panic!("not asked for"),
        }
    }

    #[test]
    fn names_are_split_and_trimmed() {
        assert_eq!(set(&["--environment=dev, staging"]).unwrap().environment, ["dev", "staging"]);
    }

    #[test]
    fn every_strategy_has_its_name() {
        let strategy =
            |name: &str| set(&[&format!("--strategy={name}")]).map(|inputs| inputs.writing.strategy);
        assert_eq!(strategy("worktree").unwrap(), Some(Strategy::Worktree));
        assert_eq!(strategy("commit").unwrap(), Some(Strategy::Commit));
        assert_eq!(strategy("pull-request").unwrap(), Some(Strategy::PullRequest));
        assert!(strategy("worktre").is_err());
    }

    #[test]
    fn environments_and_overlays_exclude_each_other() {
        assert!(set(&["--environment=dev", "--overlay=k8s/dev"]).is_err());
    }
}
