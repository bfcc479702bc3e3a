//! Where the images of a file stand, whatever its format: each document is looked at as what it is.

use sluice_core::Problem;
use sluice_yaml::{Document, Node};

use crate::{
    argo,
    block::{self, Block},
    compose, flux, helm, kustomization, manifest, patch,
    site::Site,
    source::Source,
    walk::Found,
};

/// A file's documents, and those within its texts that hold YAML.
#[derive(Debug)]
pub(crate) struct Parsed {
    pub(crate) documents: Vec<Document>,
    blocks: Vec<Block>,
}

/// What a file holds.
#[derive(Debug, Default)]
pub(crate) struct Sites<'a> {
    /// Its sites, in the order of the documents.
    pub(crate) sites: Vec<Site<'a>>,
    /// Texts that may hold sites and can't be read.
    pub(crate) unread: Vec<Unread<'a>>,
}

/// A text that may hold sites and can't be read.
#[derive(Debug)]
pub(crate) struct Unread<'a> {
    pub(crate) text: &'a str,
    /// Why not.
    pub(crate) problem: Problem,
    /// Whether an entry of the file decides what runs, whatever the text says.
    pub(crate) yields_to_entries: bool,
}

impl Parsed {
    pub(crate) fn read(source: &Source) -> Result<Self, Problem> {
        let documents = Document::parse_all(&source.bytes).map_err(|error| misread(error, source))?;
        Ok(Self::of(documents, source))
    }

    /// A file whose documents are at hand.
    pub(crate) fn of(documents: Vec<Document>, source: &Source) -> Self {
        let blocks = roots(&documents).flat_map(|root| block::blocks(&root, source)).collect();
        Self { documents, blocks }
    }

    /// Whether the file is a kustomization.
    pub(crate) fn is_kustomization(&self, source: &Source) -> bool {
        source.is_kustomization() || self.documents.iter().any(|document| is_kustomization(document.root()))
    }

    /// The sites of the file.
    pub(crate) fn sites<'a>(&'a self, source: &Source) -> Result<Sites<'a>, Problem> {
        let mut sites = Vec::new();
        if self.is_kustomization(source) {
            sites = kustomization::sites(&self.documents, source)?;
            // kustomize sets the images of its entries last, over whatever patches and charts say.
            let mut others = kustomization::chart_sites(&self.documents, source);
            others.extend(self.blocks.iter().flat_map(|block| block.sites(source)));
            others.retain(|other| !sites.iter().any(|entry| entry.name == other.name));
            sites.extend(others);
        } else {
            for root in roots(&self.documents) {
                let found = sites_of(&root, source)?;
                let marked = flux::marked(root, &found, source);
                sites.extend(found.into_iter().chain(marked));
            }
            sites.extend(self.blocks.iter().flat_map(|block| block.sites(source)));
        }
        let unread = self.blocks.iter().filter_map(|block| block.unread(source));
        Ok(Sites { sites, unread: unread.collect() })
    }
}

/// The documents, each with the way to it.
pub(crate) fn roots(documents: &[Document]) -> impl Iterator<Item = Found<'_>> {
    let several = documents.len() > 1;
    documents.iter().enumerate().map(move |(number, document)| Found::root(document, number, several))
}

/// The sites of one document.
fn sites_of<'a>(root: &Found<'a>, source: &Source) -> Result<Vec<Site<'a>>, Problem> {
    let (group, kind) = (group(root.node), text(root.node, "kind"));
    Ok(match (group, kind) {
        _ if argo::is_one(root.node) => argo::sites(root.clone(), source),
        (Some("helm.toolkit.fluxcd.io"), Some("HelmRelease")) => flux::helm_release(root, source)?,
        (Some("kustomize.toolkit.fluxcd.io"), Some("Kustomization")) => flux::kustomization(root, source)?,
        // What scans registries names images and runs none: <https://fluxcd.io/flux/components/image/>
        (Some("image.toolkit.fluxcd.io"), _) => Vec::new(),
        // Plugins that kustomize has built in: <https://kubectl.docs.kubernetes.io/references/kustomize/builtins/>
        (Some("builtin"), Some("HelmChartInflationGenerator")) => kustomization::chart(root, source),
        (Some("builtin"), Some("ImageTagTransformer")) => kustomization::transformer(root, source)?,
        (Some(_), Some(_)) => manifest::sites(root.clone(), source),
        _ if patch::is_list(root.node) => patch::sites(root.clone(), source),
        _ if compose::is_one(root.node) => compose::sites(root.clone(), source),
        _ => helm::sites(root.clone(), source),
    })
}

pub(crate) fn is_kustomization(root: Node<'_>) -> bool {
    group(root) == Some("kustomize.config.k8s.io")
}

/// The API group of a document: what stands before the slash of its `apiVersion`.
pub(crate) fn group(root: Node<'_>) -> Option<&str> {
    text(root, "apiVersion").map(|version| version.split('/').next().unwrap_or_default())
}

/// The text of a key.
pub(crate) fn text<'a>(root: Node<'a>, key: &str) -> Option<&'a str> {
    root.get(key).ok().flatten().and_then(Node::as_str)
}

pub(crate) fn misread(error: sluice_yaml::Error, source: &Source) -> Problem {
    Problem::misconfigured(error.what).at(source.place(error.place))
}

/// The problem of a value that another tool fills in.
pub(crate) fn template(key: &str, value: Node<'_>, source: &Source) -> Problem {
    Problem::misconfigured(format!("`{key}` is a template: another tool fills it in"))
        .help("set the image where the template gets its values from")
        .at(source.place(value.place()))
}

#[cfg(test)]
mod tests;
