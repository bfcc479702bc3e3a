//! What this action reads of `.github/sluice.yml`.

use serde::Deserialize;
use sluice_config::{Environments, Gitops, Sections};

/// The sections that tell where overlays are and how they are written.
#[derive(Debug, Default, Deserialize)]
pub struct Config {
    /// The repository that holds the overlays.
    pub gitops: Option<Gitops>,
    /// The environments with their overlays.
    #[serde(default)]
    pub environments: Environments,
}

impl Sections for Config {
    const NAMES: &'static [&'static str] = &["gitops", "environments"];
}
