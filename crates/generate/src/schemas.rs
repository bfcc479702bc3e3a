//! The JSON Schemas of the files that people write and that other programs read, and the page that is made from one.

use std::path::Path;

use schemars::{JsonSchema, generate::SchemaSettings};

use crate::{Generated, reference};

/// Every schema. To add one is to add a line here.
pub(crate) fn all() -> anyhow::Result<Vec<Generated>> {
    let configuration = schema::<sluice_config::Sluice>("sluice")?;
    Ok(vec![
        reference::page(&serde_json::from_str(&configuration.content)?),
        configuration,
        schema::<sluice_core::Report>("report")?,
        schema::<sluice_smoke_test::Checks>("checks")?,
    ])
}

fn schema<T: JsonSchema>(name: &str) -> anyhow::Result<Generated> {
    let mut schema = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<T>();
    let id = format!("{}/blob/main/schemas/{name}.schema.json", env!("CARGO_PKG_REPOSITORY"));
    schema.insert("$id".to_owned(), id.into());
    let content = serde_json::to_string_pretty(&schema)? + "\n";
    Ok(Generated { path: Path::new("schemas").join(format!("{name}.schema.json")), content })
}
