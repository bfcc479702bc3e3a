//! The inputs, as `--help`, `action.yml` and the README show them.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use sluice_core::Period;

/// Prove that a deployment answers rightly
#[derive(Clone, Debug, clap::Parser)]
pub enum Inputs {
    /// Run checks until they pass or their patience is over
    Check(Check),
}

/// The inputs of the command `check`.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Check {
    /// Files of checks, one a line. Default: the `smoke` files of the environment, when no `url` is given either
    #[arg(long, value_name = "PATH")]
    pub file: Vec<PathBuf>,
    /// The environment of the configuration that is checked: it gives `smoke` files and `url`
    #[arg(long, value_name = "NAME")]
    pub environment: Option<String>,
    /// The URL that the paths of checks are appended to. Default: the `url` of the environment
    #[arg(long, value_name = "URL")]
    pub base_url: Option<String>,
    /// URLs or paths for quick checks, one a line: a GET must answer with a status of 2xx
    #[arg(long, value_name = "URL")]
    pub url: Vec<String>,
    /// How long a check is tried again before its failure counts; `0s` tries once. Default: `30s`
    #[arg(long, value_name = "TIME")]
    pub retry_timeout: Option<Period>,
    /// The version that was deployed: what `expect-version` of checks must see, and the variable `version`
    #[arg(long, value_name = "VERSION")]
    pub version: Option<String>,
    /// Variables for checks files, one `name=value` a line; they win over those of the files
    #[arg(long, value_name = "NAME=VALUE")]
    pub variables: Vec<String>,
    /// Begin nothing more once a check has failed for good
    #[arg(long)]
    pub fail_fast: bool,
    /// Write the results as JUnit XML to this file
    #[arg(long, value_name = "PATH")]
    pub junit: Option<PathBuf>,
    /// How many requests are under way at once. Default: 32
    #[arg(long, value_name = "NUMBER")]
    pub concurrency: Option<NonZeroUsize>,
    /// What holds for every connection.
    #[command(flatten)]
    pub network: sluice_http::Options,
}
