//! The charts in the same repository that a Helm chart depends on.
//!
//! A dependency is local when its repository starts with `file://`:
//! <https://helm.sh/docs/helm/helm_dependency/>

use serde::Deserialize;
use sluice_config::Placed;

use super::{Form, Unread, Use, read_yaml};

/// Whether Helm reads dependencies from a file of this name; the second is that of charts for Helm 2.
pub(super) fn reads(name: &[u8]) -> bool {
    matches!(name, b"Chart.yaml" | b"requirements.yaml")
}

#[derive(Deserialize)]
struct Chart {
    dependencies: Option<Vec<Dependency>>,
}

#[derive(Deserialize)]
struct Dependency {
    repository: Option<Placed<String>>,
}

/// What a file uses.
pub(super) fn uses(content: &[u8]) -> Result<Vec<Use>, Unread> {
    let chart: Option<Chart> = read_yaml(content)?;
    let dependencies = chart.and_then(|chart| chart.dependencies).unwrap_or_default();
    let repositories = dependencies.into_iter().filter_map(|dependency| dependency.repository);
    Ok(repositories
        .filter_map(|repository| {
            let path = repository.strip_prefix("file://")?.to_owned();
            Some(Use {
                path,
                form: Form::Folder,
                place: Some((repository.place.line, repository.place.column)),
            })
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_charts_of_the_same_repository_are_told() {
        let text = "apiVersion: v2\nname: shop\nversion: 1.2.3\ndependencies:\n  - name: common\n    version: 1.x\n    \
             repository: file://../common\n  - {name: redis, version: 1, repository: https://charts.example.com}\n  - name: bundled\n";
        let uses = uses(text.as_bytes()).unwrap();
        assert_eq!(uses.iter().map(ToString::to_string).collect::<Vec<_>>(), ["folder ../common at 7:17"]);
        assert!(super::uses(b"name: x\n").unwrap().is_empty());
        assert!(super::uses(b"").unwrap().is_empty());
        assert!(super::uses(b"{{ template }}: x\n").is_err());
    }
}
