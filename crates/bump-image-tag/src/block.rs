//! Texts that hold YAML themselves: a literal block of Helm values, or of a patch.

use sluice_core::Problem;
use sluice_yaml::Document;

use crate::{
    argo,
    formats::{Unread, group, is_kustomization, misread},
    helm, kustomization, patch,
    site::Site,
    source::Source,
    walk::Found,
};

/// What a text holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Helm values.
    Values,
    /// A patch of a kustomization.
    Patch,
}

/// A text that is read, or why it can't be.
#[derive(Debug)]
pub(crate) struct Block {
    pub(crate) kind: Kind,
    /// The way to it.
    pub(crate) path: String,
    pub(crate) text: String,
    pub(crate) documents: Result<Vec<Document>, sluice_yaml::Error>,
}

/// The texts of a document that hold YAML.
pub(crate) fn blocks(root: &Found<'_>, source: &Source) -> Vec<Block> {
    let (kind, found) = if argo::is_one(root.node) {
        (Kind::Values, argo::values_blocks(root.clone()))
    } else if source.is_kustomization() || is_kustomization(root.node) {
        (Kind::Patch, kustomization::patch_blocks(root))
    } else if group(root.node) == Some("helm.cattle.io") {
        // <https://docs.k3s.io/helm#helmchart-field-definitions>
        (Kind::Values, root.get("spec").and_then(|spec| spec.get("valuesContent")).into_iter().collect())
    } else {
        return Vec::new();
    };
    let texts = found.into_iter().filter(|found| found.node.as_str().is_some() && !found.node.is_null());
    texts.map(|found| Block::read(kind, &found, source)).collect()
}

impl Block {
    fn read(kind: Kind, found: &Found<'_>, source: &Source) -> Self {
        let text = found.node.as_str().unwrap_or_default().to_owned();
        Self {
            kind,
            path: found.path.clone(),
            text,
            documents: Document::parse_block(&source.bytes, found.node),
        }
    }

    /// The sites of the text, where it is read.
    pub(crate) fn sites(&self, source: &Source) -> Vec<Site<'_>> {
        let documents = self.documents.as_deref().unwrap_or_default();
        let several = documents.len() > 1;
        let sites = |(number, document)| {
            let root = Found::root(document, number, several);
            let root = Found { path: format!("{}{}", self.path, root.path), ..root };
            match self.kind {
                Kind::Values => helm::sites(root, source),
                Kind::Patch => patch::sites(root, source),
            }
        };
        documents.iter().enumerate().flat_map(sites).collect()
    }

    /// Why the text is not read; none where it is, and for a patch that does not speak of images.
    pub(crate) fn unread(&self, source: &Source) -> Option<Unread<'_>> {
        let error = self.documents.as_ref().err()?.clone();
        let yields_to_entries = self.kind == Kind::Patch;
        if yields_to_entries && !self.text.contains("image") {
            return None;
        }
        let place = source.place(error.place);
        let problem = if error.refusal.is_some() {
            Problem::misconfigured("this text may hold the image, and can't be looked into")
                .why(error.what)
                .help("write it as a literal block (`|`)")
                .at(place)
        } else {
            misread(error, source)
        };
        Some(Unread { text: &self.text, problem, yields_to_entries })
    }
}
