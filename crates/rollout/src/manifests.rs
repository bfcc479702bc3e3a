//! Manifests out of files.

use std::path::{Path, PathBuf};

use serde_json::Value;
use sluice_core::{Context, Place, Problem};
use sluice_kubernetes::Object;
use sluice_yaml::Document;

/// A manifest and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Manifest {
    pub(crate) object: Object,
    pub(crate) place: Place,
}

/// The one manifest of a file.
pub(crate) fn one(file: &Path, cx: &Context) -> Result<Object, Problem> {
    let name = cx.name_of(file);
    match <[Manifest; 1]>::try_from(all(&[file.to_path_buf()], cx)?) {
        Ok([manifest]) => Ok(manifest.object),
        Err(found) => {
            Err(Problem::misconfigured(format!("{name} holds {} manifests, expected one", found.len()))
                .at(Place::file(&name)))
        }
    }
}

/// The manifests of files, in their order; none of them twice.
pub(crate) fn all(files: &[PathBuf], cx: &Context) -> Result<Vec<Manifest>, Problem> {
    let mut manifests: Vec<Manifest> = Vec::new();
    for file in files {
        let name = cx.name_of(file);
        let bytes = std::fs::read(cx.folder().join(file)).map_err(|error| {
            Problem::misconfigured(format!("could not read {name}"))
                .why(error)
                .help("check the path, and that the file was made before this step")
        })?;
        for manifest in parse(&bytes, &name)? {
            let is_same = |other: &&Manifest| {
                other.object.kind() == manifest.object.kind() && other.object.name() == manifest.object.name()
            };
            if let Some(first) = manifests.iter().find(is_same) {
                return Err(Problem::misconfigured(format!(
                    "{}/{} is given twice, first at {}",
                    manifest.object.kind().to_lowercase(),
                    manifest.object.name(),
                    first.place
                ))
                .at(manifest.place));
            }
            manifests.push(manifest);
        }
    }
    Ok(manifests)
}

fn parse(bytes: &[u8], file: &str) -> Result<Vec<Manifest>, Problem> {
    let wrong = |error: sluice_yaml::Error, above: usize| {
        let mut problem = Problem::misconfigured(error.what).at(Place::at(
            file,
            error.place.line + above,
            error.place.column,
        ));
        problem.help = error.suggestion.map(|name| format!("did you mean \"{name}\"?"));
        problem
    };
    let documents = Document::parse_all(bytes).map_err(|error| wrong(error, 0))?;
    let mut starts: Vec<usize> = documents.iter().map(|document| document.place().line).collect();
    starts.push(usize::MAX);
    let lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
    let mut manifests = Vec::new();
    for (document, range) in documents.iter().zip(starts.windows(2)) {
        if document.root().is_null() {
            continue;
        }
        let (from, to) = (range[0] - 1, (range[1] - 1).min(lines.len()));
        let value: Value =
            sluice_yaml::from_slice(&lines[from..to].concat()).map_err(|error| wrong(error, from))?;
        let place = Place::at(file, document.root().place().line, document.root().place().column);
        // What kubectl prints of several objects is one List.
        let items = match (value["kind"].as_str(), value["items"].as_array()) {
            (Some("List"), Some(items)) => items.clone(),
            _ => vec![value],
        };
        for item in items {
            let object = Object::new(item)
                .map_err(|why| Problem::misconfigured("this is no manifest").why(why).at(place.clone()))?;
            manifests.push(Manifest { object, place: place.clone() });
        }
    }
    if manifests.is_empty() {
        return Err(Problem::misconfigured(format!("{file} holds no manifest"))
            .help("check what was to write it: nothing to apply is never a success")
            .at(Place::file(file)));
    }
    Ok(manifests)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_manifests_with_their_places() {
        let text = "# all\napiVersion: v1\nkind: Service\nmetadata: {name: web}\n---\n---\napiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\nspec: {replicas: 2, paused: false}\n";
        let found = parse(text.as_bytes(), "all.yml").unwrap();
        let told: Vec<String> = found
            .iter()
            .map(|manifest| {
                format!("{} {} {}", manifest.place, manifest.object.kind(), manifest.object.name())
            })
            .collect();
        assert_eq!(told, ["all.yml:2:1 Service web", "all.yml:7:1 Deployment web"]);
        assert_eq!(found[1].object.at("/spec/replicas"), Some(&serde_json::json!(2)));
        assert_eq!(found[1].object.at("/spec/paused"), Some(&serde_json::json!(false)));
    }

    #[test]
    fn what_is_no_manifest_is_told_with_its_place() {
        let problem = |text: &str| {
            let problem = parse(text.as_bytes(), "a.yml").unwrap_err();
            format!("{}: {} ({})", problem.place.unwrap(), problem.what, problem.why.unwrap_or_default())
        };
        assert_eq!(
            problem("a: 1\n---\nkind: Service\nmetadata: {name: x}\n"),
            "a.yml:1:1: this is no manifest (it has no apiVersion)"
        );
        assert_eq!(problem(""), "a.yml: a.yml holds no manifest ()");
        assert!(
            problem("apiVersion: v1\nkind: Service\nmetadata: {name: x}\n---\na: [\n")
                .starts_with("a.yml:5:")
        );
    }
}
