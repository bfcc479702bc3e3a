//! The inputs, as the command line and the runner give them.

use std::path::PathBuf;

use clap::ValueEnum;
use sluice_core::{ImageReference, Period, Secret};

/// Decide whether a change may go to an environment, and stay closed unless that is certain
#[derive(Clone, Debug, clap::Parser)]
#[expect(clippy::large_enum_variant, reason = "there is one of it in a run")]
pub enum Inputs {
    /// Evaluate all conditions of the environment's gate, and decide
    Evaluate(Evaluate),
    /// Repeat the decision of records from what they hold alone, without a network
    Replay(Records),
    /// Check that no record of a chain was changed, taken out or put in between
    Verify(Records),
}

/// The inputs of `replay` and `verify`.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Records {
    /// Files of records, one a line, as `record` wrote them
    #[arg(long, required = true, value_name = "FILE")]
    pub records: Vec<PathBuf>,
}

/// The inputs of `evaluate`.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Evaluate {
    /// The environment to go to: its `gate` in the configuration is evaluated
    #[arg(long, required = true, value_name = "NAME")]
    pub environment: String,
    /// The phrase as it was typed, for a gate with `confirm`. Default: nothing was typed
    #[arg(long, value_name = "PHRASE")]
    pub confirm: Option<String>,
    /// Why a freeze is to be broken, for a gate with `break-glass`: it takes more approvals then. Default: it is not
    #[arg(long, value_name = "REASON")]
    pub break_glass: Option<String>,
    /// The image that goes there: `registry/name:tag@sha256:...`. Default: none is named. A tag alone is looked up where a condition needs the digest
    #[arg(long, value_name = "IMAGE")]
    pub image: Option<ImageReference>,
    /// The file of the Terraform plan that is applied: the answer is for its digest. Default: none is named
    #[arg(long, value_name = "FILE")]
    pub plan: Option<PathBuf>,
    /// The repository of the commit, as `owner/name`. Default: the one of the run
    #[arg(long, value_name = "OWNER/NAME")]
    pub repository: Option<String>,
    /// The commit that goes there, by its full name. Default: the one of the run
    #[arg(long, value_name = "SHA")]
    pub commit: Option<String>,
    /// How long to wait for people: the gate looks again until they have answered. Default: it answers at once
    #[arg(long, value_name = "TIME")]
    pub wait: Option<Period>,
    /// What a gate that waits for people does to the job: `fail` or `continue`. Default: `fail`
    ///
    /// With `continue` the step succeeds, and the steps after it read the output `state`.
    #[arg(long, value_name = "WHAT")]
    pub on_pending: Option<OnPending>,
    /// The token to ask GitHub with. Default: the job's token in a workflow, else none
    #[arg(long, value_name = "TOKEN")]
    pub token: Option<Secret>,
    /// A token that may read the organisation's teams, which the job's may not: `organization: members: read`. Default: none
    #[arg(long, value_name = "TOKEN")]
    pub org_token: Option<Secret>,
    /// Where the record of the decision goes: a file to add it to, `branch:NAME` of this repository, or `s3://BUCKET/PREFIX`. Default: as the gate's `record` says; else in a workflow a file in the runner's temporary folder, on a terminal nowhere
    #[arg(long, value_name = "DESTINATION")]
    pub record: Option<String>,
    /// How long nobody can remove a record in S3, by Object Lock: `365d`. Default: as the gate's `record` says, else it is not locked
    #[arg(long, value_name = "TIME")]
    pub record_retention: Option<Period>,
    /// Logins of private registries, as Docker's `config.json` holds them. Default: `DOCKER_AUTH_CONFIG`, else Docker's own file; for ghcr.io the token
    #[arg(long, value_name = "JSON")]
    pub registry_auth: Option<Secret>,
    /// What holds for every connection.
    #[command(flatten)]
    pub network: sluice_http::Options,
}

/// What a gate that waits for people does to the job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum OnPending {
    /// It fails.
    Fail,
    /// It goes on.
    Continue,
}
