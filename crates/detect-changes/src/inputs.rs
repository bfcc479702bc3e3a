//! The inputs, as the command line and a workflow spell them.

use std::path::PathBuf;

pub use crate::discover::Discover;
use sluice_core::Secret;

/// Tell which components and filters a change touches
///
/// Two trees of the repository are compared: what is different between them has changed. A run that
/// can not find out what changed fails: it never answers that nothing did.
#[derive(Clone, Debug, Default, clap::Parser)]
pub struct Inputs {
    /// The revision to compare with. Default: what the event of the workflow says
    ///
    /// Any name of a commit or tree that git knows: `origin/main`, `HEAD~1`, a SHA. The two trees are
    /// compared as they are. `last-success` is the commit of the last successful run of this workflow on
    /// this branch. On a terminal the default is `HEAD`.
    #[arg(long, value_name = "REVISION")]
    pub base: Option<String>,
    /// The revision that is asked about. Default: what the event says, and with `base` what is checked out
    ///
    /// On a terminal the default is the working tree: what is checked out with all that is not committed.
    #[arg(long, value_name = "REVISION")]
    pub head: Option<String>,
    /// Filters in the format of dorny/paths-filter: YAML, or the path of a YAML file. Default: none
    ///
    /// A map from the name of a filter to a pattern, a list of patterns, or `status|status: patterns`. A
    /// path is relative to `working-directory`.
    #[arg(long, value_name = "YAML|FILE")]
    pub filters: Option<String>,
    /// Which patterns of a filter must match a file: `some`, `every` or `some-with-excludes`. Default: `some`
    ///
    /// Under `some-with-excludes` a pattern with `!` takes files out that another takes in. Under `some` it
    /// is one like all others, and matches nearly every file.
    #[arg(long, value_name = "WORD")]
    pub predicate_quantifier: Option<Quantifier>,
    /// How to list the files that matched: `none`, `json`, `csv` or `lines`. Default: `none`
    ///
    /// Lists are the outputs `<name>_files`. There is no format for a shell: file names are written by
    /// strangers, and what is read by a shell is run by it. Bytes that are no UTF-8 are shown as `\xNN`.
    #[arg(long, value_name = "FORMAT")]
    pub list_files: Option<ListFiles>,
    /// The components to answer for, by name. Default: all of the configuration
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub components: Vec<String>,
    /// Whether a component changes when one that it needs does. Default: `true`
    #[arg(long)]
    pub dependents: Option<bool>,
    /// The tools by whose files dependencies are found: `terraform`, `kustomize`, `helm`. Default: none
    ///
    /// A component changes with the local modules, bases and charts that its files use, in the cells whose
    /// files do so, through any number of steps. A pattern of the component with `!` leaves files out.
    #[arg(long, value_name = "TOOL", value_delimiter = ',')]
    pub discover: Vec<Discover>,
    /// What a changed file does that no component or filter names: `ignore`, `fail` or `all`. Default: `ignore`
    ///
    /// `fail` ends the run: the configuration is incomplete. `all` counts everything as changed. A file that
    /// a component takes in and leaves out again is named.
    #[arg(long, value_name = "WORD")]
    pub unclassified: Option<Unclassified>,
    /// Show every changed file with its pattern or its dependency, and look for patterns that match no file
    #[arg(long)]
    pub explain: bool,
    /// What to do when there is no telling what to compare with: `fail` or `all`. Default: `fail`
    ///
    /// `fail` ends the run without an answer, `all` answers that everything changed, and says so.
    #[arg(long, value_name = "WORD")]
    pub on_unknown: Option<OnUnknown>,
    /// The repository to look at, as `owner/name`, without a checkout. Default: the one that is checked out
    #[arg(long, value_name = "OWNER/NAME")]
    pub repository: Option<String>,
    /// The token to fetch with what the checkout lacks. Default: the job's token in a workflow, else none
    #[arg(long, value_name = "TOKEN")]
    pub token: Option<Secret>,
    /// The folder to work in, in the repository that is looked at. Default: where the run was started
    ///
    /// Paths in other inputs are relative to it, and `.github/sluice.yml` is that of its repository.
    #[arg(long, value_name = "FOLDER")]
    pub working_directory: Option<PathBuf>,
    /// What holds for every connection.
    #[command(flatten)]
    pub network: sluice_http::Options,
}

/// What to do when there is no telling what to compare with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum OnUnknown {
    /// End without an answer.
    #[default]
    Fail,
    /// Everything counts as changed.
    All,
}

/// What a changed file does that no component or filter names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Unclassified {
    /// Nothing.
    #[default]
    Ignore,
    /// It ends the run: the configuration is incomplete.
    Fail,
    /// Everything counts as changed.
    All,
}

/// Which patterns of a filter must match a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Quantifier {
    /// One is enough. A pattern with `!` is one like all others: it matches nearly every file.
    #[default]
    Some,
    /// All must.
    Every,
    /// One without `!` must, and none with `!` may take the file out again.
    SomeWithExcludes,
}

/// How to list the files that matched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum ListFiles {
    /// Not at all.
    #[default]
    None,
    /// A JSON list.
    Json,
    /// One line of comma-separated values, quoted as RFC 4180 says where needed.
    Csv,
    /// One name a line. A name that holds a line break is refused.
    Lines,
}
