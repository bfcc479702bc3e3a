//! What names an image that is set, and stands where none is known to: it is left as it is, and told.

use sluice_core::{Finding, Verdict};
use sluice_yaml::Node;

use crate::{
    ImageArgument,
    argument::{familiar, parts},
    formats::roots,
    helm,
    select::Looked,
    walk::Found,
};

/// A finding for each text of a file that is a reference to one of the images, in another version than the one that is
/// set, and no site.
pub(crate) fn findings(file: &Looked<'_>, images: &[ImageArgument]) -> Vec<Finding> {
    let (source, parsed) = (&file.read.source, &file.read.parsed);
    let images: Vec<&ImageArgument> = images.iter().filter(|image| may_leave(file, image)).collect();
    // What a kustomization's entries say is said of all that it builds.
    if images.is_empty() || parsed.is_kustomization(source) {
        return Vec::new();
    }
    let sites: Vec<_> = file
        .found
        .sites
        .iter()
        .flat_map(|site| site.slots())
        .filter_map(|slot| slot.value)
        .map(Node::span)
        .collect();
    let is_left = |node: Node<'_>| {
        !sites.contains(&node.span())
            && node.as_str().is_some_and(|text| images.iter().any(|image| differs(text, image)))
    };
    let texts = roots(&parsed.documents).flat_map(Found::mappings).flat_map(|mapping| texts(&mapping));
    texts
        .filter(|(node, _)| !node.is_alias() && is_left(*node))
        .map(|(node, path)| {
            let reason = format!("{} is left as it is at {path}", node.as_str().unwrap_or_default());
            Finding::new(source.name(), Verdict::Skipped, reason)
                .help("no image is known to stand there: if it is one, set it with `at`")
                .at(source.place(node.place()))
        })
        .collect()
}

/// Whether the file names a version of the image more often than its sites do.
fn may_leave(file: &Looked<'_>, image: &ImageArgument) -> bool {
    let name = familiar(&image.name);
    let bytes = &file.read.source.bytes;
    let behind = |at: usize| bytes.get(at + name.len());
    let named =
        memchr::memmem::find_iter(bytes, name).filter(|at| matches!(behind(*at), Some(b':' | b'@'))).count();
    named > file.found.sites.iter().filter(|site| site.is_of(&image.name) && site.is_reference()).count()
}

/// Whether a text is a reference to the image in another version.
fn differs(text: &str, image: &ImageArgument) -> bool {
    let (name, tag, digest) = parts(text);
    let is_other = |wanted: &Option<String>, said: Option<&str>| {
        wanted.as_deref().zip(said).is_some_and(|(wanted, said)| wanted != said)
    };
    familiar(name) == familiar(&image.name)
        && helm::is_name(name)
        && tag.is_none_or(|tag| sluice_core::check_tag(tag).is_ok())
        && (is_other(&image.tag, tag) || is_other(&image.digest, digest))
}

/// The texts of a mapping, and those of the lists in it.
fn texts<'a>(mapping: &Found<'a>) -> Vec<(Node<'a>, String)> {
    let mut texts = Vec::new();
    for value in mapping.node.entries().map(|entry| mapping.below(entry)) {
        if value.node.is_sequence() {
            texts.extend(value.items().into_iter().map(|item| (item.node, item.path)));
        } else {
            texts.push((value.node, value.path));
        }
    }
    texts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{files::Read, formats::Parsed, sandbox, select};

    fn left(file: &str, text: &str, images: &[&str]) -> String {
        let images: Vec<ImageArgument> = images.iter().map(|image| image.parse().unwrap()).collect();
        let source = sandbox::source(file, text);
        let read = [Read { parsed: Parsed::read(&source).unwrap(), source }];
        let lines = findings(&select::look(&read).unwrap()[0], &images);
        let lines =
            lines.iter().map(|finding| format!("{}: {}", finding.place.as_ref().unwrap(), finding.reason));
        lines.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn a_reference_where_none_is_known_to_stand_is_told() {
        let text = "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - image: acme/api:v1\n    env:\n    - {name: NEXT, value: 'acme/api:v1'}\n    - {name: NEW, value: 'acme/api:v2'}\n  baseImage: acme/api@sha256:00\n  images: [acme/api:v0, acme/web:v1]\n  about: see acme/api:v1\n";
        insta::assert_snapshot!(left("app.yaml", text, &["acme/api:v2"]), @r"
        app.yaml:10:12: acme/api:v0 is left as it is at .spec.images[0]
        app.yaml:7:27: acme/api:v1 is left as it is at .spec.containers[0].env[name=NEXT].value
        ");
    }

    #[test]
    fn what_is_set_or_says_the_same_is_not() {
        let values = "a: {image: 'acme/api:v1'}\nb: {repository: acme/api, tag: v1}\nc: acme/api:v2\nd: acme/api\n# acme/api:v1\n";
        assert_eq!(left("values.yaml", values, &["acme/api:v2"]), "");
        let kustomization = "images: [{name: acme/api, newTag: v1}]\nx: acme/api:v1\n";
        assert_eq!(left("kustomization.yaml", kustomization, &["acme/api:v2"]), "");
    }
}
