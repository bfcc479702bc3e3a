//! The sections of `.github/sluice.yml` that are read.

use indexmap::IndexMap;
use serde::Deserialize;
use sluice_config::{Components, Places, Unread};
use sluice_core::Problems;

use crate::components::Catalog;

/// The sections of `.github/sluice.yml` that detect-changes reads.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Sections {
    /// What can change.
    #[serde(default)]
    pub(crate) components: Components,
    /// Of the environments only the names: `{environment}` captures one of them.
    pub(crate) environments: Option<IndexMap<String, Unread>>,
}

impl sluice_config::Sections for Sections {
    const NAMES: &'static [&'static str] = &["components", "environments"];

    fn check(&self, places: &Places<'_>) -> Problems {
        Catalog::compile(&self.components, |value| places.of(value)).err().unwrap_or_default()
    }
}
